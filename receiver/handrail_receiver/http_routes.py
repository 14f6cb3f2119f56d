"""What answers → the routes that lead to it: which path, for whom."""

from __future__ import annotations

from importlib.metadata import version

from handrail.contract import names
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from handrail_receiver.access.authorization import People, only
from handrail_receiver.access.tokens import Caller
from handrail_receiver.intake.webhook import AlertWebhook
from handrail_receiver.web.api import Api
from handrail_receiver.web.buttons import Buttons
from handrail_receiver.web.events import Events
from handrail_receiver.web.health import HealthEndpoints
from handrail_receiver.web.incident_pages import IncidentPages
from handrail_receiver.web.kill_switch_pages import KillSwitchPages
from handrail_receiver.web.not_allowed import NotAllowed
from handrail_receiver.web.now_calls import Looking
from handrail_receiver.web.openapi import document
from handrail_receiver.web.pages import Pages
from handrail_receiver.web.report_pages import ReportPages
from handrail_receiver.web.verbs import VERBS


def routes_of(
    people: People,
    webhook: AlertWebhook,
    health: HealthEndpoints,
    api: Api,
    pages: Pages,
    buttons: Buttons,
    kill_switch: KillSwitchPages,
    incidents: IncidentPages,
    events: Events,
    reports: ReportPages,
    looking: Looking,
) -> list[Route]:
    """All of them: which path, which role, which handler."""
    not_allowed, page = NotAllowed(api.calls, api.playbooks), pages.refused
    return [
        Route(names.WEBHOOK_PATH, webhook, methods=["POST"]),
        Route("/openapi.json", only("viewer", people, _openapi)),
        Route("/healthz", health.healthz),
        Route("/readyz", health.readyz),
        Route("/metrics", only("viewer", people, health.page)),
        Route("/", only("viewer", people, pages.index)),
        Route("/rollouts/{name}", only("viewer", people, pages.rollout)),
        Route("/rollouts/{name}/attempts/{number}", only("viewer", people, pages.attempt)),
        Route("/rollouts/{name}/incidents/{id}", only("viewer", people, incidents.page)),
        Route("/kill-switch/ask", only("operator", people, kill_switch.ask, answer=page)),
        Route("/kill-switch/ask", only("operator", people, kill_switch.do, answer=page), methods=["POST"]),
        Route("/api/kill-switch", only("viewer", people, kill_switch.status)),
        Route("/api/kill-switch", only("operator", people, kill_switch.turn), methods=["POST"]),
        Route("/events", only("viewer", people, events.stream)),
        Route("/reports/{kind}", only("viewer", people, reports.page)),
        Route("/api/reports/{kind}", only("viewer", people, reports.json)),
        Route("/api/rollouts", only("viewer", people, api.rollouts)),
        Route("/api/rollouts/{name}", only("viewer", people, api.rollout)),
        Route("/api/rollouts/{name}/now", only("viewer", people, looking.now)),
        Route("/api/rollouts/{name}/gate", only("viewer", people, looking.gate)),
        Route("/api/rollouts/{name}/evidence", only("viewer", people, api.evidence)),
        Route("/api/rollouts/{name}/incidents", only("viewer", people, incidents.listed)),
        Route("/api/rollouts/{name}/incidents/{id}/postmortem", only("viewer", people, incidents.postmortem)),
        Route("/api/rollouts/{name}/bundle", only("viewer", people, api.bundle)),
        *[
            route
            for verb in VERBS
            for route in (
                Route(
                    f"/rollouts/{{name}}/ask/{verb.name}", only(verb.role, people, buttons.ask, answer=page)
                ),
                Route(
                    f"/rollouts/{{name}}/ask/{verb.name}",
                    only(verb.role, people, buttons.do, not_allowed, page),
                    methods=["POST"],
                ),
            )
        ],
        *[
            Route(
                f"/api/rollouts/{{name}}/{verb.name}",
                only(verb.role, people, api.call, not_allowed),
                methods=["POST"],
            )
            for verb in VERBS
        ],
    ]


async def _openapi(_request: Request, _caller: Caller) -> Response:
    """GET /openapi.json"""
    return JSONResponse(document(version("handrail")))
