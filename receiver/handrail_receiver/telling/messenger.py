"""The outbox → people told. Independent of acting: a slow or dead channel delays neither a rollback nor another
channel.

Each `Tell` has its own queue: one message at a time and in order, the urgent ones first. A channel that keeps
incidents is told that one was opened before it is told the result. If somebody cannot be told, it is tried again with
growing pauses; after a few tries others are told instead.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from handrail.contract import Tell

from handrail_receiver.errors import Cause, PartRefused, Permanent, Retryable, StoreDown, TargetError
from handrail_receiver.evidence.burst import BURST
from handrail_receiver.intake.refusals import Refusals
from handrail_receiver.metrics import Metrics
from handrail_receiver.model import (
    EVERYBODY,
    HEARTBEAT,
    LOOKED_BACK,
    SET_BACK,
    Conditions,
    EvidenceRecord,
    History,
    LastTold,
    Telling,
    TellResult,
    check_of,
    in_force,
    last_told,
    report_of,
)
from handrail_receiver.outside import within
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.ports import Clock
from handrail_receiver.store import Store
from handrail_receiver.tasks import end
from handrail_receiver.telling import Teller
from handrail_receiver.telling.burst_message import burst_message
from handrail_receiver.telling.check_message import check_message
from handrail_receiver.telling.compose import (
    MOST_LINES,
    IncidentSubject,
    blind_incident,
    incident_of,
    refused_incident,
    subject_of,
    superseded_incident,
    unguarded_incident,
    when_opened,
)
from handrail_receiver.telling.incident import TOLD_ONCE, IncidentEntry, ToldIncident
from handrail_receiver.telling.life_events import Life, life_of
from handrail_receiver.telling.naming import name_of

log = logging.getLogger("handrail")
LOOK_EVERY = 1.0
ONE_TAKES = 30.0
MOST_AT_ONCE = 200
KEPT_FOR = timedelta(seconds=60)
END_WITHIN = 3.0
LONGEST_PAUSE = 300.0
LONGEST_WISH = 3600.0
TRIES_UNTIL_OTHERS = 3  # about three seconds after the first
TRIES_WHILE_NOTHING_PRESSES = 8  # about two minutes
PAUSE_UNTIL_OTHERS = 60.0
HEAD_SHOWN = 16
"""How many digits of the hash of the newest record a message has."""
MOST_TRIES = 300  # about a day
BLIND, REFUSED = "handrail-blind", "handrail-refused"
OURS = {BLIND: blind_incident, REFUSED: refused_incident}
NOT_PEOPLE = {"status-page", "cdevents"}
"""Channels that hear of attempts alone, and of nothing in place of others."""


Reported = Callable[[Telling], Awaitable[ToldIncident]]


@dataclass
class Messenger:
    """Empties the outbox. `reported` makes the message that a report is. `page` is where the receiver's own pages are, empty when people cannot reach them.

    `problems` says of each channel that could not be told last time why.
    """

    store: Store
    playbooks: Playbooks
    teller: Teller
    clock: Clock
    conditions: Callable[[], Conditions]
    refusals: Refusals
    metrics: Metrics
    page: str
    reported: Reported
    problems: dict[str, str] = field(default_factory=dict)
    _since: dict[str, datetime] | None = None
    _looked: datetime | None = None
    _telling: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Tell until cancelled; what is being told then is finished first, if it takes no longer than END_WITHIN."""
        try:
            while True:
                self._wake.clear()
                for part in (self._watch, self.step):
                    await self._guarded(part)
                await self._look_again()
        finally:
            await self._finish()

    @property
    def running(self) -> list[asyncio.Task[None]]:
        """What is being told now."""
        return list(self._telling.values())

    async def step(self) -> None:
        """Begin to tell everybody who is due and whose lane is free."""
        now, busy = self.clock.now(), tuple(self._telling)
        await self._follow(now)
        for telling in await self.store.tellings.due(now, now + KEPT_FOR, MOST_AT_ONCE - len(busy), busy):
            self._telling[telling.id] = asyncio.create_task(self._lane(telling))

    async def _follow(self, now: datetime) -> None:
        """Where the clock was set back, nobody waits for that. Receivers that share a store go by its clock."""
        if self._looked is not None and self._looked - now > SET_BACK and not self.store.engine.shared:
            await self.store.tellings.set_back(self._looked - now)
        self._looked = now

    async def _guarded(self, part: Callable[[], Awaitable[None]]) -> None:
        """Do a part; a fault in it keeps nobody from hearing of another."""
        try:
            await part()
        except StoreDown as error:
            log.warning("nobody can be told: %s", error)
            await asyncio.sleep(LOOK_EVERY)
        except Exception:
            log.exception("a fault in whom to tell; it begins again")
            await asyncio.sleep(LOOK_EVERY)

    async def _look_again(self) -> None:
        try:
            async with asyncio.timeout(LOOK_EVERY):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _finish(self) -> None:
        tasks = self.running
        if tasks:
            await asyncio.wait(tasks, timeout=END_WITHIN)
        await end(tasks)

    async def _watch(self) -> None:
        """A guard that turns blind or refuses deliveries, and when that is over, is told to all who hear of rollbacks.

        What was told is kept: after a restart nobody is told twice, and that it is over is told as well.
        """
        if self._since is None:
            recalled = {key: await self.store.memory.recall(key) for key in OURS}
            self._since = {key: at for key, at in recalled.items() if at is not None}
        for key in OURS:
            now, why, since = self.clock.now(), self._why(key), self._since.get(key)
            if why and since is None:
                await self._begins(key, why, now)
            elif not why and since is not None and await self._is_over(key, since, now):
                await self._ends(key, now)

    async def _begins(self, key: str, why: str, now: datetime) -> None:
        log.warning("%s: %s", key, why)
        said = await self.store.memory.recall(key)  # by another receiver on the same store
        if said is None:
            await self.store.tellings.want(key, "handrail", self._people("rollback"), now)
            await self.store.memory.remember(key, now)
        self._known[key] = said or now

    async def _ends(self, key: str, now: datetime) -> None:
        if await self.store.memory.recall(key) is not None:
            await self.store.tellings.want(key, "handrail", None, now)
            await self.store.memory.forget(key)
        log.info("%s: it is over", key)
        del self._known[key]  # last: where the store is away it ends at the next look

    async def _is_over(self, key: str, since: datetime, now: datetime) -> bool:
        """Whether we have seen that it is over: a receiver that has just begun has seen nothing yet."""
        if key == REFUSED:
            return self.refusals.quiet(now)
        heard = await self.store.memory.recall(HEARTBEAT)
        return heard is not None and heard > since

    @property
    def _known(self) -> dict[str, datetime]:
        """What is the matter with the guard itself, as far as people were told, and since when."""
        return {} if self._since is None else self._since

    def _why(self, key: str) -> str:
        return self.conditions().blind if key == BLIND else self.refusals.why(self.clock.now())

    def _people(self, action: str, rollout: str = "") -> tuple[Tell, ...]:
        """Who is told of an action of a rollout, or of all rollouts."""
        rollouts = [rollout] if rollout else [playbook.rollout for playbook in self.playbooks.all()]
        return tuple(tell for name in rollouts for tell in self.playbooks.people(name, action))

    async def _lane(self, telling: Telling) -> None:
        try:
            if telling.attempt or telling.tell.channel.kind not in NOT_PEOPLE:
                await self._tell(telling)
            else:  # the state of the guard itself is not for the public
                await self._note(telling, TellResult(telling.receipt))
        except StoreDown as error:
            log.warning("nobody can be told: %s", error)
        finally:
            self._telling.pop(telling.id, None)
            self._wake.set()

    async def _tell(self, telling: Telling) -> None:
        kind, receipt, pressing = telling.tell.channel.kind, telling.receipt, True
        try:
            async with within(ONE_TAKES, name_of(telling.tell)):
                incident = await self._incident(telling)
                pressing = incident.pressing
                is_news = telling.opens and incident.status not in {"open", *TOLD_ONCE}
                if is_news and self.teller.opens_first(telling.tell):
                    opened = await self._incident(telling, opening=True)
                    receipt = await self.teller.tell(telling.tell, opened, receipt)
                    await self._note(telling, TellResult(receipt, only_opened=True))
                receipt = await self.teller.tell(telling.tell, incident, receipt)
        except TargetError as error:
            await self._failed(telling, receipt, error, pressing=pressing)
        except StoreDown:
            raise
        except Exception as error:  # else this lane would stand still, and nobody would hear why
            log.exception("%s could not be told", name_of(telling.tell))
            fault = Permanent(Cause.broken, f"a fault of Handrail's own: {type(error).__name__}: {error}")
            await self._failed(telling, receipt, fault, pressing=pressing)
        else:
            self.metrics.told(kind, "told")
            self.problems.pop(name_of(telling.tell), None)
            await self._note(telling, TellResult(receipt))

    async def _note(self, telling: Telling, told: TellResult) -> None:
        """Keep the result, however long the store is away: what is not kept is told once more."""
        while True:
            try:
                await self.store.tellings.told(telling, told, self.clock.now())
            except StoreDown as error:
                log.warning("what was told cannot be kept yet: %s", error)
                await asyncio.sleep(LOOK_EVERY)
            else:
                return

    async def _failed(self, telling: Telling, receipt: str, error: TargetError, *, pressing: bool) -> None:
        """Try again after a pause, whatever it was, if anything is left to tell; others are told as well once it lasts."""
        name, kind, tries = name_of(telling.tell), telling.tell.channel.kind, telling.tries + 1
        self.problems[name] = str(error)
        wish = error.after or 0.0 if isinstance(error, Retryable) else 0.0
        pause = max(min(LONGEST_PAUSE, 2.0 ** min(telling.tries, 10)), min(LONGEST_WISH, wish))
        told = receipt if error.receipt is None else error.receipt
        enough = TRIES_UNTIL_OTHERS if pressing else TRIES_WHILE_NOTHING_PRESSES
        lasts = tries >= enough or pause > max(PAUSE_UNTIL_OTHERS, 2.0**enough)
        others = self._others(telling) if lasts and not telling.elsewhere else None
        again = self.clock.now() + timedelta(seconds=pause) if tries < MOST_TRIES else None
        if isinstance(error, PartRefused):
            others = again = None
        self.metrics.told(kind, "failed")
        log.warning("%s cannot be told of %s, try %d: %s", name, telling.incident, tries, error)
        if others is not None:
            self.metrics.told(kind, "elsewhere")
            log.error("%s does not hear of %s; %d others are told", name, telling.incident, len(others))
        if again is None:
            self.metrics.told(kind, "given-up")
            log.error("%s does not hear all of %s, and it is given up: %s", name, telling.incident, error)
        await self._note(telling, TellResult(told, str(error), again, elsewhere=others))

    def _others(self, telling: Telling) -> tuple[Tell, ...] | None:
        """Everybody whom an emergency reaches; None in place of who is sent a check or a report, which is no emergency.

        A status page is read by the public: it is not told in their place.
        """
        if check_of(telling.incident) is not None or report_of(telling.incident) is not None:
            return None
        rollout = "" if telling.incident in OURS else telling.rollout
        return tuple(
            tell
            for tell in self._people(EVERYBODY, rollout)
            if tell != telling.tell and tell.channel.kind not in NOT_PEOPLE
        )

    async def _incident(self, telling: Telling, *, opening: bool = False) -> ToldIncident:
        """What stands now, or what stood when it was opened."""
        now = self.clock.now()
        if report_of(telling.incident) is not None:
            return replace(await self.reported(telling), version=telling.version)
        if telling.incident in OURS:
            incident = self._of_the_guard(telling.incident, now, opening=opening)
        elif (number := check_of(telling.incident)) is not None:
            incident = await self._of_a_check(telling, number, now)
        elif not telling.attempt:
            incident = await self._unguarded(telling, now)
        else:
            incident = await self._of_an_attempt(telling, now, opening=opening)
        unheard = (
            IncidentEntry(one.since, f"{name_of(one.tell)} was not told: {one.problem}")
            for one in telling.untold
        )
        incident = incident.and_also((*await self._checkpoint(telling, now), *unheard))
        incident = replace(incident, version=telling.version)
        return incident.as_opened() if opening else incident

    async def _checkpoint(self, telling: Telling, now: datetime) -> tuple[IncidentEntry, ...]:
        """How far the evidence goes: whoever got the message has it, whatever becomes of the store."""
        end = await self.store.evidence.end(telling.rollout)
        return (
            (IncidentEntry(now, f"evidence: record {end.number}, {end.hash[:HEAD_SHOWN]}"),)
            if end.number
            else ()
        )

    def _of_the_guard(self, key: str, now: datetime, *, opening: bool) -> ToldIncident:
        why, since = self._why(key), self._known.get(key)
        if not why and (since is not None or opening):
            why = "that is the last known state; nothing has shown yet that it is over"
        return OURS[key](key, why, since or now, now, self.page)

    async def _unguarded(self, telling: Telling, now: datetime) -> ToldIncident:
        history = await self.store.attempts.history(telling.rollout, now)
        records = await self.store.evidence.newest(telling.rollout, LOOKED_BACK, ("decision",))
        told = last_told(records) or LastTold(now, "it is not guarded", ())
        why = "" if history.attempt else told.text
        return unguarded_incident(telling.incident, self._subject(telling, history), why, told.at, now)

    async def _of_a_check(self, telling: Telling, number: int, now: datetime) -> ToldIncident:
        """What a check found when it was made, or the result of a load burst, however late it is told."""
        history = await self.store.attempts.history(telling.rollout, now)
        record = (await self.store.evidence.read(telling.rollout, number - 1, 1))[0]
        if record.kind == BURST:
            return burst_message(telling.incident, self._subject(telling, history), record)
        kept = await self.store.snapshots.read(str(json.loads(record.body)["snapshot"]))
        newest = self.playbooks.get(telling.rollout)
        playbook = in_force(history.attempt, newest) if newest else None
        return check_message(telling.incident, self._subject(telling, history), record, kept, playbook)

    async def _of_an_attempt(self, telling: Telling, now: datetime, *, opening: bool) -> ToldIncident:
        history = await self.store.attempts.history(telling.rollout, now)
        records = await self.store.evidence.newest(telling.rollout, MOST_LINES, only=("decision", "outcome"))
        subject = self._subject(telling, history)
        if history.attempt is None or history.attempt.id != telling.attempt:
            incident = superseded_incident(telling.incident, telling.attempt, subject, history, records, now)
            return replace(incident, life=await self._life(telling, records))
        if opening:
            history, records = when_opened(history, records)
        incident = incident_of(telling.incident, subject, history, records, now)
        return replace(incident, life=await self._life(telling, records))

    async def _life(self, telling: Telling, records: Sequence[EvidenceRecord]) -> Life | None:
        """The events of an attempt, for a channel that takes them."""
        if telling.tell.channel.kind != "cdevents":
            return None
        rollout, newest = telling.rollout, self.playbooks.get(telling.rollout)
        known = await self.store.past.known(rollout, telling.attempt)
        past = await self.store.past.attempt(rollout, known.number) if known else None
        playbook = (known.playbook or newest) if known else None
        if past is None or playbook is None:
            return None
        artifact = await self.store.snapshots.artifact(rollout, telling.attempt)
        incidents = await self.store.incidents.of(rollout)
        incident = next((one for one in incidents if one.attempt == telling.attempt), None)
        page = f"{self.page}/rollouts/{rollout}/attempts/{past.attempt.number}" if self.page else ""
        return life_of(past, records, incident, playbook, artifact, page)

    def _subject(self, telling: Telling, history: History) -> IncidentSubject:
        page = f"{self.page}/rollouts/{telling.rollout}" if self.page else ""
        return subject_of(telling.rollout, self.playbooks.get(telling.rollout), history, page)
