"""Rollouts → runbooks: what a person reads at night, and the lines they can type."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import get_args

import pytest
from emit.each import of_each
from handrail import contract
from handrail.contract import Secret
from handrail.declare import (
    Above,
    Absence,
    Command,
    Confirm,
    Critical,
    Environment,
    Gate,
    Gauge,
    Growth,
    Guardrail,
    Increase,
    Instruction,
    Level,
    On,
    Rate,
    Ratio,
    Rollout,
    Runbook,
    Slo,
    SlowerThan,
    Stage,
    Warning,
    While,
)
from handrail.emit import runbooks
from handrail.emit.runbooks.byhand import by_hand
from handrail.lower import lower
from handrail.output.incomplete_alerts import anchor
from own_rollouts import own_plan
from pydantic import ValidationError
from servers import ask_haproxy, haproxy

SOURCE = Path(__file__).parents[3] / "rules_src"

shop = Rollout(
    name="shop",
    service="shop",
    title="Shop",
    stages=[Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%")],
    rollback=[Command(["back", "a b"], read=["is-back"], environment={"KEY": Secret("KEY")})],
    escalation=[Level("manager", "5m", "the manager")],
    contacts=["On-call engineer"],
    guardrails=[
        Guardrail(
            "errors",
            Ratio(bad='requests_total{status=~"5..|4.."}', of="requests_total"),
            title="Share of errors",
            tiers=[
                Warning(Above("1%"), sustained="5m", note="Look at the log."),
                Critical(Above({"10%": "5%", "100%": "2%"}), action="rollback", confirm=Confirm("15s")),
            ],
            runbook=Runbook("Nobody can buy.", look=["The log."], fix=["Roll back."]),
        )
    ],
)


def written(*rollouts: Rollout) -> dict[str, str]:
    """Rollout → its runbook."""
    return {
        Path(path).stem: text
        for path, text in of_each(runbooks.emit, lower(rollouts, Environment("here"))).items()
    }


def repository() -> dict[str, str]:
    """The runbooks of this repository's own rollouts."""
    return {Path(path).stem: text for path, text in of_each(runbooks.emit, own_plan()).items()}


def sections(text: str) -> dict[str, str]:
    """Heading of the second level → what is below it."""
    _, *parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))


def test_a_guardrail_s_section_is_complete() -> None:
    assert (
        sections(written(shop)["shop"])["errors"]
        == """\
**Share of errors.** Nobody can buy.

The share of `requests_total{status=~"5..|4.."}` in `requests_total` over 5m. With fewer than 100 events in that time it is not judged, unless 10 or more of them are bad.

| tier | limit | sustained | severity | asks for | alert after | done after |
|---|---|---|---|---|---|---|
| warning | above 1 % | 5m | warning | investigate | 5m48s to 11m | a person acts |
| critical | above 5 % in stage 10%, 2 % in stage 100% | at once | critical | rollback | 1m to 5m45s | 1m25s to 6m10s |

Warning: Look at the log.

**Blind** after 11m without data. Without data nobody knows whether all is well, so nothing is promoted. Look first at the scrape targets and the exporters.

**Thin** after 30m with events, but too few to judge. This is not a fault of the service: look at the requests by hand, wait for more traffic, or widen the window.

**Look first**

1. The log.

**Usual causes and fixes**

- Roll back."""
    )


def test_the_matrix_says_which_threshold_asks_for_what() -> None:
    assert sections(written(shop)["shop"])["Rollback decision matrix"].splitlines()[-3:] == [
        "| metric | investigate | rollback |",
        "|---|---|---|",
        "| [errors](#errors) | above 1 % sustained for 5m | above 5 % in stage 10%, 2 % in stage 100% |",
    ]


def test_what_happens_by_itself_can_be_done_by_hand() -> None:
    found = sections(written(shop)["shop"])
    assert found["What happens automatically"].endswith("\n\n1. Run `back 'a b'`")
    assert shell(found["If Handrail is down"]) == [
        ": \"${KEY:?}\"\nback 'a b'",
        ': "${KEY:?}"\nis-back',
    ]


def test_what_is_done_by_hand_is_there_step_by_step_with_its_commands() -> None:
    guardrail = Guardrail(
        "errors",
        Ratio(bad='requests_total{status=~"5.."}', of="requests_total"),
        tiers=[Warning(Above("1%"))],
        runbook=Runbook(
            "Nobody can buy.",
            steps=[
                Instruction(
                    "Which requests?", sh="  grep ' 500 ' access.log |\n    tail", see="One page alone?"
                ),
                Instruction("Ask the team."),
                Instruction("Orders left?", sql="SELECT count(*) FROM orders;"),
            ],
        ),
    )
    told = Rollout(
        name="told",
        service="shop",
        stages=[
            Stage("10%", weight="10%", bake="1h"),
            Stage("100%", gate=Gate(manual=["Tried?"], approvals=["lead"])),
        ],
        guardrails=[guardrail],
        procedures={"After a rollback": [Instruction("Tell the shops.")]},
        quick_reference=[Instruction("Requests now.", promql="sum(rate(requests_total[5m]))")],
    )
    found = sections(written(told)["told"])
    assert found["errors"].endswith(
        """\
**Step by step**

1. Which requests?

   ```sh
   grep ' 500 ' access.log |
     tail
   ```

   One page alone?

2. Ask the team.
3. Orders left?

   ```sql
   SELECT count(*) FROM orders;
   ```"""
    )
    assert found["Procedures"] == (
        "What is done by hand, apart from what an alert asks for.\n\n### After a rollback\n\n1. Tell the shops."
    )
    assert found["Quick reference"] == (
        "1. Requests now.\n\n   ```promql\n   sum(rate(requests_total[5m]))\n   ```"
    )
    assert found["Sign-off"].endswith(
        """\
### Into 100%

- [ ] Tried?
- [ ] approved by lead

```sh
handrail rollout check told --item 1 --why 'what you saw'  # Tried?
handrail rollout approve told --role lead
```"""
    )


def test_steps_that_guardrails_share_stand_in_the_first_of_them() -> None:
    shared = Runbook("Nobody can buy.", steps=[Instruction("Ask the team.")])
    told = Rollout(
        name="told",
        service="shop",
        guardrails=[
            Guardrail(name, Gauge(f"carts_{name}"), tiers=[Warning(Above(1))], runbook=shared)
            for name in ("first", "second")
        ],
    )
    found = sections(written(told)["told"])
    assert [found[name].partition("**Step by step**")[2] for name in ("first", "second")] == [
        "\n\n1. Ask the team.",
        ": as for [first](#first).",
    ]


@pytest.mark.parametrize(
    ("commands", "said"),
    [
        ({"sh": "ls", "sql": "SELECT 1"}, "has more than one command; write an Instruction for each"),
        ({"sh": "cat <<E\n```\nE"}, "has ``` in its command"),
        ({"promql": "sum(rate(x[5m])"}, "is not PromQL"),
    ],
)
def test_a_command_that_would_not_be_one_is_refused(commands: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Instruction("Look.", **commands)


def test_escalation_and_contacts_are_there_only_where_there_are_any() -> None:
    quiet = Rollout(name="quiet", service="shop", guardrails=shop.guardrails[:1], rollback=shop.rollback)
    both = written(shop, quiet)
    assert sections(both["shop"])["escalation"].endswith("| 5m | any | the manager |")
    assert sections(both["shop"])["Contacts"] == "- On-call engineer"
    assert {"escalation", "Contacts", "Stages"} & set(sections(both["quiet"])) == set()


def test_escalation_says_what_stops_it() -> None:
    assert sections(written(shop)["shop"])["escalation"].partition("\n")[0] == (
        "An alert that stays unresolved escalates automatically; the times count from when it fired. It stops when the alert is "
        "resolved, or when somebody acknowledges the incident that it opened: `handrail rollout ack shop`. An "
        "acknowledgement stops every alert that fired before it. One that begins later escalates until it is acknowledged as "
        "well. While the receiver is away, nothing counts as acknowledged."
    )


def test_whoever_an_alert_woke_reads_how_to_have_the_incident() -> None:
    [first] = [
        line for line in written(shop)["shop"].splitlines() if line.startswith("**If an alert brought")
    ]
    assert "acknowledge it with `handrail rollout ack shop`, so that nobody else is woken" in first


def test_no_section_of_any_runbook_is_empty_and_no_gap_is_wide() -> None:
    for name, text in repository().items():
        assert [heading for heading, body in sections(text).items() if not body] == [], name
        assert "\n\n\n\n" not in text, name


def test_every_link_inside_a_runbook_leads_to_exactly_one_heading() -> None:
    for name, text in repository().items():
        headings = [anchor(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)]
        wanted = set(re.findall(r"\]\(#([^)]+)\)", text))
        assert {link: headings.count(link) for link in wanted} == dict.fromkeys(wanted, 1), name


def test_rows_of_tables_have_as_many_cells_as_their_heads() -> None:
    for text in repository().values():
        for table in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
            cells = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
            assert len(cells) == 1, table


def test_every_line_to_type_is_shell() -> None:
    lines = [block for text in repository().values() for block in shell(text)]
    assert len(lines) > 10
    for block in lines:
        checked = subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, ""), block


def shell(text: str) -> list[str]:
    """The shell lines between fences, without their indent."""
    blocks = re.findall(r"^ *```sh\n(.*?)\n *```", text, re.MULTILINE | re.DOTALL)
    return ["\n".join(line.strip() for line in block.splitlines()) for block in blocks]


TOKEN = Secret("TOKEN")
STEPS: list[contract.Step] = [
    contract.HAProxyWeight("web/canary", 0, ["unix:/run/it.sock", "10.0.0.1:9999"]),
    contract.HAProxyState("web/canary", "maint", ["unix:/run/it.sock"]),
    contract.FlagOff("https://unleash", "p", "f", "production", TOKEN),
    contract.FlagShare("https://unleash", "p", "f", "production", TOKEN, 10),
    contract.LaunchDarklyOff("p", "f", "production", TOKEN),
    contract.RolloutAbort("https://k8s", "shop", "web", TOKEN),
    contract.DeploymentImage("https://k8s", "shop", "web", "app", TOKEN, "app@sha256:1"),
    contract.DeploymentImage("https://k8s", "shop", "web", "app", TOKEN),
    contract.GitValue("https://git/it", "main", "a b.yaml", "image.tag", "v1"),
    contract.HttpCall("PUT", "https://it/x", "https://it/x", "/on", read_equals=False, body={"on": "it's"}),
    contract.Command(["undo", "it's"], read=["is-undone"]),
]


def test_measures_are_said_in_units_a_person_uses_and_further_reasons_too() -> None:
    cold = While(Growth("heap", unit="bytes"), condition=Rate("orders_total"), at_most="1/min")
    late = On("stuck", Increase("order_seconds", slower_than="5s"), Above(0))
    rollout = Rollout(
        "orders",
        "orders",
        stages=[Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%")],
        guardrails=[
            Guardrail(
                "slow",
                SlowerThan("order_ms", "250ms", unit="ms"),
                tiers=[Critical(Above("1%"), or_=[late], during="30m")],
            ),
            Guardrail("leak", cold, tiers=[Warning(Above("10MB"))]),
            Guardrail("beat", Absence("beat"), tiers=[Warning(Above(0))]),
        ],
        slos=[Slo("quick", SlowerThan("order_ms", "250ms", unit="ms"), objective="99%")],
    )
    found = sections(written(rollout)["orders"])
    few = "With fewer than 100 events in that time it is not judged, unless 10 or more of them are bad."
    slow = "The share of `order_ms` slower than 250 ms"
    assert (
        f"{slow} over 5m. {few} `stuck`: How many events `order_seconds` counted slower than 5 s in 5m;"
        in found["slow"]
    )
    assert "| critical | above 1 %, or stuck above 0, in the first 30m of a stage |" in found["slow"]
    assert (
        "Only while this is at or below 1/min: events of `orders_total` per second over 5m." in found["leak"]
    )
    assert ("**Blind**" in found["leak"], "**Blind**" in found["beat"]) == (True, False)
    assert f"{slow}. With fewer than 100 events in a window it is not judged." in found["slo-quick"]


def test_every_kind_of_step_is_tried() -> None:
    assert {type(step) for step in STEPS} == set(get_args(get_args(contract.Step)[0]))


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.kind)
def test_every_kind_of_step_has_words_and_lines_that_are_shell(step: contract.Step) -> None:
    found = by_hand(step)
    assert found.does
    assert found.then.endswith(".")
    for line in (*found.act, *found.check):
        checked = subprocess.run(["bash", "-n"], input=line, text=True, capture_output=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, ""), line


def test_a_secret_that_is_not_set_stops_the_line_before_anything_is_sent() -> None:
    [line] = by_hand(contract.FlagOff("http://127.0.0.1:9", "p", "f", "e", TOKEN)).act
    ran = subprocess.run(
        ["bash", "-c", line], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    assert ran.returncode != 0
    assert "TOKEN: parameter null or not set" in ran.stderr


def test_haproxy_does_what_the_line_says(tmp_path: Path) -> None:
    (tmp_path / "haproxy.cfg").write_text(
        "global\n stats socket unix@haproxy.sock level admin\n"
        "defaults\n timeout connect 1s\n timeout client 1s\n timeout server 1s\n"
        "backend web\n balance roundrobin\n server canary 127.0.0.1:9 weight 10\n"
    )
    found = by_hand(contract.HAProxyWeight("web/canary", 0, ["unix:haproxy.sock"]))
    commands = [
        re.search(r"echo '([^']+)' \| socat stdio UNIX-CONNECT:haproxy.sock", line)
        for line in (*found.act, *found.check)
    ]
    with haproxy(tmp_path, tmp_path / "haproxy.cfg"):
        said = [ask_haproxy(tmp_path / "haproxy.sock", command[1]) for command in commands if command]
    assert (found.then, said) == ("It says 0.", ["", "0 (initial 10)"])
