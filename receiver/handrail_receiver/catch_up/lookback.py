"""Prometheus' ALERTS over an absence, and what Alertmanager keeps of mutes → what fired, and whether it was muted."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import yaml
from handrail.contract import names
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from handrail_receiver.catch_up.mutes import (
    Inhibition,
    Labels,
    PastAlert,
    Silence,
    configured,
    inhibitions,
    silences,
)
from handrail_receiver.catch_up.routes import Routing, listed, routing_in
from handrail_receiver.catch_up.safe_yaml import read_yaml
from handrail_receiver.errors import TargetError
from handrail_receiver.intake.parse import AlertBody, Instant
from handrail_receiver.outside import LONGEST_QUOTE, AnswerTooLong, Outside
from handrail_receiver.outside.prometheus import PartialData, PartialFlag

log = logging.getLogger("handrail")
ANSWER_WITHIN = 10.0
OURS = f'alertstate="firing",{names.ROLLOUT}!="",{names.GUARDRAIL}!=""'
BEFORE = timedelta(minutes=5)  # what muted others may have begun a little earlier
SHORTEST = 60
"""In seconds: of a time that is shorter, what is too much to be read at once stays unread."""


class _State(BaseModel):
    model_config = ConfigDict(extra="ignore")
    state: str


class CurrentAlert(BaseModel):
    """An alert that Alertmanager has now: `active`, or `suppressed` by a silence or by another alert."""

    model_config = ConfigDict(extra="ignore")
    labels: dict[str, str]
    annotations: dict[str, str] | None = None
    startsAt: Instant = None  # noqa: N815
    fingerprint: str = ""
    status: _State
    receivers: tuple[dict[str, str], ...] = ()

    @property
    def active(self) -> bool:
        """Whether it is sent: a mute takes it out."""
        return self.status.state != "suppressed"

    def body(self) -> AlertBody:
        """The same, as it is delivered."""
        return AlertBody(
            status="firing",
            labels=self.labels,
            annotations=self.annotations,
            startsAt=self.startsAt or None,
            fingerprint=self.fingerprint,
        )

    def muted(self) -> CurrentAlert:
        """The same, taken out by a mute."""
        return self.model_copy(update={"status": _State(state="suppressed")})

    @property
    def goes_to(self) -> frozenset[str]:
        """The receivers that it is routed to."""
        return listed(self.receivers)


class _Series(BaseModel):
    model_config = ConfigDict(extra="ignore")
    metric: dict[str, str]
    values: list[tuple[float, str]] = []


class _Result(BaseModel):
    model_config = ConfigDict(extra="ignore")
    result: list[_Series]


class _AlertsAnswer(PartialFlag):
    data: _Result


class _ConfigText(BaseModel):
    model_config = ConfigDict(extra="ignore")
    yaml: str


class _Configuration(BaseModel):
    model_config = ConfigDict(extra="ignore")
    data: _ConfigText


class _Global(BaseModel):
    model_config = ConfigDict(extra="ignore")
    external_labels: dict[str, str] | None = None


class _PrometheusConfig(BaseModel):
    model_config = ConfigDict(extra="ignore")
    all_over: _Global | None = Field(default=None, alias="global")


ALERTS: TypeAdapter[list[CurrentAlert]] = TypeAdapter(list[CurrentAlert])


@dataclass(frozen=True)
class AlertmanagerState:
    """What the Alertmanagers keep: silences, rules of inhibition, and where each sends what."""

    silences: tuple[Silence, ...]
    rules: tuple[Inhibition, ...]
    routing: Routing

    def goes_to(self, labels: Labels) -> frozenset[str]:
        """Who gets an alert with these labels."""
        return frozenset(way.receiver for way in self.routing.ways(labels))


@dataclass(frozen=True)
class LookBack:
    """Asks what was. Prometheus knows what fired, and Alertmanager what was muted.

    Prometheus counts back from when it is asked, which may be long after what is `now` to us: after `begun`.
    """

    outside: Outside
    prometheus: str
    alertmanagers: tuple[str, ...]
    receivers: tuple[str, ...]
    begun: float = field(default_factory=time.monotonic)

    async def fired(
        self, since: datetime, now: datetime, rollouts: Iterable[str]
    ) -> tuple[list[PastAlert], list[str]]:
        """Handrail's alerts that fired since, with the labels that Alertmanager sees; and of which rollouts there are
        more than can be read.

        Raises TargetError, or ValidationError when what answers is no Prometheus.
        """
        added = await self._added()
        try:
            return await self._at_once(OURS, since, now, added), []
        except AnswerTooLong:
            alerts: list[PastAlert] = []
            unread: list[str] = []
        for rollout in rollouts:
            try:
                ours = f"{OURS},{names.ROLLOUT}={json.dumps(rollout)}"
                alerts += await self._fired(ours, since, now, added)
            except AnswerTooLong:
                unread.append(rollout)
        return alerts, unread

    async def muted(
        self,
        news: Sequence[PastAlert],
        present: Sequence[CurrentAlert] | None,
        kept: AlertmanagerState | None,
        now: datetime,
    ) -> list[str | None]:
        """What muted each of them: empty for nothing, None when nobody says.

        `present` is what Alertmanager has now, None when none answered; `kept` what `kept()` said.
        """
        if not self.alertmanagers or not news:
            return ["" for _ in news]  # there is nobody who could have muted it
        if kept is None or present is None:
            return [None for _ in news]
        sources = await self._sources(news, kept.rules, now)  # None: too many to be read
        return await asyncio.to_thread(
            lambda: [
                _muted(one, present, kept, sources, now, self.receivers) for one in news
            ]  # slow: each with each
        )

    async def _at_once(
        self, selector: str, since: datetime, now: datetime, added: Labels, ago: int = 0
    ) -> list[PastAlert]:
        """What fired from `since` to `now`, which is `ago` seconds ago. Raises AnswerTooLong."""
        still = await self._query(f"ALERTS{{{selector}}}")
        later = int(time.monotonic() - self.begun)
        seconds = int((now - since).total_seconds()) + 1 + (0 if ago else later)
        past = f" offset {ago + later}s" if ago else ""
        series = await self._query(f"ALERTS{{{selector}}}[{seconds}s]{past}")
        return await asyncio.to_thread(_seen, series, still, added)

    async def _fired(
        self, selector: str, since: datetime, now: datetime, added: Labels, ago: int = 0
    ) -> list[PastAlert]:
        """The same, in parts where it is too much at once. Raises AnswerTooLong when a minute of it is."""
        try:
            return await self._at_once(selector, since, now, added, ago)
        except AnswerTooLong:
            half = int((now - since).total_seconds()) // 2
            if half < SHORTEST:
                raise
        middle = now - timedelta(seconds=half)
        older = await self._fired(selector, since, middle, added, ago + half)
        return _together(older, await self._fired(selector, middle, now, added, ago))

    async def _query(self, query: str) -> list[_Series]:
        address = f"{self.prometheus.rstrip('/')}/api/v1/query?{urlencode({'query': query})}"
        answer = await self.outside.ask("Prometheus", "GET", address, timeout=ANSWER_WITHIN)
        try:
            return await answer.through(_series)
        except PartialData as problem:
            raise PartialData(problem.cause, self.outside.clean(str(problem))[:LONGEST_QUOTE]) from None

    async def _added(self) -> Labels:
        """The labels that Prometheus adds to what it sends; none where its configuration is not shown."""
        address = f"{self.prometheus.rstrip('/')}/api/v1/status/config"
        try:
            answer = await self.outside.ask("Prometheus", "GET", address, timeout=ANSWER_WITHIN)
            return await asyncio.to_thread(_external_labels, answer.body)
        except (TargetError, ValidationError, yaml.YAMLError):
            return {}

    async def kept(self) -> AlertmanagerState | None:
        """What the Alertmanagers keep: one of a cluster that answers is enough, None when none does."""
        states: list[AlertmanagerState] = []
        for url in self.alertmanagers:
            base = url.rstrip("/")
            try:
                muted, status = [
                    (await self.outside.ask("Alertmanager", "GET", base + path, timeout=ANSWER_WITHIN)).body
                    for path in ("/api/v2/silences", "/api/v2/status")
                ]
                states.append(await asyncio.to_thread(_read, muted, status))
            except (TargetError, ValidationError, yaml.YAMLError) as error:
                log.warning("%s does not say what it muted: %s", url, error)
        if not states:
            return None
        return AlertmanagerState(
            tuple(one for kept in states for one in kept.silences),
            tuple({rule.model_dump_json(): rule for kept in states for rule in kept.rules}.values()),
            Routing(
                tuple(route for kept in states for route in kept.routing.routes),
                {name: one for kept in states for name, one in kept.routing.intervals.items()},
            ),
        )

    async def _sources(
        self, news: Sequence[PastAlert], rules: Iterable[Inhibition], now: datetime
    ) -> list[tuple[Inhibition, list[PastAlert] | None]]:
        """The alerts that may have muted one of the news, rule by rule; None where there are more than can be read."""
        added, since = await self._added(), min(one.first for one in news) - BEFORE
        sources: list[tuple[Inhibition, list[PastAlert] | None]] = []
        for rule in await asyncio.to_thread(_may_mute, tuple(rules), news):
            try:
                sources.append((rule, await self._fired(rule.selector(added), since, now, added)))
            except AnswerTooLong:
                sources.append((rule, None))
        return sources


def _external_labels(body: bytes) -> dict[str, str]:
    text = _Configuration.model_validate_json(body).data.yaml
    written = _PrometheusConfig.model_validate(read_yaml(text) or {})
    return (written.all_over or _Global()).external_labels or {}


def _may_mute(rules: Sequence[Inhibition], news: Sequence[PastAlert]) -> list[Inhibition]:
    return [rule for rule in rules if any(rule.may_mute(one.labels) for one in news)]


def _series(body: bytes) -> list[_Series]:
    read = _AlertsAnswer.model_validate_json(body)
    read.whole()
    return read.data.result


def _seen(series: Sequence[_Series], still: Sequence[_Series], added: Labels) -> list[PastAlert]:
    """When each series was seen first and last."""
    fires = {_key(one.metric) for one in still}
    return [
        PastAlert(
            {**added, **_labels(one.metric)},
            datetime.fromtimestamp(one.values[0][0], UTC),
            datetime.fromtimestamp(one.values[-1][0], UTC),
            still=_key(one.metric) in fires,
        )
        for one in series
        if one.values
    ]


def _together(older: Sequence[PastAlert], newer: Sequence[PastAlert]) -> list[PastAlert]:
    """What fired in two times that follow each other."""
    by_labels = {frozenset(one.labels.items()): one for one in older}
    for one in newer:
        before = by_labels.get(key := frozenset(one.labels.items()))
        by_labels[key] = one if before is None else replace(one, first=before.first)
    return list(by_labels.values())


def _read(muted: bytes, status: bytes) -> AlertmanagerState:
    configuration = configured(status)
    return AlertmanagerState(silences(muted), inhibitions(configuration), routing_in(configuration))


def _muted(
    fired: PastAlert,
    present: Sequence[CurrentAlert],
    kept: AlertmanagerState,
    sources: Sequence[tuple[Inhibition, list[PastAlert] | None]],
    now: datetime,
    receivers: Sequence[str],
) -> str | None:
    for silence in kept.silences:
        if silence.mutes(fired, now):
            return f"silenced by {silence.createdBy or 'somebody'}" + f": {silence.comment}".rstrip(": ")
    for rule, others in sources:
        for other in others or ():
            if rule.mutes(fired, other):
                return f"inhibited by {other.labels.get('alertname', 'another alert')}"
    if any(not one.active and fired.labels.items() <= one.labels.items() for one in present):
        return "muted in Alertmanager"
    timed = kept.routing.was_muted(fired.labels, receivers, fired.first, now if fired.still else fired.last)
    if timed:
        return "in a time interval in which its route sends nothing"
    unread = any(others is None and rule.may_mute(fired.labels) for rule, others in sources)
    return None if unread or timed is None else ""


def _labels(metric: Labels) -> dict[str, str]:
    return {name: value for name, value in metric.items() if name not in {"__name__", "alertstate"}}


def _key(metric: Labels) -> frozenset[tuple[str, str]]:
    return frozenset(_labels(metric).items())
