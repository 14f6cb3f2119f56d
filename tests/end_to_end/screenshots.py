"""A rollout whose canary gets worse → the pictures of its pages in docs/how-to/pictures: `make screenshots`."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from guarded import TOKENS, guarded
from guarded.recorded import limited_playbook, recorded
from handrail.contract import Approval, Gate
from servers.browser import browser

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


def main() -> None:
    """Make them anew."""
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
            PICTURES.mkdir(exist_ok=True)
            for picture, path, width, height in LOOKS:
                tab.size(width)
                tab.go(f"{shop.server.url}{path}")
                tab.picture(PICTURES / f"{picture}.png", height)
                print(PICTURES / f"{picture}.png")


if __name__ == "__main__":
    main()
