"""A rollout → every measure in it, and whose it is: what a guardrail judges, an objective counts and a panel draws."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import get_args, get_type_hints

from handrail.declare import Guardrail, Panel, Rollout, Slo, TimeSlices, While
from handrail.declare.dashboard import Drawable, drawn
from handrail.declare.field_types import Series, Several
from handrail.lint.common.limit_figures import cached


@dataclass(frozen=True)
class Drawn:
    """A panel, called by its title."""

    name: str


@dataclass(frozen=True)
class Measured:
    """A measure without the condition it is bound to, which is one of its own.

    `of` is whose it is. `arms` says whether it is read of one arm, `panel` the panel that draws it.
    """

    of: Guardrail | Slo | Drawn
    measure: Drawable
    arms: bool
    panel: Panel | None = None


def measured(rollout: Rollout) -> tuple[Measured, ...]:
    """Guardrails with their further reasons, then objectives, then panels."""
    return cached(rollout, "_measured", _measured)


def _measured(rollout: Rollout) -> Iterator[Measured]:
    for guardrail in rollout.guardrails:
        arms = rollout.arms is not None and not guardrail.whole_service
        others = [other.measure for tier in guardrail.tiers for other in tier.or_]
        for measure in (guardrail.measure, *others):
            yield from (Measured(guardrail, part, arms) for part in parts(measure))
    for slo in rollout.slos:
        measure = slo.measure.measure if isinstance(slo.measure, TimeSlices) else slo.measure
        yield Measured(slo, measure, arms=False)
    for panel in (panel for page in rollout.dashboards for panel in drawn(page)):
        for shown in curves(panel):
            yield from (Measured(Drawn(panel.title), part, arms=False, panel=panel) for part in parts(shown))


def curves(panel: Panel) -> tuple[Drawable, ...]:
    """What a panel draws."""
    several = panel.curves
    return tuple(several.values()) if isinstance(several, Mapping) else (several,)


def parts(measure: Drawable) -> tuple[Drawable, ...]:
    """The measure itself; one that is bound to a condition and that condition."""
    return (measure.measure, measure.condition) if isinstance(measure, While) else (measure,)


def series(measure: Drawable) -> Iterator[tuple[str, str]]:
    """The series that a measure looks at, by the field that says so."""
    kind: type = type(measure)
    for field in _series_fields(kind):
        yield from ((field, text) for text in written(getattr(measure, field)))


@cache
def _series_fields(measure: type) -> tuple[str, ...]:
    """The fields that hold series, or several of them, by their types."""
    types = get_type_hints(measure, include_extras=True)
    return tuple(field.name for field in fields(measure) if _holds_series(types[field.name]))


def _holds_series(kind: object) -> bool:
    return kind in (Series, Several) or any(map(_holds_series, get_args(kind)))


def written(series: object) -> tuple[str, ...]:
    """The series of a field: one, several that are added up, or none where it holds something else."""
    if isinstance(series, str):
        return (series,)
    return tuple(series) if isinstance(series, tuple | list) else ()
