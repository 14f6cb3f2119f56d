"""Real servers for tests and for the demo: started on loopback, ready when the block begins, gone when it ends.

    with prometheus(tmp_path, tmp_path / "prometheus.yml") as server:
        httpx.get(f"{server.url}/api/v1/query", params={"query": "up"})

A test that fails shows the end of each server's log.
"""

from .blocks import make_blocks
from .databases import pgbouncer, postgres, postgres_program
from .process import (
    Missing,
    NotReady,
    Server,
    alive,
    end,
    free_address,
    free_port,
    frozen,
    is_running,
    kill,
    lasting,
    program,
    running,
    until,
)
from .programs import (
    PLAIN,
    alertmanager,
    answers,
    application,
    ask_haproxy,
    haproxy,
    haproxy_servers,
    prometheus,
    receiver,
)

__all__ = [
    "PLAIN",
    "Missing",
    "NotReady",
    "Server",
    "alertmanager",
    "alive",
    "answers",
    "application",
    "ask_haproxy",
    "end",
    "free_address",
    "free_port",
    "frozen",
    "haproxy",
    "haproxy_servers",
    "is_running",
    "kill",
    "lasting",
    "make_blocks",
    "pgbouncer",
    "postgres",
    "postgres_program",
    "program",
    "prometheus",
    "receiver",
    "running",
    "until",
]
