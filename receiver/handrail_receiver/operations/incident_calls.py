"""What a person says of an incident → Decision: that they have it, what was found, that it is over. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from handrail.contract import Playbook

from handrail_receiver.attempt_states.states import State, state_of
from handrail_receiver.model import Conditions, Decision, History, Incident, IncidentEvent, Note, Verdict
from handrail_receiver.operations.call import Call
from handrail_receiver.operations.objections import refusal
from handrail_receiver.words.steps import an
from handrail_receiver.words.times import span, when


def of_incident(
    known: Decision, call: Call, playbook: Playbook, history: History, now: Conditions
) -> Decision:
    """What follows from a call about an incident; it is refused where none is open, or where it is not clear which."""
    one = _meant(known, call, history)
    if isinstance(one, Decision):
        return one
    known = replace(known, attempt=one.attempt)
    match call.verb:
        case "ack":
            return _acknowledged(known, call, one, playbook, history, now)
        case "note":
            return _noted(known, call, one)
        case _:
            return _closed(known, call, one, history)


def _acknowledged(
    known: Decision, call: Call, one: Incident, playbook: Playbook, history: History, now: Conditions
) -> Decision:
    """A person has it: nobody else need be woken."""
    if one.acknowledged is not None and not history.more_fires(one):
        text = f"{one.acknowledged.by} has acknowledged {one.id} already, at {when(one.acknowledged.at)}"
        return refusal(known, "acknowledged-already", text)
    within = min((one.within for one in playbook.acknowledge), default=None)
    took = now.now - one.asked
    said: dict[str, object] = {"after": took.total_seconds()}
    text = f"{call.by} acknowledged {one.id} after {span(took)}"
    if within is not None and took > timedelta(seconds=within):
        late = took - timedelta(seconds=within)
        said["late"] = late.total_seconds()
        text += f", {span(late)} late"
    text += f": {call.why}" if call.why else ""
    note = Note(one.attempt, IncidentEvent.acknowledged, call.why, said)
    return replace(known, verdict=Verdict.note, reason="acknowledged", text=text, changes=(note,))


def _noted(known: Decision, call: Call, one: Incident) -> Decision:
    """What a person has found out, or says of the rollback."""
    said = _said(call)
    if not said:
        cure = (
            "say --cause, --fix, --prevention, --follow-up, --user-impact, --review, --attendees, --false-rollback"
            " or --why"
        )
        return refusal(known, "nothing-said", f"nothing was given for {one.id}; {cure}")
    said = {name: text for name, text in said.items() if not one.says(name, text)}
    if not said:
        return refusal(known, "noted-already", f"{one.id} has all of that already")
    text = f"{call.by} noted of {one.id}: {_in_words(said)}"
    note = Note(one.attempt, IncidentEvent.noted, call.why, said)
    return replace(known, verdict=Verdict.note, reason="noted", text=text, changes=(note,))


def _closed(known: Decision, call: Call, one: Incident, history: History) -> Decision:
    """A person says that it is over: who kept it open downstream hears of it, and a new attempt may begin."""
    if history.incident == one and state_of(history) is State.rolling_back:
        text = f"attempt {one.number} is rolling-back; close {one.id} once it is rolled back, or abandoned"
        return refusal(known, "not-over", text)
    if not call.why:
        return refusal(known, "no-reason", "say why with --why: what was found, and why it is over")
    said = _said(call)
    note = Note(one.attempt, IncidentEvent.closed, call.why, said)
    if one.noted(said).needs_cause:
        cure = "say --cause, or `note` one before; or --false-rollback yes if it was a false alarm"
        return refusal(known, "no-cause", f"{one.id} is of {an(one.action)}, and has no cause yet; {cure}")
    text = f"{call.by} closed {one.id}: {call.why}"
    return replace(known, verdict=Verdict.act, reason="closed", text=text, changes=(note,))


INCIDENT_CALLS = ("ack", "note", "close")


def _said(call: Call) -> dict[str, object]:
    said: dict[str, object] = {name: text for name, text in call.about.notes.items() if text}
    if call.about.false_rollback is not None:
        said["false_rollback"] = call.about.false_rollback
    if call.verb == "note" and call.why:
        said["text"] = call.why
    return said


def _in_words(said: dict[str, object]) -> str:
    words = {True: "yes", False: "no"}
    shown = (
        (name.replace("_", " "), words[text] if isinstance(text, bool) else text)
        for name, text in said.items()
    )
    return "; ".join(f"{name}: {text}" for name, text in shown)


def _meant(known: Decision, call: Call, history: History) -> Incident | Decision:
    """The incident that is meant; or the refusal, where none is open, or several are."""
    name, wanted = known.rollout, call.about.id
    if wanted:
        matching = [one for one in history.incidents if one.id == wanted]
        if matching:
            return matching[0]
        open_now = ", ".join(one.id for one in history.incidents) or "none"
        text = f"{wanted} is not an open incident of {name}; open: {open_now}"
        return refusal(known, "no-incident", f"{text}; `handrail rollout incident {name}` has all")
    if not history.incidents:
        cure = "only a rollback, an emergency or an alert that escalates opens one; to quiet an alert, silence it in Alertmanager"
        return refusal(known, "no-incident", f"no incident of {name} is open; {cure}")
    if len(history.incidents) > 1:
        which = ", ".join(one.id for one in history.incidents)
        return refusal(
            known,
            "which-incident",
            f"several incidents of {name} are open ({which}); say which with --incident",
        )
    return history.incidents[0]


def forbids_start(one: Incident) -> str:
    """Why no attempt begins after a security rollback, whatever is said with the call."""
    why = f" ({one.trigger})" if one.trigger else ""
    cure = f'`handrail rollout close {one.rollout} --cause "…" --why "…"` once it is over'
    return f"it was rolled back for security{why}, and {one.id} is open; {cure}"
