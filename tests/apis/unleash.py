"""What Unleash 6 answers about one feature, recorded from the real one; change requests as the paid edition has."""

from __future__ import annotations

import re

from starlette.responses import JSONResponse, Response

from .serving import Api, Request

FEATURE = "/api/admin/projects/default/features/fast-path"
NEEDS = (
    "You don't have the required permissions to perform this operation. "
    'To perform this action, you need the "UPDATE_FEATURE_ENVIRONMENT" permission.'
)


class Unleash(Api):
    """The project `default` with the feature `fast-path`, on in production and development."""

    def __init__(self) -> None:
        super().__init__()
        self.on = {"development": True, "production": True}
        self.permissions: list[dict[str, str]] = [
            {"permission": "UPDATE_FEATURE_ENVIRONMENT", "project": "default", "environment": "production"}
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
        return _error(404, "NotFoundError", f"There's no {request.path}.")

    def _feature(self) -> dict[str, object]:
        environments = [{"name": name, "enabled": on, "type": "production"} for name, on in self.on.items()]
        return {"name": "fast-path", "project": "default", "archived": False, "environments": environments}

    def _switch(self, environment: str, *, on: bool) -> Response:
        held = {one["permission"] for one in self.permissions}
        if not held & {"UPDATE_FEATURE_ENVIRONMENT", "ADMIN"}:
            return _error(403, "PermissionError", NEEDS)
        if (self.change_requests or {}).get(environment) and "SKIP_CHANGE_REQUEST" not in held:
            return _error(403, "NoAccessError", 'Change requests are enabled in project "default"')
        self.on[environment] = on
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
