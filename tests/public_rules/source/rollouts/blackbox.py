"""Blackbox exporter, as awesome-prometheus-alerts has it."""

from handrail.declare import *
from rollouts._public import public

EXPIRY = TimeUntil("probe_ssl_earliest_cert_expiry", by=["instance"])

blackbox = Rollout(
    "blackbox",
    "probes",
    guardrails=[
        public(
            "BlackboxProbeFailed",
            Gauge("probe_success", over="min", by=["instance"]),
            Critical(Below(1), sustained="1m"),
        ),
        public(
            "BlackboxConfigurationReloadFailure",
            Gauge("blackbox_exporter_config_last_reload_successful", over="min"),
            Warning(Below(1)),
        ),
        public(
            "BlackboxSlowProbe",
            Gauge("probe_duration_seconds", unit="seconds", by=["instance"]),
            Warning(Above("1s"), sustained="1m"),
        ),
        public(
            "BlackboxProbeHttpFailure",
            Gauge("probe_http_status_code", by=["instance"]),
            Critical(
                AtLeast(400),
                sustained="1m",
                or_=[On("none", Gauge("probe_http_status_code", over="min", by=["instance"]), Below(200))],
            ),
        ),
        public(
            "BlackboxSslCertificateWillExpire",
            EXPIRY,
            Warning(Below("20d")),
            Critical(Below("3d")),
            Emergency(Below("0s")),
        ),
        public(
            "BlackboxProbeSlowHttp",
            Gauge("probe_http_duration_seconds", unit="seconds", by=["instance", "phase"]),
            Warning(Above("1s"), sustained="1m"),
        ),
        public(
            "BlackboxProbeSlowPing",
            Gauge("probe_icmp_duration_seconds", unit="seconds", by=["instance", "phase"]),
            Warning(Above("1s"), sustained="1m"),
        ),
    ],
)
