"""part-of-whole: the part of a ratio is all of its events, or none of them.

With `Ratio(bad="requests_total", of='requests_total{code=~"..."}')` every event is bad; with
`bad='requests_total{code="500"}'` of `'requests_total{code="200"}'` no bad event is among those counted, and the
share may be anything: more than 100 % is no share, and the guardrail is blind. With `by=["code"]` each code is bad as a
whole or not at all. A `Usage` of a series by itself is always full, and a `Difference` of a series and
itself always 0; one whose sides match a label of `by=` differently has groups without a pair. Of
several series that are added up, none may be part of another: its events would count twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations

from handrail.declare import Difference, Ratio, Rollout, Usage
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.measured import Measured, measured, written
from handrail.plan import Matcher, Selector
from handrail.promql.syntax import selector

NAME = "part-of-whole"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every share, and every usage."""
    for entry in measured(rollout):
        measure = entry.measure
        if isinstance(measure, Ratio):
            field = "bad" if measure.bad is not None else "good"
            parts, wholes = _read(getattr(measure, field)), _read(measure.of)
            if wrong := _wrong(parts, wholes) or _apart(parts, wholes, measure.by):
                what = f"counts {_all(parts)} of {_all(wholes)}, {wrong}"
                cure = f"correct {field}=, of= or by="
                yield finding(NAME, measure, what, cure, field, about=entry.of)
            yield from _twice(entry, {field: parts, "of": wholes})
        elif isinstance(measure, Usage):
            used, size = _read(measure.used), _read(measure.size)
            if {*map(_plainly, used)} == {*map(_plainly, size)}:
                what = f"compares {_all(used)} with itself, which is always 100 %"
                yield finding(NAME, measure, what, "correct used= or size=", "size", about=entry.of)
            yield from _twice(entry, {"used": used, "size": size})
        elif isinstance(measure, Difference) and (alone := _unpaired(measure)):
            yield finding(NAME, measure, *alone, "minus", about=entry.of)


def _unpaired(measure: Difference) -> tuple[str, str] | None:
    """Why nothing is left, or why there are groups that one side alone has; and what to do."""
    one, other = selector(measure.metric), selector(measure.minus)
    if one.metric == other.metric and set(one.matchers) == set(other.matchers):
        return f"takes {one} from itself, which always leaves 0", "correct metric= or minus="
    for label in measure.by:
        sides = [{matcher for matcher in side.matchers if matcher[0] == label} for side in (one, other)]
        if sides[0] != sides[1]:
            what = f"has '{label}' in by=, which metric= and minus= match differently: what one side alone has is blind"
            return what, "give both the same matchers of it"
    return None


def _read(series: object) -> list[Selector]:
    return [selector(text) for text in written(series)]


def _all(series: Sequence[Selector]) -> str:
    return " and ".join(map(str, series))


def _plainly(one: Selector) -> tuple[str, frozenset[Matcher]]:
    return one.metric, frozenset(one.matchers)


def _covers(one: Selector, other: Selector) -> bool:
    """Whether it surely selects all that the other does."""
    return one.metric == other.metric and set(one.matchers) <= set(other.matchers)


def _twice(entry: Measured, fields: Mapping[str, Sequence[Selector]]) -> Iterator[Finding]:
    for field, several in fields.items():
        for one, other in permutations(several, 2):
            if _covers(one, other):
                what = f"adds {other} to {one}, which already has it"
                yield finding(NAME, entry.measure, what, f"correct {field}=", field, about=entry.of)
                break


def _apart(parts: Sequence[Selector], wholes: Sequence[Selector], by: Sequence[str]) -> str | None:
    """Where series are told apart by what makes them a part, each has all of its events in it, or none."""
    for part in parts:
        like = [whole for whole in wholes if whole.metric == part.metric]
        own = {label for whole in like for label, _, _ in set(part.matchers) - set(whole.matchers)}
        label = next((label for label in by if label in own), None)
        if label is not None:
            return f"and by= has '{label}', of whose values each counts as a whole or not at all"
    return None


def _wrong(parts: Sequence[Selector], wholes: Sequence[Selector]) -> str | None:
    if all(any(_covers(part, whole) for part in parts) for whole in wholes):
        return "which are all of them"
    for part in parts:
        like = [whole for whole in wholes if whole.metric == part.metric]
        both = [Selector(part.metric, (*part.matchers, *whole.matchers)) for whole in like]
        if both and all(one.contradiction is not None for one in both):
            return "and none of them is among these"
    return None
