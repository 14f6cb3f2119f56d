"""How strictly the split of the traffic is compared with the asked share, or why it is not."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from handrail.base import declared
from handrail.units import Duration, Share, amount

Reason = Annotated[str, Field(pattern=r"\S", description="the reason why it is not looked at")]


@declared
class SampleRatio:
    """Tunes the guardrail `sample-ratio`, which finds that the arms do not get their shares of traffic.

    A rollout has it without declaring it if `split` sets the weights of two arms whose requests are counted. Declare it
    if something else splits single requests by the stages' weights. The odds of the canary (its requests to those of the
    stable arm) may differ by `tolerate` from the intended ones, in either direction. Each evaluation judges the last
    `window`; with requests that are split independently, the chance of a false alarm in a day is at most `false_alarms`.

    `per_choice` is for requests that go to the same arm one after another, as on a kept connection or in a session: the
    most requests that follow one choice of an arm. If users are split instead of requests, shares of requests say
    nothing: switch it off with `off="…"`, which is the reason.
    """

    tolerate: Share = Field(default="25%", kw_only=True)
    false_alarms: Share = Field(default="0.1%", kw_only=True)
    window: Duration = Field(default="1h", kw_only=True)
    per_choice: Annotated[int, Field(ge=1)] = Field(default=1, kw_only=True)
    action: Literal["investigate", "hold"] = Field(default="hold", kw_only=True)
    off: Reason | None = Field(default=None, kw_only=True)

    @model_validator(mode="after")
    def _not_nothing(self) -> SampleRatio:
        if amount(self.tolerate).value == 0:
            raise ValueError("tolerate=0% would call every small difference a mismatch; write 5% or more")
        if not 0 < amount(self.false_alarms).value < 1:
            raise ValueError("false_alarms= is a chance between 0% and 100%; write it like 0.1%")
        return self
