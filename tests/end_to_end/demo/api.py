"""The receiver's HTTP interface → what the demo asks of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass(frozen=True)
class Receiver:
    """One receiver, called as an operator."""

    url: str
    token: str = field(repr=False)

    def start(self, rollout: str, why: str = "") -> Any:
        """Begin an attempt; with `why`, although something stands against it."""
        given = {"anyway": True, "why": why} if why else {}
        return self._call("POST", f"/api/rollouts/{rollout}/start", given)

    def rollout(self, rollout: str) -> Any:
        """Where a rollout stands."""
        return self._call("GET", f"/api/rollouts/{rollout}")

    def evidence(self, rollout: str) -> Any:
        """All that is known about a rollout's newest attempt."""
        return self._call("GET", f"/api/rollouts/{rollout}/evidence")

    def _call(self, method: str, path: str, body: object = None) -> Any:
        answer = httpx.request(
            method,
            f"{self.url}{path}",
            headers={"Authorization": f"Bearer {self.token}"},
            json=body,
            timeout=30,
            trust_env=False,
        )
        return answer.raise_for_status().json()
