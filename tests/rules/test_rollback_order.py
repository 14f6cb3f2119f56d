"""The order of a rollback's steps: what works at once comes first."""

from __future__ import annotations

from handrail.contract import Step
from handrail.declare import (
    Command,
    Environment,
    FlagOff,
    Gauge,
    Guardrail,
    HAProxySplit,
    LaunchDarklyOff,
    Rollout,
    Secret,
    Stage,
)
from handrail.lower import lower

TOKEN = Secret("token")
FLAG = FlagOff("https://unleash.example", "default", "fast-path", "production", TOKEN)
OTHER_FLAG = LaunchDarklyOff("shop", "fast-path", "production", TOKEN)
DEPLOY = Command(["deploy", "v1"], ["runs", "v1"])


def kinds(*rollback: Step) -> list[str]:
    """The kinds of a rollback's steps, in order, with a split beside `rollback`."""
    rollout = Rollout(
        "shop",
        "shop",
        stages=[Stage("all", weight="100%")],
        guardrails=[Guardrail("memory", Gauge("memory_bytes", unit="bytes"), tiers=[])],
        split=HAProxySplit("web", sockets=["unix:s"]),
        rollback=rollback,
    )
    action = lower([rollout], Environment("test")).rollouts[0].playbook.action("rollback")
    assert action is not None
    return [step.kind for step in action.steps]


def test_flags_go_off_then_the_weight_goes_then_the_deploy() -> None:
    weights = ["haproxy-weight", "haproxy-weight"]
    assert kinds(FLAG, OTHER_FLAG, DEPLOY) == ["unleash-off", "launchdarkly-off", *weights, "command"]
    assert kinds(DEPLOY) == [*weights, "command"]
    assert kinds(FLAG) == ["unleash-off", *weights]


def test_what_was_put_before_a_flag_on_purpose_stays_there() -> None:
    assert kinds(DEPLOY, FLAG) == ["haproxy-weight", "haproxy-weight", "command", "unleash-off"]
