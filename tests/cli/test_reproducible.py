"""The same declarations give the same bytes, whatever order Python's sets have in that process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parents[2]
SOURCE = """
from handrail.declare import *

shop = Rollout(
    "shop",
    "shop",
    stages=[Stage("10%", weight="10%", hold="1h"), Stage("100%", weight="100%")],
    guardrails=[
        Guardrail(
            "share",
            Ratio(bad="errors_total", of="requests_total"),
            against=Ago("1h"),
            tiers=[Critical(Rise("50%"), action="rollback", or_=[On("pool", Gauge("pool"), Above(5))])],
            runbook=Runbook("Requests fail."),
            whole_service=True,
        )
    ],
    split=HAProxySplit("web", sockets=["unix:haproxy.sock"]),
)
"""


def generated(folder: Path, seed: str) -> dict[str, bytes]:
    """All files, by path, as a process with this hash seed writes them."""
    out = folder / f"generated-{seed}"
    handrail = Path(sys.executable).with_name("handrail")
    argv: list[str | Path] = [handrail, "generate", "--source", folder, "--out", out]
    subprocess.run(argv, check=True, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True)
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "rollouts").mkdir()
    (tmp_path / "rollouts" / "shop.py").write_text(SOURCE)
    first = generated(tmp_path, "1")
    assert len(first) > 8
    assert generated(tmp_path, "2") == first
