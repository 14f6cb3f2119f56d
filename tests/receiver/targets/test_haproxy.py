"""What a rehearsal finds out about a real HAProxy's balance."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from handrail.contract import HAProxyWeight
from handrail_receiver.errors import Cause
from handrail_receiver.targets.haproxy import HAProxy
from servers import haproxy

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
defaults
  mode http
  timeout connect 1s
  timeout client 1s
  timeout server 1s
"""


@pytest.fixture(scope="module", name="socket")
def _socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("haproxy")
    servers = "  server canary 127.0.0.1:9 weight 10\n  server stable 127.0.0.1:9 weight 90\n"
    backends = (f"backend {name}\n  balance {balance}\n{servers}" for name, balance in BALANCES.items())
    (folder / "haproxy.cfg").write_text(BASE + "".join(backends))
    with haproxy(folder, folder / "haproxy.cfg"):
        yield f"unix:{folder / 'haproxy.sock'}"


async def test_a_static_balance_does_not_take_the_weight_and_the_rehearsal_says_so(socket: str) -> None:
    rehearsal = await HAProxy().rehearse(HAProxyWeight("static/stable", 100, [socket]))
    assert (rehearsal.ready, rehearsal.cause, rehearsal.reason) == (
        False,
        Cause.invalid,
        (
            f"{socket} has `balance static-rr`, which takes no weight at run time but 0 and the initial one: "
            "90 (initial 90); set 100 in its configuration, or use roundrobin"
        ),
    )


@pytest.mark.parametrize(
    ("server", "weight"),
    [("robin/stable", 100), ("static/stable", 90), ("static/canary", 0), ("hashed/canary", 0)],
)
async def test_what_any_balance_takes_is_ready(socket: str, server: str, weight: int) -> None:
    step = HAProxyWeight(server, weight, [socket])
    rehearsal = await HAProxy().rehearse(step)
    assert (rehearsal.ready, rehearsal.reason) == (True, f"1 node(s) know {server}")
    await HAProxy().act(step)
    assert (await HAProxy().read(step)).done


@pytest.mark.parametrize("backend", ["hashed", "consistent"])
async def test_of_a_balance_by_hash_only_the_real_call_tells(socket: str, backend: str) -> None:
    rehearsal = await HAProxy().rehearse(HAProxyWeight(f"{backend}/stable", 100, [socket, socket]))
    assert (rehearsal.ready, rehearsal.reason) == (
        True,
        (
            f"2 node(s) know {backend}/stable; `balance source` takes it only with `hash-type consistent`, which only "
            "the real call tells"
        ),
    )
