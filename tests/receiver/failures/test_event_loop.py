"""The event loop is never kept for 100 ms, whatever others send, answer or write: measured in a real receiver.

In the CPU time of the loop's own thread, so that a busy machine proves nothing; where it could wait for somebody
else, by the clock.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import servers
from apis import Api, Request
from guarded import ROLLOUT, Guarded, alert, body, guarded, playbook, write_playbook
from guarded.alerts import labels
from guarded.database import database
from guarded.loop import LIMIT, forget, longest
from guarded.playbook import ENVIRONMENT, tier
from handrail.contract import GuardrailFacts, Playbook
from handrail_receiver.store.chain import digest
from handrail_receiver.store.rows import canonical, instant
from starlette.responses import Response

MANY = 4000
SILENCED = "(a+)+$|x{500}"
NO_CONFIGURATION = "route: {receiver: handrail}\n"


class Others(Api):
    """Prometheus and Alertmanager in one: `said` has what is answered at a path, `everywhere` the answer at each."""

    def __init__(self) -> None:
        super().__init__()
        self.configuration = NO_CONFIGURATION
        self.silences: list[dict[str, Any]] = []
        self.present: list[dict[str, Any]] = []
        self.fired: list[dict[str, str]] = []
        self.everywhere: tuple[int, str] | None = None

    def answer(self, request: Request) -> Response:
        """What is known, as JSON."""
        if self.everywhere is not None:
            status, text = self.everywhere
            return Response(text, status)
        return Response(json.dumps(self._said(request.path)), media_type="application/json")

    def _said(self, path: str) -> object:
        if path.startswith("/api/v2/alerts"):
            return self.present
        if path == "/api/v2/silences":
            return self.silences
        if path == "/api/v2/status":
            return {"config": {"original": self.configuration}}
        if path == "/api/v1/status/config":
            return {"status": "success", "data": {"yaml": self.configuration}}
        over = path.endswith("s%5D")
        now = time.time()
        seen = {"values": [[now - 900 + 60 * n, "1"] for n in range(15)]} if over else {"value": [now, "1"]}
        kind = "matrix" if over else "vector"
        found = [{"metric": metric, **seen} for metric in self.fired] if "ALERTS" in path else []
        return {"status": "success", "data": {"resultType": kind, "result": found}}


@contextmanager
def receiver(folder: Path, others: Others | None = None, **more: Any) -> Iterator[Guarded]:
    """A receiver whose turns are written down, from the moment on when it is ready."""
    url: dict[str, Any] = (
        {"PROMETHEUS": others.url, "ALERTMANAGERS": others.url, "ASK_EVERY": "1"} if others else {}
    )
    with guarded(folder, measured=True, **url, **more) as shop:
        assert longest(folder).clock > 0  # its turns are written down
        forget(folder)
        yield shop


def was_away(folder: Path, seconds: float = 3600) -> None:
    """The receiver of a folder asked last an hour ago, and its attempt began before that."""
    with closing(sqlite3.connect(folder / "handrail.db")) as store, store:
        store.execute("UPDATE memory SET at = at - ? WHERE name = 'asked'", (seconds,))
        store.execute("UPDATE attempt SET started_at = started_at - ?", (2 * seconds,))


def never_kept(folder: Path) -> None:
    """Nobody had the loop for longer than may be."""
    turn = longest(folder)
    assert turn.cpu < LIMIT, f"{turn.whose} took {turn.cpu * 1000:.0f} ms"


@pytest.fixture(name="others")
def _others() -> Iterator[Others]:
    with Others() as others:
        yield others


def big() -> str:
    """A configuration of 270 kB."""
    routes = (
        f"  - receiver: r{number}\n    matchers: ['team=~\"a{number}|b{number}\"', 'severity=\"critical\"']\n"
        for number in range(3500)
    )
    return f"route:\n  receiver: handrail\n  routes:\n{''.join(routes)}"


def bomb() -> str:
    """A configuration whose aliases name each other."""
    aliases = [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    return "\n".join(["a0: &a0 [x, x]", *aliases, NO_CONFIGURATION])


@pytest.mark.parametrize("configuration", [big, bomb], ids=["270 kB", "an alias bomb"])
def test_nor_by_what_fired_meanwhile_in_thousands_of_series_nor_by_who_muted_it(
    tmp_path: Path, others: Others, configuration: Callable[[], str]
) -> None:
    with guarded(tmp_path, PROMETHEUS=others.url, ALERTMANAGERS=others.url, ASK_EVERY="1") as shop:
        shop.call("start")
    was_away(tmp_path)
    now = datetime.now(UTC)
    others.configuration = configuration()
    others.fired = [
        {"__name__": "ALERTS", "alertstate": "firing", **labels(table=f"t{n}")} for n in range(MANY // 2)
    ]
    others.silences = [
        {
            "matchers": [{"name": "table", "value": f"{SILENCED}|{n}", "isRegex": True, "isEqual": True}],
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(hours=1)).isoformat(),
        }
        for n in range(20)
    ]
    with receiver(tmp_path, others) as shop:
        if configuration is big:
            shop.until("rollback", "done")
        else:
            servers.until(lambda: shop.status()["attempt"]["held"], "people to be asked")
        never_kept(tmp_path)


def test_nor_by_thousands_of_alerts_that_alertmanager_has(tmp_path: Path, others: Others) -> None:
    others.present = [
        {
            "labels": labels("error-rate", "warning", table=f"t{n}"),
            "annotations": {"summary": "x" * 200},
            "startsAt": datetime.now(UTC).isoformat(),
            "status": {"state": "active"},
            "receivers": [{"name": "handrail"}],
        }
        for n in range(MANY)
    ]
    with receiver(tmp_path, others) as shop:
        shop.call("start")
        fires = f"fires, in {MANY} series"
        servers.until(lambda: _heard(tmp_path) == MANY, fires)
        for page in ("/", "/metrics", "/api/rollouts", f"/rollouts/{ROLLOUT}"):
            assert shop.ask("GET", page, "viewer").status_code == 200
        never_kept(tmp_path)


def _heard(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "handrail.db")) as store:
        return int(store.execute("SELECT COUNT(*) FROM said").fetchone()[0])


def shortened(cases: Mapping[str, Any], short: int) -> list[Any]:
    """The first of the cases, and the others for the long tests."""
    return [
        pytest.param(case, id=name, marks=() if place < short else pytest.mark.long)
        for place, (name, case) in enumerate(cases.items())
    ]


EACH: Mapping[str, Callable[[int], dict[str, Any]]] = {
    "one rule with thousands of series": lambda n: alert("error-rate", "warning", table=f"t{n}"),
    "a thousand guardrails that nobody knows": lambda n: alert(f"g{n}", "critical"),
    "a thousand rollouts that nobody knows": lambda n: alert(rollout=f"r{n}"),
    "long labels": lambda n: alert("error-rate", "warning", table=f"{n}{'x' * 400}"),
}


MIXED = tuple(EACH.values())
DELIVERIES = {"all of them, mixed": lambda n: MIXED[n % len(MIXED)](n), **EACH}


@pytest.mark.parametrize("one", shortened(DELIVERIES, 1))
def test_nor_by_a_delivery_which_keeps_no_other_rollout_back_either(
    tmp_path: Path, one: Callable[[int], dict[str, Any]]
) -> None:
    write_playbook(
        tmp_path / "playbook", playbook(rollout="search", service="search", environment=ENVIRONMENT)
    )
    with receiver(tmp_path) as shop:
        shop.call("start")
        shop.ask("POST", "/api/rollouts/search/start", json={})
        assert shop.deliver(body(*map(one, range(1000)))).status_code == 200
        shop.deliver(body(alert(rollout="search")))
        servers.until(lambda: shop.weights() == (0, 100), "the other rollout's rollback")
        servers.until(lambda: _undecided(tmp_path) == 0, "all of it to be decided")
        never_kept(tmp_path)


def _undecided(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "handrail.db")) as store:
        return int(store.execute("SELECT COUNT(*) FROM inbox WHERE result IS NULL").fetchone()[0])


def text() -> str:
    """What somebody sends who has nothing to say: 4 MB of it."""
    return "<p>\x00é sorry " * 300_000


def vector(*samples: object, **more: object) -> str:
    """Prometheus' answer, and no more of it than is read."""
    answer = {"status": "success", **more, "data": {"resultType": "vector", "result": samples}}
    return json.dumps(answer)[: 4 << 20]


ANSWERS: Mapping[str, Callable[[], tuple[int, str]]] = {
    "a long refusal": lambda: (500, text()),
    "a long page": lambda: (200, text()),
    "no end of brackets": lambda: (200, "[" * 4_000_000),
    "a long warning": lambda: (200, vector(warnings=[text()])),
    "seventy thousand samples": lambda: (200, vector(*[{"metric": {"a": "b"}, "value": [1, "1"]}] * 70_000)),
}


@pytest.mark.parametrize("said", shortened(ANSWERS, 1))
def test_nor_by_what_prometheus_and_alertmanager_answer(
    tmp_path: Path, others: Others, said: Callable[[], tuple[int, str]]
) -> None:
    with receiver(tmp_path, others) as shop:
        shop.call("start")
        others.everywhere = said()
        seen = len(others.requests)
        assert shop.call("promote")["verdict"] == "refuse"
        servers.until(lambda: len(others.requests) > seen + 6, "everybody to be asked")
        for page in ("/", f"/rollouts/{ROLLOUT}"):
            assert shop.ask("GET", page, "viewer").status_code == 200
        never_kept(tmp_path)


def with_guardrails(name: str, number: int, **more: Any) -> Playbook:
    """A playbook as large as that of a big service."""
    tiers = {"warning": "investigate", "critical": "rollback", "emergency": "emergency-rollback"}
    more_of_them = tuple(
        GuardrailFacts(
            name=f"g{n}",
            tiers=tuple(tier(f"g{n}", word, action) for word, action in tiers.items()),  # type: ignore[arg-type]
        )
        for n in range(number)
    )
    return playbook(
        rollout=name,
        service=name,
        environment=ENVIRONMENT,
        guardrails=(*playbook().guardrails, *more_of_them),
        **more,
    )


def test_nor_by_two_hundred_rollouts_nor_by_their_playbooks_that_change(tmp_path: Path) -> None:
    book = with_guardrails(ROLLOUT, 20)
    with guarded(tmp_path, book) as shop:
        shop.call("start")
        shop.deliver()
        shop.until("rollback", "done")
    _copy_the_attempt(tmp_path, 200)
    for n in range(200):
        write_playbook(tmp_path / "playbook", with_guardrails(f"r{n}", 20, runbook_url="https://elsewhere"))
    with receiver(tmp_path, book=book) as shop:
        for page in ("/", "/metrics", "/api/rollouts", "/rollouts/r7", "/api/rollouts/r7", "/readyz"):
            assert shop.ask("GET", page, "viewer").status_code == 200
        for n in range(100):
            changed = with_guardrails(f"r{n}", 20, runbook_url="https://here")
            write_playbook(tmp_path / "playbook", changed)
        read = "runbook_url: https://runbooks.example/shop → https://here"
        servers.until(
            lambda: read in str(shop.ask("GET", "/api/rollouts/r7", "viewer").json()["changed"]),
            "the playbooks to be read",
            within=60,
        )
        never_kept(tmp_path)


def _copy_the_attempt(folder: Path, number: int) -> None:
    """As many rollouts as that are live, like the one that was started."""
    with closing(sqlite3.connect(folder / "handrail.db")) as store, store:
        columns = [row[1] for row in store.execute("PRAGMA table_info(attempt)") if row[1] != "id"]
        of_each = {
            "rollout": "?1",
            "playbook": f'replace(playbook, \'"rollout":"{ROLLOUT}"\', \'"rollout":"\' || ?1 || \'"\')',
            "state": "'active'",
        }
        chosen = ", ".join(of_each.get(column, column) for column in columns)
        sql = f"INSERT INTO attempt ({', '.join(columns)}) SELECT {chosen} FROM attempt LIMIT 1"  # noqa: S608
        store.executemany(sql, [(f"r{n}",) for n in range(number)])


def test_nor_by_a_long_chain_of_evidence(tmp_path: Path) -> None:
    with guarded(tmp_path) as shop:
        shop.call("start")
    length = _lengthen_the_chain(tmp_path, 10_000)
    with receiver(tmp_path) as shop:
        for query in ("", "?limit=2000", f"?after={length - 2000}&limit=2000"):
            page = shop.ask("GET", f"/api/rollouts/{ROLLOUT}/evidence{query}", "viewer")
            assert (page.status_code, page.json()["whole"]) == (200, True)
        assert shop.ask("GET", f"/rollouts/{ROLLOUT}", "viewer").status_code == 200
        never_kept(tmp_path)


def _lengthen_the_chain(folder: Path, by: int) -> int:
    """Records like those of long decisions; the number of the last one."""
    said = {
        "verdict": "note",
        "reason": "asked-for",
        "action": "",
        "guardrail": "",
        "tier": "",
        "by": "alice",
    }
    text, now = canonical({**said, "attempt": 1, "text": "y" * 2000}), time.time()
    with closing(sqlite3.connect(folder / "handrail.db")) as store, store:
        newest = "SELECT number, hash FROM evidence ORDER BY number DESC LIMIT 1"
        last, previous = store.execute(newest).fetchone()
        for number in range(last + 1, last + 1 + by):
            link = digest(ROLLOUT, number, instant(now), "decision", text, previous)
            row = (ROLLOUT, number, now, "decision", text, previous, link)
            store.execute("INSERT INTO evidence VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            previous = link
        store.execute("UPDATE evidence_end SET number = ?, hash = ?", (last + by, previous))
    return int(last) + by


def test_nor_by_a_database_that_is_frozen(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    with (
        database(tmp_path / "base") as postgresql,
        receiver(tmp_path, STORE=postgresql.make("shop")) as shop,
    ):
        shop.call("start")
        forget(tmp_path)
        with postgresql.frozen():
            assert shop.deliver().status_code == 503
            assert shop.ask("GET", "/", "viewer").status_code == 503
        shop.until("start", "done")
        waited = longest(tmp_path, by=lambda turn: turn.clock - turn.cpu)
        assert waited.clock < 4, (
            f"{waited.whose} waited {waited.clock:.1f} s of the eight that the database was away"
        )
        never_kept(tmp_path)
