"""Grafana's address + the generated dashboards → what its HTTP API says of them: health, each dashboard, each data source.

The paths and fields are those of Grafana's documented HTTP API, which is the same from 9 to 13. A viewer's login is enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar
from urllib.parse import quote

from handrail.contract import DashboardNeed, StackNeeds
from pydantic import BaseModel, ValidationError

from handrail_receiver.doctor.dashboards import (
    DashboardAnswer,
    HealthAnswer,
    SourceHealthAnswer,
    missing,
    no_source,
    of_dashboard,
    of_health,
    of_rules_behind,
    of_source,
    rules_asked,
    source_name,
    what_is_asked,
)
from handrail_receiver.doctor.findings import Finding, failed, unknown
from handrail_receiver.errors import Cause, Permanent, TargetError
from handrail_receiver.outside import Outside, RefusedByService
from handrail_receiver.outside.prometheus import Prometheus

ANSWER_WITHIN = 10.0
FEW = 4
"""How many questions Grafana is asked at a time."""
LOGIN = "a viewer's login is enough: set it in HANDRAIL_GRAFANA_HTTP_CONFIG"
Shape = TypeVar("Shape", bound=BaseModel)


class Grafana:
    """The Grafana at `url`, asked for what was generated for it."""

    def __init__(self, outside: Outside, url: str) -> None:
        self._outside, self._url = outside, url.rstrip("/")
        self._few = asyncio.Semaphore(FEW)

    async def findings(self, needs: StackNeeds) -> AsyncIterator[Finding]:
        """Every finding about it."""
        try:
            yield of_health(self._url, await self._ask("health", HealthAnswer))
        except TargetError as error:
            if error.cause in {Cause.busy, Cause.broken}:
                yield failed("grafana", str(error), "its own log says why")
            else:
                yield unknown("grafana", str(error), "start it, or correct --grafana")
            return
        asked = [
            *(self._dashboard(need) for need in needs.dashboards),
            *(self._source(need, needs) for need in {one.source: one for one in needs.dashboards}.values()),
        ]
        for finding in await asyncio.gather(*asked):
            yield finding

    async def _dashboard(self, need: DashboardNeed) -> Finding:
        try:
            answer = await self._ask(f"dashboards/uid/{quote(need.uid, safe='')}", DashboardAnswer)
        except TargetError as error:
            return missing(need) if error.cause is Cause.missing else _untold(what_is_asked(need), error)
        return of_dashboard(need, answer)

    async def _source(self, need: DashboardNeed, needs: StackNeeds) -> Finding:
        """Whether a data source answers, and has what our rules record."""
        uid = quote(need.source, safe="")
        try:
            wrong = of_source(need.source, await self._health_of(uid))
        except TargetError as error:
            return (
                no_source(need) if error.cause is Cause.missing else _untold(source_name(need.source), error)
            )
        if wrong is not None:
            return wrong
        behind = Prometheus(self._outside, f"{self._url}/api/datasources/proxy/uid/{uid}")
        try:
            samples = await behind.samples(rules_asked(needs.playbooks))
        except TargetError as error:
            return _untold(source_name(need.source), error)
        return of_rules_behind(need.source, needs.playbooks, samples)

    async def _health_of(self, uid: str) -> SourceHealthAnswer:
        """What Grafana says of a data source; one that does not answer is a 400."""
        try:
            return await self._ask(f"datasources/uid/{uid}/health", SourceHealthAnswer)
        except RefusedByService as refusal:
            try:
                return SourceHealthAnswer.model_validate_json(refusal.body)
            except ValidationError:
                raise refusal from None

    async def _ask(self, path: str, shape: type[Shape]) -> Shape:
        """What an answer says. Raises Retryable or Permanent."""
        async with self._few:
            answer = await self._outside.ask(
                "Grafana", "GET", f"{self._url}/api/{path}", timeout=ANSWER_WITHIN, cure=""
            )
        return answer.is_api().into(shape)


def _untold(what: str, error: TargetError) -> Finding:
    """It was asked for, and Grafana does not say."""
    refused = isinstance(error, Permanent) and error.cause is Cause.refused
    return unknown(what, str(error), LOGIN if refused else "ask again when Grafana answers")
