"""An optional source: silent while it was never seen, blind once it was seen and is gone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import declared
import pytest
from handrail import declare as d
from handrail.compiler import compile_source
from handrail.contract import names
from handrail.lower import lower
from servers import program

from .judged import IN_10, complaints, firing, shop

CALLS = d.Guardrail(
    "calls",
    d.Rate('calls_total{job="shop"}'),
    tiers=[d.Warning(d.Below({"100%": "1/s"}))],
    optional=True,
)
UP = {'up{job="shop",instance="a"}': "1x400", **IN_10}
BLUE = 'calls_total{job="shop",instance="a",track="stable"}'
GREEN = 'calls_total{job="shop",instance="b",track="canary"}'


def test_what_was_never_seen_is_not_missed(promtool: str) -> None:
    assert complaints(promtool, shop(CALLS), UP, firing("90m")) == ""


def test_what_was_seen_is_missed_from_then_on(promtool: str) -> None:
    series = {**UP, BLUE: "0+60x40 _x360"}
    asked = (firing("10m"), firing("14m"), firing("20m", "ShopCallsBlind"), firing("95m", "ShopCallsBlind"))
    assert complaints(promtool, shop(CALLS), series, *asked) == ""


def test_what_comes_back_is_judged_again(promtool: str) -> None:
    series = {**UP, BLUE: "0+60x40 _x80 10+60x280"}
    assert complaints(promtool, shop(CALLS), series, firing("25m", "ShopCallsBlind"), firing("60m")) == ""


@pytest.mark.parametrize(
    ("series", "fires"),
    [
        ({BLUE: "0+60x400"}, ["ShopErrorsBlind"]),
        ({BLUE: "0+60x400", GREEN: "0+60x400"}, []),
        ({}, []),
    ],
    ids=["only the old version has it", "both have it", "neither has it"],
)
def test_what_the_stable_version_has_the_canary_must_have_too(
    promtool: str, series: dict[str, str], fires: list[str]
) -> None:
    errors = d.Guardrail(
        "errors",
        d.Ratio(bad='calls_total{job="shop",code="UNAVAILABLE"}', of='calls_total{job="shop"}'),
        tiers=[d.Warning(d.Above("1%"))],
        optional=True,
    )
    assert complaints(promtool, shop(errors, arms=True), {**UP, **series}, firing("60m", *fires)) == ""


def test_no_start_asks_for_it_and_no_check_calls_it_blind() -> None:
    rollout = d.Rollout(
        "shop",
        "shop",
        stages=[d.Stage("10%", weight="10%", bake="1h"), d.Stage("100%", weight="100%")],
        guardrails=[CALLS],
    )
    (planned,) = lower([rollout], d.Environment("here")).rollouts
    [facts] = planned.playbook.guardrails
    assert (facts.needs, facts.only_while) == ((), ("",))


DECLARED = """
from handrail.declare import *

KINDS = {
    "ratio": (Ratio(bad='calls_total{code="500"}', of="calls_total"), Above("5%")),
    "usage": (Usage("avail_bytes", "size_bytes", left=True), Above("80%")),
    "while": (While(Gauge("depth"), condition=Gauge("workers")), Above(10)),
}
shop = Rollout(
    "shop",
    "shop",
    arms=Arms("track", canary="canary", stable="stable"),
    stages=[Stage("10%", weight="10%", bake="24h"), Stage("100%", weight="100%")],
    guardrails=[
        Guardrail(name, measure, tiers=[Warning(limit)], optional=True, runbook=Runbook("x", look=["y"], fix=["z"]))
        for name, (measure, limit) in KINDS.items()
    ],
    rollback=[Command(["undo"], read=["is-undone"])],
)
"""


def test_its_generated_tests_show_it_silent_blind_and_seeing(promtool: str, tmp_path: Path) -> None:
    made = compile_source(declared.folder(tmp_path, {"rollouts/shop.py": DECLARED}), None)
    files = {path: text for path, text in made.items() if path.startswith("prometheus/")}
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    tests = [path for path in files if names.is_tests_file(path)]
    for path in tests:
        command = [program(promtool), "test", "rules", path]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    seen = [path for path in tests if "handrail:guardrail:seen" in files[path]]
    assert seen != []
