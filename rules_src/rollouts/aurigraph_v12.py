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
    PagerDuty,
    Probe,
    Rate,
    Ratio,
    Report,
    Rollout,
    Runbook,
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
    SUCCEEDED,
    TESTS,
    database,
    machine,
    own,
)

# Nothing is rolled back out of stage 0%, which is staging.
ERRORS = {"0%": None, "10%": "1%", "25%": "0.5%", "50%": "0.5%", "100%": "0.1%"}
LATENCIES = {"0%": None, "10%": "500ms", "25%": "300ms", "50%": "300ms", "100%": "200ms"}
# P3 has an hour and P4 a day: nobody is woken for those.
URGENT = ["P1", "P2"]
UNIT, WHOLE = 'suite="unit"', 'suite="integration"'

TEAM = Tell(Slack("#aurigraph", token=Secret("SLACK_TOKEN")))

failing = Runbook(
    "Callers get errors from the new version.",
    look=[
        "4xx or 5xx? Only 4xx points at a contract that changed.",
        "Does blue fail too? Then it is no rollout matter.",
    ],
    mend=["The split goes back by itself in a stage with a limit; elsewhere set green's weight to 0."],
)
slow = Runbook(
    "Callers wait, and their own time-outs begin to fire.",
    look=["CPU and connections of green first; then the database behind both."],
    mend=["Take green out of the split, keep one instance for a profile."],
)
quiet = Runbook(
    "The service does less work than it was built for.",
    look=["Do callers send less, or does the service take less? Compare both arms."],
    mend=["Less taken: back to blue. Less sent: look at the caller with the largest drop."],
)
resources = Runbook(
    "The machine runs out of something; requests are next.",
    look=["Which process, since when, and did it grow with the stage?"],
    mend=["Free or add what runs out; move traffic away first when that takes longer than ten minutes."],
)
down = Runbook(
    "Part of the service is gone.",
    look=["Is it the process, the machine or only the scrape? Ask its health page directly."],
    mend=["Start it again; if it does not stay up, take its arm out of the split."],
)
build = Runbook(
    "Changes, and mends with them, reach production late or untested.",
    look=["Which step fails: compile (3 min), test (5 min) or image (2 min)? The build's own log says."],
    mend=["Fix the step that fails most often of the last week before the next rollout."],
)

aurigraph_v12 = Rollout(
    name="aurigraph-v12",
    service="aurigraph",
    title="Aurigraph v12",
    arms=Arms("track", canary="canary", stable="stable"),
    evaluate="30s",
    budget=Budget(decide="5m", recover="10m"),
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
                ]
            ),
        ),
        Stage("25%", weight="25%", bake="4h"),
        Stage("50%", weight="50%", bake="4h"),
        Stage("100%", weight="100%"),
    ],
    probes=[Probe("health", "/q/health", json={"/status": "UP"}), Probe("metrics", "/q/metrics")],
    severities={"warning": "P3", "critical": "P2", "emergency": "P1"},
    escalation=[
        Level("manager", "5m", "the on-call manager", severities=URGENT),
        Level("director", "15m", "the director", severities=URGENT),
        Level("vp", "30m", "the VP of Engineering, with a war room", severities=URGENT),
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
            success=Below("0.1%"),
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
            success=Below("200ms"),
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
            Rate(own(REQUESTS)),
            title="REST requests per second",
            against=Fixed("776K/s"),
            # Not "never a sample under the baseline": that would close the gate for a day after one dip of 30 s.
            success=Not(Drop("20%")),
            tiers=[Warning(Drop("20%")), Critical(Drop("50%"))],
            whole_service=True,
            runbook=quiet,
        ),
        Guardrail(
            "success-rate",
            Ratio(good=own(REQUESTS, 'status=~"2.."'), of=own(REQUESTS)),
            title="Share of requests that succeed",
            success=Above("99.9%"),
            tiers=[Warning(Below("99%")), Critical(Below("95%")), Emergency(AtMost("0%"))],
            runbook=failing,
        ),
        Guardrail(
            "rest-rps",
            Rate(own(REQUESTS)),
            title="REST requests per second in production",
            tiers=[Warning(Below({"100%": "600K/s"}))],
            whole_service=True,
            runbook=quiet,
        ),
        Guardrail(
            "latency-p99",
            Latency(own(DURATION), p=99, buckets=BUCKETS),
            title="99th percentile of request time",
            success=Below("500ms"),
            tiers=[Warning(Above({"100%": "700ms"}))],
            runbook=slow,
        ),
        Guardrail(
            "production-errors",
            Ratio(bad=FAILED, of=own(REQUESTS)),
            title="Share of requests that fail, blue and green together",
            tiers=[Emergency(Above("5%"))],
            whole_service=True,
            runbook=failing,
        ),
        Guardrail(
            "production-success",
            Ratio(good=own(REQUESTS, 'status=~"2.."'), of=own(REQUESTS)),
            title="Share of requests that succeed, blue and green together",
            tiers=[Emergency(AtMost("0%"), note="Production is down.")],
            whole_service=True,
            runbook=failing,
        ),
        Guardrail(
            "production-latency",
            Latency(own(DURATION), p=95, buckets=BUCKETS),
            title="95th percentile of request time, blue and green together",
            tiers=[Emergency(Above("2s"))],
            whole_service=True,
            runbook=slow,
        ),
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
                by=["instance"],
            ),
            title="Memory that is left on a machine",
            tiers=[Warning(Below("20%"))],
            whole_service=True,
            runbook=resources,
        ),
        Guardrail(
            "disk",
            Usage(
                machine("node_filesystem_avail_bytes", DISKS),
                machine("node_filesystem_size_bytes", DISKS),
                by=["instance", "mountpoint"],
            ),
            title="Disk space that is left",
            tiers=[Warning(Below("20%"), severity="P4")],
            whole_service=True,
            runbook=resources,
        ),
        Guardrail(
            "grpc-rps",
            Rate(own(GRPC)),
            title="gRPC requests per second in production",
            tiers=[Warning(Below({"100%": "800K/s"}))],
            whole_service=True,
            runbook=quiet,
        ),
        Guardrail(
            "grpc-latency-p95",
            Latency(own(GRPC_DURATION), p=95, buckets=BUCKETS),
            title="95th percentile of gRPC time",
            tiers=[Warning(Above({"100%": "200ms"}))],
            runbook=slow,
        ),
        Guardrail(
            "grpc-latency-p99",
            Latency(own(GRPC_DURATION), p=99, buckets=BUCKETS),
            title="99th percentile of gRPC time",
            tiers=[Warning(Above({"100%": "500ms"}))],
            runbook=slow,
        ),
        Guardrail(
            "grpc-errors",
            Ratio(bad=own(GRPC, 'code!="OK"'), of=own(GRPC)),
            title="Share of gRPC calls that fail",
            tiers=[Warning(Above({"100%": "0.5%"}))],
            runbook=failing,
        ),
        Guardrail(
            "grpc-connections",
            Usage(own("grpc_connections_in_use"), 100),
            title="gRPC connections in use",
            tiers=[Warning(Above("90%"))],
            whole_service=True,
            runbook=resources,
        ),
        Guardrail(
            "nodes",
            While(Gauge('up{job="aurigraph"}', over="min"), condition=Gauge('up{job="aurigraph"}')),
            title="Nodes that answer while the service is up",
            tiers=[Critical(Below(1), sustained="1m", note="A node is down while the service is up.")],
            whole_service=True,
            runbook=down,
        ),
        Guardrail(
            "service",
            Gauge('up{job="aurigraph"}'),
            title="Any node that answers",
            tiers=[Emergency(Below(1), sustained="1m", note="No node answers: nothing succeeds.")],
            whole_service=True,
            runbook=down,
        ),
        Guardrail(
            "database",
            # `up` says that the exporter answers, which it also does without its database.
            Gauge(database("pg_up"), over="max"),
            title="Database reachable",
            tiers=[Emergency(Below(1), sustained="1m")],
            whole_service=True,
            runbook=down,
        ),
        Guardrail(
            "build-success",
            Ratio(
                good=own("builds_total", SUCCEEDED),
                of=own("builds_total"),
                window="7d",
                min_events=20,
            ),
            title="Share of builds that succeed, any 7 days",
            accept={"detection-too-slow": "builds are judged over days, whatever the stage"},
            tiers=[Warning(Below("95%"))],
            whole_service=True,
            runbook=build,
        ),
    ],
    dashboards=dashboards,
    split=HAProxySplit("aurigraph", canary="green", stable="blue", sockets=["unix:/run/haproxy/admin.sock"]),
    contacts=["On-call SRE", "Tech lead", "On-call manager", "Director", "VP of Engineering"],
    report=Report(
        weekly="Fri 09:00",
        tell=[TEAM],
        figures={
            "Builds triggered": Increase(own("builds_total")),
            "Successful builds": Increase(own("builds_total", SUCCEEDED)),
            "Average build time": Gauge(own("build_duration_seconds"), unit="seconds"),
            "Code coverage": Gauge(own("build_coverage_ratio"), unit="ratio"),
            "Docker image size": Gauge(own("build_image_bytes"), unit="bytes"),
            "Unit tests passed": Ratio(good=own(TESTS, f"{UNIT},{PASSED}"), of=own(TESTS, UNIT)),
            "Integration tests passed": Ratio(good=own(TESTS, f"{WHOLE},{PASSED}"), of=own(TESTS, WHOLE)),
        },
    ),
    tell=[TEAM],
    tell_emergency=[Tell(PagerDuty(Secret("PAGERDUTY_AURIGRAPH_KEY")))],
)
