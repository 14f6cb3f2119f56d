"""What a running stack must have of ruleiq, read from what was generated."""

from __future__ import annotations

from pathlib import Path

import pytest
from handrail.contract import SeriesNeed
from handrail.output.read_stack_needs import NoneGenerated, needed
from handrail.promql.selected import Selected, quantile_scale, selected, together_in

GENERATED = Path(__file__).parents[2] / "generated"
FILES = {
    path.relative_to(GENERATED).as_posix(): path.read_text()
    for path in GENERATED.rglob("*")
    if path.suffix in {".json", ".yml"}
}
OURS = ('job="ruleiq"',)
NODE = ('job="ruleiq-node"',)
DISK = ('fstype!~"tmpfs|ramfs|overlay|squashfs"', *NODE)


def test_what_aurigraph_reads_of_grpc_is_optional_and_so_are_its_panels() -> None:
    needs = needed(FILES, ["aurigraph-v12"])
    optional = {one.metric: one.seen for one in needs.series if one.seen}
    own = 'handrail:guardrail:seen{rollout="aurigraph-v12",guardrail=~"%s"}'
    assert optional == {
        "grpc_connections_in_use": own % "grpc-connections",
        "grpc_request_duration_seconds_bucket": own % "grpc-latency-p95|grpc-latency-p99",
        "grpc_request_duration_seconds_count": own % "grpc-latency-p95|grpc-latency-p99",
        "grpc_requests_total": own % "grpc-errors|grpc-rps",
    }
    panels = {one.panel: one.eventful for one in needs.queries if "grpc_" in one.expr}
    assert set(panels.values()) == {True}
    assert not {one.panel: one for one in needs.queries}["REST throughput"].eventful


def by_both_names(name: str, labels: tuple[str, ...], *read: str, judged: bool = False) -> list[SeriesNeed]:
    """A counter by the name it is exported by and by the document's: each is enough."""
    both = [name, f"{name}_total"]
    return [
        SeriesNeed(
            "ruleiq",
            one,
            OURS,
            labels,
            judged=judged,
            instead=tuple(f"{other}{{{matchers}}}" for matchers in sorted([*read, *OURS], reverse=True)),
        )
        for one, other in zip(both, both[::-1], strict=True)
    ]


def test_every_series_that_ruleiq_reads_is_needed_with_its_labels_and_the_limits_of_its_quantile() -> None:
    assert needed(FILES, ["ruleiq"]).series == (
        SeriesNeed("ruleiq", "node_cpu_seconds_total", (*NODE, 'mode="idle"'), judged=False),
        SeriesNeed("ruleiq", "node_filesystem_avail_bytes", DISK, ("mountpoint",), judged=False),
        SeriesNeed("ruleiq", "node_filesystem_size_bytes", DISK, ("mountpoint",), judged=False),
        SeriesNeed("ruleiq", "node_memory_MemAvailable_bytes", NODE, judged=False),
        SeriesNeed("ruleiq", "node_memory_MemTotal_bytes", NODE, judged=False),
        SeriesNeed("ruleiq", "process_cpu_seconds_total", OURS, judged=False),
        SeriesNeed("ruleiq", "process_resident_memory_bytes", OURS, judged=False),
        SeriesNeed("ruleiq", "ruleiq_active_users", OURS, judged=False),
        *by_both_names("ruleiq_auth_failures", (), judged=True),
        SeriesNeed("ruleiq", "ruleiq_db_pool_size", OURS, ("pool",)),
        SeriesNeed("ruleiq", "ruleiq_ff_enabled", OURS, ("flag_name",), judged=False),
        *by_both_names("ruleiq_ff_evaluations", ("flag_name", "result"), 'job="ruleiq",result="true"'),
        SeriesNeed(
            "ruleiq",
            "ruleiq_request_duration_seconds_bucket",
            OURS,
            buckets=('le=~"2(\\\\.0)?"',),
            above=(2.0,),
        ),
        SeriesNeed("ruleiq", "ruleiq_request_duration_seconds_count", OURS),
        SeriesNeed("ruleiq", "ruleiq_requests_total", OURS, ("endpoint", "status")),
        *by_both_names("ruleiq_security_events", ("type",)),
    )


def test_single_buckets_are_needed_too_and_a_limit_in_the_histogram_s_own_unit() -> None:
    found = {(one.rollout, one.metric): (one.buckets, one.above) for one in needed(FILES).series}
    bucket = "http_request_duration_seconds_bucket"
    of_every_guardrail = (0.2, 0.3, 0.5, 0.7, 2.0)
    assert found["aurigraph-v12", bucket] == (('le="0.2"', 'le="0.5"'), of_every_guardrail)
    assert found["relay-r1", "ttfv_ms_bucket"] == ((), (1500.0,))


def test_jobs_receivers_and_dashboards_are_those_of_the_rollouts_that_are_meant() -> None:
    needs = needed(FILES, ["ruleiq"])
    assert needs.jobs == ("ruleiq", "ruleiq-node", "handrail-receiver")
    assert needs.routing.receivers == (
        "handrail",
        "handrail-heartbeat",
        "ruleiq/critical",
        "ruleiq/warning",
        "ruleiq/emergency",
        "ruleiq/security-rollback",
    )
    place = "http://handrail.internal:8080/webhooks/alertmanager"
    assert dict(needs.routing.webhooks) == dict.fromkeys(("handrail", "handrail-heartbeat"), place)
    assert {alert["rollout"] for alert in needs.routing.alerts} == {"ruleiq"}
    assert {one.dashboard for one in needs.queries} == {"RuleIQ", "RuleIQ: flags"}
    assert {one.panel for one in needs.queries if one.eventful} == {
        *("Guard", "Last heartbeat", "Alerts", "Actions in the last 7d")
    }


@pytest.mark.parametrize(
    ("files", "rollouts", "text"),
    [
        ({}, [], "there is no playbook in it; run `handrail generate`, or name the folder"),
        (
            FILES,
            ["nothing"],
            "it has no rollout 'nothing'; use one of: aidin-hardening, aurigraph-v12, checkout, mem0-redis, relay-r1, ruleiq",
        ),
    ],
)
def test_what_was_not_generated_is_said(files: dict[str, str], rollouts: list[str], text: str) -> None:
    with pytest.raises(NoneGenerated) as refused:
        needed(files, rollouts)
    assert str(refused.value) == text


def test_series_that_are_added_up_are_found_whatever_stands_around_them() -> None:
    marked = 'label_replace({}, "__series__", "{}", "", "")'
    both = " or ".join(marked.format(f"rate({name}[1m])", place) for place, name in enumerate("ab", 1))
    said = [f"(sum({both}) or vector(0)) / on () (sum(c) > 0)", f"sum({both}) or d", "a or b"]
    names = [[[one.metric for one in group] for group in together_in(text)] for text in said]
    assert names == [[["a", "b"]], [["a", "b"]], []]


def test_a_selector_has_the_labels_it_is_aggregated_by_and_none_that_a_function_writes() -> None:
    assert selected('sum by (path) (rate(a{job="x"}[5m])) / on (path) b') == (
        Selected("a", (("job", "=", "x"),), frozenset({"path"})),
        Selected("b", (), frozenset()),
    )
    written = 'sum by (zone, host) (label_replace(a, "zone", "$1", "host", "(.).*"))'
    assert selected(written) == (Selected("a", (), frozenset({"host"})),)


def test_a_quantile_is_of_the_histogram_s_unit_unless_it_is_multiplied() -> None:
    quantile = "histogram_quantile(0.9, sum by (le) (rate(a_bucket[5m])))"
    said = [quantile, f"({quantile}) * 0.001 and on () (b > 0)", "sum(a)"]
    assert list(map(quantile_scale, said)) == [1.0, 0.001, None]
