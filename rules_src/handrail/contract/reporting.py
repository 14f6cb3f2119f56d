"""What the receiver needs to report on a rollout: figures to ask Prometheus for, and when a report goes to whom."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from handrail.contract.channels import Tell

SPAN: Final = "${span}"
"""What the query of a figure says for the time that a report is about, until that is known."""

RPS: Final = "Average RPS"
P95: Final = "P95 latency"
P99: Final = "P99 latency"
ERRORS: Final = "Error rate"
SUCCESSES: Final = "Successful requests"
UPTIME: Final = "Uptime"
"""What the figures of a report are called that every rollout has, as far as its guardrails and objectives measure them."""

DailySection = Literal[
    "Status",
    "Metrics",
    "Issues",
    "Next steps",
    "Dashboard",
    "Deployment metrics",
    "Performance metrics",
    "Reliability metrics",
    "Incidents",
    "DORA",
    "Error budget left",
    "Other figures",
    "Tables",
]
WeeklySection = Literal[
    "Build metrics",
    "Test metrics",
    "Deployment metrics",
    "Performance metrics",
    "Reliability metrics",
    "Incidents",
    "Upcoming",
    "DORA",
    "Error budget left",
    "Other figures",
    "Tables",
]
"""The sections of each report, in the order in which they stand where nobody declares another."""

TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DashboardFacts(_Model):
    """A dashboard of the rollout: what it is called, and where it is."""

    title: str
    url: str


class FigureFacts(_Model):
    """A figure of a report. `expr` gives it over the time that SPAN stands for; `source` is what measures it, in words.

    `seen` gives a sample while there are data to make it of.
    """

    name: str
    unit: str
    expr: str
    seen: str
    source: str

    def over(self, seconds: int) -> str:
        """The query for so many seconds."""
        return self.expr.replace(SPAN, f"{seconds}s")


class ObjectiveFacts(_Model):
    """An objective (0..1); `left` gives what is left of its error budget (1: all of it, below 0: it is overdrawn)."""

    name: str
    title: str
    objective: float
    window: str
    left: str


class WeeklyTime(_Model):
    """A day of the week (0 is Monday) and a time of it, like 09:00."""

    day: Annotated[int, Field(ge=0, le=6)]
    at: TimeOfDay


class ReportFacts(_Model):
    """In which zone days begin, when the daily and the weekly report are sent (None: they are not), and to whom.

    `upcoming` are the days that people declared, or days of every week like Tue, by what happens then. The sections are shown, in this order, and of the
    guardrails' figures those of `guardrails`, in this order; all where none is named.
    """

    zone: str = "UTC"
    daily: TimeOfDay | None = None
    weekly: WeeklyTime | None = None
    tell: tuple[Tell, ...] = ()
    upcoming: tuple[tuple[str, str], ...] = ()
    daily_sections: tuple[DailySection, ...] = ()
    weekly_sections: tuple[WeeklySection, ...] = ()
    guardrails: tuple[str, ...] = ()
