"""An endpoint that takes everything: PagerDuty's events, outgoing webhooks, a status page."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from .serving import Api, Request


class Inbox(Api):
    """Answers 202 to every request, as PagerDuty does."""

    def answer(self, request: Request) -> Response:
        return JSONResponse({"status": "success", "message": "Event processed", "path": request.path}, 202)
