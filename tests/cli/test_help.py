"""`handrail --help` and the help of each group: what a newcomer reads first."""

from __future__ import annotations

import re

import pytest
from handrail.cli.rollout_command import Verb
from typed import typed


@pytest.mark.parametrize("group", [(), ("store",), ("merge",)])
def test_each_command_is_said_in_one_whole_line(group: tuple[str, ...]) -> None:
    commands = typed(*group, "--help").stdout.partition("Commands:\n")[2].splitlines()
    assert commands
    assert [line for line in commands if not re.fullmatch(r"  [a-z-]+ +[A-Z].*[^.]\.", line)] == []


def test_commands_stand_in_the_order_in_which_they_are_needed() -> None:
    commands = typed("--help").stdout.partition("Commands:\n")[2]
    assert re.findall(r"^  ([a-z-]+)", commands, re.MULTILINE)[:3] == ["init", "generate", "lint"]


def test_the_help_says_what_each_verb_of_a_rollout_does() -> None:
    shown = typed("rollout", "--help").stdout.partition("Arguments:\n")[0]
    verbs = [
        verb.strip()
        for line in re.findall(r"^  ([a-z, -]+?)  +\w", shown, re.MULTILINE)
        for verb in line.split(",")
    ]
    assert sorted(verbs) == sorted(Verb)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("rollout strat shop", "Invalid value for 'verb': there is no 'strat'; did you mean start?"),
        ("report monthly", "Invalid value for 'kind': there is no 'monthly'; use one of daily, weekly"),
    ],
)
def test_a_word_that_is_no_choice_is_answered_with_those_that_are(line: str, said: str) -> None:
    done = typed(*line.split())
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, f"Error: {said}")
