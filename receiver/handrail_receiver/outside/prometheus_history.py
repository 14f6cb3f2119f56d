"""An expression and a span of time → its samples then; and the rules that Prometheus has loaded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Literal, Protocol, TypeVar
from urllib.parse import urlencode

from handrail.contract import GroupFacts, RuleFacts
from pydantic import BaseModel, ConfigDict, Field

from handrail_receiver.errors import Cause, Permanent
from handrail_receiver.outside.client import Outside
from handrail_receiver.outside.prometheus import PartialFlag, ask

MOST_SERIES = 2000
NOT_SET = "no Prometheus is set; set HANDRAIL_PROMETHEUS"


@dataclass(frozen=True)
class Series:
    """The samples of one series: seconds since 1970, and the value as Prometheus writes it."""

    labels: Mapping[str, str] = field(default_factory=dict)
    points: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True)
class Span:
    """From when to when, and how far apart. The last instant is `end` where `end - start` is so many steps."""

    start: datetime
    end: datetime
    step: timedelta


@dataclass(frozen=True)
class LoadedRules:
    """The rule groups of one file."""

    file: str
    groups: tuple[GroupFacts, ...]


class Recorded(Protocol):
    """Whatever has kept samples, and evaluates rules: Prometheus, or something that answers like it."""

    async def series(self, expr: str, span: Span) -> list[Series]:
        """The samples of `expr` in a span of time. Raises Retryable or Permanent."""

    async def rules(self, groups: Sequence[str]) -> list[LoadedRules]:
        """What is loaded of the groups with these names, file by file. Raises Retryable or Permanent."""


class _Matrix(BaseModel):
    metric: Mapping[str, str] = {}
    values: tuple[tuple[float, str], ...]


class _Data(BaseModel):
    resultType: Literal["matrix"]  # noqa: N815  Prometheus' spelling
    result: Annotated[list[_Matrix], Field(max_length=MOST_SERIES)]


class _RangeAnswer(PartialFlag):
    status: Literal["success"]
    data: _Data


class _Rule(BaseModel):
    model_config = ConfigDict(extra="ignore")
    name: str
    query: str
    type: Literal["alerting", "recording"]
    duration: float = 0
    keepFiringFor: float = 0  # noqa: N815
    labels: Mapping[str, str] = {}


class _Group(BaseModel):
    name: str
    file: str = ""
    interval: float = 0
    rules: list[_Rule] = []


class _Groups(BaseModel):
    groups: list[_Group]


class _RulesAnswer(PartialFlag):
    status: Literal["success"]
    data: _Groups


Answer = TypeVar("Answer", bound=PartialFlag)


class PrometheusHistory:
    """The Prometheus at `url`."""

    def __init__(self, outside: Outside, url: str) -> None:
        self._outside, self._url = outside, url.rstrip("/")

    async def series(self, expr: str, span: Span) -> list[Series]:
        """The samples of `expr` in a span of time. It is posted: an address has no room for a long one."""
        asked = {
            "query": expr,
            "start": f"{span.start.timestamp():.3f}",
            "end": f"{span.end.timestamp():.3f}",
            "step": f"{span.step.total_seconds():g}",
        }
        answer = await self._ask(_RangeAnswer, "POST", "query_range", urlencode(asked).encode())
        return [Series(one.metric, one.values) for one in answer.data.result]

    async def scraped(self, selector: str, start: datetime, end: datetime) -> list[Series]:
        """Each sample of a selector as it was scraped. Raises Retryable or Permanent, AnswerTooLong where it is too much."""
        seconds = max(1, math.ceil((end - start).total_seconds()))
        asked = {"query": f"{selector}[{seconds}s]", "time": f"{end.timestamp():.3f}"}
        answer = await self._ask(_RangeAnswer, "POST", "query", urlencode(asked).encode())
        return [Series(one.metric, one.values) for one in answer.data.result]

    async def rules(self, groups: Sequence[str]) -> list[LoadedRules]:
        """What is loaded of these groups. An older Prometheus says all it has, and what is ours is found in that."""
        asked = urlencode([*(("rule_group[]", name) for name in groups), ("exclude_alerts", "true")])
        answer = await self._ask(_RulesAnswer, "GET", f"rules?{asked}", None)
        files: dict[str, list[GroupFacts]] = {}
        for group in answer.data.groups:
            if group.name in groups:
                files.setdefault(group.file, []).append(_facts(group))
        return [LoadedRules(file, tuple(loaded)) for file, loaded in files.items()]

    async def _ask(self, shape: type[Answer], method: str, path: str, form: bytes | None) -> Answer:
        address, most = f"{self._url}/api/v1/{path}", f"{MOST_SERIES} series"
        return await ask(self._outside, method, address, partial(_whole, shape), most=most, form=form)


def _whole(shape: type[Answer], body: bytes) -> Answer:
    read = shape.model_validate_json(body)
    read.whole()
    return read


def _facts(group: _Group) -> GroupFacts:
    rules = (
        RuleFacts(
            one.name, one.query, one.type == "alerting", one.duration, one.keepFiringFor, dict(one.labels)
        )
        for one in group.rules
    )
    return GroupFacts(group.name, group.interval, tuple(rules))


class NoHistory:
    """No Prometheus is set: nothing can be asked."""

    async def series(self, expr: str, span: Span) -> list[Series]:  # noqa: ARG002  the same signature
        """Raises Permanent."""
        raise Permanent(Cause.missing, NOT_SET)

    async def rules(self, groups: Sequence[str]) -> list[LoadedRules]:  # noqa: ARG002
        """Raises Permanent."""
        raise Permanent(Cause.missing, NOT_SET)
