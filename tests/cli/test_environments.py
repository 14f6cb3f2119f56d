"""Several environments in one repository → a folder for each, made, checked and pruned by one command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli.places import Shell, changed
from handrail.cli.init import STARTER
from handrail.output.read_yaml import read_yaml
from servers import program

ROOT = Path(__file__).parents[2]
THREE = """\
from handrail.declare import Environment, ForGuardrail, SlackReceiver

team = SlackReceiver("#team", "/etc/alertmanager/slack")
production = Environment("production", receiver="http://prod:8080", routes={"critical": [team]})
staging = Environment("staging", receiver="http://staging:8080", faster=5, routes={"critical": [team]})
dev = Environment("dev", overrides=[ForGuardrail("shop", "errors", mode="shadow")])
"""
NAMES = ["dev", "production", "staging"]


@pytest.fixture
def three(shell: Shell) -> Shell:
    settings(THREE)
    assert shell.handrail("generate")[0] == 0
    return shell


def settings(text: str) -> None:
    Path("rules_src/environments.py").write_text(text)


def folders() -> list[str]:
    return sorted(path.name for path in Path("generated").iterdir())


def test_each_has_its_folder_with_what_it_has_alone(three: Shell) -> None:
    assert folders() == ["MANIFEST.json", *NAMES]
    for name in NAMES:
        assert three.handrail("generate", "-e", name, "--out", "alone")[0] == 0
        alone = three.files("alone")
        alone.pop("MANIFEST.json")
        assert three.files(f"generated/{name}") == alone
    listed = json.loads(Path("generated/MANIFEST.json").read_text())["files"]
    assert listed.keys() == three.files().keys() - {"MANIFEST.json"}


def test_one_command_checks_them_all(three: Shell) -> None:
    assert three.handrail("generate", "--check")[0] == 0
    rules = Path("generated/staging/prometheus/rules/shop.yml")
    rules.write_text(rules.read_text().replace("> 0.02", "> 0.2"))
    code, _, wrong = three.handrail("generate", "--check")
    what = "the file is not as generated; run `handrail generate`"
    assert (code, wrong) == (1, f"generated/staging/prometheus/rules/shop.yml:1: error: {what}\n")


def test_one_that_is_removed_takes_its_folder_along_and_nothing_else(three: Shell) -> None:
    before = three.files()
    Path("generated/notes.txt").write_text("mine\n")
    settings("\n".join(line for line in THREE.splitlines() if not line.startswith("staging")))
    assert three.handrail("generate", "--check")[0] == 1
    assert three.handrail("generate")[0] == 0
    assert folders() == ["MANIFEST.json", "dev", "notes.txt", "production"]
    left = {path: text for path, text in before.items() if not path.startswith(("staging/", "MANIFEST"))}
    assert {
        path: text for path, text in three.files().items() if path not in ("MANIFEST.json", "notes.txt")
    } == left
    assert three.handrail("generate", "--check")[0] == 0


def test_what_changes_is_said_of_each(three: Shell) -> None:
    shop = Path("rules_src/rollouts/shop.py")
    shop.write_text(changed(shop.read_text(), {'Above("2%")': 'Above("3%")'}))
    _, told, _ = three.handrail("generate", "--diff")
    said = "shop errors critical: limit above 2 % → above 3 %"
    assert [line for line in told.splitlines() if "limit" in line] == [
        f"LOOSER   {name}: {said}" for name in NAMES
    ]


def test_the_step_from_one_to_several_changes_nothing_for_the_one(shell: Shell) -> None:
    settings("\n".join(THREE.splitlines()[:4]))
    shell.handrail("generate")
    assert "prometheus" in folders()
    settings(THREE)
    _, told, _ = shell.handrail("generate", "--diff")
    assert [line for line in told.splitlines() if "production" in line] == []
    assert "tighter  staging: shop: new rollout with guardrails: errors" in told.splitlines()
    shell.handrail("generate")
    assert folders() == ["MANIFEST.json", *NAMES]


def test_one_alone_does_not_take_the_place_of_them_all(three: Shell) -> None:
    before = three.files()
    said = "generated has a folder for each environment; leave out --environment, or give another --out"
    assert three.handrail("generate", "-e", "staging") == (2, "", f"handrail: error: {said}\n")
    assert three.files() == before


def test_what_is_wrong_in_some_of_them_names_them_and_nothing_is_written(three: Shell) -> None:
    before = three.files()
    settings(changed(THREE, {'faster=5, routes={"critical"': 'faster=5, routes={"no-such-word"'}))
    code, said, wrong = three.handrail("generate")
    assert (code, said) == (1, "")
    assert "no-such-word" in wrong
    assert three.files() == before


def test_people_hear_of_their_own_environment_alone_where_they_share_an_alertmanager(three: Shell) -> None:
    def told(environment: str, *labels: str) -> str:
        config = f"--config.file=generated/{environment}/alertmanager/alertmanager.yml"
        argv = [program("amtool"), "config", "routes", "test", config, *labels]
        return subprocess.run(list(map(str, argv)), check=True, capture_output=True, text=True).stdout.strip()

    fired = ("alertname=ShopErrorsCritical", "rollout=shop", "severity=critical", "action=rollback")
    assert {name: told(name, *fired, "environment=staging") for name in ("production", "staging")} == {
        "production": "handrail",  # which says other-environment, and does nothing
        "staging": "handrail,shop/critical",
    }


def test_in_a_grafana_that_they_share_no_dashboard_takes_the_place_of_another(three: Shell) -> None:
    settings(THREE.replace(', receiver="http://', ', existing=["grafana"], receiver="http://'))
    three.handrail("generate")
    found = {
        name: (
            json.loads(Path(f"generated/{name}/grafana/dashboards/shop.json").read_text())["uid"],
            read_yaml(Path(f"generated/{name}/grafana/provisioning/dashboards/handrail.yml").read_text())[
                "providers"
            ][0]["folder"],
        )
        for name in NAMES
    }
    assert found == {
        "dev": ("shop", "Handrail"),
        "production": ("production-shop", "Handrail production"),
        "staging": ("staging-shop", "Handrail staging"),
    }
    rules = Path("generated/staging/prometheus/rules/shop.yml").read_text()
    assert "dashboard_url: https://grafana.example.com/d/staging-shop\n" in rules


@pytest.mark.long  # test_init.py checks a new repository, the test of --check above all three
def test_a_new_repository_with_three_passes_its_own_check(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.handrail("init", "guardrails")
    place = Path("guardrails/rules_src/environments.py")
    place.write_text(place.read_text() + 'staging = Environment("staging")\ndev = Environment("dev")\n')
    monkeypatch.chdir("guardrails")
    assert shell.handrail("generate")[0] == 0
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["./check.sh"], env={**os.environ, "PATH": path}, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [done.stdout.count(f"generated/{name}/prometheus/rules") for name in NAMES] == [1, 1, 1]


@pytest.mark.parametrize(("file", "block"), [("pre-commit.yaml", 0), ("github.yml", 1), ("gitlab.yml", 2)])
def test_the_documented_templates_are_those_that_init_writes(file: str, block: int) -> None:
    shown = (ROOT / "docs/how-to/gitops.md").read_text().split("```yaml\n")[1 + block].split("```")[0]
    assert read_yaml(shown) == read_yaml((STARTER / file).read_text())


def test_the_templates_run_commands_that_exist(shell: Shell) -> None:
    shell.handrail("init", "guardrails")
    for file in (".github/workflows/guardrails.yml", ".gitlab-ci.yml"):
        text = (Path("guardrails") / file).read_text()
        assert "./check.sh" in text
        assert "handrail generate --diff --format markdown --out base/generated" in text
