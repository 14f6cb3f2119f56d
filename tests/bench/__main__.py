"""`make bench`: what this repository's rollouts cost, the compiler beside promtool, and what an SLO reads, in one run."""

import argparse

from bench import scale, six_rollouts, slo_samples

parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
parser.add_argument("--full", action="store_true", help="promtool over all of the thousand guardrails")
six_rollouts.main()
scale.main(full=parser.parse_args().full)
slo_samples.main()
