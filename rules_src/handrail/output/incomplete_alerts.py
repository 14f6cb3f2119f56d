"""A rollout and its files → alerts that lead nowhere.

Every alert needs a rule, a test, a panel, the section of the runbook that it links to, a route to somebody, and an
action that the playbook has. The emitted files themselves are read, so that no emitter can forget something.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from handrail.contract import names
from handrail.errors import Problem, Severity
from handrail.output.read_yaml import read_yaml
from handrail.plan import Absence, Alert, Guardrail, Rollout, Slo
from handrail.plan.routing import routes_of

NAME = "incomplete-alert"

_RULE = re.compile(r"- alert: (\S+)\n")
_LINKS = re.compile(r"runbook_url: (\S+)\n\s+dashboard_url: (\S+)")
_TESTED = re.compile(r'alertname(?:: |=")(\w+)')
_UNTESTED = re.compile(r"^# cannot be tested: (.+)$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_VALUE = re.compile(names.VALUE + r'\{[^}]*guardrail="([^"]+)"')
_RATIO = re.compile(names.SLO_RATIO + r'\{[^}]*slo="([^"]+)"')
_OURS = "this is a mistake in Handrail: please report it"


@dataclass(frozen=True)
class Emitted:
    """What an alert can find in the files of one rollout."""

    links: Mapping[str, tuple[str, str]]
    tested: frozenset[str]
    untested: str
    """Why some alerts have no test, as the test file says it."""
    shown: frozenset[str]
    headings: Counter[str]
    receivers: frozenset[str]


def check(rollout: Rollout, files: Mapping[str, str], receivers: frozenset[str]) -> list[Problem]:
    """Everything that is missing from the rollout's `files`; `receivers` are those that notify somebody."""
    return sorted(_rollout(rollout, _read(rollout, files, receivers)))


UNTESTED = "untested"


def untested(rollout: Rollout, files: Mapping[str, str]) -> list[Problem]:
    """Alerts that no test shows, with the reason that the head of the test file gives: news, and nothing wrong."""
    tests = "".join(files[path] for path in files if names.is_tests_file(path))
    tested, reasons = frozenset(_TESTED.findall(tests)), _UNTESTED.findall(tests)
    cure = "try it by hand, say in a rehearsal"
    chains: tuple[Guardrail | Slo, ...] = (*rollout.guardrails, *rollout.slos)
    return sorted(
        Problem(alert.where, Severity.info, f"alert {alert.name} has no test: {why}", cure, UNTESTED)
        for chain in chains
        for alert in chain.every_alert
        if alert.name not in tested
        for why in [_reasons(dict(alert.labels)[names.GUARDRAIL], reasons)]
        if why
    )


def _reasons(about: str, lines: Sequence[str]) -> str:
    own = (line.rpartition(": ")[2] for line in lines if line.startswith((f"{about}:", f"{about},")))
    return ", ".join(dict.fromkeys(own))


def _read(rollout: Rollout, files: Mapping[str, str], receivers: frozenset[str]) -> Emitted:
    tests = "".join(files[path] for path in files if names.is_tests_file(path))
    return Emitted(
        links=_links(files[names.rules_file(rollout.name)]),
        tested=frozenset(_TESTED.findall(tests)),
        untested="\n".join(_UNTESTED.findall(tests)),
        shown=_shown(files[names.dashboard_file(rollout.name)]),
        headings=Counter(map(anchor, _HEADING.findall(files[names.runbook_file(rollout.name)]))),
        receivers=receivers,
    )


def anchor(heading: str) -> str:
    """`If Handrail is down` → `if-handrail-is-down`: the anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def _links(rules: str) -> dict[str, tuple[str, str]]:
    _, *parts = _RULE.split(rules)
    urls = {}
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        links = _LINKS.search(text)
        urls[name] = (links[1], links[2]) if links else ("", "")
    return urls


def _shown(dashboard: str) -> frozenset[str]:
    """What has a panel: guardrails and objectives by their recorded values, heartbeat, escalations and the receiver by ALERTS."""
    panels = json.loads(dashboard)["panels"]
    queries = "\n".join(target["expr"] for panel in panels for target in panel.get("targets", ()))
    shown = {*_VALUE.findall(queries), *(f"slo-{name}" for name in _RATIO.findall(queries))}
    shown |= {names.HEARTBEAT} if f'alertname="{names.HEARTBEAT_ALERT}"' in queries else set()
    by_alerts = {names.ESCALATION, names.RECEIVER_GUARDRAIL}
    return frozenset(shown | (by_alerts if "ALERTS{rollout=" in queries else set()))


def notifying_receivers(alertmanager: str) -> frozenset[str]:
    """The receivers in alertmanager.yml, or in a fragment of one, that notify somebody."""
    data = read_yaml(alertmanager)
    return frozenset(receiver["name"] for receiver in data["receivers"] if len(receiver) > 1)


def _rollout(rollout: Rollout, emitted: Emitted) -> Iterator[Problem]:
    for alert in (*rollout.alerts, rollout.heartbeat):
        for what, cure in _missing(alert, rollout, emitted):
            yield Problem(alert.where, Severity.error, f"alert {alert.name} {what}", cure, NAME)


def _missing(alert: Alert, rollout: Rollout, emitted: Emitted) -> Iterator[tuple[str, str]]:
    of = dict(alert.labels).get(names.GUARDRAIL, alert.tier)
    if alert.name not in emitted.links:
        yield "has no rule", _OURS
        return
    runbook, dashboard = emitted.links[alert.name]
    count = emitted.headings[of]
    if runbook != f"{rollout.runbook_url}#{of}" or not count:
        yield "has no section in the runbook", _OURS
    elif count > 1:
        yield (
            f"leads to '{of}', and the runbook has {count} sections of that name",
            f"rename the guardrail '{of}'",
        )
    if dashboard != rollout.dashboard_url or of not in emitted.shown:
        yield "has no panel in the dashboard", _OURS
    if alert.name not in emitted.tested and not _explained(alert, of, rollout, emitted):
        yield "has no test, and the test file does not say why", _OURS
    routes = {
        route.receiver
        for route in routes_of(rollout.routing, {names.ALERTNAME: alert.name, **dict(alert.labels)})
    }
    if not (routes or {rollout.routing.receivers[0].name}) & emitted.receivers:
        yield "has no route to anybody", _OURS
    yield from _action(alert, rollout)


def _explained(alert: Alert, of: str, rollout: Rollout, emitted: Emitted) -> bool:
    """Whether the test file says why there is no test, or none is needed.

    Free PromQL may be anything, and an escalation level needs an alert that lasts. A guardrail that judges only an
    Absence is never blind: that nothing is there is its value.
    """
    sees = (
        guardrail.blind
        for guardrail in rollout.guardrails
        if all(isinstance(signal.measure, Absence) for signal in guardrail.signals)
    )
    own = (rollout.heartbeat, *(level.alert for level in rollout.escalation), *sees)
    return alert in own or re.search(rf"(?<![\w-]){re.escape(of)}(?![\w-])", emitted.untested) is not None


def _action(alert: Alert, rollout: Rollout) -> Iterator[tuple[str, str]]:
    known = rollout.playbook.action(alert.action)
    if known is None:
        yield f"asks for '{alert.action}', which the playbook does not know", _OURS
    elif alert.action in names.ACTING and not known.steps:
        yield f"asks for '{alert.action}', which has no steps", "add split= or rollback= to the rollout"
