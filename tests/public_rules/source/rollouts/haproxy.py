"""HAProxy with its own exporter, as awesome-prometheus-alerts has it."""

from handrail.declare import *
from rollouts._public import public

RESPONSES = "haproxy_server_http_responses_total"


def errors(alert: str, code: str, by: str) -> Guardrail:
    return public(
        alert,
        Ratio(bad=f'{RESPONSES}{{code="{code}"}}', of=RESPONSES, by=[by]),
        Critical(Above("5%"), sustained="1m"),
    )


haproxy = Rollout(
    "haproxy",
    "haproxy",
    guardrails=[
        errors("HaproxyHighHttp4xxErrorRateBackend", "4xx", "proxy"),
        errors("HaproxyHighHttp5xxErrorRateBackend", "5xx", "proxy"),
        errors("HaproxyHighHttp4xxErrorRateServer", "4xx", "server"),
        errors("HaproxyHighHttp5xxErrorRateServer", "5xx", "server"),
        public(
            "HaproxyServerResponseErrors",
            Ratio(bad="haproxy_server_response_errors_total", of=RESPONSES, by=["server"]),
            Critical(Above("5%"), sustained="1m"),
        ),
        public(
            "HaproxyBackendConnectionErrors",
            Rate("haproxy_backend_connection_errors_total", by=["proxy"]),
            Critical(Above("100/s"), sustained="1m"),
        ),
        public(
            "HaproxyServerConnectionErrors",
            Rate("haproxy_server_connection_errors_total", by=["proxy"]),
            Critical(Above("100/s")),
        ),
        public(
            "HaproxyBackendMaxActiveSession",
            Usage(
                "haproxy_backend_current_sessions",
                "haproxy_backend_limit_sessions",
                by=["proxy"],
                unlimited=[0],
            ),
            Warning(Above("80%"), sustained="2m"),
        ),
        public(
            "HaproxyPendingRequests",
            Gauge("haproxy_backend_current_queue", over="sum", by=["proxy"]),
            Warning(Above(0), sustained="2m"),
        ),
        public(
            "HaproxyHttpSlowingDown",
            Gauge(
                "haproxy_backend_max_total_time_seconds", over="avg", unit="seconds", by=["instance", "proxy"]
            ),
            Warning(Above("1s"), sustained="1m"),
        ),
        public(
            "HaproxyRetryHigh",
            Rate("haproxy_backend_retry_warnings_total", by=["proxy"]),
            Warning(Above("10/s"), sustained="2m"),
        ),
        public(
            "HaproxyHasNoAliveBackends",
            While(
                Gauge("haproxy_backend_active_servers", by=["proxy"]),
                condition=Gauge("haproxy_backend_backup_servers", by=["proxy"]),
                at_most=0,
            ),
            Critical(Below(1)),
        ),
        public(
            "HaproxyFrontendSecurityBlockedRequests",
            Rate("haproxy_frontend_denied_connections_total", window="2m", by=["proxy"]),
            Warning(Above("10/s"), sustained="2m"),
        ),
        public(
            "HaproxyServerHealthcheckFailure",
            Increase("haproxy_server_check_failures_total", window="1m", by=["proxy", "server"]),
            Warning(Above(2)),
        ),
    ],
)
