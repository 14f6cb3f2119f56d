"""Two states of one rollout's stages, gates, actions and levels → their differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from handrail.output.diff.arms import ArmsState
from handrail.output.diff.coverage import SeenFor
from handrail.output.diff.facts import ActionState, ApprovalState, RolloutState, StageState
from handrail.output.diff.model import DiffLine, Effect, EffectAndWords, by_size
from handrail.units import span


def procedure(name: str, old: RolloutState, new: RolloutState) -> Iterator[DiffLine]:
    """Everything but the alerts."""
    for subject, effect, what in (*_stages(old, new), *_actions(old, new), *_own(old, new)):
        yield DiffLine(effect, name, subject, what)


def _stages(old: RolloutState, new: RolloutState) -> Iterator[tuple[str, Effect, str]]:
    for stage in dict.fromkeys([*old.stages, *new.stages]):
        subject = f"stage {stage}"
        before, after = old.stages.get(stage), new.stages.get(stage)
        if before is None:
            yield subject, Effect.tighter, "new stage"
        elif after is None:
            yield subject, Effect.looser, "stage removed: the step to the next one is larger"
        else:
            yield from ((subject, *change) for change in _stage(before, after))
    yield from (("completion", *change) for change in _stage(old.completion, new.completion))
    common = [stage for stage in old.stages if stage in new.stages]
    if common != [stage for stage in new.stages if stage in old.stages]:
        yield "", Effect.unclear, f"stages in another order: {', '.join(new.stages)}"


def _stage(old: StageState, new: StageState) -> Iterator[EffectAndWords]:
    if old.weight != new.weight:
        yield (
            by_size(old.weight, new.weight, more_is=Effect.looser),
            f"traffic {_share(old.weight)} → {_share(new.weight)}",
        )
    if old.bake != new.bake:
        yield (
            by_size(old.bake, new.bake, more_is=Effect.tighter),
            f"bake {_time(old.bake)} → {_time(new.bake)}",
        )
    yield from _by_itself(old.itself, new.itself)
    yield from _list("step on entering", old.enter, new.enter, gone=Effect.unclear, came=Effect.unclear)
    for guardrail in dict.fromkeys([*old.criteria, *new.criteria]):
        yield from _criteria(guardrail, old.criteria.get(guardrail, {}), new.criteria.get(guardrail, {}))
    yield from _list("question to people", old.manual, new.manual)
    yield from _list("approval", tuple(old.approvals), tuple(new.approvals))
    for role in [role for role in old.approvals if role in new.approvals]:
        yield from _approval(role, old.approvals[role], new.approvals[role])
    yield from _stable(old, new)
    if old.seen and new.seen:
        yield from _seen(old.seen, new.seen)


def _stable(old: StageState, new: StageState) -> Iterator[EffectAndWords]:
    if old.stable_for != new.stable_for:
        effect = by_size(old.stable_for or 0, new.stable_for or 0, more_is=Effect.tighter)
        yield effect, f"stable for {_time(old.stable_for or 0)} → {_time(new.stable_for or 0)} before it"
    if old.stable_for and new.stable_for and old.severities != new.severities:
        before, after = (" or ".join(one.severities) or "anything" for one in (old, new))
        tighter = not new.severities or (old.severities and {*old.severities} < {*new.severities})
        looser = not old.severities or {*new.severities} < {*old.severities}
        effect = Effect.tighter if tighter else Effect.looser if looser else Effect.unclear
        yield effect, f"what breaks its rest: {before} → {after}"


def _seen(old: SeenFor, new: SeenFor) -> Iterator[EffectAndWords]:
    if old.data != new.data:
        effect = by_size(old.data, new.data, more_is=Effect.tighter)
        yield effect, f"data for {_share(old.data)} → {_share(new.data)} of the stage before it"
    if old.traffic != new.traffic and (old.traffic != old.data or new.traffic != new.data):
        effect = by_size(old.traffic, new.traffic, more_is=Effect.tighter)
        yield (
            effect,
            f"traffic enough for {_share(old.traffic)} → {_share(new.traffic)} of the stage before it",
        )


def _by_itself(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[EffectAndWords]:
    """What comes by itself in a stage."""
    if old["advance"] != new["advance"]:
        looser = new["advance"] == "when-met"
        who = "goes on automatically" if looser else "a person promotes"
        yield Effect.looser if looser else Effect.tighter, f"{who} once the gate ahead is open"
    if old["warm_up"] != new["warm_up"]:
        effect = by_size(old["warm_up"], new["warm_up"], more_is=Effect.looser)
        yield effect, f"warm-up {_time(old['warm_up'])} → {_time(new['warm_up'])}"
    for word, what in (("prolong", "bakes longer without data, at most"), ("deadline", "deadline")):
        if old[word] != new[word]:
            none = "none" if word == "deadline" else "as long as it takes"
            then, now = (none if one[word] is None else _time(one[word]) for one in (old, new))
            longer = (new[word] or float("inf")) > (old[word] or float("inf"))
            yield Effect.looser if longer else Effect.tighter, f"{what} {then} → {now}"
    if new["deadline"] is not None and old["at_deadline"] != new["at_deadline"]:
        yield Effect.unclear, f"at the deadline {old['at_deadline']} → {new['at_deadline']}"


def _criteria(guardrail: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[EffectAndWords]:
    gone, came = ([one for one in these if one not in those] for these, those in ((old, new), (new, old)))
    if len(gone) == len(came) == 1:
        yield Effect.unclear, f"gate asks for {guardrail} {gone[0]} → {came[0]}"
    else:
        yield from ((Effect.looser, f"gate asks no longer for {guardrail} {one}") for one in gone)
        yield from ((Effect.tighter, f"gate asks for {guardrail} {one}") for one in came)
    for one in new:
        if old.get(one, new[one]) != new[one]:
            yield Effect.unclear, f"how the gate asks for {guardrail} {one} changed; read the playbook"


def _approval(role: str, old: ApprovalState, new: ApprovalState) -> Iterator[EffectAndWords]:
    if old.valid_for != new.valid_for:
        effect = by_size(old.valid_for, new.valid_for, more_is=Effect.looser)
        yield effect, f"approval of {role} counts for {_time(old.valid_for)} → {_time(new.valid_for)}"
    if old.four_eyes != new.four_eyes:
        who = "may not" if new.four_eyes else "may"
        effect = Effect.tighter if new.four_eyes else Effect.looser
        yield effect, f"approval of {role} {who} come from whoever starts or promotes"


def _actions(old: RolloutState, new: RolloutState) -> Iterator[tuple[str, Effect, str]]:
    empty = ActionState((), "null", ())
    for name in dict.fromkeys([*old.actions, *new.actions]):
        before, after = old.actions.get(name, empty), new.actions.get(name, empty)
        yield from ((f"action {name}", *change) for change in _action(before, after))


def _action(old: ActionState, new: ActionState) -> Iterator[EffectAndWords]:
    if sorted(old.steps) == sorted(new.steps) and old.steps != new.steps:
        yield Effect.unclear, "its steps are done in another order"
    elif len(old.steps) == len(new.steps) and old.steps != new.steps:
        for before, after in zip(old.steps, new.steps, strict=True):
            if before != after:
                yield Effect.unclear, f"step {before} → {after}"
    else:
        yield from _list("step", old.steps, new.steps)
    if old.proof != new.proof:
        effect = Effect.looser if new.proof == "null" else Effect.unclear
        yield (
            effect,
            f"proof {old.proof} → {new.proof}" if new.proof != "null" else "its effect is proved no longer",
        )
    yield from _list("told", old.tell, new.tell)


def _own(old: RolloutState, new: RolloutState) -> Iterator[tuple[str, Effect, str]]:
    for level in dict.fromkeys([*old.levels, *new.levels]):
        before, after = old.levels.get(level), new.levels.get(level)
        subject = f"level {level}"
        if before is None and after is not None:
            yield subject, Effect.tighter, f"new escalation level after {span(after.after)}"
        elif after is None:
            yield subject, Effect.looser, "escalation level removed"
        elif before is not None and before.after != after.after:
            effect = by_size(before.after, after.after, more_is=Effect.looser)
            yield subject, effect, f"after {span(before.after)} → {span(after.after)}"
        if before and after and before.severities != after.severities:
            effect = (
                Effect.tighter
                if not after.severities
                else Effect.looser
                if not before.severities
                else Effect.unclear
            )
            heard = " → ".join(one.severities or "any severity" for one in (before, after))
            yield subject, effect, f"hears {heard}"
    if old.environment != new.environment:
        yield "", Effect.unclear, f"environment {old.environment or 'none'} → {new.environment or 'none'}"
    yield from (("", *change) for change in _arms(old.arms, new.arms))
    for guardrail, captured in old.captured.items():
        if new.captured.get(guardrail, captured) != captured:
            yield guardrail, Effect.unclear, "how its reference is captured changed; read the playbook"
    if old.interval != new.interval:
        effect = by_size(old.interval, new.interval, more_is=Effect.looser)
        yield "", effect, f"evaluated every {span(old.interval)} → {span(new.interval)}"
    if old.rollbacks_per_day != new.rollbacks_per_day:
        effect = by_size(old.rollbacks_per_day, new.rollbacks_per_day, more_is=Effect.tighter)
        yield "", effect, f"automatic rollbacks per day {old.rollbacks_per_day} → {new.rollbacks_per_day}"
    if old.keep != new.keep:
        effect = by_size(old.keep, new.keep, more_is=Effect.tighter)
        yield "", effect, f"a rollback is put back for {old.keep:g} s → {new.keep:g} s"
    yield from (
        ("", *change)
        for change in _list(
            "goes forward", old.windows, new.windows, gone=Effect.unclear, came=Effect.unclear
        )
    )
    yield from (("", *change) for change in _list("rollout", old.others, new.others))
    if old.watch_after != new.watch_after:
        effect = by_size(old.watch_after, new.watch_after, more_is=Effect.tighter)
        yield (
            "",
            effect,
            f"guarded after its last gate for {_time(old.watch_after)} → {_time(new.watch_after)}",
        )
    yield from (("", *change) for change in _list("while a stage lasts", old.checks, new.checks))
    yield from (
        ("", *change)
        for change in _list("report", old.reports, new.reports, gone=Effect.neutral, came=Effect.neutral)
    )


def _arms(old: ArmsState | None, new: ArmsState | None) -> Iterator[EffectAndWords]:
    """Changes of the arms: another version is normal in a rollout, another label changes how versions are told apart."""
    if old is not None and new is not None and old.label == new.label:
        if (old.canary is None) != (new.canary is None):
            then, now = ("given at each start" if one.canary is None else "declared" for one in (old, new))
            yield Effect.unclear, f"versions of the arms: {then} → {now}"
        elif old.read != new.read:
            yield Effect.unclear, f"versions of the arms: {old.read or 'given'} → {new.read or 'given'}"
        elif old != new:
            yield (
                Effect.neutral,
                f"versions: canary {old.canary} → {new.canary}, stable {old.stable} → {new.stable}",
            )
    elif old != new:
        yield Effect.unclear, f"arms told apart by {_label(old)} → {_label(new)}"


def _label(arms: ArmsState | None) -> str:
    return arms.label if arms is not None else "nothing"


def _list(
    what: str,
    old: Sequence[str],
    new: Sequence[str],
    *,
    gone: Effect = Effect.looser,
    came: Effect = Effect.tighter,
) -> Iterator[EffectAndWords]:
    yield from ((gone, f"{what} removed: {one}") for one in old if one not in new)
    yield from ((came, f"{what} added: {one}") for one in new if one not in old)


def _share(weight: float | None) -> str:
    return "not set by weight" if weight is None else f"{weight * 100:g} %"


def _time(bake: float | None) -> str:
    return "for good" if bake is None else span(timedelta(seconds=bake))
