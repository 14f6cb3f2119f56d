"""What LaunchDarkly's REST API answers about one flag: semantic patches, dry runs, approvals."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.responses import JSONResponse, Response

from .serving import Api, Request

FLAG = "/api/v2/flags/shop/fast-path"
SEMANTIC = "application/json; domain-model=launchdarkly.semanticpatch"


class LaunchDarkly(Api):
    """The project `shop` with the flag `fast-path`, on in production."""

    def __init__(self) -> None:
        super().__init__()
        self.on = True
        self.tags = ["web"]
        self.archived = False
        self.approvals: dict[str, object] = {"required": False, "requiredApprovalTags": []}
        self.may_write = True
        self.bypasses = False
        self.scheduled = False

    def authorized(self, request: Request) -> bool:
        """The token goes bare: `Bearer` is refused, as LaunchDarkly does."""
        return request.headers.get("authorization") == self.token

    def answer(self, request: Request) -> Response:
        address = urlsplit(request.path)
        if not self.authorized(request):
            return _error(401, "unauthorized", "Invalid access token")
        if address.path == "/api/v2/projects/shop/environments/production":
            return JSONResponse({"key": "production", "approvalSettings": self.approvals})
        if address.path != FLAG:
            return _error(404, "not_found", "Unknown resource")
        if request.method == "PATCH":
            return self._patch(request, address.query.split("&"))
        return JSONResponse(self._flag())

    def _flag(self) -> dict[str, object]:
        production = {"on": self.on, "archived": False, "salt": "x", "rules": []}
        return {
            "key": "fast-path",
            "kind": "boolean",
            "tags": self.tags,
            "archived": self.archived,
            "environments": {"production": production},
        }

    def _patch(self, request: Request, query: list[str]) -> Response:
        if request.headers["content-type"] != SEMANTIC:
            return _error(400, "invalid_request", "expected a JSON patch")
        if self.approvals["required"] and not self.bypasses:
            return _error(
                405, "method_not_allowed", "Flag configuration updates require approval: action 'updateOn'"
            )
        if not self.may_write:
            return _error(403, "forbidden", "Access to the requested resource was denied")
        if request.json["environmentKey"] != "production" or request.json["instructions"] != [
            {"kind": "turnFlagOff"}
        ]:
            return _error(400, "invalid_request", "unknown instruction")
        if self.scheduled and "ignoreConflicts=true" not in query:
            return _error(400, "invalid_request", "this change would make a pending change fail")
        if "dryRun=true" not in query:
            self.on = False
        return JSONResponse(self._flag())


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"code": code, "message": message}, status)
