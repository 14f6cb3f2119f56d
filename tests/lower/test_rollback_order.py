"""The order of a rollback's steps: what works at once comes first."""

from __future__ import annotations

from collections.abc import Sequence

from handrail.contract import Step
from handrail.declare import (
    Command,
    Environment,
    FlagOff,
    FlagShare,
    Gauge,
    Guardrail,
    HAProxySplit,
    HAProxyWeight,
    LaunchDarklyOff,
    Rollout,
    Secret,
    Stage,
)
from handrail.lower import lower

TOKEN = Secret("token")
FLAG = FlagOff("https://unleash.example", "default", "fast-path", "production", TOKEN)
SHARE = FlagShare("https://unleash.example", "default", "new-search", "production", TOKEN, 0)
OTHER_FLAG = LaunchDarklyOff("shop", "fast-path", "production", TOKEN)
DEPLOY = Command(["deploy", "v1"], ["runs", "v1"])


def steps(action: str, **declared: Sequence[Step]) -> tuple[Step, ...]:
    """The steps of an action, in order, with a split beside what is declared."""
    rollout = Rollout(
        "shop",
        "shop",
        stages=[Stage("all", weight="100%")],
        guardrails=[Guardrail("memory", Gauge("memory_bytes", unit="bytes"), tiers=[])],
        split=HAProxySplit("web", sockets=["unix:s"]),
        rollback=declared.get("rollback", ()),
        emergency=declared.get("emergency"),
        security=declared.get("security"),
    )
    known = lower([rollout], Environment("test")).rollouts[0].playbook.action(action)
    assert known is not None
    return known.steps


def kinds(*rollback: Step) -> list[str]:
    """The kinds of a rollback's steps, in order."""
    return [step.kind for step in steps("rollback", rollback=rollback)]


def test_flags_go_off_then_the_weight_goes_then_the_deploy() -> None:
    weights = ["haproxy-weight", "haproxy-weight"]
    assert kinds(FLAG, OTHER_FLAG, DEPLOY) == ["unleash-off", "launchdarkly-off", *weights, "command"]
    assert kinds(SHARE, FLAG, DEPLOY) == ["unleash-share", "unleash-off", *weights, "command"]
    assert kinds(DEPLOY) == [*weights, "command"]
    assert kinds(FLAG) == ["unleash-off", *weights]


def test_what_was_put_before_a_flag_on_purpose_stays_there() -> None:
    assert kinds(DEPLOY, FLAG) == ["haproxy-weight", "haproxy-weight", "command", "unleash-off"]


def test_a_rollback_of_its_own_for_an_emergency_takes_the_canary_s_weight_away_too() -> None:
    away = (HAProxyWeight("web/stable", 100, ["unix:s"]), HAProxyWeight("web/canary", 0, ["unix:s"]))
    own: dict[str, Sequence[Step]] = {"rollback": [DEPLOY], "emergency": [FLAG], "security": []}
    assert steps("emergency-rollback", **own) == (FLAG, *away)
    assert steps("security-rollback", **own) == away
    assert steps("emergency-rollback", rollback=[DEPLOY]) == (*away, DEPLOY)


def test_a_weight_that_is_declared_is_not_set_twice() -> None:
    mine = HAProxyWeight("web/stable", 256, ["unix:s"])
    assert steps("emergency-rollback", emergency=[mine]) == (HAProxyWeight("web/canary", 0, ["unix:s"]), mine)
