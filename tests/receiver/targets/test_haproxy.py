"""What is found out about a real HAProxy before and while it is acted on."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from handrail.contract import HAProxyState, HAProxyWeight
from handrail_receiver.errors import Cause, Retryable
from handrail_receiver.ports import Reading
from handrail_receiver.targets import haproxy as module
from handrail_receiver.targets.haproxy import HAProxy
from servers import ask_haproxy, haproxy, until

pytestmark = pytest.mark.anyio
BALANCES = {
    "robin": "roundrobin",
    "static": "static-rr",
    "hashed": "source",
    "consistent": "source\n  hash-type consistent",
}
BASE = """
global
  stats socket unix@haproxy.sock level admin
  httpclient.ssl.verify none
defaults
  mode http
  timeout connect 1s
  timeout client 1s
  timeout server 1s
"""
CHECKED = """
backend agents
  server canary 127.0.0.1:9 weight 10 agent-check agent-port 1 agent-inter 1s
  server stable 127.0.0.1:9 weight 90
backend away
  server canary 127.0.0.1:9 weight 10
  server stable 127.0.0.1:9 weight 90
backend down
  server canary 127.0.0.1:9 weight 10
  server stable 127.0.0.1:9 weight 90 check inter 20ms fall 1
"""


@pytest.fixture(scope="module", name="socket")
def _socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("haproxy")
    servers = "  server canary 127.0.0.1:9 weight 10\n  server stable 127.0.0.1:9 weight 90\n"
    backends = (f"backend {name}\n  balance {balance}\n{servers}" for name, balance in BALANCES.items())
    (folder / "haproxy.cfg").write_text(BASE + "".join(backends) + CHECKED)
    with haproxy(folder, folder / "haproxy.cfg"):
        until(lambda: "stable 127.0.0.1 0 " in _asked(folder, "show servers state down"), "stable to be DOWN")
        yield f"unix:{folder / 'haproxy.sock'}"


def _asked(folder: Path, command: str) -> str:
    return ask_haproxy(folder / "haproxy.sock", command)


@pytest.mark.parametrize(("backend", "algorithm"), [("static", "static-rr"), ("hashed", "source")])
async def test_a_static_balance_does_not_take_the_weight_and_the_rehearsal_says_so(
    socket: str, backend: str, algorithm: str
) -> None:
    rehearsal = await HAProxy().rehearse(HAProxyWeight(f"{backend}/stable", 100, [socket]))
    assert (rehearsal.ready, rehearsal.cause, rehearsal.reason) == (
        False,
        Cause.invalid,
        (
            f"{socket} has a static balance in {backend} ({algorithm}), which takes no weight at run time but 0 and "
            "the initial 90; set 100 in its configuration, or use roundrobin or `hash-type consistent`"
        ),
    )


@pytest.mark.parametrize(
    ("server", "weight"),
    [
        ("robin/stable", 100),
        ("consistent/stable", 100),
        ("static/stable", 90),
        ("static/canary", 0),
        ("hashed/canary", 0),
    ],
)
async def test_what_any_balance_takes_is_ready(socket: str, server: str, weight: int) -> None:
    step = HAProxyWeight(server, weight, [socket])
    rehearsal = await HAProxy().rehearse(step)
    assert (rehearsal.ready, rehearsal.reason) == (True, f"{server} is there")
    await HAProxy().act(step)
    assert (await HAProxy().read(step)).done


@pytest.mark.parametrize(
    ("server", "ready"), [("static/stable", False), ("hashed/stable", True), ("robin/stable", True)]
)
async def test_a_haproxy_that_cannot_be_asked_for_its_balance_is_judged_by_the_algorithm_s_name(
    socket: str, server: str, ready: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = module.ask

    async def before_2_6(socket: str, command: str, seconds: float) -> str:
        if command.startswith("add server"):
            return "This command is restricted to experimental mode only.\n"
        return await real(socket, command, seconds)

    monkeypatch.setattr(module, "ask", before_2_6)
    rehearsal = await HAProxy().rehearse(HAProxyWeight(server, 80, [socket]))
    unsure = "only the real call tells" in rehearsal.reason
    assert (rehearsal.ready, unsure) == (ready, server == "hashed/stable")


async def test_a_weight_that_an_agent_sets_again_is_not_ready_and_maint_is(socket: str) -> None:
    weight = await HAProxy().rehearse(HAProxyWeight("agents/canary", 0, [socket]))
    maint = await HAProxy().rehearse(HAProxyState("agents/canary", "maint", [socket]))
    drain = await HAProxy().rehearse(HAProxyState("agents/canary", "drain", [socket]))
    said = (
        "agents/canary has an agent-check, which sets its weight and state again at each answer; use HAProxyState "
        "with maint, or end it (`disable agent agents/canary`)"
    )
    assert (weight.ready, weight.cause, weight.reason) == (False, Cause.conflict, f"{socket}: {said}")
    assert (maint.ready, maint.warning) == (True, "")
    assert (drain.ready, drain.warning) == (True, f"{socket}: {said}")


async def test_a_server_that_takes_nothing_is_told_before_it_is_given_the_traffic(socket: str) -> None:
    back, out = HAProxyWeight("down/stable", 90, [socket]), HAProxyWeight("down/canary", 0, [socket])
    useless = f"{socket}: down/stable is DOWN: it takes no traffic, whatever its weight"
    nobody = f"{socket}: no other server of down takes traffic: stable is DOWN"
    rehearsals = [await HAProxy().rehearse(step) for step in (back, out)]
    assert [(one.ready, one.reason, one.warning) for one in rehearsals] == [
        (True, f"down/stable is there; {useless}", useless),
        (True, f"down/canary is there; {nobody}", nobody),
    ]
    assert [await HAProxy().read(step) for step in (back, out)] == [
        Reading(True, f"HAProxy down/stable on {socket}: weight 90 (DOWN)", useless),
        Reading(False, f"HAProxy down/canary on {socket}: weight 10", nobody),
    ]


@pytest.mark.parametrize("state", ["maint", "drain"])
async def test_a_step_that_brings_a_server_back_is_not_warned_of_what_it_ends(
    socket: str, state: str
) -> None:
    away, back = (HAProxyState("away/stable", one, [socket]) for one in (state, "ready"))  # type: ignore[arg-type]
    await HAProxy().act(away)
    weight = await HAProxy().read(HAProxyWeight("away/stable", 90, [socket]))
    assert (await HAProxy().read(back)).warning == ""
    assert weight.found == f"HAProxy away/stable on {socket}: weight 90 ({state.upper()})"
    await HAProxy().act(back)
    assert (await HAProxy().read(back)).done


async def test_what_is_wrong_with_one_node_does_not_hide_what_is_wrong_with_another(socket: str) -> None:
    gone = "unix:/nothing/haproxy.sock"
    rehearsal = await HAProxy().rehearse(HAProxyWeight("agents/canary", 0, [gone, socket]))
    assert [part.partition(": ")[0] for part in rehearsal.reason.split("; ")][:2] == [
        f"{gone} cannot be reached",
        socket,
    ]


@pytest.fixture(name="large")
def _large(tmp_path: Path) -> Iterator[Path]:
    """A backend whose state is 42 KB."""
    (tmp_path / "haproxy.cfg").write_text(
        f"{BASE}backend web\n  server-template app- 1-600 127.0.0.1:9 weight 10\n"
    )
    with haproxy(tmp_path, tmp_path / "haproxy.cfg"):
        yield tmp_path


async def test_a_long_answer_is_read_to_its_end(large: Path) -> None:
    step = HAProxyState("web/app-600", "maint", [f"unix:{large / 'haproxy.sock'}"])
    found = [(await HAProxy().read(step)).found for _ in range(5)]
    assert found == [f"HAProxy web/app-600 on {step.sockets[0]}: ready"] * 5


@pytest.mark.parametrize("kept", [0, 1, 20000, -1])
async def test_an_answer_that_breaks_off_is_no_answer(large: Path, tmp_path: Path, kept: int) -> None:
    whole = f"{_asked(large, 'show servers state web')}\n\n".encode()

    class Broken(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            self.wfile.write(whole[:kept])

    with socketserver.ThreadingUnixStreamServer(str(tmp_path / "broken.sock"), Broken) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        with pytest.raises(Retryable) as raised:
            await HAProxy().read(HAProxyState("web/app-600", "maint", [f"unix:{tmp_path / 'broken.sock'}"]))
        server.shutdown()
    assert raised.value.cause == Cause.broken
