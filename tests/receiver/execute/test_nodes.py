"""Two HAProxy nodes behind one step: a failure of one stops nothing on the other."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import servers
from guarded import Guarded, guarded, playbook
from guarded.service import HAPROXY
from handrail.contract import HAProxyWeight


@contextmanager
def pair(folder: Path, **bounds: Any) -> Iterator[tuple[Guarded, dict[str, subprocess.Popen[bytes]]]]:
    """A receiver before two balancers, `a` and `b`, that have the same backend; a start has set 10 and 90."""
    with ExitStack() as stack:
        processes = {}
        for name in ("a", "b"):
            (folder / f"{name}.cfg").write_text(HAPROXY.replace("haproxy.sock", f"{name}.sock"))
            processes[name] = balancer(folder, name)
            stack.callback(end, processes, name)
        sockets = [f"unix:{name}.sock" for name in processes]
        steps = [
            HAProxyWeight("web/canary", 0, sockets, **bounds),
            HAProxyWeight("web/stable", 100, sockets, **bounds),
        ]
        shop = stack.enter_context(guarded(folder, playbook(stages=(), steps=steps), proxy=False))
        servers.until(lambda: shop.status()["attempt"] is not None, "the rollout to be guarded")
        yield shop, processes


def balancer(folder: Path, name: str) -> subprocess.Popen[bytes]:
    """An HAProxy that can be ended and begun again."""
    (folder / f"{name}.sock").unlink(missing_ok=True)
    argv = ["haproxy", "-db", "-f", f"{name}.cfg"]
    with (folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(argv, cwd=folder, stdout=log, stderr=log)
    servers.until((folder / f"{name}.sock").exists, f"HAProxy {name}")
    return process


def end(processes: dict[str, subprocess.Popen[bytes]], name: str) -> None:
    processes[name].kill()
    processes[name].wait()


def weights(shop: Guarded, name: str) -> tuple[int, int]:
    """Canary and stable on one node."""
    table = servers.haproxy_servers(shop.folder / f"{name}.sock")
    return int(table["web/canary"]["weight"]), int(table["web/stable"]["weight"])


def nodes(shop: Guarded) -> list[tuple[str, str, str]]:
    """Node, state and cause of each step of the newest run, as the API shows them."""
    steps = shop.status()["runs"][-1]["steps"]
    return [(step["node"], step["state"], step["cause"]) for step in steps]


def test_a_node_that_is_away_stops_nothing_and_is_rolled_back_when_it_returns(tmp_path: Path) -> None:
    with pair(tmp_path) as (shop, processes):
        end(processes, "a")
        began = time.monotonic()
        shop.deliver()
        servers.until(lambda: weights(shop, "b") == (0, 100), "the node that is there", within=5)
        servers.until(lambda: "unreachable" in str(nodes(shop)), "what is tried again to be shown")
        assert nodes(shop) == [
            ("unix:a.sock", "intended", "unreachable"),
            ("unix:b.sock", "done", None),
            ("unix:a.sock", "intended", "unreachable"),
            ("unix:b.sock", "done", None),
        ]
        time.sleep(max(0.0, began + 6 - time.monotonic()))
        processes["a"] = balancer(tmp_path, "a")
        shop.until("rollback", "done")
        assert (weights(shop, "a"), weights(shop, "b")) == ((0, 100), (0, 100))
        assert shop.runs() == [("rollback", "done")]


def test_a_node_that_hangs_fails_alone_and_its_evidence_says_why(tmp_path: Path) -> None:
    with (
        pair(tmp_path, timeout=1, within=2, tries=1) as (shop, processes),
        servers.frozen(processes["a"].pid),
    ):
        shop.deliver()
        servers.until(lambda: weights(shop, "b") == (0, 100), "the node that answers", within=5)
        shop.until("rollback", "failed")
        assert nodes(shop) == [
            ("unix:a.sock", "failed", "timeout"),
            ("unix:b.sock", "done", None),
            ("unix:a.sock", "failed", "timeout"),
            ("unix:b.sock", "done", None),
        ]
        page = shop.ask("GET", "/rollouts/shop", "viewer").text
        assert "HAProxy web/canary on unix:a.sock: weight 0" in page
        assert "HAProxy web/canary on unix:b.sock: weight 0" in page
        records = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()["records"]
        said = [record["body"] for record in records if record["kind"] == "step"]
        assert any("a.sock" in one and "no answer within 1 s; trying again" in one for one in said)
        assert any("a.sock" in one and '"state":"failed"' in one for one in said)


def test_a_drill_names_the_node_that_does_not_answer(tmp_path: Path) -> None:
    with pair(tmp_path, timeout=1) as (shop, processes), servers.frozen(processes["a"].pid):
        drill = shop.call("drill")
        assert drill["reason"] == "not-ready"
        assert drill["text"].splitlines()[0] == (
            "rollback: unix:a.sock: set weight web/canary 0; unix:b.sock: set weight web/canary 0: "
            "unix:a.sock did not answer within 1 s"
        )
