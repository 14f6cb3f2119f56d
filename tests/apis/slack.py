"""What Slack answers: `chat.postMessage`, `chat.update` and an incoming webhook."""

from __future__ import annotations

from starlette.responses import JSONResponse, PlainTextResponse, Response

from .serving import Api, Request


class Slack(Api):
    """`messages` is the channel #incidents (C123) as a person sees it: ts → text."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: dict[str, str] = {}

    def answer(self, request: Request) -> Response:
        if request.path == "/services/T0/B0/planted-secret-path":
            return self._posted(request, PlainTextResponse("ok"))
        if not self.authorized(request):
            return _no("invalid_auth")
        if request.path == "/api/chat.postMessage":
            if request.json["channel"] != "#incidents":
                return _no("channel_not_found")
            return self._posted(request, None)
        if request.json["channel"] != "C123":
            return _no("channel_not_found")
        if request.json["ts"] not in self.messages:
            return _no("message_not_found")
        self.messages[request.json["ts"]] = request.json["text"]
        return JSONResponse(
            {"ok": True, "channel": "C123", "ts": request.json["ts"], "text": request.json["text"]}
        )

    def _posted(self, request: Request, response: Response | None) -> Response:
        ts = f"1700000000.{len(self.messages) + 1:06}"
        self.messages[ts] = request.json["text"]
        return response or JSONResponse({"ok": True, "channel": "C123", "ts": ts, "message": {}})


def _no(error: str) -> Response:
    return JSONResponse({"ok": False, "error": error})
