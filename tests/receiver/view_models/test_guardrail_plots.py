"""The plots of a rollout's page: over which time, with which lines, limits and marks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from guarded import NOW, ROLLOUT
from guarded.playbook import tier
from guarded.recorded import limit, limited_playbook
from handrail.contract import GuardrailFacts, Playbook, ReferenceQuery
from handrail.declare import Ago, Environment, Guardrail, Ratio, Rise, Rollout, Warning
from handrail.lower import lower
from handrail_receiver.model import Attempt, AttemptState, Captured, History, Run, RunState
from handrail_receiver.plots.timeplot import LimitLine, Mark, TimePlot
from handrail_receiver.view_models.guardrail_plots import (
    RangeSamples,
    Window,
    plots,
    plotted,
    range_question,
    window_of,
)
from handrail_receiver.view_models.timeline import Entry
from promql_parser import BinaryExpr, parse

ATTEMPT = Attempt(1, ROLLOUT, ROLLOUT, 4, AttemptState.active, "50%", NOW + timedelta(hours=1), NOW, "alice")


def entered(number: int, action: str, stage: str, hours: float) -> Run:
    at = NOW + timedelta(hours=hours)
    return Run(number, 1, ROLLOUT, action, stage, 0, RunState.done, "alice", "x", at, at, at, at, at)


def drawn_of(
    playbook: Playbook,
    history: History,
    window: Window,
    samples: RangeSamples = (),
    entries: Sequence[Entry] = (),
) -> TimePlot:
    """The plot of the error rate."""
    return plots(plotted(playbook, history, entries, {}), samples, window, window.step)["error-rate"]


def test_a_live_attempt_is_shown_over_its_stage_and_some_of_what_was_before() -> None:
    hour = timedelta(hours=1)
    assert window_of(ATTEMPT, None, NOW + hour * 1.25) == Window(NOW + hour * 0.25, NOW + hour * 1.25)
    assert window_of(ATTEMPT, None, NOW + hour * 9) == Window(NOW, NOW + hour * 9)
    over = replace(ATTEMPT, state=AttemptState.complete)
    assert window_of(over, NOW + hour * 2, NOW + hour * 9) == Window(NOW, NOW + hour * 2)


def test_each_stage_has_its_limit_and_each_arm_its_line() -> None:
    history = History(ATTEMPT, (entered(1, "start", "10%", 0), entered(2, "promote", "50%", 1)))
    window = Window(NOW, NOW + timedelta(hours=2))
    at = [window.start.timestamp() + 3600 * hour for hour in range(3)]
    labels = {"guardrail": "error-rate", "rollout": ROLLOUT}
    samples = [
        ({**labels, "track": "stable"}, [(at[0], 0.1)]),
        ({**labels, "track": "canary", "path": "/pay"}, [(at[0], 0.2)]),
    ]
    entries = [
        Entry(number, NOW + timedelta(hours=hours), word, "wait", "", word)
        for number, hours, word in [(1, -1, "held"), (7, 1.5, "done"), (8, 2, "held")]
    ]
    drawn = drawn_of(limited_playbook(), history, window, samples, entries)
    assert [line for line in drawn.limits if line.text == "critical"] == [
        LimitLine("critical", 0.05, at[0], at[1]),
        LimitLine("critical", 0.02, at[1], at[2]),
    ]
    assert [(line.arm, line.name) for line in drawn.lines] == [
        ("canary", "canary path=/pay"),
        ("stable", "stable"),
    ]
    assert drawn.marks == (Mark(at[1], "stage 50% entered"), Mark(at[2], "8: held"))
    assert (
        range_question(limited_playbook()) == '{__name__="handrail:guardrail:value",rollout="shop",signal=""}'
    )


def test_a_limit_that_is_far_away_is_left_out_and_the_nearest_never_is() -> None:
    window = Window(NOW, NOW + timedelta(hours=1))
    at = NOW.timestamp()

    def drawn(value: float) -> list[list[str]]:
        samples = [({"guardrail": "error-rate", "track": "canary"}, [(at, value)])]
        found = drawn_of(limited_playbook(), History(ATTEMPT), window, samples)
        return [[limit.text for limit in limits] for limits in (found.limits, found.far)]

    assert drawn(0.1) == [["warning", "critical", "emergency"], []]
    assert drawn(0.02) == [["warning", "critical"], ["emergency"]]
    assert drawn(0.0001) == [["warning"], ["critical", "emergency"]]


def test_a_line_of_no_arm_is_drawn_as_the_canary_s_and_one_of_another_version_is_told_apart() -> None:
    window = Window(NOW, NOW + timedelta(hours=1))
    samples = [
        ({"guardrail": "error-rate"}, [(NOW.timestamp(), 1.0)]),
        ({"guardrail": "error-rate", "track": "old"}, [(NOW.timestamp(), 1.0)]),
    ]
    lines = drawn_of(limited_playbook(), History(ATTEMPT), window, samples).lines
    assert [(line.arm, line.name) for line in lines] == [("canary", "value"), ("other", "other")]


def relative(reference: str, **facts: str) -> Playbook:
    """The error rate may be half as high again as its reference."""
    against = limit("1.5", "half as much again").model_copy(update={"reference": reference, **facts})
    tiers = (tier("error-rate", "warning", "investigate", limits=(against,)),)
    return limited_playbook(guardrails=(GuardrailFacts(name="error-rate", tiers=tiers),))


@pytest.mark.parametrize(
    ("reference", "of"),
    [
        ("the stable arm", {"guardrail": "error-rate", "track": "stable"}),
        ("the figure of 1d ago", {"about": "error-rate: the figure of 1d ago"}),
    ],
)
def test_a_limit_that_moves_with_its_reference_is_a_line_with_one_name(
    reference: str, of: dict[str, str]
) -> None:
    window = Window(NOW, NOW + timedelta(minutes=3))
    at = [NOW.timestamp() + 60 * minute for minute in range(4)]
    canary = ({"guardrail": "error-rate", "track": "canary"}, [(at[0], 1.0)])
    moved = (of, list(zip(at, (0.2, 0.4, math.nan, 0.2), strict=True)))
    drawn = drawn_of(relative(reference, past="x"), History(ATTEMPT), window, [canary, moved])
    assert [(line.text, round(line.figure, 3), line.start, line.end) for line in drawn.limits] == [
        ("", 0.3, at[0], at[1]),
        ("warning", 0.6, at[1], at[2]),
    ]
    assert "other" not in [line.arm for line in drawn.lines]


def test_a_limit_against_the_stage_before_is_drawn_in_each_stage_that_has_one() -> None:
    runs = (entered(1, "start", "10%", 0), entered(2, "promote", "50%", 1))
    captured = (Captured("error-rate", "stage:10%", 0.02),)
    window = Window(NOW, NOW + timedelta(hours=2))
    book = relative("the stage before")
    asked = (ReferenceQuery(reference="stage:10%", expr="x"),)
    facts = tuple(one.model_copy(update={"references": asked}) for one in book.guardrails)
    book = book.model_copy(update={"guardrails": facts})
    [line] = drawn_of(book, History(ATTEMPT, runs, captured=captured), window).limits
    assert (line.text, round(line.figure, 3)) == ("warning", 0.03)
    assert (line.start, line.end) == ((NOW + timedelta(hours=1)).timestamp(), window.end.timestamp())


def test_what_a_compiled_limit_asks_of_the_past_is_promql() -> None:
    errors = Guardrail(
        "errors",
        Ratio(bad='requests_total{code="500"}', of="requests_total"),
        against=Ago("1d"),
        tiers=[Warning(Rise("50%"))],
    )
    [planned] = lower([Rollout("shop", "shop", guardrails=[errors])], Environment("test")).rollouts
    [[asked]] = [
        [limit.past for tier in facts.tiers for limit in tier.limits] for facts in planned.playbook.guardrails
    ]
    assert "offset 1d" in asked
    assert range_question(planned.playbook, past=True).count(" or label_replace(") == 1
    assert isinstance(parse(range_question(planned.playbook, past=True)), BinaryExpr)
