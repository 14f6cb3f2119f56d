"""An expression → its samples now, from Prometheus."""

from __future__ import annotations

from typing import Literal, Protocol
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, ValidationError

from handrail_receiver.errors import Cause, Permanent, Retryable
from handrail_receiver.outside import Outside

ANSWER_WITHIN = 10.0


class Asks(Protocol):
    """Somebody who knows what an expression is now."""

    async def values(self, expr: str) -> list[float]:
        """The samples of `expr` now; an empty list when there is none. Raises Retryable or Permanent."""


class _Sample(BaseModel):
    model_config = ConfigDict(extra="ignore")
    value: tuple[float, float]


class _Vector(BaseModel):
    resultType: Literal["vector"]  # noqa: N815  Prometheus' spelling
    result: list[_Sample]


class _Scalar(BaseModel):
    resultType: Literal["scalar"]  # noqa: N815
    result: tuple[float, float]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")
    status: Literal["success"]
    data: _Vector | _Scalar


class Prometheus:
    """The Prometheus at `url`."""

    def __init__(self, outside: Outside, url: str) -> None:
        self._outside, self._url = outside, url.rstrip("/")

    async def values(self, expr: str) -> list[float]:
        """The samples of `expr` now."""
        address = f"{self._url}/api/v1/query?{urlencode({'query': expr})}"
        try:
            answer = await self._outside.ask("Prometheus", "GET", address, timeout=ANSWER_WITHIN)
        except Retryable as problem:
            if problem.cause is not Cause.unreachable:
                raise
            raise Retryable(problem.cause, f"{problem}; start it, or correct HANDRAIL_PROMETHEUS") from None
        try:
            data = _Answer.model_validate_json(answer.body).data
        except ValidationError:
            raise Permanent(
                Cause.invalid, "what answers is no Prometheus; correct HANDRAIL_PROMETHEUS"
            ) from None
        return [data.result[1]] if isinstance(data, _Scalar) else [sample.value[1] for sample in data.result]


class NoPrometheus:
    """There is none: every question fails with the cure."""

    async def values(self, expr: str) -> list[float]:  # noqa: ARG002  the same signature
        """Raises Permanent."""
        raise Permanent(Cause.missing, "no Prometheus is set; set HANDRAIL_PROMETHEUS")
