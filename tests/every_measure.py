"""One measure of each kind, with a limit that fits it: for what must hold whatever is measured."""

from __future__ import annotations

from handrail import declare as d
from handrail.declare.limits import Limit
from handrail.declare.measures import Measure

EVERY_MEASURE: tuple[tuple[Measure, Limit], ...] = (
    (d.Ratio(bad='requests_total{code="500"}', of="requests_total"), d.Above("1%")),
    (d.Latency("seconds", p=95, buckets=[0.1, 1]), d.Above("100ms")),
    (d.SlowerThan("seconds", "1s", buckets=[0.1, 1]), d.Above("1%")),
    (d.Increase("errors_total", window="5m"), d.Above(0)),
    (d.Rate("requests_total", window="5m"), d.Below("1/s")),
    (d.Gauge("depth"), d.Above(10)),
    (d.Usage("used_bytes", "size_bytes"), d.Above("90%")),
    (d.Difference("wanted", minus="there"), d.Above(1)),
    (d.Age("finished_at"), d.Above("1h")),
    (d.TimeUntil("expires_at"), d.Below("1h")),
    (d.Count("members", where="> 0"), d.Below(1)),
    (d.Forecast("free_bytes", unit="bytes"), d.Below(0)),
    (d.Changes("restarts", window="5m"), d.Above(1)),
    (d.While(d.Gauge("depth"), condition=d.Rate("requests_total")), d.Above(10)),
    (d.State("breaker", "state"), d.Is("open")),
    (d.Growth("size_bytes", window="1h"), d.Above("1MB")),
    (d.Absence("heartbeat"), d.Above(0)),
    (d.PromQL("sum(x)"), d.Above(1)),
)
