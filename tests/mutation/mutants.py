"""A group of rules as data → mutants: the same group with one field of one rule changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from handrail.contract import names
from handrail.emit.document import Data
from handrail.units import duration, span

from .expressions import changes
from .kinds import kind
from .meaning import pinned


@dataclass(frozen=True)
class Mutant:
    """One wrong group. `rule` is the rule that is wrong, `what` says how, `name` is both.

    Of a recording `kind` is that of its rule, and `place` says how it is wrong in words that are those of all rules of the
    kind; of an alert both are empty.
    """

    group: str
    rule: str
    what: str
    data: Data
    kind: str = ""
    place: str = ""

    @property
    def name(self) -> str:
        """What is in the report, and in docs/maintainers/mutants.md if it survives."""
        return f"{self.group} {self.rule}: {self.what}"


def mutants(group: Data, evaluate: timedelta, only: str | None = None) -> Iterator[Mutant]:
    """Every mutant of a group, in the order of its rules, or only those of one rule."""
    for index, rule in enumerate(group["rules"]):
        name = rule.get("alert") or _recorded(rule)
        if only not in (None, name):
            continue
        own = kind(rule) if "record" in rule else ""
        for what, place, changed in _wrong(rule, evaluate):
            whole = {**group, "rules": [*group["rules"][:index], changed, *group["rules"][index + 1 :]]}
            yield Mutant(group["name"], name, what, whole, own, place if own else "")


def _recorded(rule: Data) -> str:
    labels = rule["labels"]
    about = labels.get(names.SIGNAL) or labels.get(names.WINDOW)
    return f"{rule['record']}{f' ({about})' if about else ''}"


def _wrong(rule: Data, evaluate: timedelta) -> Iterator[tuple[str, str, Data]]:
    """What is wrong, where, and the rule that is."""
    if rule.get("record", "").endswith(":info"):
        return
    for change in changes(rule["expr"]):
        yield change.what, change.place, {**rule, "expr": change.expr}
    for what, changed in (
        *_times(rule, "for", evaluate),
        *_times(rule, "keep_firing_for", evaluate),
        *_labels(rule),
    ):
        yield what, what, changed


def _labels(rule: Data) -> Iterator[tuple[str, Data]]:
    own = pinned(rule["expr"])
    for label in rule["labels"]:
        others = {key: value for key, value in rule["labels"].items() if key != label}
        if (label, rule["labels"][label]) not in own:
            yield f"label {label} dropped", {**rule, "labels": others}
        yield f"label {label} changed", {**rule, "labels": {**rule["labels"], label: "changed"}}
    for annotation, text in rule.get("annotations", {}).items():
        changed = {**rule["annotations"], annotation: f"{text} changed"}
        yield f"annotation {annotation} changed", {**rule, "annotations": changed}


def _times(rule: Data, field: str, evaluate: timedelta) -> Iterator[tuple[str, Data]]:
    if "record" in rule:
        return
    now = duration(rule[field]) if field in rule else timedelta()
    if now:
        yield f"{field} dropped", {key: value for key, value in rule.items() if key != field}
        yield f"{field} an evaluation shorter", {**rule, field: span(max(now - evaluate, timedelta()))}
    yield f"{field} an evaluation longer", {**rule, field: span(now + evaluate)}
