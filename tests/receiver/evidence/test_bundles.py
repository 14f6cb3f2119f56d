"""A rollback on real servers → its bundle, by the command; and `handrail verify`, which needs none of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import servers
from cli.places import Shell
from guarded import TOKENS, Guarded, alert, body
from handrail_receiver import cli
from handrail_receiver.evidence.report import report
from handrail_receiver.evidence.signing import MAKE, PUBLISH

from .made import bundle, contents, of_index
from .recording import Recorded, recorded


def rolled_back(both: Recorded) -> Guarded:
    """A canary of which 30 % of the requests fail, rolled back by its alert, with its snapshots."""
    shop = both.shop
    shop.call("start", anyway=True, why="a test", artifact="sha256:cafe")
    both.application.values["bad"] = 30
    servers.until(lambda: both.application.firing() == {"ShopErrorRateCritical"}, "the alert to fire")
    shop.deliver(body(alert("error-rate", "critical")))
    shop.until("rollback", "done")
    servers.until(lambda: _missing(shop) <= {SPLIT}, "all snapshots")
    return shop


SPLIT = "the split of the traffic before and after: it was never seen"


def _missing(shop: Guarded) -> set[str]:
    return set(shop.ask("GET", "/api/rollouts/shop/bundle", "viewer").json()["missing"])


def test_a_rollbacks_bundle_verifies_and_one_with_a_changed_byte_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (MAKE, PUBLISH):
        subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    with recorded(tmp_path, SIGNING_KEY=str(tmp_path / "key.pem")) as both:
        shop = rolled_back(both)
        monkeypatch.setenv("HANDRAIL_TOKEN", TOKENS["viewer"])
        monkeypatch.setenv("HANDRAIL_URL", shop.server.url)
        folder = tmp_path / "bundle"
        assert cli.rollout("bundle", "shop", folder=str(folder)) == 1
        said = capsys.readouterr()
        assert said.err == f"missing: {SPLIT}\n"
        assert said.out.endswith(f"check it with `handrail verify {folder}`\n")
        assert cli.rollout("bundle", "shop", folder=str(folder)) == 2
        assert capsys.readouterr().err == f"{folder} is there already and not empty; name another folder\n"
        assert cli.rollout("bundle", "shop", folder=str(tmp_path / "x"), attempt="7") == 1
        assert capsys.readouterr().err.startswith("shop has no attempt 7;")
    key = str(tmp_path / "key.pub.pem")
    shell = Shell(tmp_path, monkeypatch, capsys)
    code, out, err = shell.handrail("verify", str(folder), "--key", key)
    assert (code, err) == (0, "")
    assert out.endswith("every verdict follows from the samples\n")
    index = json.loads((folder / "bundle.json").read_text())
    assert (index["attempt"]["artifact"], index["attempt"]["state"]) == ("sha256:cafe", "rolled-back")
    evidence = folder / "evidence.json"
    evidence.write_bytes(evidence.read_bytes().replace(b"sha256:cafe", b"sha256:cafd"))
    code, out, err = shell.handrail("verify", str(folder), "--key", key)
    assert code == 1
    assert "evidence.json was changed: it has another SHA-256 than statement.json says" in err
    code, out, err = shell.handrail("verify", str(tmp_path / "playbook"))
    assert (code, "there is neither statement.json nor bundle.json" in err) == (2, True)


def test_a_share_that_was_reduced_and_a_stage_that_was_entered_again_are_in_a_bundle_that_verifies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with recorded(tmp_path, softer=True) as both:
        shop = both.shop
        shop.call("start", anyway=True, why="a test", artifact="sha256:cafe")
        shop.call("reduce", why="slow")
        assert shop.call("retry", anyway=True, why="it is mended")["outcome"] == "done"
        shop.call("rollback", why="it is not")
        shop.until("rollback", "done")
        servers.until(lambda: _missing(shop) <= {SPLIT}, "all snapshots")
        monkeypatch.setenv("HANDRAIL_TOKEN", TOKENS["viewer"])
        monkeypatch.setenv("HANDRAIL_URL", shop.server.url)
        folder = tmp_path / "bundle"
        cli.rollout("bundle", "shop", folder=str(folder))
        capsys.readouterr()
    kept = json.loads((folder / "bundle.json").read_text())
    assert kept["attempt"]["state"] == "rolled-back"
    assert "reduce" in (folder / "summary.md").read_text()
    code, out, err = Shell(tmp_path, monkeypatch, capsys).handrail("verify", str(folder))
    assert (code, err) == (0, "")
    assert "every verdict follows from the samples" in out


ALONE = """
import sys
class Away:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in set(sys.argv[2].split(",")):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Away())
sys.argv[1:] = ["verify", sys.argv[1]]
from handrail.cli import main
main()
"""
EXTRAS = "httpx,starlette,uvicorn,prometheus_client,pydantic_settings,stamina,re2,psycopg,httptools,uvloop"


def test_who_verifies_needs_nothing_of_the_receivers(tmp_path: Path) -> None:
    for name, text in bundle().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(text)
    argv = [sys.executable, "-c", ALONE, str(tmp_path), EXTRAS]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("every verdict follows from the samples\n")


def test_a_report_has_its_plots_and_says_what_is_missing_and_loads_nothing() -> None:
    made = contents()
    text = report(made, of_index(made))
    assert text.count("<svg") == 1
    assert "limit critical, 0.05;" in text
    assert "43: error-rate/critical fires: rollback</title>" in text
    assert re.findall(r"<(?:link|img|iframe)\b|src=|@import|url\(", text) == []
    assert text.count("<script>") == 1  # its own, which writes local times
    assert "Nothing is missing." in text


def test_what_a_report_quotes_is_text_and_never_markup() -> None:
    evil = {"reason": "asked-for", "text": "<script>alert(1)</script>"}
    made = contents(start={**json.loads(contents().chain.records[0].body), **evil})
    text = report(made, of_index(made))
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text
