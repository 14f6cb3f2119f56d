"""Pages say each thing and each name once in every state, and overstate nothing."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import servers
from guarded import Guarded, alert, body, guarded, playbook
from guarded.routes import pages
from handrail.contract import Approval, Gate
from handrail_receiver.words.whose import asked_by, fire, happened_by, whose

GATES = (
    Gate(
        into="50%",
        manual=("Is the log clean?",),
        approvals=(Approval(role="lead", valid_for=3600, four_eyes=True),),
    ),
)
DOUBLED = (
    r"\b([\w-]+): \1\b",
    r"\boperator-1 [^.;]*\(asked by operator-1\)",
    r"\boperator-1 asked for [^.;]* asked by operator-1\b",
    r"nothing fires\. Nothing fires",
    r"\b(\w+) \1\b",
)
"""What a reader would stumble over."""


def sentences(shop: Guarded, path: str) -> Iterator[str]:
    """The lines of a page's text."""
    page = shop.ask("GET", path, "operator").text.partition("<h1")[2]
    page = re.sub(r"<(style|script|svg).*?</\1>", " ", page, flags=re.DOTALL)
    page = re.sub(r"</(p|li|dd|td|dt|h1|h2|h3|div|section)>", "\n", page)
    for line in re.sub(r"<[^>]+>", " ", page).splitlines():
        if text := " ".join(html.unescape(line).split()):
            yield text


def stumbles(shop: Guarded, path: str) -> list[str]:
    return [one for one in sentences(shop, path) if any(re.search(bad, one) for bad in DOUBLED)]


def test_no_page_says_anything_twice_whatever_state_the_rollout_is_in(tmp_path: Path) -> None:
    with guarded(tmp_path, playbook(gates=GATES)) as shop:
        found: dict[str, list[str]] = {}

        def look(state: str) -> None:
            for path in pages():
                found[f"{state} {path}"] = stumbles(shop, path)

        look("none")
        shop.call("start")
        look("waiting")
        assert "It waits for an answer to “Is the log clean?” and an approval as lead." in sentences(
            shop, "/rollouts/shop"
        )
        assert (
            "It waits for what its gate into stage 50% asks for, and a person to promote it into stage 50%."
            in sentences(shop, "/")
        )
        shop.call("hold", why="lunch")
        look("held")
        assert "It waits for a person." in sentences(shop, "/rollouts/shop")
        shop.call("resume")
        shop.call("rollback", why="it burns")
        shop.until("rollback", "done")
        (one,) = shop.ask("GET", "/api/rollouts/shop/incidents", "viewer").json()["incidents"]
        own = f"/rollouts/shop/incidents/{one['id']}"
        look("rolled back")
        assert "operator-1 asked for a rollback: it burns" in sentences(shop, own)
        shop.call("ack")
        shop.call("close", why="fixed")
        look("closed")
        shop.call("start")
        (tmp_path / "handrail.stop").touch()
        shop.deliver(body(alert("error-rate", "critical")))
        servers.until(lambda: bool(shop.status()["attempt"]["held"]), "it to be held")
        look("left to people")
        (tmp_path / "handrail.stop").unlink()
        shop.deliver(body(alert("error-rate", "emergency")))
        shop.until("emergency-rollback", "done")
        look("rolled back by an alert")
        (grown,) = shop.ask("GET", "/api/rollouts/shop", "viewer").json()["incidents"]
        said = list(sentences(shop, f"/rollouts/shop/incidents/{grown['id']}"))
        assert said[said.index("Became") + 1] == "emergency-rollback"
        shop.call("abandon", why="over")
        look("abandoned")
    assert {place: lines for place, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("by", "text", "named", "said"),
    [
        ("alert", "errors are critical", "", "alert: errors are critical"),
        ("sam", "it broke", " (asked by sam)", "sam: it broke"),
        ("sam", "sam asked for a rollback", "", "sam asked for a rollback"),
        ("sam", "samantha asked for it", " (asked by sam)", "sam: samantha asked for it"),
        ("op", "held: op-1: lunch", " (asked by op)", "op: held: op-1: lunch"),
        ("sam", "it was held: sam: lunch", "", "sam: it was held: sam: lunch"),
        ("sam", "", " (asked by sam)", "sam"),
    ],
)
def test_who_it_was_is_said_once(by: str, text: str, named: str, said: str) -> None:
    assert (asked_by(by, text), whose(by, text)) == (named, said)


def test_an_event_says_who_it_was_once() -> None:
    assert [happened_by(*one) for one in EVENTS] == [
        "acknowledged by sam: on it",
        "acknowledged by sam",
        "opened: sam asked for a rollback",
    ]


EVENTS = (
    ("acknowledged", "sam", "on it"),
    ("acknowledged", "sam", ""),
    ("opened", "sam", "sam asked for a rollback"),
)


def test_one_fires_and_several_fire() -> None:
    assert (fire(["a/critical"]), fire(["a/critical", "b/blind"])) == (
        "a/critical fires",
        "a/critical, b/blind fire",
    )
