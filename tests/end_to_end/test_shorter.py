"""A rollout at shortened time is the declared one: its stages are shorter in the same measure, and it calls loopback."""

from __future__ import annotations

from handrail.declare import Check

from .five.compiled import declared
from .five.shorter import moved, shorter


def test_each_time_within_a_stage_is_divided_alike_and_nothing_else_is() -> None:
    as_declared = declared()["mem0-redis"]
    short = shorter(as_declared, 144)
    checks = [[one.at for one in stage.checks if isinstance(one, Check)] for stage in short.stages]
    assert [at[:3] for at in checks] == [["25s", "50s", "1m15s"]] * 3
    assert [(one.bake, one.gate and one.gate.stable_for) for one in short.stages] == [
        ("10m", None),
        ("10m", "10m"),
        ("20m", "20m"),
    ]
    assert short.guardrails == as_declared.guardrails
    assert (short.scrape, short.evaluate, short.checks_while_firing) == ("15s", "30s", "30m")
    assert as_declared.stages[0].bake == "24h"


def test_an_address_is_moved_wherever_it_stands() -> None:
    here = moved(declared()["aurigraph-v12"], {"unix:/run/haproxy/": "unix:"})
    assert here.split is not None
    assert here.split.sockets == ["unix:admin.sock"]
    assert here.stages == declared()["aurigraph-v12"].stages
