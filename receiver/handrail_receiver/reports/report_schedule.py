"""The declared times of reports → each is sent once, also after a restart and by several receivers; one that is late says so.

What was wanted last is remembered in the store. A report waits in the outbox as every message does, and is made when it
is sent: what was written into an incident meanwhile is in it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import cast

from handrail.contract import Playbook, ReportFacts

from handrail_receiver.errors import UNREADABLE, Cause, Permanent, StoreDown
from handrail_receiver.model import Telling, report_key, report_of
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.reports.html_report import html
from handrail_receiver.reports.period import KINDS, Kind, Period, newest_whole, period_with, sent_at
from handrail_receiver.reports.reported import Report, Section
from handrail_receiver.reports.reporter import Reporter
from handrail_receiver.telling.incident import IncidentEntry, Link, ToldIncident

log = logging.getLogger("handrail")
LOOK_EVERY = 15.0
LATE = timedelta(minutes=10)
"""A report that is made so long after its time is late."""
MOST_MISSED = 7
"""So many of those that were missed are made later, the newest."""


@dataclass(frozen=True)
class ReportSchedule:
    """Wants what is due, and makes the messages. `page` is where the receiver's own pages are, empty where people cannot go."""

    reporter: Reporter
    playbooks: Playbooks
    page: str

    async def run(self) -> None:
        """Want what is due until cancelled."""
        while True:
            try:
                await self.step()
            except StoreDown as error:
                log.warning("no report can be sent: %s", error)
            await asyncio.sleep(LOOK_EVERY)

    async def step(self) -> None:
        """Want what is due now. A rollout that is new sends nothing about the time before it was."""
        now = self.reporter.clock.now()
        for playbook in self.playbooks.all():
            try:
                for kind in KINDS:
                    await self._of(playbook, kind, now)
            except UNREADABLE as error:  # a time zone that this machine does not know holds up no other
                log.warning("no report of %s can be sent: %s", playbook.rollout, error)

    async def _of(self, playbook: Playbook, kind: Kind, now: datetime) -> None:
        facts, memory = playbook.report, self.reporter.store.memory
        if not facts.tell or sent_at(kind, newest_whole(kind, now, facts), facts) is None:
            return
        name = f"report/{kind}/{playbook.rollout}"
        since = await memory.recall(name)
        if since is None:
            await memory.remember(name, now)
            return
        for period, at in reversed(list(missed(kind, since, now, facts))):
            key = report_key(playbook.rollout, kind, period.last)
            await self.reporter.store.tellings.want(key, playbook.rollout, facts.tell, now, once=True)
            await memory.remember(name, at)

    async def message(self, telling: Telling) -> ToldIncident:
        """A report as a message. Raises Permanent where nobody declares its rollout any more."""
        known, playbook = report_of(telling.incident), self.playbooks.get(telling.rollout)
        if known is None or playbook is None:
            raise Permanent(Cause.missing, f"no playbook declares {telling.rollout!r} any more")
        kind, last = cast("tuple[Kind, date]", known)
        due = sent_at(kind, period_with(kind, last, playbook.report), playbook.report)
        now = self.reporter.clock.now()
        late = due if due is not None and now - due > LATE else None
        report = await self.reporter.report(playbook, kind, last, late)
        whole = await asyncio.to_thread(html, [report])
        return message_of(telling.incident, report, whole, self._links(playbook, kind, last))

    def _links(self, playbook: Playbook, kind: Kind, last: date) -> tuple[Link, ...]:
        page = f"{self.page}/reports/{kind}?rollout={playbook.rollout}&date={last}" if self.page else ""
        links = (("The whole report", page), ("Dashboard", playbook.dashboard_url))
        return tuple(Link(text, url) for text, url in links if url)


def missed(
    kind: Kind, since: datetime, now: datetime, facts: ReportFacts
) -> Iterator[tuple[Period, datetime]]:
    """What should have been sent after `since` and up to now, with when; the newest first, and at most MOST_MISSED."""
    period = newest_whole(kind, now, facts)
    for back in range(MOST_MISSED + 1):
        one = period.before(back)
        at = sent_at(kind, one, facts)
        if at is None or at <= since:
            return
        if at <= now and back < MOST_MISSED:
            yield one, at


def message_of(key: str, report: Report, whole: str, links: tuple[Link, ...]) -> ToldIncident:
    """A report in the words of a message: what is known, and the names of what is not; tables are in the whole of it."""
    texts = [*report.remarks, *(text for section in report.sections for text in _texts(section))]
    return ToldIncident(
        key=key,
        rollout=report.rollout,
        service=report.service,
        title=report.title,
        status="report",
        severity="info",
        lines=tuple(IncidentEntry(report.made_at, " ".join(text.split())) for text in texts),
        links=links,
        opened=report.made_at,
        updated=report.made_at,
        html=whole,
    )


def _texts(section: Section) -> Iterator[str]:
    known = [field for field in section.fields if field.value]
    unknown = [field.name for field in section.fields if not field.value]
    if known or unknown or section.lines:
        yield f"{section.title}:"
        yield from (f"• {field.name}: {field.text}" for field in known)
        yield from (f"• {line}" for line in section.lines)
    if unknown:
        yield f"• unknown: {', '.join(unknown)}"
