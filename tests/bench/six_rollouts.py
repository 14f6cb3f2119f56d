"""What this repository's own rollouts cost: bytes, generating them again, promtool, and how many mutants are noticed."""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from pathlib import Path

from bench.scale import cost, line, promtool

ROOT = Path(__file__).parents[2]
MADE = ROOT / "generated" / "prometheus"
LARGEST = "aurigraph-v12"
MUTANTS, SEED = {"alerts": 400, "recordings": 200}, 11
LIMIT, OTHER = 'Above("5%")', 'Above("6%")'


def main() -> None:
    """Print each figure with its goal."""
    names = sorted(file.stem for file in (MADE / "rules").glob("*.yml"))
    tests, rules = (_bytes(MADE / folder) for folder in ("tests", "rules"))
    print(f"{'bytes of tests / bytes of rules':44}{tests / rules:8.1f}  goal: 4")
    source = ROOT / "rules_src/handrail/emit/promtool"
    lines = sum(len(file.read_text().splitlines()) for file in source.glob("*.py"))
    print(f"{'lines in emit/promtool':44}{lines:8,}  goal: 1,200", flush=True)
    with tempfile.TemporaryDirectory(prefix="handrail-bench-") as name:
        folder = Path(name)
        _generate(folder)
        line(f"promtool check and test, {LARGEST}", promtool(MADE, [LARGEST], folder), "goal: 6 s")
        line(f"promtool check and test, all {len(names)}", promtool(MADE, names, folder), "goal: 10 s")
    _mutants()


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*.yml"))


def _generate(folder: Path) -> None:
    """All of them from nothing, and again when one limit has changed."""
    shutil.copytree(ROOT / "rules_src", folder / "rules_src", ignore=shutil.ignore_patterns("handrail"))
    command = [str(Path(sys.executable).with_name("handrail")), "generate"]
    line("generate, all six, from nothing", cost(command, folder))
    declared = folder / "rules_src/rollouts/checkout.py"
    text = declared.read_text()
    assert LIMIT in text, f"checkout has no {LIMIT}"
    declared.write_text(text.replace(LIMIT, OTHER, 1))
    line("generate, all six, one limit changed", cost(command, folder), "goal: 0.5 s busy")


def _mutants() -> None:
    """A sample of changed rules: how many of them the generated tests notice, each by itself."""
    from mutation.verdict import rollouts, subjects, verdicts  # noqa: PLC0415  what this process has loaded counts as others'

    pairs = [
        (s, m) for rollout in rollouts(ROOT / "rules_src") for s in subjects(rollout) for m in s.mutants()
    ]
    for part, number in MUTANTS.items():
        own = [pair for pair in pairs if bool(pair[1].kind) is (part == "recordings")]
        noticed = [one.noticed for one in verdicts(random.Random(SEED).sample(own, number))]
        print(
            f"{f'mutants of {part} noticed, of {number}':44}{sum(noticed) / number:8.1%}  goal: 97 %",
            flush=True,
        )
