"""A declared load burst in a real receiver: made once at its moment, stopped with its attempt, interrupted by a restart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import servers
from apis.serving import Api, Request
from guarded import Guarded, guarded, load_burst, playbook
from handrail.contract import BurstFacts
from starlette.responses import PlainTextResponse, Response


class Memory(Api):
    """The service that gets the load."""

    def answer(self, request: Request) -> Response:  # noqa: ARG002
        return PlainTextResponse("a note")


@pytest.fixture
def memory() -> Iterator[Memory]:
    with Memory() as api:
        yield api


def burst(memory: Memory, **more: Any) -> BurstFacts:
    return load_burst(
        **{"name": "T+5", "url": f"{memory.url}/query", "users": 2, "timeout": 2, "within": 30, **more}
    )


def records(shop: Guarded, kind: str) -> list[dict[str, Any]]:
    found = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()["records"]
    return [json.loads(one["body"]) for one in found if one["kind"] == kind]


def made(shop: Guarded) -> dict[str, Any]:
    servers.until(lambda: bool(records(shop, "burst")), "the burst to be recorded")
    (only,) = records(shop, "burst")
    return only


def test_it_is_made_once_at_its_moment_and_kept(tmp_path: Path, memory: Memory) -> None:
    with guarded(tmp_path, playbook(bursts=(burst(memory), burst(memory, at=3600, name="later")))) as shop:
        shop.call("start")
        said = made(shop)
        assert (said["burst"], said["ended"], said["sent"], said["failed"], said["ok"]) == (
            "T+5",
            "done",
            10,
            0,
            True,
        )
        assert said["seconds"]["count"] == 10
        assert [one["reason"] for one in records(shop, "decision")].count("load-burst") == 1
        assert len(memory.requests) == 10


def test_a_rollback_stops_it_and_it_begins_in_no_other_state(tmp_path: Path, memory: Memory) -> None:
    slow = burst(memory, requests=1000, pause=0.05)
    with guarded(tmp_path, playbook(bursts=(slow,))) as shop:
        shop.call("start")
        servers.until(lambda: len(memory.requests) > 5, "the burst to begin")
        shop.call("rollback", why="a test")
        said = made(shop)
        assert (said["ended"], said["why"], said["ok"]) == (
            "stopped",
            "its attempt does not go forward any more",
            False,
        )
        assert 5 < said["sent"] < 1000
        missing = shop.ask("GET", "/api/rollouts/shop/bundle", "viewer").json()["missing"]
        assert [one for one in missing if "load burst" in one] == []


def test_a_restart_interrupts_it_and_it_is_not_repeated(tmp_path: Path, memory: Memory) -> None:
    slow = playbook(bursts=(burst(memory, requests=1000, pause=0.05),))
    with guarded(tmp_path, slow) as shop:
        shop.call("start")
        servers.until(lambda: len(memory.requests) > 5, "the burst to begin")
    sent = len(memory.requests)
    with guarded(tmp_path, slow) as shop:
        said = made(shop)
        assert (said["ended"], said["why"]) == ("interrupted", "the receiver was stopped; it is not repeated")
        assert [one["reason"] for one in records(shop, "decision")].count("load-burst") == 1
        assert len(memory.requests) == sent
