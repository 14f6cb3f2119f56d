"""Limits beside what the service itself showed some time ago: promtool must agree with the generated tests of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from handrail import declare as d
from handrail.declare.limits import Limit
from handrail.declare.measures import Measure
from handrail.emit import promtool
from handrail.lower import lower
from handrail.plan import Plan
from own_tests import refused

ODD = d.Increase("denied_total", window="90s")
SLOW = d.Latency("dur_seconds", p=95, window="5m")
BACKUP = d.Age("backup_timestamp_seconds")
MISSING = d.Difference("wanted", minus="running")
CLOSE = "the window of now reaches back to the past value"


def beside(
    measure: Measure,
    limit: Limit,
    ago: str = "1h",
    *,
    sustained: str = "0s",
    scrape: str = "15s",
    faster: int = 1,
) -> Plan:
    """A rollout with one guardrail, which compares with some time ago."""
    guardrail = d.Guardrail("it", measure, tiers=[d.Warning(limit, sustained=sustained)], against=d.Ago(ago))
    stages = [d.Stage("10%", weight="10%", bake="1h"), d.Stage("100%", weight="100%")]
    rollout = d.Rollout("shop", "shop", stages=stages, guardrails=[guardrail], scrape=scrape)
    return lower([rollout], d.Environment("test", faster=faster))


def shown(plan: Plan) -> str:
    """The evaluation intervals of the files that show its tier firing, as the head says; or why it is untested."""
    [rollout] = plan.rollouts
    head = "".join(promtool.tests(rollout).values())
    untested = re.search(r"^# cannot be tested: it, warning: (.*)$", head, re.MULTILINE)
    found = untested or re.search(r"ShopItWarning: .*\((.*)\)$", head, re.MULTILINE)
    return found[1] if found else "it is not at the head"


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(
            beside(ODD, d.Rise("10%"), scrape="20s"),
            id="a window that is no multiple of the scrape interval",
        ),
        pytest.param(beside(d.Gauge("depth"), d.Rise("10%"), scrape="14s"), id="a past that is none"),
        pytest.param(
            beside(SLOW, d.Drop("10%")), id="a quantile that few events do not decide, for it is too low"
        ),
        pytest.param(beside(d.Gauge("depth"), d.Drop("10%"), "3m"), id="minutes ago"),
        pytest.param(beside(d.Gauge("depth"), d.Drop("10%"), faster=60), id="an hour ago, which is a minute"),
        pytest.param(beside(SLOW, d.Rise("10%"), faster=60), id="a window before seconds"),
        pytest.param(beside(SLOW, d.Rise("10%"), "6m"), id="a minute before the window"),
        pytest.param(beside(BACKUP, d.Rise("10%"), sustained="5m"), id="a timestamp, for minutes"),
        pytest.param(beside(BACKUP, d.Drop("10%"), "7d", sustained="5m"), id="a timestamp of last week"),
        pytest.param(
            beside(d.Age("backup_ms", unit="ms"), d.RisePoints("1h"), sustained="2h"),
            id="a timestamp in milliseconds, for longer than its past",
        ),
        pytest.param(beside(MISSING, d.Rise("10%")), id="a difference that must be above 0"),
        pytest.param(beside(d.Gauge("users"), d.Drop("10%", least=100)), id="a gauge of at least so many"),
        pytest.param(beside(d.Growth("users"), d.Drop("10%", least=500), "3h"), id="a growth of at least"),
        pytest.param(beside(d.Usage("used", "size"), d.Drop("10%", least="60%")), id="a usage of at least"),
        pytest.param(beside(ODD, d.Drop("10%", least=5000)), id="at least so many events"),
    ],
)
def test_they_hold_and_show_it_firing(plan: Plan, tmp_path: Path) -> None:
    assert re.fullmatch(r"\d[\dhmsd]*", shown(plan))
    assert refused(tmp_path, "promtool", plan) == ""


def test_what_guardrails_of_one_past_compare_is_shown_at_once(tmp_path: Path) -> None:
    guardrails = [
        d.Guardrail(name, measure, tiers=[d.Warning(d.Rise("10%"), sustained="5m")], against=d.Ago("1h"))
        for name, measure in (
            ("age", BACKUP),
            ("depth", d.Gauge("depth")),
            ("stamp", d.Gauge("backup_timestamp_seconds")),
        )
    ]
    plan = lower([d.Rollout("shop", "shop", guardrails=guardrails)], d.Environment("test"))
    assert refused(tmp_path, "promtool", plan) == ""


@pytest.mark.parametrize(
    ("measure", "ago", "reason"),
    [
        (d.Forecast("free_bytes", unit="bytes"), "1h", CLOSE),
        (d.Growth("depth", window="1h"), "1h", CLOSE),
    ],
)
def test_why_one_is_untested_is_said_as_it_is(measure: Measure, ago: str, reason: str) -> None:
    assert shown(beside(measure, d.Drop("10%"), ago)) == reason
