"""Playbook + History + gate + what a person may → the buttons they see, and what exactly each will do. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from handrail.contract import GivenArms, OpenArms, Playbook, Proof, Step, names, on_each_node

from handrail_receiver.attempt_states.state_machine import OVER, event_of, may
from handrail_receiver.attempt_states.states import State, state_of
from handrail_receiver.gates.gate import GateStatus
from handrail_receiver.model import BROKEN, Attempt, History
from handrail_receiver.view_models.incident_views import LABELS
from handrail_receiver.view_models.offer_order import place, situation_of
from handrail_receiver.words.arms import versions_in_words
from handrail_receiver.words.reduced import share_of, ways_on
from handrail_receiver.words.steps import what
from handrail_receiver.words.times import span

COMPLETE = "complete"
READS = "drill"
"""What changes nothing, and is no event of an attempt."""
REASONED = frozenset({"adopt", "abandon", "close", "emergency-rollback", "reduce"})
"""What is refused without a reason."""


@dataclass(frozen=True)
class Offer:
    """A button: what is asked for, of which question or role (empty: of none), and what is on it."""

    verb: str
    label: str
    item: str = ""
    urgent: bool = False


@dataclass(frozen=True)
class Foretold:
    """What will happen, in sentences, and the steps in their order.

    `to` is the stage that is meant, `seen` the digest of what was shown, `arms` the versions that must be given, and
    `reasoned` whether a reason is required. `notes` are the fields for what may be said of an incident.
    """

    offer: Offer
    sentences: tuple[str, ...]
    steps: tuple[str, ...] = ()
    to: str = ""
    seen: str = ""
    arms: tuple[str, ...] = ()
    reasoned: bool = False
    notes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Asker:
    """A person: their name, the verbs they may ask for, and as whom they may approve."""

    name: str
    verbs: Collection[str]
    approves_as: Callable[[str], bool]


@dataclass(frozen=True)
class Case:
    """Where a rollout stands when a person looks. `changed` is what `adopt` would change, a line each."""

    playbook: Playbook
    history: History
    gate: GateStatus | None
    changed: Sequence[str] = ()

    @property
    def attempt(self) -> Attempt | None:
        """The newest attempt."""
        return self.history.attempt

    @property
    def failed(self) -> str:
        """The action whose steps did not get through, and that may be tried again; empty where none is."""
        tried, back = self.history.entering, self.history.rollbacks
        if state_of(self.history) is State.rolling_back:
            return back[-1].action if back and back[-1].state in BROKEN else ""
        return tried.action if tried is not None and tried.state in BROKEN else ""

    @property
    def ahead(self) -> str:
        """The stage that a promotion leads into, `complete` after the last."""
        following = self.playbook.stage_after(self.attempt.stage) if self.attempt else None
        return following.name if following else COMPLETE


def offers(case: Case, asker: Asker) -> tuple[Offer, ...]:
    """The buttons of a person, the most urgent first; none that would be refused in the present state."""
    state, situation = state_of(case.history), situation_of(case.history, case.gate, case.playbook.aside)
    known = (
        *_forward(case, state),
        *_of_incidents(case),
        *_at_gate(case, asker),
        *_others(case, state),
    )
    possible = (
        offer
        for offer in known
        if offer.verb in asker.verbs
        and (
            offer.verb == READS
            or may(state, event_of(offer.verb), "approver" if offer.verb == "approve" else "operator")
        )
    )
    return tuple(sorted(possible, key=lambda offer: place(situation, offer.verb)))


def _forward(case: Case, state: State) -> Iterator[Offer]:
    attempt, action = case.attempt, case.playbook.action("rollback")
    if attempt is not None and (attempt.live or state is State.rolled_back) and action and action.steps:
        yield Offer("rollback", "Roll back", urgent=True)
        yield from _emergency(case)
    reduced = case.history.reduced is not None
    if case.playbook.action(names.REDUCE) and not reduced:
        yield Offer("reduce", f"Reduce to {share_of(case.playbook)}", urgent=True)
    if attempt is not None and attempt.live and not attempt.held:
        yield Offer("hold", "Hold")
    if attempt is not None and attempt.held and attempt.live and not reduced:
        yield Offer("resume", "Resume")
    if case.failed:
        yield Offer("retry", "Try again")
    elif reduced and attempt is not None:
        yield Offer("retry", f"Enter {attempt.stage} again")
    if state is State.baking:
        yield Offer("promote", "Complete" if case.ahead == COMPLETE else f"Promote into {case.ahead}")
    if case.history.security_incident is None and state in (State.none, *OVER):
        yield Offer("start", "Start an attempt")


def _emergency(case: Case) -> Iterator[Offer]:
    """Where it does something else than an ordinary rollback, or tells others."""
    ordinary, graver = (case.playbook.action(name) for name in names.ACTING[:2])
    if ordinary and graver and (graver.steps, graver.tell) != (ordinary.steps, ordinary.tell):
        yield Offer(graver.name, "Emergency rollback", urgent=True)


def _of_incidents(case: Case) -> Iterator[Offer]:
    """What may be said of each open incident; one is named where there are several."""
    several = len(case.history.incidents) > 1
    for one in case.history.incidents:
        which = f" {one.id}" if several else " the incident"
        if one.acknowledged is None or case.history.more_fires(one):
            yield Offer("ack", f"Acknowledge{which}", one.id)
        yield Offer("note", f"Note on{which}", one.id)
        if not (case.history.incident == one and state_of(case.history) is State.rolling_back):
            yield Offer("close", f"Close{which}", one.id)


def _at_gate(case: Case, asker: Asker) -> Iterator[Offer]:
    missing = case.gate.missing if case.gate else ()
    questions = [ask for ask in missing if ask.kind == "check"]
    yield from (Offer("check", f"Answer: {ask.name}", ask.name) for ask in questions if ask.cure)
    if questions:
        return  # an approval is for the answers as well
    for ask in missing:
        if ask.kind == "approval" and asker.approves_as(ask.name):
            yield Offer("approve", f"Approve as {ask.name}", ask.name)


def _others(case: Case, state: State) -> Iterator[Offer]:
    yield Offer("drill", "Rehearse a rollback")
    if case.changed and case.attempt is not None and case.attempt.live:
        yield Offer("adopt", "Adopt the newest playbook")
    if case.attempt is not None and state not in (State.none, State.complete, State.abandoned):
        yield Offer("abandon", "Abandon")


def foretell(case: Case, offer: Offer, asker: Asker) -> Foretold:
    """What will happen if they go on."""
    sentences, steps, to = _happens(case, offer)
    recorded = f"It is recorded as asked for by {asker.name}."
    seen = case.gate.digest if case.gate and offer.verb == "approve" else ""
    return Foretold(
        offer,
        (*sentences, recorded),
        tuple(what(step) for step in on_each_node(steps)),
        to,
        seen,
        _open_arms(case, offer),
        offer.verb in REASONED,
        tuple(LABELS.items()) if offer.verb in {"note", "close"} else (),
    )


def _open_arms(case: Case, offer: Offer) -> tuple[str, ...]:
    arms = case.playbook.arms
    if offer.verb in {"start", "approve"} and isinstance(arms, OpenArms):
        return arms.to_give
    return ()


def _happens(case: Case, offer: Offer) -> tuple[tuple[str, ...], Sequence[Step], str]:
    """Sentences, steps, and the stage that is meant."""
    number = case.attempt.number if case.attempt else 0
    here = f"Attempt {number}" + (
        f", in stage {case.attempt.stage}," if case.attempt and case.attempt.stage else ""
    )
    match offer.verb:
        case "promote":
            return _promotes(case, here)
        case "rollback" | "emergency-rollback":
            return _rolls_back(case, here, offer.verb)
        case "reduce":
            return _reduces(case, here)
        case "retry" if case.failed in names.ACTING:
            return _rolls_back(case, here)
        case "retry":
            return _retries(case, here)
        case "start":
            return _starts(case)
        case "hold":
            said = f"{here} stays where it is: nothing is promoted until somebody resumes it."
            return (said, "Guardrails go on as before, and still roll back automatically."), (), ""
        case "resume":
            held = case.attempt.held if case.attempt else ""
            return (f"{here} may be promoted again. It is held for this: {held}",), (), ""
        case "check":
            return (f"Your answer to “{offer.item}” counts for the gate ahead.",), (), ""
        case "approve":
            return _approves(case, offer), (), ""
        case "drill":
            softer = " and of what is softer" if case.playbook.action(names.REDUCE) else ""
            said = (
                f"Each target of a rollback{softer} is only read, to see whether it could be carried out now."
            )
            return (said, "Nothing is changed."), (), ""
        case "ack" | "note" | "close":
            return _says_of_incident(case, offer), (), ""
        case "adopt":
            return (f"{here} continues with the newest playbook. This changes:", *case.changed), (), ""
        case _:
            said = f"{here} is closed. No target is touched: traffic stays as it is now."
            return (said, "It is no longer rolled back automatically."), (), ""


def _gate_now(case: Case) -> tuple[str, ...]:
    if case.gate is None or not case.gate.asks:
        return ()
    if not case.gate.missing:
        return (f"Its gate into {case.gate.into} is open.",)
    missing = "; ".join(ask.text for ask in case.gate.missing)
    return (f"Its gate into {case.gate.into} is closed, and it will be refused: {missing}.",)


def _promotes(case: Case, here: str) -> tuple[tuple[str, ...], Sequence[Step], str]:
    following = case.playbook.stage_after(case.attempt.stage) if case.attempt else None
    if following is None:
        watched = case.playbook.watch_after
        after = f"is guarded for {_span(watched)} more, and complete then" if watched else "is complete"
        return (f"{here} {after}. No target is touched.", *_gate_now(case)), (), COMPLETE
    share = (
        ""
        if following.weight is None
        else f", with {following.weight * 100:g} % of the traffic for the canary"
    )
    bakes = f" It bakes for {_span(following.takes)}." if following.bake else ""
    said = f"{here} goes on into stage {following.name}{share}.{bakes}"
    return (said, *_gate_now(case)), following.enter, following.name


def _span(seconds: float) -> str:
    return span(timedelta(seconds=seconds))


def _says_of_incident(case: Case, offer: Offer) -> tuple[str, ...]:
    match offer.verb:
        case "ack":
            said = (
                f"You have incident {offer.item}: nobody else is woken for it, unless it becomes more severe."
            )
            return (said, "It stays open until a person closes it. No target is touched.")
        case "note":
            kept = f"What you write is kept as evidence of incident {offer.item}"
            return (f"{kept}; what you leave empty stays as it is.",)
        case _:
            return _closes(case, offer)


def _closes(case: Case, offer: Offer) -> tuple[str, ...]:
    one = next((one for one in case.history.incidents if one.id == offer.item), None)
    said = [f"Incident {offer.item} is closed, with your reason, and no more notes can be added."]
    if one is not None and one.stays_open:
        said.append("Messages, PagerDuty and status pages hear that it is over.")
    if one is not None and one == case.history.security_incident:
        said.append("A new attempt may begin.")
    if one is not None and one.needs_cause:
        said.append("It has no cause yet: write one.")
    return (*said, "No target is touched.")


def _rolls_back(
    case: Case, here: str, wanted: str = names.ACTING[0]
) -> tuple[tuple[str, ...], Sequence[Step], str]:
    name = case.failed if case.failed in names.ACTING and wanted == names.ACTING[0] else wanted
    action = case.playbook.action(name)
    steps = action.steps if action else ()
    pinned = case.attempt.pinned.get(name, steps) if case.attempt else steps
    proof = _proved_when(action.proof) if action and action.proof else ""
    said = f"{here} is rolled back now: each step reads its target, and changes it if it differs."
    told = "Everybody who hears of emergencies is told." if name == names.ACTING[1] else ""
    return tuple(filter(None, (said, proof, told))), pinned, ""


def _proved_when(proof: Proof) -> str:
    serves = " and the stable version serve" if proof.serves else ""
    probes = "".join(f", and probe {one.name} is answered" for one in proof.probes)
    return f"It is proved when Prometheus sees the canary's traffic gone{serves}{probes}."


def _reduces(case: Case, here: str) -> tuple[tuple[str, ...], Sequence[Step], str]:
    action = case.playbook.action(names.REDUCE)
    said = f"{here} has {share_of(case.playbook)} from then on, and is held: nothing is promoted."
    on = ways_on(case.playbook.rollout, case.attempt.stage) if case.attempt else ""
    return tuple(filter(None, (said, f"Afterwards: {on}." if on else ""))), action.steps if action else (), ""


def _retries(case: Case, here: str) -> tuple[tuple[str, ...], Sequence[Step], str]:
    tried = case.history.entering
    key = tried.key if tried is not None else ""
    if case.history.reduced is not None and not case.failed and case.attempt is not None:
        key = case.attempt.stage
    stage = next((one for one in case.playbook.stages if one.name == key), None)
    if stage is None:
        return (f"{here} tries again what did not succeed.",), (), ""
    return (f"{here} enters stage {stage.name} once more.", *_gate_now(case)), stage.enter, stage.name


def _starts(case: Case) -> tuple[tuple[str, ...], Sequence[Step], str]:
    first = case.playbook.stages[0] if case.playbook.stages else None
    number = (case.attempt.number if case.attempt else 0) + 1
    asked = "Before that, Prometheus and each target of a rollback are asked whether the change would be seen and could be undone."
    if first is None:
        return (f"Attempt {number} begins, and is guarded from then on.", asked), (), ""
    share = "" if first.weight is None else f", with {first.weight * 100:g} % of the traffic for the canary"
    return (
        (f"Attempt {number} begins, in stage {first.name}{share}.", asked, *_gate_now(case)),
        first.enter,
        "",
    )


def _approves(case: Case, offer: Offer) -> tuple[str, ...]:
    gate, arms = case.gate, case.playbook.arms
    into = gate.into if gate else ""
    said = f"You approve stage {into} as {offer.item}, for attempt {case.history.speaks_of} and for nothing else."
    versions = [f"Of these versions: {versions_in_words(arms)}."] if isinstance(arms, GivenArms) else []
    answers = [f"{ask.name}: {ask.text}." for ask in (gate.asks if gate else ()) if ask.kind == "check"]
    seen = (
        f"What you have seen has the digest {gate.digest[:12]}; if it changes, your approval does not count."
        if gate
        else ""
    )
    declared = next((one for one in case.playbook.gates if one.into == into), None)
    valid = (
        next((one.valid_for for one in declared.approvals if one.role == offer.item), None)
        if declared
        else None
    )
    until = f"It counts for {_span(valid)}." if valid else ""
    return tuple(filter(None, (said, *versions, *answers, seen, until)))
