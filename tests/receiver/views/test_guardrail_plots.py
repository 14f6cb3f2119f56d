"""The plots of a rollout's page: over which time, with which lines, limits and marks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from guarded import NOW, ROLLOUT
from guarded.recorded import limited_playbook
from handrail_receiver.model import Attempt, AttemptState, History, Run, RunState
from handrail_receiver.plots.timeplot import LimitLine, Mark
from handrail_receiver.views.guardrail_plots import Window, plots, range_question, window_of

ATTEMPT = Attempt(1, ROLLOUT, ROLLOUT, 4, AttemptState.active, "50%", NOW + timedelta(hours=1), NOW, "alice")


def entered(number: int, action: str, stage: str, hours: float) -> Run:
    at = NOW + timedelta(hours=hours)
    return Run(number, 1, ROLLOUT, action, stage, 0, RunState.done, "alice", "x", at, at, at, at, at)


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
    drawn = plots(limited_playbook(), history, (), window, samples, [Mark(at[2], "held")])["error-rate"]
    assert [line for line in drawn.limits if line.text == "critical"] == [
        LimitLine("critical", 0.05, at[0], at[1]),
        LimitLine("critical", 0.02, at[1], at[2]),
    ]
    assert [(line.arm, line.name) for line in drawn.lines] == [
        ("canary", "canary path=/pay"),
        ("stable", "stable"),
    ]
    assert drawn.marks == (Mark(at[1], "stage 50% entered"), Mark(at[2], "held"))
    assert (
        range_question(limited_playbook()) == '{__name__="handrail:guardrail:value",rollout="shop",signal=""}'
    )


def test_a_limit_that_is_far_away_is_left_out_and_the_nearest_never_is() -> None:
    window = Window(NOW, NOW + timedelta(hours=1))
    at = NOW.timestamp()

    def drawn(value: float) -> list[str]:
        samples = [({"guardrail": "error-rate", "track": "canary"}, [(at, value)])]
        found = plots(limited_playbook(), History(ATTEMPT), (), window, samples, ())
        return [limit.text for limit in found["error-rate"].limits]

    assert drawn(0.1) == ["warning", "critical", "emergency"]
    assert drawn(0.02) == ["warning", "critical"]
    assert drawn(0.0001) == ["warning"]


def test_a_line_of_no_arm_is_drawn_as_the_canary_s_and_one_of_another_version_is_told_apart() -> None:
    window = Window(NOW, NOW + timedelta(hours=1))
    samples = [
        ({"guardrail": "error-rate"}, [(NOW.timestamp(), 1.0)]),
        ({"guardrail": "error-rate", "track": "old"}, [(NOW.timestamp(), 1.0)]),
    ]
    lines = plots(limited_playbook(), History(ATTEMPT), (), window, samples, ())["error-rate"].lines
    assert [(line.arm, line.name) for line in lines] == [("canary", "value"), ("other", "other")]
