"""A declared probe → whether its service answers as it should.

Silence is a failure: that is what a probe asks about. What could not even be sent says nothing of the service, and is unknown.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from handrail.contract import ProbeFacts, Scalar

from handrail_receiver.errors import Permanent, Retryable
from handrail_receiver.outside.client import LONGEST_QUOTE, Answer, Outside
from handrail_receiver.outside.json_pointer import value_at

GOOD_FOR, PAGE_WAITS = 30.0, 2.0

ProbeVerdict = Literal["ok", "failed", "unknown"]


@dataclass(frozen=True)
class ProbeAnswer:
    """What a probe found: `text` says what was answered, `seconds` how long that took."""

    name: str
    verdict: ProbeVerdict
    text: str
    seconds: float


@dataclass
class Probes:
    """Asks probes. Pages get answers that are at most half a minute old, and never wait long."""

    outside: Outside
    _recent: dict[str, tuple[float, ProbeAnswer]] = field(default_factory=dict)
    _asking: dict[str, asyncio.Task[ProbeAnswer]] = field(default_factory=dict)

    async def ask(self, probes: Sequence[ProbeFacts]) -> Mapping[str, ProbeAnswer]:
        """What each of them finds now."""
        answers = await asyncio.gather(*map(self._ask, probes))
        return {one.name: one for one in answers}

    async def recent(self, probes: Sequence[ProbeFacts]) -> Mapping[str, ProbeAnswer]:
        """The same for a page: those without an answer in time are left out."""
        now = asyncio.get_running_loop().time()
        old = [one for one in probes if now - self._recent.get(_key(one), (-GOOD_FOR, None))[0] >= GOOD_FOR]
        if old:
            await asyncio.wait(set(map(self._asked, old)), timeout=PAGE_WAITS)
        known = (self._recent.get(_key(one), (-GOOD_FOR, None)) for one in probes)
        return {answer.name: answer for at, answer in known if answer is not None and now - at < GOOD_FOR}

    def _asked(self, probe: ProbeFacts) -> asyncio.Task[ProbeAnswer]:
        """The question to it that is under way, or a new one."""
        key = _key(probe)
        if key not in self._asking:
            self._asking[key] = asyncio.create_task(self._ask(probe), name=f"probe {probe.name}")
            self._asking[key].add_done_callback(lambda _: self._asking.pop(key, None))
        return self._asking[key]

    async def _ask(self, probe: ProbeFacts) -> ProbeAnswer:
        clock = asyncio.get_running_loop().time
        begun = clock()
        verdict: ProbeVerdict
        try:
            headers = self.outside.bearer(probe.token, probe.token_header, probe.token_scheme)
            who = probe.url.split("/")[2]
            answer = await self.outside.answered(who, "GET", probe.url, timeout=probe.within, headers=headers)
            wrong = self.outside.clean("; ".join(_wrong(probe, answer)))
            verdict, text = "failed" if wrong else "ok", wrong or f"answered {answer.status}"
        except Retryable as error:
            verdict, text = "failed", str(error)
        except Permanent as error:
            verdict, text = "unknown", str(error)
        made = ProbeAnswer(probe.name, verdict, text, clock() - begun)
        self._recent[_key(probe)] = (clock(), made)
        return made


def _key(probe: ProbeFacts) -> str:
    return probe.model_dump_json()


def _wrong(probe: ProbeFacts, answer: Answer) -> Iterator[str]:
    """What of an answer is not as it should be."""
    if answer.status != probe.expect:
        yield f"answered {answer.status}, and not {probe.expect}"
        return
    if probe.contains and probe.contains.encode() not in answer.body:
        yield f"{probe.contains!r} is not in its answer"
    if not probe.values:
        return
    try:
        document = json.loads(answer.body)
    except ValueError:
        yield "its answer is no JSON"
        return
    for pointer, wanted in probe.values.items():
        try:
            value = value_at(document, pointer)
        except LookupError:
            yield f"its answer has nothing at {pointer}"
            continue
        if not _same(value, wanted):
            yield f"{pointer or 'its answer'} is {json.dumps(value)[:LONGEST_QUOTE]}, and not {json.dumps(wanted)}"


def _same(value: Any, wanted: Scalar) -> bool:
    """In type as well: 1 is neither true nor "1"."""
    return type(value) is type(wanted) and bool(value == wanted)
