"""What a Kubernetes API server answers about one Deployment and one Argo Rollout: reviews, patches, dry runs.

Its controllers do in no time what real ones do in a while, unless `settles` is False.
"""

from __future__ import annotations

import copy
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.responses import JSONResponse, Response

from .serving import Api, Request

DEPLOYMENT = "/apis/apps/v1/namespaces/shop/deployments/web"
ROLLOUT = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web"
PODS = "/api/v1/namespaces/shop/pods"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


class Kubernetes(Api):
    """The namespace `shop` with a Deployment and a Rollout, both called `web`."""

    def __init__(self) -> None:
        super().__init__()
        self.settles = True
        self.allowed = {"patch deployments", "list pods", "patch rollouts/status"}
        self.digests = [OLD, OLD]
        self.image_ids: list[str] | None = None  # what pods report, where that is not r.io/web by its digest
        self.runs = ""  # the image in the pods' own spec, where somebody has changed it on the way
        self.over: dict[int, str | dict[str, str]] = {}  # place of a pod → its phase, or more metadata
        self.deployment: dict[str, Any] = {
            "metadata": {"name": "web", "generation": 1},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": {"app": "web"}},
                "template": {
                    "spec": {"containers": [_container("proxy", "envoy:1"), _container("app", "r.io/web:v1")]}
                },
            },
            "status": {},
        }
        self._settle(self.deployment)
        self.rollout: dict[str, Any] = {
            "metadata": {"name": "web"},
            "status": {
                "phase": "Progressing",
                "currentPodHash": "new",
                "stableRS": "old",
                "canary": {"weights": {"canary": {"weight": 10}, "stable": {"weight": 90}}},
            },
        }

    @property
    def image(self) -> str:
        """The image of the Deployment's container `app`."""
        image: str = self.deployment["spec"]["template"]["spec"]["containers"][1]["image"]
        return image

    def answer(self, request: Request) -> Response:
        address = urlsplit(request.path)
        dry = parse_qs(address.query).get("dryRun") == ["All"]
        if not self.authorized(request):
            return _status(401, "Unauthorized", "Unauthorized")
        match request.method, address.path:
            case "POST", path if path == REVIEWS:
                return self._review(request.json["spec"]["resourceAttributes"])
            case "GET", path if path == DEPLOYMENT:
                return JSONResponse(self.deployment)
            case "GET", path if path == ROLLOUT:
                return JSONResponse(self.rollout)
            case "GET", path if path == PODS and parse_qs(address.query).get("labelSelector") == ["app=web"]:
                return JSONResponse(self._page(parse_qs(address.query)))
            case "PATCH", path if path == DEPLOYMENT:
                return self._patch_deployment(request, dry=dry)
            case "PATCH", path if path == f"{ROLLOUT}/status":
                return self._abort(request, dry=dry)
        return _status(404, "NotFound", f"{address.path} not found")

    def _review(self, asked: dict[str, str]) -> Response:
        what = "/".join(filter(None, [asked["resource"], asked["subresource"]]))
        allowed = f"{asked['verb']} {what}" in self.allowed and asked["namespace"] == "shop"
        return JSONResponse({"kind": "SelfSubjectAccessReview", "status": {"allowed": allowed}}, 201)

    def _page(self, asked: dict[str, list[str]]) -> dict[str, Any]:
        """The pods from `continue` on, at most `limit`."""
        pods, start = self._pods(), int(asked.get("continue", ["0"])[0])
        end = start + int(asked.get("limit", [str(len(pods))])[0])
        more = {"continue": str(end)} if end < len(pods) else {}
        return {"kind": "PodList", "metadata": more, "items": pods[start:end]}

    def _pods(self) -> list[dict[str, Any]]:
        ids = self.image_ids or [f"r.io/web@{digest}" for digest in self.digests]
        pods = [self._pod(image_id.rpartition("@")[2]) for image_id in ids]
        for place, (pod, image_id) in enumerate(zip(pods, ids, strict=True)):
            if self.image_ids:
                pod["status"]["containerStatuses"][1]["imageID"] = image_id
            over = self.over.get(place, "Running")
            if isinstance(over, dict):
                pod["metadata"] = over
            else:
                pod["status"]["phase"] = over
        return pods

    def _pod(self, digest: str) -> dict[str, Any]:
        running = [
            {"name": "proxy", "imageID": f"docker.io/library/envoy@sha256:{'c' * 64}"},
            {"name": "app", "imageID": f"r.io/web@{digest}"},
        ]
        spec = copy.deepcopy(self.deployment["spec"]["template"]["spec"])
        if self.runs:
            spec["containers"][1]["image"] = self.runs
        return {"spec": spec, "status": {"containerStatuses": running}}

    def _patch_deployment(self, request: Request, *, dry: bool) -> Response:
        if "patch deployments" not in self.allowed:
            return _status(403, "Forbidden", 'deployments.apps "web" is forbidden')
        if request.headers["content-type"] != "application/json-patch+json":
            return _status(415, "UnsupportedMediaType", "the body of the request was in an unknown format")
        changed = copy.deepcopy(self.deployment)
        for change in request.json:
            if not _applied(changed, change):
                return _status(
                    422, "Invalid", "the server rejected our request due to an error in our request"
                )
        if not dry:
            changed["metadata"]["generation"] += changed != self.deployment
            self.deployment = changed
            self.digests = [self.image.partition("@")[2]] * 2
            if self.settles:
                self._settle(changed)
        return JSONResponse(changed)

    def _abort(self, request: Request, *, dry: bool) -> Response:
        if "patch rollouts/status" not in self.allowed:
            return _status(403, "Forbidden", 'rollouts.argoproj.io "web" is forbidden')
        if request.headers["content-type"] != "application/merge-patch+json":
            return _status(415, "UnsupportedMediaType", "the body of the request was in an unknown format")
        if not dry:
            self.rollout["status"] |= request.json["status"]
            if self.settles:
                self.rollout["status"] |= {"phase": "Degraded", "message": "RolloutAborted: aborted update"}
                self.rollout["status"]["canary"]["weights"]["canary"]["weight"] = 0
        return JSONResponse(self.rollout)

    def _settle(self, deployment: dict[str, Any]) -> None:
        count = deployment["spec"]["replicas"]
        deployment["status"] = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": count,
            "updatedReplicas": count,
            "availableReplicas": count,
        }


def _container(name: str, image: str) -> dict[str, str]:
    return {"name": name, "image": image}


def _applied(document: Any, change: dict[str, Any]) -> bool:
    """Apply one operation of a JSON patch (`test` and `replace` are all that is used)."""
    *folders, last = change["path"].split("/")[1:]
    for folder in folders:
        document = document[int(folder)] if isinstance(document, list) else document[folder]
    if change["op"] == "test":
        return bool(document[last] == change["value"])
    document[last] = change["value"]
    return True


def _status(code: int, reason: str, message: str) -> Response:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message}
    return Response(json.dumps(body | {"code": code}), code, media_type="application/json")
