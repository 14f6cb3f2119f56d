"""`python -m fuzz`: so many accepted declarations past both promtools and amtool, and how many there were."""

from __future__ import annotations

import argparse
import sys
import time

from .run import run


def main() -> int:
    """Run the command; exit code 1 where a judge disagrees."""
    parser = argparse.ArgumentParser(
        prog="fuzz", description="Do the generated tests hold, whatever is declared?"
    )
    parser.add_argument("--accepted", type=int, default=5000, help="how many declarations that lint accepts")
    parser.add_argument("--seed", type=int, default=None)
    wanted = parser.parse_args()
    seed = int(time.time()) if wanted.seed is None else wanted.seed
    began = time.monotonic()
    result = run(wanted.accepted, seed, tell=lambda text: print(text, flush=True))
    print(f"{result} (seed {seed}, {time.monotonic() - began:.0f} s)")
    return 1 if result.disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
