"""What users of aurigraph get, whichever arm serves them and whether or not a release goes on: P1, P2 and P3 of the whole."""

from handrail.declare import (
    Above,
    AtMost,
    Below,
    Critical,
    Emergency,
    Gauge,
    Guardrail,
    Latency,
    On,
    Ratio,
    Warning,
    While,
)
from rollouts._aurigraph_metrics import BUCKETS, DURATION, FAILED, REQUESTS, answered, database, own
from rollouts._aurigraph_runbooks import down, failing, slow

NODE = 'up{job="aurigraph"}'
BALANCER = 'up{job="aurigraph-haproxy"}'
REFUSED = Ratio(bad=answered("rest", "5xx"), of=answered("rest"))


def refused(share: str) -> list[On]:
    """No node counts what HAProxy answers itself because it has none to send to."""
    return [On("balancer", REFUSED, Above(share))]


production = [
    Guardrail(
        "production-errors",
        Ratio(bad=FAILED, of=own(REQUESTS)),
        title="Share of requests that fail, blue and green together",
        tiers=[
            Warning(Above("0.5%"), or_=refused("0.5%")),
            Critical(Above("1%"), or_=refused("1%")),
            Emergency(Above("5%"), or_=refused("5%"), note="By the balancer's count as well."),
        ],
        whole_service=True,
        runbook=failing,
    ),
    Guardrail(
        "production-success",
        Ratio(good=own(REQUESTS, 'status=~"2.."'), of=own(REQUESTS)),
        title="Share of requests that succeed, blue and green together",
        tiers=[
            Warning(Below("99%")),
            Critical(Below("95%")),
            Emergency(AtMost("0%"), note="Production is down."),
        ],
        whole_service=True,
        runbook=failing,
    ),
    Guardrail(
        "production-latency",
        Latency(own(DURATION), p=95, buckets=BUCKETS),
        title="95th percentile of request time, blue and green together",
        tiers=[Warning(Above("300ms")), Critical(Above("500ms")), Emergency(Above("2s"))],
        whole_service=True,
        runbook=slow,
    ),
    Guardrail(
        "production-latency-p99",
        Latency(own(DURATION), p=99, buckets=BUCKETS),
        title="99th percentile of request time, blue and green together",
        tiers=[Warning(Above("700ms"))],
        whole_service=True,
        runbook=slow,
    ),
]
reachable = [
    Guardrail(
        "nodes",
        While(Gauge(NODE, over="min"), condition=Gauge(NODE)),
        title="Nodes that answer while the service is up",
        tiers=[Critical(Below(1), sustained="1m", note="A node is down while the service is up.")],
        whole_service=True,
        runbook=down,
    ),
    Guardrail(
        "service",
        Gauge(NODE),
        title="Any node that answers, and the balancer before them",
        tiers=[
            Emergency(
                Below(1),
                sustained="1m",
                or_=[On("balancer", Gauge(BALANCER, over="max"), Below(1))],
                note="No node answers, or HAProxy does not: nothing succeeds.",
            )
        ],
        whole_service=True,
        runbook=down,
    ),
    Guardrail(
        "database",
        # The exporter answers without its database too; and a machine that is gone takes both away.
        Gauge(database("pg_up"), over="max"),
        title="Database reachable",
        tiers=[
            Emergency(
                Below(1),
                sustained="1m",
                or_=[On("exporter", Gauge(database("up"), over="max"), Below(1))],
                note="Without its exporter nobody knows whether the database is there.",
            )
        ],
        whole_service=True,
        runbook=down,
    ),
]
