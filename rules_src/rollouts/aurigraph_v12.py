"""aurigraph-v12: a high-throughput service from blue to green by a load balancer's split, with limits that tighten."""

from handrail.declare import (
    Above,
    Arms,
    AtMost,
    Below,
    Budget,
    Critical,
    Drop,
    Emergency,
    Fixed,
    Gate,
    Gauge,
    Guardrail,
    HAProxySplit,
    Increase,
    Latency,
    Level,
    Not,
    On,
    OverStage,
    PagerDuty,
    Probe,
    Rate,
    Ratio,
    Report,
    Rollout,
    Secret,
    Slack,
    Slo,
    SlowerThan,
    Stage,
    Tell,
    Usage,
    Warning,
    While,
)
from rollouts import _aurigraph_by_hand as by_hand
from rollouts._aurigraph_builds import builds
from rollouts._aurigraph_dashboards import dashboards
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
    STEPS,
    SUCCEEDED,
    TESTS,
    asked,
    ci,
    machine,
    own,
)
from rollouts._aurigraph_production import production, reachable
from rollouts._aurigraph_runbooks import failing, quiet, resources, slow
from rollouts._aurigraph_sources import pipeline

# Nothing is rolled back out of stage 0%, which is staging.
ERRORS = {"0%": None, "10%": "1%", "25%": "0.5%", "50%": "0.5%", "100%": "0.1%"}
LATENCIES = {"0%": None, "10%": "500ms", "25%": "300ms", "50%": "300ms", "100%": "200ms"}
# P3 has an hour and P4 a day; what is left then is told again, and goes no further.
URGENT = ["P1", "P2"]
# Nobody serves what nobody asks for: at night the baseline says nothing, and the share of what is asked for does.
BASELINE = "776K/s"
# A twentieth more than the limit: where just as much is asked for, what is still on its way is missing.
MORE_THAN_600K, MORE_THAN_800K = "632K/s", "842K/s"
SERVED_OF_ASKED = Ratio(good=own(REQUESTS), of=asked("rest"), beside=True)
# An hour of the baseline, as the team's load test has it: so much of a day, and of four hours.
OF_A_DAY, OF_FOUR_HOURS = "4%", "25%"
UNIT, WHOLE, SMOKE = 'suite="unit"', 'suite="integration"', 'suite="smoke"'

# Releases go out on Tuesdays. A day that is past is told as past, until somebody writes the next one here.
UPCOMING = {
    "Next production release": "Tue",
    "Next load test": "2026-01-25",
    "Next security scan": "2026-02-10",
}

TEAM = Tell(Slack("#aurigraph", token=Secret("SLACK_TOKEN")))

aurigraph_v12 = Rollout(
    name="aurigraph-v12",
    service="aurigraph",
    title="Aurigraph v12",
    arms=Arms("track", canary="canary", stable="stable"),
    evaluate="30s",
    budget=Budget(decide="6m", recover="12m"),
    proved_within="10m",
    stages=[
        Stage("0%", weight="0%", bake="24h"),
        Stage(
            "10%",
            weight="10%",
            bake="24h",
            gate=Gate(
                manual=[
                    "Staging runs this image, with the database's volumes mounted",
                    "Staging: REST answers in under 100 ms, health is up, metrics are reachable",
                    "Staging: gRPC answers, or is not in this release",
                    "Staging: the database is connected and its schema is the release's",
                    "Staging: Redis is connected",
                    "Staging: logs arrive in CloudWatch",
                    "Test suites: unit at least 95 %, integration at least 70 %, smoke 100 % passed",
                    "Performance tests passed",
                    "The security scan is clean",
                    "Coverage of every service at least 95 %",
                    "The build takes at most 10 min (compile 3, test 5, image 2)",
                ],
                coverage=OF_A_DAY,
            ),
        ),
        Stage("25%", weight="25%", bake="4h", gate=Gate(coverage=OF_A_DAY)),
        Stage("50%", weight="50%", bake="4h", gate=Gate(coverage=OF_FOUR_HOURS)),
        Stage("100%", weight="100%", gate=Gate(coverage=OF_FOUR_HOURS)),
    ],
    checks=["1h", "4h", "12h", "24h"],
    probes=[
        Probe("health", "/q/health", json={"/status": "UP"}),
        Probe("metrics", "/q/metrics"),
        Probe("health-blue", f"{by_hand.BLUE}/q/health", json={"/status": "UP"}, proves_rollback=True),
        Probe("metrics-blue", f"{by_hand.BLUE}/q/metrics"),
    ],
    severities={"warning": "P3", "critical": "P2", "emergency": "P1"},
    escalation=[
        Level("manager", "5m", "the on-call manager", severities=URGENT),
        Level("director", "15m", "the director", severities=URGENT),
        Level("vp", "30m", "the VP of Engineering, with a war room", severities=URGENT),
        Level("p3-overdue", "1h", "the on-call SRE, whose hour is over", severities=["P3"]),
        Level("p4-overdue", "24h", "the on-call SRE, whose day is over", severities=["P4"]),
    ],
    slos=[
        Slo("availability", Ratio(bad=FAILED, of=own(REQUESTS)), objective="99.99%", runbook=failing),
        Slo(
            "latency-p95", SlowerThan(own(DURATION), "200ms", buckets=BUCKETS), objective="95%", runbook=slow
        ),
        Slo(
            "latency-p99", SlowerThan(own(DURATION), "500ms", buckets=BUCKETS), objective="99%", runbook=slow
        ),
    ],
    guardrails=[
        Guardrail(
            "error-rate",
            Ratio(bad=FAILED, of=own(REQUESTS)),
            title="Share of requests that fail",
            success=OverStage(Below("0.1%")),
            order="tighten",
            tiers=[
                Warning(Above("0.5%")),
                Critical(Above(ERRORS, otherwise="1%"), sustained="5m", action="rollback"),
                Emergency(Above("5%"), note="P1 says who is told; the stage's limit rolls back."),
            ],
            runbook=failing,
        ),
        Guardrail(
            "latency-p95",
            Latency(own(DURATION), p=95, buckets=BUCKETS),
            title="95th percentile of request time",
            success=OverStage(Below("200ms")),
            order="tighten",
            tiers=[
                Warning(Above("300ms")),
                Critical(Above(LATENCIES, otherwise="500ms"), sustained="5m", action="rollback"),
                Emergency(Above("2s"), note="P1 says who is told; the stage's limit rolls back."),
            ],
            runbook=slow,
        ),
        Guardrail(
            "throughput",
            While(Rate(own(REQUESTS)), condition=Rate(asked("rest")), above=BASELINE),
            title="REST requests per second while the baseline is asked for",
            against=Fixed(BASELINE),
            # Means of five minutes, and a twentieth less: a dip of a third for 30 s does not close the gate for a day.
            success=Not(Drop("5%")),
            tiers=[
                Warning(Drop("20%"), or_=[On("served", SERVED_OF_ASKED, Below("80%"))]),
                Critical(Drop("50%"), or_=[On("served", SERVED_OF_ASKED, Below("50%"))]),
            ],
            whole_service=True,
            runbook=quiet,
        ),
        Guardrail(
            "success-rate",
            Ratio(good=own(REQUESTS, 'status=~"2.."'), of=own(REQUESTS)),
            title="Share of requests that succeed",
            success=OverStage(Above("99.9%")),
            tiers=[Warning(Below("99%")), Critical(Below("95%")), Emergency(AtMost("0%"))],
            runbook=failing,
        ),
        Guardrail(
            "rest-rps",
            While(Rate(own(REQUESTS)), condition=Rate(asked("rest")), above=MORE_THAN_600K),
            title="REST requests per second in production while more than 600 K are asked for",
            tiers=[Warning(Below("600K/s"))],
            whole_service=True,
            runbook=quiet,
        ),
        Guardrail(
            "latency-p99",
            Latency(own(DURATION), p=99, buckets=BUCKETS),
            title="99th percentile of request time",
            success=OverStage(Below("500ms")),
            tiers=[Warning(Above({"100%": "700ms"}))],
            runbook=slow,
        ),
        *production,
        Guardrail(
            "cpu",
            Ratio(
                bad=machine("node_cpu_seconds_total", BUSY),
                of=machine("node_cpu_seconds_total"),
                by=["instance"],
                min_events=1,
            ),
            title="CPU in use",
            tiers=[Warning(Above("85%"), severity="P4")],
            whole_service=True,
            runbook=resources,
        ),
        Guardrail(
            "memory",
            Gauge(own("jvm_memory_used_bytes"), over="sum", by=["instance"], unit="bytes"),
            title="Memory that the service uses",
            tiers=[Warning(Above("600MB"))],
            whole_service=True,
            runbook=resources,
        ),
        Guardrail(
            "machine-memory",
            Usage(
                machine("node_memory_MemAvailable_bytes"),
                machine("node_memory_MemTotal_bytes"),
                left=True,
                by=["instance"],
            ),
            title="Memory in use on a machine",
            tiers=[Warning(Above("80%"))],
            whole_service=True,
            runbook=resources,
        ),
        Guardrail(
            "disk",
            Usage(
                machine("node_filesystem_avail_bytes", DISKS),
                machine("node_filesystem_size_bytes", DISKS),
                left=True,
                by=["instance", "mountpoint"],
            ),
            title="Disk space in use",
            tiers=[Warning(Above("80%"), severity="P4")],
            whole_service=True,
            runbook=resources,
        ),
        Guardrail(
            "grpc-rps",
            While(Rate(own(GRPC)), condition=Rate(asked("grpc")), above=MORE_THAN_800K),
            title="gRPC requests per second in production while more than 800 K are asked for",
            tiers=[Warning(Below("800K/s"))],
            whole_service=True,
            optional=True,
            runbook=quiet,
        ),
        Guardrail(
            "grpc-latency-p95",
            Latency(own(GRPC_DURATION), p=95, buckets=BUCKETS),
            title="95th percentile of gRPC time",
            tiers=[Warning(Above("200ms"))],
            whole_service=True,
            optional=True,
            runbook=slow,
        ),
        Guardrail(
            "grpc-latency-p99",
            Latency(own(GRPC_DURATION), p=99, buckets=BUCKETS),
            title="99th percentile of gRPC time",
            tiers=[Warning(Above("500ms"))],
            whole_service=True,
            optional=True,
            runbook=slow,
        ),
        Guardrail(
            "grpc-errors",
            Ratio(bad=own(GRPC, 'code!="OK"'), of=own(GRPC)),
            title="Share of gRPC calls that fail",
            tiers=[Warning(Above("0.5%"))],
            whole_service=True,
            optional=True,
            runbook=failing,
        ),
        Guardrail(
            "grpc-connections",
            Usage(own("grpc_connections_in_use"), 100),
            title="gRPC connections in use",
            tiers=[Warning(Above("90%"))],
            whole_service=True,
            optional=True,
            runbook=resources,
        ),
        *reachable,
        *builds,
    ],
    logs=[pipeline],
    dashboards=dashboards,
    split=HAProxySplit("aurigraph", canary="green", stable="blue", sockets=["unix:/run/haproxy/admin.sock"]),
    procedures=by_hand.PROCEDURES,
    quick_reference=by_hand.QUICK,
    contacts=["On-call SRE", "Tech lead", "On-call manager", "Director", "VP of Engineering"],
    report=Report(
        weekly="Fri 09:00",
        weekly_sections=[
            "Build metrics",
            "Test metrics",
            "Deployment metrics",
            "Performance metrics",
            "Reliability metrics",
            "Incidents",
            "Upcoming",
            "Error budget left",
            "Tables",
        ],
        tell=[TEAM],
        upcoming=UPCOMING,
        figures={
            "Builds triggered": Increase(ci("builds_total")),
            "Successful builds": Increase(ci("builds_total", SUCCEEDED)),
            "Average build time": Gauge(ci("build_duration_seconds"), unit="seconds"),
            "Code coverage": Gauge(ci("build_coverage_ratio"), over="min", unit="ratio"),
            "Docker image size": Gauge(ci("build_image_bytes"), unit="bytes"),
            "Unit tests passed": Ratio(good=ci(TESTS, f"{UNIT},{PASSED}"), of=ci(TESTS, UNIT)),
            "Test execution time": Gauge(ci(STEPS, 'step="test"'), unit="seconds"),
            "Critical tests": Ratio(good=ci(TESTS, f"{SMOKE},{PASSED}"), of=ci(TESTS, SMOKE)),
            "Integration tests passed": Ratio(good=ci(TESTS, f"{WHOLE},{PASSED}"), of=ci(TESTS, WHOLE)),
        },
    ),
    tell=[TEAM],
    # No limit asks for an emergency rollback: they hear of one that fails, is not proved, or is left to people.
    tell_emergency=[Tell(PagerDuty(Secret("PAGERDUTY_AURIGRAPH_KEY")))],
)
