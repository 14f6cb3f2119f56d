"""The traffic of both arms beside the asked share: which rollouts compare it, what is a mismatch, and when it is blind."""

from __future__ import annotations

from decimal import Decimal

import pytest
from handrail.declare import (
    Above,
    Arms,
    Command,
    Critical,
    Environment,
    Guardrail,
    HAProxySplit,
    Increase,
    Ratio,
    Rollout,
    SampleRatio,
    Stage,
)
from handrail.lower import lower
from handrail.plan import Rollout as Planned
from pydantic import ValidationError

from .judged import Asked, complaints, firing

ERRORS = Guardrail(
    "errors",
    Ratio(bad='requests_total{code="500"}', of="requests_total"),
    tiers=[Critical(Above("50%"), action="rollback")],
)
SPLIT = HAProxySplit("web", sockets=["unix:/haproxy"])
STAGES = [Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%")]
ARMS = Arms("track", canary="canary", stable="stable")
MISMATCH, BLIND = "ShopSampleRatioWarning", "ShopSampleRatioBlind"
ASKED = 'handrail_rollout_weight{rollout="shop"}'
CANARY, STABLE = (f'requests_total{{code="200",track="{arm}"}}' for arm in ("canary", "stable"))
IN_10 = {
    'handrail_rollout_stage{rollout="shop",stage="10%"}': "1x400",
    'handrail_rollout_stage{rollout="shop",stage="100%"}': "0x400",
    ASKED: "0.1x400",
}


def declared(**said: object) -> Rollout:
    facts: dict[str, object] = {
        "stages": STAGES,
        "arms": ARMS,
        "guardrails": [ERRORS],
        "rollback": [Command(["undo"], read=["is-undone"])],
        "split": SPLIT,
        "evaluate": "1m",
    }
    return Rollout("shop", "shop", **{**facts, **said})  # type: ignore[arg-type]  # what is wrong in it is refused


def shop(**said: object) -> Planned:
    [planned] = lower([declared(**said)], Environment("test")).rollouts
    return planned


def compares(rollout: Planned) -> bool:
    return "sample-ratio" in [one.name for one in rollout.guardrails]


@pytest.mark.parametrize(
    ("said", "there"),
    [
        ({}, True),
        ({"split": None}, False),
        ({"split": None, "sample_ratio": SampleRatio()}, True),
        ({"sample_ratio": SampleRatio(off="users are shared out, not requests")}, False),
        ({"arms": None}, False),
        ({"stages": [Stage("100%", weight="100%")]}, False),
        ({"guardrails": [Guardrail("denied", Increase("denied_total"), tiers=ERRORS.tiers)]}, False),
    ],
    ids=["a split", "somebody else's split", "asked for", "off", "one arm", "no shares", "nothing counts"],
)
def test_it_is_there_where_weights_split_requests_that_are_counted(
    said: dict[str, object], there: bool
) -> None:
    assert compares(shop(**said)) is there


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ({"arms": None}, "no arms= tell them apart"),
        ({"stages": [Stage("all")]}, "the stages ask for no shares"),
        (
            {"guardrails": [Guardrail("denied", Increase("denied_total"))]},
            "no guardrail that tells them apart",
        ),
    ],
)
def test_where_it_cannot_compare_it_says_why(said: dict[str, object], refusal: str) -> None:
    with pytest.raises(ValidationError, match=refusal):
        declared(sample_ratio=SampleRatio(), **said)


def test_the_gate_asks_for_it_and_the_receiver_holds() -> None:
    playbook = shop().playbook
    [criterion] = [one for one in playbook.gates[0].criteria if one.guardrail == "sample-ratio"]
    [facts] = [one for one in playbook.guardrails if one.name == "sample-ratio"]
    assert criterion.text == "as asked for, allowing for chance"
    assert [(tier.tier, tier.action) for tier in facts.tiers] == [("warning", "hold"), ("blind", "hold")]
    assert [limit.text for limit in facts.tiers[0].limits] == [
        "above 12.196 % in stage 10%",
        "below 8.163 % in stage 10%",
    ]


def share(at: str, figure: float | None) -> Asked:
    """The canary's recorded share."""
    expr = 'round(max(handrail:guardrail:value{guardrail="sample-ratio",track="canary"}), 0.0001)'
    return Asked(expr, at, {} if figure is None else {"{}": figure})


@pytest.mark.parametrize(
    ("canary", "stable", "figure", "alerts"),
    [
        ("0+10x100", "0+90x100", 0.1, ()),
        ("0+11x100", "0+89x100", 0.11, ()),
        ("0+30x100", "0+70x100", 0.3, (MISMATCH,)),
        ("0x100", "0+100x100", 0, (MISMATCH,)),
        ("0+1x100", "0+1x100", 0.5, (MISMATCH,)),
        ("0x80 0+1x20", "0x80 0+1x20", 0.5, ()),
        ("0x100", "0x100", None, ()),
    ],
    ids=["as asked", "a little more", "too much", "nothing", "few, for long", "few", "none at all"],
)
def test_so_many_requests_are_a_mismatch_and_so_many_are_none(
    promtool: str, canary: str, stable: str, figure: float | None, alerts: tuple[str, ...]
) -> None:
    series = IN_10 | {CANARY: canary, STABLE: stable}
    asked = [share("24m", figure), firing("24m", *alerts)]
    assert complaints(promtool, shop(), series, *asked) == ""


def test_it_is_over_when_the_window_no_longer_has_it(promtool: str) -> None:
    small = shop(sample_ratio=SampleRatio(window="5m"))
    series = IN_10 | {CANARY: "0+30x60 1810+10x60", STABLE: "0+70x60 4290+90x60"}
    held, over = firing("15m", MISMATCH), firing("21m")
    assert complaints(promtool, small, series, held, over) == ""


def test_a_share_that_changes_begins_anew_when_it_has_stood(promtool: str) -> None:
    stages = [*STAGES[:1], Stage("50%", weight="50%", bake="1h"), STAGES[1]]
    series = IN_10 | {ASKED: "0.1x60 0.5x60", CANARY: "0+10x62 670+50x58", STABLE: "0+90x62 5630+50x58"}
    calm = [share("14m", 0.1), share("16m", None), share("20m", 0.5), firing("20m")]
    assert complaints(promtool, shop(stages=stages), series, *calm) == ""


def test_without_an_asked_share_it_says_nothing(promtool: str) -> None:
    series = IN_10 | {ASKED: "0x100", CANARY: "0+90x100", STABLE: "0+10x100"}
    assert complaints(promtool, shop(), series, share("20m", None), firing("20m")) == ""


@pytest.mark.parametrize(("arm", "reason"), [(CANARY, "the canary's"), (STABLE, "the stable arm's")])
def test_an_arm_that_nobody_counts_is_blind(promtool: str, arm: str, reason: str) -> None:
    series = {
        key: text for key, text in (IN_10 | {CANARY: "0+10x100", STABLE: "0+90x100"}).items() if key != arm
    }
    expr = f'count by (reason) (ALERTS{{alertname="{BLIND}",alertstate="firing"}})'
    asked = Asked(expr, "8m", {f'{{reason="{reason} requests are not counted"}}': 1})
    assert complaints(promtool, shop(), series, asked) == ""


def test_a_receiver_that_reports_no_share_is_blind(promtool: str) -> None:
    series = {CANARY: "0+10x100", STABLE: "0+90x100"}
    expr = f'count by (reason) (ALERTS{{alertname="{BLIND}",alertstate="firing"}})'
    asked = Asked(expr, "16m", {'{reason="nobody reports the asked share"}': 1})
    assert complaints(promtool, shop(), series, asked) == ""


def test_arms_whose_versions_each_start_tells_are_compared_too(promtool: str) -> None:
    told = shop(arms=Arms("version"))
    series = IN_10 | {
        'handrail_rollout_arm{rollout="shop",arm="canary",value="v2"}': "1x100",
        'handrail_rollout_arm{rollout="shop",arm="stable",value="v1"}': "1x100",
        'requests_total{code="200",version="v2"}': "0+40x100",
        'requests_total{code="200",version="v1"}': "0+60x100",
        'requests_total{code="200",version="v0"}': "0+900x100",
    }
    expr = 'round(handrail:guardrail:value{guardrail="sample-ratio"}, 0.0001)'
    both = {
        '{arm="canary",guardrail="sample-ratio",rollout="shop",version="v2"}': 0.4,
        '{arm="stable",guardrail="sample-ratio",rollout="shop",version="v1"}': 0.6,
    }
    assert complaints(promtool, told, series, Asked(expr, "20m", both), firing("20m", MISMATCH)) == ""


def test_what_is_tolerated_the_window_and_how_often_it_may_err_are_said(promtool: str) -> None:
    said = SampleRatio(tolerate="100%", false_alarms="1%", window="20m", per_choice=10, action="investigate")
    loose = shop(sample_ratio=said, evaluate="30s")
    [guardrail] = [one for one in loose.guardrails if one.split is not None]
    assert guardrail.split is not None
    assert (guardrail.split.most, guardrail.split.least) == (Decimal(2), Decimal(288_000))
    assert guardrail.alerts[0].action == "investigate"
    series = IN_10 | {CANARY: "0+20x100", STABLE: "0+80x100"}
    assert complaints(promtool, loose, series, firing("20m")) == ""
