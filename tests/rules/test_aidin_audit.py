"""aidin's audit log: entries of the stage's users alone, changes without a trace, and quiet nights."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from .aidin_rules import JOB, LOOK, aidin, fires, hurried
from .judged import Asked, complaints

SEEN = Asked('count(ALERTS{tier="blind",alertstate="firing"})', "80m", {})
"""Nothing is blind."""


def audited(mutations: str, inserts: str, stage: str) -> dict[str, str]:
    """Rows changed and entries written in a stage, scraped every 15 s."""
    return {
        f'handrail_rollout_stage{{rollout="aidin-hardening",stage="{stage}"}}': "1x600",
        'up{instance="a",job="aidin-sql"}': "1x600",
        f'mutations_total{{{JOB},table="users"}}': mutations,
        f"audit_log_inserts_total{{{JOB}}}": inserts,
    }


@pytest.mark.parametrize(
    ("stage", "mutations", "inserts", "alerts"),
    [
        ("100%", "0x200 1x400", "0x200 1x400", {}),
        ("100%", "7x600", "7x600", {}),
        ("100%", "0+1x600", "0+1x600", {}),
        ("100%", "0+1x600", "0+2x600", {}),
        ("100%", "0+1x600", "0+1x240 240x360", LOOK),
        ("100%", "0+2x600", "0x600", LOOK),
        ("100%", "0x290 1x310", "0x600", LOOK),
        ("100%", "0+4x600", "0+4x240 960+1x360", LOOK),
        ("50%", "0+2x600", "0+1x600", {}),
        ("50%", "0x290 1x310", "0x600", {}),
        ("50%", "0+1x600", "0x600", LOOK),
        ("10%", "0+10x600", "0+1x600", {}),
        ("10%", "0x290 1x310", "0x600", {}),
        ("10%", "0+1x600", "0x600", {}),
        ("10%", "0+3x600", "0x600", LOOK),
    ],
    ids=[
        "one change of a night, and its entry",
        "a night in which nothing is changed",
        "an entry for each change",
        "entries of reads as well",
        "entries end",
        "there was never an entry",
        "one change of a night, and none",
        "a quarter of the entries of before",
        "half of the users are audited",
        "one change of a night by one of the other half",
        "240 changes of an hour by half of whom should be audited",
        "a tenth of the users is audited",
        "one change of a night by one of the nine tenths",
        "240 changes of an hour by whoever is not audited",
        "720 changes of an hour, and none by a tenth of the users",
    ],
)
def test_what_is_changed_without_a_trace_is_found_and_a_quiet_night_is_none(
    promtool: str, stage: str, mutations: str, inserts: str, alerts: Mapping[str, str]
) -> None:
    series = audited(mutations, inserts, stage)
    assert complaints(promtool, aidin("audit-writes"), series, fires("80m", **alerts), SEEN) == ""


def test_changes_without_a_trace_are_found_where_600_of_five_minutes_were_traced_until_now(
    promtool: str,
) -> None:
    series = audited("0+30x600", "0+3x290 870x310", "10%")
    assert complaints(promtool, aidin("audit-writes"), series, fires("80m", **LOOK), SEEN, every="2m") == ""


def test_before_the_flag_is_on_nobody_is_told_that_nothing_is_audited(promtool: str) -> None:
    stage, *others = audited("0+2x600", "0x600", "10%").items()
    before = {stage[0]: "0x600", **dict(others)}
    calm = Asked('count(ALERTS{guardrail!~"heartbeat|receiver"})', "80m", {})
    assert complaints(promtool, aidin("audit-writes"), before, calm) == ""


@pytest.mark.parametrize(
    ("mutations", "inserts", "met"),
    [("0x50 1x400", "0x51 1x400", True), ("0+1x450", "0x450", False), ("7x450", "7x450", False)],
    ids=["one change of the day, and its entry", "changes, and never an entry", "nothing was changed"],
)
def test_an_audit_log_that_was_never_written_meets_no_criterion(
    promtool: str, mutations: str, inserts: str, met: bool
) -> None:
    """A day is 257 s here, and is asked for when it ends."""
    rollout = hurried("audit-trail")
    [criterion] = rollout.guardrails[0].success
    asked = Asked(f"count(({criterion.seen}) unless ({criterion.breach}))", "7m", {"{}": 1.0} if met else {})
    blind = Asked('count(ALERTS{tier="blind",alertstate="firing"})', "7m", {})
    series = audited(mutations, inserts, "10%")
    assert complaints(promtool, rollout, series, asked, blind, step="4s") == ""
