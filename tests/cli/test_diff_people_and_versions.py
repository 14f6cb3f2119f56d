"""`handrail generate --diff`: who hears of a severity, and arms of another version."""

from __future__ import annotations

import pytest
from cli.places import SHOP, Shell, changed

IMPORTS = "import Above, Command"
CRITICAL = 'Critical(Above("2%"), sustained="5m", action="rollback")'
TOLD = """\
    routes={
        "critical": [PagerDutyReceiver("/etc/pager"), SlackReceiver("#shop", "/etc/slack")],
        "emergency": [SlackReceiver("#shop", "/etc/slack"), PagerDutyReceiver("/etc/pager")],
        "P4": [EmailReceiver("x@example.com", sender="a@example.com", smarthost="m:25")],
        "P1": [PagerDutyReceiver("/etc/pager"), SlackReceiver("#shop", "/etc/slack"), SlackReceiver("#all", "/etc/all")],
    },
    rollback="""


def told_under(severity: str) -> str:
    """The shop whose critical tier has this severity, where each word is somebody else's."""
    return changed(
        SHOP,
        {
            "    rollback=": TOLD,
            IMPORTS: "import EmailReceiver, Emergency, PagerDutyReceiver, SlackReceiver, Above, Command",
            'Warning(Above("1%"), sustained="5m")': 'Warning(Above("1%"), sustained="5m", severity="P4")',
            'action="rollback")': (
                f'action="rollback", severity="{severity}"), '
                'Emergency(Above("50%"), action="rollback", severity="P1")'
            ),
        },
    )


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            "critical",
            "P4",
            (
                "LOOSER   shop errors critical: severity critical → P4: nobody is paged any more; "
                "told no longer: PagerDuty /etc/pager, Slack #shop; told: mail x@example.com"
            ),
        ),
        ("critical", "emergency", "neutral  shop errors critical: severity critical → emergency"),
        ("critical", "P1", "tighter  shop errors critical: severity critical → P1: told: Slack #all"),
        (
            "P1",
            "critical",
            "LOOSER   shop errors critical: severity P1 → critical: told no longer: Slack #all",
        ),
        (
            "P4",
            "critical",
            (
                "UNCLEAR  shop errors critical: severity P4 → critical: told no longer: mail x@example.com; "
                "told: PagerDuty /etc/pager, Slack #shop"
            ),
        ),
    ],
)
def test_a_severity_is_who_is_told(shell: Shell, before: str, after: str, said: str) -> None:
    shell.declare(shop=told_under(before))
    assert shell.handrail("generate")[0] == 0
    shell.declare(shop=told_under(after))
    _, told, _ = shell.handrail("generate", "--diff")
    assert [line for line in told.splitlines() if " critical: severity" in line] == [said]


def armed(canary: str, stable: str, label: str = "version") -> str:
    """The shop with two versions, of which the new one is compared with the old."""
    arms = f'    arms=Arms("{label}", canary="{canary}", stable="{stable}"),\n'
    against = "            against=StableArm(),\n            tiers="
    tier = 'Critical(RisePoints("2%"), sustained="5m", action="rollback")'
    return changed(
        SHOP,
        {
            "    guardrails=": f"{arms}    guardrails=",
            "            tiers=": against,
            CRITICAL: tier,
            IMPORTS: "import Arms, RisePoints, StableArm, Above, Command",
        },
    )


@pytest.mark.parametrize(("canary", "stable"), [("v1.3", "v1.2"), ("green", "blue")])
def test_another_version_is_neutral(shell: Shell, canary: str, stable: str) -> None:
    shell.declare(shop=armed("v1.2" if canary == "v1.3" else stable, "v1.1" if canary == "v1.3" else canary))
    before = ("v1.2", "v1.1") if canary == "v1.3" else ("blue", "green")
    assert shell.handrail("generate")[0] == 0
    shell.declare(shop=armed(canary, stable))
    _, told, _ = shell.handrail("generate", "--diff")
    assert told.splitlines()[:-1] == [
        f"neutral  shop: versions: canary {before[0]} → {canary}, stable {before[1]} → {stable}"
    ]


def test_another_label_of_the_arms_is_for_a_person_to_judge(shell: Shell) -> None:
    shell.declare(shop=armed("v2", "v1"))
    shell.handrail("generate")
    shell.declare(shop=armed("v2", "v1", label="track"))
    _, told, _ = shell.handrail("generate", "--diff")
    assert "UNCLEAR  shop: arms told apart by version → track" in told.splitlines()


OPEN = '    arms=Arms("version"),\n'
READ = '    arms=Arms("version", canary=HttpVersion("https://ci/shop", "/next"), stable=HttpVersion("https://ci/shop", "/now")),\n'


def opened(arms: str) -> str:
    """The shop whose versions are known only when an attempt starts."""
    known = armed("v2", "v1").replace('    arms=Arms("version", canary="v2", stable="v1"),\n', arms)
    assert arms in known
    return known.replace("import Arms,", "import Arms, HttpVersion,")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (armed("v2", "v1"), opened(OPEN), "versions of the arms: declared → given at each start"),
        (opened(OPEN), armed("v2", "v1"), "versions of the arms: given at each start → declared"),
        (
            opened(OPEN),
            opened(READ),
            (
                "versions of the arms: given → canary from "
                '{"kind": "http", "pointer": "/next", "timeout": 10.0, "token": null, "token_header": "Authorization", '
                '"token_scheme": "Bearer", "url": "https://ci/shop"}, stable from '
                '{"kind": "http", "pointer": "/now", "timeout": 10.0, "token": null, "token_header": "Authorization", '
                '"token_scheme": "Bearer", "url": "https://ci/shop"}'
            ),
        ),
    ],
    ids=["no longer declared", "declared", "read"],
)
def test_who_says_the_versions_is_for_a_person_to_judge(
    shell: Shell, before: str, after: str, said: str
) -> None:
    shell.declare(shop=before)
    assert shell.handrail("generate")[0] == 0
    shell.declare(shop=after)
    _, told, _ = shell.handrail("generate", "--diff")
    assert f"UNCLEAR  shop: {said}" in told.splitlines()


def muted(mute: str) -> str:
    """The shop that reports its critical tier to Slack, except at these times."""
    told = f'    routes={{"critical": [SlackReceiver("#shop", "/etc/slack")]}},\n{mute}    rollback='
    return changed(SHOP, {"    rollback=": told, IMPORTS: "import MuteTime, SlackReceiver, Above, Command"})


NIGHT = '    mute={"critical": [MuteTime(hours="01:00-05:00")]},\n'
WEEKEND = '    mute={"critical": [MuteTime(weekdays=["sunday"])]},\n'


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("", NIGHT, "LOOSER   shop/critical: muted at more times: Slack #shop"),
        (NIGHT, "", "tighter  shop/critical: muted at fewer times: Slack #shop"),
        (NIGHT, WEEKEND, "UNCLEAR  shop/critical: muted at other times: Slack #shop"),
    ],
)
def test_when_people_are_not_told_is_part_of_who_is_told(
    shell: Shell, before: str, after: str, said: str
) -> None:
    shell.declare(shop=muted(before))
    assert shell.handrail("generate")[0] == 0
    shell.declare(shop=muted(after))
    _, told, _ = shell.handrail("generate", "--diff")
    assert [line for line in told.splitlines() if "muted" in line] == [said]


TEAMS = '    routes={"critical": [TeamsReceiver("/etc/teams")]},\n    rollback='


def test_the_environment_says_which_alertmanager_reads_the_files_and_one_run_may_say_another(
    shell: Shell,
) -> None:
    shell.declare(
        shop=changed(SHOP, {"    rollback=": TEAMS, IMPORTS: "import TeamsReceiver, Above, Command"})
    )
    code, _, wrong = shell.handrail("generate")
    assert (code, "Alertmanager 0.25 does not support Teams workflows" in wrong) == (1, True)
    assert shell.handrail("generate", "--target-version", "alertmanager=0.28")[0] == 0
    settings = (
        'from handrail.declare import Environment\n\nEnvironment("here", alertmanager_version="0.28")\n'
    )
    (shell.folder / "rules_src/environments.py").write_text(settings)
    assert shell.handrail("generate")[0] == 0
    code, _, wrong = shell.handrail("generate", "--target-version", "alertmanager=0.27")
    assert (code, "Alertmanager 0.27 does not support Teams workflows" in wrong) == (1, True)
