"""A chain that was cut off or made anew, with all that notes its end → Prometheus remembers it."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import servers
from cli.places import Shell
from guarded import TOKENS, Guarded, guarded
from guarded.scraped import samples
from handrail_receiver.inspection.checkpoints import Checkpoint, checkpoints_of, contradictions
from handrail_receiver.model import HEAD_METRIC, RECORDS_METRIC, head_figure
from handrail_receiver.outside.prometheus_history import Series

AT = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
ONE, TWO, OTHER = "1" * 64, "2" * 64, "f" * 64
THEN, CUT = "2026-03-01 03:00:00 UTC, says Prometheus", "its end was cut off, or it was made anew"
CHAIN = {"shop": {1: ONE, 2: TWO}}


def scraped(metric: str, *values: float) -> Series:
    points = tuple((AT.timestamp() + 15 * place, f"{value:.17g}") for place, value in enumerate(values))
    return Series({"__name__": metric, "rollout": "shop", "instance": "a"}, points)


def test_number_and_hash_that_were_scraped_together_are_a_checkpoint_once() -> None:
    ends = [head_figure(ONE), head_figure(ONE), head_figure(TWO)]
    found = checkpoints_of([scraped(HEAD_METRIC, *ends), scraped(RECORDS_METRIC, 1, 1, 2)])
    assert found == [
        Checkpoint("shop", AT, 1, head_figure(ONE)),
        Checkpoint("shop", AT + timedelta(seconds=30), 2, head_figure(TWO)),
    ]


def test_a_chain_without_records_is_no_checkpoint() -> None:
    assert checkpoints_of([scraped(HEAD_METRIC, 0), scraped(RECORDS_METRIC, 0)]) == []


@pytest.mark.parametrize(
    ("number", "hashed", "chains", "said"),
    [
        (2, TWO, CHAIN, []),
        (1, ONE, CHAIN, []),
        (
            3,
            OTHER,
            CHAIN,
            [f"the evidence of shop had 3 records {THEN}, and has 2 now: {CUT}"],
        ),
        (
            2,
            OTHER,
            CHAIN,
            [f"record 2 of shop was another one {THEN}: the chain was made anew"],
        ),
        (
            1,
            ONE,
            {},
            [f"the evidence of shop had 1 records {THEN}, and has 0 now: {CUT}"],
        ),
    ],
)
def test_what_the_store_has_otherwise_is_said_once(
    number: int, hashed: str, chains: dict[str, dict[int, str]], said: list[str]
) -> None:
    seen = Checkpoint("shop", AT, number, head_figure(hashed))
    assert list(contradictions([seen, seen], chains)) == said


def test_a_cut_chain_is_found_by_what_prometheus_has_scraped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = f"sqlite:{tmp_path / 'handrail.db'}"
    shell = Shell(tmp_path, monkeypatch, capsys)
    with guarded(tmp_path) as shop, servers.prometheus(tmp_path, _config(tmp_path, shop)) as prometheus:
        shop.call("start")
        shop.call("hold", why="a look")
        ask = ("store", "verify", "--store", store, "--prometheus", prometheus.url, "--since", "1h")
        number = len(shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()["records"])
        servers.until(lambda: _seen(prometheus.url) == number, "Prometheus to have seen the end of the chain")
        code, _, err = shell.handrail(*ask)
        assert (code, err) == (0, "")
        time.sleep(1.1)  # so far apart Prometheus is asked
        _cut(tmp_path / "handrail.db")
        assert shell.handrail("store", "verify", "--store", store)[0] == 0
        code, _, err = shell.handrail(*ask)
    assert code == 1
    assert f"the evidence of shop had {number} records" in err
    assert f"and has {number - 1} now: its end was cut off, or it was made anew" in err


def _config(folder: Path, shop: Guarded) -> Path:
    path = folder / "prometheus.yml"
    job = {
        "job_name": "handrail-receiver",
        "scrape_interval": "250ms",
        "scrape_timeout": "250ms",
        "authorization": {"credentials": TOKENS["viewer"]},
        "static_configs": [{"targets": [shop.server.url.removeprefix("http://")]}],
    }
    path.write_text(json.dumps({"scrape_configs": [job]}))
    return path


def _seen(url: str) -> int:
    found = samples(url, RECORDS_METRIC)
    return int(float(found[0]["value"][1])) if found else 0


def _cut(file: Path) -> None:
    """What somebody does who may write to the database: the last record is gone, and everything that notes it."""
    with closing(sqlite3.connect(file)) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("DELETE FROM evidence WHERE number = (SELECT MAX(number) FROM evidence)")
        database.execute(
            "UPDATE evidence_end SET (number, hash) = (SELECT number, hash FROM evidence ORDER BY number DESC LIMIT 1)"
        )
        database.commit()
