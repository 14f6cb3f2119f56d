"""Where a rollout stands, in words: what is not known is never called fine."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from guarded import NOW, ROLLOUT, playbook
from guarded.playbook import weights
from handrail.contract import (
    STEP_CLASSES,
    Command,
    DeploymentImage,
    FlagOff,
    FlagShare,
    GitValue,
    HAProxyState,
    HAProxyWeight,
    HttpCall,
    LaunchDarklyOff,
    RolloutAbort,
    Secret,
    Step,
)
from handrail_receiver.attempt_states.states import State
from handrail_receiver.model import (
    Attempt,
    AttemptState,
    Effect,
    EffectState,
    History,
    Incident,
    LastSaid,
    Run,
    RunState,
)
from handrail_receiver.view_models.summary import TONES, summarize
from handrail_receiver.words.steps import change, told, what
from handrail_receiver.words.times import span, took

TOKEN = Secret("token")
ATTEMPT = Attempt(1, ROLLOUT, ROLLOUT, 4, AttemptState.active, "50%", NOW, NOW, "alice")
ROLLING = replace(ATTEMPT, state=AttemptState.rolling_back)


def rollback(state: RunState, *effects: EffectState) -> Run:
    made = tuple(
        Effect(place, step, effect)
        for place, (step, effect) in enumerate(zip(weights(0, 100), effects, strict=False))
    )
    return Run(
        1, 1, ROLLOUT, "rollback", "", 0, state, "alert", "error-rate is bad", NOW, NOW, NOW, effects=made
    )


def facts(history: History, after: timedelta = timedelta()) -> dict[str, str]:
    return {fact.name: fact.text for fact in summarize(playbook(), history, NOW + after).facts}


def test_without_an_attempt_nothing_is_claimed() -> None:
    found = summarize(playbook(), History(), NOW)
    assert (found.tone, found.word, found.headline) == ("soft", "no attempt", "No attempt was started.")
    assert facts(History()) == {
        "Can I roll back?": "not known: rehearsed when an attempt starts; ask now: `handrail rollout drill shop`"
    }


def test_a_stage_says_until_when_it_bakes_and_then_how_to_go_on() -> None:
    early, late = timedelta(minutes=19), timedelta(minutes=61)
    assert summarize(playbook(), History(ATTEMPT), NOW + early).headline == "In stage 50% for 19 min."
    assert facts(History(ATTEMPT), early)["Next"] == (
        "stage 100%, not before 2026-03-01 04:00:00 UTC (in 41 min)"
    )
    assert facts(History(ATTEMPT), late)["Next"] == "stage 100%: `handrail rollout promote shop`"


def test_a_hold_says_why_and_what_to_do() -> None:
    found = summarize(playbook(), History(replace(ATTEMPT, held="alice: wait")), NOW)
    assert (found.tone, found.headline) == (
        "wait",
        "Held in stage 50%, which it entered 0 s ago: alice: wait",
    )
    assert found.advice == (
        "Fix it, then `handrail rollout resume shop`; or `handrail rollout rollback shop --why …`."
    )


def test_a_rollback_that_is_left_to_people_comes_first() -> None:
    held = replace(ATTEMPT, held="the kill switch is set; people must carry out the rollback")
    left = Incident("shop-1", "shop", ATTEMPT.id, ATTEMPT.number, NOW, NOW, "rollback", "why", "alert")
    found = summarize(playbook(), History(held, incidents=(left,)), NOW)
    assert (found.tone, found.advice) == (
        "bad",
        (
            "People must act now: `handrail rollout rollback shop --why …`. "
            "If nothing is wrong: `handrail rollout resume shop`."
        ),
    )
    earlier = replace(left, attempt=ATTEMPT.id - 1)
    asked = replace(left, action="investigate")
    for history in (History(held, incidents=(earlier,)), History(held, incidents=(asked,))):
        assert summarize(playbook(), history, NOW).tone == "wait"


@pytest.mark.parametrize("state", [RunState.open, RunState.proving, RunState.failed, RunState.unproved])
def test_until_a_rollback_is_proved_the_share_is_unknown(state: RunState) -> None:
    history = History(ROLLING, (rollback(state, EffectState.done, EffectState.failed),))
    assert facts(history)["Canary's share"] == "unknown: the rollback is not proved"
    assert summarize(playbook(), history, NOW).tone in {"wait", "bad"}


def test_a_failed_rollback_names_the_steps_that_did_not_get_through() -> None:
    history = History(ROLLING, (rollback(RunState.failed, EffectState.done, EffectState.failed),))
    found = summarize(playbook(), history, NOW)
    assert (found.tone, found.word) == ("bad", "rollback failed")
    assert found.headline == (
        "The rollback from stage 50% failed: 1 of 2 steps did not succeed "
        "(HAProxy web/stable on unix:haproxy.sock: weight 100)"
    )


def test_a_missing_way_back_is_said_in_capitals() -> None:
    history = History(replace(ATTEMPT, rollback_ready="the token is refused"))
    assert facts(history)["Can I roll back?"] == "NO, when last rehearsed: the token is refused"


def test_series_of_one_tier_are_told_together_since_the_first() -> None:
    later = NOW + timedelta(seconds=9)
    said = (
        LastSaid("a", "error-rate/critical", firing=True, at=later),
        LastSaid("b", "error-rate/critical", firing=True, at=NOW),
        LastSaid("c", "leaks/critical", firing=False, at=NOW),
    )
    [found] = summarize(playbook(), History(ATTEMPT, said=said), NOW).firing
    assert (found.guardrail, found.tier, found.action, found.series, found.since) == (
        "error-rate",
        "critical",
        "rollback",
        2,
        NOW,
    )


def test_every_state_has_a_tone() -> None:
    assert {*State, *RunState, *EffectState} - {State.none} - set(TONES) == set()


STEPS: dict[str, Step] = {
    "HAProxy web/canary on lb1:9999, lb2:9999: weight 0": HAProxyWeight(
        "web/canary", 0, ["lb1:9999", "lb2:9999"]
    ),
    "HAProxy web/canary on unix:s: maint": HAProxyState("web/canary", "maint", ["unix:s"]),
    "Unleash pay/fast: off in production": FlagOff("https://u.example", "pay", "fast", "production", TOKEN),
    "Unleash pay/fast: on for 10 % in production": FlagShare(
        "https://u.example", "pay", "fast", "production", TOKEN, 10
    ),
    "LaunchDarkly pay/fast: off in production": LaunchDarklyOff("pay", "fast", "production", TOKEN),
    "Argo Rollout web/shop: aborted": RolloutAbort("https://k.example", "web", "shop", TOKEN),
    "Deployment web/shop, app: as it was before the attempt": DeploymentImage(
        "https://k.example", "web", "shop", "app", TOKEN
    ),
    "Git https://g.example/r main, values.yaml: image.tag = 1.2": GitValue(
        "https://g.example/r", "main", "values.yaml", "image.tag", "1.2"
    ),
    "PUT https://a.example/weight": HttpCall(
        "PUT", "https://a.example/weight", "https://a.example/weight", "/now", 0
    ),
    "$ fly scale 'count 0'": Command(["fly", "scale", "count 0"], ["true"]),
}


@pytest.mark.parametrize("words", STEPS)
def test_a_step_names_its_target_and_the_value_it_shall_have(words: str) -> None:
    assert what(STEPS[words]) == words


def test_every_kind_of_step_has_its_words() -> None:
    assert {type(step) for step in STEPS.values()} == set(STEP_CLASSES)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("HAProxy web/canary on lb1: weight 10", "HAProxy web/canary on lb1: weight 0", "… weight 10 → 0"),
        ("HAProxy a/b on x, y: weight 10, 0", "HAProxy a/b on x, y: weight 0", "… weight 10, 0 → 0"),
        ("pay/fast in production is on", "pay/fast in production is off", "… is on → off"),
        ("fly exited with 1: no", "fly exited with 0", "… 1: no → 0"),
        ("weight 1", "weight 10", "weight 1 → 10"),
        ("off", "off", "off"),
        ("one two", "one", "one two → one"),
    ],
)
def test_a_change_says_once_what_did_not_change(before: str, after: str, words: str) -> None:
    assert change(before, after).endswith(words.removeprefix("… "))
    assert change(before, after).startswith(before)


def test_a_step_is_told_by_what_it_found_where_that_names_the_target() -> None:
    weight = "HAProxy web/canary on lb1:9999: weight 0"
    assert told(weight, "HAProxy web/canary on lb1:9999: weight 10 → 0").endswith("lb1:9999: weight 10 → 0")
    assert told(weight, "lb1:9999 is silent") == f"{weight} ← lb1:9999 is silent"
    assert told("$ fly deploy", "fly exited with 1 → 0") == "$ fly deploy ← fly exited with 1 → 0"


def test_durations_are_short_and_never_wrap() -> None:
    spans = {0: "0 s", 59: "59 s", 2460: "41 min", 12000: "3 h 20 min", 187200: "2 d 4 h", 3600: "1 h"}
    assert {seconds: span(timedelta(seconds=seconds)) for seconds in spans} == spans
    times = {0.128: "+128 ms", 4.21: "+4.2 s", 200: "+3 min"}
    assert {seconds: took(NOW + timedelta(seconds=seconds), NOW) for seconds in times} == times
    assert took(None, NOW) == "not yet"
