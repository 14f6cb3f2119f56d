"""The canary's own traffic proves a rollback: a canary that is gone has none, one that cannot be seen may have some."""

from __future__ import annotations

from handrail.declare import Above, Critical, Guardrail, Ratio

from .judged import IN_10, Asked, complaints, shop

ERRORS = Guardrail(
    "errors",
    Ratio(bad='requests_total{status="500"}', of="requests_total"),
    tiers=[Critical(Above("5%"), action="rollback")],
)
PLAN = shop(ERRORS, arms=True)
ACTION = PLAN.playbook.action("rollback")
assert ACTION is not None
assert ACTION.proof is not None
PROOF = ACTION.proof.expr

SHOP = 'job="shop",instance="%s"'
CANARY = 'requests_total{track="canary",' + SHOP % "c:1" + "}"
SECOND = 'requests_total{track="canary",' + SHOP % "c:2" + "}"
STABLE = {
    'requests_total{track="stable",' + SHOP % "s:1" + "}": "0+100x120",
    "up{" + SHOP % "s:1" + "}": "1x120",
}
UP, UP_SECOND = "up{" + SHOP % "c:1" + "}", "up{" + SHOP % "c:2" + "}"
SERVES, RESTS = "0+10x120", "0+10x60 600x60"
ENDS = "0+10x60 stale"
SCRAPED, REMOVED, FAILS = "1x120", "1x60 stale", "1x60 0x60"
NONE: dict[str, float] = {}
SERVING = ACTION.proof.serves


def proof(promtool: str, series: dict[str, str], samples: dict[str, float]) -> str:
    """What promtool says against these samples, five minutes after the canary stopped at 15 min."""
    return complaints(promtool, PLAN, {**IN_10, **series}, Asked(PROOF, "20m", samples))


def test_a_canary_that_serves_is_seen(promtool: str) -> None:
    seen = {"{}": 10 / 15}
    expr = Asked(f"round({PROOF}, 0.001)", "20m", {"{}": round(seen["{}"], 3)})
    assert complaints(promtool, PLAN, {**STABLE, CANARY: SERVES, UP: SCRAPED}, expr) == ""


def test_a_canary_at_rest_has_no_traffic(promtool: str) -> None:
    assert proof(promtool, {**STABLE, CANARY: RESTS, UP: SCRAPED}, {"{}": 0}) == ""


def test_a_canary_whose_target_was_taken_away_has_none(promtool: str) -> None:
    assert proof(promtool, {**STABLE, CANARY: ENDS, UP: REMOVED}, {"{}": 0}) == ""


def test_nor_has_one_whose_process_counts_as_the_stable_arm_now(promtool: str) -> None:
    assert proof(promtool, {**STABLE, CANARY: ENDS, UP: SCRAPED}, {"{}": 0}) == ""


def test_a_canary_that_does_not_answer_may_have(promtool: str) -> None:
    assert proof(promtool, {**STABLE, CANARY: ENDS, UP: FAILS}, NONE) == ""


def test_one_that_rests_says_nothing_about_another_that_does_not_answer(promtool: str) -> None:
    both = {CANARY: RESTS, UP: SCRAPED, SECOND: ENDS, UP_SECOND: FAILS}
    assert proof(promtool, {**STABLE, **both}, NONE) == ""


def test_the_stable_arm_alone_proves_nothing_of_a_canary_that_was_never_seen(promtool: str) -> None:
    assert proof(promtool, STABLE, NONE) == ""


def test_nor_of_one_that_nobody_scraped_and_whose_figures_came_by_another_way(promtool: str) -> None:
    assert proof(promtool, {**STABLE, CANARY: ENDS}, NONE) == ""


def test_a_prometheus_that_lost_all_its_targets_proves_nothing(promtool: str) -> None:
    assert proof(promtool, {CANARY: ENDS, UP: REMOVED}, NONE) == ""


def serving(promtool: str, stable: str, canary: str) -> bool:
    """Whether the rollback of a canary that ended at 15 min is proved five minutes later, by what the stable arm does."""
    arm = 'requests_total{track="stable",' + SHOP % "s:1" + "}"
    series = {CANARY: canary, **({arm: stable} if stable else {})}
    asked = [Asked(f"count({SERVING})", "20m", samples) for samples in ({"{}": 1}, NONE)]
    said = [complaints(promtool, PLAN, {**IN_10, **series}, one) == "" for one in asked]
    assert said[0] != said[1]
    return said[0]


def test_it_is_proved_only_while_the_stable_arm_serves_or_nobody_asked_either(promtool: str) -> None:
    nobody = "0x120"
    assert serving(promtool, stable="0+100x120", canary=RESTS)
    assert not serving(promtool, stable="0+100x60 6000x60", canary=RESTS)
    assert not serving(promtool, stable=nobody, canary=RESTS)
    assert not serving(promtool, stable="", canary=RESTS)
    assert serving(promtool, stable=nobody, canary=nobody)
