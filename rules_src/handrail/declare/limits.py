"""The limit of a tier: fixed, by stage, or relative to a reference.

A figure by stage is a dict: `Above({"10%": "1%", "25%": "0.5%"})`; in a stage that is not in it there is no
limit, unless `otherwise=` gives one, which also holds while no attempt is active. With `None` there is no limit in
that stage, whatever holds otherwise: `Above({"0%": None, "10%": "1%"}, otherwise="2%")`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from handrail.base import declared
from handrail.units import Amount, Period

ByStage = Amount | Annotated[Mapping[str, Amount | None], Field(min_length=1)]


class _Limit:
    is_upper: ClassVar[bool | None] = None
    """Whether more is worse; None if the limit is not about more or less."""
    relative: ClassVar[bool] = False
    """Whether the limit is relative to a reference."""


@declared
class _Absolute(_Limit):
    at: ByStage
    otherwise: Amount | None = Field(default=None, kw_only=True)


@declared
class Above(_Absolute):
    """Breached while the value is greater than this."""

    is_upper: ClassVar[bool] = True


@declared
class AtLeast(_Absolute):
    """Breached while the value is this or greater."""

    is_upper: ClassVar[bool] = True


@declared
class Below(_Absolute):
    """Breached while the value is less than this."""

    is_upper: ClassVar[bool] = False


@declared
class AtMost(_Absolute):
    """Breached while the value is this or less."""

    is_upper: ClassVar[bool] = False


@declared
class Rise(_Limit):
    """Breached while the value is above the reference by more than this share of it: `Rise("10%")`.

    With `floor` the value must also be above that figure, because against a reference of 0 everything is a rise:
    `Rise("50%", floor="1%")`. Of a reference below 0 no share says anything: without `floor` it is blind.
    """

    is_upper: ClassVar[bool] = True
    relative: ClassVar[bool] = True
    by: ByStage
    floor: Amount | None = Field(default=None, kw_only=True)


@declared
class RisePoints(_Limit):
    """Breached while the value is above the reference by more than this, in the measure's own unit."""

    is_upper: ClassVar[bool] = True
    relative: ClassVar[bool] = True
    by: ByStage


@declared
class Drop(_Limit):
    """Breached while the value is below the reference by more than this share of it: `Drop("20%")`.

    With `least` the reference must be at least that, so that one user less out of five at night is no drop; below it
    there is no verdict, neither breach nor pass. Without `least` a reference of 0 is blind: nothing can drop below it.
    """

    is_upper: ClassVar[bool] = False
    relative: ClassVar[bool] = True
    by: ByStage
    least: Amount | None = Field(default=None, kw_only=True)


@declared
class DropPoints(_Limit):
    """Breached while the value is below the reference by more than this, in the measure's own unit.

    A measure that is never below 0 cannot drop by more than its reference: with so low a reference it is blind.
    """

    is_upper: ClassVar[bool] = False
    relative: ClassVar[bool] = True
    by: ByStage


@declared
class Is(_Limit):
    """Breached while the state is `state`."""

    state: Annotated[str, Field(pattern=r"\S", description="the name of a state, like open")]


@declared
class Changed(_Limit):
    """Breached when the state changed within `window`: its series went from 0 to 1, or replaced that of another state."""

    window: Period = "5m"


@declared
class Not:
    """For `success=`: met while the limit is not breached. `success=Not(Rise("10%"))`."""

    limit: Rise | RisePoints | Drop | DropPoints


@declared
class OverStage:
    """For `success=`: judged by all events since the stage began, counted together: `OverStage(Above("99%"))`.

    It is for a Ratio, a Latency or a SlowerThan with a fixed limit. It judges a figure for which a stage has enough
    events and a window may not: a 99th percentile of a service with a hundred requests in five minutes.

    With fewer than `min_events` events since the stage began it is not judged yet, and not met. It is broken already if
    so many events are bad that more good ones would not fix it. Without `min_events`, the least number is the one of
    which ten events lie beyond the limit when it is just reached: 1000 for a share of 1 % or a 99th percentile, 200 for
    5 % or a 95th, 20 for a median.
    """

    limit: Above | AtLeast | Below | AtMost
    min_events: Annotated[int, Field(ge=1)] | None = Field(default=None, kw_only=True)


Limit = Above | AtLeast | Below | AtMost | Rise | RisePoints | Drop | DropPoints | Is | Changed
Success = Limit | Not | OverStage


@declared
class BeforeRollout:
    """The figure that the receiver captures just before the attempt begins; with arms, that of the stable arm.

    It is the mean of the hour before, as far as the guardrail was recorded. `over="24h"` is the mean of a whole day, read
    from the service's own series; without data from the first hour of that day there is no figure, and nothing starts.
    """

    over: Period | None = None


@declared
class StableArm:
    """The stable arm, now.

    Once the new version has all the traffic, there is nothing to compare with and no verdict: declare a fixed limit for
    that stage.
    """


@declared
class PreviousStage:
    """The figure captured at the end of the previous stage in which the canary had traffic; or of `stage`, for all stages
    after it.

    It is the mean over that stage's bake time; if the measure's window is as long as the stage, it is the figure at its
    end. Until that stage is over, there is nothing to compare with and no verdict.
    """

    stage: str | None = None


@declared
class Ago:
    """The same measure some time ago: `Ago("7d")` is the same time of the week. With arms, that of the stable arm.

    Without data from that time it is blind, also where a `While` holds now and did not hold then. Where each start gives
    the versions, nobody knows which was stable then, and the figure is that of the whole service.
    """

    time: Period


@declared
class Fixed:
    """A figure that somebody measured: `Fixed("776K")`."""

    figure: Amount


Reference = BeforeRollout | StableArm | PreviousStage | Ago | Fixed

Unreachable = Literal["act", "hold", "page"]


@declared
class Confirm:
    """Ask the query again `after` this time before acting; `unreachable` says what to do if there is no answer.

    `act` acts anyway; `hold` keeps the rollout in its stage and tells those who are told of a rollback; `page` holds it
    and tells everybody who is told of an emergency.
    """

    after: Period
    unreachable: Unreachable = "hold"
