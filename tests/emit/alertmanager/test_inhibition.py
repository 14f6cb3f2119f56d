"""Rollouts with every gap in their routes → what a real Alertmanager mutes: never the only alert that somebody would get."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

import httpx
import pytest
from handrail.contract import ActionName
from handrail.declare import (
    Above,
    Arms,
    Command,
    Critical,
    Emergency,
    Environment,
    Gauge,
    Guardrail,
    Is,
    Level,
    On,
    PromQL,
    Ratio,
    Rollout,
    SlackReceiver,
    Slo,
    Stage,
    State,
    Warning,
)
from handrail.emit import alertmanager as emitter
from handrail.lower import lower
from servers import PLAIN, Server, alertmanager, program
from servers.newer import newer

VERSIONS = pytest.mark.parametrize(
    "binary", [program("prometheus-alertmanager"), newer("prometheus-alertmanager")], ids=["0.25", "newer"]
)
TIERS = ("warning", "critical", "emergency")
PAIRS = list(combinations(TIERS, 2))
UNDO = [Command(["undo"], read=["undone"])]
TEAM, MANAGERS = (SlackReceiver(f"#{name}", f"/etc/{name}") for name in ("team", "managers"))
Labels = Mapping[str, str]


ERRORS = Ratio(bad='requests_total{status=~"5.."}', of="requests_total")
KINDS: Mapping[str, type[Warning | Critical | Emergency]] = {
    "warning": Warning,
    "critical": Critical,
    "emergency": Emergency,
}


def tiers(which: Sequence[str], *actions: ActionName) -> list[Warning | Critical | Emergency]:
    """A tier of each of these words, which asks to investigate unless told otherwise."""
    asked: Sequence[ActionName] = actions or ["investigate"] * len(which)
    return [
        KINDS[tier](Above(limit), action=action)
        for limit, (tier, action) in enumerate(zip(which, asked, strict=True), 1)
    ]


def errors(name: str, which: Sequence[str], *actions: ActionName) -> Guardrail:
    return Guardrail(name, Gauge("errors"), tiers=tiers(which, *actions))


def shop(name: str, *guardrails: Guardrail, routed: Sequence[str]) -> Rollout:
    """A rollout that tells the team of the tiers in `routed`."""
    routes = {tier: [TEAM] for tier in routed}
    return Rollout(name, "shop", guardrails=guardrails, routes=routes, rollback=UNDO)


def alert(rollout: str, guardrail: str, tier: str, action: str = "investigate", **more: str) -> Labels:
    own = {"rollout": rollout, "service": "shop", "guardrail": guardrail, "tier": tier, "severity": tier}
    return {"alertname": f"{rollout}/{guardrail}/{tier}", **own, "action": action, **more}


@contextmanager
def running(
    folder: Path, binary: Path, rollouts: Iterable[Rollout], environment: Environment | None = None
) -> Iterator[Server]:
    """Alertmanager with the configuration of these rollouts; nobody is there who could be told."""
    place = environment or Environment("here", receiver="http://127.0.0.1:9")
    for path, text in emitter.emit(lower(list(rollouts), place).common).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    with alertmanager(folder, folder / "alertmanager/alertmanager.yml", binary=binary) as server:
        yield server


def muted(server: Server, alerts: Sequence[Labels], expected: list[str]) -> list[str]:
    """Fires the alerts → the names of those that are muted, asked until they are `expected` or it is too late."""
    ends = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    body = [{"labels": dict(labels), "endsAt": ends} for labels in alerts]
    httpx.post(f"{server.url}/api/v2/alerts", json=body, trust_env=False, verify=PLAIN).raise_for_status()
    deadline = time.monotonic() + 10
    while (found := _suppressed(server, len(alerts))) != sorted(expected) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def _suppressed(server: Server, fired: int) -> list[str]:
    known = httpx.get(f"{server.url}/api/v2/alerts", trust_env=False, verify=PLAIN).json()
    if len(known) < fired:
        return ["not all of them are known yet"]
    return sorted(one["labels"]["alertname"] for one in known if one["status"]["state"] == "suppressed")


@VERSIONS
def test_for_every_pair_of_tiers_and_every_gap_in_the_routes_people_miss_nothing(
    binary: Path, tmp_path: Path
) -> None:
    """One rollout for each way to tell the team of some tiers, one guardrail for each pair of tiers."""
    told = {
        "-".join(["told", *routed]): routed for number in range(4) for routed in combinations(TIERS, number)
    }
    rollouts = [
        shop(
            name, *(errors(f"{milder}-{graver}", (milder, graver)) for milder, graver in PAIRS), routed=routed
        )
        for name, routed in told.items()
    ]
    fired = [
        alert(name, f"{milder}-{graver}", tier)
        for name in told
        for milder, graver in PAIRS
        for tier in (milder, graver)
    ]
    expected = [
        f"{name}/{milder}-{graver}/{milder}"
        for name, routed in told.items()
        for milder, graver in PAIRS
        if milder not in routed or graver in routed
    ]
    assert (len(fired), len(expected)) == (48, 18)
    with running(tmp_path, binary, rollouts) as server:
        assert muted(server, fired, expected) == sorted(expected)


@VERSIONS
def test_an_environment_s_routes_decide_and_each_of_those_told_must_hear(
    binary: Path, tmp_path: Path
) -> None:
    routes = {"warning": [TEAM], "critical": [TEAM, MANAGERS], "emergency": []}
    place = Environment("here", receiver="http://127.0.0.1:9", routes=routes)
    fired = [alert("shop", "errors", tier) for tier in TIERS] + [
        alert("shop", "latency", tier) for tier in ("critical", "warning")
    ]
    rollout = shop("shop", errors("errors", TIERS), errors("latency", TIERS[:2]), routed=TIERS)
    with running(tmp_path, binary, [rollout], place) as server:
        # The emergency is told to nobody, the critical one to the warning's team as well.
        expected = ["shop/errors/warning", "shop/latency/warning"]
        assert muted(server, fired, expected) == expected


@VERSIONS
def test_only_the_same_series_is_muted_and_only_by_what_makes_up_for_it(binary: Path, tmp_path: Path) -> None:
    rollout = Rollout(
        "shop",
        "shop",
        arms=Arms("track", canary="canary", stable="stable"),
        stages=[Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%")],
        escalation=[Level("vp", "30m", "the VP")],
        rollback=UNDO,
        slos=[Slo("orders", ERRORS, objective="99.9%")],
        guardrails=[
            errors("errors", TIERS, "investigate", "rollback", "emergency-rollback"),
            errors("disk", TIERS, "rollback", "hold", "investigate"),
            Guardrail("tried", ERRORS, mode="shadow", tiers=tiers(TIERS)),
            Guardrail(
                "pool", Gauge("in_use", by=["pool"]), tiers=tiers(TIERS, "investigate", "hold", "rollback")
            ),
            Guardrail(
                "lag",
                Gauge("lag", by=["topic"]),
                tiers=[
                    Warning(Above(1)),
                    Critical(Above(2), or_=[On("size", Gauge("size", by=["pool"]), Above(3))]),
                ],
            ),
            Guardrail("state", State("up", "status"), tiers=[Warning(Is("slow")), Critical(Is("down"))]),
            Guardrail("own", PromQL("in_use / size"), tiers=tiers(TIERS)),
            Guardrail("whole", PromQL("sum(in_use) / sum(size)"), tiers=tiers(TIERS)),
            Guardrail("each", PromQL("max by (pool) (in_use)"), tiers=tiers(TIERS)),
        ],
    )
    fired = [
        alert("shop", "errors", "emergency", "emergency-rollback", track="canary"),
        alert("shop", "errors", "critical", "rollback", track="canary"),
        alert("shop", "errors", "warning", track="canary"),
        alert("shop", "errors", "blind", "hold", severity="critical", reason="its metrics are missing"),
        alert("shop", "errors", "critical", level="vp", alertname="level"),
        alert("kiosk", "errors", "critical", "rollback", track="canary"),
        alert("shop", "disk", "emergency", "investigate"),
        alert("shop", "disk", "critical", "hold"),
        alert("shop", "disk", "warning", "rollback"),
        alert("shop", "tried", "emergency", mode="shadow"),
        alert("shop", "tried", "critical", mode="shadow"),
        alert("shop", "pool", "emergency", "rollback", pool="a"),
        alert("shop", "pool", "critical", "hold", pool="b"),
        alert("shop", "pool", "warning", pool="b"),
        alert("shop", "pool", "warning", pool="a", alertname="shop/pool/warning of a"),
        alert("shop", "lag", "critical", topic="orders"),
        alert("shop", "lag", "critical", pool="a", alertname="shop/lag/critical of a pool"),
        alert("shop", "lag", "warning", topic="orders"),
        alert("shop", "lag", "warning", topic="mails", alertname="shop/lag/warning of mails"),
        alert("shop", "state", "critical", status="down"),
        alert("shop", "state", "warning", status="slow"),
        alert("shop", "own", "emergency", host="one"),
        alert("shop", "own", "warning", host="two"),
        alert("shop", "whole", "emergency"),
        alert("shop", "whole", "warning"),
        alert("shop", "each", "critical", pool="a"),
        alert("shop", "each", "warning", pool="a"),
        alert("shop", "each", "warning", pool="b", alertname="shop/each/warning of b"),
        alert("shop", "slo-orders", "critical", slo="orders", window="1h"),
        alert("shop", "slo-orders", "warning", slo="orders", window="1d"),
        alert("shop", "slo-orders", "blind", "hold", severity="warning"),
        {"alertname": "foreign", "tier": "emergency", "action": "rollback", "severity": "emergency"},
        {"alertname": "another foreign", "tier": "critical", "action": "rollback", "severity": "critical"},
    ]
    expected = [
        "shop/each/warning",
        "shop/errors/critical",
        "shop/errors/warning",
        "shop/lag/warning",
        "shop/pool/warning",
        "shop/pool/warning of a",
        "shop/slo-orders/warning",
        "shop/whole/warning",
    ]
    with running(tmp_path, binary, [rollout]) as server:
        assert muted(server, fired, expected) == expected
