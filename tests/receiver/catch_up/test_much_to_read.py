"""Too much fired during an absence to be read at once: it is read in parts, and the rollout is held where even that fails."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from apis import Api, Request
from guarded import NOW, ROLLOUT, playbook
from guarded.alerts import labels
from handrail_receiver.catch_up.lookback import LookBack
from handrail_receiver.catch_up.missed import TOO_MANY, too_many
from handrail_receiver.catch_up.mutes import PastAlert
from handrail_receiver.model import Attempt, AttemptState, History, SetHold, Verdict
from handrail_receiver.outside import Outside
from handrail_receiver.outside.client import LONGEST_ANSWER, new_client
from handrail_receiver.secrets import Secrets
from starlette.responses import JSONResponse, Response

pytestmark = pytest.mark.anyio
ATTEMPT = Attempt(7, ROLLOUT, ROLLOUT, 2, AttemptState.active, "10%", NOW, NOW, "alice")
SINCE, UNTIL = datetime(2026, 3, 1, 3, 0, tzinfo=UTC), datetime(2026, 3, 1, 4, 0, tzinfo=UTC)


class Talkative(Api):
    """A Prometheus with an alert that fires all the time, and too much to say of more than `seconds` of `shop`.

    Of `search` even a minute is too much, and so is everything at once.
    """

    seconds = 1000

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[int, int]] = []

    def answer(self, request: Request) -> Response:
        query = parse_qs(urlsplit(request.path).query).get("query", [""])[0]
        series = {"__name__": "ALERTS", "alertstate": "firing", **labels()}
        if "[" not in query:
            found = [{"metric": series, "value": [UNTIL.timestamp(), "1"]}] if query else []
            return JSONResponse({"status": "success", "data": {"resultType": "vector", "result": found}})
        numbers = [int(part) for part in re.findall(r"(\d+)s", query)]
        long, ago = numbers[0], sum(numbers[1:])
        if f'rollout="{ROLLOUT}"' not in query or long > self.seconds + 1:
            return Response(b" " * (LONGEST_ANSWER + 1))
        self.asked.append((long, ago))
        until = UNTIL.timestamp() - ago
        values = [[until - long + 1, "1"], [until, "1"]]
        found = [{"metric": series, "values": values}]
        return JSONResponse({"status": "success", "data": {"resultType": "matrix", "result": found}})


async def test_each_rollout_is_asked_for_by_itself_and_in_times_that_are_short_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at_once = SimpleNamespace(monotonic=lambda: 0.0)
    monkeypatch.setattr("handrail_receiver.catch_up.lookback.time", at_once)
    async with new_client(None) as client:
        with Talkative() as api:
            back = LookBack(Outside(client, Secrets(None, {})), api.url, (), ("handrail",), 0)
            fired, unread = await back.fired(SINCE, UNTIL, [ROLLOUT, "search"])
    assert unread == ["search"]
    assert fired == [PastAlert(labels(), SINCE, UNTIL, still=True)]
    assert api.asked == [(901, 2700), (901, 1800), (901, 900), (901, 0)]


async def test_the_times_that_are_asked_for_are_those_of_the_absence_however_long_that_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each question takes five seconds, and Prometheus counts back from when it is asked."""
    clock = itertools.count(0, 5)
    monkeypatch.setattr(
        "handrail_receiver.catch_up.lookback.time", SimpleNamespace(monotonic=lambda: next(clock))
    )
    async with new_client(None) as client:
        with Talkative() as api:
            back = LookBack(Outside(client, Secrets(None, {})), api.url, (), ("handrail",), 0)
            api.seconds = 2000
            await back.fired(SINCE, UNTIL, [ROLLOUT])
    assert api.asked == [(1801, 1800 + 10), (1801 + 15, 0)]


def test_a_rollout_of_which_there_is_too_much_is_held_once_and_its_people_look() -> None:
    made = too_many(playbook(), History(ATTEMPT))
    assert (made.verdict, made.reason, made.action) == (Verdict.hold, "too-many", "rollback")
    assert (made.text, made.changes) == (TOO_MANY, (SetHold(TOO_MANY),))
    for held in (replace(ATTEMPT, held=TOO_MANY), replace(ATTEMPT, state=AttemptState.complete), None):
        quiet = too_many(playbook(), History(held))
        assert (quiet.verdict, quiet.changes) == (Verdict.repeat, ())


async def test_whose_source_is_too_much_to_read_nobody_knows_whether_it_muted() -> None:
    async with new_client(None) as client:
        with Muting() as api:
            back = LookBack(Outside(client, Secrets(None, {})), api.url, (api.url,), ("handrail",))
            kept = await back.kept()
            news = [PastAlert(labels(), SINCE, UNTIL), PastAlert(labels("leaks"), SINCE, UNTIL)]
            assert await back.muted(news, [], kept, UNTIL + timedelta(minutes=1)) == [None, ""]


class Muting(Talkative):
    """An Alertmanager beside it, in which a rule with more alerts than can be read mutes one guardrail."""

    def answer(self, request: Request) -> Response:
        if request.path == "/api/v2/silences":
            return JSONResponse([])
        if request.path == "/api/v2/status":
            rule = {"source_match": {"alertname": "Maintenance"}, "target_match": {"guardrail": "error-rate"}}
            config = {"route": {"receiver": "handrail"}, "inhibit_rules": [rule]}
            return JSONResponse({"config": {"original": json.dumps(config)}})
        return super().answer(request)
