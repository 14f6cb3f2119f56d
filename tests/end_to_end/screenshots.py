"""Rollouts in real servers → the pictures of their pages in docs/how-to/pictures: `make screenshots`.

One whose canary gets worse, with the incident of its rollback; and the demo's, at three moments of its life.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from guarded import TOKENS, Guarded, guarded
from guarded.recorded import limited_playbook, recorded
from handrail.contract import Approval, Gate
from servers.browser import Tab, browser

from end_to_end.demo import bad, files, good, stack
from end_to_end.demo.playing import playing
from end_to_end.demo.screen import screen
from end_to_end.demo.view import ROLLOUT

PICTURES = Path(__file__).parents[2] / "docs/how-to/pictures"
GATES = (
    Gate(
        into="50%",
        manual=("Is the log clean?",),
        approvals=(Approval(role="lead", valid_for=3600, four_eyes=True),),
    ),
)
LOOKS = (
    ("fleet-desk", "/", 1280, None),
    ("rollout-desk", "/rollouts/shop", 1280, 1100),
    ("rollout-phone", "/rollouts/shop", 390, 1500),
    ("ask-phone", "/rollouts/shop/ask/rollback", 390, None),
)
"""Of a canary that gets worse."""
INCIDENT = (("incident-phone", "/rollouts/shop/incidents/shop-1", 390, None),)
"""After its rollback."""

MOMENTS = {
    "10 % bakes and is well; then the gate waits for people": "life-waits",
    "it is complete": "life-complete",
    "the receiver proves it in Prometheus": "life-rolled-back",
}
"""After which step of the demo a picture is taken, and its name."""
ORDERS, HIGH = 50, 900


def main() -> None:
    """Make them again."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        life(Path(name))
    worse()


def life(folder: Path) -> None:
    """The whole life of the demo's rollout."""
    at, shown = files.Addresses(), screen(plain=True)
    made, tabs = files.write(folder, at), folder / "browser"
    tabs.mkdir()
    with (
        playing(made, at, stack.Programs(), ORDERS, shown) as demo,
        browser(tabs, "Europe/Berlin") as tab,
    ):
        tab.headers({"Authorization": f"Bearer {made.token('operator').read_text()}"})
        for title, step in (*good.STEPS, *bad.STEPS):
            shown.done(title, step(demo), 0)
            if title in MOMENTS:
                tab.size(1280)
                tab.go(f"http://{at.receiver}/rollouts/{ROLLOUT}")
                tab.picture(PICTURES / f"{MOMENTS[title]}.png", HIGH)
                print(PICTURES / f"{MOMENTS[title]}.png")


def worse() -> None:
    """A rollout whose canary gets worse."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("prometheus", "shop", "browser"):
            (folder / part).mkdir()
        with (
            recorded(folder / "prometheus") as prometheus,
            guarded(folder / "shop", limited_playbook(gates=GATES), PROMETHEUS=prometheus.url) as shop,
            browser(folder / "browser", "Europe/Berlin") as tab,
        ):
            shop.call("start", anyway=True, why="a picture is made of it")
            for errors in (0.004, 0.005, 0.003, 0.006, 0.018, 0.02):
                prometheus.values["canary_errors"] = errors
                time.sleep(8)
            tab.headers({"Authorization": f"Bearer {TOKENS['operator']}"})
            looked_at(tab, shop, LOOKS)
            shop.call("rollback", why="errors rise on the canary")
            shop.until("rollback", "done")
            shop.call("ack", why="on it")
            shop.call("note", cause="the new pool is too small", follow_up="an alert on the pool's waits")
            looked_at(tab, shop, INCIDENT)


def looked_at(tab: Tab, shop: Guarded, looks: Sequence[tuple[str, str, int, int | None]]) -> None:
    """Each page, of its width, and so much of its top."""
    for picture, path, width, height in looks:
        tab.size(width)
        tab.go(f"{shop.server.url}{path}")
        tab.picture(PICTURES / f"{picture}.png", height)
        print(PICTURES / f"{picture}.png")


if __name__ == "__main__":
    main()
