"""Every Rollout and Environment that a folder creates is compiled, or nothing is and the reason is given."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from declared import folder
from handrail.base import script_of
from handrail.errors import Severity
from handrail.loading.load import read

HEAD = """\
from handrail.declare import *

def guarded(name):
    return Rollout(name, name, guardrails=[Guardrail("x", Gauge("x"), tiers=[Warning(Above(1))])])

"""


def names(at: Path, files: dict[str, str]) -> list[str]:
    """The rollouts that are compiled; nothing may be wrong."""
    loaded = read(folder(at, files))
    assert [str(problem) for problem in loaded.problems if problem.severity >= Severity.error] == []
    return [rollout.name for rollout in loaded.rollouts]


def wrong(at: Path, files: dict[str, str]) -> list[str]:
    """What is said of these files, as lines below the source folder."""
    source = folder(at, files)
    return [str(problem).replace(f"{source}/", "") for problem in read(source).problems]


WAYS = {
    "a loop under one name": 'for region in ("a", "b"):\n    shop = guarded(region)\n',
    "two under one name": 'shop = guarded("a")\nshop = guarded("b")\n',
    "a list in a dict in a tuple": 'all = ({"x": [guarded("a"), [guarded("b")]]},)\n',
    "a function's result": 'def all():\n    return {"x": {guarded("a").name: guarded("b")}}\n\nkept = all()\n',
    "another object": "class Kept:\n    pass\n\nkept = Kept()\nkept.one = guarded('a')\nkept.other = [guarded('b')]\n",
    "a class": 'class Shops:\n    one = guarded("a")\n    other = guarded("b")\n',
    "thrown away": 'guarded("a")\n[guarded("b").name]\n',
    "deleted": 'one, two = guarded("a"), guarded("b")\ndel one, two\n',
    "a set of names": '_one = guarded("a")\n__two = guarded("b")\n',
    "a changed copy": 'from dataclasses import replace\n\none = guarded("a")\nreplace(one, name="b")\n',
    "a subclass": (
        "class Shop(Rollout):\n    pass\n\n"
        'GUARDS = [Guardrail("x", Gauge("x"), tiers=[Warning(Above(1))])]\n'
        'Shop("a", "a", guardrails=GUARDS)\nShop("b", "b", guardrails=GUARDS)\n'
    ),
    "threads": (
        "from concurrent.futures import ThreadPoolExecutor\n\n"
        'with ThreadPoolExecutor(1) as pool:\n    list(pool.map(guarded, ["a", "b"]))\n'
    ),
    "an exception that the file survives": (
        'try:\n    guarded("a"), guarded("b"), {}["Broken"]\nexcept KeyError:\n    pass\n'
    ),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_rollout_is_compiled_wherever_it_is_kept(tmp_path: Path, way: str) -> None:
    assert names(tmp_path, {"rollouts/shop.py": HEAD + way}) == ["a", "b"]


def test_a_rollout_is_compiled_whichever_file_made_it(tmp_path: Path) -> None:
    files = {
        "rollouts/_made.py": f'{HEAD}\nguarded("helper")\n',
        "rollouts/c.py": 'from rollouts._made import guarded\n\nguarded("c")\n',
        "rollouts/eu/__init__.py": f'{HEAD}\nguarded("package")\n',
        "rollouts/eu/west/b.py": 'from ..._made import guarded\n\nguarded("b")\n',
        "rollouts/eu.west.py": 'from rollouts._made import guarded\n\nguarded("dot")\n',
        "rollouts/eu-west/a.py": 'from rollouts._made import guarded\n\nguarded("a")\n',
        "rollouts/_old/gone.py": "nonsense(",
        "rollouts/.hidden/gone.py": "nonsense(",
        "environments.py": 'from rollouts._made import guarded\nfrom handrail.declare import *\n\nguarded("e")\nEnvironment("here")\n',
    }
    assert sorted(names(tmp_path, files)) == ["a", "b", "c", "dot", "e", "helper", "package"]


def test_a_folder_that_a_link_leads_to_is_read_once(tmp_path: Path) -> None:
    source = folder(tmp_path, {"rollouts/a.py": f'{HEAD}\nguarded("a")\n'})
    other = folder(tmp_path / "other", {"b.py": f'{HEAD}\nguarded("b")\n'})
    (source / "rollouts/more").symlink_to(other)
    (source / "rollouts/round").symlink_to(source / "rollouts")
    assert [rollout.name for rollout in read(source).rollouts] == ["a", "b"]


def test_environments_are_compiled_wherever_they_are_made_those_of_their_own_file_first(
    tmp_path: Path,
) -> None:
    files = {
        "rollouts/a.py": f'{HEAD}\nguarded("a")\nEnvironment("elsewhere")\n',
        "environments.py": (
            "from handrail.declare import *\n\n"
            'for name in ("production", "staging"):\n    here = Environment(name)\n'
            'Environment("test")\n'
        ),
    }
    loaded = read(folder(tmp_path, files))
    assert [one.name for one in loaded.environments] == ["production", "staging", "test", "elsewhere"]


TEXTS = ["Broken", "BrokenPipe", "<what was refused>", "Stumbled", ""]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("kind", ["KeyError", "TypeError", "NameError", "ImportError", "AttributeError"])
def test_an_exception_of_any_text_stops_everything(tmp_path: Path, kind: str, text: str) -> None:
    files = {"rollouts/shop.py": f'{HEAD}one = guarded("a")\nraise {kind}("{text}")\ntwo = guarded("b")\n'}
    said = {"KeyError": f"KeyError: '{text}'"}.get(kind, f"{kind}: {text}" if text else kind)
    assert wrong(tmp_path, files) == [f"rollouts/shop.py:7: error: {said}; correct the declaration"]


def test_an_exception_of_no_ordinary_kind_stops_everything_too(tmp_path: Path) -> None:
    text = f'{HEAD}one = guarded("a")\nclass Stop(BaseException):\n    pass\nraise Stop("enough")\n'
    assert wrong(tmp_path, {"rollouts/shop.py": text}) == [
        "rollouts/shop.py:9: error: Stop: enough; correct the declaration"
    ]


def test_an_exception_beside_an_unknown_word_is_said_as_well(tmp_path: Path) -> None:
    text = f"{HEAD}x = Gaugee('y')\none = {{}}['Broken']\n"
    assert wrong(tmp_path, {"rollouts/shop.py": text}) == [
        "rollouts/shop.py:6: error: there is no 'Gaugee'; did you mean 'Gauge'?",
        "rollouts/shop.py:7: error: KeyError: 'Broken'; correct the declaration",
    ]


def test_a_rollout_that_was_refused_is_never_left_out_without_a_word(tmp_path: Path) -> None:
    for name in ("<what was refused>", "Broken"):
        text = f'{HEAD}guarded("{name}")\nguarded("b")\n'
        cure = "write a name of small letters, digits and - between them, like error-rate"
        assert wrong(tmp_path, {"rollouts/shop.py": text}) == [
            f"rollouts/shop.py:4: error: Rollout({field}): '{name}' does not fit; {cure}"
            for field in ("name", "service")
        ]


def test_a_file_that_is_run_again_makes_each_rollout_once(tmp_path: Path) -> None:
    files = {
        "rollouts/_made.py": f'{HEAD}\nguarded("helper")\n',
        "rollouts/a.py": f'{HEAD}from rollouts._made import guarded as other\n\nother("a")\nguarded("b")\nx = COUNT\n',
    }
    loaded = read(folder(tmp_path, files))
    assert (sorted(rollout.name for rollout in loaded.rollouts), len(loaded.problems)) == (
        ["a", "b", "helper"],
        1,
    )


@pytest.mark.parametrize(
    "lazy", ['(guarded(n) for n in ("a", "b"))', 'map(guarded, ("a", "b"))', "(1 / n for n in (0, 1))"]
)
def test_what_would_make_rollouts_if_somebody_asked_is_said(tmp_path: Path, lazy: str) -> None:
    assert wrong(tmp_path, {"rollouts/shop.py": f'{HEAD}shops = {lazy}\nguarded("c")\n'}) == [
        "rollouts/shop.py:1: error: 'shops' makes nothing until somebody iterates over it; write a list"
    ]


def test_a_file_that_goes_elsewhere_takes_nobody_along(tmp_path: Path) -> None:
    text = f'import os\n{HEAD}guarded("a")\nos.chdir("/")\n'
    before = Path.cwd()
    assert (names(tmp_path, {"rollouts/shop.py": text}), Path.cwd()) == (["a"], before)


def test_a_rollout_knows_the_file_that_made_it_from_wherever_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "rollouts/_made.py": HEAD,
        "rollouts/eu/shop.py": 'from rollouts._made import guarded\n\nguarded("shop")\n',
    }
    source = folder(tmp_path, files)
    for here, given in ((tmp_path, "source"), (source, "."), (Path("/"), os.fspath(source))):
        monkeypatch.chdir(here)
        [rollout] = read(Path(given)).rollouts
        assert script_of(rollout) == "rollouts/eu/shop.py"
