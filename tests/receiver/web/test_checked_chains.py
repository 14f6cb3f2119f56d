"""A long chain of evidence: read in pages, and checked as a whole for each of them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from guarded import NOW, ROLLOUT, Guarded, guarded
from handrail_receiver.store import open_store

MANY = 620


@pytest.fixture(scope="module", name="shop")
def _shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A receiver with MANY records, more than are read at once."""
    folder = tmp_path_factory.mktemp("shop")
    asyncio.run(recorded(f"sqlite:{folder / 'handrail.db'}"))
    with guarded(folder, proxy=False) as shop:
        yield shop


async def recorded(url: str) -> None:
    """MANY records, which are committed together."""
    store = open_store(url, 5)
    store.engine.start()
    notes = ({"text": f"note {number}"} for number in range(MANY))
    await asyncio.gather(*(store.evidence.append(ROLLOUT, "note", note, NOW) for note in notes))
    await store.engine.close()


def page(shop: Guarded, **query: object) -> dict[str, Any]:
    answer = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer", params=query)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def numbers(found: dict[str, Any]) -> list[int]:
    return [record["number"] for record in found["records"]]


def test_the_pages_are_the_chain(shop: Guarded) -> None:
    walked: list[int] = []
    after: int | None = 0
    while after is not None:
        found = page(shop, after=after, limit=300)
        walked += numbers(found)
        after = found["next"]
    assert walked == numbers(page(shop)) == list(range(1, MANY + 1))
    assert (page(shop)["next"], numbers(page(shop, after=MANY)), page(shop, after=MANY)["next"]) == (
        None,
        [],
        None,
    )
    assert [page(shop, limit=limit)["next"] for limit in (250, MANY - 1, MANY)] == [250, MANY - 1, None]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"limit": 0}, "limit: Input should be greater than or equal to 1"),
        ({"limit": 2001}, "limit: Input should be less than or equal to 2000"),
        ({"after": -1}, "after: Input should be greater than or equal to 0"),
        ({"after": "x"}, "after: Input should be a valid integer, unable to parse string as an integer"),
        ({"page": 2}, "page: Extra inputs are not permitted"),
    ],
)
def test_what_cannot_be_meant_is_refused(shop: Guarded, query: dict[str, object], said: str) -> None:
    answer = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer", params=query)
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": f"{said}; give after= (a record's number) and limit=, or neither"},
    )


def test_every_page_says_whether_all_of_it_is_whole(shop: Guarded) -> None:
    assert [page(shop, after=after, limit=10)["whole"] for after in (0, 300, 610)] == [True] * 3
    with closing(sqlite3.connect(shop.folder / "handrail.db", isolation_level=None)) as by_hand:
        by_hand.execute("DROP TRIGGER evidence_is_not_removed")
        by_hand.execute("DELETE FROM evidence WHERE number = 400")
    found = [page(shop, after=after, limit=10) for after in (0, 300, 610)]
    assert [(one["whole"], one["first_broken"]) for one in found] == [(False, 400)] * 3
