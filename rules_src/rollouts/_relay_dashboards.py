"""Relay's six dashboards, as its team asked for them."""

from handrail.declare import (
    Above,
    AtLeast,
    Below,
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
)


def own(metric: str, matchers: str = "") -> str:
    """A metric of relay's own scrape jobs, and of no other service's."""
    return f'{metric}{{job=~"relay(-.+)?"{"," if matchers else ""}{matchers}}}'


def quantiles(histogram: str, *which: int) -> dict[str, Latency]:
    """Of a histogram in milliseconds."""
    return {f"p{p}": Latency(own(histogram), p=p, unit="ms") for p in which}


# With fewer streams ten that break off roll back: of a hundred one is 1 %, and one of a thousand breaks off anyway.
STREAMS = Ratio(good=own("sse_complete_total"), of=own("sse_total"), min_events=1000)
# prometheus-client appends _total to a counter's name; the document calls it without. Both are read.
FILTERED = [own("memory_queries_filtered_by_user_hash_total"), own("memory_queries_filtered_by_user_hash")]
# Of the page of the system alone: the process says it on each of the three, and its sum would be three times as much.
CPU = 'process_cpu_seconds_total{job="relay-system"}'
ANN = "memory_ann_query_latency_ms"
# Each vector search is followed by one rerank, done or skipped; the service counts no reranks by themselves.
reranks_skipped = Ratio(bad=own("memory_rerank_skipped_total"), of=own(f"{ANN}_count"))

ttfv = Dashboard(
    "ttfv",
    "Relay R1: time to the first value",
    panels=[
        Panel(
            "Time to the first value",
            quantiles("ttfv_ms", 50, 95),
            limits_of="ttfv-p95",
            target={"p50": Below("500ms")},
        ),
        Panel("Time to the first value, all answers", Distribution(own("ttfv_ms"), unit="ms")),
        Panel(
            "Time to the first value now",
            quantiles("ttfv_ms", 50, 95),
            show="bars",
            target={"p50": Below("500ms"), "p95": Below("1500ms")},
        ),
    ],
    last="60m",
)
rls = Dashboard(
    "rls",
    "Relay R1: row-level security",
    panels=[
        Panel(
            "Row-level security errors",
            Increase(own("memory_rls_policy_errors_total")),
            limits_of="rls-errors",
        ),
        Panel("Queries filtered by user", Rate(FILTERED)),
        Panel("Queries filtered by user, of 5 min", Increase(FILTERED)),
        Panel(
            "Attempts to read another tenant's data, of an hour",
            Increase(own("memory_cross_tenant_attempts_total"), window="1h"),
            show="figure",
            limit=Above(0),
        ),
    ],
    last="60m",
)
streaming = Dashboard(
    "streaming",
    "Relay R1: streaming",
    panels=[
        Panel("Share of streams that complete", STREAMS, limits_of="sse-success"),
        Panel("Streams that complete now", STREAMS, show="figure", target=AtLeast("99.6%")),
        Panel(
            "Bytes transmitted now",
            Gauge(own("sse_bytes_transmitted"), over="sum", unit="bytes"),
            show="figure",
        ),
        Panel(
            "Streams",
            {
                "complete": Rate(own("sse_stream_complete_total")),
                "timed out": Rate(own("sse_stream_timeout_total")),
            },
        ),
        Panel("Time-outs, of 5 min", Increase(own("sse_stream_timeout_total"))),
        Panel("Bytes transmitted", Gauge(own("sse_bytes_transmitted"), over="sum", unit="bytes")),
    ],
    last="60m",
)
ann = Dashboard(
    "ann",
    "Relay R1: vector search",
    panels=[
        Panel("Vector search", quantiles(ANN, 50, 95, 99), limits_of="ann-p95"),
        Panel("Vector search now", quantiles(ANN, 50, 95, 99), show="bars", target={"p95": Below("200ms")}),
        Panel("Vector search, all queries", Distribution(own(ANN), unit="ms")),
    ],
    last="60m",
)
reranker = Dashboard(
    "reranker",
    "Relay R1: reranker",
    panels=[
        Panel(
            "Share of reranks that are skipped", reranks_skipped, limits_of="rerank-skips", target=Below("1%")
        ),
        Panel(
            "Reranks that are skipped or time out",
            {
                "skipped": Rate(own("memory_rerank_skipped_total")),
                "timed out": Rate(own("memory_rerank_timeout_total")),
            },
        ),
    ],
    last="60m",
)
database = Dashboard(
    "database",
    "Relay R1: database",
    panels=[
        Panel(
            "Connection pool in use",
            Gauge(own("db_connection_pool_utilization"), unit="percent"),
            limits_of="db-pool",
        ),
        Panel(
            "Connection pool now",
            Gauge(own("db_connection_pool_utilization"), unit="percent"),
            show="gauge",
            target=Below("80%"),
        ),
        Panel("Rows of memory chunks now", Gauge(own("memory_chunks_row_count")), show="figure"),
        Panel("Query time", quantiles("db_query_latency_ms", 95)),
        Panel("Rows of memory chunks", Gauge(own("memory_chunks_row_count"))),
        Row(
            "System",
            [
                Panel(
                    "CPU of the service",
                    PromQL(f"sum by (instance) (rate({CPU}[5m]))", unit="ratio"),
                    by=["instance"],
                    note="1 is one processor.",
                ),
                Panel(
                    "Memory of the service",
                    Gauge(own("process_resident_memory_bytes"), unit="bytes"),
                    by=["instance"],
                ),
            ],
        ),
    ],
    last="60m",
)

dashboards = [ttfv, rls, streaming, ann, reranker, database]
