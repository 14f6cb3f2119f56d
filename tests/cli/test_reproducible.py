"""The same declarations give the same bytes, whatever the folder, the file names and the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from typed import typed

TOP = Path(__file__).parents[2]
SOURCE = """
from handrail.declare import *

shop = Rollout(
    "shop",
    "shop",
    stages=[Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%")],
    guardrails=[
        Guardrail(
            "share",
            Ratio(bad="errors_total", of="requests_total"),
            against=Ago("1h"),
            tiers=[Critical(Rise("50%", floor="1%"), action="rollback", or_=[On("pool", Gauge("pool"), Above(5))])],
            runbook=Runbook("Requests fail."),
            whole_service=True,
        ),
        Guardrail(
            "latency",
            Latency("request_seconds", p=95, buckets=[0.1, 0.25, 0.5]),
            tiers=[Critical(Above("250ms"), action="rollback")],
            runbook=Runbook("Requests are slow."),
            whole_service=True,
        ),
    ],
    split=HAProxySplit("web", sockets=["unix:haproxy.sock"]),
)
"""


OTHER = SOURCE.replace('"shop"', '"till"').replace("shop = ", "till = ")
HANDRAIL = Path(sys.executable).with_name("handrail")


def declared(source: Path, names: list[str]) -> None:
    """The two rollouts in files that are written in this order."""
    (source / "rollouts/eu").mkdir(parents=True)
    texts = {"eu/shop.py": SOURCE, "till.py": OTHER}
    for name in names:
        (source / "rollouts" / name).write_text(texts[name])
    (source / "environments.py").write_text(
        'from handrail.declare import *\n\nEnvironment("here", scrape=[Targets("b", ["b:1"]), Targets("a", ["a:1"])])\n'
    )


def generated(out: Path, here: Path, source: str, **machine: str) -> dict[str, bytes]:
    """All files, by path, as a process writes them that is started in `here` on such a machine."""
    argv: list[str | Path] = [HANDRAIL, "generate", "--source", source, "--out", out]
    subprocess.run(argv, cwd=here, check=True, env={**os.environ, **machine}, capture_output=True)
    return written(out)


def written(out: Path) -> dict[str, bytes]:
    """All files by path."""
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_what_is_written_depends_on_the_declarations_alone(tmp_path: Path) -> None:
    one, other = tmp_path / "one/rules_src", tmp_path / "other place/källa"
    declared(one, ["eu/shop.py", "till.py"])
    declared(other, ["till.py", "eu/shop.py"])
    linked = tmp_path / "linked"
    linked.symlink_to(one)
    first = generated(tmp_path / "1", one.parent, "rules_src", PYTHONHASHSEED="1", LC_ALL="C", TZ="UTC")
    assert len(first) > 12
    elsewhere = {"LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Tokyo", "HOME": "/nonexistent", "PYTHONHASHSEED": "2"}
    terminal = {"PYTHONUTF8": "1", "COLUMNS": "20", "PYTHONOPTIMIZE": "1"}
    assert generated(tmp_path / "2", Path("/"), str(other), **elsewhere, **terminal) == first
    assert typed("generate", "--source", "linked", "--out", "3", folder=tmp_path).returncode == 0
    assert written(tmp_path / "3") == first


def test_a_check_from_anywhere_finds_nothing(tmp_path: Path) -> None:
    source = tmp_path / "rules_src"
    declared(source, ["eu/shop.py", "till.py"])
    assert typed("generate", folder=tmp_path).returncode == 0
    for here, given, out in (
        (source, ".", "../generated"),
        (source / "rollouts", "..", "../../generated"),
        (Path("/"), str(source), str(tmp_path / "generated")),
    ):
        ran = typed("generate", "--check", "--source", given, "--out", out, folder=here)
        assert (ran.returncode, ran.stderr) == (0, "")
