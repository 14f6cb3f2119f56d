"""The page that a person sends while Handrail is down is one that PagerDuty takes."""

from __future__ import annotations

import json
import subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from handrail.contract import PagerDuty, Secret
from handrail.emit.runbooks.byhand import page_by_hand


def test_it_sends_an_event_with_the_key_in_the_variable() -> None:
    sent: list[tuple[str, object]] = []

    class Takes(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sent.append((f"{self.path} {self.headers['Content-Type']}", json.loads(body)))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Takes) as server:
        Thread(target=server.handle_request, daemon=True).start()
        pagerduty = PagerDuty(Secret("SECURITY_KEY"), url=f"http://127.0.0.1:{server.server_port}")
        line = page_by_hand(pagerduty, "relay-r1")
        subprocess.run(["bash", "-c", line], env={"PATH": "/usr/bin:/bin", "SECURITY_KEY": "R0"}, check=True)
    assert sent == [
        (
            "/v2/enqueue application/json",
            {
                "routing_key": "R0",
                "event_action": "trigger",
                "payload": {
                    "summary": "relay-r1: Handrail is down, see its runbook",
                    "source": "relay-r1",
                    "severity": "critical",
                },
            },
        )
    ]


def test_without_the_key_nothing_is_sent() -> None:
    line = page_by_hand(PagerDuty(Secret("SECURITY_KEY"), url="http://127.0.0.1:1"), "relay-r1")
    done = subprocess.run(
        ["bash", "-c", line], env={"PATH": "/usr/bin:/bin"}, check=False, capture_output=True, text=True
    )
    assert (done.returncode, "SECURITY_KEY" in done.stderr) == (127, True)
