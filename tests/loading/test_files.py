"""Files of a source folder → what is read from them, what is not, and what is said about those that cannot be."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from declared import HEAD, folder, said
from handrail.base import where_of
from handrail.errors import Refused, WrongCall
from handrail.loading.load import load, read

GOOD = """
from handrail.declare import *

shop = Rollout(
    name="shop", service="shop", guardrails=[Guardrail("x", Gauge("x"), tiers=[Warning(Above(1))])]
)
"""


def problems(at: Path, files: dict[str, str]) -> list[str]:
    """What is wrong with these files, as lines below the source folder."""
    source = folder(at, files)
    return [str(problem).replace(f"{source}/", "") for problem in read(source).problems]


def test_a_good_folder_has_no_problems(tmp_path: Path) -> None:
    loaded = load(folder(tmp_path, {"rollouts/shop.py": GOOD}))
    assert ([rollout.name for rollout in loaded.rollouts], loaded.environments, loaded.problems) == (
        ["shop"],
        (),
        (),
    )


def test_rollouts_made_in_a_loop_are_found_wherever_they_are_kept(tmp_path: Path) -> None:
    text = """
        from handrail.declare import *

        def rollout(region):
            return Rollout(
                name=f"shop-{region}",
                service="shop",
                guardrails=[Guardrail("x", Gauge("x"), tiers=[Warning(Above(1))])],
            )

        one = same = rollout("eu")
        several = [rollout("us"), rollout("ap")]
        by_name = {"za": rollout("za"), "eu": one}
        """
    loaded = load(folder(tmp_path, {"rollouts/shop.py": text}))
    assert [rollout.name for rollout in loaded.rollouts] == ["shop-eu", "shop-us", "shop-ap", "shop-za"]


def test_a_problem_in_a_loop_is_said_once(tmp_path: Path) -> None:
    text = """\
        from handrail.declare import *

        guards = [
            Guardrail(
                f"pool-{n}",
                Gauge(f"pool_{n}", over="mean"),
            )
            for n in range(100)
        ]
        """
    assert problems(tmp_path, {"rollouts/shop.py": text}) == [
        "rollouts/shop.py:6: error: Gauge(over): there is no 'mean'; there are: max, min, sum, avg"
    ]


def test_a_helper_next_to_the_rollouts_can_be_imported(tmp_path: Path) -> None:
    files = {
        "rollouts/_undo.py": 'from handrail.declare import *\n\nUNDO = [Command(["undo"], read=["undone"])]\n',
        "rollouts/shop.py": GOOD.replace("\n\nshop", "\nfrom rollouts._undo import UNDO\n\nshop").replace(
            'service="shop",', 'service="shop", rollback=UNDO,'
        ),
        "rollouts/till.py": GOOD.replace("\n\nshop", "\nfrom ._undo import UNDO\n\nshop").replace(
            'name="shop"', 'name="till", rollback=UNDO'
        ),
    }
    loaded = load(folder(tmp_path, files))
    assert [rollout.rollback[0].kind for rollout in loaded.rollouts] == ["command", "command"]
    assert loaded.rollouts[0].rollback[0] is loaded.rollouts[1].rollback[0]


def test_what_is_imported_during_loading_is_gone_afterwards(tmp_path: Path) -> None:
    before = (list(sys.path), list(sys.meta_path), set(sys.modules))
    load(
        folder(
            tmp_path, {"rollouts/_undo.py": "X = 1\n", "rollouts/shop.py": f"import rollouts._undo\n{GOOD}"}
        )
    )
    assert (list(sys.path), list(sys.meta_path)) == before[:2]
    assert {name for name in set(sys.modules) - before[2] if name.startswith("rollouts")} == set()


def test_a_rollout_that_another_file_imports_counts_once(tmp_path: Path) -> None:
    files = {"rollouts/a.py": GOOD, "rollouts/b.py": f"from rollouts.a import shop as first\n{GOOD}"}
    files["rollouts/b.py"] = files["rollouts/b.py"].replace('name="shop"', 'name="till"')
    loaded = load(folder(tmp_path, files))
    assert [(rollout.name, Path(where_of(rollout).file).name) for rollout in loaded.rollouts] == [
        ("shop", "a.py"),
        ("till", "b.py"),
    ]


def test_a_problem_in_a_helper_is_said_where_it_is_and_once(tmp_path: Path) -> None:
    helper = """\
        from handrail.declare import *

        def split(share):
            return Command(
                ["set", share],
                read=[],
            )
        """
    use = GOOD.replace("\n\nshop", "\nfrom rollouts._split import split, spilt\n\nshop").replace(
        'service="shop",', 'service="shop", rollback=[split("1")],'
    )
    assert problems(tmp_path, {"rollouts/_split.py": helper, "rollouts/a.py": use, "rollouts/b.py": use}) == [
        "rollouts/_split.py:6: error: Command(read) is empty; write a list of texts in quotes",
        "rollouts/a.py:3: error: there is no 'spilt'; did you mean 'split'?",
        "rollouts/b.py:3: error: there is no 'spilt'; did you mean 'split'?",
    ]


def test_what_a_broken_helper_would_define_is_not_called_unknown(tmp_path: Path) -> None:
    use = GOOD.replace("\n\nshop", "\nfrom rollouts._split import split\n\nshop")
    assert problems(tmp_path, {"rollouts/_split.py": "def split(:\n", "rollouts/shop.py": use}) == [
        "rollouts/_split.py:1: error: invalid syntax; correct it; `python -m py_compile` shows the same"
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b'x = "\xff"\n', "1: error: the file is not UTF-8; save it as UTF-8"),
        (b"a\n\xe9\n", "2: error: the file is not UTF-8; save it as UTF-8"),
        (
            b"x = 1\n  y = 2\n",
            "2: error: unexpected indent; correct it; `python -m py_compile` shows the same",
        ),
        (b"", "1: error: the file declares no Rollout; add one, or begin its name with _"),
        (b"import sys\nsys.exit(1)\n", "2: error: the file ends the program; remove the call of exit"),
        (b"raise ValueError\n", "1: error: ValueError; correct the declaration"),
        (b'raise ValueError("a\\nb")\n', "1: error: ValueError: a b; correct the declaration"),
        (
            b"import nowhere.at_all\n",
            "1: error: there is no module 'nowhere'; install it, or write rollouts/_name.py and import that",
        ),
        (
            b"def f():\n    return f()\n\nf()\n",
            "2: error: RecursionError: maximum recursion depth exceeded; correct the declaration",
        ),
        (
            b"import handrail.declare as d\nx = d.Rollot()\n",
            "2: error: there is no 'Rollot'; did you mean 'Rollout'?",
        ),
        (
            b"x = Rollout()\n",
            "1: error: 'Rollout' is not imported; add it to `from handrail.declare import …`",
        ),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, text: bytes, why: str) -> None:
    (tmp_path / "rollouts").mkdir()
    (tmp_path / "rollouts" / "shop.py").write_bytes(text)
    assert [str(problem) for problem in read(tmp_path).problems] == [f"{tmp_path}/rollouts/shop.py:{why}"]


def test_a_file_with_a_byte_order_mark_and_windows_line_ends_is_read(tmp_path: Path) -> None:
    (tmp_path / "rollouts").mkdir()
    (tmp_path / "rollouts" / "shop.py").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert where_of(load(tmp_path).rollouts[0]).line == 4


def test_a_folder_called_like_a_file_is_said(tmp_path: Path) -> None:
    (folder(tmp_path, {"rollouts/shop.py": GOOD}) / "rollouts" / "old.py").mkdir()
    assert [str(problem).rpartition("/")[2] for problem in read(tmp_path / "source").problems] == [
        "old.py:0: error: the file cannot be read (Is a directory); correct its permissions or remove it"
    ]


def test_environments_are_read_in_their_order(tmp_path: Path) -> None:
    environments = """
        from handrail.declare import *

        production = Environment("production")
        others = [Environment(f"test-{n}", faster=n) for n in (2, 3)]
        """
    loaded = load(folder(tmp_path, {"rollouts/shop.py": GOOD, "environments.py": environments}))
    assert [environment.name for environment in loaded.environments] == ["production", "test-2", "test-3"]
    assert (loaded.environment(None).name, loaded.environment("test-3").faster) == ("production", 3)
    with pytest.raises(WrongCall) as refused:
        loaded.environment("staging")
    assert str(refused.value) == (
        "environment 'staging' is not declared; use one of: production, test-2, test-3"
    )


def test_an_environments_file_without_one_is_said(tmp_path: Path) -> None:
    assert problems(tmp_path, {"rollouts/shop.py": GOOD, "environments.py": "x = 1\n"}) == [
        "environments.py:1: error: the file declares no Environment; add one, or remove the file"
    ]


def test_no_file_at_all_is_a_wrong_call_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongCall):
        load(tmp_path)
    with pytest.raises(Refused):
        load(folder(tmp_path, {"rollouts/shop.py": "x ="}))


def test_loading_twice_reads_the_file_as_it_is_now(tmp_path: Path) -> None:
    source = folder(tmp_path, {"rollouts/shop.py": GOOD})
    assert where_of(load(source).rollouts[0], "service").line == 5
    folder(tmp_path, {"rollouts/shop.py": GOOD.replace(' service="shop",', '\n    service="shop",')})
    assert where_of(load(source).rollouts[0], "service").line == 6


def test_what_stumbles_over_an_unknown_word_is_not_said_as_well(tmp_path: Path) -> None:
    text = "from handrail.declare import *\nx = [Stage(str(n)) for n in range(COUNT)]\n"
    assert problems(tmp_path, {"rollouts/shop.py": text}) == [
        "rollouts/shop.py:2: error: there is no 'COUNT'; `handrail docs declarations` has the words there are"
    ]


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("guardrails", "[Guardrail(7)]"),
        ("slos", "[Slo(7)]"),
        ("stages", "[Stage(7)]"),
        ("arms", "Arms(7)"),
        ("split", "HAProxySplit(7)"),
        ("sample_ratio", "SampleRatio(7)"),
        ("reduced", "Reduced(7)"),
        ("rollback", "[Command(7)]"),
        ("tell", "[Tell(7)]"),
        ("routes", '{"critical": [SlackReceiver(7)]}'),
        ("mute", '{"critical": [MuteTime(hours=7)]}'),
        ("escalation", "[Level(7)]"),
        ("acknowledge", "[Acknowledge(7)]"),
        ("budget", "Budget(7)"),
        ("checks", "[Check(7)]"),
        ("probes", "[Probe(7)]"),
        ("complete", "Gate(7)"),
        ("freezes", "[Freeze(7)]"),
        ("hours", "Hours(7)"),
        ("dashboards", "[Dashboard(7)]"),
        ("report", "Report(zone=7)"),
        ("sql", "[SqlSource(7)]"),
        ("logs", "[LogSource(counters=7)]"),
        ("procedures", '{"by hand": [Instruction(7)]}'),
    ],
)
def test_what_is_wrong_inside_of_a_rollout_is_said_and_the_rest_is_read(field: str, kind: str) -> None:
    facts = {"guardrails": '[Guardrail("errors", ERRORS, success=Below("1%"), runbook=RUNBOOK)]', field: kind}
    written = ", ".join(f"{name}={text}" for name, text in facts.items())
    text = f'{HEAD}shop = Rollout("shop", "shop", {written})\nlate = Stage("x", weight="200%")\n'
    lines = [line.partition(" ")[0] for line, _ in said({"rollouts/shop.py": text})]
    assert set(lines) == {"shop", "late"}
