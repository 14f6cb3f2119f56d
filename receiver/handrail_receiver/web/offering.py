"""A person and a rollout → the buttons that they get."""

from __future__ import annotations

from handrail.contract import Playbook

from handrail_receiver.access.tokens import Caller
from handrail_receiver.gates.gate import GateStatus
from handrail_receiver.model import History, with_versions_of
from handrail_receiver.operations.playbook_diff import changes_between
from handrail_receiver.view_models.offers import Asker, Case
from handrail_receiver.web.verbs import VERBS


def asker_of(caller: Caller) -> Asker:
    """What a caller may ask for."""
    verbs = frozenset(verb.name for verb in VERBS if verb.role in caller.may)
    return Asker(caller.name, verbs, caller.approves_as)


def case_of(playbook: Playbook, history: History, gate: GateStatus | None, newest: Playbook) -> Case:
    """Where a rollout stands, with what `adopt` would change."""
    attempt = history.attempt
    live = attempt is not None and attempt.live
    changed = changes_between(playbook, with_versions_of(attempt, newest)) if live else ()
    return Case(playbook, history, gate, changed)
