"""Alerts and their files → what is inconsistent when each thing is removed in turn."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from handrail import plan
from handrail.contract import names
from handrail.declare import (
    Above,
    Command,
    Critical,
    Environment,
    Guardrail,
    Level,
    Ratio,
    Rollout,
    Runbook,
    Slo,
    Warning,
)
from handrail.emit import emit, emit_common
from handrail.errors import Problem, Severity
from handrail.lower import lower
from handrail.output import incomplete_alerts

ERRORS = Ratio(bad='requests_total{status=~"5.."}', of="requests_total")
TIERS = (Warning(Above("1%")), Critical(Above("5%"), action="rollback"))
BOOK = Runbook("Nobody can buy.", look=["The log."], fix=["Roll back."])


def shop(guardrail: str = "errors") -> plan.Plan:
    """A rollout with all that alerts come from."""
    rollout = Rollout(
        name="shop",
        service="shop",
        guardrails=[Guardrail(guardrail, ERRORS, tiers=TIERS, runbook=BOOK)],
        slos=[Slo("availability", ERRORS, objective="99.9%", runbook=BOOK)],
        escalation=[Level("manager", "5m", "the manager")],
        rollback=[Command(["back"], read=["is-back"])],
    )
    return lower([rollout], Environment("here"))


def whole(planned: plan.Plan) -> dict[str, str]:
    """Every file, with a test for each alert."""
    [rollout] = planned.rollouts
    tested = "".join(f"    - alertname: {alert.name}\n" for alert in rollout.alerts)
    tests = {names.tests_file("shop"): tested}
    made = {**emit_common(planned.common), **emit(rollout, planned.environment)}
    return {path: text for path, text in made.items() if not names.is_tests_file(path)} | tests


def missing_in(planned: plan.Plan, files: dict[str, str]) -> list[Problem]:
    [rollout] = planned.rollouts
    return incomplete_alerts.check(
        rollout, files, incomplete_alerts.notifying_receivers(files[names.ALERTMANAGER_FILE])
    )


def said(planned: plan.Plan, files: dict[str, str]) -> list[str]:
    return [problem.what for problem in missing_in(planned, files)]


def test_what_handrail_writes_hangs_together() -> None:
    planned = shop()
    assert missing_in(planned, whole(planned)) == []


def test_an_alert_may_be_untested_where_the_file_says_why() -> None:
    planned = shop()
    files = whole(planned)
    tests = names.tests_file("shop")
    untold = files[tests].replace("    - alertname: ShopErrorsWarning\n", "")
    told = f"# cannot be tested: errors warning: a free expression\n{untold}"
    assert said(planned, {**files, tests: told}) == []


def test_an_alert_that_no_test_shows_is_news_with_its_reason() -> None:
    planned = shop()
    files = whole(planned)
    [rollout] = planned.rollouts
    assert incomplete_alerts.untested(rollout, files) == []
    told = "# cannot be tested: errors: a free expression\n# cannot be tested: errors-too: another\n"
    news = incomplete_alerts.untested(rollout, {names.tests_file("shop"): told})
    assert sorted((problem.severity, problem.what) for problem in news) == [
        (Severity.info, f"alert ShopErrors{tier} has no test: a free expression")
        for tier in ("Blind", "Critical", "Thin", "Warning")
    ]


@pytest.mark.parametrize(
    ("file", "taken", "left", "missing"),
    [
        (
            names.rules_file("shop"),
            "alert: ShopErrorsWarning\n",
            "alert: Other\n",
            "alert ShopErrorsWarning has no rule",
        ),
        (
            names.tests_file("shop"),
            "alertname: ShopErrorsWarning\n",
            "",
            "alert ShopErrorsWarning has no test, and the test file does not say why",
        ),
        (
            names.rules_file("shop"),
            "shop.md#slo-availability",
            "shop.md",
            "alert ShopSloAvailabilityWarning has no section in the runbook",
        ),
        (
            names.runbook_file("shop"),
            "## escalation",
            "## other",
            "alert ShopEscalationManager has no section in the runbook",
        ),
        (
            names.runbook_file("shop"),
            "## heartbeat",
            "",
            "alert HandrailHeartbeat has no section in the runbook",
        ),
        (
            names.dashboard_file("shop"),
            'value{rollout=\\"shop\\",guardrail=\\"errors\\"',
            "other{",
            "alert ShopErrorsWarning has no panel in the dashboard",
        ),
        (
            names.dashboard_file("shop"),
            "handrail:slo:error_ratio",
            "other",
            "alert ShopSloAvailabilityWarning has no panel in the dashboard",
        ),
        (
            names.dashboard_file("shop"),
            "HandrailHeartbeat",
            "Other",
            "alert HandrailHeartbeat has no panel in the dashboard",
        ),
        (
            names.ALERTMANAGER_FILE,
            "- name: handrail\n  webhook_configs:",
            "- name: handrail\n- name: other\n  webhook_configs:",
            "alert ShopErrorsWarning has no route to anybody",
        ),
    ],
)
def test_what_is_taken_away_is_missed(file: str, taken: str, left: str, missing: str) -> None:
    planned = shop()
    files = whole(planned)
    assert taken in files[file]
    assert missing in said(planned, {**files, file: files[file].replace(taken, left)})


def test_an_action_without_steps_is_missed() -> None:
    planned = shop()
    [rollout] = planned.rollouts
    actions = tuple(action.model_copy(update={"steps": ()}) for action in rollout.playbook.actions)
    bare = replace(rollout, playbook=rollout.playbook.model_copy(update={"actions": actions}))
    assert said(replace(planned, rollouts=(bare,)), whole(planned)) == [
        "alert ShopErrorsCritical asks for 'rollback', which has no steps"
    ]


def test_a_guardrail_with_the_name_of_a_chapter_is_told_to_take_another() -> None:
    planned = shop("contacts")
    files = whole(planned)
    runbook = files[names.runbook_file("shop")] + "\n## Contacts\n\n- On call\n"
    found = missing_in(planned, {**files, names.runbook_file("shop"): runbook})
    assert {(problem.what, problem.cure) for problem in found if "Warning" in problem.what} == {
        (
            "alert ShopContactsWarning leads to 'contacts', and the runbook has 2 sections of that name",
            "rename the guardrail 'contacts'",
        )
    }


def test_a_heading_becomes_the_anchor_that_readers_of_markdown_make_of_it() -> None:
    assert [
        incomplete_alerts.anchor(heading)
        for heading in ("If Handrail is down", "slo-availability", "Why (and how)?")
    ] == [
        "if-handrail-is-down",
        "slo-availability",
        "why-and-how",
    ]
    assert re.fullmatch(r"[\w-]+", incomplete_alerts.anchor("50 %, then 100 %"))
