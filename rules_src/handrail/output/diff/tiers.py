"""Two states of one rollout's alerts → their differences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal

from handrail.contract import names
from handrail.output.diff.facts import LimitState, RolloutState, TierState
from handrail.output.diff.model import DiffLine, Effect, EffectAndWords, by_size, worst
from handrail.output.diff.people import change
from handrail.plan import Op
from handrail.units import plain, span

_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:ms|[smhdw])?(?![\w.])")


def tiers(name: str, old: RolloutState, new: RolloutState) -> Iterator[DiffLine]:
    """Guardrails and tiers that were added, removed or changed."""
    for guardrail in dict.fromkeys([*old.guardrails, *new.guardrails]):
        if guardrail not in new.guardrails:
            yield DiffLine(Effect.looser, name, guardrail, f"guardrail removed ({_summary(old, guardrail)})")
        elif guardrail not in old.guardrails:
            yield DiffLine(Effect.tighter, name, guardrail, f"new guardrail ({_summary(new, guardrail)})")
        else:
            yield from _guardrail(name, guardrail, old, new)
    yield from _guardrail(name, names.RECEIVER_GUARDRAIL, old, new)


def _guardrail(name: str, guardrail: str, old: RolloutState, new: RolloutState) -> Iterator[DiffLine]:
    measures = old.measures.get(guardrail, ()), new.measures.get(guardrail, ())
    if measures[0] != measures[1]:
        yield DiffLine(Effect.unclear, name, guardrail, f"what is measured changed; {_numbers(*measures)}")
    both = {tier for own, tier in old.tiers if own == guardrail and (own, tier) in new.tiers}
    limits = _figures(old, guardrail), _figures(new, guardrail)
    for key in dict.fromkeys([*old.tiers, *new.tiers]):
        if key[0] != guardrail:
            continue
        subject = " ".join(key)
        before, after = old.tiers.get(key), new.tiers.get(key)
        if before is not None and after is not None:
            for effect, what in (*_tier(before, after, limits), *_muted(before, after, both)):
                yield DiffLine(effect, name, subject, what)
        elif before is not None:
            yield DiffLine(Effect.looser, name, subject, f"rule removed ({_line(before)})")
        elif after is not None:
            yield DiffLine(Effect.tighter, name, subject, f"new rule ({_line(after)})")


def _summary(rollout: RolloutState, guardrail: str) -> str:
    lines = [
        f"{tier} {_line(one)}"
        for (own, tier), one in rollout.tiers.items()
        if own == guardrail and tier != "blind"
    ]
    return "; ".join(lines) or "blind only"


def _line(tier: TierState) -> str:
    limits = ", or ".join(limit.text for limit in tier.limits or ())
    sustained = f" sustained for {span(tier.sustained)}" if tier.sustained else ""
    return f"{limits or 'its expression'}{sustained}: {tier.action}{' in shadow' if tier.shadow else ''}"


def _tier(old: TierState, new: TierState, limits: tuple[set[str], set[str]]) -> Iterator[EffectAndWords]:
    yield from _limits(old, new)
    if old.sustained != new.sustained:
        effect = by_size(old.sustained, new.sustained, more_is=Effect.looser)
        yield effect, f"sustained {span(old.sustained)} → {span(new.sustained)}"
    if old.keeps != new.keeps:
        effect = by_size(old.keeps, new.keeps, more_is=Effect.tighter)
        yield effect, f"kept firing {span(old.keeps)} → {span(new.keeps)}"
    if old.resumes != new.resumes:
        then, now = (
            "for a person to end" if one is None else f"over {span(timedelta(seconds=one))} after it"
            for one in (old.resumes, new.resumes)
        )
        sooner = (new.resumes or float("inf")) < (old.resumes or float("inf"))
        yield Effect.looser if sooner else Effect.tighter, f"its hold is {then} → {now}"
    if old.action != new.action:
        yield _action(old.action, new.action), f"action {old.action} → {new.action}"
    if old.severity != new.severity:
        yield _severity(old, new)
    if old.shadow != new.shadow:
        yield (
            (Effect.looser, "now in shadow: nothing is done any more")
            if new.shadow
            else (Effect.tighter, "out of the shadow: now it acts")
        )
    yield from _confirmation(old, new)
    if old.expr != new.expr:
        yield from _expression(old, new, limits)


def _severity(old: TierState, new: TierState) -> EffectAndWords:
    """A change of severity: it matters if it changes who is told."""
    words = f"severity {old.severity} → {new.severity}"
    if old.heard is None or new.heard is None:
        return Effect.unclear, words
    effect, what = change(old.heard, new.heard)
    return effect, f"{words}: {what}" if what else words


def _muted(old: TierState, new: TierState, both: set[str]) -> Iterator[EffectAndWords]:
    """Changes in which of the tiers in `both` states mute this one; a shadow neither mutes nor is muted."""
    if old.shadow == new.shadow:
        for tier in sorted((old.muted ^ new.muted) & both):
            muted = tier in new.muted
            effect = Effect.unclear if muted else Effect.tighter
            yield effect, f"{'muted' if muted else 'heard'} while its {tier} tier fires"


def _limits(old: TierState, new: TierState) -> Iterator[EffectAndWords]:
    if old.limits is None or new.limits is None or old.limits == new.limits:
        return
    before = {limit.kind: limit for limit in old.limits}
    after = {limit.kind: limit for limit in new.limits}
    if before.keys() == after.keys():
        for kind, limit in after.items():
            if before[kind] != limit:
                yield _moved(before[kind], limit), f"limit {before[kind].text} → {limit.text}"
    elif before.keys() < after.keys():
        yield from (
            (Effect.tighter, f"one reason more: {after[kind].text}") for kind in after.keys() - before.keys()
        )
    elif after.keys() < before.keys():
        yield from (
            (Effect.looser, f"one reason less: {before[kind].text}") for kind in before.keys() - after.keys()
        )
    else:
        texts = [", or ".join(limit.text for limit in tier.limits or ()) for tier in (old, new)]
        yield Effect.unclear, f"limit {texts[0]} → {texts[1]}"


def _moved(old: LimitState, new: LimitState) -> Effect:
    stages = {*old.figures, *new.figures}
    pairs = {(_in(old, stage), _in(new, stage)) for stage in stages}
    upper = Op(old.op).is_upper
    effects = set()
    if old.floor != new.floor:
        effects.add(Effect.looser if new.floor > old.floor else Effect.tighter)
    if old.least != new.least:
        effects.add(Effect.looser if new.least > old.least else Effect.tighter)
    for before, after in pairs:
        if before == after:
            continue
        if before is None or after is None:
            effects.add(Effect.tighter if before is None else Effect.looser)
        else:
            effects.add(Effect.looser if (after > before) == upper else Effect.tighter)
    return worst(effects)


def _in(limit: LimitState, stage: str | None) -> Decimal | None:
    return limit.figures.get(stage, limit.figures.get(None))


_STRENGTH = {
    action: strength for strength, action in enumerate(("promote", "investigate", "hold", *names.ACTING))
}


def _action(old: str, new: str) -> Effect:
    before, after = _STRENGTH.get(old), _STRENGTH.get(new)
    if before is None or after is None or {old, new} == {"emergency-rollback", "security-rollback"}:
        return Effect.unclear
    return Effect.looser if after < before else Effect.tighter


_UNREACHABLE = ("page", "hold", "act")


def _confirmation(old: TierState, new: TierState) -> Iterator[EffectAndWords]:
    if old.confirm == new.confirm:
        return
    if new.confirm is None:
        yield Effect.tighter, "acts without asking again"
    elif old.confirm is None:
        yield Effect.looser, f"asks again after {new.confirm[0]:g} s before it acts"
    else:
        if old.confirm[0] != new.confirm[0]:
            effect = by_size(old.confirm[0], new.confirm[0], more_is=Effect.looser)
            yield effect, f"asks again after {old.confirm[0]:g} s → {new.confirm[0]:g} s"
        before, after = old.confirm[1], new.confirm[1]
        if before != after:
            weaker = _UNREACHABLE.index(after) < _UNREACHABLE.index(before)
            yield (
                Effect.looser if weaker else Effect.tighter,
                f"when Prometheus does not answer: {before} → {after}",
            )


def _expression(
    old: TierState, new: TierState, limits: tuple[set[str], set[str]]
) -> Iterator[EffectAndWords]:
    """Other changes of the expression than those of limits: only a person can say which way is safer."""
    if _NUMBER.sub("#", old.expr) != _NUMBER.sub("#", new.expr):
        yield Effect.unclear, "its expression changed; read the rule"
        return
    pairs = zip(_NUMBER.findall(old.expr), _NUMBER.findall(new.expr), strict=True)
    was, now = limits
    moved = dict.fromkeys(f"{a} → {b}" for a, b in pairs if a != b and not (a in was and b in now))
    if moved:
        yield Effect.unclear, f"numbers of its expression changed: {', '.join(moved)}"


def _numbers(old: Sequence[str], new: Sequence[str]) -> str:
    """The numbers that changed, if nothing else did."""
    before, after = "\n".join(old), "\n".join(new)
    if _NUMBER.sub("#", before) != _NUMBER.sub("#", after):
        return "read the recording rules"
    pairs = zip(_NUMBER.findall(before), _NUMBER.findall(after), strict=True)
    return ", ".join(dict.fromkeys(f"{a} → {b}" for a, b in pairs if a != b))


def _figures(rollout: RolloutState, guardrail: str) -> set[str]:
    """The figures of its limits as they appear in expressions, where a sign is not part of the number."""
    figures = (
        figure
        for (own, _), tier in rollout.tiers.items()
        if own == guardrail
        for limit in tier.limits or ()
        for figure in (*limit.figures.values(), limit.floor, limit.least)
    )
    return {plain(abs(figure)) for figure in figures if figure is not None}
