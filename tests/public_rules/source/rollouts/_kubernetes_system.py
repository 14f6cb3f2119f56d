"""kubernetes-mixin: the API server, the kubelet, and the other components."""

from handrail.declare import *
from rollouts._public import LASTS, public

CORDONED = Gauge("kube_node_spec_unschedulable", by=["node"])
IGNORED = (
    'kube_node_spec_taint{key=~"ToBeDeletedByClusterAutoscaler|cloud.google.com/impending-node-termination"}'
)

SYSTEM = [
    public(
        "KubeVersionMismatch",
        PromQL(
            'count(count by (git_version) (label_replace(kubernetes_build_info{job!~"kube-dns|coredns"}, "git_version", "$1", "git_version", "(v[0-9]*.[0-9]*).*")))'
        ),
        Warning(Above(1), sustained="15m"),
        why="counts a part of a label's value",
    ),
    public(
        "KubeClientErrors",
        Ratio(
            bad='rest_client_requests_total{job="kube-apiserver",code=~"5.."}',
            of='rest_client_requests_total{job="kube-apiserver"}',
            by=["instance", "job", "namespace"],
        ),
        Warning(Above("1%"), sustained="15m"),
    ),
    public(
        "KubeClientCertificateExpiration",
        Latency("apiserver_client_certificate_expiration_seconds", p=1, min_events=1, by=["instance"]),
        Warning(Below("168h"), sustained="5m"),
        Critical(Below("24h"), sustained="5m"),
    ),
    public(
        "KubeAggregatedAPIErrors",
        Increase("aggregator_unavailable_apiservice_total", window="1m", by=["instance", "name"]),
        Warning(Above(0), sustained="10m"),
        accept=LASTS,
    ),
    public(
        "KubeAggregatedAPIDown",
        Gauge("aggregator_unavailable_apiservice", by=["name", "namespace"]),
        Warning(AtLeast(1), sustained="5m"),
    ),
    public("KubeAPIDown", Absence('up{job="kube-apiserver"}'), Critical(Above(0), sustained="15m")),
    public(
        "KubeAPIInstanceUnreachable",
        Gauge('up{job="kube-apiserver"}', over="min", by=["instance"]),
        Warning(Below(1), sustained="15m"),
    ),
    public(
        "KubeAPITerminatedRequests",
        Ratio(
            bad="apiserver_request_terminations_total",
            of=["apiserver_request_total", "apiserver_request_terminations_total"],
            window="10m",
        ),
        Warning(Above("20%"), sustained="5m"),
    ),
    public(
        "KubeNodeNotReady",
        While(
            Gauge('kube_node_status_condition{condition="Ready",status="true"}', over="min", by=["node"]),
            condition=CORDONED,
            at_most=0,
        ),
        Warning(Below(1), sustained="15m"),
    ),
    public(
        "KubeNodePressure",
        While(
            Gauge(
                'kube_node_status_condition{condition=~"MemoryPressure|DiskPressure|PIDPressure",status="true"}',
                by=["node"],
            ),
            condition=CORDONED,
            at_most=0,
        ),
        Warning(AtLeast(1), sustained="10m"),
    ),
    public(
        "KubeNodeUnreachable",
        While(
            Count(
                'kube_node_spec_taint{key="node.kubernetes.io/unreachable",effect="NoSchedule"}',
                presence="kube_node_info",
                by=["node"],
            ),
            condition=Count(IGNORED, presence="kube_node_info", by=["node"]),
            at_most=0,
        ),
        Warning(Above(0), sustained="15m"),
    ),
    public(
        "KubeletTooManyPods",
        PromQL(
            '(max by (instance) (kubelet_running_pods) * on (instance) group_left (node) max by (instance, node) (kubelet_node_name)) / on (node) group_left () max by (node) (kube_node_status_capacity{resource="pods"})',
            unit="ratio",
        ),
        Warning(Above("95%"), sustained="15m"),
        why="a third metric says which node an instance is",
    ),
    public(
        "KubeNodeReadinessFlapping",
        While(
            Changes('kube_node_status_condition{condition="Ready",status="true"}', window="15m", by=["node"]),
            condition=CORDONED,
            at_most=0,
        ),
        Warning(Above(2), sustained="15m"),
    ),
    public(
        "KubeNodeEviction",
        Increase("kubelet_evictions", window="15m", by=["instance", "eviction_signal"]),
        Warning(Above(0)),
    ),
    public(
        "KubeletPlegDurationHigh",
        Latency("kubelet_pleg_relist_duration_seconds", p=99, by=["instance"]),
        Warning(AtLeast("10s"), sustained="5m"),
    ),
    public(
        "KubeletPodStartUpLatencyHigh",
        Latency("kubelet_pod_worker_duration_seconds", p=99, min_events=1, by=["instance"]),
        Warning(Above("60s"), sustained="15m"),
    ),
    public(
        "KubeletClientCertificateExpiration",
        Gauge("kubelet_certificate_manager_client_ttl_seconds", over="min", unit="seconds", by=["instance"]),
        Warning(Below("168h")),
        Critical(Below("24h")),
    ),
    public(
        "KubeletServerCertificateExpiration",
        Gauge("kubelet_certificate_manager_server_ttl_seconds", over="min", unit="seconds", by=["instance"]),
        Warning(Below("168h")),
        Critical(Below("24h")),
    ),
    public(
        "KubeletClientCertificateRenewalErrors",
        Increase("kubelet_certificate_manager_client_expiration_renew_errors", by=["instance"]),
        Warning(Above(0), sustained="15m"),
        accept=LASTS,
    ),
    public(
        "KubeletServerCertificateRenewalErrors",
        Increase("kubelet_server_expiration_renew_errors", by=["instance"]),
        Warning(Above(0), sustained="15m"),
        accept=LASTS,
    ),
    public(
        "KubeletInstanceUnreachable",
        Gauge('up{job="kubelet"}', over="min", by=["instance"]),
        Warning(Below(1), sustained="15m"),
    ),
    public(
        "KubeletDown",
        Count('up{job="kubelet"}', where="== 1", presence="kube_node_info"),
        Critical(Below(1), sustained="15m"),
    ),
    *(
        one
        for name, job in (
            ("KubeControllerManager", "kube-controller-manager"),
            ("KubeProxy", "kube-proxy"),
            ("KubeScheduler", "kube-scheduler"),
        )
        for one in (
            public(f"{name}Down", Absence(f'up{{job="{job}"}}'), Critical(Above(0), sustained="15m")),
            public(
                f"{name}InstanceUnreachable",
                Gauge(f'up{{job="{job}"}}', over="min", by=["instance"]),
                Warning(Below(1), sustained="15m"),
            ),
        )
    ),
]
