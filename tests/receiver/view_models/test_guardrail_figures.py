"""Each guardrail's figure beside its limit: what is not known is unknown, and never fine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from guarded import NOW, ROLLOUT, playbook
from guarded.playbook import tier
from guarded.recorded import limit, limited_playbook
from handrail import plan
from handrail.contract import GivenArms, GuardrailFacts, LimitFacts, ReferenceQuery, names
from handrail.report.wording import reference_words
from handrail_receiver.model import Attempt, AttemptState, Captured
from handrail_receiver.view_models import reference_figures
from handrail_receiver.view_models.guardrails import (
    GuardrailNow,
    LimitNow,
    SeriesReading,
    TrafficNow,
    Watched,
    question,
    unknown,
    watched,
)
from handrail_receiver.view_models.reference_figures import figure_in, references

AT = NOW.timestamp()
IN_10 = Attempt(1, ROLLOUT, ROLLOUT, 4, AttemptState.active, "10%", NOW, NOW, "alice")
Sample = tuple[Mapping[str, str], float]


def sample(name: str, value: float, **labels: str) -> Sample:
    return {"__name__": name, "rollout": ROLLOUT, **labels}, value


def of_errors(name: str, value: float, **labels: str) -> Sample:
    return sample(name, value, guardrail="error-rate", **labels)


INFO = of_errors(names.INFO, 1, unit="ratio")
FRESH: Sample = ({reference_figures.ABOUT: "age", "rollout": ROLLOUT, "guardrail": "error-rate"}, AT - 10)
EVENTS = (
    of_errors(names.EVENTS, 120, track="canary"),
    of_errors(names.EVENTS, 1080, track="stable"),
)
FINE = (
    INFO,
    FRESH,
    *EVENTS,
    of_errors(names.VALUE, 0.004, track="canary"),
    of_errors(names.VALUE, 0.002, track="stable"),
)


def seen(*samples: Sample, **facts: Any) -> Watched:
    return watched(limited_playbook(**facts), IN_10, (), samples, AT)


def errors(*samples: Sample, **facts: Any) -> GuardrailNow:
    return seen(*samples, **facts).guardrails[0]


def test_a_guardrail_that_is_fine_says_both_arms_its_limits_and_its_events() -> None:
    assert errors(*FINE) == GuardrailNow(
        "error-rate",
        "ratio",
        "good",
        "within its limits",
        (SeriesReading("canary", "", 0.004, "0.4 %"), SeriesReading("stable", "", 0.002, "0.2 %")),
        (
            LimitNow("warning", "investigate", "above 1.00 %", ">", 0.01, ""),
            LimitNow("critical", "rollback", "above 5.00 %", ">", 0.05, "5 %"),
            LimitNow("emergency", "emergency-rollback", "above 25.00 %", ">", 0.25, ""),
        ),
        "canary 120, stable 1 080",
        (),
    )


@pytest.mark.parametrize(
    ("samples", "tone", "word"),
    [
        ((), "wait", "unknown: no rule"),
        ((INFO, FRESH), "wait", "no data"),
        ((INFO, FRESH, of_errors(names.VALUE, 0.1, track="stable")), "wait", "no data"),
        ((INFO, FRESH, of_errors(names.EVENTS, 0, track="canary")), "wait", "no events"),
        ((INFO, FRESH, of_errors(names.VALUE, float("nan"), track="canary")), "wait", "unknown: no number"),
        ((*FINE[:1], *FINE[2:]), "wait", "of unknown age"),
        (
            (INFO, ({**FRESH[0]}, AT - 200), of_errors(names.VALUE, 0.004, track="canary")),
            "wait",
            "3 min old",
        ),
        ((INFO, FRESH, of_errors(names.VALUE, 0.02, track="canary")), "wait", "beyond its limit"),
        (
            (*FINE, of_errors("ALERTS", 1, alertstate="pending", tier="critical", environment="production")),
            "wait",
            "pending: critical",
        ),
        (
            (*FINE, of_errors("ALERTS", 1, alertstate="firing", tier="critical", environment="production")),
            "bad",
            "fires: critical",
        ),
        (
            (*FINE, of_errors("ALERTS", 1, alertstate="firing", tier="blind", environment="production")),
            "wait",
            "blind",
        ),
    ],
)
def test_nothing_is_called_better_than_it_is_known_to_be(
    samples: tuple[Sample, ...], tone: str, word: str
) -> None:
    found = errors(*samples)
    assert (found.tone, found.word) == (tone, word)


@pytest.mark.parametrize("other", [{"environment": "staging"}, {"mode": "shadow"}, {"level": "2"}])
def test_an_alert_that_is_not_ours_fires_nothing(other: Mapping[str, str]) -> None:
    alert = of_errors(
        "ALERTS", 1, **{"alertstate": "firing", "tier": "critical", "environment": "production", **other}
    )
    assert seen(*FINE, alert).fires == ()


def test_where_prometheus_does_not_answer_no_figure_is_shown() -> None:
    found = unknown(limited_playbook(), IN_10, (), "no answer within 2 s")
    assert [(one.word, one.tone, one.readings) for one in found.guardrails] == [("unknown", "wait", ())] * 2
    assert (found.traffic.text, found.fires) == ("unknown: no answer within 2 s", None)


def test_the_limit_is_that_of_the_stage() -> None:
    in_50 = watched(
        limited_playbook(),
        Attempt(1, ROLLOUT, ROLLOUT, 4, AttemptState.active, "50%", NOW, NOW, "a"),
        (),
        FINE,
        AT,
    )
    assert [one.shown for one in in_50.guardrails[0].limits] == ["", "2 %", ""]


def relative(reference: str, **facts: Any) -> LimitFacts:
    return limit("1.2", "above 120 %").model_copy(update={"reference": reference, **facts})


def test_a_relative_limit_is_computed_from_what_it_calls_its_reference_or_what_the_stable_arm_has() -> None:
    known = {"the figure from before the rollout": 10.0, "stage 10%": 20.0, "the figure of 1h ago": 30.0}
    before, stage = "the figure from before the rollout", "stage 10%"
    assert figure_in(relative(before), "50%", known, None) == 12
    assert figure_in(relative(stage), "50%", known, None) == 24
    assert figure_in(relative(stage, points=True), "50%", known, None) == 21.2
    assert figure_in(relative("the stable arm"), "50%", known, 5) == 6
    assert figure_in(relative("the stable arm", floor=7), "50%", known, 5) == 7
    assert figure_in(relative("the stable arm", least=5), "50%", known, 5) == 6
    assert figure_in(relative("the stable arm", least=6), "50%", known, 5) is None
    assert figure_in(relative("the stable arm"), "50%", known, None) is None
    assert figure_in(relative("the figure of 1h ago"), "50%", known, 5) == 36
    assert figure_in(relative("the figure of 1d ago"), "50%", known, 5) is None
    assert figure_in(relative(before, signal="changes"), "50%", known, None) is None


def test_what_was_captured_is_the_reference_of_a_stage_unless_there_are_several_figures() -> None:
    book = limited_playbook()
    [errors, *_] = book.guardrails
    errors = errors.model_copy(update={"references": (ReferenceQuery(reference="stage:10%", expr="x"),)})
    captured = [
        Captured("error-rate", "before", 1.0),
        Captured("error-rate", "stage:10%", 2.0),
        Captured("leaks", "stage:50%", 3.0),
    ]
    before = {"the figure from before the rollout": 1.0, "stage 10%": 2.0}
    assert references(book, errors, "10%", captured) == before
    assert references(book, errors, "50%", captured) == {**before, "the stage before": 2.0}
    twice = [Captured("error-rate", "before", number, (("by_path", f"/{number}"),)) for number in (1.0, 2.0)]
    assert references(book, errors, "10%", twice) == {}


AGO = "the figure of 1d ago"
PAST = limit("1.5", "above 150 % of it").model_copy(update={"reference": AGO, "past": "old_value offset 1d"})


def compared() -> tuple[GuardrailFacts, ...]:
    return (
        GuardrailFacts(
            name="error-rate", tiers=(tier("error-rate", "warning", "investigate", limits=(PAST,)),)
        ),
    )


def test_a_limit_against_the_past_stands_where_the_past_was() -> None:
    def shown(*past: Sample) -> str:
        [now] = seen(*FINE, *past, guardrails=compared()).guardrails[0].limits
        return now.shown

    name = f"error-rate: {AGO}"
    assert shown(({"about": name}, 0.004)) == "0.6 %"
    assert shown() == ""
    assert shown(({"about": name, "path": "/a"}, 0.1), ({"about": name, "path": "/b"}, 0.2)) == ""


def test_the_past_is_asked_for_with_all_else() -> None:
    asked = question(limited_playbook(guardrails=compared()))
    own = f'label_replace(old_value offset 1d, "about", "error-rate: {AGO}", "", "")'
    assert asked.endswith(f" or {own}")
    assert own not in question(limited_playbook(guardrails=compared()), past=False)


def test_references_are_called_here_as_the_compiler_calls_them() -> None:
    kinds = plan.ReferenceKind
    assert reference_words(plan.Reference(kinds.before)) == reference_figures.BEFORE_WORDS
    assert reference_words(plan.Reference(kinds.stable)) == reference_figures.STABLE_WORDS
    assert reference_words(plan.Reference(kinds.previous_stage)) == reference_figures.PREVIOUS_WORDS
    assert (
        reference_words(plan.Reference(kinds.previous_stage, stage="10%"))
        == f"{reference_figures.STAGE_WORDS}10%"
    )


def test_the_actual_share_stands_beside_the_one_that_was_asked_for() -> None:
    assert seen(*FINE).traffic == TrafficNow(
        "10 % of the events are the canary's; 10 % was asked for", "calm", counted=True
    )
    assert seen(INFO, FRESH, EVENTS[0]).traffic.text == ("unknown: Prometheus has no count of both arms")
    none = (of_errors(names.EVENTS, 0, track="canary"), of_errors(names.EVENTS, 0, track="stable"))
    assert seen(*none).traffic == TrafficNow("no events of either arm", "wait", counted=True)


def test_rules_of_another_age_are_said() -> None:
    def said(*samples: Sample) -> str:
        return seen(*samples, rules_digest="aa").other_rules

    assert said(sample(names.RULES_INFO, 1, digest="aa")) == ""
    assert said().startswith("Prometheus has no rules of shop; load prometheus/rules/shop.yml")
    assert said(sample(names.RULES_INFO, 1, digest="bb")).startswith(
        "The rules that Prometheus has loaded are not"
    )


def test_everything_is_asked_for_by_one_expression() -> None:
    recorded = f"{names.VALUE}|{names.EVENTS}|{names.INFO}|{names.RULES_INFO}|ALERTS"
    age = f'label_replace(timestamp({names.INFO}{{rollout="shop"}}), "about", "age", "", "")'
    assert question(playbook()) == f'{{__name__=~"{recorded}",rollout="shop"}} or {age}'
    given = GivenArms(label="version", canary="v2", stable="v1", given=True, traffic=("sum(a)", "sum(b)"))
    assert question(playbook(arms=given)) == (
        f'{question(playbook())} or label_replace(sum(a), "about", "canary", "", "")'
        ' or label_replace(sum(b), "about", "stable", "", "")'
    )
