"""A playbook → what is looked at while a stage lasts, in words for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal

from handrail.contract import BurstFacts, CheckFacts, Criterion, Gate, Playbook, ProbeFacts
from handrail.units import Unit, show, span


def looked_at(playbook: Playbook) -> Iterator[tuple[str, str, str]]:
    """When, in which stage, and what is done; the checks that ask and tell nothing in one line for each stage."""
    for stage in dict.fromkeys(one.stage for one in playbook.checks):
        plain = [one for one in playbook.checks if one.stage == stage and _plain(one)]
        if plain:
            yield ", ".join(span(timedelta(seconds=one.at)) for one in plain), _where(stage), "a check"
    for check in playbook.checks:
        if not _plain(check):
            yield _when(check), _where(check.stage), _check(check)
    if playbook.checks_while_firing:
        every = span(timedelta(seconds=playbook.checks_while_firing))
        yield f"every {every}", "each stage", "a check, while anything fires"
    yield from (("at each check", "each stage", _probe(probe)) for probe in playbook.probes)
    yield from ((_when(burst), _where(burst.stage), _burst(burst)) for burst in playbook.bursts)


def _plain(check: CheckFacts) -> bool:
    return not (check.name or check.questions or check.tell)


def _when(one: CheckFacts | BurstFacts) -> str:
    time = span(timedelta(seconds=one.at))
    return f"{time} ({one.name})" if one.name else time


def _where(stage: str | None) -> str:
    return "each stage" if stage is None else f"stage {stage}"


def _check(check: CheckFacts) -> str:
    asks = f"; people answer: {'; '.join(check.questions)}" if check.questions else ""
    return f"a check{', sent to people' if check.tell else ''}{asks}"


def _probe(probe: ProbeFacts) -> str:
    also = [f"{place} is {value!r}" for place, value in probe.values.items()]
    also += [f"{probe.contains!r} is in it"] if probe.contains else []
    answer = " and ".join([str(probe.expect), *also])
    return f"probe {probe.name}: GET {probe.url} answers {answer} within {_seconds(probe.within)}"


def _burst(burst: BurstFacts) -> str:
    text = f"a load burst: {burst.requests} requests by {burst.users} users, {burst.method} {burst.url}"
    return f"{text}, for {_seconds(burst.within)} at most"


def _seconds(seconds: float) -> str:
    return span(timedelta(seconds=seconds))


def seen_for(criteria: Sequence[Criterion]) -> str:
    """For how much of the stage before these criteria must have been seen; of all its events their number is asked, and no share."""
    data = min(one.there_for if one.there else one.coverage for one in criteria)
    enough = min((one.coverage for one in criteria if one.events is None), default=data)
    said = f"data for at least {_share(data)} of that time"
    return said if enough == data else f"{said}, and traffic enough for at least {_share(enough)} of it"


def _share(share: float) -> str:
    return show(Decimal(str(share)), Unit.ratio)


def at_rest(gate: Gate) -> tuple[str, ...]:
    """For how long nothing may have fired before."""
    if not gate.stable_for:
        return ()
    which = f"no {' or '.join(gate.severities)} alert" if gate.severities else "nothing"
    return (f"{which} fired for {_seconds(gate.stable_for)}",)


def gate_checks(asked: str | None) -> tuple[str, ...]:
    """What a gate asks of the checks in the stage before."""
    well = " and was well" if asked == "ok" else ""
    return (f"each check and load burst of the stage before was made{well}",) if asked else ()
