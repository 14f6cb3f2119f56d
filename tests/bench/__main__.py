"""`make bench`: the compiler beside promtool, what this repository's rollouts cost, and what an SLO reads, in one run."""

import argparse

from bench import scale, six_rollouts

parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
parser.add_argument("--full", action="store_true", help="promtool over all of the thousand guardrails")
scale.main(full=parser.parse_args().full)
six_rollouts.main()

from bench import slo_samples  # noqa: E402  what this process has loaded counts as memory of those that it starts

slo_samples.main()
