"""Bad declarations on the command line → every problem of every file on stderr, exit code 1, nothing written."""

from __future__ import annotations

import subprocess
from pathlib import Path

from declared import folder
from typed import typed

CHECKOUT = """\
from handrail.declare import Above, Critical, Guardrail, Latency, Ratoi, Ratio, Rollout, Stage, Warning

ERRORS = Ratio(bad="errors_total", of="requests_total", widow="5m")


def critical(limit, sustained="5m"):
    return Critical(
        Above(limit),
        sustained=sustained,
        action="rolback",
    )


checkout = Rollout(
    name="Check Out",
    service="checkout",
    stages=[Stage("10%", weight="10%", bake="1h"), Stage("100%", "100%")],
    guardrails=[
        Guardrail("errors", ERRORS, tiers=[critical("5%")]),
        Guardrail("time", Latency("request_seconds", p=950), tiers=[critical("1s", sustained="5 minutes")]),
        *[Guardrail(f"pool-{n}", Gaugee(f"pool_{n}")) for n in range(3)],
    ],
)
"""
LOGIN = """\
from handrail.declare import *

RUNBOOK = Runbook("Nobody can log in.", look=["at the log"])

login = Rollout(
    name="login",
    service="login",
    stages=[Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%")],
    arms=Arms("track", canary="canary", stable="stable"),
    guardrails=[
        Guardrail("errors", Ratio(bad="errors_total", of="logins_total"), runbook=RUNBOOK, tiers=[
            Warning(Above("5%"), sustained="2h"),
            Critical(Above("1%")),
        ]),
        Guardrail("errors", Ratio(bad="errors_total", of='logins_total{'), runbook=RUNBOOK, tiers=[
            Warning(Above({"10%": "5%", "100%": "1 percent"})),
        ]),
        Guardrail(
            "errors",
            Ratio(bad="errors_total", of="logins_total"),
            tiers=[Warning(Above("300ms"))],
            runbook=RUNBOOK,
        ),
    ],
)
"""
SAID = """\
source/environments.py:3: error: Environment has no field 'reciever'; did you mean 'receiver'?
source/environments.py:3: error: Environment(faster): 0 is out of range; write a number of at least 1
source/rollouts/broken.py:2: error: '(' was never closed; correct it; `python -m py_compile` shows the same
source/rollouts/checkout.py:1: error: there is no 'Ratoi'; did you mean 'Ratio'?
source/rollouts/checkout.py:3: error: Ratio has no field 'widow'; did you mean 'window'?
source/rollouts/checkout.py:9: error: Critical(sustained): '5 minutes' is not a duration; write it like 30s, 5m, 24h, 7d or 1h30m
source/rollouts/checkout.py:10: error: Critical(action): there is no 'rolback'; did you mean 'rollback'?
source/rollouts/checkout.py:15: error: Rollout(name): 'Check Out' does not fit; write a name of small letters, digits and - between them, like error-rate
source/rollouts/checkout.py:17: error: Stage takes only name by position; name it: weight=, bake=, gate=, enter=, advance=, warm_up=, prolong=, deadline=, at_deadline=, checks=, bursts=
source/rollouts/checkout.py:20: error: Latency(p): 950 is out of range; write a number below 100
source/rollouts/checkout.py:21: error: there is no 'Gaugee'; did you mean 'Gauge'?
source/rollouts/empty.py:1: error: the file declares no Rollout; add one, or begin its name with _
source/rollouts/login.py:12: error: 'errors' fires its warning tier once sustained for 2h, and stage '10%' bakes for 1h; shorten sustained= or lengthen bake= [stage-too-short]
source/rollouts/login.py:13: error: 'errors' reaches critical before warning everywhere; correct the limits, or say order="tighten" on the guardrail [tier-order]
source/rollouts/login.py:15: error: Ratio(of): 'logins_total{' is not PromQL (unexpected end of input inside braces); correct it
source/rollouts/login.py:16: error: Above(at): '1 percent' is not an amount; write it like 0.5%, 300ms, 2s, 1GB, 776K, 10/s, 100/min or 42
source/rollouts/login.py:19: fatal: rollout 'login' has two guardrails called 'errors'; rename one of them [same-name-twice]
source/rollouts/login.py:21: fatal: 'errors' has a figure of 300ms, and what it is compared with is a share; write it like 5% [limit-wrong-unit]
source/rollouts/stopped.py:3: error: ZeroDivisionError: division by zero; correct the declaration
"""


def run(at: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return typed(*arguments, folder=at)


def bad(at: Path) -> None:
    """A source folder in which nearly everything is wrong, and something generated earlier."""
    folder(
        at,
        {
            "rollouts/checkout.py": CHECKOUT,
            "rollouts/login.py": LOGIN,
            "rollouts/broken.py": "from handrail.declare import *\nx = Rollout(\n",
            "rollouts/empty.py": "from handrail.declare import *\n",
            "rollouts/stopped.py": "from handrail.declare import *\n\nx = 1 / 0\n",
            "environments.py": 'from handrail.declare import *\n\nhere = Environment("here", reciever="x", faster=0)\n',
        },
    )
    (at / "out").mkdir()
    (at / "out" / "kept").write_text("as it was")


def test_everything_wrong_is_said_at_once_and_nothing_is_written(tmp_path: Path) -> None:
    bad(tmp_path)
    done = run(tmp_path, "generate", "--source", "source", "--out", "out")
    assert (done.stderr, done.stdout, done.returncode) == (SAID, "", 1)
    assert {path.name: path.read_text() for path in (tmp_path / "out").rglob("*")} == {"kept": "as it was"}


def test_an_environment_that_is_broken_is_not_called_unknown(tmp_path: Path) -> None:
    bad(tmp_path)
    done = run(tmp_path, "generate", "--source", "source", "--out", "out", "--environment", "here")
    assert (done.stderr, done.returncode) == (SAID, 1)


def test_lint_says_the_same_and_leaves_no_folder_behind(tmp_path: Path) -> None:
    bad(tmp_path)
    done = run(tmp_path, "lint", "--source", "source")
    lines = done.stderr.splitlines()
    assert ([line for line in lines if ": error: " in line or ": fatal: " in line], done.returncode) == (
        SAID.splitlines(),
        1,
    )
    assert list((tmp_path / "source").rglob("__pycache__")) == []


def test_a_folder_without_declarations_is_a_wrong_call(tmp_path: Path) -> None:
    done = run(tmp_path, "generate", "--source", "source", "--out", "out")
    assert (done.stderr, done.returncode) == (
        "handrail: error: source/rollouts has no declarations; run `handrail init` or give --source\n",
        2,
    )


def test_where_the_last_declaration_was_taken_out_the_cure_is_to_delete_what_came_from_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "source/rollouts").mkdir(parents=True)
    done = run(tmp_path, "generate", "--source", "source", "--out", "out")
    cure = "write one; if the last one was taken out, delete what was generated from it"
    said = f"handrail: error: source/rollouts has no declarations; {cure}\n"
    assert (done.stderr, done.returncode) == (said, 2)


def test_findings_below_an_error_do_not_stop_the_compiler(tmp_path: Path) -> None:
    text = """\
        from handrail.declare import *

        shop = Rollout(
            name="shop",
            service="shop",
            guardrails=[
                Guardrail(
                    "queue",
                    PromQL("sum(queue_length) or vector(0)"),
                    tiers=[Warning(Above(5))],
                    runbook=Runbook("Orders wait.", look=["at the workers"]),
                )
            ],
        )
        """
    folder(tmp_path, {"rollouts/shop.py": text})
    free = (
        "source/rollouts/shop.py:9: warning: 'queue' is measured by free PromQL, which is not protected against "
        'idle series, new series and few events; use a typed measure, or accept={"free-promql": "why"} [free-promql]\n'
    )
    blind, warning = (
        f"source/rollouts/shop.py:{line}: info: alert ShopQueue{tier} has no test: "
        "its free PromQL expression may have a value without any series, or reads recorded ones; "
        "try it by hand, say in a rehearsal [untested]\n"
        for line, tier in ((7, "Blind"), (10, "Warning"))
    )
    linted = run(tmp_path, "lint", "--source", "source")
    assert (linted.stderr, linted.returncode) == (f"{blind}{free}{warning}", 0)
    made = run(tmp_path, "generate", "--source", "source", "--out", "out")
    assert (made.stderr, made.returncode) == (f"{free}{blind}{warning}", 0)
