"""A chain that was truncated or rewritten with every note of its end → detected, for Prometheus remembers the end."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import servers
from cli.places import Shell
from guarded import TOKENS, Guarded, guarded, warm
from guarded.scraped import samples
from handrail_receiver.errors import WrongSettings
from handrail_receiver.model import HEAD_METRIC, RECORDS_METRIC, head_figure
from handrail_receiver.outside.prometheus_history import Series
from handrail_receiver.store.chain import GENESIS, digest
from handrail_receiver.store_commands.checkpoints import (
    Checkpoint,
    checkpoints_of,
    contradictions,
    remembering,
    unknowns,
)

AT = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
ONE, TWO, OTHER = "1" * 64, "2" * 64, "f" * 64
THEN, CUT = "2026-03-01 03:00:00 UTC, says Prometheus", "its end was cut off, or it was made again"
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
            [f"record 2 of shop was another one {THEN}: the chain was made again"],
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


def test_of_a_chain_that_was_cut_off_the_newest_record_that_was_seen_is_named() -> None:
    seen = [Checkpoint("shop", AT + timedelta(minutes=number), number, 1.0) for number in (3, 5, 9)]
    assert list(contradictions(seen, CHAIN)) == [
        f"the evidence of shop had 9 records 2026-03-01 03:09:00 UTC, says Prometheus, and has 2 now: {CUT}"
    ]


MINUTE = timedelta(minutes=1)
WRITTEN = {"shop": {1: AT, 2: AT + MINUTE, 3: AT + 2 * MINUTE}}


@pytest.mark.parametrize(
    ("number", "after", "said"),
    [
        (3, 60 * MINUTE, []),
        (1, 3 * MINUTE, []),
        (
            1,
            60 * MINUTE,
            [
                (
                    "Prometheus has seen the evidence of shop up to record 1 (2026-03-01 03:00:00 UTC), and the store has 2"
                    " newer ones: nobody can know whether some of those were cut off"
                )
            ],
        ),
        (
            None,
            60 * MINUTE,
            [
                (
                    "Prometheus remembers nothing of the evidence of shop: nobody can know whether it was cut off; name the"
                    " Prometheus that scrapes this receiver, and look whether it does"
                )
            ],
        ),
    ],
)
def test_what_prometheus_has_not_seen_nobody_can_know(
    number: int | None, after: timedelta, said: list[str]
) -> None:
    seen = [Checkpoint("shop", AT, number, 1.0)] if number else []
    assert list(unknowns(seen, WRITTEN, AT + after)) == said


@pytest.mark.parametrize("matching", ["job=shop", 'job="a"} or vector(1', "job", '="a"'])
def test_what_is_no_label_matcher_is_refused(matching: str) -> None:
    with pytest.raises(WrongSettings, match="write label matchers"):
        remembering("http://prometheus:9090", AT, None, matching)
    known = remembering("http://prometheus:9090", AT, None, 'job="handrail",env=~"prod|live"')
    assert known.matching == 'job="handrail",env=~"prod|live"'


def test_a_chain_that_was_cut_off_or_made_anew_is_found_by_what_prometheus_has_scraped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "handrail.db"
    shell = Shell(tmp_path, monkeypatch, capsys)
    with guarded(tmp_path) as shop, servers.prometheus(tmp_path, _config(tmp_path, shop)) as prometheus:

        def ask(store: Path = file, *more: str) -> tuple[int, str, str]:
            given = ("--prometheus", prometheus.url, "--since", "7h", *more)
            return shell.handrail("store", "verify", "--store", f"sqlite:{store}", *given)

        shop.call("start")
        shop.call("hold", why="a look")
        before = _records(shop)
        _until_seen(prometheus.url, before)
        servers.kill(shop.server)
        with warm.receiver(tmp_path, address=shop.env["HANDRAIL_ADDRESS"], env=shop.env):
            shop.call("resume", why="it is well")
            number = _records(shop)
            _until_seen(prometheus.url, number)
            assert number > before
            code, out, err = ask()
            assert (code, err, f"up to record {number}" in out) == (0, "", True)
            assert ask(file, "--matching", 'job="another"')[0] == 3
        for change in (_cut, _made_anew):
            change(copied := _copy(file, tmp_path / f"{change.__name__}.db"))
            assert shell.handrail("store", "verify", "--store", f"sqlite:{copied}")[0] == 0
        code, _, err = ask(tmp_path / "_cut.db")
        assert (code, f"the evidence of shop had {number} records" in err) == (1, True)
        assert f"and has {number - 1} now: its end was cut off, or it was made again" in err
        code, _, err = ask(tmp_path / "_made_anew.db")
        assert (code, f"record {before} of shop was another one" in err) == (1, True)
    code, out, err = ask()
    assert (code, "whole" in out) == (3, True)
    assert err.startswith(
        "handrail: unknown: nobody can know whether a chain was cut off or made again: http"
    )


def _records(shop: Guarded) -> int:
    return len(shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()["records"])


def _until_seen(url: str, number: int) -> None:
    servers.until(lambda: _seen(url) == number, "Prometheus to have seen the end of the chain")


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


END = "UPDATE evidence_end SET (number, hash) = (SELECT number, hash FROM evidence ORDER BY number DESC LIMIT 1)"


def _copy(file: Path, copy: Path) -> Path:
    """The store as it is, without the triggers that hold who may not write to it."""
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        for (name,) in target.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            target.execute(f"DROP TRIGGER {name}")
        target.commit()
    return copy


def _cut(file: Path) -> None:
    """What somebody does who may write to the database: the last record is gone, and everything that notes it."""
    with closing(sqlite3.connect(file)) as database:
        database.execute("DELETE FROM evidence WHERE number = (SELECT MAX(number) FROM evidence)")
        database.execute(END)
        database.commit()


def _made_anew(file: Path) -> None:
    """The same: another reason in the record of the hold, and all hashes from there on."""
    with closing(sqlite3.connect(file)) as database:
        previous = GENESIS
        rows = database.execute("SELECT number, at, kind, body FROM evidence ORDER BY number").fetchall()
        for number, at, kind, body in rows:
            other = body.replace("a look", "a break")
            hashed = digest("shop", number, datetime.fromtimestamp(at, UTC), kind, other, previous)
            database.execute(
                "UPDATE evidence SET body = ?, previous = ?, hash = ? WHERE number = ?",
                (other, previous, hashed, number),
            )
            previous = hashed
        database.execute(END)
        database.commit()
