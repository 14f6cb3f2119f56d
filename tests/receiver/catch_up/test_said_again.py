"""An alert that is delivered while Alertmanager is asked whether it still has it → fires, though it has it no more."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import servers
from apis import Api, Request
from guarded import Guarded, alert, body, guarded
from starlette.responses import JSONResponse, Response

WARNING = body(alert(tier="warning"))


class Behind(Api):
    """An Alertmanager that answers from before it fired again; its delivery of that is decided before its answer.

    It fires since the same instant as before: Prometheus reached it again.
    """

    token = ""
    shop: Guarded | None = None
    asked = 0

    def answer(self, request: Request) -> Response:
        """No alert, after a delivery."""
        if self.shop is not None and request.path.startswith("/api/v2/alerts"):
            self.shop.deliver(WARNING)
            servers.until(lambda: undecided(self.shop) == 0, "the delivery to be decided")
            self.asked += 1
        return JSONResponse([])


def undecided(shop: Guarded | None) -> int:
    assert shop is not None
    with closing(sqlite3.connect(shop.folder / "handrail.db")) as store:
        return int(store.execute("SELECT COUNT(*) FROM inbox WHERE result IS NULL").fetchone()[0])


def test_what_is_delivered_again_word_for_word_during_a_question_still_fires(tmp_path: Path) -> None:
    with Behind() as sender, guarded(tmp_path, ALERTMANAGERS=sender.url, ASK_EVERY="0.1") as shop:
        shop.call("start")
        shop.deliver(WARNING)
        sender.shop = shop
        servers.until(lambda: sender.asked > 4, "questions enough for it to be gone")
        sender.shop = None
        records = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()["records"]
        assert [one["kind"] for one in records if '"gone"' in one["body"]] == []
        evidence = "its resolve was lost"
        servers.until(
            lambda: evidence in shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").text,
            "it to be gone once nobody says it any more",
        )
