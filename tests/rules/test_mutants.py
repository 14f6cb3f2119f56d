"""Tests that cannot fail prove nothing: one mutant of every alert is noticed by the tests generated for it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from handrail import declare as d
from handrail.lower import lower
from handrail.plan import Rollout
from mutation.__main__ import unused
from mutation.mutants import Mutant
from mutation.verdict import Subject, judge, subjects
from own_rollouts import own_plan

SOURCE = Path(__file__).parents[2] / "rules_src"
FILES = sorted(file.stem for file in (SOURCE / "rollouts").glob("[a-z]*.py"))
TURNED = ("absent → count (1)", "> → < (1)", "< → > (1)", ">= → < (1)", "<= → > (1)")
LATER = "for an evaluation longer"
READS_RECORDED = "its free PromQL reads what another guardrail records"
UNREACHED = {
    "AidinHardeningFewUsersWarning": READS_RECORDED,
    "AidinHardeningFewUsersBlind": READS_RECORDED,
}
"""Alerts of which the generated tests do not notice it today, and why. What they learn to notice must leave this list."""


@cache
def declared() -> dict[str, Rollout]:
    """Every rollout by the file that declares it."""
    return {rollout.name.replace("-", "_"): rollout for rollout in own_plan().rollouts}


def test_every_rollout_has_a_file_of_its_name() -> None:
    assert sorted(declared()) == FILES


def test_a_row_that_names_no_mutant_is_told() -> None:
    names = ["shop/errors ShopErrorsWarning: > → < (1)", "shop/errors ShopErrorsBlind: or → and (1)"]
    patterns = ["*Warning: > → ? (1)", "shop/gone *", "*Blind: or → and (*)"]
    assert unused(patterns, names) == ["shop/gone *"]


def alerts_of(rollout: Rollout) -> dict[str, list[str]]:
    """Every group with its alerts."""
    return {
        **{each.name: [alert.name for alert in (*each.alerts, each.blind)] for each in rollout.guardrails},
        **{f"slo-{slo.name}": [alert.name for alert in (*slo.alerts, slo.blind)] for slo in rollout.slos},
        "rollout": [
            alert.name
            for alert in (
                *(each.alert for each in rollout.escalation),
                rollout.receiver_down,
                rollout.heartbeat,
            )
            if alert is not None
        ],
    }


@cache
def judged(file: str) -> dict[str, Subject]:
    """The groups of a rollout by their names."""
    rollout = declared()[file]
    return {one.name.removeprefix(f"{rollout.name}/"): one for one in subjects(rollout)}


SHORT = "checkout"
"""The rollout that `make test` asks about; `make test-long` asks about all."""


@pytest.mark.parametrize(
    "file", [SHORT, *(pytest.param(file, marks=pytest.mark.long) for file in FILES if file != SHORT)]
)
def test_an_alert_whose_condition_is_turned_round_is_noticed(file: str) -> None:
    rollout = declared()[file]
    alerts = alerts_of(rollout)
    missed = set()
    for group, names in alerts.items():
        subject = judged(file)[group]
        missed |= {alert for alert in names if not judge(subject, _turned_round(subject, alert))}
    assert missed == {alert for names in alerts.values() for alert in names} & set(UNREACHED)


def _turned_round(subject: Subject, alert: str) -> Mutant:
    """Where there is nothing to turn round, as in a heartbeat, one that comes too late."""
    found = {mutant.what: mutant for mutant in subject.mutants(alert)}
    return next(found[what] for what in (*TURNED, LATER) if what in found)


ALIKE = (
    "error-rate CheckoutErrorRateBlind: window [10m] → [1200000ms] (1)",
    "error-rate CheckoutErrorRateThin: window [10m] → [300000ms] (1)",
)
"""The same window in the other direction, and in the other alert."""


@pytest.mark.parametrize(
    "mutant",
    [
        "error-rate CheckoutErrorRateBlind: window [10m] → [300000ms] (1)",
        'error-rate CheckoutErrorRateBlind: matcher track="canary" of handrail:guardrail:events (2) changed',
        "error-rate CheckoutErrorRateBlind: keep_firing_for an evaluation longer",
        "error-rate CheckoutErrorRateThin: last_over_time → count_over_time (1)",
        "error-rate CheckoutErrorRateThin: 0 → 1 (1)",
        'sample-ratio CheckoutSampleRatioWarning: matcher track="canary" of handrail:guardrail:value (1) dropped',
        *(pytest.param(mutant, marks=pytest.mark.long) for mutant in ALIKE),
    ],
)
def test_what_holds_for_some_time_or_of_few_events_is_noticed(mutant: str) -> None:
    subject = judged("checkout")[mutant.partition(" ")[0]]
    [wrong] = [one for one in subject.mutants() if one.name == f"checkout/{mutant}"]
    assert judge(subject, wrong)


def test_the_tests_pass_on_the_rules_as_they_are() -> None:
    assert not [name for name, subject in judged("checkout").items() if judge(subject)]


RUNBOOK = d.Runbook("People wait.", look=["at the log"], fix=["roll back"])
SMALL = d.Rollout(
    "shop",
    "shop",
    stages=[d.Stage("10%", weight="10%", bake="24h"), d.Stage("50%", weight="50%", bake="24h")],
    guardrails=[
        d.Guardrail(
            "errors",
            d.Ratio("requests_total", bad='requests_total{code=~"5.."}', min_events=10_000),
            against=d.BeforeRollout(),
            tiers=[d.Critical(d.RisePoints("0.5%"))],
            runbook=RUNBOOK,
        ),
        d.Guardrail(
            "success",
            d.Ratio("streams_total", good='streams_total{end="well"}', min_events=1000),
            tiers=[d.Critical(d.Below("99.6%"))],
            runbook=RUNBOOK,
        ),
        d.Guardrail(
            "latency",
            d.Latency("request_seconds", p=95, min_events=10_000),
            against=d.PreviousStage(),
            tiers=[d.Critical(d.Rise("10%"))],
            runbook=RUNBOOK,
        ),
        d.Guardrail("depth", d.Gauge("depth"), tiers=[d.Critical(d.Above(5))], runbook=RUNBOOK),
        d.Guardrail("lines", d.Increase("bad_lines_total"), tiers=[d.Critical(d.Above(5))], runbook=RUNBOOK),
    ],
    logs=[d.LogSource(counters=[d.LogCounter("bad_lines_total", ["bad"])])],
)
"""Limits that lie near to what they are relative to, or to all there is; one that the first stage does not have; and a log."""


@cache
def small() -> dict[str, Subject]:
    [rollout] = lower([SMALL], d.Environment("here")).rollouts
    return {one.name.removeprefix("shop/"): one for one in subjects(rollout)}


@pytest.mark.parametrize(
    "mutant",
    [
        "errors ShopErrorsCritical: 0.005 → 0.0055 (1)",
        "success ShopSuccessCritical: 1000 → 1100 (1)",
        "success ShopSuccessCritical: >= → > (1)",
        "latency ShopLatencyCritical: 1.1 → 0.99 (2)",
        "depth ShopDepthBlind: < → <= (1)",
        "lines ShopLinesBlind: window [10m] → [300000ms] (1)",
        "lines ShopLinesBlind: window [10m] → [300000ms] (2)",
        "lines ShopLinesBlind: window [10m] → [1200000ms] (1)",
        "lines ShopLinesBlind: window [10m] → [1200000ms] (2)",
    ],
)
def test_what_lies_near_is_told_apart(mutant: str) -> None:
    subject = small()[mutant.partition(" ")[0]]
    assert judge(subject) is False
    [wrong] = [one for one in subject.mutants() if one.name == f"shop/{mutant}"]
    assert judge(subject, wrong)
