"""`handrail generate --diff`: what changes in the files that all rollouts share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from cli.places import Shell, changed

PLACES = """\
from handrail.declare import Environment, SlackReceiver, Targets

here = Environment(
    "here",
    alertmanagers=["am-0:9093", "am-1:9093"],
    scrape=[Targets("shop", ["shop:8000"])],
    routes={"critical": [SlackReceiver("#shop", "/etc/slack")]},
)
"""


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({'"#shop"': '"#all"'}, ["UNCLEAR  shop/critical: told no longer: Slack #shop; told: Slack #all"]),
        (
            {'routes={"critical": [SlackReceiver("#shop", "/etc/slack")]},': "", ", SlackReceiver": ""},
            ["LOOSER   shop/critical: people are told no longer: Slack #shop"],
        ),
        ({', "am-1:9093"': ""}, ["LOOSER   Prometheus: alerts no longer go to am-1:9093"]),
        (
            {'Targets("shop", ["shop:8000"])': "", ", Targets": ""},
            ["LOOSER   scrape job shop: scraped no longer"],
        ),
    ],
)
def test_what_all_rollouts_share(shell: Shell, edit: Mapping[str, str], said: list[str]) -> None:
    Path("rules_src/environments.py").write_text(PLACES)
    shell.handrail("generate")
    Path("rules_src/environments.py").write_text(changed(PLACES, edit))
    _, told, _ = shell.handrail("generate", "--diff")
    assert told.splitlines()[:-1] == said
