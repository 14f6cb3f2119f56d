"""`handrail serve`: what refuses a start is said at once, in one sentence each; `--check` looks without serving."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
import servers
from guarded import guarded, playbook, write_playbook
from handrail.contract import FlagOff, Secret
from handrail_receiver import cli
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.read_settings import read_settings
from handrail_receiver.starting import no_playbooks

FLAG = FlagOff("http://127.0.0.1:9", "default", "new-checkout", "production", Secret("unleash_token"))
CURE = "run `handrail generate` beside rules_src/, or name the folder that it wrote"
Said = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tokens").write_text("alertmanager am-1 0123456789abcdef\noperator al 1123456789abcdef\n")
    monkeypatch.setenv("HANDRAIL_TOKENS_FILE", "tokens")
    monkeypatch.setenv("HANDRAIL_PLAYBOOKS", "playbook")
    monkeypatch.setenv("HANDRAIL_ADDRESS", servers.free_address())


@pytest.fixture
def used() -> Iterator[str]:
    """An address where somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield f"127.0.0.1:{other.getsockname()[1]}"


def served(said: Said, *, check: bool = False) -> tuple[object, list[str], list[str]]:
    """The exit code of `handrail serve`, and what it wrote on stdout and stderr."""
    with pytest.raises(SystemExit) as ended:
        cli.serve(check=check)
    written = said.readouterr()
    return ended.value.code, written.out.splitlines(), written.err.splitlines()


def test_a_folder_of_playbooks_that_is_not_there_refuses_the_start(tmp_path: Path, capsys: Said) -> None:
    wrong = f"HANDRAIL_PLAYBOOKS: there is no folder {tmp_path}/playbook; {CURE}"
    assert served(capsys) == served(capsys, check=True) == (2, [], [wrong])


def test_an_empty_folder_of_playbooks_refuses_the_start(tmp_path: Path, capsys: Said) -> None:
    (tmp_path / "playbook").mkdir()
    (tmp_path / "playbook/README.md").write_text("soon\n")
    assert served(capsys) == (2, [], [f"HANDRAIL_PLAYBOOKS: {tmp_path}/playbook holds no playbook; {CURE}"])


def test_a_folder_of_which_no_playbook_can_be_read_refuses_the_start(tmp_path: Path, capsys: Said) -> None:
    (tmp_path / "playbook").mkdir()
    (tmp_path / "playbook/shop.json").write_text("{}")
    cure = "generate it with this version of handrail"
    code, _, wrong = served(capsys)
    assert (code, len(wrong), wrong[0].startswith("playbook/shop.json: "), wrong[0].endswith(cure)) == (
        2,
        1,
        True,
        True,
    )


@pytest.mark.parametrize(
    ("place", "changed"),
    [
        ("version", {"version": 2}),
        ("alarms", {"alarms": []}),
        ("actions.0.steps.0", {"actions": [{"name": "rollback", "steps": [{"kind": "nginx-weight"}]}]}),
        ("actions.0.name", {"actions": [{"name": "pause"}]}),
        (
            "actions.0.steps.0.git-value.sign",
            {"actions": [{"name": "rollback", "steps": [{"kind": "git-value", "sign": True}]}]},
        ),
    ],
    ids=["format", "field", "kind of step", "word", "field of a step"],
)
def test_a_playbook_of_a_newer_version_refuses_the_start(
    tmp_path: Path, capsys: Said, place: str, changed: dict[str, object]
) -> None:
    file = write_playbook(tmp_path / "playbook", playbook()) / "shop.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changed}))
    ours = version("handrail")
    said = (
        f"playbook/shop.json: {place}: a newer handrail wrote this, and {ours} cannot read it; "
        f"install the newer one here first, or load what {ours} generated"
    )
    assert served(capsys) == (2, [], [said])


def test_a_playbook_of_a_newer_version_leaves_the_one_before_in_force(tmp_path: Path) -> None:
    folder = write_playbook(tmp_path / "playbook", playbook())
    playbooks = Playbooks(folder, lambda _text: None)
    playbooks.refresh()
    file = folder / "shop.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "version": 2, "budget_per_day": 9}))
    playbooks.refresh()
    assert (playbooks.get("shop"), len(playbooks.problems)) == (playbook(), 1)


def test_where_only_environments_have_playbooks_theirs_are_named(
    tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDRAIL_PLAYBOOKS", "generated/playbook")
    for environment in ("production", "staging"):
        write_playbook(tmp_path / "generated" / environment / "playbook", playbook())
    place = f"{tmp_path}/generated"
    assert served(capsys)[2] == [
        (
            f"HANDRAIL_PLAYBOOKS: there is no folder {place}/playbook; "
            f"name that of an environment: {place}/production/playbook or {place}/staging/playbook"
        )
    ]


def test_attempts_that_go_on_by_their_own_copies_need_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with guarded(tmp_path) as shop:
        (tmp_path / "playbook/shop.json").rename(tmp_path / "away.json")
        assert len([*no_playbooks(read_settings())]) == 1
        (tmp_path / "away.json").rename(tmp_path / "playbook/shop.json")
        shop.call("start")
        (tmp_path / "playbook/shop.json").unlink()
        assert [*no_playbooks(read_settings())] == []


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        (None, "127.0.0.1:{port}: another program listens there; end it, or choose another port"),
        (
            "192.0.2.1:8080",
            "192.0.2.1:8080: this machine has no such address; write one that it has, or 0.0.0.0 for all of them",
        ),
        (
            "no.such.invalid:8080",
            "nobody knows the name 'no.such.invalid'; write an address of this machine, or 0.0.0.0 for all",
        ),
    ],
)
def test_an_address_that_cannot_be_had_is_one_sentence(
    address: str | None,
    problem: str,
    used: str,
    tmp_path: Path,
    capsys: Said,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_playbook(tmp_path / "playbook", playbook())
    monkeypatch.setenv("HANDRAIL_ADDRESS", address or used)
    wrong = f"HANDRAIL_ADDRESS: {problem.format(port=used.rpartition(':')[2])}"
    assert served(capsys) == served(capsys, check=True) == (2, [], [wrong])
    assert not (tmp_path / "handrail.db").exists()


def test_settings_playbooks_and_address_are_said_at_once(
    used: str, tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDRAIL_ADDRESS", used)
    monkeypatch.setenv("HANDRAIL_TLS_KEY", "tokens")
    code, _, wrong = served(capsys)
    assert (code, [line.split(":")[0].split()[0] for line in wrong]) == (
        2,
        ["HANDRAIL_TLS_CERTIFICATE", "HANDRAIL_PLAYBOOKS", "HANDRAIL_ADDRESS"],
    )


def test_a_check_says_all_that_is_read_and_that_everybody_answers(
    tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "prometheus.yml").write_text("global: {}\n")
    with (
        servers.prometheus(tmp_path, tmp_path / "prometheus.yml") as prometheus,
        guarded(tmp_path) as shop,
    ):
        for name, value in {**shop.env, "HANDRAIL_PROMETHEUS": prometheus.url}.items():
            monkeypatch.setenv(name, value)
        names = ("ADDRESS", "PLAYBOOKS", "PROMETHEUS", "STORE", "TOKENS_FILE")
        sockets = "unix:haproxy.sock"
        code, out, err = served(capsys, check=True)
        assert (code, out, err) == (
            0,
            [
                f"settings: {', '.join(f'HANDRAIL_{name}' for name in names)}",
                f"address: {shop.env['HANDRAIL_ADDRESS']}: a receiver serves there already",
                "tokens: 1 alertmanager, 1 viewer, 1 operator, 1 approver",
                "playbook: shop: 2 guardrails; 10%, 50%, 100%",
                f"store: sqlite:{tmp_path}/handrail.db: it can be used",
                "kill switch: handrail.stop: it is not set",
                f"prometheus: {prometheus.url} answers",
                "alertmanagers: none is set: what fires while the receiver is away is not known later",
                f"target: shop: HAProxy web/canary on {sockets}: weight 0: web/canary is there",
                f"target: shop: HAProxy web/stable on {sockets}: weight 100: web/stable is there",
            ],
            [],
        )


def test_a_check_names_whoever_does_not_answer_and_every_secret_that_is_not_there(
    tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_playbook(tmp_path / "playbook", playbook(steps=[FLAG]))
    monkeypatch.setenv("HANDRAIL_ALERTMANAGERS", "http://127.0.0.1:9")
    code, out, err = served(capsys, check=True)
    assert (code, [line.split(":")[0] for line in out]) == (
        1,
        ["settings", "address", "tokens", "playbook", "store", "kill switch"],
    )
    assert err == [
        "prometheus: none is set, and nothing can be started; set HANDRAIL_PROMETHEUS",
        (
            "alertmanager: Alertmanager at http://127.0.0.1:9 cannot be reached: Connection refused; "
            "start it, or correct HANDRAIL_ALERTMANAGERS"
        ),
        "secret: shop: the secret unleash_token is not there; set HANDRAIL_SECRET_UNLEASH_TOKEN",
        (
            "target: shop: Unleash default/new-checkout: off in production: "
            "the secret unleash_token is not there; set HANDRAIL_SECRET_UNLEASH_TOKEN"
        ),
    ]
    assert not (tmp_path / "handrail.db").exists()


def test_a_check_says_that_the_kill_switch_keeps_everything_from_being_rolled_back(
    tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_playbook(tmp_path / "playbook", playbook())
    (tmp_path / "stop").mkdir()
    monkeypatch.setenv("HANDRAIL_KILL_SWITCH", "stop")
    code, _, err = served(capsys, check=True)
    assert (code, err[0]) == (
        1,
        (
            "kill switch: stop: it is set, and nothing would be rolled back automatically; "
            "remove stop, or name another file by HANDRAIL_KILL_SWITCH"
        ),
    )


def test_a_check_says_that_a_store_is_a_folder(
    tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_playbook(tmp_path / "playbook", playbook())
    monkeypatch.setenv("HANDRAIL_STORE", "sqlite:playbook")
    wrong = "HANDRAIL_STORE: playbook is a folder; name a file in it"
    assert served(capsys, check=True) == (2, [], [wrong])
