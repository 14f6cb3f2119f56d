"""unknown-route: a route, mute time, level or gate names what no alert has, or a level or a security rollback tells nobody.

`routes={"P1": …}` on a rollout whose words are warning, critical and emergency wakes nobody, and Alertmanager does
not say so. A level that no `routes=` names reaches nobody: the receiver records it, and nobody is told. The people in
`tell_security=` are told by the receiver alone, and not at all while it is away, unless `routes={"security-rollback": …}`
has Alertmanager tell them too. A mute time for a word without a route mutes nothing: the receiver is never muted. `Gate(stable_for="24h",
severities=["crit"])` asks for nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from handrail.contract import names
from handrail.declare import Environment, Rollout
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding

NAME = "unknown-route"
_SECURITY = "security-rollback"
_FIELDS = (("routes", "tells people of"), ("mute", "mutes"))


def across(rollouts: Sequence[Rollout], environments: Sequence[Environment]) -> Iterator[Finding]:
    """Every word that somebody is told under, and every level."""
    for rollout in rollouts:
        own = list(_words(rollout))
        for field, does in _FIELDS:
            for word in getattr(rollout, field):
                if word not in own:
                    what = f"rollout '{rollout.name}' {does} '{word}', which is neither severity, action nor level of it"
                    yield finding(NAME, rollout, what, _cure(word, own), field, word)
        yield from _breaks_no_rest(rollout, _severities(rollout))
        yield from _mutes_nothing(rollout, environments)
        yield from _levels(rollout, _severities(rollout), environments)
        yield from _security(rollout, environments)
    known = list(dict.fromkeys(word for rollout in rollouts for word in _words(rollout)))
    for environment in environments:
        for field, does in _FIELDS:
            for word in getattr(environment, field):
                if word not in known:
                    what = f"environment '{environment.name}' {does} '{word}', which no rollout has"
                    yield finding(NAME, environment, what, _cure(word, known), field, word)


def _breaks_no_rest(rollout: Rollout, severities: Sequence[str]) -> Iterator[Finding]:
    for gate in (*(stage.gate for stage in rollout.stages), rollout.complete):
        for word in gate.severities if gate is not None else ():
            if word not in severities:
                what = (
                    f"a gate of rollout '{rollout.name}' asks for rest of '{word}', which no alert of it has"
                )
                yield finding(NAME, gate, what, _cure(word, severities), "severities", word)


def _mutes_nothing(rollout: Rollout, environments: Sequence[Environment]) -> Iterator[Finding]:
    for word in rollout.mute:
        if word in _words(rollout) and not any(
            word in routes for routes in (rollout.routes, *(here.routes for here in environments))
        ):
            what = f"rollout '{rollout.name}' mutes '{word}', of which nobody is told"
            yield finding(NAME, rollout, what, f'name people in routes={{"{word}": [...]}}', "mute", word)


def _levels(
    rollout: Rollout, severities: Sequence[str], environments: Sequence[Environment]
) -> Iterator[Finding]:
    for level in rollout.escalation:
        for word in level.severities:
            if word not in severities:
                what = f"level '{level.name}' of rollout '{rollout.name}' hears '{word}', which no alert of it has"
                yield finding(NAME, level, what, _cure(word, severities), "severities", word)
        if level.name in severities:
            what = f"level '{level.name}' of rollout '{rollout.name}' has the name of a severity"
            yield finding(
                NAME, level, what, "give it another name: routes= could not tell them apart", "name"
            )
        elif level.name not in rollout.routes:
            silent = [here.name for here in environments if level.name not in here.routes]
            if silent or not environments:
                place = f" in environment '{silent[0]}'" if silent else ""
                what = f"level '{level.name}' of rollout '{rollout.name}' reaches nobody{place}"
                cure = f'name people in routes={{"{level.name}": [...]}}, or an empty list'
                yield finding(NAME, level, what, cure, severity=Severity.warning)


def _security(rollout: Rollout, environments: Sequence[Environment]) -> Iterator[Finding]:
    if _SECURITY not in _actions(rollout) or not rollout.tell_security or _SECURITY in rollout.routes:
        return
    silent = [here.name for here in environments if _SECURITY not in here.routes]
    if silent or not environments:
        place = f" in environment '{silent[0]}'" if silent else ""
        what = (
            f"while the receiver is away nobody tells security of a breach of rollout '{rollout.name}'{place}"
        )
        cure = f'name them in routes={{"{_SECURITY}": [...]}} as well, or an empty list'
        yield finding(NAME, rollout, what, cure, "tell_security", severity=Severity.warning)


def _words(rollout: Rollout) -> Iterator[str]:
    yield from _severities(rollout)
    yield from (level.name for level in rollout.escalation)
    yield from _actions(rollout)


def _actions(rollout: Rollout) -> list[str]:
    """What its alerts ask for: to look where few events are, and to hold where a guardrail is blind, in any case."""
    asked = {"investigate", "hold", *(tier.action for one in rollout.guardrails for tier in one.tiers)}
    return [action for action in names.ACTIONS if action in asked]


def _severities(rollout: Rollout) -> list[str]:
    words = [rollout.severities.get(tier, tier) for tier in names.TIERS]
    own = (tier.severity for guardrail in rollout.guardrails for tier in guardrail.tiers)
    return list(dict.fromkeys([*words, *filter(None, own)]))


def _cure(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(known)}"
