"""stage-weights: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.stage_weights import NAME

TIERS = guardrail('tiers=[Warning(Above("1%"))]')
SPLIT = 'split=HAProxySplit("web", sockets=["unix:haproxy.sock"])'


def test_an_haproxy_s_split_is_in_whole_per_cents() -> None:
    stages = """
        stages=[
            Stage("first", weight="0.5%", bake="1h"),
            Stage("last", weight="100%"),
        ]
    """
    assert found(NAME, SPLIT, stages, TIERS) == [
        (
            'Stage("first", weight="0.5%", bake="1h"),',
            (
                "fatal: stage 'first' has a weight of 0.5%, and HAProxy's split is in whole percents; "
                "write a whole percent"
            ),
        )
    ]


def test_a_split_needs_the_weight_of_every_stage() -> None:
    assert found(NAME, SPLIT, 'stages=[Stage("all")]', TIERS) == [
        (
            'stages=[Stage("all")],',
            "error: stage 'all' has no weight, so the split stays as it was; add weight=",
        )
    ]


def test_shares_that_do_not_rise_are_worth_a_warning() -> None:
    stages = """
        stages=[
            Stage("first", weight="10%", bake="1h"),
            Stage("second", weight="5%"),
        ]
    """
    assert found(NAME, stages, TIERS) == [
        (
            'Stage("second", weight="5%"),',
            "warning: stage 'second' has no more traffic than 'first' before it; let the shares rise",
        )
    ]


def test_shares_that_rise_are_fine() -> None:
    assert found(NAME, "stages=STAGES", SPLIT, TIERS) == found(NAME, 'stages=[Stage("all")]', TIERS) == []


def test_a_rollout_that_gives_its_new_version_no_traffic_guards_nothing() -> None:
    stages = 'stages=[Stage("off", weight="0%", bake="1h")]'
    what = "no stage gives the new version any traffic, so nothing of it is judged"
    assert found(NAME, stages, TIERS) == [(stages + ",", f"error: {what}; give one a weight above 0%")]
    begins = 'stages=[Stage("off", weight="0%", bake="1h"), Stage("on", weight="1%")]'
    assert found(NAME, begins, TIERS) == []


def test_a_stage_that_is_called_by_another_share_is_found() -> None:
    for name, weight, count in (
        ("5%", "50%", 1),
        ("5 %", "5%", 0),
        ("5%", "0.05%", 1),
        ("a 5%", "50%", 0),
        ("0.5%", "0.5%", 0),
    ):
        stages = f'stages=[Stage("{name}", weight="{weight}", bake="24h"), Stage("all", weight="100%")]'
        what = (
            f"stage '{name}' has a weight of {weight}; give it the weight that its name says, or another name"
        )
        assert [said for _, said in found(NAME, stages, TIERS)] == [f"warning: {what}"] * count
