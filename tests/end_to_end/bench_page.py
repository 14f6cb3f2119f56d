"""200 rollouts with 20 guardrails each, and a Prometheus that knows them all → how long the pages take."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from apis.serving import Api, Request
from guarded import Guarded, guarded, playbook
from guarded.playbook import ENVIRONMENT, tier, weights, write_playbook
from guarded.recorded import limit
from handrail.contract import GuardrailFacts, Playbook, StageFacts, names
from handrail_receiver.model import Begin, Decision, History, Verdict
from handrail_receiver.store import open_store
from starlette.responses import Response

ROLLOUTS, GUARDRAILS = 200, 20
TIMES = 9
QUIET, LONGEST = 0.1, 120
"""The part of a processor that the receiver has at most when it has seen to what begins, and how many seconds that may take."""
WITHIN = {"the first page": 200, "a rollout's page": 500}
"""What is promised, in milliseconds."""


class Known(Api):
    """Answers as a Prometheus that has two arms and two hours of every guardrail."""

    def answer(self, request: Request) -> Response:
        """Instant or range: the same series."""
        now = time.time()
        if "query_range" in request.path:
            points = [[now - 7200 + 48 * place, "0.004"] for place in range(150)]
            found = [{"metric": one, "values": points} for one in _series() if one["__name__"] == names.VALUE]
            data = {"resultType": "matrix", "result": found}
        else:
            data = {
                "resultType": "vector",
                "result": [{"metric": one, "value": [now, "0.004"]} for one in _series()],
            }
        return Response(json.dumps({"status": "success", "data": data}), media_type="application/json")


def _series() -> list[dict[str, str]]:
    found = []
    for number in range(GUARDRAILS):
        own = {"rollout": "shop-0", "guardrail": f"guardrail-{number}"}
        found.append({"__name__": names.INFO, "unit": "ratio", **own})
        found += [
            {"__name__": name, "track": arm, **own}
            for name in (names.VALUE, names.EVENTS)
            for arm in (names.CANARY, names.STABLE)
        ]
    return found


def _books() -> list[Playbook]:
    facts = tuple(
        GuardrailFacts(
            name=f"guardrail-{number}",
            tiers=tuple(
                tier(f"guardrail-{number}", name, "investigate", limits=(limit("0.01", "above 1 %"),))
                for name in ("warning", "critical", "emergency")
            ),
        )
        for number in range(GUARDRAILS)
    )
    stages = (StageFacts(name="10%", weight=0.1, bake=3600, enter=weights(10, 90)),)
    return [
        playbook(
            rollout=f"shop-{n}", service=f"shop-{n}", environment=ENVIRONMENT, guardrails=facts, stages=stages
        )
        for n in range(ROLLOUTS)
    ]


async def _begin(folder: Path, books: Sequence[Playbook]) -> None:
    """An attempt of each, in a store that the receiver finds."""
    store, now = open_store(f"sqlite:{folder / 'handrail.db'}", 1), datetime.now(UTC)
    store.engine.start()
    for book in books:
        begin = Begin(book.service, "10%", {"rollback": weights(0, 100)}, "", (), book)
        said = Decision(Verdict.act, "asked-for", "begun", rollout=book.rollout, by="alice", changes=(begin,))
        await store.attempts.apply(book.rollout, partial(_given, said), now)
    await store.engine.close()


def _given(said: Decision, _history: History) -> Decision:
    """What was decided, whatever there is."""
    return said


@dataclass(frozen=True)
class Took:
    """Milliseconds from the question to the last byte, and of the receiver's processor."""

    wall: float
    processor: float


def _took(shop: Guarded, path: str) -> Took:
    """The medians of some tries, after the first."""
    shop.ask("GET", path, "viewer").raise_for_status()
    tries = []
    for _ in range(TIMES):
        start, used = time.perf_counter(), _processor(shop)
        shop.ask("GET", path, "viewer").raise_for_status()
        tries.append(Took(1000 * (time.perf_counter() - start), 1000 * (_processor(shop) - used)))
    return Took(
        statistics.median(one.wall for one in tries), statistics.median(one.processor for one in tries)
    )


def _quiet(shop: Guarded) -> None:
    """Wait until the evidence of 200 attempts that have just begun is taken: that is no page's work."""
    for _ in range(LONGEST):
        used = _processor(shop)
        time.sleep(1)
        if _processor(shop) - used < QUIET:
            return
    print(f"the receiver was still at work after {LONGEST} s: what is below is more than the pages")


def _processor(shop: Guarded) -> float:
    """How many seconds of the processor the receiver has had."""
    fields = Path(f"/proc/{shop.server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure, and say it."""
    with tempfile.TemporaryDirectory() as name, Known() as prometheus:
        folder, books = Path(name), _books()
        for book in books:
            write_playbook(folder / "playbook", book)
        asyncio.run(_begin(folder, books))
        with guarded(folder, books[0], PROMETHEUS=prometheus.url) as shop:
            _quiet(shop)
            print(f"{ROLLOUTS} rollouts with {GUARDRAILS} guardrails each; medians of {TIMES}")
            for what, path in (("the first page", "/"), ("a rollout's page", "/rollouts/shop-0")):
                took = _took(shop, path)
                print(
                    f"{what}: {took.wall:.0f} ms, of the processor {took.processor:.0f} ms (promised: {WITHIN[what]} ms)"
                )


if __name__ == "__main__":
    main()
