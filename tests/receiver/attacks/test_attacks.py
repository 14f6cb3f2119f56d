"""The attacks that the receiver has an answer to, one test each."""

from __future__ import annotations

import base64
import json
import os
import socket
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import servers
from guarded import TOKENS, Guarded, alert, body, guarded, playbook
from guarded.routes import ENDLESS, read
from handrail.contract import Command, Secret
from handrail_receiver.execute.kill_switch import KillSwitch
from handrail_receiver.web.verbs import VERBS


@pytest.fixture(scope="module", name="shop")
def _shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded(tmp_path_factory.mktemp("shop"), playbook(budget_per_day=1000)) as shop:
        yield shop


def counted(shop: Guarded, result: str) -> float:
    return shop.metric("handrail_notifications_total")[f'{{result="{result}"}}']


@pytest.mark.parametrize("role", ["nobody", "viewer", "operator", "approver"])
def test_a_forged_alert_or_resolve_is_refused_and_counted(shop: Guarded, role: str) -> None:
    before = counted(shop, "unauthorized")
    answers = [shop.deliver(body(alert(status=status)), role) for status in ("firing", "resolved")]
    assert {answer.status_code for answer in answers} == {401 if role == "nobody" else 403}
    assert counted(shop, "unauthorized") == before + 2


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer wrong-token-of-some-length",
        f"Bearer {TOKENS['alertmanager']}x",
        f"Basic {base64.b64encode(b'am:wrong').decode()}",
        "Basic !!!",
        "Digest x",
    ],
)
def test_a_wrong_token_in_any_shape_is_refused(shop: Guarded, header: str) -> None:
    assert shop.deliver(role="nobody", headers={"authorization": header}).status_code == 401


def test_basic_auth_carries_the_same_token(shop: Guarded) -> None:
    pair = base64.b64encode(f"am:{TOKENS['alertmanager']}".encode()).decode()
    assert shop.deliver(role="nobody", headers={"authorization": f"Basic {pair}"}).status_code == 200


@pytest.mark.parametrize("role", [role for role in ("nobody", *TOKENS) if role != "operator"])
def test_only_an_operator_s_token_starts_an_action(shop: Guarded, role: str) -> None:
    verbs = [f"/api/rollouts/shop/{verb.name}" for verb in VERBS if verb.role == "operator"]
    calls = [*verbs, "/api/kill-switch"]
    answers = {path: shop.ask("POST", path, role, json={}).status_code for path in calls}
    assert answers == dict.fromkeys(calls, 401 if role == "nobody" else 403)


@pytest.mark.parametrize("role", [role for role in ("nobody", *TOKENS) if role != "approver"])
def test_only_an_approver_s_token_approves(shop: Guarded, role: str) -> None:
    answer = shop.ask("POST", "/api/rollouts/shop/approve", role, json={})
    assert answer.status_code == (401 if role == "nobody" else 403)
    assert [verb.name for verb in VERBS if verb.role not in {"operator", "approver"}] == []


def test_nothing_is_shown_without_a_token_nor_with_alertmanager_s(shop: Guarded) -> None:
    roles = ("nobody", "alertmanager")
    answers = {path: [shop.ask("GET", path, role).status_code for role in roles] for path in read()}
    assert answers == {path: [401, 403] for path in read()}


def test_health_is_shown_to_anybody(shop: Guarded) -> None:
    assert [shop.ask("GET", path, "nobody").status_code for path in ("/healthz", "/readyz")] == [200, 200]


def test_a_page_elsewhere_cannot_make_a_browser_call(shop: Guarded) -> None:
    silent = shop.ask("POST", "/api/rollouts/shop/rollback", headers={"origin": "http://elsewhere.example"})
    assert silent.status_code == 400
    form = shop.ask(
        "POST", "/api/rollouts/shop/rollback", content="why=x", headers={"content-type": "text/plain"}
    )
    assert (form.status_code, form.json()["error"]) == (
        400,
        "a call is JSON; send `Content-Type: application/json`",
    )


def test_an_old_body_that_is_sent_again_needs_the_confirming_query(shop: Guarded) -> None:
    shop.call("start")
    old = body(alert(starts_at=datetime.now(UTC) - timedelta(days=3)))
    assert shop.deliver(old).status_code == 200
    shop.until("rollback", "withdrawn")
    assert shop.weights() == (10, 90)
    assert "could not be confirmed" in shop.status()["attempt"]["held"]
    shop.call("rollback")


def test_text_from_labels_reaches_no_target(shop: Guarded) -> None:
    shop.call("start")
    evil = '"; set weight web/stable 0\n$(reboot)`id`<script>alert(1)</script>'
    assert shop.deliver(body(alert(instance=evil, stage=evil, severity=evil))).status_code == 200
    shop.until("rollback", "done")
    assert shop.weights() == (0, 100)
    page = shop.ask("GET", "/rollouts/shop", "viewer").text
    assert page.count("<script>") == 1  # the page's own
    assert "alert(1)</script>" not in page


def test_what_a_body_names_is_never_fetched(shop: Guarded) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        listening.settimeout(0.5)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        bait = {**alert(), "generatorURL": url, "annotations": {"runbook_url": url, "dashboard_url": url}}
        assert shop.deliver(body(bait, externalURL=url)).status_code == 200
        with pytest.raises(TimeoutError):
            listening.accept()


def test_a_body_over_1_mib_is_refused_while_it_streams(shop: Guarded) -> None:
    before = counted(shop, "too-large")
    assert shop.deliver(b" " * (1024 * 1024 + 1)).status_code == 413

    def chunks() -> Iterator[bytes]:
        for _ in range(1100):
            yield b" " * 1024

    headers = {"authorization": f"Bearer {TOKENS['alertmanager']}"}
    answer = httpx.post(
        f"{shop.server.url}/webhooks/alertmanager", content=chunks(), headers=headers, trust_env=False
    )
    assert answer.status_code == 413
    assert counted(shop, "too-large") == before + 2


def test_a_deep_body_is_refused(shop: Guarded) -> None:
    deep = b'{"version":"4","alerts":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert shop.deliver(deep).status_code == 400


def memory(shop: Guarded) -> int:
    """What the receiver takes of the machine's memory, in MiB."""
    status = Path(f"/proc/{shop.server.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) >> 10


def refused(shop: Guarded, parts: Iterable[bytes]) -> bytes:
    """What is answered to bytes that are sent until nobody takes them any more."""
    host, port = shop.server.address.split(":")
    with closing(socket.create_connection((host, int(port)))) as connection:
        connection.settimeout(15)
        with suppress(OSError):
            for part in parts:
                connection.sendall(part)
        answer = b""
        with suppress(OSError):
            while part := connection.recv(10_000):
                answer += part
        return answer


ASKS = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def many_headers() -> Iterator[bytes]:
    yield ASKS
    for number in range(20_000):
        yield b"X-%d: " % number + b"a" * 8000 + b"\r\n"


HEADS: Mapping[str, Callable[[], Iterable[bytes]]] = {
    "many headers": many_headers,
    "one header": lambda: [ASKS + b"X: ", *[b"a" * 100_000] * 1000],
    "an address": lambda: [b"GET /" + b"a" * 100_000, *[b"a" * 100_000] * 1000],
    "all at once": lambda: [ASKS + b"X: " + b"a" * 70_000 + b"\r\n\r\n"],
}


@pytest.mark.parametrize("parts", HEADS.values(), ids=HEADS)
def test_headers_have_64_kb_and_take_no_more_memory(
    shop: Guarded, parts: Callable[[], Iterable[bytes]]
) -> None:
    before = memory(shop)
    answer = refused(shop, parts())
    assert answer in {
        b"",  # what was sent meanwhile takes the answer with it
        b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
    }
    assert memory(shop) - before < 32
    just = ASKS + b"X: " + b"a" * 60_000 + b"\r\nconnection: close\r\n\r\n"
    assert refused(shop, [just]).startswith(b"HTTP/1.1 200 OK")


def test_requests_that_do_not_wait_for_an_answer_are_given_up(shop: Guarded) -> None:
    before = memory(shop)
    answers = refused(shop, [(ASKS + b"\r\n") * 2000] * 20)
    assert answers.count(b"200 OK") < 100
    assert memory(shop) - before < 32


def test_a_thousand_idle_connections_keep_nobody_out(shop: Guarded) -> None:
    host, port = shop.server.address.split(":")
    with ExitStack() as stack:
        for number in range(1100):
            held = stack.enter_context(closing(socket.create_connection((host, int(port)))))
            if number % 2:
                held.sendall(ASKS + b"\r\n")
                held.settimeout(10)
                assert held.recv(100).startswith(b"HTTP/1.1 200 OK")
            if number % 100 == 0:
                assert shop.deliver(body(alert(status="resolved"))).status_code == 200
        assert shop.ask("GET", "/readyz", "nobody").status_code == 200


def test_who_asks_whether_it_is_ready_makes_it_write_nothing(shop: Guarded) -> None:
    def written() -> set[float]:
        with closing(sqlite3.connect(shop.folder / "handrail.db")) as store:
            return {at for (at,) in store.execute("SELECT at FROM memory WHERE name = 'ready'")}

    signs = written()
    began = datetime.now(UTC)
    for _ in range(300):
        assert shop.ask("GET", "/readyz", "nobody").json() == {"status": "ready", "problems": []}
        signs |= written()
    assert len(signs) <= 2 + (datetime.now(UTC) - began).total_seconds() / 5


def test_headers_and_bodies_that_never_end_are_given_up(shop: Guarded) -> None:
    host, port = shop.server.address.split(":")
    token = TOKENS["alertmanager"]
    head = f"POST /webhooks/alertmanager HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n".encode()
    content = body()
    whole = head + b"Content-Length: %d\r\n\r\n" % len(content) + content
    sent = {
        "nothing": b"",
        "half a head": head,
        "half a body": whole[:-1],
        "half a head after a whole request": whole + head,
        "a whole request": whole,
    }
    ok = b"HTTP/1.1 200 OK"
    with ExitStack() as stack:
        slow = {}
        for name, begun in sent.items():
            slow[name] = stack.enter_context(closing(socket.create_connection((host, int(port)))))
            slow[name].settimeout(15)
            slow[name].sendall(begun)
        answers = dict.fromkeys(slow, b"")
        for name in (name for name in slow if name != "a whole request"):
            while part := slow[name].recv(1000):
                answers[name] += part
        slow["a whole request"].sendall(whole)
        while answers["a whole request"].count(ok) < 2:
            answers["a whole request"] += slow["a whole request"].recv(1000)
    assert {name: answer.count(ok) for name, answer in answers.items()} == {
        "nothing": 0,
        "half a head": 0,
        "half a body": 0,
        "half a head after a whole request": 1,
        "a whole request": 2,
    }


@pytest.fixture(name="calm")
def _calm(tmp_path: Path) -> Iterator[Guarded]:
    """A receiver of its own, of which no alert of another test fires."""
    with guarded(tmp_path) as shop:
        shop.call("start")
        yield shop


def test_a_storm_of_alerts_is_one_rollback(calm: Guarded) -> None:
    storm = body(*[alert(instance=str(number)) for number in range(200)])
    for _ in range(20):
        assert calm.deliver(storm).status_code == 200
    calm.until("rollback", "done")
    assert calm.runs() == [("start", "done"), ("rollback", "done")]


def test_the_kill_switch_only_tells(calm: Guarded) -> None:
    switch = calm.folder / "handrail.stop"
    switch.touch()
    try:
        calm.deliver()
        servers.until(lambda: calm.status()["attempt"]["held"] != "", "the hold")
        assert (
            calm.status()["attempt"]["held"] == "the kill switch is set; people must carry out the rollback"
        )
        assert calm.weights() == (10, 90)
    finally:
        switch.unlink()
    calm.deliver()
    calm.until("rollback", "done")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up what lets root look everywhere")
def test_a_kill_switch_that_cannot_be_looked_at_counts_as_set(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    bound = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
    switch = str(closed / "handrail.stop")
    with guarded(tmp_path, under=bound, KILL_SWITCH=switch) as shop:
        shop.call("start")
        closed.chmod(0)
        shop.deliver()
        servers.until(lambda: shop.status()["attempt"]["held"] != "", "the hold")
        ready = shop.ask("GET", "/readyz", "nobody")
        unclear = (
            f"HANDRAIL_KILL_SWITCH: {switch} cannot be looked at (PermissionError), and so it counts as set: "
            "nothing is rolled back automatically; let the receiver's user into its folder"
        )
        assert (ready.status_code, ready.json()) == (200, {"status": "ready", "problems": [unclear]})
        assert "cannot be looked at" in shop.ask("GET", "/", "viewer").text
        assert shop.weights() == (10, 90)
        closed.chmod(0o755)
        shop.deliver()
        shop.until("rollback", "done")


@pytest.mark.parametrize("kind", ["file", "folder", "link to nothing"])
def test_a_kill_switch_is_set_by_whatever_has_its_name(tmp_path: Path, kind: str) -> None:
    switch = KillSwitch(tmp_path / "handrail.stop")
    assert (switch.is_set(), switch.problem()) == (False, "")
    match kind:
        case "file":
            switch.file.touch()
        case "folder":
            switch.file.mkdir()
        case _:
            switch.file.symlink_to(tmp_path / "nothing")
    assert (switch.is_set(), switch.problem()) == (True, "")


def test_a_whole_inbox_answers_503_and_nothing_else(tmp_path: Path) -> None:
    """SQLite is held by somebody else, so that nothing is decided and nothing can be stored."""
    with guarded(tmp_path, proxy=False) as shop:
        with closing(sqlite3.connect(tmp_path / "handrail.db", isolation_level=None)) as holding:
            holding.execute("BEGIN IMMEDIATE")
            answer = shop.deliver()
            assert (answer.status_code, "retry-after" in answer.headers) == (503, False)
            assert shop.ask("GET", "/readyz", "nobody").status_code == 503
        assert shop.deliver().status_code == 200
        assert counted(shop, "unavailable") == 1


def test_no_secret_is_in_any_log_error_metric_page_or_file(tmp_path: Path) -> None:
    planted = "planted-secret-0123456789"
    leak = ["sh", "-c", "echo leaking $LEAK $(printf %s $LEAK | base64) >&2; exit 1"]
    step = Command(leak, leak, environment={"LEAK": Secret("planted")}, timeout=2, within=1, tries=1)
    with guarded(tmp_path, playbook(steps=[step]), proxy=False, SECRET_PLANTED=planted) as shop:
        shop.call("start", anyway=True, why=f"I paste {planted}")
        shop.deliver()
        shop.until("rollback", "failed")
        paths = [path for path in read() if path != ENDLESS]
        shown = "".join(shop.ask("GET", path, "operator").text for path in paths)
        shown += json.dumps(shop.call("drill")) + shop.server.log.read_text()
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("handrail.db*")).decode(errors="replace")
    for secret in (planted, base64.b64encode(planted.encode()).decode(), *TOKENS.values()):
        assert secret not in shown
        assert secret not in kept
    assert "(says operator-1: I paste [secret planted])" in shown
    assert "leaking [secret planted] [secret planted]" in shown


def test_history_that_was_altered_is_seen(tmp_path: Path) -> None:
    with guarded(tmp_path) as shop:
        shop.call("start")
        evidence = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()
        assert (evidence["whole"], evidence["first_broken"]) == (True, None)
        with closing(sqlite3.connect(tmp_path / "handrail.db")) as by_hand:
            by_hand.execute("DROP TRIGGER evidence_is_not_changed")
            by_hand.execute(
                "UPDATE evidence SET body = replace(body, 'operator-1', 'nobody') WHERE number = 1"
            )
            by_hand.commit()
        evidence = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()
        assert (evidence["whole"], evidence["first_broken"]) == (False, 1)
