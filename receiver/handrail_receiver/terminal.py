"""The API's answers → what `handrail rollout …` prints."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from handrail_receiver.model import CHANGED
from handrail_receiver.view_models.incident_views import NOT_YET
from handrail_receiver.words.incident_words import open_incident
from handrail_receiver.words.requirements import whether_met
from handrail_receiver.words.steps import told
from handrail_receiver.words.times import when
from handrail_receiver.words.whose import happened_by

GOES_BACK_OR_ENDED = ("rolling-back", "rolled-back", "complete", "abandoned")
"""The states in which nobody asks whether it could be rolled back."""

OVER = GOES_BACK_OR_ENDED[1:]
"""The states in which nothing is held any more."""

AS_ASKED = {True: "as asked", False: "otherwise", None: "unknown"}


def status(said: dict[str, Any]) -> str:
    """Where a rollout stands, and what the gate ahead asks for."""
    head, *rest = _attempt(said)
    problems = [f"  {line}" for line in guard_problems(said)]
    return "\n".join([head, *problems, *rest, *_gate(said.get("gate"))])


def guard_problems(said: dict[str, Any]) -> list[str]:
    """Why nothing may be rolled back automatically, a line each with its cure."""
    return [f"{problem}; `handrail doctor` says what to do" for problem in said.get("guard_problems", ())]


def listed(said: dict[str, Any]) -> str:
    """A line for each rollout, columns aligned, by name."""
    heads = ("rollout", "service", "attempt", "state", "stage", "to know")
    rows = [heads, *map(_row, said["rollouts"])]
    return "\n".join(_aligned(rows))


def checked(said: dict[str, Any]) -> str:
    """A check as a table, with what stands beside it."""
    heads = ("guardrail", "tier", "now", "of", "limit", "verdict", "")
    rows = [heads, *map(_tier_row, said["tiers"])]
    lines = [_when(said["at"]) + (f", stage {said['stage']}" if said["stage"] else "")]
    lines += _aligned(rows)
    shares = [f"{one['arm']} {_percent(one['share'])} ({one['per_second']:.3g}/s)" for one in said["split"]]
    gives = (
        "" if said["asked"] is None else f"; stage {said['stage']} gives the canary {_percent(said['asked'])}"
    )
    lines.append(f"traffic: {', '.join(shares) or 'unknown'}{gives}")
    lines += [f"{AS_ASKED[one['as_asked']]}: {told(one['step'], one['text'])}" for one in said["targets"]]
    lines += [
        f"probe {one['name']}: {one['verdict']}: {one['text']}, {one['seconds']:.3g} s"
        for one in said["probes"]
    ]
    fires = "unknown" if said["fires"] is None else ", ".join(said["fires"]) or "nothing"
    lines.append(f"fires: {fires}")
    lines.append(f"rules: {said['rules'] or 'Prometheus has loaded those generated'}")
    lines += [f"artifact: {said['artifact']}"] if said["artifact"] else []
    lines += [f"missing: {one}" for one in said["missing"]]
    return "\n".join([*lines, f"kept as evidence: snapshot {said['snapshot'][:12]}"])


def incidents(said: dict[str, Any]) -> str:
    """Each incident with what is known of it, the newest first."""
    if not said["incidents"]:
        return "no incident yet"
    return "\n\n".join("\n".join(_incident(one)) for one in said["incidents"])


def _incident(one: dict[str, Any]) -> list[str]:
    stage = f", stage {one['stage']}" if one["stage"] else ""
    lines = [
        f"{one['id']}: {one['state']}  {one['severity']} {one['action']}, attempt {one['attempt']}{stage}"
    ]
    lines.append(f"  trigger: {one['trigger']}")
    if one["state"] == "open" and one["ack_by"]:
        lines.append(f"  to be acknowledged by {_when(one['ack_by'])}: handrail rollout ack {one['rollout']}")
    impact = one["impact"]
    known = _impact(impact) if impact else [NOT_YET]
    lines += [f"  impact: {'; '.join(known)}"]
    words = ("cause", "fix", "prevention", "user_impact", "review", "attendees")
    lines += [f"  {word.replace('_', ' ')}: {one[word]}" for word in words if one[word]]
    lines += [f"  follow-up: {text}" for text in one["follow_ups"]]
    if one["false_rollback"] is not None:
        lines.append(f"  false rollback: {'yes' if one['false_rollback'] else 'no'}")
    lines += [
        f"  {_when(each['at'])}  {happened_by(each['event'], each['by'], each['text'])}"
        for each in one["timeline"]
    ]
    return lines


def _impact(impact: dict[str, Any]) -> list[str]:
    parts = [f"{impact['duration']:.0f} s"] if impact["duration"] is not None else []
    parts += [f"{impact['share'] * 100:g} % of traffic"] if impact["share"] is not None else []
    parts += [f"{count:.0f} requests failed ({name})" for name, count in sorted(impact["failed"].items())]
    return parts + [f"{name} unknown: {why}" for name, why in sorted(impact["unknown"].items())]


def _when(said: str) -> str:
    """An instant of the API's, as pages and messages write it."""
    return when(datetime.fromisoformat(said))


def _tier_row(tier: dict[str, Any]) -> tuple[str, ...]:
    count = f"{float(tier['count']):.6g}" if tier["count"] else "-"
    limits = " or ".join(tier["limits"]) or "-"
    fires = "fires" if tier["fires"] else "pending" if tier.get("pending") else ""
    return tier["guardrail"], tier["tier"], tier["figure"] or "-", count, limits, tier["verdict"], fires


def _percent(share: float | None) -> str:
    return "an unknown share" if share is None else f"{share * 100:.3g} %"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _row(said: dict[str, Any]) -> tuple[str, ...]:
    name, service, attempt = said["rollout"], said["service"], said["attempt"]
    if attempt is None:
        return name, service, "-", "not guarded" if not said["stages"] else "no attempt yet", "-", ""
    notes = [_versions(attempt["versions"])] if attempt.get("versions") else []
    notes += [f"held: {attempt['held']}"] if _is_held(attempt) else []
    if attempt["state"] not in GOES_BACK_OR_ENDED and not attempt["rollback_ready"]:
        notes.append(f"no way back: {attempt['not_ready']}")
    if said["changed"]:
        notes.append("its playbook has changed since")
    notes += map(open_incident, said.get("incidents", ()))
    stage = attempt["stage"] or "-"
    return name, service, str(attempt["number"]), attempt["phase"], stage, " ".join("; ".join(notes).split())


def _is_held(attempt: dict[str, Any]) -> bool:
    """Whether what it was held for still counts: once it is over, only that a target was changed since does."""
    return bool(attempt["held"]) and (attempt["state"] not in OVER or attempt["held"].startswith(CHANGED))


def _versions(versions: dict[str, str]) -> str:
    return f"canary {versions['canary']}, stable {versions['stable']}"


def _attempt(said: dict[str, Any]) -> list[str]:
    attempt = said.get("attempt")
    drill = f"`handrail rollout drill {said['rollout']}`"
    if attempt is None and not said["stages"]:
        return [f"{said['rollout']}: not guarded, although it always should be; {drill} says what is missing"]
    if attempt is None:
        return [f"{said['rollout']}: no attempt yet"]
    where = f", stage {attempt['stage']}" if attempt["stage"] else ""
    lines = [f"{said['rollout']}: attempt {attempt['number']}, {attempt['phase']}{where}"]
    if versions := attempt.get("versions"):
        lines.append(f"  {_versions(versions)}")
    opened = said.get("incidents", ())
    for one in opened:
        which = f" --incident {one['id']}" if len(opened) > 1 else ""
        cure = "" if one["acknowledged_at"] else f"; `handrail rollout ack {said['rollout']}{which}`"
        lines.append(f"  {open_incident(one)}{cure}")
    if _is_held(attempt):
        lines.append(f"  held: {attempt['held']}")
        if attempt["state"] not in GOES_BACK_OR_ENDED:
            back = f"`handrail rollout rollback {said['rollout']} --why …`"
            lines.append(
                f"    once it is fixed: `handrail rollout resume {said['rollout']}`; to roll back: {back}"
            )
    if attempt["state"] not in GOES_BACK_OR_ENDED:
        ready = "yes" if attempt["rollback_ready"] else f"NO: {attempt['not_ready']}"
        lines.append(f"  can it be rolled back, when last rehearsed: {ready}; {drill} asks again")
    if said.get("changed"):
        cure = f"handrail rollout adopt {said['rollout']} --why …"
        lines += ["  the playbook has changed since; the attempt follows its own copy:"]
        lines += [f"    {line}" for line in said["changed"]] + [f"    {cure}"]
    lines += [
        f"  {run['action']} {run['key']}".rstrip() + f": {run['state']}  {run['text']}".rstrip()
        for run in said["runs"]
    ]
    return lines


def _gate(gate: dict[str, Any] | None) -> list[str]:
    """What is met and what is not, with what to type."""
    if not gate or not gate["asks"]:
        return []
    lines = [f"  gate into {gate['into']}: {'open' if gate['open'] else 'closed'}"]
    for ask in gate["asks"]:
        text = ask["text"].removeprefix(f"{ask['name']}: ")
        lines.append(f"    {whether_met(ask):<7}  {ask['name']}: {text}")
        lines += [f"             {ask['cure']}"] if ask["cure"] else []
    return lines
