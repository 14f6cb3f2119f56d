"""{path: text} of a generated/ folder → what it does in production.

Read from the files, so that states written by different versions can be compared. None is what an older version did not
write; it never equals a value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

from handrail.contract import names
from handrail.output.diff.arms import ArmsState, arms_state, without_versions
from handrail.output.diff.coverage import SeenFor, seen_for
from handrail.output.diff.declared_checks import asked_of_people, looked_at
from handrail.output.diff.linked_rollouts import others_of
from handrail.output.diff.people import People, inhibits, is_ours, people_by_receiver, told_by, told_people
from handrail.output.diff.sent_reports import reported
from handrail.output.read_yaml import read_yaml
from handrail.units import duration

Files = Mapping[str, str]


@dataclass(frozen=True)
class LimitState:
    """One limit of a tier; two limits are comparable if their `kind` is the same."""

    kind: tuple[object, ...]
    op: str
    figures: Mapping[str | None, Decimal | None]
    floor: Decimal
    least: Decimal
    text: str


@dataclass(frozen=True)
class TierState:
    """One alert. `limits`, `confirm` and `heard` (who is told of it) are None if the files do not say.

    `muted` are the tiers of its guardrail that mute it; `resumes` is how long after it its hold ends automatically.
    """

    action: str
    severity: str
    shadow: bool
    sustained: timedelta
    keeps: timedelta
    expr: str
    limits: tuple[LimitState, ...] | None
    confirm: tuple[float, str] | None
    heard: People | None
    muted: frozenset[str]
    resumes: float | None = None


@dataclass(frozen=True)
class ApprovalState:
    """How long an approval counts, in seconds, and whether somebody else must give it."""

    valid_for: float
    four_eyes: bool


@dataclass(frozen=True)
class StageState:
    """A stage and the gate into it; `criteria` has each guardrail's, in words → in expressions, `itself` what comes in it."""

    weight: float | None
    bake: float | None
    itself: Mapping[str, object]
    enter: tuple[str, ...]
    criteria: Mapping[str, Mapping[str, str]]
    manual: tuple[str, ...]
    approvals: Mapping[str, ApprovalState]
    stable_for: float | None
    severities: tuple[str, ...]
    seen: SeenFor | None


@dataclass(frozen=True)
class ActionState:
    """What the receiver does, as texts that can be compared."""

    steps: tuple[str, ...]
    proof: str
    tell: tuple[str, ...]


@dataclass(frozen=True)
class LevelState:
    """A level of an escalation; `severities` as its rule selects them, empty where it hears all."""

    after: timedelta
    severities: str


@dataclass(frozen=True)
class RolloutState:
    """One rollout; tiers by (guardrail, tier), levels by name; `whole` is all that its files do, in case it is not modelled."""

    tiers: Mapping[tuple[str, str], TierState]
    measures: Mapping[str, tuple[str, ...]]
    levels: Mapping[str, LevelState]
    stages: Mapping[str, StageState]
    completion: StageState
    watch_after: float
    windows: tuple[str, ...]
    others: tuple[str, ...]
    actions: Mapping[str, ActionState]
    checks: tuple[str, ...]
    reports: tuple[str, ...]
    rollbacks_per_day: int
    keep: float
    interval: timedelta
    arms: ArmsState | None
    captured: Mapping[str, str]
    environment: str | None
    whole: str

    @property
    def guardrails(self) -> list[str]:
        """Names, in their order; the alert that the receiver is gone is of none."""
        named = dict.fromkeys(guardrail for guardrail, _ in self.tiers)
        return [name for name in named if name != names.RECEIVER_GUARDRAIL]


@dataclass(frozen=True)
class CommonState:
    """What belongs to all rollouts: receivers and everything else of the two configurations, as texts."""

    people: Mapping[str, People]
    webhook: str
    routing: str
    scrape: timedelta | None
    jobs: Mapping[str, str]
    alertmanagers: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """What a generated/ folder does; `common` is None for an empty folder.

    `rights` are what the receiver may do in its cluster, as a text; None if the files do not say.
    """

    rollouts: Mapping[str, RolloutState]
    common: CommonState | None
    exporters: Mapping[str, str]
    objects: Mapping[str, str]
    rights: str | None


def facts(files: Files) -> Facts:
    """What `files` do. A rollout needs both its playbook and its rules."""
    known = [PurePosixPath(path).stem for path in sorted(files) if path.startswith("playbook/")]
    alertmanager = names.alertmanager_file(files)
    told = told_by(read_yaml(files[alertmanager]), alertmanager) if alertmanager in files else None
    documents = {
        name: _rollout(json.loads(files[f"playbook/{name}.json"]), read_yaml(files[rules]), told)
        for name in known
        if (rules := f"prometheus/rules/{name}.yml") in files
    }
    prometheus = names.prometheus_file(files)
    scraped = read_yaml(files[prometheus]) if prometheus in files else None
    common = _common(told, scraped) if told is not None and scraped is not None else None
    return Facts(
        documents,
        common,
        exporters={path: text for path, text in files.items() if path.startswith("exporters/")},
        objects={
            path: _text([one["metadata"] for one in read_yaml(text)["items"]])
            for path, text in files.items()
            if PurePosixPath(path).parent.name == "kubernetes"
        },
        rights=_rights(files),
    )


def _text(thing: object) -> str:
    return json.dumps(thing, sort_keys=True, ensure_ascii=False)


_USUAL = {"on_failure": "next", "timeout": 10.0, "within": 35.0, "tries": 3, "bypasses_approval": False}


def _step(step: Mapping[str, object]) -> str:
    """A step in one line, without defaults."""
    said = (
        f"{key}={value if isinstance(value, str) else _text(value)}"
        for key, value in sorted(step.items())
        if key != "kind" and _USUAL.get(key) != value
    )
    return " ".join([str(step["kind"]), *said])


def _told(tell: Mapping[str, Any]) -> str:
    channel = _step({key: value for key, value in tell["channel"].items() if value is not None})
    return channel if tell["template"] is None else f"{channel} with the words {_text(tell['template'])}"


def _rollout(playbook: Any, rules: Any, told: Any) -> RolloutState:
    arms = playbook.get("arms")
    playbook, rules = (without_versions(data, arms) for data in (playbook, rules))
    known = {
        (guardrail["name"], tier["tier"]): tier
        for guardrail in playbook["guardrails"]
        for tier in guardrail["tiers"]
    }
    alerts = [rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule]
    gates = {gate["into"]: gate for gate in playbook["gates"]}
    measures: dict[str, list[str]] = {}
    for group in rules["groups"]:
        for rule in group["rules"]:
            if "record" in rule and not rule["record"].endswith(":info"):
                measures.setdefault(group["name"].partition("/")[2], []).append(
                    f"{rule['record']} = {rule['expr']}"
                )
    return RolloutState(
        tiers={
            key: _tier(rule, known.get(key, {}), told, alerts)
            for rule in alerts
            if "level" not in rule["labels"] and (key := _key(rule))[1] not in {"heartbeat", names.PROMOTE}
        },
        measures={name: tuple(expressions) for name, expressions in measures.items()},
        levels={
            rule["labels"]["level"]: LevelState(_span(rule, "for"), _heard(rule["expr"]))
            for rule in alerts
            if "level" in rule["labels"]
        },
        stages={stage["name"]: _stage(stage, gates.get(stage["name"], {})) for stage in playbook["stages"]},
        completion=_stage({}, gates.get(names.COMPLETE, {})),
        watch_after=playbook.get("watch_after", 0),
        windows=tuple(_text(one) for word in ("freezes", "hours") for one in playbook.get(word, ())),
        others=others_of(playbook),
        actions={action["name"]: _action(action) for action in playbook["actions"]},
        checks=looked_at(playbook),
        reports=reported(playbook),
        rollbacks_per_day=playbook["budget_per_day"],
        keep=playbook.get("keep", 0),
        interval=max(
            (_span(one, "interval") for one in rules["groups"] if not one["name"].endswith(f"/{names.GATE}")),
            default=timedelta(),
        ),
        arms=arms_state(arms) if arms else None,
        captured={one["name"]: _text(one.get("references")) for one in playbook["guardrails"]},
        environment=playbook.get("environment"),
        whole=_text([_silent(playbook), _silent(rules)]),
    )


_WORDS = {"annotations", "runbook_url", "dashboard_url", "text", names.DIGEST, "rules_digest", "rule_groups"}


def _silent(thing: Any) -> Any:
    """`thing` without texts for people, and without the digest of the rules, which are compared directly."""
    if isinstance(thing, list):
        return [_silent(part) for part in thing]
    if isinstance(thing, dict):
        return {key: _silent(part) for key, part in thing.items() if key not in _WORDS}
    return thing


def _key(rule: Any) -> tuple[str, str]:
    return rule["labels"]["guardrail"], rule["labels"]["tier"]


def _span(thing: Any, key: str) -> timedelta:
    return duration(thing[key]) if key in thing else timedelta()


def _heard(expr: str) -> str:
    """The severities that a level's rule selects."""
    severities = re.search(r'severity=~("(?:[^"\\]|\\.)*")', expr)
    return ", ".join(re.sub(r"\\(.)", r"\1", json.loads(severities[1])).split("|")) if severities else ""


def _tier(rule: Any, known: Any, told: Any, alerts: Any) -> TierState:
    labels, confirm = rule["labels"], known.get("confirmation")
    return TierState(
        action=labels["action"],
        severity=labels["severity"],
        shadow=labels.get("mode") == "shadow",
        sustained=_span(rule, "for"),
        keeps=_span(rule, "keep_firing_for"),
        expr=rule["expr"],
        limits=tuple(map(_limit, known["limits"])) if "limits" in known else None,
        confirm=(confirm["after"], confirm["unreachable"]) if confirm else None,
        heard=None if told is None else told_people(told, _labels(rule)),
        muted=frozenset(
            other["labels"]["tier"]
            for other in (alerts if told is not None else ())
            if other is not rule
            and other["labels"].get("guardrail") == labels["guardrail"]
            and inhibits(told, _labels(other), _labels(rule))
        ),
        resumes=known.get("resume_after"),
    )


def _labels(rule: Any) -> dict[str, str]:
    return {"alertname": rule["alert"], **rule["labels"]}


def _limit(limit: Any) -> LimitState:
    return LimitState(
        kind=(limit["signal"], limit["op"], limit["reference"], limit["points"], limit["state"]),
        op=limit["op"],
        figures={
            figure["stage"]: None if figure["figure"] is None else Decimal(figure["figure"])
            for figure in limit["figures"]
        },
        floor=Decimal(limit.get("floor") or 0),
        least=Decimal(limit.get("least") or 0),
        text=limit["text"],
    )


def _stage(stage: Any, gate: Any) -> StageState:
    return StageState(
        weight=stage.get("weight"),
        bake=stage.get("bake", stage.get("hold")),  # as it was called
        itself={
            "advance": stage.get("advance", "by-hand"),
            "warm_up": stage.get("warm_up", 0),
            "prolong": stage.get("prolong"),
            "deadline": stage.get("deadline"),
            "at_deadline": stage.get("at_deadline", "hold"),
        },
        enter=tuple(map(_step, stage.get("enter", ()))),
        criteria=_criteria(gate),
        manual=asked_of_people(gate),
        approvals={
            one["role"]: ApprovalState(one["valid_for"], one["four_eyes"])
            for one in gate.get("approvals", ())
        },
        stable_for=gate.get("stable_for"),
        severities=tuple(gate.get("severities", ())),
        seen=seen_for(gate.get("criteria", ())),
    )


def _criteria(gate: Any) -> Mapping[str, Mapping[str, str]]:
    criteria: dict[str, dict[str, str]] = {}
    for one in gate.get("criteria", ()):
        criteria.setdefault(one["guardrail"], {})[one["text"]] = one["expr"]
    return criteria


def _action(action: Any) -> ActionState:
    return ActionState(
        tuple(map(_step, action["steps"])), _text(action["proof"]), tuple(map(_told, action["tell"]))
    )


def _rights(files: Files) -> str | None:
    path = "kubernetes/receiver/rbac.yaml"
    if path not in files:
        return None
    roles = [one for one in read_yaml(files[path])["items"] if one["kind"] == "Role"]
    return _text([(role["metadata"]["namespace"], role["rules"]) for role in roles])


def _pace(prometheus: Any) -> str:
    """How often it scrapes: for all jobs, or, where only jobs are ours, for each of them."""
    every: str = prometheus.get("global", prometheus["scrape_configs"][0])["scrape_interval"]
    return every


def _common(alertmanager: Any, prometheus: Any) -> CommonState:
    receivers = {receiver["name"]: _text(receiver) for receiver in alertmanager["receivers"]}
    own = [_text(receiver) for name, receiver in receivers.items() if is_ours(name)]
    jobs = {job["job_name"]: _text(job) for job in prometheus["scrape_configs"]}
    targets = [
        target
        for group in prometheus.get("alerting", {}).get("alertmanagers", ())
        for config in group["static_configs"]
        for target in config["targets"]
    ]
    to_us = [route for route in alertmanager["route"]["routes"] if is_ours(route["receiver"])]
    return CommonState(
        people=people_by_receiver(alertmanager),
        webhook=_text(own),
        routing=_text(to_us),
        scrape=duration(_pace(prometheus)),
        jobs=jobs,
        alertmanagers=tuple(targets),
    )
