"""Anybody's JSON API with one document: GET reads it, PUT replaces parts of it, any other path is not there."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from .serving import Api, Request


class Things(Api):
    """`/thing` holds `document`; writing needs the token in `Authorization`, with any word before it."""

    def __init__(self, document: dict[str, Any]) -> None:
        super().__init__()
        self.document = document

    def authorized(self, request: Request) -> bool:
        return request.headers.get("authorization", "").endswith(self.token)

    def answer(self, request: Request) -> Response:
        if not self.authorized(request):
            return JSONResponse({"error": "who are you?"}, 401)
        if request.path != "/thing":
            return JSONResponse({"error": "nothing here"}, 404)
        if request.method != "GET":
            self.document |= request.json
        return JSONResponse(self.document)
