"""The result of a load burst → what those are sent who are told of the checks of its stage."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import servers
from apis.inbox import Inbox
from apis.serving import Api, Request
from guarded import NOW, guarded, load_burst, playbook
from handrail.contract import CheckFacts, Tell, Webhook
from handrail_receiver.evidence.burst import BURST, BurstRun, SentRequest
from handrail_receiver.model import EvidenceRecord
from handrail_receiver.telling.burst_message import burst_message
from handrail_receiver.telling.channel import Plain
from handrail_receiver.telling.compose import IncidentSubject
from handrail_receiver.telling.incident import Link
from handrail_receiver.telling.render import render
from starlette.responses import PlainTextResponse, Response

SUBJECT = IncidentSubject("shop", "shop", (Link("Runbook", "https://runbooks.example/shop"),))
RUSH = load_burst(requests=3, failed=0.5)
SENT = (
    SentRequest(1, 1, NOW, 0.1, 200),
    SentRequest(1, 2, NOW + timedelta(seconds=1), 1.2, 503),
    SentRequest(1, 3, NOW + timedelta(seconds=2), 1.0, None, "no answer within 1 s"),
)
RUN = BurstRun(RUSH, 7, "7/1/burst/10%/0/rush", False, NOW, NOW + timedelta(seconds=3), "done", "", SENT)


def message(run: BurstRun) -> list[str]:
    record = EvidenceRecord(12, NOW, "shop", BURST, run.record("log").model_dump_json(), "", "")
    told = burst_message("shop/check/12", SUBJECT, record)
    assert (told.status, told.pressing) == ("checked", False)
    return render(None, told, Plain(), 4000).splitlines()


def test_it_says_how_many_failed_of_what_and_how_long_answers_took() -> None:
    assert message(RUN) == [
        "shop: load burst rush of stage 10%: not OK",
        "shop (shop)",
        "",
        "3 of 3 requests sent by 1 user: GET https://shop.example/",
        "2 answered, 2 failed",
        "failed with 503: 1",
        "failed with no answer within 1 s: 1",
        "answers took mean 650 ms, p50 100 ms, p90 1.2 s, p95 1.2 s, p99 1.2 s, max 1.2 s",
        "Runbook: https://runbooks.example/shop",
    ]


def test_one_that_was_stopped_says_why_and_one_without_an_answer_says_that() -> None:
    stopped = replace(RUN, ended="stopped", why="the kill switch is set", sent=(), late=True)
    assert message(stopped)[:6] == [
        "shop: load burst rush of stage 10%, late: not OK",
        "shop (shop)",
        "",
        "stopped: the kill switch is set",
        "0 of 3 requests sent by 1 user: GET https://shop.example/",
        "0 answered, 0 failed",
    ]
    assert message(stopped)[6] == "nothing was answered"
    assert message(replace(RUN, sent=SENT[:1]))[0] == "shop: load burst rush of stage 10%: OK"


class Memory(Api):
    """The service that gets the load."""

    def answer(self, request: Request) -> Response:  # noqa: ARG002
        return PlainTextResponse("a note")


def test_those_who_are_told_of_the_checks_of_its_stage_hear_of_it_once_each(tmp_path: Path) -> None:
    with Memory() as memory, Inbox() as team:
        told = (Tell(Webhook(f"{team.url}/team")),)
        checks = (
            CheckFacts(at=3600, name="hour 1", stage="10%", tell=told),
            CheckFacts(at=7200, name="hour 2", tell=told),
            CheckFacts(at=3600, name="elsewhere", stage="50%", tell=(Tell(Webhook(f"{team.url}/other")),)),
        )
        burst = load_burst(url=f"{memory.url}/query", within=30)
        with guarded(tmp_path, playbook(checks=checks, bursts=(burst,))) as shop:
            shop.call("start")
            servers.until(lambda: bool(team.changes()), "the team to hear of the burst")
        (only,) = team.changes()
        data = only.json["data"]
        assert (only.json["type"], data["title"]) == (
            "rollout.check",
            "shop: load burst rush of stage 10%: OK",
        )
        assert [line["text"] for line in data["lines"]][:2] == [
            f"10 of 10 requests sent by 1 user: GET {memory.url}/query",
            "10 answered, 0 failed",
        ]
