"""Generated dashboards + what a Grafana answers → each is there and unchanged, and its data source leads to our Prometheus."""

from __future__ import annotations

import asyncio
import copy
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from apis import GrafanaApi, Trouble
from handrail.contract import DashboardNeed, StackNeeds
from handrail.output.read_stack_needs import needed
from handrail_receiver.doctor.dashboards import DashboardAnswer, HealthAnswer, of_dashboard, of_health
from handrail_receiver.doctor.findings import Finding, Health
from handrail_receiver.doctor.grafana import Grafana
from handrail_receiver.outside import Outside, new_client
from handrail_receiver.outside.http_config import HttpConfig
from handrail_receiver.outside.logins import Login, Logins, Service
from handrail_receiver.secrets import Secrets
from starlette.responses import JSONResponse
from typed import typed

GENERATED = Path(__file__).parents[3] / "generated"
WELL = {
    "grafana": "ok",
    "ruleiq: dashboard RuleIQ": "ok",
    "ruleiq: dashboard RuleIQ: flags": "ok",
    "grafana → data source prometheus": "ok",
}


@cache
def ours() -> StackNeeds:
    """What the generated files need of a stack, as far as ruleiq's goes."""
    files = {
        path.relative_to(GENERATED).as_posix(): path.read_text(encoding="utf-8")
        for path in GENERATED.rglob("*")
        if path.suffix in {".json", ".yml"}
    }
    return needed(files, ["ruleiq"])


@pytest.fixture
def api() -> Iterator[GrafanaApi]:
    with GrafanaApi(GENERATED, {one.rollout: one.rules_digest for one in ours().playbooks}) as grafana:
        yield grafana


def asked(
    api: GrafanaApi, token: str = GrafanaApi.token, needs: StackNeeds | None = None
) -> dict[str, Finding]:
    """What is found, by what was looked at."""
    return asyncio.run(_asked(api, token, needs or ours()))


async def _asked(api: GrafanaApi, token: str, needs: StackNeeds) -> dict[str, Finding]:
    secrets = Secrets(None, os.environ)
    config = HttpConfig.model_validate({"authorization": {"credentials": token}})
    login = Login(config, secrets, None)
    logins = Logins([Service(api.url, "HANDRAIL_GRAFANA_HTTP_CONFIG", login)])
    client = new_client(None)
    try:
        outside = Outside(client, secrets, logins)
        return {one.what: one async for one in Grafana(outside, api.url).findings(needs)}
    finally:
        await client.aclose()
        await logins.aclose()


def health(found: dict[str, Finding]) -> dict[str, str]:
    return {what: one.health.value for what, one in found.items()}


def test_a_grafana_that_was_provisioned_has_every_dashboard_as_generated_and_a_source_that_answers(
    api: GrafanaApi,
) -> None:
    found = asked(api)
    assert {what: (one.health.value, one.text, one.cure) for what, one in found.items()} == {
        "grafana": ("ok", f"{api.url} answers (12.1.0)", ""),
        "ruleiq: dashboard RuleIQ": ("ok", "32 panels, as generated", ""),
        "ruleiq: dashboard RuleIQ: flags": ("ok", "6 panels, as generated", ""),
        "grafana → data source prometheus": (
            "ok",
            "it answers, and has what the generated rules record",
            "",
        ),
    }
    assert api.changes() == []


def test_a_dashboard_that_is_not_there_and_one_that_was_changed_fail_each_with_its_cure(
    api: GrafanaApi,
) -> None:
    del api.dashboards["ruleiq-flags"]
    changed = copy.deepcopy(api.dashboards["ruleiq"])
    changed["panels"][1]["targets"][0]["expr"] = "vector(1)"
    del changed["panels"][1]["fieldConfig"]["defaults"]["unit"]
    api.dashboards["ruleiq"] = changed
    found = asked(api)
    assert health(found) == {
        **WELL,
        "ruleiq: dashboard RuleIQ": "FAILED",
        "ruleiq: dashboard RuleIQ: flags": "FAILED",
    }
    title = changed["panels"][1]["title"]
    assert found["ruleiq: dashboard RuleIQ"].text == (
        f"it is not as generated: panel {title}: fieldConfig.defaults.unit; panel {title}: targets.0.expr"
    )
    assert found["ruleiq: dashboard RuleIQ: flags"].text == "Grafana has none with the uid ruleiq-flags"
    assert all("grafana/dashboards" in one.cure for one in found.values() if one.health is Health.failed)


def test_a_data_source_that_does_not_answer_is_not_there_or_leads_elsewhere_fails(api: GrafanaApi) -> None:
    what = "grafana → data source prometheus"
    said = []
    api.source = "Post http://prometheus:9090: no such host"
    said.append(asked(api)[what])
    api.source = ""
    api.rules["ruleiq"] = "of-another-age"
    said.append(asked(api)[what])
    api.sources.clear()
    said.append(asked(api)[what])
    assert [(one.health.value, one.text) for one in said] == [
        ("FAILED", "Post http://prometheus:9090: no such host"),
        ("FAILED", "it answers, and has nothing of the generated rules of ruleiq"),
        ("FAILED", "Grafana has no data source with this uid"),
    ]
    assert len({one.cure for one in said} - {""}) == 3


def test_without_a_login_that_may_look_all_but_its_health_is_unknown(api: GrafanaApi) -> None:
    found = asked(api, "of-somebody-else")
    assert health(found) == {what: "ok" if what == "grafana" else "unknown" for what in WELL}
    assert {one.cure for one in found.values()} == {
        "",
        "a viewer's login is enough: set it in HANDRAIL_GRAFANA_HTTP_CONFIG",
    }


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [(Trouble.down, "FAILED"), (Trouble.babbling, "unknown"), (Trouble.moved, "unknown")],
)
def test_a_grafana_that_fails_is_told_from_one_that_is_none(
    api: GrafanaApi, trouble: Trouble, expected: str
) -> None:
    api.trouble = trouble
    assert health(asked(api)) == {"grafana": expected}


def test_a_grafana_whose_database_is_away_fails(api: GrafanaApi) -> None:
    api.queue = [JSONResponse({"database": "failing"}, 503)]
    assert health(asked(api)) == {"grafana": "FAILED"}
    assert of_health("http://g", HealthAnswer(database="failing")).text == "its database is failing"


def kept(need: DashboardNeed, **changes: Any) -> Finding:
    """What is said of a dashboard that Grafana has with these changes at its top."""
    return of_dashboard(need, DashboardAnswer(dashboard={**copy.deepcopy(dict(need.content)), **changes}))


def test_what_grafana_adds_or_leaves_out_because_it_is_empty_is_no_change() -> None:
    need = ours().dashboards[0]
    panels = [
        {name: value for name, value in {**panel, "pluginVersion": "12.1.0"}.items() if value}
        for panel in need.content["panels"]
    ]
    assert kept(need, id=7, version=3, gnetId=None, panels=panels).health is Health.ok


def test_a_newer_grafana_may_have_rewritten_a_dashboard_and_titles_and_queries_still_count() -> None:
    need = ours().dashboards[0]
    rewritten = kept(need, schemaVersion=42, refresh="", style="")
    assert (rewritten.health, rewritten.text) == (
        Health.unknown,
        "Grafana has rewritten it from schema 36 to 42, and it differs in refresh; style",
    )
    assert kept(need, schemaVersion=42).health is Health.ok
    fewer = list(need.content["panels"])[1:]
    said = [kept(need, schemaVersion=42, **change).health for change in ({"title": "x"}, {"panels": fewer})]
    assert said == [Health.failed, Health.failed]


def test_a_data_source_that_is_theirs_may_have_another_uid_than_its_name_says(api: GrafanaApi) -> None:
    api.sources.clear()
    theirs = replace(
        ours(),
        dashboards=tuple(replace(one, source="prometheus--eu-", named=True) for one in ours().dashboards),
    )
    assert asked(api, needs=theirs)["grafana → data source prometheus--eu-"].health is Health.unknown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "unknown  grafana: its address is not known"),
        (["--without-grafana"], None),
        (
            ["--grafana", "http://127.0.0.1:9"],
            "unknown  grafana: Grafana at http://127.0.0.1:9 cannot be reached",
        ),
    ],
)
def test_doctor_asks_the_grafana_that_is_named_and_says_where_none_is(
    words: list[str], said: str | None
) -> None:
    done = typed("doctor", "ruleiq", "--generated", GENERATED, "--receiver", "http://127.0.0.1:9", *words)
    lines = [line for line in done.stdout.splitlines() if "grafana" in line and not line.startswith(" ")]
    assert (done.returncode, [line[: len(said or "")] for line in lines]) == (3, [said] if said else [])


def test_a_grafana_and_none_exclude_each_other() -> None:
    done = typed("doctor", "--generated", GENERATED, "--grafana", "http://127.0.0.1:9", "--without-grafana")
    assert (done.returncode, done.stderr) == (
        2,
        "handrail: error: --grafana and --without-grafana exclude each other; give one of them\n",
    )
