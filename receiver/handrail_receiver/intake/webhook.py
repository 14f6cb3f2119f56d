"""HTTP request → a delivery in the inbox.

2xx means that it is on disk. 400, 401, 403 and 413 are for what no retry can fix; 503 asks Alertmanager to
try again. There is no 429 and no redirect: Alertmanager would take the one for a wait of a whole
group_interval, and the other for a delivery.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from handrail_receiver.access.authorization import Authenticator, error
from handrail_receiver.access.tokens import Caller
from handrail_receiver.errors import StoreDown
from handrail_receiver.intake.bodies import Incomplete, TooLarge, read_body
from handrail_receiver.intake.parse import NotAlertmanagers, parse
from handrail_receiver.intake.refusals import Refusals
from handrail_receiver.metrics import Metrics
from handrail_receiver.model import Received
from handrail_receiver.ports import Clock, Inbox

log = logging.getLogger("handrail")
STORED = (
    {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]},
    {"type": "http.response.body", "body": b""},
)


@dataclass(frozen=True)
class AlertWebhook:
    """The one path that Alertmanager posts to: an ASGI application of its own, for speed.

    `wake` tells the guard that something came.
    """

    tokens: Authenticator
    inbox: Inbox
    wake: Callable[[], None]
    clock: Clock
    metrics: Metrics
    refusals: Refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one POST."""
        refusal = await self._refusal(scope, receive)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        for message in STORED:
            await send(message)

    async def _refusal(self, scope: Scope, receive: Receive) -> Response | None:
        """Store the delivery, or say why not."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        caller = self.tokens.caller(headers.get(b"authorization", b"").decode("latin-1"))
        if caller is None:
            return self._refused(
                "unauthorized", 401, "no valid token; set `authorization` in webhook_configs"
            )
        if "alertmanager" not in caller.may:
            return self._lost(
                caller,
                "unauthorized",
                403,
                "this token submits no alerts; use one with the role alertmanager",
            )
        try:
            body = await read_body(headers, receive)
            parse(body)
            await self.inbox.put(Received(self.clock.now(), caller.name, body))
        except TooLarge as problem:
            return self._lost(caller, "too-large", 413, str(problem))
        except NotAlertmanagers as problem:
            return self._lost(caller, "invalid", 400, str(problem))
        except Incomplete as problem:
            return self._refused("invalid", 400, str(problem))
        except StoreDown as problem:
            return self._refused("unavailable", 503, str(problem))
        self.wake()
        return None

    def _lost(self, caller: Caller, result: str, status: int, text: str) -> Response:
        """No retry can fix it, and the sender is one of ours: people hear of it."""
        self.refusals.note(caller.name, status, text, self.clock.now())
        return self._refused(result, status, text)

    def _refused(self, result: str, status: int, text: str) -> Response:
        self.metrics.refused(result)
        log.warning("a delivery was refused with %s: %s", status, text)
        return error(status, text)
