"""An alert that arrived + Playbook + History → whether and as what it counts, decided; pure.

Before an alert is decided, two questions are asked: is it of our environment, and was anything measured? An alert of
another environment is ignored. One that only says that nothing could be measured is the `blind` tier of its
guardrail, whatever else it asks for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from handrail.contract import GuardrailFacts, Playbook, TierFacts, names

from handrail_receiver.decide.alert_series import cannot_see, series_of
from handrail_receiver.decide.decide import decide
from handrail_receiver.model import (
    HEARTBEAT,
    TEST_ALERT,
    Conditions,
    Decision,
    Heard,
    History,
    LastSaid,
    SetHold,
    Signal,
    Verdict,
    of_other_version,
)
from handrail_receiver.ports import Look

ALERTMANAGER = "alertmanager"
Labels = Mapping[str, str]
# What Grafana fires instead of a rule's own alert, or notes on it, when its query gave nothing or failed.
CANNOT_SEE = frozenset({"DatasourceNoData", "DatasourceError"})
STATE_REASON = "grafana_state_reason"
UNMEASURED = frozenset({"NoData", "Error"})


def heartbeat(signal: Signal, playbooks: Iterable[Playbook]) -> Decision:
    """Whether a delivered heartbeat counts: it must be of our environment and firing."""
    ours = {playbook.environment for playbook in playbooks if playbook.environment}
    theirs = signal.labels.get(names.ENVIRONMENT, "")
    if ours and theirs and theirs not in ours:
        return Decision(
            Verdict.ignore,
            "other-environment",
            f"the heartbeat is of environment {theirs!r}; this receiver guards {_listed(ours)}",
        )
    if not signal.firing:
        text = "the heartbeat ended: Prometheus no longer sends it"
        return Decision(Verdict.ignore, "heartbeat-ended", text)
    return Decision(Verdict.note, HEARTBEAT, "the heartbeat arrived")


def test_alert(signal: Signal) -> Decision:
    """What follows from the alert of `handrail doctor`: whatever it says, that it came is noted and no more."""
    if not signal.firing:
        return Decision(Verdict.note, "test-alert-ended", "the test alert of `handrail doctor` ended")
    return Decision(
        Verdict.note, TEST_ALERT, "the test alert of `handrail doctor` arrived; it triggers nothing"
    )


def judge(
    signal: Signal, playbook: Playbook | None, look: Look, now: Conditions, origin: str = ""
) -> Iterator[Decision]:
    """What follows from one alert; `look` gives the history with the effects of all decisions before.

    `origin` is the sender, as it is remembered: if it was Alertmanager, Alertmanager can be asked.
    """
    for decision in _judge(signal, playbook, look, now):
        if origin and decision.changes:
            said = (
                replace(one, origin=origin) if isinstance(one, Heard) else one for one in decision.changes
            )
            yield replace(decision, changes=tuple(said))
        else:
            yield decision


def series_in(labels: Labels) -> tuple[str, str]:
    """The series of an alert with these labels: as it says, and as blind."""
    signal = Signal(firing=True, labels=labels)
    return series_of(signal), series_of(_as_blind(signal))


def over(rollout: str, gone: Collection[LastSaid], history: History) -> Decision:
    """The alerts have ended, although no resolve arrived; a guardrail that was blind ends its own hold, as by one.

    An alert that has said something else since it was found `gone` has not.
    """
    over = [one for one in history.said if one.firing and one in gone]
    sources = ", ".join(sorted({one.source for one in over}))
    text = f"all Alertmanagers answer and none has {sources} any more: its resolve was lost"
    return Decision(
        Verdict.note if over else Verdict.ignore,
        "gone",
        text,
        rollout=rollout,
        by="asking",
        attempt=history.attempt.id if history.attempt else 0,
        changes=(
            *(Heard(one.series, one.source, firing=False, origin=one.origin) for one in over),
            *_sees_again(over, history),
        ),
    )


def _sees_again(over: Collection[LastSaid], history: History) -> Iterator[SetHold]:
    """What is left of the hold, where it is that of a guardrail that was blind by these alerts alone."""
    still = {one.source for one in history.said if one.firing and one not in over}
    pairs = (source.rpartition("/") for source in {one.source for one in over} - still)
    reasons = {cannot_see(guardrail) for guardrail, _, tier in pairs if tier == names.BLIND}
    attempt = history.attempt
    for why in sorted(reasons):
        if attempt is not None and attempt.held_for(why):
            attempt = replace(attempt, held=attempt.held_without(why))
    if attempt is not None and attempt != history.attempt:
        yield SetHold(attempt.held)


def _judge(signal: Signal, playbook: Playbook | None, look: Look, now: Conditions) -> Iterator[Decision]:
    if playbook is None:
        yield decide(signal, None, History(), now)
        return
    history = look(playbook.rollout)
    foreign = _foreign(signal, playbook, history) or _of_other_version(signal, playbook, history)
    if foreign is not None:
        yield foreign
        return
    if _cannot_see(signal):
        yield decide(_as_blind(signal), _with_blind_tier(playbook, signal), history, now)
        return
    if _was_blind(signal, history):
        blind = _as_blind(signal)
        yield decide(replace(blind, firing=False), _with_blind_tier(playbook, signal), history, now)
        history = look(playbook.rollout)
    yield decide(signal, playbook, history, now)


def counted(signal: Signal, playbook: Playbook | None) -> Signal | None:
    """An alert as it counts: as blind when there was no data, and None when it is of another environment."""
    ours = playbook.environment if playbook else ""
    if signal.firing and ours and signal.labels.get(names.ENVIRONMENT, "") != ours:
        return None
    return _as_blind(signal) if _cannot_see(signal) else signal


def believed(labels: Labels, own: Playbook, newest: Playbook) -> Playbook:
    """The playbook by which an alert is judged: the attempt's own, except for its environment.

    An attempt that is older than its playbook's environment cannot compare it. It is still not rolled back by an
    alert of another environment than that of the newest playbook.
    """
    return newest if not own.environment and not fits(labels, newest) else own


def fits(labels: Labels, playbook: Playbook) -> bool:
    """Whether an alert does not say that it is of another environment than ours."""
    theirs = labels.get(names.ENVIRONMENT, "")
    return not theirs or not playbook.environment or theirs == playbook.environment


def _foreign(signal: Signal, playbook: Playbook, history: History) -> Decision | None:
    """The decision about an alert that is not, or may not be, of our environment; None for one that is."""
    ours, theirs = playbook.environment, signal.labels.get(names.ENVIRONMENT, "")
    if not ours or theirs == ours:
        return None
    guardrail, name = signal.labels.get(names.GUARDRAIL, ""), signal.labels.get(names.TIER, "")
    known = Decision(
        Verdict.ignore,
        "other-environment",
        f"the alert is of environment {theirs!r}; this receiver guards {ours!r}",
        rollout=playbook.rollout,
        guardrail=guardrail,
        tier=name,
        attempt=history.attempt.id if history.attempt else 0,
    )
    if theirs:
        return known
    if not signal.firing:
        return None  # a resolve undoes nothing, and may close what was heard before the rules had the label
    text = (
        f"{guardrail or 'an alert'} fires without the label environment; this receiver guards {ours!r}: "
        "generate the rules again and reload Prometheus"
    )
    tier, attempt = playbook.tier(guardrail, name), history.attempt
    unsure = replace(known, reason="no-environment", text=text, action=tier.action if tier else "")
    if tier is None or tier.action not in {"hold", *names.ACTING} or attempt is None or not attempt.live:
        return unsure
    if attempt.held_for(text):
        return replace(unsure, verdict=Verdict.repeat)
    return replace(unsure, verdict=Verdict.hold, changes=(SetHold(attempt.held_as_well(text)),))


def _of_other_version(signal: Signal, playbook: Playbook, history: History) -> Decision | None:
    """The decision about an alert of a version that this attempt is not about; None for any other."""
    if not of_other_version(signal.labels, playbook) or playbook.arms is None:
        return None
    theirs = signal.labels[playbook.arms.label]
    return Decision(
        Verdict.ignore,
        "other-version",
        f"the alert is about {theirs!r}, which is not this attempt's canary",
        rollout=playbook.rollout,
        guardrail=signal.labels.get(names.GUARDRAIL, ""),
        tier=signal.labels.get(names.TIER, ""),
        attempt=history.attempt.id if history.attempt else 0,
    )


def _cannot_see(signal: Signal) -> bool:
    """Whether it fires, or ended, because there was no data."""
    if signal.labels.get(names.ALERTNAME) in CANNOT_SEE:
        return True
    said = signal.annotations.get(STATE_REASON) if signal.firing else None
    return said is not None and any(reason.strip() in UNMEASURED for reason in said.split(","))


def _was_blind(signal: Signal, history: History) -> bool:
    """Whether it was blind when last heard, and has data now."""
    source = f"{signal.labels.get(names.GUARDRAIL)}/{names.BLIND}"
    if signal.labels.get(names.TIER) == names.BLIND or not any(
        one.firing and one.source == source for one in history.said
    ):
        return False
    return history.heard(series_of(_as_blind(signal))) is True


def _as_blind(signal: Signal) -> Signal:
    return replace(signal, labels={**signal.labels, names.TIER: names.BLIND})


def _with_blind_tier(playbook: Playbook, signal: Signal) -> Playbook:
    """The playbook, in which the guardrail of `signal` has a blind tier that does no more than hold."""
    guardrail, name = signal.labels.get(names.GUARDRAIL, ""), signal.labels.get(names.TIER, "")
    real = playbook.tier(guardrail, name)
    if real is None:
        return playbook
    declared = playbook.tier(guardrail, names.BLIND)
    quiet = declared is not None and declared.action not in names.ACTING
    blind = (declared if quiet else None) or real.model_copy(
        update={"tier": names.BLIND, "action": "hold", "confirmation": None}
    )
    blind = blind.model_copy(update={"shadow": real.shadow})
    guardrails = tuple(
        _with(facts, blind) if facts.name == guardrail else facts for facts in playbook.guardrails
    )
    return playbook.model_copy(update={"guardrails": guardrails})


def _with(facts: GuardrailFacts, blind: TierFacts) -> GuardrailFacts:
    others = tuple(tier for tier in facts.tiers if tier.tier != names.BLIND)
    return facts.model_copy(update={"tiers": (*others, blind)})


def _listed(words: set[str]) -> str:
    return ", ".join(map(repr, sorted(words)))
