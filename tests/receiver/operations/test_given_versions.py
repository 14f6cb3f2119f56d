"""An attempt's versions: who gives them, when, and where they are named afterwards. A real receiver and HAProxy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import pytest
import servers
from apis import Api, Inbox, Request
from guarded import Guarded, alert, body, guarded, playbook, write_playbook
from guarded.database import database
from handrail.contract import (
    Approval,
    Arms,
    Gate,
    GivenArms,
    GuardrailFacts,
    HttpVersion,
    OpenArms,
    Playbook,
    Proof,
    ReferenceQuery,
    Tell,
    Webhook,
)
from handrail_receiver import terminal
from starlette.responses import JSONResponse, Response

OPEN = OpenArms(label="version")
PROOF = Proof(expr='sum(rate(x{version="${canary}"}[1m])) or y{version="${stable}"}', at_most=0, within=1)


def open_book(**facts: Any) -> Playbook:
    return playbook(arms=OPEN, **facts)


@pytest.fixture(name="shop")
def _shop(tmp_path: Path) -> Iterator[Guarded]:
    with guarded(tmp_path, open_book()) as shop:
        yield shop


def bodies(shop: Guarded) -> list[dict[str, Any]]:
    records = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()["records"]
    return [json.loads(record["body"]) for record in records]


def refused(reason: str, text: str) -> dict[str, Any]:
    said = {"verdict": "refuse", "reason": reason, "text": text}
    return {**said, "outcome": None, "outcome_text": None, "check": None}


def test_a_start_without_versions_is_refused_with_what_to_type(shop: Guarded) -> None:
    command = "`handrail rollout start shop --canary … --stable …`"
    missing = f"the versions are not known; give the values that the label version has: {command}"
    assert shop.call("start") == refused("versions", missing)
    assert shop.call("start", canary="v43") == refused("versions", missing)
    same = f"canary and stable are both v43; give the two values that the label version has: {command}"
    assert shop.call("start", canary="v43", stable="v43") == refused("versions", same)
    assert shop.status()["attempt"] is None


def test_no_reason_goes_past_missing_versions(shop: Guarded) -> None:
    assert shop.call("start", anyway=True, why="in a hurry")["reason"] == "versions"


def test_what_is_no_label_value_is_refused(shop: Guarded) -> None:
    answer = shop.ask("POST", "/api/rollouts/shop/start", json={"canary": "v43\n", "stable": "v42"})
    assert (answer.status_code, answer.json()["error"].partition(":")[0]) == (400, "canary")


def test_a_start_says_its_versions_in_answer_status_metric_evidence_and_page(shop: Guarded) -> None:
    answer = shop.call("start", canary="v43", stable="v42")
    assert answer["text"] == "a new attempt, in stage 10%, canary v43, stable v42"
    versions = {"label": "version", "canary": "v43", "stable": "v42"}
    assert shop.status()["attempt"]["versions"] == versions
    assert shop.metric("handrail_rollout_arm") == {
        '{arm="canary",rollout="shop",value="v43"}': 1,
        '{arm="stable",rollout="shop",value="v42"}': 1,
    }
    assert [one["versions"] for one in bodies(shop) if one.get("verdict")] == [versions]
    assert "  canary v43, stable v42" in terminal.status(shop.status()).splitlines()
    every = shop.ask("GET", "/api/rollouts", "viewer").json()
    assert terminal.listed(every).endswith("10%    canary v43, stable v42")
    assert "canary v43, stable v42 (version)" in shop.ask("GET", "/rollouts/shop", "viewer").text


def test_every_later_decision_is_about_the_same_versions(shop: Guarded) -> None:
    versions = {"label": "version", "canary": "v43", "stable": "v42"}
    shop.call("start", canary="v43", stable="v42")
    shop.call("promote")
    shop.deliver()
    shop.until("rollback", "done")
    decided = [one for one in bodies(shop) if one.get("verdict")]
    assert [(one["action"], one["versions"]) for one in decided] == [
        ("start", versions),
        ("promote", versions),
        ("rollback", versions),
    ]


def test_when_an_attempt_is_over_its_versions_are_no_arms_any_more(shop: Guarded) -> None:
    shop.call("start", canary="v43", stable="v42")
    shop.call("abandon", why="it was a mistake")
    assert shop.metric("handrail_rollout_arm") == {
        '{arm="canary",rollout="shop",value="v43"}': 0,
        '{arm="stable",rollout="shop",value="v42"}': 0,
    }


def test_the_next_attempt_has_its_own_versions_and_is_asked_for_them(shop: Guarded) -> None:
    shop.call("start", canary="v43", stable="v42")
    shop.call("abandon", why="it was a mistake")
    assert shop.call("start")["reason"] == "versions"
    assert shop.call("start", canary="v44", stable="v42")["verdict"] == "act"
    assert shop.metric("handrail_rollout_arm") == {
        '{arm="canary",rollout="shop",value="v44"}': 2,
        '{arm="stable",rollout="shop",value="v42"}': 2,
    }


def test_a_rollback_of_an_attempt_that_is_over_is_about_its_versions(shop: Guarded) -> None:
    shop.call("start", canary="v43", stable="v42")
    shop.call("abandon", why="it was a mistake")
    assert shop.call("rollback", anyway=True, why="it is still out")["outcome"] == "done"
    attempt = shop.status()["attempt"]
    assert (attempt["number"], attempt["versions"]["canary"]) == (2, "v43")


def test_a_running_attempt_keeps_its_versions(shop: Guarded) -> None:
    shop.call("start", canary="v43", stable="v42")
    other = "this attempt's canary is v43 and its stable version v42; other versions need a new attempt"
    assert shop.call("start", canary="v44", stable="v42") == refused("versions", other)
    assert shop.call("start", canary="v43", stable="v42")["reason"] == "already-running"


def test_declared_arms_take_no_versions(tmp_path: Path) -> None:
    with guarded(tmp_path) as shop:
        text = "the declaration says which versions its arms are; leave --canary and --stable out"
        assert shop.call("start", canary="v43", stable="v42") == refused("versions", text)
        assert shop.call("start")["verdict"] == "act"
        assert shop.metric("handrail_rollout_arm") == {}
        assert shop.status()["attempt"]["versions"] is None


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_versions_survive_a_restart(tmp_path: Path, kind: str) -> None:
    with ExitStack() as kept:
        settings: dict[str, Any] = {}
        if kind == "postgresql":
            (tmp_path / "base").mkdir()
            settings["STORE"] = kept.enter_context(database(tmp_path / "base")).make("shop")
        with guarded(tmp_path, open_book(), **settings) as shop:
            shop.call("start", canary="v43", stable="v42")
        with guarded(tmp_path, open_book(), proxy=False, **settings) as shop:
            assert shop.metric("handrail_rollout_arm")['{arm="canary",rollout="shop",value="v43"}'] == 1


def test_an_adopted_playbook_is_about_the_versions_of_the_attempt(tmp_path: Path) -> None:
    with guarded(tmp_path, open_book()) as shop:
        shop.call("start", canary="v43", stable="v42")
        assert shop.status()["changed"] == []
        write_playbook(tmp_path / "playbook", open_book(budget_per_day=7))
        changed = ["budget_per_day: 3 → 7"]
        servers.until(lambda: shop.status()["changed"] == changed, "the new playbook to be read")
        assert shop.call("adopt", why="more of them")["verdict"] == "act"
        assert shop.status()["attempt"]["versions"]["canary"] == "v43"


def test_an_approval_before_the_start_is_for_the_versions_that_it_names(tmp_path: Path) -> None:
    gate = Gate(into="10%", approvals=(Approval(role="lead", valid_for=3600, four_eyes=True),))
    with guarded(tmp_path, open_book(gates=(gate,))) as shop:
        asks = shop.status()["gate"]["asks"]
        assert asks[0]["cure"] == "handrail rollout approve shop --role lead --canary … --stable …"

        def approve(**given: str) -> dict[str, Any]:
            answer: dict[str, Any] = shop.ask(
                "POST", "/api/rollouts/shop/approve", "approver", json=given
            ).json()
            return answer

        assert approve(role="lead")["reason"] == "versions"
        assert approve(role="lead", canary="v43", stable="v42")["verdict"] == "note"
        other = shop.call("start", canary="v44", stable="v42")
        assert other["reason"] == "not-ready"
        assert (
            "the playbook, a version that was given, or an answer to a question, has changed since"
            in other["text"]
        )
        assert "approve shop --role lead --canary v44 --stable v42 --seen" in other["text"]
        assert shop.call("start", canary="v43", stable="v42")["verdict"] == "act"
        approved = [one for one in bodies(shop) if one.get("reason") == "approved"]
        assert [one["versions"]["canary"] for one in approved] == ["v43"]


def test_the_queries_of_a_playbook_name_the_versions_and_nothing_else_changes() -> None:
    guardrail = GuardrailFacts(
        name="errors",
        tiers=(),
        references=(ReferenceQuery(reference="before", expr='x{version="${stable}",path="${stable}"}'),),
        needs=(('x{version="${stable}"}', 'x{version="${canary}"}'),),
    )
    book = open_book(proof=PROOF, guardrails=(guardrail,))
    given = book.with_versions('v"43', "v42\\")
    assert given.arms == GivenArms(label="version", canary='v"43', stable="v42\\", given=True)
    assert given.guardrails[0].references[0].expr == 'x{version="v42\\\\",path="${stable}"}'
    assert given.guardrails[0].needs == (('x{version="v42\\\\"}', 'x{version="v\\"43"}'),)
    proof = given.actions[2].proof
    assert proof is not None
    assert proof.expr == 'sum(rate(x{version="v\\"43"}[1m])) or y{version="v42\\\\"}'
    assert given.with_versions("other", "others") == given
    assert Playbook.model_validate_json(given.model_dump_json()) == given
    fixed = playbook(arms=Arms(label="track", canary="canary", stable="stable"))
    assert fixed.with_versions("other", "others") == fixed


class Releases(Api):
    """What a pipeline says of its release."""

    said: ClassVar[dict[str, str]] = {"canary": "v44", "stable": "v43"}

    def answer(self, request: Request) -> Response:
        assert request.method == "GET"
        return JSONResponse(self.said)


def reading(url: str, *arms: str) -> Playbook:
    sources = {arm: HttpVersion(url, f"/{arm}") for arm in arms}
    return playbook(
        arms=OpenArms(label="version", canary=sources.get("canary"), stable=sources.get("stable"))
    )


def test_a_start_reads_the_versions_for_which_a_source_is_declared(tmp_path: Path) -> None:
    with Releases() as releases, guarded(tmp_path, reading(releases.url, "canary", "stable")) as shop:
        assert shop.call("start")["text"] == "a new attempt, in stage 10%, canary v44, stable v43"


def test_one_version_may_be_read_and_the_other_given(tmp_path: Path) -> None:
    with Releases() as releases, guarded(tmp_path, reading(releases.url, "stable")) as shop:
        missing = "the versions are not known; give the values that the label version has: `handrail rollout start shop --canary …`"
        assert shop.call("start") == refused("versions", missing)
        assert (
            shop.call("start", canary="v45")["text"] == "a new attempt, in stage 10%, canary v45, stable v43"
        )


def test_a_version_that_is_given_is_not_read(tmp_path: Path) -> None:
    with guarded(tmp_path, reading("http://127.0.0.1:9", "canary", "stable")) as shop:
        said = shop.call("start")
        assert said["reason"] == "versions"
        assert said["text"].startswith("canary cannot be read: ")
        assert said["text"].endswith("; fix it, or give --canary")
        assert shop.call("start", canary="v44", stable="v43")["verdict"] == "act"


def test_what_is_read_and_is_no_version_starts_nothing(tmp_path: Path) -> None:
    class Odd(Releases):
        said: ClassVar[dict[str, str]] = {"canary": "v44\n", "stable": "v43"}

    with Odd() as releases, guarded(tmp_path, reading(releases.url, "canary", "stable")) as shop:
        text = "canary was read as 'v44\\n', which is not a version; fix it"
        assert shop.call("start") == refused("versions", text)


def test_a_running_attempt_reads_nothing_anew(tmp_path: Path) -> None:
    with Releases() as releases, guarded(tmp_path, reading(releases.url, "canary", "stable")) as shop:
        shop.call("start")
        releases.requests.clear()
        assert shop.call("start")["reason"] == "already-running"
        shop.call("promote")
        assert releases.requests == []


def test_a_message_names_the_versions(tmp_path: Path) -> None:
    with Inbox() as inbox:
        book = open_book()
        tell = (Tell(Webhook(f"{inbox.url}/team")),)
        actions = tuple(action.model_copy(update={"tell": tell}) for action in book.actions)
        with guarded(tmp_path, book.model_copy(update={"actions": actions})) as shop:
            shop.call("start", canary="v43", stable="v42")
            shop.deliver()
            title = "shop: rollback done (canary v43, stable v42)"
            servers.until(lambda: title in [one.json["data"]["title"] for one in inbox.requests], title)


def test_an_alert_of_the_version_before_rolls_nothing_back(shop: Guarded) -> None:
    shop.call("start", canary="v43", stable="v42")
    shop.call("abandon", why="v43 was sick")
    shop.call("start", canary="v44", stable="v42")
    shop.deliver(body(alert(arm="canary", version="v43")))
    shop.call("hold", why="the alert before is decided")
    assert "rollback" not in [action for action, _ in shop.runs()]
    shop.deliver(body(alert(arm="canary", version="v44")))
    shop.until("rollback", "done")
