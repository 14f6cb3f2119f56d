"""A story → promtool's test case."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import groupby

from handrail.contract import names
from handrail.emit.document import NOTE, Data, Note
from handrail.emit.promtool.attempts import attempt
from handrail.emit.promtool.series import OTHER, At, Feeds, Key, Timeline
from handrail.emit.promtool.story import NOTHING, UNHEARD, Figure, Look, Silent, Story, Text, far
from handrail.emit.promtool.text import expanded
from handrail.plan import Rollout, Selector
from handrail.promql.syntax import either
from handrail.units import seconds, span

UNREAD = "no alert may depend on these: another rollout, guardrail or receiver, other labels"
_EXACT = 10**11
"""Up to so much a float holds each ten-thousandth."""


def case_data(story: Story, rollout: Rollout) -> Data:
    """As promtool reads it."""
    told = receiver(rollout, story.stages, story.step, story.timeline.scrape, story.end)
    series = {**told.series(), **story.timeline.series()}
    asked = [
        *((look.at, _look_data(look, rollout)) for look in story.looks),
        *((figure.at, _figure_data(figure)) for figure in story.figures),
    ]
    data: Data = {
        "name": story.name,
        "interval": span(story.timeline.scrape),
        "input_series": [*_series_data(series)],
        "alert_rule_test": list(texts_data(story.texts, rollout) if asked else _by_time(story, rollout)),
        "promql_expr_test": [*_noted(story.notes, asked)],
    }
    return {name: part for name, part in data.items() if part}


def receiver(
    rollout: Rollout,
    stages: Sequence[str | None],
    step: timedelta,
    scrape: timedelta,
    end: timedelta,
) -> Timeline:
    """What the receiver says: the stage the rollout is in up to each evaluation, and the versions of its arms.

    A second receiver knows of none.
    """
    timeline, number = Timeline(scrape), 0
    for stage, evaluations in groupby(stages):
        number += len(list(evaluations))
        last = number == len(stages)
        gone = not last and stages[number] == UNHEARD
        until = end if last else (number - 1) * step + gone * scrape
        told: dict[Key, At] = {}
        for one in rollout.stages:
            labels = {names.ROLLOUT: rollout.name, names.STAGE: one.name}
            told[Key.of(names.STAGE_METRIC, {**labels, names.ROLLOUT: OTHER})] = At(Decimal(1))
            if stage == UNHEARD:
                continue
            told[Key.of(names.STAGE_METRIC, labels)] = At(Decimal(one.name == stage))
            told[Key.of(names.STAGE_METRIC, {**labels, "instance": OTHER})] = At(Decimal(0))
            if one.name == stage and any(alert.during for alert in rollout.alerts):
                told[Key.of(names.STAGE_ENTERED_METRIC, labels)] = At(seconds(end))  # it has just begun
        if stage != UNHEARD and any(alert.since_attempt for alert in rollout.alerts):
            began = Key.of(names.ATTEMPT_STARTED_METRIC, {names.ROLLOUT: rollout.name})
            told[began] = At(seconds(end) if stage else Decimal(0))
        versions = {} if stage == UNHEARD else attempt(rollout, 0 if stage is None else 1)
        _say(timeline, {**told, **versions}, step, until)
    return timeline


def _say(timeline: Timeline, feeds: Feeds, step: timedelta, until: timedelta) -> None:
    """At every scrape; where evaluations are days apart only just before each, for promtool's store to have little to cut."""
    if not far(step) or timeline.scrape == step:
        timeline.play(feeds, until)
        return
    if not timeline.now:
        timeline.play(feeds, NOTHING)
    while timeline.now <= until:
        seen = min((timeline.now // step + 1) * step, until)
        timeline.play({}, seen - 2 * timeline.scrape)
        timeline.play(feeds, seen)


def _series_data(series: Mapping[Key, str]) -> Iterator[Data]:
    """What is looked at, and then what nobody should look at."""
    others = dict.fromkeys(key for key in series if OTHER in key.labels.values())
    yield from ({"series": key, "values": series[key]} for key in series if key not in others)
    note = {NOTE: Note(UNREAD)}
    for key in others:
        yield {**note, "series": key, "values": series[key]}
        note = {}


def _noted(
    notes: Mapping[timedelta, Sequence[str]], asked: Iterable[tuple[timedelta, Data]]
) -> Iterator[Data]:
    """The questions, the first of each time below what is new since the one before."""
    left = sorted(notes.items())
    for at, question in asked:
        note = [line for time, lines in left if time <= at for line in lines]
        left = [one for one in left if one[0] > at]
        yield {NOTE: Note("\n".join(note)), **question} if note else question


def _by_time(story: Story, rollout: Rollout) -> Iterator[Data]:
    """All that is asked of a story in which nothing is looked at: of each time which alerts fire, and how."""
    by_time: dict[timedelta, list[Text | Silent]] = {}
    for one in story.texts:
        by_time.setdefault(one.at, []).append(one)
    asked = ((at, data) for at, texts in sorted(by_time.items()) for data in texts_data(texts, rollout))
    return _noted(story.notes, asked)


def _look_data(look: Look, rollout: Rollout) -> Data:
    """Who is pending and who fires, of these alerts."""
    only = () if look.only is None else ((look.only[0], "=", look.only[1]),)
    apart = sorted({label for _, label, _ in look.states if label})
    by = ", ".join([names.ALERTNAME, "alertstate", *apart])
    return {
        "expr": f"group by ({by}) ({Selector('ALERTS', (*_of_these(look.alerts, rollout), *only))})",
        "eval_time": span(look.at),
        "exp_samples": [
            {"labels": _labels({names.ALERTNAME: name, "alertstate": state, label: value}), "value": 1}
            for (name, label, value), state in sorted(look.states.items())
        ],
    }


def _of_these(alerts: Sequence[str], rollout: Rollout) -> Iterator[tuple[str, str, str]]:
    """Matchers of these alerts; where they are most of the rollout's, of all but the others."""
    every = (*rollout.alerts, rollout.heartbeat, *([rollout.promotion] if rollout.promotion else []))
    others = sorted({alert.name for alert in every} - set(alerts))
    if len(alerts) == 1:
        yield names.ALERTNAME, "=", alerts[0]
    elif len(alerts) <= len(others):
        yield names.ALERTNAME, "=~", either(alerts)
    else:
        yield names.ROLLOUT, "=", rollout.name
        if others:
            yield names.ALERTNAME, "!~", either(others)


def _labels(labels: dict[str, str]) -> str:
    return "{" + ",".join(f'{name}="{text}"' for name, text in labels.items() if text) + "}"


def _figure_data(figure: Figure) -> Data:
    """A whole number, or to a ten-thousandth of itself: floats add up to almost the same."""
    if not figure.count:
        return {"expr": str(figure.series), "eval_time": span(figure.at), "exp_samples": []}
    expr, value = f"sum({figure.series})", figure.value
    if value != int(value) or abs(value) > _EXACT:
        expr, value = f"{expr} / {float(value):.15g}", Decimal(1)
    return {
        "expr": f"round({expr}, 0.0001)",
        "eval_time": span(figure.at),
        "exp_samples": [{"labels": "{}", "value": float(value)}],
    }


def texts_data(texts: Iterable[Text | Silent], rollout: Rollout) -> Iterator[Data]:
    """Every alert with all its labels and annotations, as often as it fires at a time; without any where it is silent."""
    asked: dict[tuple[str, timedelta], list[Data]] = {}
    places = {alert.name: place for place, alert in enumerate(rollout.alerts)}
    for text in sorted(texts, key=lambda text: places.get(text.alert.name, 0)):
        alerts = asked.setdefault((text.alert.name, text.at), [])
        alerts += [_text_data(text, rollout)] if isinstance(text, Text) else []
    for (name, at), alerts in asked.items():
        yield {"eval_time": span(at), "alertname": name, "exp_alerts": alerts}


def _text_data(text: Text, rollout: Rollout) -> Data:
    """The alert with all its labels and annotations."""
    alert, own = text.alert, dict(text.alert.labels)
    labels = {**text.labels, **own}
    value = float(text.value if text.value is not None else Decimal(1))
    anchor = "stages" if alert is rollout.promotion else own.get(names.GUARDRAIL, alert.tier)
    return {
        "exp_labels": labels,
        "exp_annotations": {
            "summary": expanded(alert.summary, value, labels),
            "description": expanded(alert.description, value, labels),
            "runbook_url": f"{rollout.runbook_url}#{anchor}",
            "dashboard_url": rollout.dashboard_url,
        },
    }
