"""The document at /openapi.json, held against the running receiver by schemathesis."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from guarded import TOKENS, Guarded, guarded, playbook
from guarded.pages import PAGES
from guarded.routes import filled, routed
from handrail_receiver.web.openapi import OPERATIONS, document
from hypothesis import HealthCheck, given, settings


@pytest.fixture(scope="module", name="shop")
def _shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded(tmp_path_factory.mktemp("shop"), playbook(steps=[], stages=()), proxy=False) as shop:
        yield shop


@pytest.mark.parametrize("examples", [4, pytest.param(50, marks=pytest.mark.long)])
def test_what_is_answered_is_what_is_described(shop: Guarded, examples: int) -> None:
    # Read here: it takes two seconds, and every worker reads each file of tests.
    import schemathesis  # noqa: PLC0415
    from schemathesis.checks import not_a_server_error  # noqa: PLC0415
    from schemathesis.core.result import Ok  # noqa: PLC0415
    from schemathesis.specs.openapi import checks as openapi  # noqa: PLC0415

    checks = [
        not_a_server_error,
        openapi.status_code_conformance,
        openapi.content_type_conformance,
        openapi.response_schema_conformance,
    ]
    fetched = shop.ask("GET", "/openapi.json", "viewer").json()
    fetched["paths"].pop("/events")  # a stream has no end
    schema = schemathesis.openapi.from_dict(fetched)
    schema.config.update(base_url=shop.server.url)
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) == len(OPERATIONS) - 1
    for operation in operations:
        _fuzz(operation, checks, examples)


def _fuzz(operation: Any, checks: Sequence[Any], examples: int) -> None:
    role = "alertmanager" if operation.path.startswith("/webhooks") else "operator"
    headers = {"Authorization": f"Bearer {TOKENS[role]}"}

    @given(case=operation.as_strategy())
    @settings(max_examples=examples, database=None, suppress_health_check=list(HealthCheck))
    def check(case: Any) -> None:
        if "name" in (case.path_parameters or {}) and len(str(case.path_parameters["name"])) % 2:
            case.path_parameters["name"] = "shop"
        case.call_and_validate(headers=headers, checks=checks)

    check()


def test_what_is_described_is_what_is_routed() -> None:
    described = {(operation.method.upper(), operation.path) for operation in OPERATIONS}
    forms = {
        one for one in routed() if "/ask" in one[1]
    }  # for people with a page before them, and nobody else
    assert routed() - forms - {("GET", "/openapi.json")} == described


def test_a_browser_judges_every_page_that_is_described() -> None:
    pages = [one.path for one in OPERATIONS if one.answer == "text/html"]
    assert "/reports/{kind}" in pages
    judged = [address.partition("?")[0] for address in PAGES]
    assert [
        page
        for page in pages
        if not any(re.fullmatch(re.sub(r"\{\w+\}", r"[^/]+", page), one) for one in judged)
    ] == []


def test_every_route_is_described(shop: Guarded) -> None:
    described = {(operation.method.upper(), operation.path) for operation in OPERATIONS}
    for method, path in described - {("GET", "/events")}:
        role = "alertmanager" if path.startswith("/webhooks") else "operator"
        answer = shop.ask(method, filled(path), role, json={})
        none = ("No such attempt", "No such incident", "is not an incident", "has no incident yet")
        assert answer.status_code not in {404, 405} or any(one in answer.text for one in none), path
    assert document("1")["info"] == {"title": "Handrail's receiver", "version": "1"}
