"""An expression → its samples now, from Prometheus or whatever answers like it.

Thanos, VictoriaMetrics and a Prometheus that reads remotely answer with what they have while a part of the data is away,
and say so beside it. What is missing may be just what was asked for, so such an answer is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal, Protocol, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handrail_receiver.errors import Cause, Permanent, Retryable
from handrail_receiver.outside.client import LONGEST_QUOTE, Outside

ANSWER_WITHIN = 10.0
MOST_SAMPLES = 10_000
LONGEST_ADDRESS = 4000
"""How many characters of a question go into an address: proxies take 8 kB of it, with all headers."""
REMARKS = ("promql warning", "promql info")
"""How Prometheus' own remarks on an expression begin: they say nothing about the data."""
Answered = TypeVar("Answered")


@dataclass(frozen=True)
class Sample:
    """One sample of an answer, with the labels of its series."""

    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


class Queryable(Protocol):
    """Whatever can be queried by PromQL: Prometheus, or something that answers like it."""

    async def samples(self, expr: str) -> list[Sample]:
        """The samples of `expr` now; an empty list when there is none. Raises Retryable or Permanent."""

    async def values(self, expr: str) -> list[float]:
        """Their values alone."""


class PartialData(Retryable):
    """Prometheus answered without a part of the data."""


class PartialFlag(BaseModel):
    """What an answer says beside its data: whether the data are complete."""

    model_config = ConfigDict(extra="ignore")
    warnings: Sequence[str] | None = None
    partial: bool = Field(default=False, alias="isPartial")

    def whole(self) -> None:
        """Raises PartOnly when a part of the data is away."""
        away = [one for one in self.warnings or () if not one.lower().startswith(REMARKS)]
        if away or self.partial:
            said = away[0] if away else "isPartial"
            raise PartialData(Cause.broken, f"Prometheus answered with a part of the data only ({said})")


class _Sample(BaseModel):
    model_config = ConfigDict(extra="ignore")
    metric: Mapping[str, str] = {}
    value: tuple[float, float]


class _Vector(BaseModel):
    resultType: Literal["vector"]  # noqa: N815  Prometheus' spelling
    result: Annotated[list[_Sample], Field(max_length=MOST_SAMPLES)]


class _Scalar(BaseModel):
    resultType: Literal["scalar"]  # noqa: N815
    result: tuple[float, float]


class _QueryAnswer(PartialFlag):
    status: Literal["success"]
    data: Annotated[_Vector | _Scalar, Field(discriminator="resultType")]


def _samples(body: bytes) -> list[Sample]:
    read = _QueryAnswer.model_validate_json(body)
    read.whole()
    if isinstance(read.data, _Scalar):
        return [Sample(read.data.result[1])]
    return [Sample(one.value[1], one.metric) for one in read.data.result]


async def ask(
    outside: Outside,
    method: str,
    address: str,
    read: Callable[[bytes], Answered],
    *,
    most: str,
    form: bytes | None = None,
) -> Answered:
    """What Prometheus answers, read by `read`, which takes at most `most`. Raises Retryable or Permanent, with the cure."""
    headers = {"content-type": "application/x-www-form-urlencoded"} if form else None
    answer = await outside.ask(
        "Prometheus", method, address, timeout=ANSWER_WITHIN, headers=headers, content=form
    )
    try:
        return await answer.through(read)
    except ValidationError as error:
        said = "what answers is no Prometheus; correct HANDRAIL_PROMETHEUS"
        if error.errors(include_url=False, include_input=False)[0]["type"] == "too_long":
            said = f"Prometheus answered with more than {most}; let the expression aggregate"
        raise Permanent(Cause.invalid, said) from None
    except PartialData as problem:
        raise PartialData(problem.cause, outside.clean(str(problem))[:LONGEST_QUOTE]) from None


class Prometheus:
    """The Prometheus at `url`."""

    def __init__(self, outside: Outside, url: str) -> None:
        self._outside, self._url = outside, url.rstrip("/")

    async def samples(self, expr: str) -> list[Sample]:
        """The samples of `expr` now. A long one is posted: an address has no room for it."""
        address, asked = f"{self._url}/api/v1/query", urlencode({"query": expr})
        most = f"{MOST_SAMPLES} samples"
        if len(asked) > LONGEST_ADDRESS:
            return await ask(self._outside, "POST", address, _samples, most=most, form=asked.encode())
        return await ask(self._outside, "GET", f"{address}?{asked}", _samples, most=most)

    async def values(self, expr: str) -> list[float]:
        """Their values alone."""
        return [sample.value for sample in await self.samples(expr)]


class NoPrometheus:
    """No Prometheus is set: every query fails and says what to do."""

    async def samples(self, expr: str) -> list[Sample]:  # noqa: ARG002  the same signature
        """Raises Permanent."""
        raise Permanent(Cause.missing, "no Prometheus is set; set HANDRAIL_PROMETHEUS")

    async def values(self, expr: str) -> list[float]:
        """Raises Permanent."""
        return [sample.value for sample in await self.samples(expr)]
