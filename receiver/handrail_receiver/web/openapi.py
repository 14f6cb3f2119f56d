"""The pydantic models → the OpenAPI document at /openapi.json."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from handrail.contract import names
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from handrail_receiver.intake.parse import WebhookBody
from handrail_receiver.view_models.incident_views import IncidentsView
from handrail_receiver.view_models.now import GateResultView, NowView
from handrail_receiver.view_models.schemas import (
    BundleView,
    CallAnswer,
    ErrorView,
    EvidenceView,
    KillSwitchView,
    ReadyView,
    RolloutsView,
    RolloutView,
)
from handrail_receiver.web.checked_chains import Wanted
from handrail_receiver.web.kill_switch_pages import KillSwitchBody
from handrail_receiver.web.now_calls import WantedGate
from handrail_receiver.web.report_pages import ReportsView, WantedReport
from handrail_receiver.web.verbs import VERBS, WantedAttempt

VERSION = "3.1.0"
NAMED = [{"name": "name", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}]
KIND = [
    {
        "name": "kind",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "enum": ["daily", "weekly"]},
    }
]
NUMBERED = [
    {
        "name": "number",
        "in": "path",
        "required": True,
        "schema": {"type": "integer", "minimum": 1, "maximum": 2**31},
    }
]
IDENTIFIED = [{**NAMED[0], "name": "id"}]
REFUSALS = {
    400: "The body is invalid.",
    401: "No valid token.",
    403: "The token has another role.",
    404: "No playbook declares this rollout.",
    409: "Refused, with the reason.",
    413: "The body is too large.",
    503: "It cannot be stored now; try again later.",
}


@dataclass(frozen=True)
class Operation:
    """One call: what it is for, what goes in, what comes out, and the refusals it knows."""

    method: str
    path: str
    summary: str
    answer: type[BaseModel] | str | None
    body: type[BaseModel] | None = None
    refusals: Sequence[int] = (401, 403)
    other: tuple[int, type[BaseModel]] | None = None
    query: type[BaseModel] | None = None
    open: bool = False


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "post",
        names.WEBHOOK_PATH,
        "Take Alertmanager's webhook; 200 after it is stored.",
        None,
        WebhookBody,
        (400, 401, 403, 413, 503),
    ),
    Operation("get", "/healthz", "Whether the process is alive.", ReadyView, refusals=(), open=True),
    Operation(
        "get",
        "/readyz",
        "Whether it can do its work.",
        ReadyView,
        refusals=(),
        other=(503, ReadyView),
        open=True,
    ),
    Operation("get", "/metrics", "Prometheus' text format.", "text/plain"),
    Operation("get", "/", "All rollouts, for people.", "text/html"),
    Operation("get", "/rollouts/{name}", "One rollout, for people.", "text/html", refusals=(401, 403)),
    Operation(
        "get",
        "/rollouts/{name}/attempts/{number}",
        "One attempt of a rollout, for people.",
        "text/html",
        refusals=(401, 403),
    ),
    Operation("get", "/api/kill-switch", "Whether the kill switch is set.", KillSwitchView),
    Operation(
        "post",
        "/api/kill-switch",
        "Set or remove the kill switch; the answer is the decision and its reason.",
        CallAnswer,
        KillSwitchBody,
        (400, 401, 403, 413, 503),
        (409, CallAnswer),
    ),
    Operation("get", "/events", "Changes, as server-sent events.", "text/event-stream"),
    Operation("get", "/api/rollouts", "All rollouts.", RolloutsView),
    Operation("get", "/api/rollouts/{name}", "One rollout.", RolloutView, refusals=(401, 403, 404)),
    Operation(
        "get",
        "/api/rollouts/{name}/now",
        "A rollout's current state: what it waits for, its guardrails beside their limits, the traffic, what fires.",
        NowView,
        refusals=(401, 403, 404),
    ),
    Operation(
        "get",
        "/api/rollouts/{name}/gate",
        "Whether a promotion would be accepted now, and what is missing.",
        GateResultView,
        refusals=(400, 401, 403, 404),
        query=WantedGate,
    ),
    Operation(
        "get",
        "/api/rollouts/{name}/evidence",
        "The evidence: what was known and what was done.",
        EvidenceView,
        refusals=(400, 401, 403, 404),
        query=Wanted,
    ),
    Operation(
        "get",
        "/rollouts/{name}/incidents/{id}",
        "One incident of a rollout, for people.",
        "text/html",
        refusals=(401, 403),
    ),
    Operation(
        "get",
        "/api/rollouts/{name}/incidents",
        "The incidents of a rollout, the newest first.",
        IncidentsView,
        refusals=(401, 403, 404),
    ),
    Operation(
        "get",
        "/api/rollouts/{name}/incidents/{id}/postmortem",
        "A draft of an incident's postmortem.",
        "text/markdown",
        refusals=(401, 403, 404),
    ),
    Operation(
        "get",
        "/api/rollouts/{name}/bundle",
        "The evidence of one attempt as files, to be verified by others.",
        BundleView,
        refusals=(400, 401, 403, 404, 409),
        query=WantedAttempt,
    ),
    Operation(
        "get",
        "/api/reports/{kind}",
        "The daily or the weekly reports, as fields, Markdown and HTML.",
        ReportsView,
        refusals=(400, 401, 403, 404),
        query=WantedReport,
    ),
    Operation(
        "get",
        "/reports/{kind}",
        "The same as a page.",
        "text/html",
        refusals=(400, 401, 403, 404),
        query=WantedReport,
    ),
    *(
        Operation(
            "post",
            f"/api/rollouts/{{name}}/{verb.name}",
            f"Ask to {verb.name}; the answer is the decision and its reason.",
            CallAnswer,
            verb.body,
            (400, 401, 403, 404, 413, 503),
            (409, CallAnswer),
        )
        for verb in VERBS
    ),
)


def document(version: str) -> dict[str, Any]:
    """The whole document."""
    models = {
        model
        for operation in OPERATIONS
        for model in (operation.answer, operation.body, ErrorView)
        if isinstance(model, type)
    }
    _, schemas = models_json_schema(
        [(model, "validation") for model in sorted(models, key=lambda model: model.__name__)],
        ref_template="#/components/schemas/{model}",
    )
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": VERSION,
        "info": {"title": "Handrail's receiver", "version": version},
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {"summary": operation.summary, "responses": _responses(operation)}
    if "{name}" in operation.path:
        numbered = NUMBERED if "{number}" in operation.path else []
        known = IDENTIFIED if "{id}" in operation.path else []
        made["parameters"] = [*NAMED, *numbered, *known, *_query(operation)]
    if "{kind}" in operation.path:
        made["parameters"] = [*KIND, *_query(operation)]
    if operation.body is not None:
        required = operation.body is WebhookBody
        made["requestBody"] = {"required": required, "content": _json(operation.body)}
    if operation.open:
        made["security"] = []
    return made


def _query(operation: Operation) -> list[dict[str, Any]]:
    fields = operation.query.model_json_schema()["properties"] if operation.query else {}
    return [
        {"name": name, "in": "query", "required": False, "schema": schema} for name, schema in fields.items()
    ]


def _responses(operation: Operation) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done."}
    if isinstance(operation.answer, str):
        good["content"] = {operation.answer: {"schema": {"type": "string"}}}
    elif operation.answer is not None:
        good["content"] = _json(operation.answer)
    made = {"200": good}
    for status in operation.refusals:
        made[str(status)] = {"description": REFUSALS[status], "content": _json(ErrorView)}
    if operation.path.startswith("/rollouts/{name}"):
        made["404"] = {"description": REFUSALS[404], "content": {"text/html": {"schema": {"type": "string"}}}}
    if operation.other is not None:
        status, model = operation.other
        made[str(status)] = {"description": REFUSALS[status], "content": _json(model)}
    return made


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}
