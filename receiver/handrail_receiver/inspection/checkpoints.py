"""What Prometheus remembers of the chains' ends → what a store does not have any more, or has otherwise.

The receiver exports the number and the beginning of the hash of each chain's newest record. Whoever can write to the
store can make a chain anew as a whole; what another Prometheus has recorded of it meanwhile they cannot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from handrail_receiver.addresses import Address, address
from handrail_receiver.errors import StoreDown, TargetError, WrongSettings
from handrail_receiver.model import HEAD_METRIC, RECORDS_METRIC, head_figure
from handrail_receiver.outside import Outside, new_client
from handrail_receiver.outside.http_config import BasicAuth, HttpConfig, read_http_config
from handrail_receiver.outside.logins import Login, Logins, Service
from handrail_receiver.outside.prometheus_history import PrometheusHistory, Series, Span
from handrail_receiver.secrets import Secrets
from handrail_receiver.words.times import when

POINTS = 5000
SHORTEST_STEP = timedelta(seconds=1)


@dataclass(frozen=True)
class Remembering:
    """A Prometheus to be asked, from when on, and the file by which one logs in to it (None: there is none)."""

    address: Address
    since: datetime
    login: Path | None = None


def remembering(url: str, since: datetime, login: Path | None) -> Remembering:
    """The Prometheus at an address, with or without a user in it. Raises WrongSettings."""
    try:
        found = address(url)
    except ValueError as error:
        raise WrongSettings(f"--prometheus: {error}") from None
    if not isinstance(found, Address):
        raise WrongSettings("--prometheus: write http://host:port")
    return Remembering(found, since, login)


@dataclass(frozen=True)
class Checkpoint:
    """The end of a chain as it was once: the number of its newest record, and the figure of that one's hash."""

    rollout: str
    at: datetime
    number: int
    figure: float


def checkpoints_of(series: Sequence[Series]) -> list[Checkpoint]:
    """Number and figure that were scraped together, each pair once, oldest first."""
    numbers: dict[tuple[tuple[str, str], ...], Series] = {}
    heads: dict[tuple[tuple[str, str], ...], Series] = {}
    for one in series:
        labels = tuple(sorted((name, value) for name, value in one.labels.items() if name != "__name__"))
        (numbers if one.labels.get("__name__") == RECORDS_METRIC else heads)[labels] = one
    found: dict[tuple[str, int, float], Checkpoint] = {}
    for labels, counted in numbers.items():
        figures = dict(heads[labels].points) if labels in heads else {}
        rollout = dict(labels).get("rollout", "")
        for at, value in counted.points:
            if at in figures and float(value) > 0:
                number, figure = int(float(value)), float(figures[at])
                known = Checkpoint(rollout, datetime.fromtimestamp(at, UTC), number, figure)
                found.setdefault((rollout, number, figure), known)
    return sorted(found.values(), key=lambda one: (one.at, one.rollout, one.number))


def contradictions(
    checkpoints: Sequence[Checkpoint], chains: Mapping[str, Mapping[int, str]]
) -> Iterator[str]:
    """The first thing that each chain does not have as Prometheus saw it. `chains` are hashes by number."""
    said: set[str] = set()
    for one in checkpoints:
        chain = chains.get(one.rollout, {})
        if one.rollout in said:
            continue
        if one.number not in chain:
            said.add(one.rollout)
            yield (
                f"the evidence of {one.rollout} had {one.number} records {when(one.at)}, says Prometheus, and has"
                f" {len(chain)} now: its end was cut off, or it was made anew"
            )
        elif head_figure(chain[one.number]) != one.figure:
            said.add(one.rollout)
            yield (
                f"record {one.number} of {one.rollout} was another one {when(one.at)}, says Prometheus: the chain was"
                " made anew"
            )


def remembered(source: Remembering, now: datetime) -> list[Checkpoint]:
    """What Prometheus has of all chains. Raises WrongSettings, and StoreDown when it does not answer."""
    try:
        return checkpoints_of(asyncio.run(_asked(source, now)))
    except TargetError as error:
        raise StoreDown(f"{source.address}: {error}") from None


async def _asked(source: Remembering, now: datetime) -> list[Series]:
    secrets = Secrets(None, {})
    login = _login(source, secrets)
    places = [Service(source.address.url, "--prometheus", login)] if login else []
    client = new_client(None)
    try:
        outside = Outside(client, secrets, Logins(places))
        step = max(SHORTEST_STEP, timedelta(seconds=int((now - source.since).total_seconds() / POINTS)))
        asked = f'{{__name__=~"{RECORDS_METRIC}|{HEAD_METRIC}"}}'
        return await PrometheusHistory(outside, source.address.url).series(
            asked, Span(source.since, now, step)
        )
    finally:
        await client.aclose()


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
