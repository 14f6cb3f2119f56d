"""How long `handrail generate` takes for many guardrails, beside what promtool takes for the result.

Each size is generated from a cold start into an empty folder, in a process of its own whose memory and
processor time are read. Modules are compiled once before, as they are where a package was installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from servers import program

PER_ROLLOUT = 50
AT_ONCE = 4
"""So many test files does a promtool take."""
JUDGED = 100
"""How many of the thousand guardrails promtool looks at, unless all are asked for."""
ENVIRONMENT = """from handrail.declare import Environment

PRODUCTION = Environment("production", services={"relay": "https://relay.example.com"})
"""
DECLARED = Path(__file__).parents[2] / "rules_src" / "rollouts"
COMPILED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
ONE_OF_TWO = COMPILED | {"GOGC": "400", "GOMAXPROCS": "1"}
"""promtool as one of two processes: it collects its garbage seldom, and on its own core."""

ROLLOUT = '''"""A rollout of the bench."""

from handrail.declare import *

tiers = dict(warning="1%", critical="5%", emergency="25%")
runbook = Runbook("Requests fail.", look=["The newest log lines."], fix=["Roll back."])


def guardrail(number: int) -> Guardrail:
    """One of many: every third a latency, the others a share of errors."""
    if number % 3 == 2:
        measure = Latency(f"duration_{{number}}_seconds", p=95, buckets=[0.1, 0.3, 0.5, 1, 2])
        limits = ("300ms", "500ms", "1s")
    else:
        measure = Ratio(bad=f'requests_{{number}}_total{{{{status=~"5.."}}}}', of=f"requests_{{number}}_total")
        limits = ("1%", "5%", "25%")
    return Guardrail(
        f"guardrail-{{number}}",
        measure,
        success=Below(limits[0]),
        tiers=[
            Warning(Above(limits[0]), sustained="5m"),
            Critical(Above(limits[1]), sustained="5m", action="rollback"),
            Emergency(Above(limits[2]), action="emergency-rollback"),
        ],
        runbook=runbook,
    )


rollout = Rollout(
    name="rollout-{number}",
    service="service-{number}",
    arms=Arms("track", canary="canary", stable="stable"),
    match={{"job": "service-{number}"}},
    stages=[Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%")],
    guardrails=[guardrail(number) for number in range({guardrails})],
    split=HAProxySplit("web", sockets=["unix:haproxy.sock"]),
)
'''

RELATIVE = """

def guardrail(number: int) -> Guardrail:
    \"\"\"One of many: a share of errors beside the stable arm's.\"\"\"
    return Guardrail(
        f"guardrail-{{number}}",
        Ratio(bad=f'requests_{{number}}_total{{{{status=~"5.."}}}}', of=f"requests_{{number}}_total"),
        against=StableArm(),
        success=Rise("10%", floor="0.5%"),
        tiers=[
            Warning(Rise("20%", floor="0.5%"), sustained="5m"),
            Critical(Rise("50%", floor="0.5%"), sustained="5m", action="rollback"),
        ],
        runbook=runbook,
    )

"""
"""Stands in for the absolute limits of the same rollout."""
IN_ONE = 70
"""How many relative guardrails are in one rollout."""


@dataclass(frozen=True)
class Cost:
    """Seconds of wall clock and of processor time, and the greatest resident memory in MB, of one process."""

    seconds: float
    busy: float
    megabytes: float


def source(folder: Path, guardrails: int) -> None:
    """A source folder with that many guardrails, fifty a rollout."""
    rollouts = folder / "rules_src" / "rollouts"
    rollouts.mkdir(parents=True)
    for number in range(guardrails // PER_ROLLOUT):
        text = ROLLOUT.format(number=number, guardrails=PER_ROLLOUT)
        (rollouts / f"rollout_{number}.py").write_text(text)


def cost(argv: Sequence[str], folder: Path) -> Cost:
    """Run `argv` in `folder`; it must end with 0."""
    begin = time.monotonic()
    with (folder / "output.log").open("ab") as log:
        process = subprocess.Popen(argv, cwd=folder, stdout=log, stderr=log, env=ONE_OF_TWO)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        tail = (folder / "output.log").read_text()[-2000:]
        raise SystemExit(f"{argv[0]} ended with {process.returncode}:\n{tail}")
    busy = usage.ru_utime + usage.ru_stime
    return Cost(time.monotonic() - begin, busy, usage.ru_maxrss / 1024)


def generate(folder: Path, guardrails: int) -> Cost:
    """`handrail generate` of that many guardrails from a cold start."""
    source(folder, guardrails)
    return cost([str(Path(sys.executable).with_name("handrail")), "generate"], folder)


def relative(folder: Path) -> tuple[Cost, Cost]:
    """`handrail generate` of one rollout of relative guardrails, and promtool's judgement of it."""
    rollouts = folder / "rules_src" / "rollouts"
    rollouts.mkdir(parents=True)
    before, rest = ROLLOUT.split("\n\ndef guardrail", 1)
    after = rest[rest.index("\nrollout = ") :]
    text = (before + RELATIVE + after).format(number=0, guardrails=IN_ONE)
    (rollouts / "rollout_0.py").write_text(text)
    made = cost([str(Path(sys.executable).with_name("handrail")), "generate"], folder)
    return made, judge(folder, 1)


def judge(folder: Path, rollouts: int) -> Cost:
    """promtool's check and test of the first so many rollouts generated."""
    made = folder / "generated" / "prometheus"
    return promtool(made, [f"rollout-{number}" for number in range(rollouts)], folder)


def promtool(made: Path, rollouts: Sequence[str], folder: Path) -> Cost:
    """promtool's check of the rules of these rollouts, and its test by two processes beside each other."""
    rules = [made / "rules" / f"{name}.yml" for name in rollouts]
    tests = [path for name in rollouts for path in (made / "tests").glob(f"{name}.*test.yml")]
    tests.sort(key=lambda path: -path.stat().st_size)
    checked = cost([program("promtool"), "check", "rules", *map(str, rules)], folder)
    begin = time.monotonic()
    some = -(-len(tests) // AT_ONCE)
    parts = [[program("promtool"), "test", "rules", *map(str, tests[one::some])] for one in range(some)]
    with ThreadPoolExecutor(2) as pool:
        tested = [*pool.map(lambda argv: cost(argv, folder), parts)]
    return Cost(
        checked.seconds + time.monotonic() - begin,
        checked.busy + sum(one.busy for one in tested),
        max(one.megabytes for one in (checked, *tested)),
    )


def two_rollouts(folder: Path) -> tuple[Cost, Cost]:
    """Checkout and relay, from nothing and again, when all is as it was."""
    rollouts = folder / "rules_src" / "rollouts"
    rollouts.mkdir(parents=True)
    for file in (DECLARED / "checkout.py", *DECLARED.glob("*relay*.py")):
        shutil.copy(file, rollouts)
    (folder / "rules_src" / "environments.py").write_text(ENVIRONMENT)
    argv = [str(Path(sys.executable).with_name("handrail")), "generate"]
    return cost(argv, folder), cost(argv, folder)


def main(*, full: bool = False) -> None:
    """Print two rollouts, then a thousand guardrails beside promtool, then ten times as many.

    promtool takes eight minutes for the thousand. They are in rollouts that differ in their names only, so that
    without `full` it looks at a tenth of them and its time is taken ten times.
    """
    judged = 1_000 if full else JUDGED
    with tempfile.TemporaryDirectory(prefix="handrail-bench-") as name:
        folder = Path(name)
        two_rollouts(folder / "compiled")
        first, again = two_rollouts(folder / "two")
        line("generate, two rollouts, from nothing", first)
        line("generate, two rollouts, again", again)
        ours = generate(folder / "1000", 1_000)
        line("generate, 1,000 guardrails", ours, "goal: 10 s busy")
        theirs = judge(folder / "1000", judged // PER_ROLLOUT)
        line(f"promtool check and test of {judged:,} of them", theirs, f"goal: {judged * 60 // 1000} s")
        share = ours.busy / (theirs.busy * 1_000 / judged)
        taken = "" if full else f", taken {1_000 // judged} times"
        print(f"generate takes {share:.2f} of promtool's processor time{taken}")
        made, tested = relative(folder / "relative")
        line(f"generate, {IN_ONE} relative ones in one", made)
        line(f"promtool check and test of these {IN_ONE}", tested, "goal: 10 s")
        more = generate(folder / "10000", 10_000)
        line("generate, 10,000 guardrails", more, "goal: 100 s busy, 300 MB")
        print(f"ten times the guardrails take {more.busy / ours.busy:.1f} times the time")


def line(what: str, cost: Cost, goal: str = "") -> None:
    """Print what was measured, and what was to be reached."""
    times = f"{cost.seconds:8.2f} s{cost.busy:8.2f} s busy"
    print(f"{what:44}{times}{cost.megabytes:8.0f} MB  {goal}".rstrip(), flush=True)
