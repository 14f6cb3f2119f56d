"""A generated playbook + what Prometheus has loaded and the receiver says → whether all come from one `handrail generate`, and it is armed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from handrail.contract import Playbook, rules_digest

from handrail_receiver.doctor.findings import Finding, failed, ok, unknown
from handrail_receiver.outside.prometheus_history import LoadedRules

GUARDED = frozenset({"guarding", "held", "confirming", "rolling-back"})
"""Phases of a rollout without stages in which what fires is decided about."""
ONE_AGE = "load rules and playbook from one `handrail generate`: reload Prometheus, and give the receiver the new playbooks"


def of_rules(playbook: Playbook, loaded: Sequence[LoadedRules]) -> Finding:
    """Whether the loaded rules are those that were generated with the playbook."""
    what = f"{playbook.rollout}: rules"
    if not loaded:
        cure = "name the file in rule_files of prometheus.yml and reload Prometheus; `promtool check rules` says what it refuses"
        return failed(what, "Prometheus has loaded none of them", cure)
    if playbook.rules_digest not in {rules_digest(file.groups) for file in loaded}:
        return failed(what, "Prometheus has loaded others than were generated", ONE_AGE)
    if len(loaded) > 1:
        files = ", ".join(file.file for file in loaded)
        return failed(
            what, f"they are loaded {len(loaded)} times: {files}", "name one of the files in rule_files"
        )
    return ok(what, f"{sum(len(group.rules) for group in loaded[0].groups)} loaded, unchanged")


def of_receiver(playbook: Playbook, now: Mapping[str, Any]) -> Iterator[Finding]:
    """What the receiver says of a rollout now: whether it has its playbook, and Prometheus its rules."""
    what = f"{playbook.rollout}: receiver"
    if "error" in now:
        yield failed(
            what, str(now["error"]), "give the receiver the generated playbooks (HANDRAIL_PLAYBOOKS)"
        )
    elif now.get("unknown"):
        yield unknown(what, str(now["unknown"]), "let the receiver reach Prometheus (HANDRAIL_PROMETHEUS)")
    elif now.get("other_rules"):
        yield failed(what, str(now["other_rules"]), ONE_AGE)
    else:
        yield ok(what, "its playbook and Prometheus' rules are from the same `handrail generate`")
    if not playbook.stages and "phase" in now:
        yield _guarded(playbook.rollout, str(now["phase"]), str(now.get("waits_for", "")))


def _guarded(rollout: str, phase: str, waits_for: str) -> Finding:
    """Whether a rollout that is always armed is."""
    what = f"{rollout}: guarded"
    if phase in GUARDED:
        return ok(what, f"it is {phase}")
    if phase == "none":
        return failed(what, waits_for, f"`handrail rollout drill {rollout}` says what its rollback lacks")
    text = f"it is {phase}, and nothing that fires is acted on. {waits_for}".rstrip()
    return failed(what, text, f"fix what it was for, then `handrail rollout start {rollout}`")
