"""kubernetes-mixin: applications, resources, storage, kubelet, API server and the other components."""

from handrail.declare import *
from rollouts._kubernetes_system import SYSTEM
from rollouts._public import RUNBOOK, public

POD = ["namespace", "pod"]
DEPLOYMENT = ["namespace", "deployment"]
STATEFUL_SET = ["namespace", "statefulset"]
DAEMON_SET = ["namespace", "daemonset"]
JOB = ["namespace", "job_name"]
SCALER = ["namespace", "horizontalpodautoscaler"]
VOLUME = ["namespace", "persistentvolumeclaim"]
DAEMON_SET_MOVES = Changes("kube_daemonset_status_updated_number_scheduled", window="5m", by=DAEMON_SET)
FREE_SPACE = Usage("kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes", by=VOLUME)
FREE_INODES = Usage("kubelet_volume_stats_inodes_free", "kubelet_volume_stats_inodes", by=VOLUME)

kubernetes_mixin = Rollout(
    "kubernetes-mixin",
    "kubernetes",
    guardrails=[
        public(
            "KubePodCrashLooping",
            Increase("kube_pod_container_status_restarts_total", window="15m", by=[*POD, "container"]),
            Warning(AtLeast(3), sustained="15m"),
        ),
        public(
            "KubePodNotReady",
            PromQL(
                'sum by (namespace, pod) (max by (namespace, pod) (kube_pod_status_phase{phase=~"Pending|Unknown"}) * on (namespace, pod) group_left (owner_kind) max by (namespace, pod, owner_kind) (kube_pod_owner{owner_kind!="Job"}))'
            ),
            Warning(Above(0), sustained="15m"),
            why="leaves out the pods of jobs, which another metric knows by a label's value",
        ),
        public(
            "KubeDeploymentGenerationMismatch",
            Difference(
                "kube_deployment_metadata_generation",
                "kube_deployment_status_observed_generation",
                by=DEPLOYMENT,
                absolute=True,
            ),
            Warning(Above(0), sustained="15m"),
        ),
        public(
            "KubeDeploymentReplicasMismatch",
            While(
                Difference(
                    "kube_deployment_spec_replicas",
                    "kube_deployment_status_replicas_available",
                    by=DEPLOYMENT,
                ),
                condition=Changes("kube_deployment_status_replicas_updated", window="10m", by=DEPLOYMENT),
                at_most=0,
            ),
            Warning(Above(0), sustained="15m"),
        ),
        public(
            "KubeDeploymentRolloutStuck",
            Gauge('kube_deployment_status_condition{condition="Progressing",status="false"}', by=DEPLOYMENT),
            Warning(Above(0), sustained="15m"),
        ),
        public(
            "KubeStatefulSetReplicasMismatch",
            While(
                Difference(
                    "kube_statefulset_replicas",
                    "kube_statefulset_status_replicas_ready",
                    by=STATEFUL_SET,
                    absolute=True,
                ),
                condition=Changes("kube_statefulset_status_replicas_updated", window="10m", by=STATEFUL_SET),
                at_most=0,
            ),
            Warning(Above(0), sustained="15m"),
        ),
        public(
            "KubeStatefulSetGenerationMismatch",
            Difference(
                "kube_statefulset_metadata_generation",
                "kube_statefulset_status_observed_generation",
                by=STATEFUL_SET,
                absolute=True,
            ),
            Warning(Above(0), sustained="15m"),
        ),
        public(
            "KubeStatefulSetUpdateNotRolledOut",
            While(
                Difference(
                    "kube_statefulset_replicas",
                    "kube_statefulset_status_replicas_updated",
                    by=STATEFUL_SET,
                    absolute=True,
                ),
                condition=Changes("kube_statefulset_status_replicas_updated", window="5m", by=STATEFUL_SET),
                at_most=0,
            ),
            Warning(Above(0), sustained="15m"),
        ),
        public(
            "KubeDaemonSetRolloutStuck",
            While(
                Difference(
                    "kube_daemonset_status_desired_number_scheduled",
                    "kube_daemonset_status_number_available",
                    by=DAEMON_SET,
                    absolute=True,
                ),
                condition=DAEMON_SET_MOVES,
                at_most=0,
            ),
            Warning(
                Above(0),
                sustained="15m",
                or_=[
                    On(
                        "updated",
                        While(
                            Difference(
                                "kube_daemonset_status_desired_number_scheduled",
                                "kube_daemonset_status_updated_number_scheduled",
                                by=DAEMON_SET,
                                absolute=True,
                            ),
                            condition=DAEMON_SET_MOVES,
                            at_most=0,
                        ),
                        Above(0),
                    ),
                ],
            ),
        ),
        public(
            "KubeContainerWaiting",
            Count(
                'kube_pod_container_status_waiting_reason{reason!="CrashLoopBackOff"}',
                presence="kube_pod_container_info",
                by=[*POD, "container"],
            ),
            Warning(Above(0), sustained="1h"),
        ),
        public(
            "KubeDaemonSetNotScheduled",
            Difference(
                "kube_daemonset_status_desired_number_scheduled",
                "kube_daemonset_status_current_number_scheduled",
                by=DAEMON_SET,
            ),
            Warning(Above(0), sustained="10m"),
        ),
        public(
            "KubeDaemonSetMisScheduled",
            Gauge("kube_daemonset_status_number_misscheduled", by=DAEMON_SET),
            Warning(Above(0), sustained="15m"),
        ),
        public(
            "KubeJobNotCompleted",
            While(
                Age("kube_job_status_start_time", by=JOB),
                condition=Gauge("kube_job_status_active", by=JOB),
            ),
            Warning(Above("12h")),
        ),
        public("KubeJobFailed", Gauge("kube_job_failed", by=JOB), Warning(Above(0), sustained="15m")),
        public(
            "KubeHpaReplicasMismatch",
            While(
                Difference(
                    "kube_horizontalpodautoscaler_status_desired_replicas",
                    "kube_horizontalpodautoscaler_status_current_replicas",
                    by=SCALER,
                    absolute=True,
                ),
                condition=Changes(
                    "kube_horizontalpodautoscaler_status_current_replicas", window="15m", by=SCALER
                ),
                at_most=0,
            ),
            Warning(Above(0), sustained="15m"),
        ),
        public(
            "KubeHpaMaxedOut",
            While(
                Usage(
                    "kube_horizontalpodautoscaler_status_current_replicas",
                    "kube_horizontalpodautoscaler_spec_max_replicas",
                    by=SCALER,
                ),
                condition=Difference(
                    "kube_horizontalpodautoscaler_spec_max_replicas",
                    "kube_horizontalpodautoscaler_spec_min_replicas",
                    by=SCALER,
                ),
            ),
            Warning(AtLeast("100%"), sustained="15m"),
        ),
        public(
            "KubePdbNotEnoughHealthyPods",
            Difference(
                "kube_poddisruptionbudget_status_desired_healthy",
                "kube_poddisruptionbudget_status_current_healthy",
                by=["namespace", "poddisruptionbudget"],
            ),
            Warning(Above(0), sustained="15m"),
        ),
        public(
            "KubeCPUOvercommit",
            PromQL(
                'sum(namespace_cpu:kube_pod_container_resource_requests:sum) - (sum(kube_node_status_allocatable{resource="cpu"}) - max(kube_node_status_allocatable{resource="cpu"}))'
            ),
            Warning(Above(0), sustained="10m"),
            why="takes the largest node out of a sum",
        ),
        public(
            "KubeMemoryOvercommit",
            PromQL(
                'sum(namespace_memory:kube_pod_container_resource_requests:sum) - (sum(kube_node_status_allocatable{resource="memory"}) - max(kube_node_status_allocatable{resource="memory"}))',
                unit="bytes",
            ),
            Warning(Above("0MB"), sustained="10m"),
            why="takes the largest node out of a sum",
        ),
        public(
            "KubeCPUQuotaOvercommit",
            Usage(
                'kube_resourcequota{type="hard",resource="requests.cpu"}',
                'kube_node_status_allocatable{resource="cpu"}',
            ),
            Warning(Above("150%"), sustained="5m"),
        ),
        public(
            "KubeMemoryQuotaOvercommit",
            Usage(
                'kube_resourcequota{type="hard",resource="requests.memory"}',
                'kube_node_status_allocatable{resource="memory"}',
            ),
            Warning(Above("150%"), sustained="5m"),
        ),
        public(
            "KubeQuotaAlmostFull",
            Usage(
                'kube_resourcequota{type="used"}',
                'kube_resourcequota{type="hard"}',
                by=["namespace", "resource"],
                unlimited=[0],
            ),
            Warning(Above("90%"), sustained="15m"),
        ),
        public(
            "KubeQuotaFullyUsed",
            Usage(
                'kube_resourcequota{type="used"}',
                'kube_resourcequota{type="hard"}',
                by=["namespace", "resource"],
                unlimited=[0],
            ),
            Warning(AtLeast("100%"), sustained="15m"),
        ),
        public(
            "KubeQuotaExceeded",
            Usage(
                'kube_resourcequota{type="used"}',
                'kube_resourcequota{type="hard"}',
                by=["namespace", "resource"],
                unlimited=[0],
            ),
            Warning(Above("100%"), sustained="15m"),
        ),
        public(
            "CPUThrottlingHigh",
            Ratio(
                bad='container_cpu_cfs_throttled_periods_total{container!=""}',
                of='container_cpu_cfs_periods_total{container!=""}',
                by=[*POD, "container"],
            ),
            Warning(Above("25%"), sustained="15m"),
        ),
        public(
            "KubePersistentVolumeFillingUp, critical",
            FREE_SPACE,
            Critical(Below("3%"), sustained="1m"),
        ),
        public(
            "KubePersistentVolumeFillingUp, warning",
            While(
                Forecast(
                    "kubelet_volume_stats_available_bytes", window="6h", ahead="96h", by=VOLUME, unit="bytes"
                ),
                condition=FREE_SPACE,
                at_most="15%",
            ),
            Warning(Below("0MB"), sustained="1h"),
        ),
        public(
            "KubePersistentVolumeInodesFillingUp, critical",
            FREE_INODES,
            Critical(Below("3%"), sustained="1m"),
        ),
        public(
            "KubePersistentVolumeInodesFillingUp, warning",
            While(
                Forecast("kubelet_volume_stats_inodes_free", window="6h", ahead="96h", by=VOLUME),
                condition=FREE_INODES,
                at_most="15%",
            ),
            Warning(Below(0), sustained="1h"),
        ),
        public(
            "KubePersistentVolumeErrors",
            Gauge('kube_persistentvolume_status_phase{phase=~"Failed|Pending"}', by=["persistentvolume"]),
            Critical(Above(0), sustained="5m"),
        ),
        *SYSTEM,
    ],
    slos=[
        Slo(
            "api-server",
            Ratio(bad='apiserver_request_total{code=~"5.."}', of="apiserver_request_total"),
            objective="99%",
            title="KubeAPIErrorBudgetBurn",
            runbook=RUNBOOK,
        )
    ],
)
