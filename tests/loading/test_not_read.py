"""Files that would declare something but are not read → reported with what to do, unless they were put away."""

from __future__ import annotations

from pathlib import Path

import pytest
from declared import folder
from handrail.loading.load import read

HEAD = "from handrail.declare import *\n\n"
GUARD = 'Guardrail("x", Gauge("x"), tiers=[Warning(Above(1))])'
SHOP = f'{HEAD}shop = Rollout("shop", "shop", guardrails=[{GUARD}])\n'
TILL = f'{HEAD}till = Rollout("till", "till", guardrails=[{GUARD}])\n'
AWAY = "or begin its name with _ if it is put away"
NOT_READ = "1: error: the file is not read, and would declare something; "
TO_ROLLOUTS = f"{NOT_READ}move it to rollouts/, {AWAY}"
RENAME = f"{NOT_READ}let its name begin with a letter and end in .py, {AWAY}"


def said(at: Path, files: dict[str, str]) -> list[str]:
    """What is said beside a good rollout, as lines below the source folder."""
    source = folder(at, {"rollouts/shop.py": SHOP, **files})
    return [str(problem).replace(f"{source}/", "") for problem in read(source).problems]


@pytest.mark.parametrize(
    "file",
    [
        "till.py",
        "rollouts.py",
        "rollout/till.py",
        "lib/deep/till.py",
        "environments/till.py",
        ".till.py",
        "till",
    ],
)
def test_a_file_beside_the_folder_of_rollouts_that_would_declare_one_is_said(
    tmp_path: Path, file: str
) -> None:
    assert said(tmp_path, {file: TILL}) == [f"{file}:{TO_ROLLOUTS}"]


@pytest.mark.parametrize(
    "file",
    [
        "rollouts/.till.py",
        "rollouts/.eu/till.py",
        "rollouts/till.pyi",
        "rollouts/till.PY",
        "rollouts/till.py.txt",
        "rollouts/till",
        "rollouts/eu/__main__.py",
    ],
)
def test_so_is_one_among_the_rollouts_whose_name_hides_it(tmp_path: Path, file: str) -> None:
    assert said(tmp_path, {file: TILL}) == [f"{file}:{RENAME}"]


def test_a_file_of_environments_elsewhere_belongs_into_the_one_that_is_read(tmp_path: Path) -> None:
    text = f'{HEAD}staging = Environment("staging")\n'
    for file in ("environment.py", "environments/__init__.py", "environments/staging.py"):
        assert said(tmp_path / file, {file: text}) == [f"{file}:{NOT_READ}move it to environments.py, {AWAY}"]


@pytest.mark.parametrize(
    "text",
    [
        "import handrail.declare as d\n\nd.Rollout()\n",
        "from handrail import declare\n\ndef main():\n    declare.Guardrail()\n",
        "from handrail.declare import Rollout as R\n\nR()\n",
        "from rollouts.shop import shop\n\nprint(shop)\n",
    ],
)
def test_a_file_is_known_by_what_it_says(tmp_path: Path, text: str) -> None:
    assert said(tmp_path, {"more.py": text}) == [f"more.py:{TO_ROLLOUTS}"]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("rollouts/_till.py", TILL),
        ("rollouts/_old/till.py", TILL),
        ("_old/till.py", TILL),
        ("rollouts/shop.py.orig", SHOP),
        ("rollouts/shop.py~", SHOP),
        ("rollouts/README.md", f"# Rollouts\n\n```python\n{TILL}```\n"),
        ("tests/test_till.py", TILL),
        ("test_till.py", TILL),
        ("tools/say.py", "print('handrail')\n"),
        ("handrail/declare/__init__.py", "class Rollout: ...\n\nRollout()\n"),
        (".venv/pyvenv.cfg", "home = /usr/bin\n"),
    ],
)
def test_what_was_put_away_or_is_no_declaration_is_left_alone(tmp_path: Path, file: str, text: str) -> None:
    more = {".venv/lib/till.py": TILL} if file.startswith(".venv") else {}
    assert said(tmp_path, {file: text, **more}) == []


def test_what_a_file_imports_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A helper that Python finds beside the rollouts."""
    monkeypatch.syspath_prepend(tmp_path / "source")
    files = {"helper_of_till.py": TILL, "rollouts/till.py": "import helper_of_till\n"}
    assert said(tmp_path, files) == []


def test_a_file_that_a_link_leads_to_and_one_with_a_dash_are_read(tmp_path: Path) -> None:
    elsewhere = folder(tmp_path / "elsewhere", {"till.py": TILL}) / "till.py"
    source = folder(tmp_path, {"rollouts/my-shop.py": SHOP})
    (source / "rollouts" / "till.py").symlink_to(elsewhere)
    loaded = read(source)
    assert ([rollout.name for rollout in loaded.rollouts], loaded.problems) == (["shop", "till"], ())


@pytest.mark.parametrize(
    ("opening", "indent"),
    [
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n", 4),
        ("import typing\nif typing.TYPE_CHECKING:\n", 4),
        ('if __name__ == "__main__":\n', 4),
        ('if "__main__" == __name__:\n', 4),
        ('if __name__ != "__main__":\n    pass\nelse:\n', 4),
        ("if not True:\n", 4),
        ("while 0:\n", 4),
        ("if False:\n    def later():\n", 8),
    ],
)
def test_a_rollout_in_a_branch_that_is_never_taken_is_said(tmp_path: Path, opening: str, indent: int) -> None:
    call = TILL.removeprefix(HEAD)
    text = f"{SHOP}{opening}{' ' * indent}{call}"
    line = text.count("\n")
    what = "this {} is never reached: the condition around it is false while the file is read; take it out of the `if`"
    assert said(tmp_path, {"rollouts/shop.py": text}) == [
        f"rollouts/shop.py:{line}: error: {what.format(word)}" for word in ("Guardrail", "Rollout")
    ]


GUARDED = TILL.removeprefix(f"{HEAD}till = ")
CONDITIONAL = {
    "a condition": f"if len(shop.name) > 9:\n    till = {GUARDED}",
    "the other branch": f"if shop:\n    pass\nelse:\n    till = {GUARDED}",
    "a case": f"match shop.name:\n    case 'till':\n        till = {GUARDED}",
    "a part that was passed over": f"try:\n    {{}}['x']\n    till = {GUARDED}except KeyError:\n    pass\n",
    "a short cut": f"till = not shop and {GUARDED}",
    "a function without a name": f"till = lambda: {GUARDED}",
    "an empty loop": f"for name in []:\n    till = {GUARDED}",
}


@pytest.mark.parametrize("way", CONDITIONAL.values(), ids=CONDITIONAL)
def test_what_the_reading_did_not_come_to_is_said_and_does_not_stop_the_others(
    tmp_path: Path, way: str
) -> None:
    text = f"{SHOP}{way}"
    line = text[: text.rindex("Rollout(")].count("\n") + 1
    assert said(tmp_path, {"rollouts/shop.py": text, "rollouts/_more.py": text}) == [
        f"rollouts/shop.py:{line}: warning: this {word} was not reached while the file was read; make sure that it is reached, or remove it"
        for word in ("Guardrail", "Rollout")
    ]


@pytest.mark.parametrize(
    "use", ["", "tills = [till]\n", "import atexit\natexit.register(till)\natexit.unregister(till)\n"]
)
def test_so_is_a_function_that_made_nothing(tmp_path: Path, use: str) -> None:
    text = (
        f"{SHOP}def till():\n    return {GUARDED}def tills():\n    return [{GUARDED.strip()}]\ntills()\n{use}"
    )
    what = "'till' would declare something, but made nothing while the file was read; call it, or remove it"
    assert said(
        tmp_path, {"rollouts/shop.py": text, "rollouts/_more.py": text.replace('"till"', '"more"')}
    ) == [f"rollouts/shop.py:4: warning: {what}"]
    assert [rollout.name for rollout in read(tmp_path / "source").rollouts] == ["shop", "till"]


def test_a_thread_that_goes_on_makes_what_it_makes_too_late(tmp_path: Path) -> None:
    text = f"from threading import Event, Thread\n{SHOP}end = Event()\nThread(target=end.wait, args=[9], name='late', daemon=True).start()\n"
    source = folder(tmp_path, {"rollouts/shop.py": text})
    [problem] = read(source).problems
    assert problem.what == "the thread 'late' is still running after all files were read"


@pytest.mark.parametrize("held", ["[{}]", "{{'a': [{}]}}", "({},)"])
def test_what_a_list_holds_makes_nothing_either_until_somebody_asks(tmp_path: Path, held: str) -> None:
    lazy = held.format(f"({GUARDED.strip()} for _ in range(1))")
    assert said(tmp_path, {"rollouts/shop.py": f"{SHOP}tills = {lazy}\n"}) == [
        "rollouts/shop.py:1: error: 'tills' makes nothing until somebody iterates over it; write a list"
    ]


PARTS = {
    "Guardrail": GUARD,
    "Critical": "Critical(Above(5))",
    "Slo": 'Slo("good", Ratio(bad="bad_total", of="all_total"), objective="99%")',
    "ForGuardrail": 'ForGuardrail("shop", "x", mode="shadow")',
}


@pytest.mark.parametrize("kind", PARTS)
def test_what_belongs_to_nothing_is_said(tmp_path: Path, kind: str) -> None:
    whose = "environment" if kind.startswith("For") else "rollout"
    cure = f"give it to a{'n' * (whose[0] == 'e')} {whose}, or make it in a function that is called where it is needed"
    text = f"{SHOP}forgotten = {PARTS[kind]}\n"
    assert said(tmp_path, {"rollouts/shop.py": text, "rollouts/_more.py": f"{HEAD}{PARTS[kind]}\n"}) == [
        f"rollouts/shop.py:4: error: this {kind} belongs to no {whose}, and does nothing; {cure}"
    ]


@pytest.mark.parametrize(
    "made",
    [
        "from copy import copy\none = copy(shop)\nobject.__setattr__(one, 'name', 'till')\n",
        "from copy import deepcopy\none = deepcopy(shop)\nobject.__setattr__(one, 'name', 'till')\n",
        "from dataclasses import replace\nreplace(shop, name='till')\n",
        (
            "from pydantic import TypeAdapter\n"
            "facts = {'name': 'till', 'service': 'till', 'guardrails': shop.guardrails}\n"
            "TypeAdapter(Rollout).validate_python(facts)\n"
        ),
    ],
    ids=["copy", "deepcopy", "replace", "pydantic"],
)
def test_a_rollout_counts_whatever_made_it(tmp_path: Path, made: str) -> None:
    loaded = read(folder(tmp_path, {"rollouts/shop.py": f"{SHOP}{made}"}))
    assert ([rollout.name for rollout in loaded.rollouts], loaded.problems) == (["shop", "till"], ())
