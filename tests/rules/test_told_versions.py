"""`Arms("version")`: which versions are canary and stable is what the receiver says, and what it says may change."""

from __future__ import annotations

from typing import Any

from handrail.declare import (
    Above,
    Absence,
    Arms,
    Critical,
    Environment,
    Gauge,
    Guardrail,
    Latency,
    Ratio,
    RisePoints,
    Rollout,
    StableArm,
    Stage,
)
from handrail.declare import Command as Run
from handrail.lower import lower
from handrail.plan import Rollout as Planned

from .judged import IN_10, Asked, complaints, firing, value

ERRORS = Ratio(bad='requests_total{status="500"}', of="requests_total", window="1m")
UP = {'up{job="shop"}': "1x400"}


def shop(measure: Any, limit: Above | RisePoints, **facts: Any) -> Planned:
    guardrail = Guardrail(
        "errors", measure, tiers=[Critical(limit, sustained="1m", action="rollback")], **facts
    )
    declared = Rollout(
        "shop",
        "shop",
        arms=Arms("version"),
        stages=[Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%")],
        guardrails=[guardrail],
        rollback=[Run(["undo"], read=["is-undone"])],
    )
    (planned,) = lower([declared], Environment("test")).rollouts
    return planned


FIXED = shop(ERRORS, Above("5%"))
COMPARED = shop(ERRORS, RisePoints("5%"), against=StableArm())


def arms(canary: str, stable: str, number: str = "1x400", at: str = "") -> dict[str, str]:
    """What a receiver says of the arms: the number of the attempt, for each of its versions."""
    return {
        f'handrail_rollout_arm{{arm="{arm}",rollout="shop",value="{version}"{at}}}': number
        for arm, version in (("canary", canary), ("stable", stable))
    }


def serves(version: str, well: str, failed: str = "0x400") -> dict[str, str]:
    return {
        f'requests_total{{status="200",version="{version}"}}': well,
        f'requests_total{{status="500",version="{version}"}}': failed,
    }


WELL, SICK = "0+100x400", ("0+50x400", "0+50x400")


def reasons(time: str, *found: str) -> Asked:
    expr = 'count by (reason) (ALERTS{alertstate="firing",tier="blind"})'
    return Asked(expr, time, {f'{{reason="{one}"}}': 1 for one in found})


def test_the_version_that_the_receiver_calls_the_canary_is_judged(promtool: str) -> None:
    series = UP | IN_10 | arms("v43", "v42") | serves("v43", *SICK) | serves("v42", WELL)
    said = Asked(
        'ALERTS{alertname="ShopErrorsCritical"}',
        "10m",
        {
            'ALERTS{action="rollback",alertname="ShopErrorsCritical",alertstate="firing",arm="canary",'
            'environment="test",guardrail="errors",rollout="shop",service="shop",severity="critical",'
            'tier="critical",version="v43"}': 1
        },
    )
    assert complaints(promtool, FIXED, series, firing("10m", "ShopErrorsCritical"), said) == ""


def test_of_many_versions_the_two_arms_are_recorded_and_no_more(promtool: str) -> None:
    versions = [f"v{number}" for number in range(30, 44)]
    series = UP | IN_10 | arms("v43", "v42")
    for version in versions:
        series |= serves(version, WELL)
    both = {
        '{arm="canary",guardrail="errors",rollout="shop",version="v43"}': 0.0,
        '{arm="stable",guardrail="errors",rollout="shop",version="v42"}': 0.0,
    }
    assert complaints(promtool, FIXED, series, value("10m", both), firing("10m")) == ""


def test_a_sick_version_that_is_no_arm_raises_nothing(promtool: str) -> None:
    series = UP | IN_10 | arms("v43", "v42") | serves("v43", WELL) | serves("v42", WELL)
    assert complaints(promtool, FIXED, series | serves("v41", *SICK), firing("10m"), reasons("10m")) == ""


def test_a_stage_without_versions_is_blind_and_says_why(promtool: str) -> None:
    series = UP | IN_10 | serves("v43", *SICK) | serves("v42", WELL)
    why = "nobody reports the versions of its arms"
    assert complaints(promtool, FIXED, series, firing("10m", "ShopErrorsBlind"), reasons("10m", why)) == ""


def test_a_version_that_no_series_has_is_blind(promtool: str) -> None:
    series = UP | IN_10 | arms("v44", "v42") | serves("v43", WELL) | serves("v42", WELL)
    assert complaints(promtool, FIXED, series, reasons("10m", "its metrics are missing")) == ""


def test_a_stable_version_that_no_series_has_is_missed_where_it_is_compared_with(promtool: str) -> None:
    series = UP | IN_10 | arms("v43", "v42x") | serves("v43", WELL) | serves("v42", WELL)
    assert (
        complaints(promtool, COMPARED, series, reasons("10m", "the stable arm's metrics are missing")) == ""
    )


def test_the_canary_is_compared_with_the_version_that_is_stable(promtool: str) -> None:
    """Both of the attempt's versions fail half of their requests, a third does not: nothing is new."""
    series = (
        UP | IN_10 | arms("v43", "v42") | serves("v43", *SICK) | serves("v42", *SICK) | serves("v41", WELL)
    )
    assert complaints(promtool, COMPARED, series, firing("10m")) == ""
    series |= serves("v42", WELL)
    assert complaints(promtool, COMPARED, series, firing("10m", "ShopErrorsCritical")) == ""


def test_the_next_attempt_judges_its_own_canary_and_the_one_before_no_more(promtool: str) -> None:
    """v43 is sick all the time; at 10m an attempt begins whose canary is v44."""
    first, second = arms("v43", "v42", "1x40 stale"), arms("v44", "v42", "_x41 2x400")
    first |= second | {'handrail_rollout_arm{arm="stable",rollout="shop",value="v42"}': "1x40 2x400"}
    series = UP | IN_10 | first | serves("v43", *SICK) | serves("v44", WELL) | serves("v42", WELL)
    asked = firing("9m", "ShopErrorsCritical"), firing("21m"), reasons("21m")
    assert complaints(promtool, FIXED, series, *asked) == ""


def test_what_a_receiver_said_at_another_address_does_not_count_beside_a_newer_attempt(promtool: str) -> None:
    """Its pod went away a minute before the next attempt began: what it said is remembered for ten, and v43 was its canary.

    In the next attempt v43 is the stable version: it cannot be both, and no rule may fail.
    """
    old, new = ',instance="old"', ',instance="new"'
    said = arms("v43", "v42", "1x20", old) | arms("v44", "v43", "_x24 2x400", new)
    series = UP | IN_10 | said | serves("v43", WELL) | serves("v44", *SICK) | serves("v42", WELL)
    recorded = Asked(
        "handrail:guardrail:arm",
        "8m",
        {
            'handrail:guardrail:arm{arm="canary",guardrail="errors",rollout="shop",version="v44"}': 1,
            'handrail:guardrail:arm{arm="stable",guardrail="errors",rollout="shop",version="v43"}': 1,
        },
    )
    fires = firing("8m", "ShopErrorsCritical")
    assert complaints(promtool, COMPARED, series, recorded, fires, every="2m") == ""


def test_a_receiver_that_is_away_is_believed_for_ten_minutes_and_then_blind(promtool: str) -> None:
    """Its last word is at 5m; the canary is sick from 6m on."""
    told = {name: text.replace("x400", "x20 stale") for name, text in (IN_10 | arms("v43", "v42")).items()}
    late = serves("v43", "0+100x24 2400+50x300", "0x24 0+50x300")
    series = UP | told | late | serves("v42", WELL)
    judged = Asked('count(handrail:guardrail:value{arm="canary"} > 0.4)', "14m", {"{}": 1})
    asked = judged, firing("14m", "ShopErrorsCritical"), reasons("20m30s", "nobody reports the stage")
    assert complaints(promtool, FIXED, series, *asked) == ""


def test_after_the_attempt_nothing_is_judged_and_nothing_is_missed(promtool: str) -> None:
    over = arms("v43", "v42", "0x400") | dict.fromkeys(IN_10, "0x400")
    series = UP | over | serves("v43", *SICK) | serves("v42", WELL)
    assert complaints(promtool, FIXED, series, value("10m", {}), firing("10m"), reasons("10m")) == ""


def test_a_latency_is_the_canarys_own(promtool: str) -> None:
    slow = shop(Latency("request_seconds", p=95, window="1m", buckets=[0.1, 1]), Above("500ms"))

    def answers(version: str, quick: str) -> dict[str, str]:
        return {
            f'request_seconds_bucket{{le="0.1",version="{version}"}}': quick,
            f'request_seconds_bucket{{le="1",version="{version}"}}': WELL,
            f'request_seconds_bucket{{le="+Inf",version="{version}"}}': WELL,
            f'request_seconds_count{{version="{version}"}}': WELL,
        }

    series = UP | IN_10 | arms("v43", "v42")
    well, sick = (
        answers("v42", "0+10x400") | answers("v43", WELL),
        answers("v42", WELL) | answers("v43", "0+10x400"),
    )
    assert complaints(promtool, slow, series | well, firing("10m")) == ""
    assert complaints(promtool, slow, series | sick, firing("10m", "ShopErrorsCritical")) == ""


def test_a_gauge_that_is_no_number_blinds_only_as_the_canarys(promtool: str) -> None:
    rollout = shop(Gauge("queue"), Above(100))
    series = (
        UP | IN_10 | arms("v43", "v42") | {'queue{version="v43"}': "1x400", 'queue{version="v42"}': "1x400"}
    )
    others = series | {'queue{version="v41"}': "NaN " * 100, 'queue{version="v42"}': "NaN " * 100}
    own = series | {'queue{version="v43"}': "NaN " * 100}
    assert complaints(promtool, rollout, others, reasons("10m")) == ""
    assert complaints(promtool, rollout, own, reasons("10m", "its values are no numbers")) == ""


def test_the_canarys_absence_is_seen_beside_other_versions(promtool: str) -> None:
    """v43 is there until 5m; the others go on."""
    rollout = shop(Absence("alive", window="2m"), Above(0))
    series = (
        UP
        | IN_10
        | arms("v43", "v42")
        | {'alive{version="v42"}': "1x400", 'alive{version="v43"}': "1x20 stale"}
    )
    assert complaints(promtool, rollout, series, firing("6m30s"), firing("9m", "ShopErrorsCritical")) == ""


def test_a_version_is_not_absent_before_it_has_been_the_canary_for_long_enough(promtool: str) -> None:
    """An attempt begins at 10m, and its canary comes up a minute later."""
    rollout = shop(Absence("alive", window="2m"), Above(0))
    said = arms("v43", "v42", "_x40 1x400")
    series = UP | IN_10 | said | {'alive{version="v42"}': "1x400", 'alive{version="v43"}': "_x44 1x400"}
    assert complaints(promtool, rollout, series, firing("10m30s"), firing("13m")) == ""
