"""What rollouts have in common → kubernetes/receiver/: the receiver itself as a base for kustomize.

What is in an overlay of the user: the image, the Secret, an Ingress, more than one replica with PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from handrail.contract import names
from handrail.emit.document import Data, yaml_document
from handrail.plan import ClusterAccess, Common, Environment, Rollout
from handrail.units import span

FOLDER: Final = "kubernetes/receiver"
USER: Final = 10001
PORT: Final = 8080
CONFIGURED: Final = "/etc/handrail"
STORED: Final = "/var/lib/handrail"
_LABELS: Final = {"app.kubernetes.io/name": "handrail", "app.kubernetes.io/component": "receiver"}
_AUTHORITY: Final = f"{CONFIGURED}/cluster/ca.crt"


def playbook_file(rollout: str) -> str:
    """Where a rollout's playbook lies as a ConfigMap."""
    return f"{FOLDER}/playbook-{rollout}.yaml"


def playbook(rollout: Rollout, environment: Environment, files: Mapping[str, str]) -> dict[str, str]:
    """The playbook as a ConfigMap: one for each rollout, because a ConfigMap holds 1 MiB at the most."""
    data = {f"{rollout.name}.json": files[names.playbook_file(rollout.name)]}
    carried = _object("v1", "ConfigMap", _playbook(rollout.name), environment) | {"data": data}
    return {playbook_file(rollout.name): yaml_document(carried, rollout.source)}


def emit(common: Common) -> dict[str, str]:
    """Deployment, Service, storage, NetworkPolicy, ServiceMonitor, rights, and the kustomization that names them."""
    environment = common.environment
    objects: dict[str, Data] = {
        "deployment": _deployment(common),
        "networkpolicy": _network_policy(environment),
        "persistentvolumeclaim": _claim(environment),
        "rbac": _rights(common),
        "service": _service(environment),
        "servicemonitor": _monitor(common),
    }
    files = {f"{FOLDER}/{name}.yaml": data for name, data in objects.items()}
    resources = sorted([*files, *map(playbook_file, common.routing.rollouts)])
    kustomization: Data = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [PurePosixPath(path).name for path in resources],
    }
    files[f"{FOLDER}/kustomization.yaml"] = kustomization
    return {path: yaml_document(data, common.source) for path, data in files.items()}


def _playbook(rollout: str) -> str:
    return f"handrail-playbook-{rollout}"


def _object(version: str, kind: str, name: str, environment: Environment, namespace: str = "") -> Data:
    labels = {**_LABELS, **dict(environment.cluster.labels)}
    place = namespace or environment.cluster.namespace
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "namespace": place, "labels": labels},
    }


def _deployment(common: Common) -> Data:
    environment = common.environment
    spec: Data = {
        "serviceAccountName": "handrail",
        "automountServiceAccountToken": False,  # only the steps' own secrets have one
        "enableServiceLinks": False,  # a Service of this name would set HANDRAIL_PORT, which is no setting
        "terminationGracePeriodSeconds": 15,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(common)],
        "volumes": _volumes(common),
    }
    return _object("apps/v1", "Deployment", "handrail", environment) | {
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},  # SQLite on a volume that one pod has
            "selector": {"matchLabels": _LABELS},
            "template": {"metadata": {"labels": _LABELS}, "spec": spec},
        }
    }


def _container(common: Common) -> Data:
    mounts = {"playbook": f"{CONFIGURED}/playbook", "secrets": f"{CONFIGURED}/secrets"}
    mounts |= {"cluster": f"{CONFIGURED}/cluster"} if common.cluster_access else {}
    return {
        "name": "handrail",
        "image": "handrail",  # an overlay's `images` says which
        "args": ["serve"],
        "workingDir": STORED,
        "env": [{"name": name, "value": value} for name, value in _settings(common).items()],
        "ports": [{"name": "http", "containerPort": PORT}],
        "startupProbe": _probe("/healthz", every=1, failures=60),
        "livenessProbe": _probe("/healthz", every=10, failures=3),
        "readinessProbe": _probe("/readyz", every=5, failures=3),
        # No limit of CPU: a receiver that is throttled rolls back late.
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            *({"name": name, "mountPath": path, "readOnly": True} for name, path in mounts.items()),
            {"name": "store", "mountPath": STORED},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108  the pod's own
        ],
    }


def _settings(common: Common) -> dict[str, str]:
    environment = common.environment
    settings = {
        "HANDRAIL_ADDRESS": f"0.0.0.0:{PORT}",
        "HANDRAIL_PLAYBOOKS": f"{CONFIGURED}/playbook",
        "HANDRAIL_STORE": f"sqlite:{STORED}/handrail.db",
        "HANDRAIL_TOKENS_FILE": f"{CONFIGURED}/secrets/tokens",
        "HANDRAIL_SECRETS_DIR": f"{CONFIGURED}/secrets",
        "HANDRAIL_PROMETHEUS": environment.prometheus,
        "HANDRAIL_ALERTMANAGERS": ",".join(f"http://{address}" for address in environment.alertmanagers),
    }
    return settings | ({"HANDRAIL_TLS_AUTHORITIES": _AUTHORITY} if common.cluster_access else {})


def _probe(path: str, *, every: int, failures: int) -> Data:
    call = {"path": path, "port": "http"}
    return {"httpGet": call, "periodSeconds": every, "timeoutSeconds": 2, "failureThreshold": failures}


def _volumes(common: Common) -> list[Data]:
    playbooks = [{"configMap": {"name": _playbook(rollout)}} for rollout in common.routing.rollouts]
    tokens = dict.fromkeys(access.token for access in common.cluster_access)
    secrets: list[Data] = [{"secret": {"name": common.environment.cluster.secret}}]
    secrets += [
        {"serviceAccountToken": {"path": token, "expirationSeconds": 3600}} for token in sorted(tokens)
    ]
    volumes: list[Data] = [
        {"name": "playbook", "projected": {"sources": playbooks}},
        {"name": "secrets", "projected": {"defaultMode": 0o440, "sources": secrets}},
    ]
    if tokens:
        volumes.append({"name": "cluster", "configMap": {"name": "kube-root-ca.crt"}})
    return [
        *volumes,
        {"name": "store", "persistentVolumeClaim": {"claimName": "handrail"}},
        {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
    ]


def _service(environment: Environment) -> Data:
    """At the address that the environment gives; also while the receiver is not ready.

    It is not ready while one playbook cannot be read: it takes the alerts of all others then.
    """
    address = urlsplit(environment.receiver)
    port = address.port or (443 if address.scheme == "https" else 80)
    host, _, rest = (address.hostname or "").partition(".")
    name = host if rest.startswith(f"{environment.cluster.namespace}.svc") else "handrail"
    return _object("v1", "Service", name, environment) | {
        "spec": {
            "selector": _LABELS,
            "publishNotReadyAddresses": True,
            "ports": [{"name": "http", "port": port, "targetPort": "http"}],
        }
    }


def _claim(environment: Environment) -> Data:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return _object("v1", "PersistentVolumeClaim", "handrail", environment) | {"spec": spec}


def _network_policy(environment: Environment) -> Data:
    """Who may call: the namespace that Prometheus and Alertmanager are in.

    Whom it calls is not said: a policy knows no names, and an address that was forgotten would block a rollback.
    """
    place = {"matchLabels": {"kubernetes.io/metadata.name": environment.cluster.namespace}}
    allowed = {"from": [{"namespaceSelector": place}], "ports": [{"port": "http", "protocol": "TCP"}]}
    spec = {"podSelector": {"matchLabels": _LABELS}, "policyTypes": ["Ingress"], "ingress": [allowed]}
    return _object("networking.k8s.io/v1", "NetworkPolicy", "handrail", environment) | {"spec": spec}


def _monitor(common: Common) -> Data:
    environment = common.environment
    key = PurePosixPath(environment.viewer_token_file).name
    if (
        key == PurePosixPath(environment.token_file).name
    ):  # on two machines they may be called alike, here not
        key = f"viewer-{key}"
    token = {"type": "Bearer", "credentials": {"name": environment.cluster.secret, "key": key}}
    endpoint = {"port": "http", "path": "/metrics", "interval": span(common.scrape), "authorization": token}
    spec = {"selector": {"matchLabels": _LABELS}, "endpoints": [endpoint]}
    return _object("monitoring.coreos.com/v1", "ServiceMonitor", "handrail", environment) | {"spec": spec}


def _rights(common: Common) -> Data:
    """The receiver's account, and in each namespace what the declared steps need there, by name."""
    environment = common.environment
    items = [
        _object("v1", "ServiceAccount", "handrail", environment) | {"automountServiceAccountToken": False}
    ]
    name = f"handrail-{environment.name}"  # a namespace may be that of several environments
    for namespace in sorted({access.namespace for access in common.cluster_access}):
        here = [access for access in common.cluster_access if access.namespace == namespace]
        role = _object("rbac.authorization.k8s.io/v1", "Role", name, environment, namespace)
        binding = _object("rbac.authorization.k8s.io/v1", "RoleBinding", name, environment, namespace)
        account = {
            "kind": "ServiceAccount",
            "name": "handrail",
            "namespace": environment.cluster.namespace,
        }
        meant = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
        items += [role | {"rules": _rules(here)}, binding | {"roleRef": meant, "subjects": [account]}]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def _rules(accesses: Iterable[ClusterAccess]) -> list[Data]:
    """Verbs by object, and objects with the same verbs in one rule."""
    verbs: dict[tuple[str, str, str], set[str]] = {}
    for access in accesses:
        verbs.setdefault((access.group, access.resource, access.name), set()).add(access.verb)
    named: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (group, resource, name), may in sorted(verbs.items()):
        named.setdefault((group, resource, tuple(sorted(may))), []).extend([name] if name else [])
    return [
        {
            "apiGroups": [group],
            "resources": [resource],
            **({"resourceNames": objects} if objects else {}),
            "verbs": list(may),
        }
        for (group, resource, may), objects in named.items()
    ]
