"""Istio, as awesome-prometheus-alerts has it."""

from handrail.declare import *
from rollouts._public import public

REQUESTS = 'istio_requests_total{reporter="destination"}'

istio = Rollout(
    "istio",
    "istio",
    guardrails=[
        public(
            "IstioKubernetesGatewayAvailabilityDrop",
            Gauge(
                'kube_deployment_status_replicas_available{deployment="istio-ingressgateway",namespace="istio-system"}',
                over="min",
            ),
            Warning(Below(2), sustained="1m"),
        ),
        public(
            "IstioPilotHighPushErrorRate",
            Ratio(bad="pilot_xds_push_errors", of="pilot_xds_pushes", min_events=1),
            Warning(Above("5%"), sustained="1m"),
        ),
        public(
            "IstioMixerPrometheusDispatchesLow",
            Rate('mixer_runtime_dispatches_total{adapter="prometheus"}'),
            Warning(Below("180/s"), sustained="1m"),
        ),
        public("IstioHighTotalRequestRate", Rate(REQUESTS), Warning(Above("1000/s"), sustained="2m")),
        public("IstioLowTotalRequestRate", Rate(REQUESTS), Warning(Below("100/s"), sustained="2m")),
        public(
            "IstioHigh4xxErrorRate",
            Ratio(bad='istio_requests_total{reporter="destination",response_code=~"4.*"}', of=REQUESTS),
            Warning(Above("5%"), sustained="1m"),
        ),
        public(
            "IstioHigh5xxErrorRate",
            Ratio(bad='istio_requests_total{reporter="destination",response_code=~"5.*"}', of=REQUESTS),
            Warning(Above("5%"), sustained="1m"),
        ),
        public(
            "IstioHighRequestLatency",
            PromQL(
                'sum by (destination_canonical_service) (rate(istio_request_duration_milliseconds_sum{reporter="destination"}[5m])) / sum by (destination_canonical_service) (rate(istio_request_duration_milliseconds_count{reporter="destination"}[5m])) / 1000',
                unit="seconds",
            ),
            Warning(Above("100ms"), sustained="1m"),
            why="a mean, which hides the slow ones; Latency or SlowerThan say more",
        ),
        public(
            "IstioLatency99Percentile",
            Latency(
                "istio_request_duration_milliseconds",
                p=99,
                unit="ms",
                by=["destination_canonical_service", "destination_workload_namespace"],
            ),
            Warning(Above("1s"), sustained="1m"),
        ),
        public(
            "IstioPilotDuplicateEntry",
            Gauge("pilot_duplicate_envoy_clusters", over="sum"),
            Critical(Above(0)),
        ),
    ],
)
