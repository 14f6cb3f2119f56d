"""ruleiq's application and stack: what its guardrails need is exposed, and `handrail doctor` finds it, and what is away."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import servers
from apis import GrafanaApi
from guarded import warm
from handrail.contract import names
from handrail.output.read_stack_needs import needed
from handrail_receiver.doctor.delivery import figure
from prometheus_client.parser import text_string_to_metric_families
from typed import typed

from end_to_end.demo.files import Files
from end_to_end.demo.stack import Programs, settings
from end_to_end.five.flags import Flags
from end_to_end.ruleiq.app import application
from end_to_end.ruleiq.cost import ALLOWED, cost
from end_to_end.ruleiq.grafana import grafana
from end_to_end.ruleiq.metrics import ACTIVE_FOR, Metrics
from end_to_end.ruleiq.stack import FLAGS, Addresses, running, write

GENERATED = Path(__file__).parents[2] / "generated"


def samples(page: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Each series of a page and its value."""
    found = (sample for family in text_string_to_metric_families(page) for sample in family.samples)
    return {(one.name, frozenset(one.labels.items())): one.value for one in found}


def asked() -> str:
    """The page after one request of each kind."""
    return asyncio.run(_asked())


async def _asked() -> str:
    app = httpx.ASGITransport(application(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=app, base_url="http://ruleiq") as client:
        for path, password in (
            ("/reports/7", ""),
            ("/login", "correct"),
            ("/login", "wrong"),
            ("/tokens", ""),
        ):
            await client.post(path, headers={"x-user": "ada", "x-password": password})
        answered = [(await client.get(path)).status_code for path in ("/broken", "/nowhere", "/healthz")]
        assert answered == [500, 404, 200]
        return (await client.get("/metrics")).text


def test_each_metric_label_and_bucket_that_ruleiq_reads_is_exposed() -> None:
    seen: dict[str, set[str]] = {}
    bounds = set()
    for name, labels in samples(asked()):
        seen.setdefault(name, set()).update(label for label, _ in labels)
        bounds |= {value for label, value in labels if label == "le"}
    files = {
        path.relative_to(GENERATED).as_posix(): path.read_text()
        for path in GENERATED.rglob("*")
        if path.suffix in {".json", ".yml"}
    }
    wanted = [one for one in needed(files, ["ruleiq"]).series if 'job="ruleiq-node"' not in one.matchers]
    lacking = {one.metric: set(one.labels) - seen[one.metric] for one in wanted if one.metric in seen}
    assert {metric: labels for metric, labels in lacking.items() if labels} == {}
    # The document's names of three counters are read too, and each of them beside the one that is there.
    other_names = {
        one.metric: {text.partition("{")[0] for text in one.instead}
        for one in wanted
        if one.metric not in seen
    }
    counters = ("ruleiq_auth_failures", "ruleiq_ff_evaluations", "ruleiq_security_events")
    assert other_names == {name: {f"{name}_total"} for name in counters}
    assert bounds == {"0.1", "0.25", "0.5", "1.0", "2.0", "5.0", "10.0", "+Inf"}


def test_each_request_counts_by_its_declared_path_and_what_fails_counts_as_an_error() -> None:
    counted = {
        tuple(dict(labels)[label] for label in ("method", "endpoint", "status")): value
        for (name, labels), value in samples(asked()).items()
        if name == "ruleiq_requests_total"
    }
    assert counted == {
        ("POST", "/reports/{id}", "200"): 1,
        ("POST", "/login", "200"): 1,
        ("POST", "/login", "401"): 1,
        ("POST", "/tokens", "403"): 1,
        ("GET", "/broken", "500"): 1,
        ("GET", "other", "404"): 1,
    }


def test_flags_sign_ins_security_pool_users_and_business_are_counted_and_begin_at_zero() -> None:
    page = samples(asked())
    own = {
        (name.removeprefix("ruleiq_"), *sorted(value for _, value in labels)): figure
        for (name, labels), figure in page.items()
        if name.startswith("ruleiq_") and "request" not in name and not name.endswith("_created")
    }
    assert own == {
        ("db_pool_size", "main"): 0,
        ("reports_total", "free"): 1,
        ("auth_failures_total", "bad-password"): 1,
        ("auth_failures_total", "locked"): 0,
        ("auth_failures_total", "expired"): 0,
        ("ff_evaluations_total", "recommendations-v2", "true"): 1,
        ("ff_evaluations_total", "false", "recommendations-v2"): 0,
        ("ff_evaluations_total", "bulk-import", "true"): 0,
        ("ff_evaluations_total", "bulk-import", "false"): 1,
        ("security_events_total", "token-reuse"): 1,
        ("security_events_total", "rate-limited"): 0,
        ("active_users",): 1,
        ("ff_enabled", "recommendations-v2"): 1,
        ("ff_enabled", "bulk-import"): 0,
    }
    assert page["ruleiq_requests_in_flight", frozenset()] == 0


def test_a_user_is_active_for_five_minutes_after_the_last_request() -> None:
    now = [0.0]
    metrics = Metrics(clock=lambda: now[0])

    def active() -> float:
        return samples(metrics.page().decode())["ruleiq_active_users", frozenset()]

    metrics.seen("ada")
    metrics.seen("bob")
    now[0] = ACTIVE_FOR - 1
    metrics.seen("bob")
    before = active()
    now[0] = ACTIVE_FOR
    assert (before, active()) == (2, 1)


def test_metrics_take_less_than_a_hundredth_of_a_processor_at_a_hundred_requests_a_second() -> None:
    assert cost(300, rounds=3).share(100) < ALLOWED


def examined(
    files: Files, at: Addresses, *more: str, grafana: str = "", login: Path | None = None
) -> tuple[int, dict[str, dict[str, Any]]]:
    """What `handrail doctor` says of the stack, by what it looked at."""
    words = ["doctor", "ruleiq", "--generated", str(files.generated), "--json", *more]
    places = ("prometheus", at.prometheus), ("alertmanager", at.alertmanager), ("receiver", at.receiver)
    for name, address in places:
        words += [f"--{name}", f"http://{address}"]
    words += ["--grafana", grafana or f"http://{at.grafana}"]
    env = {**os.environ, "HANDRAIL_TOKEN_FILE": str(files.token("viewer"))}
    if login:
        env["HANDRAIL_GRAFANA_HTTP_CONFIG"] = str(login)
    done = typed(*words, env=env)
    assert done.stderr == ""
    return done.returncode, {one["what"]: one for one in json.loads(done.stdout)["findings"]}


def test_a_test_alert_is_noted_by_the_receiver_and_what_cannot_be_asked_is_unknown(tmp_path: Path) -> None:
    at = Addresses()
    files = write(tmp_path, at)
    own = {name: text for name, text in settings(files, at).items() if name != "HANDRAIL_SIGNING_KEY"}
    claims = {"alertname": "HandrailTest", "rollout": "ruleiq", "guardrail": "error-rate", "tier": "critical"}
    body = {"version": "4", "alerts": [{"status": "firing", "labels": {**claims, "action": "rollback"}}]}
    with warm.receiver(tmp_path, address=at.receiver, env=own) as receiver:

        def asked(method: str, path: str, role: str, **more: Any) -> httpx.Response:
            known = {"authorization": f"Bearer {files.token(role).read_text()}"}
            url = f"{receiver.url}{path}"
            return httpx.request(
                method, url, headers=known, trust_env=False, verify=servers.PLAIN, **more
            ).raise_for_status()

        def page() -> str:
            return asked("GET", "/metrics", "viewer").text

        assert figure(page(), names.TEST_ALERT_METRIC) == 0
        asked("POST", "/webhooks/alertmanager", "alertmanager", json=body)
        servers.until(lambda: figure(page(), names.TEST_ALERT_METRIC) != 0, "the test alert", every=0.1)
        assert "handrail_actions_total{" not in page()
        code, found = examined(files, at, "--send-alert")
    assert code == 1
    assert {what: one["health"] for what, one in found.items()} == {
        "prometheus": "unknown",
        f"routes of http://{at.alertmanager}": "unknown",
        "receiver": "ok",
        "kill switch": "ok",
        "alertmanager → receiver": "unknown",
        "ruleiq: receiver": "unknown",
        "ruleiq: guarded": "FAILED",
        "grafana": "unknown",
        "test alert": "unknown",
    }


@contextmanager
def whole(folder: Path, at: Addresses) -> Iterator[Files]:
    """The stack with a stand-in for Unleash, so that its rollback is ready."""
    with Flags("ruleiq", *FLAGS) as flags:
        files = write(folder, at, flags.url)
        with running(files, at, Programs(), per_second=20, token=flags.token):
            yield files


@contextmanager
def loaded(files: Files, at: Addresses, old: str, new: str) -> Iterator[None]:
    """Alertmanager has loaded another configuration than was generated: with `new` for `old`."""
    generated = files.generated / "alertmanager/alertmanager.yml"
    whole = generated.read_text()

    def load(text: str) -> None:
        generated.write_text(text)
        url = f"http://{at.alertmanager}/-/reload"
        httpx.post(url, trust_env=False, verify=servers.PLAIN).raise_for_status()
        generated.write_text(whole)

    load(whole.replace(old, new))
    yield
    load(whole)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_doctor_finds_a_stack_that_can_guard_and_a_test_alert_gets_through_it(tmp_path: Path) -> None:
    at = Addresses()
    with whole(tmp_path, at) as files:
        began = "count(ruleiq_requests_total) and count(node_cpu_seconds_total) and count(handrail_heartbeat_age_seconds) and count(handrail:rules:info)"

        def seen() -> bool:
            asked = {"query": began}
            url = f"http://{at.prometheus}/api/v1/query"
            answer = httpx.get(url, params=asked, trust_env=False, verify=servers.PLAIN)
            return bool(answer.json()["data"]["result"])

        servers.until(seen, "the first scrapes and the first evaluation", every=1)
        servers.until(
            lambda: examined(files, at)[1]["ruleiq: guarded"]["health"] == "ok", "the guard to begin", every=2
        )
        playbook = json.loads((files.generated / "playbook/ruleiq.json").read_text())
        with GrafanaApi(files.generated, {"ruleiq": playbook["rules_digest"]}) as api:
            login = files.folder / "grafana.yml"
            login.write_text(f"authorization: {{credentials: {api.token}}}\n")
            code, found = examined(files, at, "--send-alert", grafana=api.url, login=login)
        unwell = {what: one["health"] for what, one in found.items() if one["health"] != "ok"}
        assert {what: found[what]["text"] for what in unwell if ": panel " not in what} == {}
        assert "ruleiq: panel RuleIQ / Disk" not in unwell
        assert (code, found["test alert"]["health"]) == (0 if not unwell else 3, "ok")
        for old, new, text in (
            (f"//{at.receiver}/", "//127.0.0.1:9/", "receiver handrail posts to http://127.0.0.1:9/"),
            (
                "receiver: handrail\n",
                "receiver: handrail-heartbeat\n",
                "no route takes RuleiqErrorRateCritical to handrail",
            ),
        ):
            with loaded(files, at, old, new):
                lost = examined(files, at)[1][f"routes of http://{at.alertmanager}"]
            assert (lost["health"], lost["text"][: len(text)]) == ("FAILED", text)
        (files.generated / "playbook/ruleiq.json").write_text(
            (files.generated / "playbook/ruleiq.json")
            .read_text()
            .replace('"rules_digest": "', '"rules_digest": "0')
        )
        code, found = examined(files, at)
        rules = found["ruleiq: rules"]
        assert (code, rules["health"], rules["text"]) == (
            1,
            "FAILED",
            "Prometheus has loaded others than were generated",
        )


STAND_IN = """\
#!{python}
import http.server, json, os, pathlib, sys
given = {{name: text for name, text in os.environ.items() if name.startswith("GF_")}}
provider = pathlib.Path(given["GF_PATHS_PROVISIONING"], "dashboards/handrail.yml").read_text()
pathlib.Path("given.json").write_text(json.dumps([sys.argv[1:], given, provider]))
place = given["GF_SERVER_HTTP_ADDR"], int(given["GF_SERVER_HTTP_PORT"])
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/api/health" else 404)
        self.end_headers()
http.server.HTTPServer(place, Health).serve_forever()
"""


def test_a_grafana_that_is_installed_is_started_with_what_was_generated_and_a_new_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in says what it was given: Grafana itself is not in Debian."""
    home, address = tmp_path / "grafana-v12", servers.free_address()
    for place in ("bin", "conf"):
        (home / place).mkdir(parents=True)
    (home / "conf/defaults.ini").touch()
    (home / "bin/grafana").write_text(STAND_IN.format(python=sys.executable))
    (home / "bin/grafana").chmod(0o755)
    monkeypatch.setenv("PATH", f"{home}/bin:{os.environ['PATH']}")
    with grafana(tmp_path, GENERATED, address) as running_one:
        assert running_one is not None
        argv, given, provider = json.loads((tmp_path / "given.json").read_text())
    assert argv == ["server", f"--homepath={home}"]
    assert running_one.url == f"http://{address}"
    assert (given["GF_SECURITY_ADMIN_PASSWORD"], len(running_one.password) > 10) == (
        running_one.password,
        True,
    )
    assert f"path: {GENERATED}/grafana/dashboards" in provider
    monkeypatch.setenv("PATH", str(tmp_path))
    with grafana(tmp_path, GENERATED, address) as nothing:
        assert nothing is None
