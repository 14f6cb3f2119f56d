"""GET /healthz, /readyz and /metrics; none of them makes the receiver write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from handrail_receiver.access.authorization import Authenticator
from handrail_receiver.access.tokens import Caller
from handrail_receiver.metrics import Metrics
from handrail_receiver.model import Conditions
from handrail_receiver.operations.objections import guard_is_off
from handrail_receiver.operations.probing import ProbeWatch
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.ports import Clock
from handrail_receiver.store import Store
from handrail_receiver.store.probe import StoreProbe
from handrail_receiver.view_models.schemas import ReadyView
from handrail_receiver.web.rollout_metrics import rollout_metrics


@dataclass(frozen=True)
class HealthEndpoints:
    """Whether the receiver is alive, and whether it can do its work."""

    store: Store
    playbooks: Playbooks
    metrics: Metrics
    clock: Clock
    probe: StoreProbe
    tokens: Authenticator
    kill_switch: Callable[[], str]
    probed: ProbeWatch
    conditions: Callable[[], Conditions]

    async def healthz(self, _request: Request) -> Response:
        """GET /healthz"""
        return JSONResponse(ReadyView(status="alive").model_dump())

    async def readyz(self, _request: Request) -> Response:
        """GET /readyz: 503 when the store takes no writes or playbooks do not load.

        What else is wrong is listed and no reason to send Alertmanager away: what it delivers is taken and decided. A
        guard that is blind needs that most of all.
        """
        blocking = [problem for problem in (*self.playbooks.problems, self.probe.problem) if problem]
        gone = (
            f"{name}: its playbook is gone; its attempt goes on by its own copy"
            for name in self.playbooks.gone
        )
        unclear, now = self.kill_switch(), self.conditions()
        off = guard_is_off(replace(now, stopped=now.stopped and not unclear))
        beside = (*off, *self.tokens.problems, unclear, self.probe.stuck, *gone)
        view = ReadyView(
            status="not ready" if blocking else "ready",
            problems=[*blocking, *(problem for problem in beside if problem)],
        )
        return JSONResponse(view.model_dump(), 503 if blocking else 200)

    async def page(self, _request: Request, _caller: Caller) -> Response:
        """GET /metrics"""
        now = self.clock.now()
        rollouts = [playbook.rollout for playbook in self.playbooks.all()]
        histories = await self.store.archive.newest(rollouts, now)
        ends = await self.store.evidence.ends()
        page = await asyncio.to_thread(
            lambda: (
                self.metrics.render(now)
                + rollout_metrics(self.playbooks, histories, ends, self.probed.results)
            )
        )
        return Response(page, media_type="text/plain; version=0.0.4; charset=utf-8")
