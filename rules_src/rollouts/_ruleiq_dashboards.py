"""RuleIQ's dashboards: the main one and that of its flags."""

from handrail.declare import (
    Above,
    Below,
    Changes,
    Dashboard,
    Distribution,
    Gauge,
    Increase,
    Latency,
    Panel,
    PromQL,
    Rate,
    Ratio,
    Row,
    Text,
    Usage,
)

DURATION = "ruleiq_request_duration_seconds"
BUCKETS = [0.1, 0.25, 0.5, 1, 2, 5, 10]
JOB = 'job="ruleiq"'

AUTH_FAILURES = ["ruleiq_auth_failures_total", "ruleiq_auth_failures"]
EVALUATIONS = ["ruleiq_ff_evaluations_total", "ruleiq_ff_evaluations"]
SECURITY_EVENTS = ["ruleiq_security_events_total", "ruleiq_security_events"]
"""prometheus-client appends _total to a counter's name; the document calls them without it. Both are read."""
ENABLED = "ruleiq_ff_enabled"
LONG_AGO = f"max by (flag_name) ({ENABLED}{{{JOB}}}) * 0 + 86400"
SWITCHED = f"max by (flag_name) (timestamp(changes({ENABLED}{{{JOB}}}[2m]) > 0))"
SERVER_ERRORS = Ratio(bad='ruleiq_requests_total{status=~"5.."}', of="ruleiq_requests_total")


def machine(metric: str, matchers: str = "") -> str:
    """A metric of node_exporter on ruleiq's machine."""
    return f'{metric}{{job="ruleiq-node"{"," if matchers else ""}{matchers}}}'


def in_use(left: str, size: str, matchers: str, by: str) -> PromQL:
    """The share of a machine's memory or disk that is taken: the exporter says what is left."""
    of = f"sum by ({by}) ({machine(size, matchers)})"
    return PromQL(f"1 - sum by ({by}) ({machine(left, matchers)}) / {of}", unit="ratio")


IDLE = machine("node_cpu_seconds_total", 'mode="idle"')
DISKS = 'fstype!~"tmpfs|ramfs|overlay|squashfs"'

main = Dashboard(
    "main",
    panels=[
        Row(
            "Requests",
            [
                Panel("Requests by endpoint", Rate("ruleiq_requests_total"), by=["endpoint"]),
                Panel(
                    "Request time",
                    {f"p{p}": Latency(DURATION, p=p, buckets=BUCKETS) for p in (50, 95, 99)},
                    limits_of="latency-p95",
                ),
                Panel("Request time, all requests", Distribution(DURATION)),
                Panel("Server errors now", SERVER_ERRORS, show="figure", limit=Above("5%")),
                Panel("Active users", Gauge("ruleiq_active_users", over="sum"), show="figure"),
            ],
        ),
        Row(
            "Flags and sign-ins",
            [
                Panel("Flag evaluations", Rate(EVALUATIONS), by=["flag_name", "result"]),
                Panel(
                    "Sign-ins",
                    {
                        "succeed": Rate('ruleiq_requests_total{endpoint="/login",status=~"2.."}'),
                        "fail": Rate(AUTH_FAILURES),
                    },
                    limit={"fail": Above("100/min")},
                ),
                Panel("Failed sign-ins by reason", Rate(AUTH_FAILURES), by=["reason"]),
                Panel("Security events", Increase(SECURITY_EVENTS, window="15m"), by=["type"]),
            ],
        ),
        Row(
            "Database",
            [
                Panel(
                    "Connections in use, of 50",
                    Usage("ruleiq_db_pool_size", 50, over="max"),
                    by=["pool"],
                    show="gauge",
                    target=Below("80%"),
                    limit=Above("90%"),
                ),
                Panel(
                    "Connections by pool",
                    Gauge("ruleiq_db_pool_size", over="sum"),
                    by=["pool"],
                    limit=Above(45),
                ),
            ],
        ),
        Row(
            "Machine",
            [
                Panel(
                    "CPU",
                    PromQL(f"1 - avg by (instance) (rate({IDLE}[5m]))", unit="ratio"),
                    by=["instance"],
                    limit=Above("85%"),
                ),
                Panel(
                    "Memory",
                    in_use("node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes", "", "instance"),
                    by=["instance"],
                    limit=Above("90%"),
                ),
                Panel(
                    "Disk",
                    in_use("node_filesystem_avail_bytes", "node_filesystem_size_bytes", DISKS, "mountpoint"),
                    by=["mountpoint"],
                    limit=Above("80%"),
                ),
                Panel(
                    "CPU of the application",
                    PromQL(f"sum by (instance) (rate(process_cpu_seconds_total{{{JOB}}}[5m]))", unit="ratio"),
                    by=["instance"],
                    note="1 is one processor.",
                ),
                Panel(
                    "Memory of the application",
                    Gauge("process_resident_memory_bytes", over="sum", unit="bytes"),
                    by=["instance"],
                ),
            ],
        ),
    ],
    refresh="5s",
)

flags = Dashboard(
    "flags",
    "RuleIQ: flags",
    panels=[
        Panel(
            "State of each flag",
            Gauge(ENABLED),
            by=["flag_name"],
            show="states",
            note="1: enabled, for whomever it is served to; 0: disabled.",
        ),
        Panel(
            "Share of evaluations that are on",
            Ratio(good=[f'{name}{{result="true"}}' for name in EVALUATIONS], of=EVALUATIONS),
            by=["flag_name"],
            note="The progress of a flag's rollout: the share it is served to.",
        ),
        Panel(
            "Evaluations, per minute",
            Increase(EVALUATIONS, window="1m"),
            by=["flag_name", "result"],
        ),
        Panel(
            "Impact",
            {
                "server errors": SERVER_ERRORS,
                "flag changes in 10 min": Changes(ENABLED, window="10m"),
            },
            limits_of="error-rate",
            note="Errors beside flag changes; what Handrail did is drawn as annotations.",
        ),
        Panel(
            "Recent changes",
            {
                "switched in 24 h": Changes(ENABLED, window="24h"),
                "last switched, ago": PromQL(
                    f"time() - max_over_time({SWITCHED}[24h:1m]) or {LONG_AGO}", unit="seconds"
                ),
            },
            by=["flag_name"],
            show="table",
            note="How often and when; 1 day ago is that or longer.",
        ),
        Text(
            "Who switched it",
            "[Unleash's event log](https://unleash.example.com/history) has who, when, and from what to what."
            " What Handrail switched, and why, is in `handrail rollout status ruleiq` and on the rollout's page.",
        ),
    ],
    refresh="5s",
)

dashboards = [main, flags]
