"""A folder with declarations and the command, called as from a shell but in this process."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from handrail.cli import main
from typed import built, typed

SHOP = """\
from handrail.declare import Above, Command, Critical, Guardrail, Ratio, Rollout, Runbook, Stage, Warning

shop = Rollout(
    "shop",
    "shop",
    stages=[Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%")],
    guardrails=[
        Guardrail(
            "errors",
            Ratio(bad='requests_total{status=~"5.."}', of="requests_total"),
            runbook=Runbook("Nobody can buy.", look=["The log."], fix=["Roll back."]),
            tiers=[
                Warning(Above("1%"), sustained="5m"),
                Critical(Above("2%"), sustained="5m", action="rollback"),
            ],
        ),
    ],
    rollback=[Command(["back"], read=["is-back"])],
)
"""


class Shell:
    """A working directory, and `handrail …` in it."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self.folder, self._patch, self._capture = folder, patch, capture

    def declare(self, **rollouts: str) -> None:
        """`rules_src/rollouts/<name>.py`, and no other."""
        place = self.folder / "rules_src/rollouts"
        place.mkdir(parents=True, exist_ok=True)
        for old in place.glob("*.py"):
            old.unlink()
        for name, text in rollouts.items():
            (place / f"{name}.py").write_text(text)

    def generated(self) -> None:
        """What `handrail generate` makes of SHOP, the same bytes each time (test_reproducible.py): made once, and copied."""
        for path, text in _of_shop().items():
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text)

    def handrail(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of the command."""
        self._patch.setattr("sys.argv", ["handrail", *arguments])
        self._patch.setattr("typer.main.get_command", built)
        self._capture.readouterr()
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        said = self._capture.readouterr()
        return code, said.out, said.err

    def files(self, folder: str = "generated") -> dict[str, str]:
        """Path → text of everything that lies in `folder`."""
        root = self.folder / folder
        return {str(p.relative_to(root)): p.read_text() for p in sorted(root.rglob("*")) if p.is_file()}


@cache
def _of_shop() -> Mapping[str, bytes]:
    with TemporaryDirectory() as at:
        folder = Path(at)
        (folder / "rules_src/rollouts").mkdir(parents=True)
        (folder / "rules_src/rollouts/shop.py").write_text(SHOP)
        done = typed("generate", folder=folder)
        assert done.returncode == 0, done.stderr
        made = [path for path in (folder / "generated").rglob("*") if path.is_file()]
        return {str(path.relative_to(folder)): path.read_bytes() for path in made}


def changed(text: str, replaced: Mapping[str, str]) -> str:
    """`text` with each key replaced by its value; a missing key is an error in the test."""
    for old, new in replaced.items():
        assert old in text, old
        text = text.replace(old, new)
    return text
