"""histogram-suffix: a histogram is named with the suffix of one of its series.

`Latency("http_request_duration_seconds_bucket", p=95)` would look for `…_bucket_bucket`, find nothing and be blind. A
histogram's name has no `_bucket`, `_count` or `_sum`.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Distribution, Increase, Latency, Rollout, SlowerThan
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.measured import Measured, measured
from handrail.promql.syntax import selector

NAME = "histogram-suffix"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every histogram."""
    for entry in measured(rollout):
        measure = entry.measure
        if isinstance(measure, Latency | SlowerThan | Distribution):
            yield from _suffixed(entry, "histogram")
        elif isinstance(measure, Increase) and measure.slower_than:
            yield from _suffixed(entry, "counter")


def _suffixed(entry: Measured, field: str) -> Iterator[Finding]:
    measure = entry.measure
    name = selector(getattr(measure, field)).metric
    for suffix in ("_bucket", "_count", "_sum"):
        if name.endswith(suffix):
            what = f"names the histogram {name} by one of its series"
            cure = f"write {name.removesuffix(suffix)}"
            yield finding(NAME, measure, what, cure, field, about=entry.of, severity=Severity.fatal)
