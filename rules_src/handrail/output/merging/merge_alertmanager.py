"""Somebody's alertmanager.yml and our fragment → the same file with our part in it, or without it.

Our lines are put in and taken out; every other byte stays. The result is read again: it must say what the file said
before and our part, else nothing is done.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml

from handrail.errors import Problem, Refused, Severity, Where
from handrail.output.merging.list_insertion import Insertions, NoPlace, with_keys_as_before
from handrail.output.merging.marked_parts import Damaged, Part, parts_in
from handrail.output.merging.other_parts import lost, undeclared
from handrail.output.merging.route_conflicts import alerts_of, muting, on_the_way
from handrail.output.merging.their_routes import TheirRoute, inhibitions_of, matchers_in, route_of
from handrail.output.merging.yaml_nodes import Unreadable, entry, line_of, nodes, values
from handrail.plan import Plan

LISTS = ("receivers", "inhibit_rules", "time_intervals")
OF_ALL_RECEIVERS = ("proxy_url", "proxy_from_environment", "proxy_connect_header", "tls_config")
"""Of `global.http_config`: how Alertmanager reaches others, for receivers without an `http_config`."""


@dataclass(frozen=True)
class Configuration:
    """An Alertmanager's configuration: its lines, its nodes, what it says, and the root of its routes."""

    lines: list[str]
    top: yaml.MappingNode
    said: dict[str, Any]
    root: TheirRoute


def read(text: str, file: str) -> Configuration:
    """What the file is. Raises Refused where it is no configuration of an Alertmanager."""
    try:
        top = nodes(text)
        said = values(top)
    except Unreadable as error:
        cure = "give an alertmanager.yml as Alertmanager itself reads it"
        raise refused(file, error.line, f"the file cannot be read: {error.why}", cure) from None
    route = entry(top, "route")
    receivers = said.get("receivers")
    named = isinstance(receivers, list) and all(isinstance(one, dict) and "name" in one for one in receivers)
    if route is None or not isinstance(route[1], yaml.MappingNode) or not named:
        what = "the file is no configuration of an Alertmanager: it needs a route and receivers with names"
        raise refused(file, 1, what, "give the alertmanager.yml itself, not what carries it")
    return Configuration(text.split("\n"), top, said, route_of(route[1]))


def without(text: str, file: str, environment: str | None = None) -> str:
    """The file without the part of this environment; without any part of ours if none is named. Raises Refused."""
    lines = text.split("\n")
    gone: set[int] = set()
    for part in _parts(lines, file):
        if environment in (None, part.environment):
            gone |= {*range(part.first, part.last + 1)}
    left = "\n".join(line for number, line in enumerate(lines) if number not in gone)
    return with_keys_as_before(left, read(left, file).top)


def environments_in(text: str, file: str) -> list[str]:
    """Those that have a part in the file. Raises Refused."""
    return sorted({part.environment for part in _parts(text.split("\n"), file)})


def merged(text: str, fragment: str, environment: str, under: Sequence[str], file: str) -> str:
    """The file with the fragment in it, in the place of the one before. Raises Refused.

    `under` says which route ours comes below: by its receiver or by matchers of it; the root if empty.
    """
    lines = text.split("\n")
    if gone := [*lost(lines, _parts(lines, file), fragment, environment, file)]:
        raise Refused(gone)
    theirs = read(without(text, file, environment), file)
    parent = parent_of(theirs, under, file)[-1]
    ours, said = _sections(fragment), values(nodes(fragment))
    for key, word in (("receivers", "receiver"), ("time_intervals", "time interval")):
        _refuse_known_names(theirs, key, word, said.get(key, ()), file)
    insertions = Insertions(theirs.lines, _parts(theirs.lines, file), environment, theirs.top)
    places = [(parent.node, "routes", _as_item(ours["route"]), [said["route"]])]
    places += [(theirs.top, key, ours[key], said[key]) for key in LISTS if said.get(key)]
    for mapping, key, lines, items in places:
        try:
            insertions.add(mapping, key, lines, items)
        except NoPlace as error:
            raise refused(file, error.line, error.what, error.cure) from None
    return _verified(insertions, theirs, file)


def _verified(insertions: Insertions, theirs: Configuration, file: str) -> str:
    """The text with all that is put in. Raises Refused if it says anything else than theirs and ours."""
    made = "\n".join(insertions.lines())
    try:
        said: object = values(nodes(made))
    except Unreadable:
        said = None
    if said != insertions.expected(theirs.top):
        what = "our part cannot be put in without changing something of yours"
        cure = "write route, its routes, receivers, inhibit_rules and time_intervals one item a line (`- …`), without aliases"
        raise refused(file, theirs.root.line, what, cure)
    return made


def _sections(fragment: str) -> dict[str, list[str]]:
    """Each key of the fragment, and the lines below it."""
    sections: dict[str, list[str]] = {}
    for line in fragment.splitlines():
        if line[:1] not in ("#", " ", "-", ""):
            key = line.partition(":")[0]
            sections[key] = []
        elif sections:
            sections[key].append(line)
    return sections


def _as_item(route: Sequence[str]) -> list[str]:
    first, *others = route
    return [f"- {first.strip()}", *others]


def _refuse_known_names(theirs: Configuration, key: str, word: str, items: Sequence[Any], file: str) -> None:
    ours = {item["name"] for item in items}
    listed = entry(theirs.top, key)
    for item in listed[1].value if listed else ():
        name = values(item)["name"]
        if name in ours:
            what = f"a {word} is called '{name}' already, and so is one of ours"
            cure = "rename it; or remove it, with its routes, if it was put here by hand from generated/"
            raise refused(file, line_of(item), what, cure)


def conflicts(text: str, plan: Plan, under: Sequence[str], file: str) -> list[Problem]:
    """What in the file keeps our alerts from us or theirs from them; our own parts in it do not count. Raises Refused."""
    theirs = read(text, file)
    own = _own_lines(theirs, file)
    alerts = alerts_of(plan)
    path = [_only_theirs(route, own) for route in parent_of(theirs, under, file)]
    rules = [rule for rule in inhibitions_of(theirs.top) if rule.line not in own]
    return sorted({*on_the_way(path, alerts, file), *muting(rules, alerts, file)})


def of_others(text: str, declared: Collection[str], file: str) -> list[Problem]:
    """Parts of ours that are in the file and are of no environment that is declared here. Raises Refused."""
    return [*undeclared(_parts(text.split("\n"), file), declared, file)]


def beside_ours(text: str, file: str) -> list[Problem]:
    """What the whole configuration says and our receivers do not go by. Raises Refused."""
    above = entry(read(text, file).top, "global")
    http_config = entry(above[1], "http_config") if above and isinstance(above[1], yaml.MappingNode) else None
    said = [key for key in OF_ALL_RECEIVERS if http_config and key in values(http_config[1])]
    if not http_config or not said:
        return []
    what = f"our receivers do not go by this ({', '.join(said)}): each has an http_config of its own"
    cure = "see that Alertmanager reaches Handrail's receiver and the channels of people without it"
    return [Problem(Where(file, line_of(http_config[0])), Severity.warning, what, cure)]


def _only_theirs(route: TheirRoute, own: Container[int]) -> TheirRoute:
    return replace(route, below=tuple(below for below in route.below if below.line not in own))


def _own_lines(theirs: Configuration, file: str) -> frozenset[int]:
    """The lines of our parts, counted from 1."""
    parts = _parts(theirs.lines, file)
    return frozenset(line for part in parts for line in range(part.first + 1, part.last + 2))


def parent_of(theirs: Configuration, under: Sequence[str], file: str) -> tuple[TheirRoute, ...]:
    """The route that ours comes below, and those that lead to it, the root first. Raises Refused."""
    own = _own_lines(theirs, file)
    paths = [path for path in theirs.root.paths() if path[-1].line not in own]
    if not under:
        return paths[0]
    meant = [path for path in paths if all(_is_meant(path[-1], text) for text in under)]
    what = " and ".join(f"'{text}'" for text in under)
    if not meant:
        known = ", ".join(dict.fromkeys(path[-1].receiver for path in paths))
        cure = f"give one of these receivers, or a matcher as it stands there: {known}"
        raise refused(file, theirs.root.line, f"no route is known by {what}", cure)
    if len(meant) > 1:
        where = ", ".join(str(path[-1].line) for path in meant)
        cure = "give --under again, with a matcher that only the right one has"
        raise refused(file, meant[0][-1].line, f"several routes are known by {what}: lines {where}", cure)
    return meant[0]


def refused(file: str, line: int, what: str, cure: str) -> Refused:
    """One problem at one line of the file."""
    return Refused([Problem(Where(file, line), Severity.error, what, cure)])


def _is_meant(route: TheirRoute, text: str) -> bool:
    asked = matchers_in(text)
    known = route.conditions.matchers
    return route.receiver == text or (asked is not None and known is not None and {*asked} <= {*known})


def _parts(lines: Sequence[str], file: str) -> list[Part]:
    try:
        return parts_in(lines)
    except Damaged as error:
        raise refused(file, error.line, error.what, error.cure) from None
