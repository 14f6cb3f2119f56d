"""Jobs + Prometheus' targets → which are up, which are down and why, and which are not there at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import BaseModel, Field

from handrail_receiver.doctor.findings import Finding, failed, ok, unknown
from handrail_receiver.outside.prometheus import PartialFlag

PAGE = "`handrail docs troubleshooting`"


class ScrapeTarget(BaseModel):
    """One target of a job, and its last scrape."""

    scrapePool: str  # noqa: N815  Prometheus' spelling
    scrapeUrl: str = ""  # noqa: N815
    health: str
    lastError: str = ""  # noqa: N815


class _Targets(BaseModel):
    activeTargets: list[ScrapeTarget] = Field(max_length=10_000)  # noqa: N815


class TargetsAnswer(PartialFlag):
    """What /api/v1/targets answers."""

    status: Literal["success"]
    data: _Targets


def of_jobs(jobs: Sequence[str], targets: Sequence[ScrapeTarget]) -> Iterator[Finding]:
    """A finding for each job that was generated."""
    for job in jobs:
        scraped = [target for target in targets if target.scrapePool == job]
        yield _job(job, scraped)


def _job(job: str, scraped: list[ScrapeTarget]) -> Finding:
    what = f"target {job}"
    if not scraped:
        cure = "load the generated prometheus.yml, or merge scrape_configs.yml into yours; then reload Prometheus"
        return failed(what, "Prometheus has no target of this job", cure)
    down = [one for one in scraped if one.health == "down"]
    if down:
        said = "; ".join(f"{one.scrapeUrl}: {one.lastError or 'down'}" for one in down)
        return failed(what, said, f"see 'Prometheus cannot scrape' in {PAGE}")
    waiting = [one for one in scraped if one.health != "up"]
    if waiting:
        return unknown(what, f"{waiting[0].scrapeUrl} was not scraped yet", "ask again in a minute")
    return ok(what, f"{len(scraped)} up")
