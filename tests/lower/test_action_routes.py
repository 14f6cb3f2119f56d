"""Routes by action: no inhibition keeps an alert from the people whom its action concerns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handrail import declare as d
from handrail.lower import lower

SECURITY, TEAM = (d.SlackReceiver(f"#{name}", f"/etc/{name}") for name in ("security", "team"))
ATTEMPTS = d.Guardrail(
    "attempts",
    d.Increase("attempts_total"),
    tiers=[d.Warning(d.Above(0)), d.Critical(d.Above(5), action="security-rollback")],
)


def muted(
    routes: Mapping[str, Sequence[d.SlackReceiver]], mute: Mapping[str, Sequence[d.MuteTime]] | None = None
) -> list[str]:
    """The tiers that the critical one mutes."""
    rollout = d.Rollout("shop", "shop", guardrails=[ATTEMPTS], routes=routes, mute=mute or {})
    routing = lower([rollout], d.Environment("here")).rollouts[0].routing
    return [matcher.value for one in routing.inhibitions for matcher in one.target if matcher.label == "tier"]


def test_an_alert_is_muted_only_by_one_that_all_hear_who_are_told_of_its_action() -> None:
    assert muted({"investigate": [TEAM]}) == []
    assert muted({"investigate": [TEAM], "security-rollback": [SECURITY]}) == []
    assert muted({"investigate": [TEAM], "security-rollback": [SECURITY, TEAM]}) == ["warning"]
    assert muted({"warning": [TEAM], "security-rollback": [TEAM]}) == ["warning"]


def test_who_is_told_in_two_ways_is_muted_only_when_both_are() -> None:
    nights = [d.MuteTime(hours="22:00-07:00")]
    routes = {"warning": [TEAM], "critical": [TEAM], "security-rollback": [TEAM]}
    assert muted(routes, {"critical": nights}) == ["warning"]
    assert muted(routes, {"critical": nights, "security-rollback": nights}) == []


def test_whoever_is_named_for_an_action_is_told_of_all_that_asks_for_it() -> None:
    rollout = d.Rollout("shop", "shop", guardrails=[ATTEMPTS], routes={"security-rollback": [SECURITY]})
    routing = lower([rollout], d.Environment("here")).rollouts[0].routing
    assert [
        (route.receiver, [f"{one.label}{one.op}{one.value}" for one in route.matchers])
        for route in routing.routes[3:]
    ] == [
        (
            "shop/security-rollback",
            [
                "rollout=shop",
                "environment=~|here",
                "action=security-rollback",
                "level=",
                "mode!=shadow",
            ],
        )
    ]
