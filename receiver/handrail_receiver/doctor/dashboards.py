"""Generated dashboards + what Grafana answers → whether it shows them as they were generated, and its data source answers.

Grafana may add what it likes to a dashboard: its number, its version, and what a field is without being set. What was
generated must be there. A Grafana that knows a newer form of dashboards may have rewritten one; then titles and queries
are still compared, and of the rest nobody can say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from handrail.contract import DashboardNeed, Playbook, names
from pydantic import BaseModel, ConfigDict, Field

from handrail_receiver.doctor.findings import Finding, failed, ok, unknown
from handrail_receiver.outside.prometheus import Sample

OWN = frozenset({"id", "version", "schemaVersion"})
"""What Grafana itself sets at the top of a dashboard."""
KEPT = ("title", "expr", "panels")
"""What no newer form of dashboards renames."""
FEW = 3
PROVISION = (
    "let a provider of Grafana's provisioning read the generated grafana/dashboards (compose.yaml does)"
)
REPLACE = f"nobody edits generated dashboards: {PROVISION}, or import the file again"


class HealthAnswer(BaseModel):
    """What /api/health answers to anybody; version and commit are left out where Grafana hides them."""

    database: str
    version: str = ""


class DashboardAnswer(BaseModel):
    """What /api/dashboards/uid/<uid> answers: the dashboard as Grafana has it."""

    model_config = ConfigDict(extra="ignore")
    dashboard: dict[str, Any]


class SourceHealthAnswer(BaseModel):
    """What /api/datasources/uid/<uid>/health answers, with 200 and with 400."""

    status: Literal["OK", "ERROR", "UNKNOWN"]
    message: str = Field(default="", max_length=10_000)


def of_health(url: str, answer: HealthAnswer) -> Finding:
    """Whether Grafana is well."""
    if answer.database == "ok":
        return ok("grafana", f"{url} answers{f' ({answer.version})' * bool(answer.version)}")
    cure = "its own log says why; see 'Grafana does not start' in `handrail docs troubleshooting`"
    return failed("grafana", f"its database is {answer.database}", cure)


def what_is_asked(need: DashboardNeed) -> str:
    """What a line about a dashboard begins with."""
    return f"{need.rollout}: dashboard {need.title}"


def missing(need: DashboardNeed) -> Finding:
    """Grafana has no such dashboard."""
    return failed(what_is_asked(need), f"Grafana has none with the uid {need.uid}", PROVISION)


def of_dashboard(need: DashboardNeed, answer: DashboardAnswer) -> Finding:
    """Whether Grafana shows it as it was generated."""
    there, what = answer.dashboard, what_is_asked(need)
    wanted = {name: value for name, value in need.content.items() if name not in OWN}
    other = list(dict.fromkeys(_differences(wanted, there, "")))
    if not other:
        return ok(what, f"{len(need.content['panels'])} panels, as generated")
    theirs, ours = there.get("schemaVersion"), need.content.get("schemaVersion")
    if theirs != ours and not any(place.endswith(KEPT) for place in other):
        text = f"Grafana has rewritten it from schema {ours} to {theirs}, and it differs in {_listed(other)}"
        return unknown(what, text, "its titles and queries are as generated; look at the rest by eye")
    return failed(what, f"it is not as generated: {_listed(other)}", REPLACE)


def _differences(wanted: Any, there: Any, place: str) -> Iterator[str]:
    """The places in `there` that lack what is wanted; what is empty or off may be left out there."""
    if isinstance(wanted, Mapping) and isinstance(there, Mapping):
        for name, value in wanted.items():
            if name in there:
                yield from _differences(value, there[name], _inside(place, name))
            elif value:
                yield _inside(place, name)
    elif isinstance(wanted, list) and isinstance(there, list) and len(wanted) == len(there):
        for number, (one, other) in enumerate(zip(wanted, there, strict=True)):
            title = one.get("title") if isinstance(one, Mapping) else None
            yield from _differences(one, other, f"panel {title}:" if title else _inside(place, str(number)))
    elif wanted != there:
        yield place


def _inside(place: str, name: str) -> str:
    return f"{place} {name}" if place.endswith(":") else f"{place}.{name}".lstrip(".")


def _listed(places: Sequence[str]) -> str:
    more = f" and {len(places) - FEW} more" if len(places) > FEW else ""
    return "; ".join(places[:FEW]) + more


def source_name(uid: str) -> str:
    """What the line about a data source begins with."""
    return f"grafana → data source {uid}"


def no_source(need: DashboardNeed) -> Finding:
    """Grafana has no data source with the uid; of one that is theirs the uid is not known."""
    what, text = source_name(need.source), "Grafana has no data source with this uid"
    if need.named:
        return unknown(
            what, text, "it is yours, by its name: look at it in Grafana (Connections, Save & test)"
        )
    return failed(
        what, text, "let Grafana's provisioning read the generated grafana/provisioning/datasources"
    )


def of_source(uid: str, answer: SourceHealthAnswer) -> Finding | None:
    """What is wrong with a data source; None where it answers."""
    if answer.status == "OK":
        return None
    text = answer.message or f"its health is {answer.status}"
    cure = "correct the data source's address: it must lead from Grafana's machine to Prometheus"
    return failed(source_name(uid), text, cure)


def rules_asked(playbooks: Sequence[Playbook]) -> str:
    """PromQL: which rules the Prometheus behind a data source has evaluated, of these rollouts."""
    these = "|".join(playbook.rollout for playbook in playbooks)
    return f"{names.RULES_INFO}{{{names.ROLLOUT}=~{json.dumps(these)}}}"


def of_rules_behind(uid: str, playbooks: Sequence[Playbook], samples: Sequence[Sample]) -> Finding:
    """Whether the Prometheus behind a data source is the one that evaluates the rules."""
    seen = {(one.labels.get(names.ROLLOUT), one.labels.get(names.DIGEST)) for one in samples}
    lacking = [one.rollout for one in playbooks if (one.rollout, one.rules_digest) not in seen]
    if not lacking:
        return ok(source_name(uid), "it answers, and has what the generated rules record")
    text = f"it answers, and has nothing of the generated rules of {', '.join(lacking)}"
    cure = (
        "see to the lines `rules` first; then let the data source lead to the Prometheus that evaluates them"
    )
    return failed(source_name(uid), text, cure)
