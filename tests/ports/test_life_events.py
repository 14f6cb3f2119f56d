"""An attempt's life → CDEvents: each event once, with its id and in order, however often and by whichever receiver it is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from apis import Inbox, Request, Trouble
from guarded import write_playbook
from handrail.contract import Action, CDEvents, Secret, Tell
from handrail_receiver.intake.refusals import Refusals
from handrail_receiver.metrics import Metrics
from handrail_receiver.model import Conditions
from handrail_receiver.outside import Outside
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.secrets import Secrets
from handrail_receiver.store import Store
from handrail_receiver.telling import Teller
from handrail_receiver.telling.messenger import Messenger
from ports.kept_week import entered, lived
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from receiver.reports.remembered import MONDAY, book
from receiver.telling.queued import Time
from servers import PLAIN
from starlette.responses import JSONResponse, Response

pytestmark = pytest.mark.anyio
SOURCE = "https://handrail.example"
NOW = MONDAY + timedelta(days=7)


class Shape(BaseModel):
    """Nothing else may be there."""

    model_config = ConfigDict(extra="forbid")


class Reference(Shape):
    id: str = Field(min_length=1)
    source: str = ""


class Content(Shape):
    """What CDEvents 0.5.1 allows in the content of the events that are sent."""

    pipelineName: str = ""  # noqa: N815  the specification's spelling
    uri: str = ""
    outcome: Literal["success", "failure", "cancel", "error", ""] = ""
    errors: str = ""
    environment: Reference | None = None
    service: Reference | None = None
    artifactId: str = Field(default="", pattern=r"^(pkg:.+)?$")  # noqa: N815
    description: str = ""


class Context(Shape):
    specversion: Literal["0.5.1"]
    id: str = Field(min_length=1)
    source: str = Field(min_length=1)
    type: str = Field(pattern=r"^dev\.cdevents\.[a-z]+\.[a-z]+\.\d+\.\d+\.\d+$")
    timestamp: AwareDatetime
    chainId: str = Field(min_length=1)  # noqa: N815


class Subject(Shape):
    id: str = Field(min_length=1)
    source: str
    content: Content


class CDEvent(Shape):
    context: Context
    subject: Subject


class CloudEvent(Shape):
    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    subject: str
    time: AwareDatetime
    datacontenttype: Literal["application/json"]
    data: CDEvent


NEEDED = {
    "pipelinerun.started": {"pipelineName", "uri"},
    "pipelinerun.finished": set(),
    "service.upgraded": {"environment", "artifactId"},
    "service.rolledback": {"environment", "artifactId"},
    "incident.detected": {"environment"},
    "incident.resolved": {"environment"},
}
"""What each type's content must have."""


class Picky(Inbox):
    """A sink that takes everything but the types in `never`, and answers those as `status` says."""

    never = ""
    status = 400

    def answer(self, request: Request) -> Response:
        if self.never and self.never in request.json["type"]:
            return JSONResponse({"message": "no such type"}, self.status)
        return super().answer(request)


@pytest.fixture
def api() -> Iterator[Picky]:
    with Picky() as api:
        yield api


@pytest.fixture
async def messenger(store: Store, api: Inbox, tmp_path: Path) -> AsyncIterator[Messenger]:
    tell = Tell(CDEvents(f"{api.url}/events", source=SOURCE, token=Secret("SINK")))
    actions = tuple(Action(name=name, tell=(tell,)) for name in ("rollback", "emergency-rollback"))
    playbook = book(environment="production", actions=actions)
    playbooks = Playbooks(write_playbook(tmp_path, playbook), lambda _: None)
    playbooks.refresh()
    async with httpx.AsyncClient(trust_env=False, verify=PLAIN) as client:
        outside = Outside(client, Secrets(None, {"HANDRAIL_SECRET_SINK": api.token}))
        clock, metrics = Time(NOW), Metrics(NOW)
        made: Callable[..., Any] = Messenger
        yield made(
            store,
            playbooks,
            Teller(outside, clock),
            clock,
            lambda: Conditions(clock.at),
            Refusals(NOW),
            metrics,
            "",
            None,
        )


async def told(messenger: Messenger, seconds: float = 0) -> None:
    """Whoever is due is told."""
    messenger.clock.at += timedelta(seconds=seconds)  # type: ignore[attr-defined]
    for _ in range(4):
        await messenger.step()
        for task in messenger.running:
            await task


def sent(api: Inbox) -> list[CloudEvent]:
    return [CloudEvent.model_validate(request.json) for request in api.requests]


def short(event: CloudEvent) -> tuple[str, str, str]:
    """Its type, its subject, and when it was in the week."""
    return event.type.removeprefix("dev.cdevents.").split(".0.")[0], event.subject, f"{event.time:%a %H:%M}"


async def test_the_life_of_two_attempts_is_told_event_by_event(
    store: Store, api: Inbox, messenger: Messenger
) -> None:
    await lived(store, messenger.playbooks.all()[0])
    await told(messenger)
    assert [short(event) for event in sent(api)] == [
        ("pipelinerun.started", "shop/1", "Mon 09:00"),
        ("incident.detected", "shop-1", "Tue 12:00"),
        ("pipelinerun.finished", "shop/1", "Tue 12:04"),
        ("incident.resolved", "shop-1", "Tue 12:04"),
        ("service.rolledback", "shop", "Tue 12:04"),
        ("pipelinerun.started", "shop/2", "Thu 00:00"),
        ("pipelinerun.finished", "shop/2", "Sat 02:00"),
        ("service.upgraded", "shop", "Sat 02:00"),
    ]


async def test_each_has_what_the_specification_asks_for(
    store: Store, api: Inbox, messenger: Messenger
) -> None:
    await lived(store, messenger.playbooks.all()[0])
    await told(messenger)
    for request, event in zip(api.requests, sent(api), strict=True):
        assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
        assert request.headers["authorization"] == f"Bearer {api.token}"
        context, said = event.data.context, event.data.subject
        assert (event.id, event.source, event.type, event.time, event.subject) == (
            context.id,
            context.source,
            context.type,
            context.timestamp,
            said.id,
        )
        needed = NEEDED[short(event)[0]]
        assert needed <= said.content.model_fields_set
    finished, back = (event.data.subject.content for event in sent(api)[2:5:2])
    assert (finished.outcome, finished.errors) == ("failure", "error-rate/critical fires | above 1 %")
    assert (back.environment, back.artifactId) == (Reference(id="production"), "pkg:generic/shop")
    assert sent(api)[-1].data.subject.content.artifactId == "pkg:generic/shop@shop%3A1.4"
    assert len({event.data.context.chainId for event in sent(api)}) == 2
    assert len({event.id for event in sent(api)}) == len(api.requests)


async def test_what_could_not_be_sent_is_sent_again_with_the_same_ids_and_what_was_is_not(
    store: Store, api: Inbox, messenger: Messenger
) -> None:
    playbook = messenger.playbooks.all()[0]
    api.trouble = Trouble.down
    first = await entered(store, MONDAY, "0%", 0, playbook)
    await told(messenger)
    failed = [event.id for event in sent(api)]
    api.trouble = Trouble.none
    await told(messenger, 10)
    assert {event.id for event in sent(api)} == set(failed) != set()
    api.requests.clear()
    await entered(store, MONDAY, "10%", first, playbook)
    await told(messenger, 10)
    assert sent(api) == []


@pytest.mark.parametrize("answer", [Response(status_code=503), Response(status_code=401)], ids=["503", "401"])
async def test_an_event_that_failed_once_does_not_bring_those_before_it_again(
    store: Store, api: Inbox, messenger: Messenger, answer: Response
) -> None:
    await lived(store, messenger.playbooks.all()[0])
    api.queue = [Response(status_code=202), answer]
    await told(messenger)
    await told(messenger, 10)
    names = [short(event)[:2] for event in sent(api)]
    assert [name for name in names if names.count(name) > 1] == [("incident.detected", "shop-1")] * 2
    assert len(set(names)) == 8
    assert messenger.problems == {}


async def test_an_event_that_the_sink_refuses_is_refused_once_and_keeps_no_other_back(
    store: Store, api: Picky, messenger: Messenger, caplog: pytest.LogCaptureFixture
) -> None:
    api.never = "incident.detected"
    await lived(store, messenger.playbooks.all()[0])
    for _ in range(3):
        await told(messenger, 400)
    names = [short(event)[:2] for event in sent(api)]
    assert len(names) == len(set(names)) == 8
    assert ("incident.detected", "shop-1") in names
    (said,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    sink = api.url.removeprefix("http://")
    assert said == (
        f"the CDEvents at {sink} does not hear all of shop-1, and it is given up: incident.detected.0.3.0 of shop-1: "
        f'{sink} answered 400 Bad Request: {{"message":"no such type"}}'
    )


async def test_an_event_waits_for_a_token_that_is_mended(
    store: Store, api: Picky, messenger: Messenger
) -> None:
    api.never, api.status = "pipelinerun.started", 403
    await entered(store, MONDAY, "0%", 0, messenger.playbooks.all()[0])
    await told(messenger)
    api.never = ""
    await told(messenger, 10)
    assert [short(event)[:2] for event in sent(api)] == [("pipelinerun.started", "shop/1")] * 2
    assert messenger.problems == {}
