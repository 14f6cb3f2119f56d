"""A step in a cluster → requests to the Kubernetes API, and whether its token may make them."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import quote

from handrail.contract import ArgoVersion, DeploymentImage, DeploymentVersion, RolloutAbort

from handrail_receiver.errors import Cause, Permanent
from handrail_receiver.outside import Answer, AnswerBody, Outside

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
PatchType = Literal["merge-patch", "json-patch"]


class Kubernetes:
    """The API server of one step or source: its address, its namespace and its token are that one's own."""

    def __init__(
        self, outside: Outside, step: DeploymentImage | RolloutAbort | DeploymentVersion | ArgoVersion
    ) -> None:
        self._outside = outside
        self._step = step

    async def get(self, path: str) -> Answer:
        """GET `path`, which begins with a slash."""
        return await self._ask("GET", path)

    async def patch(self, path: str, kind: PatchType, body: object, *, dry_run: bool = False) -> None:
        """PATCH `path`; a dry run is judged by the whole API server, admission included, and kept nowhere."""
        suffix = "?dryRun=All" if dry_run else ""
        await self._ask("PATCH", path + suffix, body, f"application/{kind}+json")

    async def must_allow(
        self, verb: str, group: str, resource: str, *, name: str = "", part: str = ""
    ) -> None:
        """Raise Permanent unless the token may `verb` this resource (`part` of it: a subresource)."""
        wanted: dict[str, Any] = {"namespace": self._step.namespace, "verb": verb, "resource": resource}
        wanted |= {"group": group, "name": name, "subresource": part}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": wanted},
        }
        answer = (await self._ask("POST", REVIEWS, review)).into(_Review)
        if not answer.status.allowed:
            what = "/".join(filter(None, [resource, part]))
            dotted = ".".join(filter(None, [what, group]))
            raise Permanent(
                Cause.refused,
                f"the token may not {verb} {dotted} in {self._step.namespace}; grant it in a Role",
            )

    async def _ask(
        self, method: str, path: str, body: object = None, content_type: str = "application/json"
    ) -> Answer:
        headers = self._outside.bearer(self._step.token) | {"content-type": content_type}
        url = self._step.api + path
        return await self._outside.ask(
            "Kubernetes", method, url, timeout=self._step.timeout, headers=headers, body=body
        )


def path_of(group: str, namespace: str, resource: str, name: str = "") -> str:
    """The path of a namespaced resource; `group` with its version, `v1` for the core."""
    root = "api" if group == "v1" else "apis"
    ending = f"/{quote(name, safe='')}" if name else ""
    return f"/{root}/{group}/namespaces/{quote(namespace, safe='')}/{resource}{ending}"


class _Allowed(AnswerBody):
    allowed: bool


class _Review(AnswerBody):
    status: _Allowed
