"""Whatever figures are declared, the rules say the same figures: tiers in order, times and units exact."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from handrail.declare import (
    Above,
    Ago,
    Arms,
    Below,
    Critical,
    Emergency,
    Environment,
    Gauge,
    Guardrail,
    Latency,
    Ratio,
    Rise,
    RisePoints,
    Rollout,
    Stage,
    Warning,
)
from handrail.emit.groups import rules
from handrail.lower import lower
from handrail.plan import StageLimit
from handrail.units import amount, duration, plain, span
from hypothesis import given
from hypothesis import strategies as some

RATIO = Ratio(bad='requests_total{code="500"}', of="requests_total")
SHARES = some.decimals(min_value="0.001", max_value="99.999", places=3)
TIMES = some.integers(min_value=1, max_value=30 * 86_400_000).map(lambda ms: timedelta(milliseconds=ms))


def test_what_acts_or_is_an_emergency_is_as_urgent_when_it_cannot_be_seen() -> None:
    tiers: dict[str, list[Warning | Critical | Emergency]] = {
        "warning": [Warning(Above("1%"))],
        "critical": [Critical(Above("1%"), action="rollback")],
        "emergency": [Warning(Above("1%")), Emergency(Above("5%"))],
        "looked at": [Critical(Above("1%"))],
    }
    severities = {
        name: lower([_rollout(Guardrail("errors", RATIO, tiers=several))], Environment("test"))
        .rollouts[0]
        .guardrails[0]
        .blind.severity
        for name, several in tiers.items()
    }
    assert severities == {
        "warning": "warning",
        "critical": "critical",
        "emergency": "critical",
        "looked at": "warning",
    }


def _rollout(guardrail: Guardrail) -> Rollout:
    return Rollout("shop", "shop", stages=[Stage("all", weight="100%")], guardrails=[guardrail])


def _alerts(guardrail: Guardrail, faster: int = 1) -> dict[str, dict[str, object]]:
    (planned,) = lower([_rollout(guardrail)], Environment("test", faster=faster)).rollouts
    found = [rule for group in rules(planned)["groups"] for rule in group["rules"] if "alert" in rule]
    return {rule["labels"]["tier"]: rule for rule in found}


@given(TIMES)
def test_a_duration_written_as_prometheus_writes_it_is_the_same_duration(time: timedelta) -> None:
    assert duration(span(time)) == time


@given(SHARES)
def test_a_share_in_percent_stands_in_the_rule_as_the_exact_fraction(share: Decimal) -> None:
    alerts = _alerts(Guardrail("errors", RATIO, tiers=[Warning(Above(f"{share}%"))]))
    limit = str(alerts["warning"]["expr"]).split(" > ", 1)[1].split("\n")[0]
    assert Decimal(limit) == share / 100
    assert "E" not in limit


@given(some.lists(SHARES, min_size=3, max_size=3, unique=True).map(sorted), some.booleans())
def test_a_graver_tier_is_never_easier_to_reach(shares: list[Decimal], above: bool) -> None:
    kind, ordered = (Above, shares) if above else (Below, shares[::-1])
    mild, grave, worst = [kind(f"{share}%") for share in ordered]
    tiers: list[Warning | Critical | Emergency] = [Warning(mild), Critical(grave), Emergency(worst)]
    (planned,) = lower([_rollout(Guardrail("errors", RATIO, tiers=tiers))], Environment("test")).rollouts
    limits = [alert.conditions[0].figures[0] for alert in planned.guardrails[0].alerts]
    assert limits == sorted(limits, reverse=not above)
    assert [alert.tier for alert in planned.guardrails[0].alerts] == ["warning", "critical", "emergency"]


def test_a_tier_follows_a_graver_one_only_where_both_say_a_figure_of_the_same() -> None:
    """A rise of half and a rise of one point cross: neither is tighter for every base."""
    tiers: list[Warning | Critical | Emergency] = [
        Warning(Rise("50%")),
        Critical(RisePoints({"all": "1%"})),
        Emergency(Rise({"all": "20%"})),
    ]
    guardrail = Guardrail("errors", RATIO, against=Ago("7d"), tiers=tiers, order="tighten")
    (planned,) = lower([_rollout(guardrail)], Environment("test")).rollouts
    limits = [alert.conditions[0].limits for alert in planned.guardrails[0].alerts]
    assert limits == [
        (StageLimit("all", Decimal("1.2")), StageLimit(None, Decimal("1.5"))),
        (StageLimit("all", Decimal("0.01")),),
        (StageLimit("all", Decimal("1.2")),),
    ]


def _proof(*guardrails: Guardrail) -> str | None:
    """How the end of the canary's traffic is proved."""
    arms = Arms("track", canary="canary", stable="stable")
    rollout = Rollout("shop", "shop", arms=arms, guardrails=guardrails)
    (planned,) = lower([rollout], Environment("test")).rollouts
    found = planned.playbook.action("rollback")
    return found.proof.expr if found and found.proof else None


def test_a_rollback_is_proved_by_series_that_tell_the_arms_apart() -> None:
    """Builds belong to no arm, so no figure of theirs would ever be captured."""
    builds = Guardrail("builds", Ratio(bad="broken_total", of="builds_total"), whole_service=True)
    errors = Guardrail("errors", RATIO)
    expr = _proof(builds, errors)
    assert expr is not None
    assert expr.startswith('(sum(rate(requests_total{track="canary"}[1m]))\n')
    assert "builds_total" not in expr


def test_or_by_the_count_of_a_native_histogram() -> None:
    expr = _proof(Guardrail("late", Latency("seconds", p=95, native=True)))
    assert expr is not None
    assert expr.startswith('(histogram_count(sum(rate(seconds{track="canary"}[1m])))\n')
    assert 'last_over_time(seconds{track="canary"}[1h5m])' in expr


def test_no_gate_asks_for_what_only_watches() -> None:
    stages = [Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%")]
    tried = Guardrail("tried", RATIO, success=Below("1%"), mode="shadow")
    guardrails = [Guardrail("errors", RATIO, success=Below("2%")), tried]
    rollout = Rollout("shop", "shop", stages=stages, guardrails=guardrails)
    (planned,) = lower([rollout], Environment("test")).rollouts
    asked = [[(one.guardrail, one.text) for one in gate.criteria] for gate in planned.playbook.gates]
    assert asked == [[("errors", "below 2 %")]] * 2


def test_a_stage_without_a_limit_has_none_also_where_tiers_follow_each_other() -> None:
    tiers: list[Warning | Critical | Emergency] = [
        Critical(Above({"all": None}, otherwise="1%")),
        Emergency(Above({"all": "0.5%"}, otherwise="5%")),
    ]
    guardrail = Guardrail("errors", RATIO, tiers=tiers, order="tighten")
    (planned,) = lower([_rollout(guardrail)], Environment("test")).rollouts
    limits = planned.guardrails[0].alerts[0].conditions[0].limits
    assert limits == (StageLimit("all", None), StageLimit(None, Decimal("0.01")))


@given(some.integers(min_value=1, max_value=90), some.integers(min_value=1, max_value=60))
def test_faster_divides_how_long_a_limit_must_be_sustained_to_the_millisecond(
    minutes: int, faster: int
) -> None:
    alerts = _alerts(
        Guardrail("errors", RATIO, tiers=[Critical(Above("5%"), sustained=f"{minutes}m")]), faster
    )
    expected = timedelta(milliseconds=max(1, round(minutes * 60_000 / faster)))
    assert duration(str(alerts["critical"]["for"])) == expected


@given(
    some.integers(min_value=1, max_value=10_000),
    some.sampled_from(["B", "KB", "MB", "GB", "KiB", "MiB", "GiB"]),
)
def test_sizes_are_bytes_in_the_rule(number: int, unit: str) -> None:
    alerts = _alerts(
        Guardrail("memory", Gauge("memory_bytes", unit="bytes"), tiers=[Warning(Above(f"{number}{unit}"))])
    )
    assert str(alerts["warning"]["expr"]).endswith(f" > {plain(amount(f'{number}{unit}').value)}")
