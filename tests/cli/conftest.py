"""A shell in an empty folder that declares one rollout."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.places import SHOP, Shell


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.chdir(tmp_path)
    made = Shell(tmp_path, monkeypatch, capsys)
    made.declare(shop=SHOP)
    return made
