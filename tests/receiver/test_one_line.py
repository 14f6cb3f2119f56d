"""A decision that says several lines → one line in a table, in a postmortem and in the log."""

from __future__ import annotations

from pathlib import Path

import servers
from guarded import alert, body, guarded
from typed import typed

LOGGED = "INFO handrail: Alertmanager: note (heartbeat) the heartbeat arrived\n"


def test_what_a_drill_says_takes_one_line_and_a_heartbeat_is_of_alertmanager(tmp_path: Path) -> None:
    with guarded(tmp_path) as shop:
        shop.call("start")
        drill = shop.call("drill")["text"]
        shop.deliver(body(alert("heartbeat", "heartbeat", alertname="HandrailHeartbeat", severity="none")))
        servers.until(lambda: LOGGED in (tmp_path / "receiver.log").read_text(), "the heartbeat", within=30)
        shop.call("rollback", why="a test")
        shop.until("rollback", "done")
        (incident,) = shop.ask("GET", "/api/rollouts/shop/incidents", "viewer").json()["incidents"]
        path = f"/api/rollouts/shop/incidents/{incident['id']}/postmortem"
        postmortem = shop.ask("GET", path, "viewer").text
        evidence = typed("store", "evidence", "--store", f"sqlite:{tmp_path / 'handrail.db'}").stdout
    one_line = "; ".join(drill.splitlines())
    assert len(drill.splitlines()) > 1
    assert [line.endswith(f"{one_line} (asked by operator-1)") for line in evidence.splitlines()].count(
        True
    ) == 1
    assert one_line in postmortem
