"""`python -m end_to_end.bench_rollback` → the two figures of docs/explanation/benchmarks.md that need real servers.

Beside each stands for how much of the time something on the machine had to wait for a CPU: where that is
much, the figures say more about the machine than about Handrail. Exits 1 when the receiver needs more than
50 ms at the 99th percentile.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from . import delivery, rollback

LIMIT = 0.050
JUDGED = "webhook -> weight 0"
MEASURES: tuple[tuple[str, Callable[[Path, int], Iterator[float]], int], ...] = (
    (JUDGED, rollback.measure, 50),
    ("breach -> webhook", delivery.measure, 10),
)


def main() -> int:
    """Measure both, print a line for each, and judge the first."""
    worst: dict[str, float] = {}
    for name, measure, runs in MEASURES:
        began, waited = time.monotonic(), _waited()
        with tempfile.TemporaryDirectory(prefix="handrail-bench-") as folder:
            seconds = sorted(measure(Path(folder), runs))
        short = (_waited() - waited) / (time.monotonic() - began)
        worst[name] = statistics.quantiles(seconds, n=100, method="inclusive")[98]
        _say(
            f"{name}: {runs} runs, p50 {_ms(statistics.median(seconds))}, p99 {_ms(worst[name])}, "
            f"from {_ms(seconds[0])} to {_ms(seconds[-1])}; short of CPU {short:.0%} of the time"
        )
    return 0 if worst[JUDGED] < LIMIT else 1


def _waited() -> float:
    """Seconds since the machine began in which something waited for a CPU; 0 where Linux does not tell."""
    try:
        some = Path("/proc/pressure/cpu").read_text().splitlines()[0]
    except OSError:
        return 0.0
    return int(some.rpartition("total=")[2]) / 1e6


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
