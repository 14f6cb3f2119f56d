"""`handrail generate --diff` → what changes for production, in words, the most dangerous first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli.places import SHOP, Shell, changed

KIOSK = SHOP.replace("shop", "kiosk")
CRITICAL = 'Critical(Above("2%"), sustained="5m", action="rollback")'
IMPORTS = "import Above, Command"
STAGED = """Above({'10%': '3%', '100%': '1.5%'})"""
ANOTHER = """
        Guardrail(
            "memory",
            Gauge("memory_ratio", unit="ratio"),
            runbook=Runbook("Slow.", look=["The heap."], fix=["Restart."]),
            tiers=[Warning(Above("70%"), sustained="1m")],
        ),
    ],
    rollback="""
GATE = (
    'Stage("100%", weight="100%", gate=Gate(approvals=["owner"], manual=["Is it quiet?"], stable_for="1h"))'
)

TURNED = 'accept={"limit-turned": "both sides are asked for"}'

EDITS: dict[str, tuple[dict[str, str], str]] = {
    "a limit is raised": ({'"2%"': '"4%"'}, "LOOSER   shop errors critical: limit above 2 % → above 4 %"),
    "a limit is lowered": (
        {'"2%"': '"1.5%"'},
        "tighter  shop errors critical: limit above 2 % → above 1.5 %",
    ),
    "a limit comes to depend on the stage": (
        {'Above("2%")': STAGED},
        """\
LOOSER   shop errors critical: limit above 2 % → above 3 % in stage 10%, 1.5 % in stage 100%
UNCLEAR  shop errors blind: its expression changed; read the rule
UNCLEAR  shop errors critical: its expression changed; read the rule""",
    ),
    "sustained for longer": (
        {'sustained="5m", action': 'sustained="10m", action'},
        "LOOSER   shop errors critical: sustained 5m → 10m",
    ),
    "sustained for less": (
        {'sustained="5m", action': 'sustained="1m", action'},
        "tighter  shop errors critical: sustained 5m → 1m",
    ),
    "a weaker action": (
        {'action="rollback"': 'action="investigate", keep_firing_for="10m"'},
        """\
LOOSER   shop errors critical: action rollback → investigate
neutral  shop errors blind: severity critical → warning
neutral  shop receiver down: severity critical → warning""",
    ),
    "a stronger action": (
        {
            'Above("1%"), sustained="5m"': 'Above("1%"), sustained="5m", action="rollback", keep_firing_for="0s"'
        },
        "tighter  shop errors warning: action investigate → rollback",
    ),
    "another severity": (
        {"    rollback=": '    severities={"critical": "P1"},\n    rollback='},
        """\
neutral  shop errors blind: severity critical → P1
neutral  shop errors critical: severity critical → P1
neutral  shop receiver down: severity critical → P1""",
    ),
    "a rule is removed": (
        {'Warning(Above("1%"), sustained="5m"),': ""},
        "LOOSER   shop errors warning: rule removed (above 1 % sustained for 5m: investigate)",
    ),
    "a rule is added": (
        {
            CRITICAL: f'{CRITICAL}, Emergency(Above("9%"), action="rollback")',
            IMPORTS: "import Above, Command, Emergency",
        },
        "tighter  shop errors emergency: new rule (above 9 %: rollback)",
    ),
    "it asks again before it acts": (
        {
            'action="rollback")': 'action="rollback", confirm=Confirm("30s"))',
            IMPORTS: "import Above, Command, Confirm",
        },
        "LOOSER   shop errors critical: asks again after 30 s before it acts",
    ),
    "a guardrail goes into the shadow": (
        {"            tiers=": '            mode="shadow",\n            tiers='},
        """\
LOOSER   shop errors blind: now in shadow: nothing is done any more
LOOSER   shop errors critical: now in shadow: nothing is done any more
LOOSER   shop errors thin: now in shadow: nothing is done any more
LOOSER   shop errors warning: now in shadow: nothing is done any more
neutral  shop receiver down: severity critical → warning""",
    ),
    "another window": (
        {'of="requests_total")': 'of="requests_total", window="10m")'},
        """\
UNCLEAR  shop errors: what is measured changed; 5m → 10m, 10m → 20m, 300 → 600""",
    ),
    "more traffic is asked for": (
        {'of="requests_total")': 'of="requests_total", min_events=500)', '"2%"': '"4%"'},
        """\
LOOSER   shop errors critical: limit above 2 % → above 4 %
UNCLEAR  shop errors critical: numbers of its expression changed: 100 → 500, 9.5 → 20.5
UNCLEAR  shop errors thin: numbers of its expression changed: 100 → 500
UNCLEAR  shop errors warning: numbers of its expression changed: 100 → 500""",
    ),
    "a guardrail more": (
        {"\n    ],\n    rollback=": ANOTHER, IMPORTS: "import Above, Command, Gauge"},
        "tighter  shop memory: new guardrail (warning above 70 % sustained for 1m: investigate)",
    ),
    "a criterion": (
        {
            "            tiers=": '            success=Below("0.5%"),\n            tiers=',
            IMPORTS: "import Above, Below, Command",
        },
        """tighter  shop completion: gate asks for errors below 0.5 %
tighter  shop stage 100%: gate asks for errors below 0.5 %""",
    ),
    "a gate": (
        {'Stage("100%", weight="100%")': GATE, IMPORTS: "import Above, Command, Gate"},
        """\
tighter  shop stage 100%: approval added: owner
tighter  shop stage 100%: question to people added: Is it quiet?
tighter  shop stage 100%: stable for 0s → 1h before it""",
    ),
    "a shorter stage": ({'bake="1h"': 'bake="30m"'}, "LOOSER   shop stage 10%: bake 1h → 30m"),
    "a larger stage": ({'weight="10%"': 'weight="20%"'}, "LOOSER   shop stage 10%: traffic 10 % → 20 %"),
    "another stage": (
        {'bake="1h"),': 'bake="1h"), Stage("50%", weight="50%", bake="1h"),'},
        "tighter  shop stage 50%: new stage",
    ),
    "another step": (
        {'["back"]': '["back", "now"]'},
        "\n".join(
            f'UNCLEAR  shop action {action}: step command argv=["back"] environment={{}} read=["is-back"] → '
            'command argv=["back", "now"] environment={} read=["is-back"]'
            for action in ("emergency-rollback", "rollback", "security-rollback")
        ),
    ),
    "a level": (
        {
            "    rollback=": '    escalation=[Level("boss", "5m", "the boss")],\n    rollback=',
            IMPORTS: "import Above, Command, Level",
        },
        "tighter  shop level boss: new escalation level after 5m",
    ),
    "a level for some severities": (
        {
            "    rollback=": '    escalation=[Level("boss", "5m", "the boss", severities=["critical"])],\n    rollback=',
            IMPORTS: "import Above, Command, Level",
        },
        "tighter  shop level boss: new escalation level after 5m",
    ),
    "seldom evaluated": (
        {"    rollback=": '    evaluate="1m",\n    rollback='},
        "LOOSER   shop: evaluated every 30s → 1m",
    ),
    "fewer rollbacks a day": (
        {"    rollback=": "    rollbacks_per_day=1,\n    rollback="},
        "LOOSER   shop: automatic rollbacks per day 3 → 1",
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_in_words(shell: Shell, edit: str) -> None:
    replaced, said = EDITS[edit]
    shell.generated()
    shell.declare(shop=changed(SHOP, replaced))
    code, told, wrong = shell.handrail("generate", "--diff")
    *lines, files = told.splitlines()
    assert (code, "\n".join(lines), wrong) == (0, said, "")
    assert files.endswith(("change.", "changes."))


def test_a_gate_that_asks_for_less_traffic_is_looser(shell: Shell) -> None:
    judged = {
        "            tiers=": '            success=Below("0.5%"),\n            tiers=',
        IMPORTS: "import Above, Below, Command, Gate",
    }
    gate = 'Stage("100%", weight="100%", gate=Gate(coverage="90%"))'
    whole = changed(SHOP, {**judged, 'Stage("100%", weight="100%")': gate})
    shell.declare(shop=whole)
    shell.handrail("generate")
    shell.declare(shop=whole.replace("90%", "60%"))
    _, told, _ = shell.handrail("generate", "--diff")
    assert told.splitlines()[:-1] == [
        "LOOSER   shop stage 100%: traffic enough for 90 % → 60 % of the stage before it",
    ]
    shell.handrail("generate")
    shell.declare(shop=whole.replace("90%", "95%"))
    _, told, _ = shell.handrail("generate", "--diff")
    assert told.splitlines()[:-1] == [
        "tighter  shop stage 100%: data for 90 % → 95 % of the stage before it",
        "tighter  shop stage 100%: traffic enough for 60 % → 95 % of the stage before it",
    ]


def test_a_gate_whose_rest_fewer_alerts_break_is_looser(shell: Shell) -> None:
    gate = 'Stage("100%", weight="100%", gate=Gate(stable_for="1h"))'
    any_alert = changed(SHOP, {IMPORTS: "import Above, Command, Gate", 'Stage("100%", weight="100%")': gate})
    graver = any_alert.replace('stable_for="1h"', 'stable_for="1h", severities=["critical"]')
    for before, after, said in (
        (any_alert, graver, "LOOSER   shop stage 100%: what breaks its rest: anything → critical"),
        (graver, any_alert, "tighter  shop stage 100%: what breaks its rest: critical → anything"),
    ):
        shell.declare(shop=before)
        shell.handrail("generate")
        shell.declare(shop=after)
        assert shell.handrail("generate", "--diff")[1].splitlines()[:-1] == [said]


def test_nothing_is_said_as_nothing_and_nothing_is_written(shell: Shell) -> None:
    shell.generated()
    before = shell.files()
    assert shell.handrail("generate", "--diff") == (
        0,
        "Nothing changes for production.\nNo file changes.\n",
        "",
    )
    shell.declare(shop=SHOP.replace("2%", "3%"))
    shell.handrail("generate", "--diff")
    assert shell.files() == before


def test_an_approval_that_asks_for_less(shell: Shell) -> None:
    gate = {'Stage("100%", weight="100%")': GATE, IMPORTS: "import Above, Approval, Command, Gate"}
    shell.declare(shop=changed(SHOP, gate))
    shell.handrail("generate")
    weaker = {'approvals=["owner"]': 'approvals=[Approval("owner", valid_for="2d", four_eyes=False)]'}
    shell.declare(shop=changed(changed(SHOP, gate), weaker))
    _, told, _ = shell.handrail("generate", "--diff")
    assert told.splitlines()[:-1] == [
        "LOOSER   shop stage 100%: approval of owner counts for 1d → 2d",
        "LOOSER   shop stage 100%: approval of owner may come from whoever starts or promotes",
    ]


def test_rollouts_that_come_and_go(shell: Shell) -> None:
    shell.generated()
    shell.declare(kiosk=KIOSK)
    _, told, _ = shell.handrail("generate", "--diff")
    assert told.splitlines()[:-1] == [
        "LOOSER   shop: rollout removed with its guardrails: errors",
        "tighter  kiosk: new rollout with guardrails: errors",
    ]


def test_the_cluster_s_objects_go_elsewhere(shell: Shell) -> None:
    shell.generated()
    place = 'from handrail.declare import Cluster, Environment\n\nhere = Environment("here", cluster=Cluster("guard"))\n'
    Path("rules_src/environments.py").write_text(place)
    _, told, _ = shell.handrail("generate", "--diff")
    assert told.splitlines()[:-1] == [
        "UNCLEAR  kubernetes/shop.yaml: namespace, name or labels of its objects changed",
        "UNCLEAR  shop: environment default → here",
    ]


def test_what_nobody_has_words_for_is_never_called_nothing(shell: Shell) -> None:
    shell.generated()
    playbook = Path("generated/playbook/shop.json")
    playbook.write_text(playbook.read_text().replace('"version": 1', '"version": 0'))
    _, told, _ = shell.handrail("generate", "--diff")
    assert told.splitlines()[:-1] == ["UNCLEAR  shop: changed in what has no words here; read the patch"]


def test_other_words_for_people_change_nothing_for_production(shell: Shell) -> None:
    shell.generated()
    shell.declare(shop=SHOP.replace("Nobody can buy.", "Nobody can pay."))
    _, told, _ = shell.handrail("generate", "--diff")
    assert told.splitlines()[0] == "Nothing changes for production."
    assert told.splitlines()[-1] != "No file changes."


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (
            '[Below("0.4%"), Above("0.01%")]',
            "UNCLEAR  shop stage 100%: gate asks for errors below 0.5 % → below 0.4 %",
        ),
        ('Below("0.5%")', "LOOSER   shop stage 100%: gate asks no longer for errors above 0.01 %"),
        ('Above("0.01%")', "LOOSER   shop stage 100%: gate asks no longer for errors below 0.5 %"),
        (
            '[Below("0.5%"), Above("0.01%"), Above("0.02%")]',
            "tighter  shop stage 100%: gate asks for errors above 0.02 %",
        ),
    ],
)
def test_each_of_several_criteria_of_a_guardrail_is_told(shell: Shell, after: str, said: str) -> None:
    def asking(success: str) -> str:
        text = f"            success={success},\n            {TURNED},\n            tiers="
        return changed(SHOP, {"            tiers=": text, IMPORTS: "import Above, Below, Command"})

    shell.declare(shop=asking('[Below("0.5%"), Above("0.01%")]'))
    shell.handrail("generate")
    shell.declare(shop=asking(after))
    _, told, _ = shell.handrail("generate", "--diff")
    assert told.splitlines()[:-1] == [said.replace("stage 100%", "completion"), said]


def test_the_same_as_json_for_a_program(shell: Shell) -> None:
    shell.generated()
    shell.declare(shop=SHOP.replace("2%", "4%"))
    _, told, _ = shell.handrail("generate", "--diff", "--format", "json")
    assert json.loads(told)["differences"] == [
        {
            "effect": "looser",
            "rollout": "shop",
            "subject": "errors critical",
            "what": "limit above 2 % → above 4 %",
        }
    ]


def test_the_same_as_markdown_for_a_pull_request(shell: Shell) -> None:
    shell.generated()
    shell.declare(shop=changed(SHOP, {'"2%"': '"4%"', '"1%"': '"0.5%"', 'bake="1h"': 'bake="30m"'}))
    _, told, _ = shell.handrail("generate", "--diff", "--format", "markdown")
    assert (
        told.rpartition("\n\n")[0]
        == """\
### What changes for production

**LOOSER**: protects less than before

- shop errors critical: limit above 2 % → above 4 %
- shop stage 10%: bake 1h → 30m

**tighter**: protects more than before

- shop errors warning: limit above 1 % → above 0.5 %"""
    )


def test_the_same_line_by_line(shell: Shell) -> None:
    shell.generated()
    shell.declare(shop=SHOP.replace('sustained="5m", action', 'sustained="6m", action'))
    _, told, _ = shell.handrail("generate", "--diff", "--format", "patch")
    rules = told[told.index("--- a/prometheus/rules/shop.yml") :].splitlines()
    lines = [line for line in rules if line.startswith(("+", "-")) and "for:" in line]
    assert lines == ["-    for: 5m", "+    for: 6m"]


def test_diff_and_check_together_say_both(shell: Shell) -> None:
    shell.generated()
    shell.declare(shop=SHOP.replace("2%", "4%"))
    code, told, wrong = shell.handrail("generate", "--diff", "--check")
    assert (code, told.startswith("LOOSER"), "generated/prometheus/rules/shop.yml:1: error" in wrong) == (
        1,
        True,
        True,
    )


def test_a_playbook_of_before_limits_were_written_down_is_compared_as_far_as_it_goes(shell: Shell) -> None:
    shell.generated()
    playbook = Path("generated/playbook/shop.json")
    data = json.loads(playbook.read_text())
    for guardrail in data["guardrails"]:
        for tier in guardrail["tiers"]:
            del tier["limits"]
    playbook.write_text(json.dumps(data))
    shell.declare(shop=SHOP.replace("2%", "4%"))
    _, told, _ = shell.handrail("generate", "--diff")
    assert told.splitlines()[:-1] == [
        "UNCLEAR  shop errors critical: numbers of its expression changed: 0.02 → 0.04"
    ]


def test_a_playbook_of_before_bake_was_the_word_for_it_is_compared_as_one_of_now(shell: Shell) -> None:
    shell.generated()
    playbook = Path("generated/playbook/shop.json")
    playbook.write_text(changed(playbook.read_text(), {'"bake"': '"hold"'}))
    shell.declare(shop=changed(SHOP, {'bake="1h"': 'bake="2h"'}))
    _, told, _ = shell.handrail("generate", "--diff")
    assert told.splitlines()[:-1] == ["tighter  shop stage 10%: bake 1h → 2h"]


def test_a_drop_by_points_is_told_once(shell: Shell) -> None:
    drop = 'Critical(DropPoints("2%"), sustained="5m", action="rollback")'
    edits = {
        'Warning(Above("1%"), sustained="5m"),': "",
        'Critical(Above("2%"), sustained="5m", action="rollback")': drop,
        "            tiers=": f'            against=Ago("1h"),\n            {TURNED},\n            tiers=',
        IMPORTS: "import Ago, Command, DropPoints",
    }
    declared = changed(SHOP, edits)
    shell.declare(shop=declared)
    shell.handrail("generate")
    shell.declare(shop=changed(declared, {'DropPoints("2%")': 'DropPoints("3%")'}))
    _, told, _ = shell.handrail("generate", "--diff")
    was, now = (f"below the figure of 1h ago minus {points} percentage points" for points in (2, 3))
    assert told.splitlines()[:-1] == [f"LOOSER   shop errors critical: limit {was} → {now}"]
