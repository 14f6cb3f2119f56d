"""What users of aurigraph experience, on either arm and with or without a release → who is told.

The balancer answers by itself, with 503, when it has no server to send to: no node counts that, and all are up.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from .judged import Asked, complaints
from .test_five_by_hand import SECONDS, aurigraph, in_stage

PRODUCTION = (
    "production-errors",
    "production-success",
    "production-latency",
    "production-latency-p99",
    "nodes",
    "service",
    "grpc-latency-p95",
    "grpc-latency-p99",
    "grpc-errors",
)
LAST = 80
NOWHERE = "no attempt"
"""For the receiver says 0 of each stage then."""
FOR_EVER = f"0+100000x{LAST}"


def histogram(name: str, track: str, slow: float, bound: float) -> dict[str, str]:
    """100 000 in 15 s, of which this share takes longer than a bound."""
    of = f'job="aurigraph",track="{track}"'
    quick = f"0+{round(100_000 * (1 - slow))}x{LAST}"
    every = {f'{name}_bucket{{{of},le="{one}"}}': quick if one <= bound else FOR_EVER for one in SECONDS}
    return {**every, f'{name}_bucket{{{of},le="+Inf"}}': FOR_EVER, f"{name}_count{{{of}}}": FOR_EVER}


def counted(metric: str, labels: str, share: float) -> dict[str, str]:
    return {f"{metric}{{{labels}}}": f"0+{round(100_000 * share)}x{LAST}"}


def served(
    track: str = "stable", *, fails: float = 0.0, slow: float = 0.0, bound: float = 0.3
) -> dict[str, str]:
    """What one arm serves of REST; the other is idle."""
    of = f'job="aurigraph",track="{track}"'
    return {
        **counted("http_requests_total", f'{of},status="200"', 1 - fails),
        **counted("http_requests_total", f'{of},status="500"', fails),
        **histogram("http_request_duration_seconds", track, slow, bound),
    }


def called(*, fails: float = 0.0, slow: float = 0.0, bound: float = 0.2) -> dict[str, str]:
    """What blue serves of gRPC."""
    of = 'job="aurigraph",track="stable"'
    return {
        **counted("grpc_requests_total", f'{of},code="OK"', 1 - fails),
        **counted("grpc_requests_total", f'{of},code="INTERNAL"', fails),
        **histogram("grpc_request_duration_seconds", "stable", slow, bound),
    }


def around(refused: float = 0.0, *, balancer: str = f"1x{LAST}") -> dict[str, str]:
    """Both nodes, up, and the balancer before them, which answers this share by itself."""
    edge = 'job="aurigraph-haproxy",proxy="rest"'
    return {
        'up{job="aurigraph",instance="green"}': f"1x{LAST}",
        'up{job="aurigraph",instance="blue"}': f"1x{LAST}",
        'up{job="aurigraph-haproxy"}': balancer,
        **counted("haproxy_frontend_http_responses_total", f'{edge},code="2xx"', 1 - refused),
        **counted("haproxy_frontend_http_responses_total", f'{edge},code="5xx"', refused),
    }


def turned_away() -> dict[str, str]:
    """From the tenth minute on the balancer has no server any more: nobody is served, and both nodes are up."""
    edge = 'job="aurigraph-haproxy",proxy="rest"'
    still = f"0+100000x40 4000000x{LAST - 41}"
    return {
        **{name: still if values == FOR_EVER else values for name, values in served().items()},
        **around(),
        f'haproxy_frontend_http_responses_total{{{edge},code="2xx"}}': still,
        f'haproxy_frontend_http_responses_total{{{edge},code="5xx"}}': f"0x40 0+100000x{LAST - 41}",
    }


TOLD = (
    'count by (alertname, severity) (ALERTS{alertstate="firing",severity=~"P.",tier!~"blind|thin",level=""})'
)


def firing(
    series: Mapping[str, str], at: str, stage: str, found: Mapping[str, str], *, every: str | None = None
) -> str:
    samples = {
        f'{{alertname="AurigraphV12{name}",severity="{severity}"}}': 1.0 for name, severity in found.items()
    }
    return complaints(
        "promtool",
        aurigraph(*PRODUCTION),
        {**series, **in_stage(stage, LAST)},
        Asked(TOLD, at, samples),
        every=every,
    )


ERRORS = {
    "ProductionErrorsWarning": "P3",
    "ProductionErrorsCritical": "P2",
    "ProductionErrorsEmergency": "P1",
}
DOWN = {"ServiceEmergency": "P1"}


def first(count: int) -> dict[str, str]:
    """The mildest ones of the errors' tiers."""
    return dict(list(ERRORS.items())[:count])


def test_a_balancer_that_has_no_server_to_send_to_is_a_p1_while_every_node_is_up() -> None:
    assert firing(turned_away(), "9m30s", NOWHERE, {}) == ""
    assert firing(turned_away(), "11m30s", NOWHERE, ERRORS) == ""


def test_a_balancer_that_is_gone_is_a_p1_while_every_node_is_up() -> None:
    gone = {name: f"{values.split('x')[0]}x40" for name, values in {**served(), **around()}.items()}
    series = {**gone, **around(balancer=f"1x40 0x{LAST - 41}")}
    assert firing({**served(), **around()}, "12m", NOWHERE, {}) == ""
    assert firing(series, "12m", NOWHERE, DOWN, every="30s") == ""


@pytest.mark.parametrize("stage", [NOWHERE, "10%"])
@pytest.mark.parametrize(("share", "tiers"), [(0.004, 0), (0.006, 1), (0.012, 2), (0.06, 3)])
def test_what_blue_fails_is_told_as_what_green_does_and_so_is_what_the_balancer_refuses(
    share: float, tiers: int, stage: str
) -> None:
    below = {"ProductionSuccessCritical": "P2", "ProductionSuccessWarning": "P3"}
    success = {name: told for name, told in below.items() if share > {"P2": 0.05, "P3": 0.01}[told]}
    blue, refused = {**served(fails=share), **around()}, {**served(), **around(share)}
    assert firing(blue, "12m", stage, {**first(tiers), **success}) == ""
    assert firing(refused, "12m", stage, first(tiers)) == ""


@pytest.mark.parametrize(
    ("slow", "bound", "found"),
    [
        (0.04, 0.3, {}),
        (0.06, 0.3, {"ProductionLatencyWarning": "P3"}),
        (0.06, 0.5, {"ProductionLatencyWarning": "P3", "ProductionLatencyCritical": "P2"}),
        (0.02, 0.7, {"ProductionLatencyP99Warning": "P3"}),
    ],
)
def test_blue_that_is_slow_is_told_between_two_releases(
    slow: float, bound: float, found: dict[str, str]
) -> None:
    series = {**served(slow=slow, bound=bound), **around()}
    assert firing(series, "12m", NOWHERE, found) == ""


@pytest.mark.parametrize(
    ("fails", "slow", "bound", "found"),
    [
        (0.004, 0.04, 0.2, {}),
        (0.006, 0.04, 0.2, {"GrpcErrorsWarning": "P3"}),
        (0.0, 0.06, 0.2, {"GrpcLatencyP95Warning": "P3"}),
        (0.0, 0.02, 0.5, {"GrpcLatencyP99Warning": "P3"}),
    ],
)
def test_grpc_in_production_is_told_between_two_releases(
    fails: float, slow: float, bound: float, found: dict[str, str]
) -> None:
    series = {**called(fails=fails, slow=slow, bound=bound), **served(), **around()}
    assert firing(series, "12m", NOWHERE, found) == ""


def test_another_service_s_canary_of_which_all_fails_slowly_is_none_of_aurigraph_s(promtool: str) -> None:
    own = {**served("stable"), **served("canary"), **called(), **around()}
    other = served("canary", fails=1, slow=1, bound=2)
    series = {**own, **{name.replace("aurigraph", "checkout"): values for name, values in other.items()}}
    asked = Asked(TOLD, "12m", {})
    plan = aurigraph(*PRODUCTION, "error-rate", "latency-p95", "latency-p99", "success-rate")
    sick = {**own, **other}
    assert complaints(promtool, plan, {**series, **in_stage("10%", LAST)}, asked) == ""
    assert complaints(promtool, plan, {**sick, **in_stage("10%", LAST)}, asked) != ""


@pytest.mark.parametrize(
    ("asks", "serves", "told"),
    [(1.10, 0.99, True), (1.25, 0.7, True), (1.04, 0.99, False), (0.9, 0.9, False), (1.3, 1.3, False)],
    ids=["just below", "far below", "hardly more is asked for", "less is asked for", "all is served"],
)
def test_fewer_requests_than_production_s_limit_are_told_where_more_are_asked_for_and_at_no_other_time(
    asks: float, serves: float, told: bool
) -> None:
    """In times of the limits, 600 K REST and 800 K gRPC requests a second."""
    limits = {
        "rest": ("http_requests_total", 'status="200"', 600_000),
        "grpc": ("grpc_requests_total", 'code="OK"', 800_000),
    }
    series = in_stage(NOWHERE, LAST)
    for frontend, (name, label, limit) in limits.items():
        edge = f'haproxy_frontend_http_requests_total{{job="aurigraph-haproxy",proxy="{frontend}"}}'
        series[edge] = f"0+{round(limit * asks * 15)}x{LAST}"
        series[f'{name}{{job="aurigraph",track="stable",{label}}}'] = f"0+{round(limit * serves * 15)}x{LAST}"
    expr = 'count by (alertname) (ALERTS{alertstate="firing",guardrail=~".*-rps",tier="warning",level=""})'
    names = ("AurigraphV12GrpcRpsWarning", "AurigraphV12RestRpsWarning")
    found = {f'{{alertname="{one}"}}': 1.0 for one in names if told}
    case = Asked(expr, "12m", found)
    assert complaints("promtool", aurigraph("rest-rps", "grpc-rps"), series, case) == ""
