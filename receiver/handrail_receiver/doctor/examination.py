"""Addresses + what a stack must have → every finding, in the order in which one thing needs the one before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar
from urllib.parse import quote

import httpx
from handrail.contract import Playbook, QueryNeed, StackNeeds, names

from handrail_receiver.client.api_client import ApiClient, NoAnswer, json_of, unknown_token
from handrail_receiver.doctor.ages import of_receiver, of_rules
from handrail_receiver.doctor.alert_routes import StatusAnswer, of_routes
from handrail_receiver.doctor.delivery import (
    AlertmanagersAnswer,
    alert,
    arrived,
    figure,
    of_alertmanagers,
    of_heartbeat,
    of_kill_switch,
)
from handrail_receiver.doctor.exposed import of_series
from handrail_receiver.doctor.findings import Finding, Health, failed, ok, unknown
from handrail_receiver.doctor.grafana import Grafana
from handrail_receiver.doctor.scraping import TargetsAnswer, of_jobs
from handrail_receiver.errors import TargetError
from handrail_receiver.outside import Outside
from handrail_receiver.outside.prometheus import PartialFlag, Prometheus, ask
from handrail_receiver.outside.prometheus_history import PrometheusHistory

FEW = 8
"""How many questions Prometheus is asked at a time."""
ANSWER_WITHIN = 10.0
NOT_ASKED = "its address is not known"
Flagged = TypeVar("Flagged", bound=PartialFlag)


@dataclass(frozen=True)
class Stack:
    """Where the servers are; empty where nobody said, and None for a Grafana that there is none of."""

    outside: Outside
    prometheus: str
    alertmanagers: tuple[str, ...]
    receiver: ApiClient
    grafana: str | None


async def examined(needs: StackNeeds, stack: Stack, *, send_alert: bool) -> AsyncIterator[Finding]:
    """All of it."""
    async for finding in _prometheus(needs, stack):
        yield finding
    async for finding in _alertmanagers(needs, stack):
        yield finding
    async for finding in _receiver(needs, stack):
        yield finding
    async for finding in _grafana(needs, stack):
        yield finding
    if send_alert:
        yield await _sent(needs.playbooks[0], stack)


async def _prometheus(needs: StackNeeds, stack: Stack) -> AsyncIterator[Finding]:
    if not stack.prometheus:
        yield unknown("prometheus", NOT_ASKED, "give --prometheus, or set HANDRAIL_PROMETHEUS")
        return
    prometheus, history = (
        Prometheus(stack.outside, stack.prometheus),
        PrometheusHistory(stack.outside, stack.prometheus),
    )
    try:
        await prometheus.samples("vector(1)")
    except TargetError as error:
        yield unknown("prometheus", str(error), "nothing of it can be known until it answers")
        return
    yield ok("prometheus", f"{stack.prometheus} answers")
    unwell: list[str] = []
    try:
        targets = await _of_prometheus(stack, "targets?state=active", TargetsAnswer)
        for job, finding in zip(needs.jobs, of_jobs(needs.jobs, targets.data.activeTargets), strict=True):
            unwell += [job] if finding.health is not Health.ok else []
            yield finding
        yield of_alertmanagers(await _of_prometheus(stack, "alertmanagers", AlertmanagersAnswer))
    except TargetError as error:
        yield unknown("targets", str(error), "ask the Prometheus that scrapes, and no querier before it")
    for playbook in needs.playbooks:
        try:
            yield of_rules(playbook, await history.rules(playbook.rule_groups))
        except TargetError as error:
            yield unknown(f"{playbook.rollout}: rules", str(error), "ask the Prometheus that evaluates them")
    playbooks = {playbook.rollout: playbook for playbook in needs.playbooks}
    few = asyncio.Semaphore(FEW)
    looked_at = [
        *(
            _looked(
                few,
                f"{one.rollout}: metric {one.metric}",
                partial(of_series, one, playbooks[one.rollout], prometheus, unwell),
            )
            for one in needs.series
        ),
        *(_looked(few, _place(one), partial(_query, one, prometheus)) for one in needs.queries),
    ]
    for finding in await asyncio.gather(*looked_at):
        yield finding


async def _looked(few: asyncio.Semaphore, what: str, look: Callable[[], Awaitable[Finding]]) -> Finding:
    async with few:
        try:
            return await look()
        except TargetError as error:
            return unknown(what, str(error), "ask again when Prometheus answers")


async def _of_prometheus(stack: Stack, path: str, shape: type[Flagged]) -> Flagged:
    address = f"{stack.prometheus.rstrip('/')}/api/v1/{path}"
    return await ask(stack.outside, "GET", address, shape.model_validate_json, most="ten thousand of them")


def _place(query: QueryNeed) -> str:
    return f"{query.rollout}: panel {query.dashboard} / {query.panel}"


async def _query(query: QueryNeed, prometheus: Prometheus) -> Finding:
    """Whether a panel has something to draw."""
    samples, what = await prometheus.samples(query.expr), _place(query)
    if samples:
        return ok(what, f"{len(samples)} series")
    if query.eventful:
        return ok(what, "nothing has happened yet that it shows")
    cure = f"send traffic, and see to the metrics above first; then ask Prometheus: {' '.join(query.expr.split())}"
    return unknown(what, "its query gives no data now", cure)


async def _alertmanagers(needs: StackNeeds, stack: Stack) -> AsyncIterator[Finding]:
    if not stack.alertmanagers:
        yield unknown("alertmanager", NOT_ASKED, "give --alertmanager, or set HANDRAIL_ALERTMANAGERS")
    for url in stack.alertmanagers:
        try:
            answer = await stack.outside.ask(
                "Alertmanager", "GET", f"{url.rstrip('/')}/api/v2/status", timeout=ANSWER_WITHIN, cure=""
            )
            yield of_routes(url, needs.routing, await answer.through(StatusAnswer.model_validate_json))
        except (TargetError, ValueError) as error:
            yield unknown(f"routes of {url}", str(error), "start it, or correct --alertmanager")


async def _grafana(needs: StackNeeds, stack: Stack) -> AsyncIterator[Finding]:
    if stack.grafana:
        async for finding in Grafana(stack.outside, stack.grafana).findings(needs):
            yield finding
    elif stack.grafana is not None and needs.dashboards:
        cure = "give --grafana, or set HANDRAIL_GRAFANA; --without-grafana where there is none"
        yield unknown("grafana", NOT_ASKED, cure)


async def _receiver(needs: StackNeeds, stack: Stack) -> AsyncIterator[Finding]:
    try:
        ready = json_of(await _get(stack.receiver, "/readyz"))
        page = await _page(stack.receiver)
    except NoAnswer as error:
        yield unknown("receiver", str(error), "`handrail serve --check` says what stands against a start")
        return
    except PermissionError as error:
        yield unknown("receiver", str(error), "a viewer's token is enough")
        return
    problems = list(map(str, ready.get("problems") or filter(None, [ready.get("error")])))
    if problems:
        yield failed("receiver", "; ".join(problems), "`handrail docs on-call` has what to do about each")
    else:
        yield ok("receiver", f"{stack.receiver.address} is ready")
    yield of_heartbeat(page)
    yield of_kill_switch(json_of(await _get(stack.receiver, "/api/kill-switch"), "on", "text"))
    for playbook in needs.playbooks:
        now = await _get(stack.receiver, f"/api/rollouts/{quote(playbook.rollout, safe='')}/now")
        for finding in of_receiver(playbook, json_of(now)):
            yield finding


async def _get(receiver: ApiClient, path: str) -> httpx.Response:
    """What it answers. Raises NoAnswer."""
    return await asyncio.to_thread(receiver.ask, lambda to: to.get(path), 30.0, "ask again")


async def _page(receiver: ApiClient) -> str:
    """Its /metrics. Raises NoAnswer, and PermissionError where it does not know us."""
    answer = await _get(receiver, "/metrics")
    if answer.status_code in {401, 403}:
        raise PermissionError(unknown_token(receiver))
    return answer.text


async def _sent(playbook: Playbook, stack: Stack) -> Finding:
    """Send the test alert to every Alertmanager, as Prometheus does, and wait for it at the receiver."""
    if not stack.alertmanagers:
        return unknown("test alert", NOT_ASKED, "give --alertmanager, or set HANDRAIL_ALERTMANAGERS")
    try:
        before = figure(await _page(stack.receiver), names.TEST_ALERT_METRIC)
        body = [alert(playbook, datetime.now(UTC))]
        for url in stack.alertmanagers:
            address = f"{url.rstrip('/')}/api/v2/alerts"
            await stack.outside.ask("Alertmanager", "POST", address, timeout=ANSWER_WITHIN, body=body)
        return await arrived(before, lambda: _page(stack.receiver))
    except (TargetError, NoAnswer, PermissionError) as error:
        return unknown("test alert", str(error), "see to the lines above first")
