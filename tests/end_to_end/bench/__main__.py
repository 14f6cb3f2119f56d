"""`python -m end_to_end.bench` → the two figures of docs/benchmarks.md that need real servers.

Exits 1 when the receiver needs more than 50 ms at the 99th percentile.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from . import delivery, rollback

LIMIT = 0.050
MEASURES: tuple[tuple[str, Callable[[Path, int], Iterator[float]], int], ...] = (
    ("webhook -> weight 0", rollback.measure, 50),
    ("breach -> webhook", delivery.measure, 10),
)


def main() -> int:
    """Measure both, print a line for each, and judge the first."""
    worst: dict[str, float] = {}
    for name, measure, runs in MEASURES:
        with tempfile.TemporaryDirectory(prefix="handrail-bench-") as folder:
            seconds = sorted(measure(Path(folder), runs))
        worst[name] = statistics.quantiles(seconds, n=100, method="inclusive")[98]
        print(  # noqa: T201  what it is for
            f"{name}: {runs} runs, p50 {statistics.median(seconds) * 1000:.1f} ms, "
            f"p99 {worst[name] * 1000:.1f} ms, {seconds[0] * 1000:.1f} to {seconds[-1] * 1000:.1f} ms",
            flush=True,
        )
    return 0 if worst["webhook -> weight 0"] < LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
