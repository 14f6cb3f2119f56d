"""What people see of the receiver, in a real browser and as text."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import html
import re
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
import servers
from guarded import TOKENS, Guarded, guarded, playbook
from guarded.playbook import weights
from handrail.contract import Proof

CHROMIUM = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(name="shop")
def _shop(tmp_path: Path) -> Iterator[Guarded]:
    with guarded(tmp_path) as shop:
        yield shop


@pytest.fixture(scope="module", name="calm")
def _calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """One in which nothing is done, only looked at."""
    with guarded(tmp_path_factory.mktemp("calm"), proxy=False) as shop:
        yield shop


def text(shop: Guarded, path: str = "/rollouts/shop") -> str:
    """A page without its tags, one space between words."""
    page = shop.ask("GET", path, "viewer").text
    bare = re.sub(r"<(style|script)>.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(bare).split())


def chromium(folder: Path, *arguments: str) -> list[str]:
    return [servers.program("chromium"), *CHROMIUM, f"--user-data-dir={folder / 'profile'}", *arguments]


def with_token(address: str, path: str) -> str:
    """As if a person had typed the token when the browser asked for it."""
    return f"http://me:{TOKENS['viewer']}@{address}{path}"


def test_each_way_to_log_in_has_a_line_of_its_own(calm: Guarded) -> None:
    assert calm.ask("GET", "/", "nobody").headers.get_list("www-authenticate") == [
        'Bearer realm="handrail"',
        'Basic realm="handrail: the token is the password", charset="UTF-8"',
    ]


def test_a_browser_logs_in_and_obeys_the_page_s_own_style_and_script(calm: Guarded, tmp_path: Path) -> None:
    argv = chromium(tmp_path, "--enable-logging=stderr", "--dump-dom", with_token(calm.server.address, "/"))
    seen = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=90)
    assert '<a href="/rollouts/shop">shop</a>' in seen.stdout
    assert "Content Security Policy" not in seen.stderr


class Between:
    """Stands between a browser and the receiver and notes what is asked for."""

    def __init__(self, address: str) -> None:
        self.asked: list[str] = []
        self.address = servers.free_address()
        self._to = address.split(":")
        self._ready = threading.Event()

    def serve(self) -> None:
        """Until `stop`; every connection is closed then."""
        with suppress(asyncio.CancelledError):
            asyncio.run(self._serve())

    def stop(self) -> None:
        self._ready.wait()
        self._loop.call_soon_threadsafe(self._serving.cancel)

    async def _serve(self) -> None:
        host, port = self.address.split(":")
        self._loop = asyncio.get_running_loop()
        self._serving = self._loop.create_task(asyncio.sleep(3600))
        self._ready.set()
        async with await asyncio.start_server(self._one, host, int(port)):
            await self._serving

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closed(writer):
            ahead, back = await asyncio.open_connection(self._to[0], int(self._to[1]))
            with closed(back):
                await asyncio.gather(self._pass(reader, back, self.asked), self._pass(ahead, writer, []))

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, noted: list[str]
    ) -> None:
        while chunk := await reader.read(65536):
            noted += re.findall(r"^GET (\S+)", chunk.decode("latin-1"), re.MULTILINE)
            writer.write(chunk)
        writer.close()


@contextmanager
def closed(writer: asyncio.StreamWriter) -> Iterator[None]:
    """Its connection is gone after the block, whatever is still to be written."""
    try:
        yield
    finally:
        writer.transport.abort()


@contextmanager
def between(shop: Guarded) -> Iterator[Between]:
    middle = Between(shop.server.address)
    thread = threading.Thread(target=middle.serve)
    thread.start()
    try:
        yield middle
    finally:
        middle.stop()
        thread.join()


def test_an_open_page_follows_what_happens_at_once(shop: Guarded, tmp_path: Path) -> None:
    shop.call("start")
    with between(shop) as middle:
        url = with_token(middle.address, "/rollouts/shop")
        argv = chromium(tmp_path, "--remote-debugging-port=0", url)
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as browser:
            try:
                servers.until(lambda: "/events" in middle.asked, "the page to listen")
                time.sleep(1)
                before = middle.asked.count("/rollouts/shop")
                shop.deliver()
                servers.until(lambda: middle.asked.count("/rollouts/shop") > before, "the page", within=8)
            finally:
                browser.terminate()


def test_the_policy_names_the_page_s_own_style_and_script_and_no_other(calm: Guarded) -> None:
    answer = calm.ask("GET", "/", "viewer")
    found = {
        kind: base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        for kind, inside in re.findall(r"<(style|script)>(.*?)</\1>", answer.text, re.DOTALL)
    }
    assert answer.headers["content-security-policy"] == (
        f"default-src 'none'; style-src 'sha256-{found['style']}'; script-src 'sha256-{found['script']}'; "
        "connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )


def test_without_javascript_the_page_loads_itself_anew(calm: Guarded) -> None:
    page = calm.ask("GET", "/", "viewer").text
    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in page


def test_words_of_people_are_shown_as_they_are(shop: Guarded) -> None:
    shop.call("start")
    shop.call("hold", why="<script>alert(1)</script>")
    page = shop.ask("GET", "/rollouts/shop", "viewer").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


def test_a_running_rollout_says_its_share_what_is_next_and_whether_there_is_a_way_back(shop: Guarded) -> None:
    shop.call("start")
    said = text(shop)
    assert "Nothing fires, as far as Alertmanager has said in this attempt." in said
    assert "shop baking Runbook · Dashboard · Reports In stage 10% for" in said
    assert "Canary's share ● 10 % of traffic, as asked for" in said
    assert "Next ● stage 50%: handrail rollout promote shop" in said
    assert "Can I roll back? ✓ yes, when last rehearsed" in said
    assert "HAProxy web/canary on unix:haproxy.sock: weight 10 already" in said


def test_a_rolled_back_rollout_says_from_where_why_and_what_each_step_did(shop: Guarded) -> None:
    shop.call("start")
    shop.deliver()
    shop.until("rollback", "done")
    said = text(shop)
    assert "error-rate fires in its critical tier, since" in said
    assert "Rolled back from stage 10% at" in said
    assert "error-rate breaks its critical limit: rollback" in said
    assert "was in 10%" in said
    assert "0 %, as the targets read back" in said
    assert "HAProxy web/canary on unix:haproxy.sock: weight 0 done" in said
    assert "done rollback HAProxy web/canary on unix:haproxy.sock: weight 10 → 0" in said


def test_a_failed_rollback_stands_first_and_claims_nothing_about_the_traffic(tmp_path: Path) -> None:
    steps = weights(0, 100, tries=1, timeout=1, within=1)
    with guarded(tmp_path, playbook(steps=steps, proof=Proof(expr="x", at_most=0, within=5))) as shop:
        shop.call("start", anyway=True, why="it is tried out")
        (tmp_path / "haproxy.sock").unlink()
        shop.deliver()
        shop.until("rollback", "failed")
        said = text(shop)
    assert (
        "The rollback from stage 10% failed: 2 of 2 steps did not succeed"
        " (HAProxy web/canary on unix:haproxy.sock: weight 0;"
        " HAProxy web/stable on unix:haproxy.sock: weight 100)"
        " It waits for a person: the rollback failed, or could not be proved. People must act now: follow the runbook, then try again with"
        " handrail rollout rollback shop --why"
    ) in said
    assert "Canary's share ✕ unknown: the rollback is not proved" in said


def test_the_guard_is_called_whole_only_when_every_part_of_it_answers(tmp_path: Path) -> None:
    with guarded(tmp_path, HEARTBEAT_WITHIN="1", PROMETHEUS="http://127.0.0.1:9") as shop:
        time.sleep(1.1)
        (tmp_path / "handrail.stop").touch()
        said = text(shop, "/")
    assert "The guard is NOT working ✕ Kill switch: set: nothing is rolled back automatically." in said
    assert "✕ Heartbeat: no heartbeat from Alertmanager for" in said
    assert "✕ Prometheus: Prometheus at http://" in said
    assert "✓ Store takes writes ! Alertmanager not set" in said


def test_a_store_that_takes_no_writes_is_said(calm: Guarded) -> None:
    with closing(sqlite3.connect(calm.folder / "handrail.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        servers.until(lambda: "✕ Store:" in text(calm, "/"), "the page to say so")
        other.execute("ROLLBACK")
    servers.until(lambda: "✓ Store takes writes" in text(calm, "/"), "the end of it")


def test_without_the_store_the_page_sends_people_elsewhere(calm: Guarded) -> None:
    with closing(sqlite3.connect(calm.folder / "handrail.db", isolation_level=None)) as other:
        other.execute("ALTER TABLE attempt RENAME TO elsewhere")
        answer = calm.ask("GET", "/rollouts/shop", "viewer")
        other.execute("ALTER TABLE elsewhere RENAME TO attempt")
    assert answer.status_code == 503
    assert "Roll back by hand: the runbooks have the commands." in answer.text


def test_altered_evidence_is_said(shop: Guarded) -> None:
    shop.call("start")
    assert ": none was altered." in text(shop)
    with closing(sqlite3.connect(shop.folder / "handrail.db", isolation_level=None)) as other:
        other.execute("DROP TRIGGER evidence_is_not_changed")
        other.execute("UPDATE evidence SET body = replace(body, 'start', 'begin') WHERE number = 1")
    assert "Record 1 does not fit the one before: the evidence was altered." in text(shop)


def test_of_a_long_history_the_page_reads_and_checks_what_it_shows(shop: Guarded) -> None:
    shop.call("start")
    for number in range(70):
        shop.call("hold", why=f"time {number};")
    with closing(sqlite3.connect(shop.folder / "handrail.db", isolation_level=None)) as other:
        other.execute("DROP TRIGGER evidence_is_not_changed")
        other.execute("UPDATE evidence SET body = '{}' WHERE number = 1")
    records = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()["records"]
    page = text(shop).partition(" Evidence ")[2]
    assert page.startswith(
        f"The newest 60 of {len(records)} records, each with the hash of the one before. All of them, checked:"
    )
    assert re.findall(r"time (\d+);", page) == [str(number) for number in reversed(range(10, 70))]
    assert shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()["first_broken"] == 1


def test_of_many_tries_the_page_shows_the_newest(shop: Guarded) -> None:
    shop.call("start")
    again = (
        "INSERT INTO run SELECT NULL, attempt, action, key, :round, state, asked_by, reason, detected_at,"
        " decided_at, due_at, acted_at, finished_at, proof, confirmation, text FROM run WHERE round = 0"
    )
    with closing(sqlite3.connect(shop.folder / "handrail.db", isolation_level=None)) as other:
        other.executemany(again, [{"round": number} for number in range(1, 25)])
    said = text(shop)
    assert re.findall(r"once more \((\d+)\)", said) == [str(number) for number in reversed(range(6, 26))]
    assert "5 earlier: handrail store runs shop" in said


def test_an_unknown_name_is_no_error_page(calm: Guarded) -> None:
    answer = calm.ask("GET", "/rollouts/elsewhere", "viewer")
    assert (answer.status_code, "No playbook declares" in answer.text) == (404, True)
