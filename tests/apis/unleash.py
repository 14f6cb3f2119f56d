"""What Unleash 6 answers about one feature, recorded from the real one; change requests as the paid edition has."""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import JSONResponse, Response

from .serving import Api, Request

FEATURE = "/api/admin/projects/default/features/fast-path"
PERMISSIONS = ("UPDATE_FEATURE_ENVIRONMENT", "UPDATE_FEATURE_STRATEGY", "CREATE_FEATURE_STRATEGY")
NEEDS = (
    "You don't have the required permissions to perform this operation. "
    'To perform this action, you need the "UPDATE_FEATURE_ENVIRONMENT" permission.'
)


class Unleash(Api):
    """The project `default` with the feature `fast-path`, on in production and development."""

    def __init__(self) -> None:
        super().__init__()
        self.on = {"development": True, "production": True}
        self.strategies: dict[str, list[dict[str, Any]]] = {"development": [], "production": []}
        self.permissions: list[dict[str, str]] = [
            {"permission": permission, "project": "default", "environment": "production"}
            for permission in PERMISSIONS
        ]
        self.change_requests: dict[str, bool] | None = None  # None: the open source edition

    def answer(self, request: Request) -> Response:
        if not self.authorized(request):
            return _error(401, "UnauthorizedError", "You must log in to use Unleash.")
        if request.path == "/api/admin/user":
            me = {"user": {"id": 2, "username": "handrail"}, "permissions": self.permissions, "splash": {}}
            return JSONResponse(me)
        if request.path == "/api/admin/projects/default/change-requests/config":
            return self._change_requests(request)
        if request.path == FEATURE and request.method == "GET":
            return JSONResponse(self._feature())
        if request.method == "POST" and (
            asked := re.fullmatch(rf"{FEATURE}/environments/(\w+)/(on|off)", request.path)
        ):
            return self._switch(asked[1], on=asked[2] == "on")
        if asked := re.fullmatch(rf"{FEATURE}/environments/(\w+)/strategies(?:/([\w-]+))?", request.path):
            return self._strategy(request, self.strategies[asked[1]], asked[2])
        return _error(404, "NotFoundError", f"There's no {request.path}.")

    def _strategy(self, request: Request, known: list[dict[str, Any]], which: str | None) -> Response:
        """A strategy is added, or one value of it is replaced."""
        held = {one["permission"] for one in self.permissions}
        needed = "UPDATE_FEATURE_STRATEGY" if which else "CREATE_FEATURE_STRATEGY"
        if not held & {needed, "ADMIN"}:
            return _error(403, "PermissionError", NEEDS.replace("UPDATE_FEATURE_ENVIRONMENT", needed))
        body = request.json
        if which is None:
            known.append(
                {"id": f"id-{len(known)}", "constraints": [], "segments": [], "disabled": False, **body}
            )
            return JSONResponse(known[-1])
        found = next(one for one in known if one["id"] == which)
        for change in body:
            *places, last = change["path"].strip("/").split("/")
            inside = found
            for place in places:
                inside = inside[place]
            inside[last] = change["value"]
        return JSONResponse(found)

    def _feature(self) -> dict[str, object]:
        environments = [
            {"name": name, "enabled": on, "type": "production", "strategies": self.strategies[name]}
            for name, on in self.on.items()
        ]
        return {"name": "fast-path", "project": "default", "archived": False, "environments": environments}

    def _switch(self, environment: str, *, on: bool) -> Response:
        held = {one["permission"] for one in self.permissions}
        if not held & {"UPDATE_FEATURE_ENVIRONMENT", "ADMIN"}:
            return _error(403, "PermissionError", NEEDS)
        if (self.change_requests or {}).get(environment) and "SKIP_CHANGE_REQUEST" not in held:
            return _error(403, "NoAccessError", 'Change requests are enabled in project "default"')
        self.on[environment] = on
        if on and not self.strategies[environment]:  # it would be on for nobody
            everybody = {"rollout": "100", "stickiness": "default", "groupId": "fast-path"}
            self.strategies[environment] = [
                {"id": "id-0", "name": "flexibleRollout", "parameters": everybody}
            ]
        return Response()

    def _change_requests(self, request: Request) -> Response:
        if self.change_requests is None:
            return _error(
                404, "NotFoundError", f"The path you were looking for ({request.path}) is not available."
            )
        return JSONResponse(
            [
                {
                    "environment": name,
                    "type": "production",
                    "changeRequestEnabled": on,
                    "requiredApprovals": 1,
                }
                for name, on in self.change_requests.items()
            ]
        )


def _error(status: int, name: str, message: str) -> Response:
    return JSONResponse({"name": name, "message": message, "details": [{"message": message}]}, status)
