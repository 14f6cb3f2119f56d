"""What Prometheus remembers of the chains' ends → what a store does not have any more, or has otherwise.

The receiver exports the number and the beginning of the hash of each chain's newest record. Whoever can write to the
store can make a chain again as a whole; what another Prometheus has recorded of it meanwhile they cannot.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from handrail_receiver.addresses import Address, address
from handrail_receiver.errors import WrongSettings
from handrail_receiver.model import HEAD_METRIC, RECORDS_METRIC, head_figure
from handrail_receiver.outside import Outside, new_client
from handrail_receiver.outside.client import AnswerTooLong
from handrail_receiver.outside.http_config import BasicAuth, HttpConfig, read_http_config
from handrail_receiver.outside.logins import Login, Logins, Service
from handrail_receiver.outside.prometheus_history import PrometheusHistory, Series
from handrail_receiver.secrets import Secrets
from handrail_receiver.words.times import when

AT_ONCE, AT_LEAST = timedelta(hours=6), timedelta(minutes=1)
"""How much of the past Prometheus is asked for at once: each sample of it counts."""
SCRAPED_WITHIN = timedelta(minutes=5)
"""How long a record may be there without having been scraped."""
MATCHERS = re.compile(r'[a-zA-Z_]\w*(=|!=|=~|!~)"[^"\\]*"(,[a-zA-Z_]\w*(=|!=|=~|!~)"[^"\\]*")*')


@dataclass(frozen=True)
class Remembering:
    """A Prometheus to be asked, from when on, and the file by which one logs in to it (None: there is none).

    `matching` tells the series of this store's receiver from those of others, as PromQL writes it.
    """

    address: Address
    since: datetime
    login: Path | None = None
    matching: str = ""


def remembering(url: str, since: datetime, login: Path | None, matching: str = "") -> Remembering:
    """The Prometheus at an address, with or without a user in it. Raises WrongSettings."""
    if matching and not MATCHERS.fullmatch(matching):
        raise WrongSettings(f'--matching {matching}: write label matchers, as in job="handrail-receiver"')
    try:
        server = address(url)
    except ValueError as error:
        raise WrongSettings(f"--prometheus: {error}") from None
    if not isinstance(server, Address):
        raise WrongSettings("--prometheus: write http://host:port")
    return Remembering(server, since, login, matching)


@dataclass(frozen=True)
class Checkpoint:
    """The end of a chain as it was once: the number of its newest record, and the figure of that one's hash."""

    rollout: str
    at: datetime
    number: int
    figure: float


@dataclass(frozen=True)
class LastSeen:
    """The newest record of a chain that Prometheus has seen, and when it did last."""

    number: int
    at: datetime


def checkpoints_of(series: Sequence[Series]) -> list[Checkpoint]:
    """Number and figure that were scraped together, each pair once as it was seen first, oldest first."""
    numbers: dict[tuple[tuple[str, str], ...], Series] = {}
    heads: dict[tuple[tuple[str, str], ...], Series] = {}
    for one in series:
        labels = tuple(sorted((name, value) for name, value in one.labels.items() if name != "__name__"))
        (numbers if one.labels.get("__name__") == RECORDS_METRIC else heads)[labels] = one
    checkpoints: dict[tuple[str, int, float], Checkpoint] = {}
    for labels, counted in numbers.items():
        figures = dict(heads[labels].points) if labels in heads else {}
        rollout = dict(labels).get("rollout", "")
        for at, value in counted.points:
            if at in figures and float(value) > 0:
                number, figure = int(float(value)), float(figures[at])
                known = Checkpoint(rollout, datetime.fromtimestamp(at, UTC), number, figure)
                checkpoints.setdefault((rollout, number, figure), known)
    return sorted(checkpoints.values(), key=lambda one: (one.at, one.rollout, one.number))


def contradictions(
    checkpoints: Sequence[Checkpoint], chains: Mapping[str, Mapping[int, str]]
) -> Iterator[str]:
    """What each chain does not have as Prometheus saw it, in a line. `chains` are hashes by number."""
    for rollout in dict.fromkeys(one.rollout for one in checkpoints):
        own, chain = [one for one in checkpoints if one.rollout == rollout], chains.get(rollout, {})
        lost = max((one for one in own if one.number not in chain), key=lambda one: one.number, default=None)
        other = next(
            (one for one in own if one.number in chain and head_figure(chain[one.number]) != one.figure), None
        )
        if lost is not None:
            yield (
                f"the evidence of {rollout} had {lost.number} records {when(lost.at)}, says Prometheus, and has"
                f" {len(chain)} now: its end was cut off, or it was made again"
            )
        elif other is not None:
            yield (
                f"record {other.number} of {rollout} was another one {when(other.at)}, says Prometheus: the chain was"
                " made again"
            )


def last_seen(checkpoints: Sequence[Checkpoint], rollout: str) -> LastSeen | None:
    """How far the checkpoints cover a chain; None where there are none."""
    own = [one for one in checkpoints if one.rollout == rollout]
    newest = max(own, key=lambda one: (one.number, one.at), default=None)
    return LastSeen(newest.number, newest.at) if newest else None


def unknowns(
    checkpoints: Sequence[Checkpoint], written: Mapping[str, Mapping[int, datetime]], now: datetime
) -> Iterator[str]:
    """What Prometheus cannot confirm. `written` is when each record of each chain was."""
    for rollout, records in written.items():
        seen = last_seen(checkpoints, rollout)
        if not records:
            continue
        if seen is None:
            yield (
                f"Prometheus remembers nothing of the evidence of {rollout}: nobody can know whether it was cut off;"
                " name the Prometheus that scrapes this receiver, and look whether it does"
            )
            continue
        later = [at for number, at in records.items() if number > seen.number]
        if later and min(later) < now - SCRAPED_WITHIN:
            yield (
                f"Prometheus has seen the evidence of {rollout} up to record {seen.number} ({when(seen.at)}), and the"
                f" store has {len(later)} newer ones: nobody can know whether some of those were cut off"
            )


def remembered(source: Remembering, now: datetime) -> list[Checkpoint]:
    """What Prometheus has of all chains. Raises WrongSettings, and TargetError when it does not answer."""
    return asyncio.run(_asked(source, now))


async def _asked(source: Remembering, now: datetime) -> list[Checkpoint]:
    secrets = Secrets(None, {})
    login = _login(source, secrets)
    places = [Service(source.address.url, "--prometheus", login)] if login else []
    client = new_client(None)
    matching = f",{source.matching}" if source.matching else ""
    selector = f'{{__name__=~"{RECORDS_METRIC}|{HEAD_METRIC}"{matching}}}'
    try:
        prometheus = PrometheusHistory(Outside(client, secrets, Logins(places)), source.address.url)
        checkpoints: dict[tuple[str, int, float], Checkpoint] = {}
        start = source.since
        while start < now:
            end = min(start + AT_ONCE, now)
            for one in await _between(prometheus, selector, start, end):
                checkpoints.setdefault((one.rollout, one.number, one.figure), one)
            start = end
        return list(checkpoints.values())
    finally:
        await client.aclose()


async def _between(
    prometheus: PrometheusHistory, selector: str, start: datetime, end: datetime
) -> list[Checkpoint]:
    """Every checkpoint of a time; half of it after the other where that is more than one answer holds."""
    try:
        return checkpoints_of(await prometheus.scraped(selector, start, end))
    except AnswerTooLong:
        if end - start <= AT_LEAST:
            raise
    middle = start + (end - start) / 2
    return [
        *await _between(prometheus, selector, start, middle),
        *await _between(prometheus, selector, middle, end),
    ]


def _login(source: Remembering, secrets: Secrets) -> Login | None:
    if source.login is not None:
        config, wrong = read_http_config(source.login)
        if wrong:
            raise WrongSettings("\n".join(f"--http-config: {one}" for one in wrong))
        return Login(config, secrets, None)
    if not source.address.user:
        return None
    pair = BasicAuth(username=source.address.user, password=source.address.password)
    return Login(HttpConfig(basic_auth=pair), secrets, None)
