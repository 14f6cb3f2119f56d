"""same-name-twice: two things that only their names distinguish have the same name.

Rollouts, environments, and the stages, guardrails, objectives, probes, dashboards and escalation levels of a rollout, and the
further measures of a guardrail: their files, metrics and alerts would be one, and one would hide the other. Grafana
shows only one of two dashboards of the same title in a folder, so the titles of all rollouts' dashboards count too.
On Kubernetes the last part of a secret's path is its key: `/etc/a/token` and `/etc/b/token` would be one token, sent
to both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from handrail.contract import names
from handrail.declare import Environment, Guardrail, Rollout
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, Named, finding

NAME = "same-name-twice"

MAIN = "main"
"""The dashboard that every rollout has."""
_RESERVED = (names.HEARTBEAT, names.ESCALATION, names.ROLLOUT, names.SAMPLE_RATIO, names.RECEIVER_GUARDRAIL)
_CHANGES = "changes"
_SECRETS = (
    "url_file",
    "routing_key_file",
    "api_key_file",
    "password_file",
    "token_file",
    "ca_file",
    "cert_file",
    "key_file",
)


def check(rollout: Rollout) -> Iterator[Finding]:
    """Within one rollout."""
    inside = f"rollout '{rollout.name}'"
    yield from _twice("stage", rollout.stages, inside)
    yield from _twice("escalation level", rollout.escalation, inside)
    yield from _twice("dashboard", rollout.dashboards, inside)
    yield from _twice("guardrail", rollout.guardrails, inside)
    yield from _twice("objective", rollout.slos, inside)
    yield from _twice("probe", rollout.probes, inside)
    for guardrail in rollout.guardrails:
        yield from _measures(guardrail)
    yield from _reserved(rollout.guardrails)


def across(rollouts: Sequence[Rollout], environments: Sequence[Environment]) -> Iterator[Finding]:
    """Across the whole source folder."""
    yield from _twice("rollout", rollouts, "the source folder")
    yield from _twice("environment", environments, "the source folder")
    yield from _alerts(rollouts)
    yield from _pages(rollouts)
    yield from _titles(rollouts)
    yield from _keys(rollouts, environments)


def _twice(kind: str, things: Sequence[Named], inside: str) -> Iterator[Finding]:
    seen: set[str] = set()
    for thing in things:
        if thing.name in seen:
            yield _fatal(thing, f"{inside} has two {kind}s called '{thing.name}'")
        seen.add(thing.name)


def _measures(guardrail: Guardrail) -> Iterator[Finding]:
    seen: dict[str, object] = {}
    for other in (other for tier in guardrail.tiers for other in tier.or_):
        if other.name == _CHANGES:
            yield _fatal(
                other, f"guardrail '{guardrail.name}' calls a measure '{_CHANGES}', a word Handrail uses"
            )
        if seen.setdefault(other.name, other.measure) != other.measure:
            yield _fatal(other, f"guardrail '{guardrail.name}' has two measures called '{other.name}'")


def _reserved(judged: Iterable[Named]) -> Iterator[Finding]:
    for thing in judged:
        if thing.name in _RESERVED or thing.name.startswith(f"{names.ESCALATION}-"):
            yield _fatal(thing, f"a guardrail is called '{thing.name}', a word Handrail uses itself")


def _alerts(rollouts: Sequence[Rollout]) -> Iterator[Finding]:
    seen: dict[str, tuple[str, str]] = {}
    for rollout in rollouts:
        judged = [(guardrail, guardrail.name) for guardrail in rollout.guardrails]
        objectives = [(slo, f"slo-{slo.name}") for slo in rollout.slos]
        for thing, name in (*judged, *objectives):
            own = (rollout.name, name)
            other = seen.setdefault(names.alert_name(*own, ""), own)
            if other != own:
                yield _fatal(thing, f"{' '.join(other)} and {' '.join(own)} give the same alert names")


def _pages(rollouts: Sequence[Rollout]) -> Iterator[Finding]:
    seen = {names.dashboard_file(rollout.name): rollout.name for rollout in rollouts}
    for rollout in rollouts:
        for page in (page for page in rollout.dashboards if page.name != MAIN):
            other = seen.setdefault(names.dashboard_file(rollout.name, page.name), rollout.name)
            if other != rollout.name:
                yield _fatal(page, f"a dashboard of '{rollout.name}' and one of '{other}' are one file")


def _titles(rollouts: Sequence[Rollout]) -> Iterator[Finding]:
    seen: dict[str, tuple[str, object]] = {}
    for rollout in {rollout.name: rollout for rollout in rollouts}.values():
        for title, at in _titled(rollout):
            other, first = seen.setdefault(" ".join(title.casefold().split()), (rollout.name, at))
            if first is not at:
                what = f"a dashboard of '{other}' and one of '{rollout.name}' are both called '{title}'"
                yield finding(NAME, at, what, "give one of them another title", "title")


def _titled(rollout: Rollout) -> Iterator[tuple[str, object]]:
    """The title of each of its dashboards, and where it was written."""
    title = rollout.title or rollout.name
    own = next((page for page in rollout.dashboards if page.name == MAIN), None)
    yield (own.title, own) if own is not None and own.title else (title, rollout)
    for page in rollout.dashboards:
        if page.name != MAIN:
            yield page.title or f"{title}: {page.name}", page


def _keys(rollouts: Sequence[Rollout], environments: Sequence[Environment]) -> Iterator[Finding]:
    for environment in environments:
        seen = {PurePosixPath(environment.token_file).name: environment.token_file}
        routed = (environment.routes, *(rollout.routes for rollout in rollouts))
        for receiver in (one for routes in routed for several in routes.values() for one in several):
            for file in filter(None, (getattr(receiver, name, None) for name in _SECRETS)):
                other = seen.setdefault(PurePosixPath(file).name, file)
                if other != file:
                    what = f"'{other}' and '{file}' are one key of the cluster's Secret"
                    cure = "give one of the files another name"
                    yield finding(NAME, receiver, what, cure, severity=Severity.warning)


def _fatal(thing: object, what: str) -> Finding:
    return finding(NAME, thing, what, "rename one of them", "name", severity=Severity.fatal)
