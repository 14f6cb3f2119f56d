"""`handrail explain` → what a person on call wants to know, whole, in lines that a pipe can take."""

from __future__ import annotations

import re

from cli.places import SHOP, Shell, changed

PLAIN = """\
Stages
stage  traffic  bakes for  before it
10%    10 %     1h         -
100%   100 %    for good   approval of owner

Tiers
guardrail  tier      fires when                           sustained  severity  action
errors     warning   above 1 %                            5m         warning   investigate
errors     critical  above 2 %                            5m         critical  rollback
errors     blind     it cannot be judged                  5m         critical  hold
errors     thin      it has events, but too few to judge  30m        warning   investigate
"""
REST = """\
Actions
action       what the receiver does  told
investigate  records it              nobody
hold         stays in the stage      nobody
rollback     command back            nobody

Notified by Alertmanager
when                         who
severity warning             nobody: only the receiver records it
severity critical            nobody: only the receiver records it
the receiver is gone for 5m  nobody

In operation
guardrail  users notice     look first  fix
errors     Nobody can buy.  The log.    Roll back.
"""


def test_in_a_pipe_it_is_aligned_text(shell: Shell) -> None:
    gate = 'Stage("100%", weight="100%", gate=Gate(approvals=["owner"]))'
    shell.declare(
        shop=changed(
            SHOP,
            {'Stage("100%", weight="100%")': gate, "import Above, Command": "import Above, Command, Gate"},
        )
    )
    code, said, wrong = shell.handrail("explain", "shop")
    assert (code, wrong) == (0, "")
    assert said.startswith(PLAIN)
    assert said.endswith(REST)


def test_the_times_are_there_and_a_budget_that_is_not_kept_says_so(shell: Shell) -> None:
    budget = '    budget=Budget(decide="10m", recover="1h"),\n    rollback='
    edits = {"    rollback=": budget, "import Above, Command": "import Above, Budget, Command"}
    shell.declare(shop=changed(SHOP, edits))
    _, said, _ = shell.handrail("explain", "shop")
    times = said[said.index("Times, at the latest") : said.index("Actions")].splitlines()
    assert [line.split()[:2] for line in times[2:4]] == [["errors", "warning"], ["errors", "critical"]]
    assert [
        line.split() for line in said[said.index("Time budgets") :].split("\n\n")[0].splitlines()[2:]
    ] == [
        ["to", "the", "decision,", "all", "fails", "10m", "5m51s", "yes"],
        ["to", "the", "last", "step,", "all", "fails", "1h", "6m1s", "yes"],
        ["to", "the", "last", "step,", "just", "over", "1h", "11m", "yes"],
    ]
    within = said[said.index("Decided within 10m") :].split("\n\n")[0]
    assert within.splitlines()[2].split() == ["errors", "critical", "2.4", "%", "bad"]


def test_a_rollout_that_is_not_there_is_said_with_those_that_are(shell: Shell) -> None:
    code, said, wrong = shell.handrail("explain", "shopp")
    assert (code, said) == (2, "")
    assert wrong == "handrail: error: rollout 'shopp' is not declared; use one of: shop\n"


def test_declarations_that_cannot_work_are_refused(shell: Shell) -> None:
    shell.declare(shop=SHOP.replace('sustained="5m", action', 'sustained="5 minutes", action'))
    code, said, wrong = shell.handrail("explain", "shop")
    assert (code, said, "rules_src/rollouts/shop.py:" in wrong) == (1, "", True)


def test_what_fires_is_said_as_in_the_runbook(shell: Shell) -> None:
    tier = 'Critical(Above("2%"), sustained="5m", or_=[On("late", Increase("late_total", window="10m"), Above(0))], during="30m", action="rollback")'
    gate = 'Stage("100%", weight="100%", gate=Gate(stable_for="20m"))'
    slo = 'slos=[Slo("good", Ratio(bad="b_total", of="a_total"), objective="99%", runbook=Runbook("It is."))],\n    rollback='
    edits = {
        'Critical(Above("2%"), sustained="5m", action="rollback")': tier,
        'Stage("100%", weight="100%")': gate,
        "    rollback=": f"    {slo}",
        "import Above, Command": "import Above, Command, Gate, Increase, On, Slo",
    }
    shell.declare(shop=changed(SHOP, edits))
    _, said, wrong = shell.handrail("explain", "shop")
    assert wrong == ""
    assert "above 2 %, or late above 0, in the first 30m of a stage" in said
    assert "nothing fired for 20m" in said
    assert "the budget loses 2 % in 1h (burn rate 14.4) or 5 % in 6h (burn rate 6)" in said
    assert not re.search(r"\d+ms", said)


def test_a_step_is_said_without_the_secrets_that_it_needs(shell: Shell) -> None:
    token = 'environment={"TOKEN": Secret("TOKEN")}'
    secret = {
        "import Above, Command": "import Above, Command, Secret",
        'read=["is-back"]': f'read=["is-back"], {token}',
    }
    shell.declare(shop=changed(SHOP, secret))
    assert "rollback     command back            nobody" in shell.handrail("explain", "shop")[1]


def test_for_how_much_of_a_stage_data_and_traffic_are_asked_stands_beside_its_criteria(shell: Shell) -> None:
    judged = {
        "            tiers=": '            success=Below("0.5%"),\n            tiers=',
        "import Above, Command": "import Above, Below, Command, Gate",
        'Stage("100%", weight="100%")': 'Stage("100%", weight="100%", gate=Gate(coverage="60%"))',
    }
    shell.declare(shop=changed(SHOP, judged))
    _, said, _ = shell.handrail("explain", "shop")
    assert said.splitlines()[3].split("  ")[-1].strip() == (
        "errors below 0.5 %; each held for the whole stage before, with data for at least 90 % of that time, "
        "and traffic enough for at least 60 % of it"
    )
    assert shell.handrail("generate")[0] == 0
    assert (
        "| 100% | 100 % | for good | its success criterion held for the whole stage before, "
        "with data for at least 90 % of that time, and traffic enough for at least 60 % of it |"
    ) in shell.files()["runbooks/shop.md"]
