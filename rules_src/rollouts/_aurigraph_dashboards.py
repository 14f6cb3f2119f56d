"""Aurigraph's dashboards beside the rollout's own: performance, errors, cluster and business."""

from handrail.declare import (
    Above,
    AtLeast,
    Below,
    Count,
    Dashboard,
    Distribution,
    Gauge,
    Latency,
    Panel,
    PromQL,
    Rate,
    Ratio,
    Row,
    Text,
    Usage,
)
from rollouts._aurigraph_metrics import (
    BUCKETS,
    BUSY,
    DISKS,
    DURATION,
    FAILED,
    GRPC,
    GRPC_DURATION,
    PASSED,
    REQUESTS,
    SERVED,
    STEPS,
    SUCCEEDED,
    TESTS,
    ci,
    database,
    machine,
    own,
)

IDLE = 'mode="idle"'


def quantiles(histogram: str) -> dict[str, Latency]:
    """The four that the team looks at."""
    return {f"p{p}": Latency(own(histogram), p=p, buckets=BUCKETS) for p in (50, 75, 95, 99)}


def moved(direction: str) -> PromQL:
    """Bytes per second over all networks but the machine's own."""
    series = machine(f"node_network_{direction}_bytes_total", 'device!="lo"')
    return PromQL(f"sum by (instance) (rate({series}[5m]))", unit="bytes")


where = Text(
    "Where else to look",
    "Health: `curl http://green.internal:9003/q/health`. Logs: CloudWatch, by arm. Traces: Jaeger, port 16686."
    " Who is told when: the runbook's escalation.",
)

main = Dashboard(
    "main",
    panels=[
        Panel(
            "Requests of blue and green",
            Rate(own(REQUESTS)),
            note="What was measured, beside the split that was asked for.",
        ),
        where,
    ],
)

performance = Dashboard(
    "performance",
    "Aurigraph v12: performance",
    panels=[
        Row(
            "REST",
            [
                Panel(
                    "REST throughput",
                    Rate(own(REQUESTS)),
                    whole_service=True,
                    target=AtLeast("776K/s"),
                    limit=Below("600K/s"),
                ),
                Panel(
                    "REST latency",
                    quantiles(DURATION),
                    target={"p95": Below("200ms"), "p99": Below("500ms")},
                    limit={"p95": Above("300ms"), "p99": Above("700ms")},
                ),
                Panel(
                    "REST latency now",
                    quantiles(DURATION),
                    show="bars",
                    target={"p95": Below("200ms"), "p99": Below("500ms")},
                    limit={"p95": Above("300ms"), "p99": Above("700ms")},
                ),
                Panel("REST latency, all of green's requests", Distribution(own(DURATION))),
            ],
        ),
        Row(
            "gRPC",
            [
                Panel(
                    "gRPC throughput",
                    Rate(own(GRPC)),
                    whole_service=True,
                    target=AtLeast("1M/s"),
                    limit=Below("800K/s"),
                ),
                Panel(
                    "gRPC latency",
                    quantiles(GRPC_DURATION),
                    target={"p95": Below("100ms"), "p99": Below("300ms")},
                    limit={"p95": Above("200ms"), "p99": Above("500ms")},
                ),
                Panel("gRPC latency, all of green's requests", Distribution(own(GRPC_DURATION))),
                Panel(
                    "gRPC connections in use, of 100",
                    Usage(own("grpc_connections_in_use"), 100),
                    show="gauge",
                    limit=Above("90%"),
                    whole_service=True,
                ),
            ],
        ),
        Row(
            "Memory",
            [
                Panel(
                    "Memory of the service",
                    Gauge(own("jvm_memory_used_bytes"), over="sum", unit="bytes"),
                    by=["instance"],
                    target=Below("512MB"),
                    limit=Above("600MB"),
                )
            ],
        ),
    ],
)

errors = Dashboard(
    "errors",
    "Aurigraph v12: errors",
    panels=[
        Row(
            "REST",
            [
                Panel(
                    "Failed requests now",
                    Ratio(bad=FAILED, of=own(REQUESTS)),
                    show="figure",
                    target=Below("0.1%"),
                    limit=Above("0.5%"),
                ),
                Panel(
                    "Requests that succeed now",
                    Ratio(good=own(REQUESTS, 'status=~"2.."'), of=own(REQUESTS)),
                    show="figure",
                    target=Above("99.9%"),
                    limit=Below("99%"),
                ),
                Panel("Error rate", Ratio(bad=FAILED, of=own(REQUESTS)), limits_of="error-rate"),
                Panel("Failed requests by status", Rate(FAILED), by=["status"]),
                Panel(
                    "Success rate",
                    Ratio(good=own(REQUESTS, 'status=~"2.."'), of=own(REQUESTS)),
                    limits_of="success-rate",
                ),
            ],
        ),
        Row(
            "gRPC",
            [
                Panel(
                    "gRPC error rate",
                    Ratio(bad=own(GRPC, 'code!="OK"'), of=own(GRPC)),
                    target=Below("0.1%"),
                    limit=Above("0.5%"),
                ),
                Panel("Failed gRPC calls by code", Rate(own(GRPC, 'code!="OK"')), by=["code"]),
            ],
        ),
    ],
    last="24h",
)

cluster = Dashboard(
    "cluster",
    "Aurigraph v12: cluster",
    panels=[
        Row(
            "Nodes",
            [
                Panel(
                    "Nodes that answer",
                    Count('up{job="aurigraph"}', where="== 1"),
                    show="figure",
                    limit=Below(1),
                ),
                Panel("Node up", Gauge('up{job="aurigraph"}', over="min"), by=["instance"], show="states"),
            ],
        ),
        Row(
            "Machines",
            [
                Panel(
                    "CPU in use",
                    Ratio(
                        bad=machine("node_cpu_seconds_total", BUSY),
                        of=machine("node_cpu_seconds_total"),
                    ),
                    by=["instance"],
                    whole_service=True,
                    target=Below("80%"),
                    limit=Above("85%"),
                ),
                Panel(
                    "Memory in use",
                    Usage(
                        machine("node_memory_MemAvailable_bytes"),
                        machine("node_memory_MemTotal_bytes"),
                        left=True,
                    ),
                    by=["instance"],
                    whole_service=True,
                    limit=Above("80%"),
                ),
                Panel(
                    "Disk in use",
                    Usage(
                        machine("node_filesystem_avail_bytes", DISKS),
                        machine("node_filesystem_size_bytes", DISKS),
                        left=True,
                    ),
                    by=["instance", "mountpoint"],
                    whole_service=True,
                    target=Below("70%"),
                    limit=Above("80%"),
                ),
                Panel(
                    "Load for each CPU",
                    PromQL(
                        f"sum by (instance) ({machine('node_load5')})"
                        f" / count by (instance) ({machine('node_cpu_seconds_total', IDLE)})"
                    ),
                    by=["instance"],
                    limit=Above(1),
                ),
                Panel("Network received, per second", moved("receive"), by=["instance"]),
                Panel("Network sent, per second", moved("transmit"), by=["instance"]),
            ],
        ),
        Row(
            "Database",
            [
                Panel(
                    "Database reachable",
                    {"database": Gauge(database("pg_up"), over="max")},
                    show="states",
                    whole_service=True,
                ),
                Panel(
                    "Database connections in use",
                    Usage(database("pg_stat_activity_count"), database("pg_settings_max_connections")),
                    show="gauge",
                    whole_service=True,
                    target=Below("80%"),
                    limit=Above("90%"),
                ),
                Panel(
                    "Database connections by state",
                    Gauge(database("pg_stat_activity_count"), over="sum"),
                    by=["state"],
                    whole_service=True,
                ),
            ],
        ),
    ],
)

served = {
    name: Ratio(good=SERVED, of=own(REQUESTS), window=window)
    for name, window in {"day": "24h", "week": "7d", "month": "30d"}.items()
}
business = Dashboard(
    "business",
    "Aurigraph v12: business",
    panels=[
        Row(
            "Service",
            [
                Panel(
                    "Requests per second now",
                    Rate(own(REQUESTS)),
                    show="figure",
                    whole_service=True,
                    target=AtLeast("776K/s"),
                    limit=Below("600K/s"),
                ),
                Panel(
                    "Requests of 24 hours",
                    PromQL(f"sum(increase({own(REQUESTS)}[24h]))"),
                    show="figure",
                    whole_service=True,
                ),
                Panel(
                    "Availability of a day, a week, a month",
                    served,
                    show="figure",
                    whole_service=True,
                    target=AtLeast("99.99%"),
                ),
            ],
        ),
        Row(
            "Builds",
            [
                Panel(
                    "Builds that succeed, of 7 days",
                    Ratio(good=ci("builds_total", SUCCEEDED), of=ci("builds_total"), window="7d"),
                    show="figure",
                    whole_service=True,
                    target=AtLeast("100%"),
                    limit=Below("95%"),
                ),
                Panel(
                    "Builds of 7 days by result",
                    PromQL(f"sum by (result) (increase({ci('builds_total')}[7d]))"),
                    by=["result"],
                    show="figure",
                ),
                Panel(
                    "Build time",
                    Gauge(ci("build_duration_seconds"), unit="seconds"),
                    whole_service=True,
                    target=Below("10m"),
                ),
                Panel(
                    "Build time by step",
                    {
                        step: Gauge(ci(STEPS, f'step="{step}"'), unit="seconds")
                        for step in ("compile", "test", "image")
                    },
                    whole_service=True,
                    target={"compile": Below("3m"), "test": Below("5m"), "image": Below("2m")},
                ),
                Panel(
                    "Tests that pass, of 24 hours",
                    {
                        suite: Ratio(
                            good=ci(TESTS, f'suite="{suite}",{PASSED}'),
                            of=ci(TESTS, f'suite="{suite}"'),
                            window="24h",
                        )
                        for suite in ("unit", "integration", "smoke")
                    },
                    show="bars",
                    whole_service=True,
                    target={"unit": AtLeast("95%"), "integration": AtLeast("70%"), "smoke": AtLeast("100%")},
                ),
                Panel(
                    "Code coverage",
                    Gauge(ci("build_coverage_ratio"), over="min", unit="ratio"),
                    by=["component"],
                    show="bars",
                    whole_service=True,
                    target=AtLeast("95%"),
                ),
                Panel(
                    "Docker image size",
                    Gauge(ci("build_image_bytes"), unit="bytes"),
                    show="figure",
                    whole_service=True,
                ),
            ],
        ),
    ],
    refresh="5m",
    last="7d",
)

dashboards = [main, performance, errors, cluster, business]
