"""NGINX with its Lua exporter, as awesome-prometheus-alerts has it."""

from handrail.declare import *
from rollouts._public import public

nginx = Rollout(
    "nginx",
    "nginx",
    guardrails=[
        public(
            "NginxHighHttp4xxErrorRate",
            Ratio(bad='nginx_http_requests_total{status=~"4.."}', of="nginx_http_requests_total"),
            Critical(Above("5%"), sustained="1m"),
        ),
        public(
            "NginxHighHttp5xxErrorRate",
            Ratio(bad='nginx_http_requests_total{status=~"5.."}', of="nginx_http_requests_total"),
            Critical(Above("5%"), sustained="1m"),
        ),
        public(
            "NginxLatencyHigh",
            Latency("nginx_http_request_duration_seconds", p=99, by=["host", "node"]),
            Warning(Above("3s"), sustained="2m"),
        ),
    ],
)
