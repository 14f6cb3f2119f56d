"""part-of-whole: the part of a ratio is all of its events, or none of them.

With `Ratio(bad="requests_total", of='requests_total{code=~"..."}')` every event is bad; with
`bad='requests_total{code="500"}'` of `'requests_total{code="200"}'` no bad event is among those counted, and the
share may be anything: more than 100 % is no share, and the guardrail is blind. With `by=["code"]` each code is bad as a
whole or not at all. A `Usage` of a series by itself is always full, and a `Difference` of a series and
itself always 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handrail.declare import Difference, Ratio, Rollout, Usage
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.measured import measured
from handrail.plan import Selector
from handrail.promql.syntax import selector

NAME = "part-of-whole"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every share, and every usage."""
    for entry in measured(rollout):
        measure = entry.measure
        if isinstance(measure, Ratio):
            field = "bad" if measure.bad is not None else "good"
            part, whole = selector(str(getattr(measure, field))), selector(measure.of)
            if wrong := _wrong(part, whole) or _apart(part, whole, measure.by):
                cure = f"correct {field}=, of= or by="
                yield finding(
                    NAME, measure, f"counts {part} of {whole}, {wrong}", cure, field, about=entry.of
                )
        elif isinstance(measure, Usage) and isinstance(measure.size, str):
            used, size = selector(measure.used), selector(measure.size)
            if used.metric == size.metric and set(used.matchers) == set(size.matchers):
                what = f"compares {used} with itself, which is always 100 %"
                yield finding(NAME, measure, what, "correct used= or size=", "size", about=entry.of)
        elif isinstance(measure, Difference):
            one, other = selector(measure.metric), selector(measure.minus)
            if one.metric == other.metric and set(one.matchers) == set(other.matchers):
                what = f"takes {one} from itself, which always leaves 0"
                yield finding(NAME, measure, what, "correct metric= or minus=", "minus", about=entry.of)


def _apart(part: Selector, whole: Selector, by: Sequence[str]) -> str | None:
    """Where series are told apart by what makes them a part, each has all of its events in it, or none."""
    own = {label for label, _, _ in set(part.matchers) - set(whole.matchers)}
    label = next((label for label in by if label in own), None)
    if part.metric != whole.metric or label is None:
        return None
    return f"and by= has '{label}', of whose values each counts as a whole or not at all"


def _wrong(part: Selector, whole: Selector) -> str | None:
    if part.metric != whole.metric:
        return None
    if set(part.matchers) <= set(whole.matchers):
        return "which are all of them"
    if Selector(part.metric, (*part.matchers, *whole.matchers)).contradiction is not None:
        return "and none of them is among these"
    return None
