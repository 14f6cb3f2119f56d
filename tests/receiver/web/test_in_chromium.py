"""The pages in Chromium, on a phone and on a desk: what is shown, each button by the keyboard, axe without a finding."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from guarded import TOKENS, Guarded, guarded
from guarded.pages import PAGES
from guarded.playbook import ENVIRONMENT
from guarded.recorded import limited_playbook, recorded
from handrail.contract import Approval, Gate
from servers.browser import Tab, browser

ROOT = Path(__file__).parents[3]
AXE = ROOT / ".tools/axe/node_modules/axe-core/axe.min.js"
WIDTHS = (390, 1280)
FINDINGS = """axe.run(document, {resultTypes: ["violations"]}).then(found =>
  found.violations.map(one => `${one.id}: ${one.nodes.map(node => node.html).join(" | ")}`))"""
GIVEN_UP = """(() => {
  const made = [], location = { origin: "", pathname: "/", search: "" }, localTimes = () => {};
  class EventSource { static CLOSED = 2; constructor() { this.readyState = 1; made.push(this); } addEventListener() {} }
  let tick;
  const setInterval = (called) => { tick = called; };
  %s
  const counts = [];
  tick(); counts.push(made.length);
  made[0].readyState = EventSource.CLOSED;
  tick(); counts.push(made.length);
  tick(); counts.push(made.length);
  return counts;
})()"""
GATES = (
    Gate(
        into="50%",
        manual=("Is the log clean?",),
        approvals=(Approval(role="lead", valid_for=3600, four_eyes=True),),
    ),
)
pytestmark = pytest.mark.long


@pytest.fixture(scope="module", name="shop")
def _shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    book = limited_playbook(environment=ENVIRONMENT, gates=GATES)
    with (
        recorded(tmp_path_factory.mktemp("prometheus")) as prometheus,
        guarded(tmp_path_factory.mktemp("shop"), book, PROMETHEUS=prometheus.url) as shop,
    ):
        anyway = {"anyway": True, "why": "only people are asked before the first stage"}
        shop.call("start", **anyway)
        shop.call("rollback", why="the first one was bad")
        shop.until("rollback", "done")
        shop.call("start", **anyway)
        yield shop


@pytest.fixture(scope="module", name="tab")
def _tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with browser(tmp_path_factory.mktemp("browser"), "America/New_York") as tab:
        yield tab


def opened(tab: Tab, shop: Guarded, path: str, role: str = "operator", width: int = 1280) -> None:
    tab.headers({"Authorization": f"Bearer {TOKENS[role]}"})
    tab.size(width)
    tab.go(f"{shop.server.url}{path}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    tab: Tab, shop: Guarded, width: int, scheme: str
) -> None:
    found: dict[str, object] = {}
    tab.prefers(scheme)
    for path in PAGES:
        opened(tab, shop, path, width=width)
        tab.run(f"{AXE.read_text()}; undefined")
        findings = tab.run(FINDINGS)
        wide = tab.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if findings or wide > 0:
            found[path] = [*findings, f"{wide} px too wide"]
    assert found == {}, json.dumps(found, indent=1)


@pytest.mark.parametrize("width", WIDTHS)
def test_figures_stand_beside_their_limits_on_each_screen(tab: Tab, shop: Guarded, width: int) -> None:
    opened(tab, shop, "/rollouts/shop", width=width)
    said = " ".join(tab.run("document.querySelector('main').innerText").split())
    assert "error-rate within its limits canary 0.4 % stable 0.2 %" in said
    assert "critical above 5.00 % (here 5 %), rollback" in said
    assert "10 % of the events are the canary's; 10 % was asked for" in said
    size = tab.run(
        "(b => [b.width > 250, b.height > 80])(document.querySelector('svg.plot').getBoundingClientRect())"
    )
    assert size == [True, True]


def test_an_instant_shows_the_reader_s_own_time_beside_utc(tab: Tab, shop: Guarded) -> None:
    opened(tab, shop, "/rollouts/shop")
    shown = tab.run("document.querySelector('header time').innerText")
    assert shown.count("UTC (") == 1
    assert shown.endswith(" here)")


def test_a_viewer_sees_no_button(tab: Tab, shop: Guarded) -> None:
    opened(tab, shop, "/rollouts/shop", "viewer")
    assert tab.run("document.querySelectorAll('main form, main button, main .button').length") == 0
    opened(tab, shop, "/rollouts/shop/ask/rollback", "viewer")
    assert "viewer-1 may not do that" in tab.run("document.body.innerText")


def press_by_keyboard(tab: Tab, shop: Guarded, label: str, role: str = "operator") -> str:
    """Go to a button by Tab, press it, go to the one that does it, press that; what the page says then."""
    opened(tab, shop, "/rollouts/shop", role)
    for one in (f"{label}…", label):
        tab.tab_to(one)
        tab.pipe.forget()
        tab.press("Enter")
        tab.loaded()
    return str(tab.run("document.querySelector('main').innerText"))


def test_each_button_works_by_the_keyboard_alone(tab: Tab, shop: Guarded) -> None:
    assert "hold was accepted" in press_by_keyboard(tab, shop, "Hold")
    assert shop.status()["attempt"]["phase"] == "held"
    assert "resume was accepted" in press_by_keyboard(tab, shop, "Resume")
    assert shop.status()["attempt"]["phase"] == "baking"
    shop.call("check", item="1", passed=True)
    assert "approve was accepted" in press_by_keyboard(tab, shop, "Approve as lead", "approver")
    assert "promote was accepted" in press_by_keyboard(tab, shop, "Promote into 50%")
    assert "drill was accepted" in press_by_keyboard(tab, shop, "Rehearse a rollback")
    assert "rollback was accepted" in press_by_keyboard(tab, shop, "Roll back")
    shop.until("rollback", "done")
    assert shop.weights() == (0, 100)


def test_a_page_that_follows_keeps_the_focus_and_one_with_a_form_stays_as_it_is(
    tab: Tab, shop: Guarded
) -> None:
    opened(tab, shop, "/rollouts/shop")
    tab.tab_to("Rehearse a rollback…")
    tab.run("document.querySelector('main').dataset.before = 'yes'")
    shop.call("start", anyway=True, why="again")
    until_replaced = """new Promise(done => { const look = () =>
      document.querySelector('main').dataset.before ? setTimeout(look, 50) : done(true); look(); })"""
    assert tab.run(until_replaced)
    assert tab.run("document.activeElement.innerText") == "Rehearse a rollback…"
    opened(tab, shop, "/rollouts/shop/ask/hold")
    assert tab.run("document.body.hasAttribute('data-still')")


def test_a_stream_that_the_browser_gave_up_is_opened_anew_and_one_that_runs_is_not(
    tab: Tab, shop: Guarded
) -> None:
    """A proxy answers 503 while the receiver restarts, and a browser does not ask again after that."""
    opened(tab, shop, "/")
    live = (ROOT / "receiver/handrail_receiver/web/templates/live.js").read_text()
    assert tab.run(GIVEN_UP % live) == [1, 2, 2]
