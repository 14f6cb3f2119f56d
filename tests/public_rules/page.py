"""Declarations of public rule sets → docs/how-to/public-rules.md: `PYTHONPATH=tests .venv/bin/python -m public_rules.page` writes it.

What stands above the first `##` is written by hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from handrail.declare import Guardrail, PromQL, Rollout, Slo
from handrail.loading.load import load
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

SOURCE = Path(__file__).parent / "source"
PAGE = Path(__file__).parents[2] / "docs/how-to/public-rules.md"
AWESOME = "awesome-prometheus-alerts"
SETS = {
    "kubernetes-mixin": ("kubernetes-mixin", "kubernetes-monitoring/kubernetes-mixin"),
    "node-mixin": ("Node exporter's mixin", "prometheus/node_exporter, docs/node-mixin"),
    "strimzi": ("Strimzi", "strimzi/strimzi-kafka-operator, examples/metrics"),
    "cert-manager": ("cert-manager", AWESOME),
    "istio": ("Istio", AWESOME),
    "postgresql": ("PostgreSQL", AWESOME),
    "redis": ("Redis", AWESOME),
    "gitlab": ("GitLab", AWESOME),
    "etcd": ("etcd", AWESOME),
    "rabbitmq": ("RabbitMQ", AWESOME),
    "elasticsearch": ("Elasticsearch", AWESOME),
    "mysql": ("MySQL", AWESOME),
    "haproxy": ("HAProxy", AWESOME),
    "nginx": ("NGINX", AWESOME),
    "blackbox": ("Blackbox exporter", AWESOME),
}
"""Rollout → the set's name and where it comes from, in the order of the page."""
PAIRS = 4
"""So many alerts of public sets, one for each pair of windows, are one Slo."""


@dataclass(frozen=True)
class Row:
    """So many public alerts of one name, as they are declared; `why` not in typed words, if so."""

    alert: str
    alerts: int
    declared: str
    tiers: str
    why: str


def rows(rollout: Rollout) -> Iterator[Row]:
    """Each guardrail and objective of a set."""
    for slo in rollout.slos:
        yield Row(slo.title or slo.name, PAIRS, f"`{said(slo.measure)}`", f"`{_objective(slo)}`", "")
    for one in rollout.guardrails:
        tiers = ", ".join(f"`{said(tier)}`" for tier in one.tiers)
        yield Row(one.title or one.name, len(one.tiers), f"`{said(one.measure)}`", tiers, _why(one))


def _why(guardrail: Guardrail) -> str:
    return guardrail.accept.get("free-promql", "") if isinstance(guardrail.measure, PromQL) else ""


def _objective(slo: Slo) -> str:
    return f'Slo("{slo.name}", …, objective="{slo.objective}")'


def said(thing: Any) -> str:
    """A declaration as somebody writes it: what is left out is as it would be without."""
    if is_dataclass(thing):
        parts = [
            said(value) if _by_position(thing, field) else f"{field.name}={said(value)}"
            for field, value in ((field, getattr(thing, field.name)) for field in fields(thing))
            if value != _default(type(thing), field)
        ]
        return f"{type(thing).__name__}({', '.join(parts)})"
    if isinstance(thing, str):
        return f"'{thing}'" if '"' in thing else f'"{thing}"'
    if isinstance(thing, Mapping):
        return "{" + ", ".join(f"{said(key)}: {said(value)}" for key, value in thing.items()) + "}"
    if isinstance(thing, Sequence):
        return "[" + ", ".join(map(said, thing)) + "]"
    return f"{thing:g}" if isinstance(thing, float) else repr(thing)


def _by_position(thing: Any, field: Field[Any]) -> bool:
    return not field.kw_only and (type(thing).__name__, field.name) not in (("Latency", "p"), ("Ratio", "of"))


def _default(cls: Any, field: Field[Any]) -> Any:
    info: FieldInfo = cls.__pydantic_fields__[field.name]
    if info.default_factory is not None:
        return info.default_factory()  # type: ignore[call-arg]
    return MISSING if info.default is PydanticUndefined else info.default


def sets() -> dict[str, tuple[Row, ...]]:
    """Each set and its rows, in the order of the page."""
    declared = {rollout.name: tuple(rows(rollout)) for rollout in load(SOURCE).rollouts}
    return {name: declared[name] for name in SETS}


def counted(found: Mapping[str, tuple[Row, ...]]) -> tuple[int, int]:
    """How many alerts there are, and how many of them in typed words."""
    every = [row for several in found.values() for row in several]
    return sum(row.alerts for row in every), sum(row.alerts for row in every if not row.why)


def page(by_hand: str) -> str:
    """The whole page; `by_hand` stands before the tables."""
    found = sets()
    parts = [by_hand.rstrip("\n"), "", *_table_of_sets(found)]
    for name, several in found.items():
        title, source = SETS[name]
        parts += [
            "",
            f"## {title}",
            "",
            f"From {source}.",
            "",
            "| alert | measure | tiers |",
            "|---|---|---|",
        ]
        parts += [_line(row) for row in several]
    return "\n".join(parts) + "\n"


def _table_of_sets(found: Mapping[str, tuple[Row, ...]]) -> Iterator[str]:
    yield from ("## How many are typed", "", "| set | alerts | typed | PromQL |", "|---|---|---|---|")
    for name, several in found.items():
        every, typed = counted({name: several})
        yield f"| [{SETS[name][0]}](#{_anchor(SETS[name][0])}) | {every} | {typed} | {every - typed} |"
    every, typed = counted(found)
    yield f"| all {len(found)} | {every} | {typed} | {every - typed} |"


def _anchor(heading: str) -> str:
    return heading.lower().replace("'", "").replace(" ", "-")


def _line(row: Row) -> str:
    measure = f"PromQL: {row.why}" if row.why else row.declared
    cells = (row.alert, measure, row.tiers)
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text().partition("## ")[0]))
