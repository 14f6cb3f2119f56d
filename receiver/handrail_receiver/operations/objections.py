"""The objections to a person's call → its refusal, or what `--anyway` overrides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from handrail.contract import Playbook

from handrail_receiver.gates.gate import GateStatus, judge, next_gate
from handrail_receiver.gates.requirement import Requirement
from handrail_receiver.model import (
    Conditions,
    Decision,
    History,
    Verdict,
)
from handrail_receiver.operations.call import Call


def gate_ahead(call: Call, playbook: Playbook, history: History, now: Conditions) -> GateStatus | None:
    """The next gate, judged for the caller; None where no gate comes."""
    at = next_gate(playbook, history, call.gate_inputs, now.now)
    return judge(at, call.by) if at else None


def gate_facts(gate: GateStatus | None) -> dict[str, object]:
    return {"gate": gate.facts()} if gate and gate.asks else {}


def through(
    known: Decision, call: Call, reasons: tuple[str, ...], gate: GateStatus | None
) -> tuple[Decision | None, tuple[str, ...]]:
    """The refusal (None: it may go on), and all objections. `--anyway` never replaces an approval."""
    missing = gate.missing if gate else ()
    reasons = (*reasons, *map(_with_cure, missing))
    approvals = [_with_cure(ask) for ask in missing if ask.kind == "approval"]
    if approvals and call.anyway:
        text = f"{'; '.join(approvals)}; --anyway does not go past an approval"
        return refusal(known, "not-approved", text), reasons
    if approvals:
        return refusal(known, "not-ready", f"{'; '.join(reasons)}; all of it is needed"), reasons
    return not_ready(known, call, reasons), reasons


def _with_cure(ask: Requirement) -> str:
    return f"{ask.text} (`{ask.cure}`)" if ask.cure else ask.text


def not_ready(known: Decision, call: Call, reasons: tuple[str, ...]) -> Decision | None:
    if not reasons or (call.anyway and call.why):
        return None
    cure = (
        "say why with --why to go on anyway" if call.anyway else "wait or fix it, or say --anyway and --why"
    )
    return refusal(known, "not-ready", f"{'; '.join(reasons)}; {cure}")


def overridden(call: Call, reasons: Sequence[str]) -> str:
    """Which objections were overridden and the person's reason, for the evidence."""
    past = f", although {'; '.join(reasons)}" if reasons else ""
    past += f" (says {call.by}: {call.why})" if call.why else ""
    return past + (f"; if it is rolled back: {'; '.join(call.warnings)}" if call.warnings else "")


def refusal(known: Decision, reason: str, text: str) -> Decision:
    return replace(known, verdict=Verdict.refuse, reason=reason, text=text)


def guard_is_off(now: Conditions) -> list[str]:
    reasons = [f"the guard is blind: {now.blind}"] if now.blind else []
    return (
        [*reasons, "the kill switch is set: nothing would be rolled back automatically"]
        if now.stopped
        else reasons
    )
