"""What a rollout's daily and weekly report has beside what every report has, and when it goes to whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from handrail.base import declared
from handrail.contract import CDEvents, PagerDuty, StatusPage, Tell, names
from handrail.contract.reporting import DailySection, WeeklySection
from handrail.declare.freezes import TimeOfDay, Zone, clock, day
from handrail.declare.guardrail import Name
from handrail.declare.measures import Gauge, Increase, Latency, PromQL, Rate, Ratio, SlowerThan, Usage


def _day_and_time(text: str) -> str:
    name, _, at = text.partition(" ")
    if name not in names.DAYS:
        raise ValueError(f"'{text}' is not a time of the week; write it like Mon 09:00")
    clock(at)
    return text


def _weekday_or_day(text: str) -> str:
    return text if text in names.DAYS else day(text)


TimeOfWeek = Annotated[str, AfterValidator(_day_and_time), Field(description="a time like Mon 09:00")]
ReportField = Annotated[
    str, Field(pattern=r"^[^|\n\r]*[^|\s][^|\n\r]*$", max_length=60, description="a field's name, without |")
]


@declared
class Report:
    """The reports of a rollout, which `handrail report daily` and `weekly` print: days begin in `zone`.

    With `daily="09:00"` the one about the day before is sent to `tell` at that time; with `weekly="Mon 09:00"` the one
    about the seven days before. `figures` are measured for a field of the report that nothing else fills, like
    `{"Builds triggered": Increase("builds_total")}`, or instead of what the guardrails measure, like "Error rate"; a
    field of another name comes after those. Counts and shares are taken over the whole time; of a `Gauge` and a `Usage`
    the mean, of `PromQL` what it gives at the end. `upcoming` are days, like `{"Next load test": "2026-12-10"}`, or
    a day of every week, like `{"Next production release": "Tue"}`.

    `daily_sections` and `weekly_sections` say which sections a report has, and in which order; `guardrails` which
    guardrails stand under "Metrics" of the daily one, and in which order. Without them it is all that there is.
    """

    zone: Zone = Field(default="UTC", kw_only=True)
    daily: TimeOfDay | None = Field(default=None, kw_only=True)
    weekly: TimeOfWeek | None = Field(default=None, kw_only=True)
    tell: Sequence[Tell] = Field(default=(), kw_only=True)
    figures: Mapping[ReportField, Ratio | Latency | SlowerThan | Increase | Rate | Gauge | Usage | PromQL] = (
        Field(default_factory=dict, kw_only=True)
    )
    upcoming: Mapping[ReportField, Annotated[str, AfterValidator(_weekday_or_day)]] = Field(
        default_factory=dict, kw_only=True
    )

    daily_sections: Sequence[DailySection] = Field(default=(), kw_only=True)
    weekly_sections: Sequence[WeeklySection] = Field(default=(), kw_only=True)
    guardrails: Sequence[Name] = Field(default=(), kw_only=True)

    @model_validator(mode="after")
    def _each_once(self) -> Report:
        for word in ("daily_sections", "weekly_sections", "guardrails"):
            named = getattr(self, word)
            twice = [one for one in named if named.count(one) > 1]
            if twice:
                raise ValueError(f"{word}= has {twice[0]!r} twice; name it once")
        return self

    @model_validator(mode="after")
    def _whole(self) -> Report:
        when, told = self.daily or self.weekly, self.tell
        if when and not told:
            raise ValueError("it is sent to nobody; write tell= as well, or leave out daily= and weekly=")
        if told and not when:
            raise ValueError("tell= without a time; write daily='09:00' or weekly='Mon 09:00' as well")
        if any(isinstance(one.channel, PagerDuty | StatusPage | CDEvents) for one in told):
            raise ValueError("tell= sends a report, and that is no incident; give Slack, Mail or Webhook")
        if any(one.template for one in told):
            raise ValueError("a report has no template; write Tell(channel) alone")
        if "24:00" in (self.daily or "", (self.weekly or "").partition(" ")[2]):
            raise ValueError("24:00 is the next day; write 00:00 and that day")
        by = [name for name, measure in self.figures.items() if getattr(measure, "by", ())]
        if by:
            raise ValueError(f"{by[0]!r} has one figure; leave out by= of its measure")
        return self
