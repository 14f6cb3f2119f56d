"""A rollout → prometheus/tests/<rollout>.test.yml: promtool's unit tests of every alert, to be read as its specification.

The rules record what is measured, and alerts compare what is recorded. So there are two kinds of test: what the rules
record of the service's series (losses.py, counted.py), and which alerts fire at what is recorded (verdicts.py), with the
numbers of the declaration. What promtool cannot be asked is named, with the reason, at the head of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from handrail.contract import names
from handrail.emit.document import Data, yaml_document
from handrail.emit.promtool.absences import absences
from handrail.emit.promtool.cases import case_data
from handrail.emit.promtool.counted import counting
from handrail.emit.promtool.losses import losses
from handrail.emit.promtool.objectives import objectives
from handrail.emit.promtool.own import blindness, escalation, heartbeat, promotion, receiver_gone
from handrail.emit.promtool.past import past
from handrail.emit.promtool.split import split
from handrail.emit.promtool.story import Story, Untestable
from handrail.emit.promtool.verdicts import verdicts
from handrail.plan import Alert, Environment, EventMeasure, Rollout
from handrail.report.wording import reason
from handrail.units import span

UNSEEN = "it reads the service's own series beside recorded ones, which no test case shows"


def emit(rollout: Rollout, _: Environment) -> dict[str, str]:
    """The test files, by path."""
    return tests(rollout)


def tests(rollout: Rollout) -> dict[str, str]:
    """The test files of one rollout, by path."""
    told = list(stories(rollout))
    told += _unseen(rollout, told)
    cases = [one for one in told if isinstance(one, Story)]
    return files(
        rollout,
        [(one.step, case_data(one, rollout)) for one in cases],
        [one for one in told if isinstance(one, Untestable)],
        _promises(rollout, cases),
    )


def files(
    rollout: Rollout,
    cases: Iterable[tuple[timedelta, Data]],
    untested: Iterable[Untestable],
    promises: Iterable[str] = (),
) -> dict[str, str]:
    """One file for each pace at which the rules are evaluated.

    At the head of that at the rollout's own pace stand what its alerts promise, and what is untested.
    """
    head = [*promises, *dict.fromkeys(f"cannot be tested: {one}" for one in untested)]
    by_step: dict[timedelta, list[Data]] = {rollout.evaluate: []}
    for step, case in cases:
        by_step.setdefault(step, []).append(case)
    return {
        names.tests_file(rollout.name, "" if step == rollout.evaluate else span(step)): _file(
            rollout, step, by_step[step], head if step == rollout.evaluate else []
        )
        for step in sorted(by_step)
    }


def stories(rollout: Rollout) -> Iterator[Story | Untestable]:
    """Everything there is to tell of a rollout."""
    yield heartbeat(rollout)
    if rollout.receiver_down is not None:
        yield receiver_gone(rollout, rollout.receiver_down)
    yield from verdicts(rollout)
    yield from past(rollout)
    yield from absences(rollout)
    yield from blindness(rollout)
    yield from losses(rollout)
    yield from counting(rollout)
    yield from objectives(rollout)
    yield from split(rollout)
    yield from escalation(rollout)
    yield from promotion(rollout)


def _unseen(rollout: Rollout, told: Iterable[Story | Untestable]) -> Iterator[Untestable]:
    """Alerts of guardrails that are in no state in any story, where nothing says so yet."""
    cases = [one for one in told if isinstance(one, Story)]
    seen = {name for one in cases for look in one.looks for name, _, _ in look.states}
    seen |= {name for one in cases for name in one.fires}
    said = {one.about for one in told if isinstance(one, Untestable)}
    for guardrail in rollout.guardrails:
        for alert in guardrail.every_alert:
            about = f"{guardrail.name}, {alert.tier}"
            if alert.name not in seen and not said & {guardrail.name, about}:
                yield Untestable(about, UNSEEN)


def _promises(rollout: Rollout, cases: Iterable[Story]) -> Iterator[str]:
    """Of each alert: when it fires, for how long that must last, and the steps of the files in which it does."""
    shown: dict[str, set[timedelta]] = {}
    for story in cases:
        for name in story.fires:
            shown.setdefault(name, set()).add(story.step)
    yield "each alert, when it fires, and the evaluation intervals of the files that show it:"
    for alert in rollout.alerts:
        when = ", or ".join(map(reason, alert.conditions)) or alert.tier
        times = f" for {span(alert.sustained)}" if alert.sustained else ""
        kept = f", kept for {span(alert.keep_firing_for)}" if alert.keep_firing_for else ""
        where = ", ".join(map(span, sorted(shown.get(alert.name, ())))) or "none"
        yield f"  {alert.name}: {when}{times}{kept}{_fewest(alert)} ({where})"


def _fewest(alert: Alert) -> str:
    """From how many events on it judges, and from how many bad ones where there are fewer."""
    measures = [one.signal.measure.inner for one in alert.conditions]
    least = {one.min_events for one in measures if isinstance(one, EventMeasure) and one.min_events > 1}
    bad = {one.least_bad for one in alert.conditions if one.least_bad and not one.judges_filled}
    from_bad = f", or {' or '.join(map(str, sorted(bad)))} bad ones" if bad else ""
    return f"; from {' or '.join(map(str, sorted(least)))} events{from_bad}" if least else ""


def _file(rollout: Rollout, step: timedelta, cases: list[Data], comments: Iterable[str]) -> str:
    data: Data = {
        "rule_files": [f"../rules/{rollout.name}.yml"],
        "evaluation_interval": span(step),
        "tests": cases,
    }
    head, _, body = yaml_document(data, rollout.source).partition("\n")
    return "\n".join([head, *(f"# {one}" for one in comments), body])
