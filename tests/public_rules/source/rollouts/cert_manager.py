"""cert-manager, as awesome-prometheus-alerts has it."""

from handrail.declare import *
from rollouts._public import LASTS, public

CERTIFICATE = ["exported_namespace", "name"]

cert_manager = Rollout(
    "cert-manager",
    "cert-manager",
    guardrails=[
        public("CertManagerAbsent", Absence('up{job="cert-manager"}'), Critical(Above(0), sustained="10m")),
        public(
            "CertManagerCertificateExpiringSoon",
            TimeUntil(
                "certmanager_certificate_expiration_timestamp_seconds", by=CERTIFICATE, zero="left out"
            ),
            Warning(Below("21d"), sustained="1h"),
        ),
        public(
            "CertManagerCertificateNotReady",
            Gauge('certmanager_certificate_ready_status{condition!="True"}', by=CERTIFICATE),
            Critical(AtLeast(1), sustained="10m"),
        ),
        public(
            "CertManagerHittingAcmeRateLimits",
            Increase('certmanager_acme_client_request_count{status="429"}', by=["host"]),
            Critical(Above(0), sustained="5m"),
            accept=LASTS,
        ),
    ],
)
