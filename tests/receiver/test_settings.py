"""Settings: everything that is wrong at once, and nothing public without a token."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from handrail.contract import names
from handrail_receiver.addresses import Address
from handrail_receiver.errors import WrongSettings
from handrail_receiver.read_settings import read_settings
from handrail_receiver.settings import Settings
from handrail_receiver.store_commands.opening import store_url

LINES = "alertmanager am-1 0123456789abcdef\nalertmanager am-2 fedcba9876543210\noperator alice 0123456789ABCDEF\n"


@pytest.fixture
def tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "tokens"
    file.write_text(LINES)
    monkeypatch.setenv("HANDRAIL_TOKENS_FILE", str(file))
    return file


def wrong() -> list[str]:
    with pytest.raises(WrongSettings) as refused:
        read_settings()
    return str(refused.value).splitlines()


def test_a_token_file_is_all_that_is_needed(tokens: Path) -> None:
    settings = read_settings()
    assert (settings.host, settings.port, settings.tokens_file) == ("127.0.0.1", 8080, (str(tokens),))


@pytest.mark.usefixtures("tokens")
def test_all_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "ADDRESS": "everywhere",
        "HEARTBEAT_WITHIN": "-1",
        "PROMETHEUS": "prometheus:9090",
        "LOG_LEVEL": "loud",
    }.items():
        monkeypatch.setenv(f"HANDRAIL_{name}", value)
    assert wrong() == [
        "HANDRAIL_ADDRESS: 'everywhere' is not host:port; write for example 127.0.0.1:8080",
        "HANDRAIL_PROMETHEUS: 'prometheus:9090' is not an address; write http://host:port",
        "HANDRAIL_HEARTBEAT_WITHIN: '-1' is not a duration; write it like 30s, 5m, 24h, 7d or 1h30m",
        "HANDRAIL_LOG_LEVEL: 'loud' is not one of 'debug', 'info', 'warning' or 'error'; write one of them",
    ]


def test_tokens_are_checked_line_by_line_and_never_shown(tokens: Path) -> None:
    tokens.write_text("# ours\nroot bob 0123456789abcdef\nviewer eve\noperator al short  # too short\n")
    assert wrong() == [
        f"HANDRAIL_TOKENS_FILE: {tokens}:2: 'root' is not a role; write one of alertmanager, viewer, operator, approver, or approver:ROLE",
        f"HANDRAIL_TOKENS_FILE: {tokens}:3: a line has three words; write `ROLE NAME TOKEN`",
        f"HANDRAIL_TOKENS_FILE: {tokens}:4: the token is shorter than 16 characters; make one with `openssl rand -hex 32`",
    ]


def test_several_files_are_one_list(tokens: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "people").write_text("operator alice 0123456789ABCDEF\n")
    tokens.write_text("alertmanager am-1 0123456789abcdef\n")
    monkeypatch.setenv("HANDRAIL_TOKENS_FILE", f"{tokens}, {tmp_path / 'people'}")
    assert read_settings().tokens_file == (str(tokens), str(tmp_path / "people"))


def test_somebody_must_be_able_to_submit_alerts(tokens: Path) -> None:
    tokens.write_text("operator alice 0123456789ABCDEF\n")
    assert wrong() == [
        "HANDRAIL_TOKENS_FILE: no token has the role alertmanager; add a line `alertmanager NAME TOKEN`"
    ]


def test_without_tokens_it_starts_only_on_loopback_and_only_when_told_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("HANDRAIL_TOKENS_FILE", raising=False)
    assert wrong() == [
        (
            "HANDRAIL_TOKENS_FILE: it is not set, and nobody could call the receiver; name a file with a line "
            "`alertmanager NAME TOKEN` and a line `operator NAME TOKEN` (`handrail init` makes one), or set "
            "HANDRAIL_WITHOUT_TOKENS=true on a loopback address"
        )
    ]
    monkeypatch.setenv("HANDRAIL_WITHOUT_TOKENS", "true")
    for address in ("127.0.0.1:8080", "[::1]:8080", "localhost:8080"):
        monkeypatch.setenv("HANDRAIL_ADDRESS", address)
        assert read_settings().without_tokens
    for address in ("0.0.0.0:8080", "[::]:8080", "10.0.0.1:8080", "handrail.example:8080"):
        monkeypatch.setenv("HANDRAIL_ADDRESS", address)
        assert wrong() == [
            f"HANDRAIL_WITHOUT_TOKENS on {address}, which others can reach; set HANDRAIL_TOKENS_FILE or listen on 127.0.0.1"
        ]


@pytest.mark.usefixtures("tokens")
def test_one_file_holds_the_same_and_a_variable_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "handrail.toml"
    file.write_text('address = "127.0.0.1:1"\nask_every = 5\nalertmanagers = ["http://a:1", "http://b:2"]\n')
    monkeypatch.setenv("HANDRAIL_SETTINGS", str(file))
    monkeypatch.setenv("HANDRAIL_ADDRESS", "127.0.0.1:2")
    settings = read_settings()
    assert (settings.port, settings.ask_every, settings.alertmanagers) == (
        2,
        timedelta(seconds=5),
        (Address("http://a:1"), Address("http://b:2")),
    )


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1m", timedelta(minutes=1)),
        ("1h30m", timedelta(minutes=90)),
        ("1.5h", timedelta(minutes=90)),
        ("250ms", timedelta(milliseconds=250)),
        ("90", timedelta(seconds=90)),
        ("0.5", timedelta(seconds=0.5)),
    ],
)
def test_a_duration_is_written_as_in_declarations_and_a_number_alone_is_seconds(
    written: str, meant: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDRAIL_ASK_EVERY", written)
    assert read_settings().ask_every == meant


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize(
    ("setting", "written", "problem"),
    [
        ("ASK_EVERY", "1 minute", "'1 minute' is not a duration; write it like 30s, 5m, 24h, 7d or 1h30m"),
        ("ASK_EVERY", "PT1M", "'PT1M' is not a duration; write it like 30s, 5m, 24h, 7d or 1h30m"),
        ("ASK_EVERY", "", "'' is not a duration; write it like 30s, 5m, 24h, 7d or 1h30m"),
        ("ASK_EVERY", "nan", "'nan' is not a duration; write it like 30s, 5m, 24h, 7d or 1h30m"),
        (
            "ASK_EVERY",
            "1" * 30,
            f"'{'1' * 30}s' is longer than ten years; write it like 30s, 5m, 24h, 7d or 1h30m",
        ),
        ("ASK_EVERY", "0s", "it must be longer than 0s"),
        ("LEASE", "1s", "it must be at least 2s"),
    ],
)
def test_what_is_no_duration_is_refused_with_what_is_understood(
    setting: str, written: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"HANDRAIL_{setting}", written)
    assert wrong() == [f"HANDRAIL_{setting}: {problem}"]


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            "addres = '127.0.0.1:1'",
            "HANDRAIL_SETTINGS: {file}: addres is not a setting; correct its spelling",
        ),
        ("[[[", "HANDRAIL_SETTINGS: "),
        (None, "HANDRAIL_SETTINGS: "),
    ],
)
def test_a_file_that_cannot_be_right_is_refused(
    content: str | None, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "handrail.toml"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("HANDRAIL_SETTINGS", str(file))
    assert wrong()[0].startswith(problem.format(file=file))


def test_the_file_of_the_current_folder_is_read_without_being_named(tokens: Path) -> None:
    (tokens.parent / "handrail.toml").write_text('address = "127.0.0.1:1"\nstore = "sqlite:ours.db"\n')
    assert (read_settings().port, store_url(None)) == (1, "sqlite:ours.db")


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize(
    ("setting", "written", "problem"),
    [
        ("WITHOUT_TOKENS", "maybe", "'maybe': input should be a valid boolean; write true or false"),
        ("INBOX_LIMIT", "many", "'many': input should be a valid integer; write a whole number, such as 60"),
        ("ACTS_PER_MINUTE", "0", "'0': input should be greater than or equal to 1; write a greater one"),
        ("ALERTMANAGERS", "http://a:1,am", "'am' is not an address; write http://host:port"),
        ("SILENCES_UNKNOWN", "wait", "'wait' is not one of 'hold' or 'act'; write one of them"),
    ],
)
def test_a_wrong_value_is_named_with_what_to_write(
    setting: str, written: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"HANDRAIL_{setting}", written)
    assert wrong() == [f"HANDRAIL_{setting}: {problem}"]


PATHS = [name.upper() for name, field in Settings.model_fields.items() if "Path" in str(field.annotation)]


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize("setting", PATHS)
def test_an_empty_path_is_refused_and_never_the_current_folder(
    setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"HANDRAIL_{setting}", "")
    assert wrong() == [f"HANDRAIL_{setting}: it is empty; name a path, or leave the setting out"]


def test_an_empty_list_of_our_receivers_is_refused(tokens: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDRAIL_ALERTMANAGER_RECEIVERS", " , ")
    assert tokens.exists()
    assert wrong() == [
        "HANDRAIL_ALERTMANAGER_RECEIVERS: it is empty; name a receiver, or leave the setting out"
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("acts_per_minute = true", "true is not a number; write a whole number, such as 60"),
        ("heartbeat_within = true", "'True' is not a duration; write it like 30s, 5m, 24h, 7d or 1h30m"),
        ("lease = { a = 1 }", "'{'a': 1}' is not a duration; write it like 30s, 5m, 24h, 7d or 1h30m"),
        ("playbooks = 5", "5 is not a path; write it in quotes"),
        ('kill_switch = ["handrail.stop"]', "['handrail.stop'] is not a path; write it in quotes"),
        ("alertmanagers = [1]", 'it is not one address; write "http://host:port"'),
        (
            'prometheus = ["http://guard:hunter2-is-one@p:9090"]',
            'it is not one address; write "http://host:port"',
        ),
        ('address = "127.0.0.1:65536"', "'127.0.0.1:65536' has a port above 65535; write one up to that"),
    ],
)
def test_a_value_of_the_wrong_type_is_named_with_what_to_write(tokens: Path, line: str, problem: str) -> None:
    (tokens.parent / "handrail.toml").write_text(f"{line}\n")
    assert wrong() == [f"HANDRAIL_{line.partition(' ')[0].upper()}: {problem}"]


def test_what_is_wrong_in_several_ways_is_said_at_once(tokens: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDRAIL_ADRESS", "127.0.0.1:1")
    monkeypatch.setenv("HANDRAIL_TLS_KEY", str(tokens))
    monkeypatch.setenv("HANDRAIL_TOKENS_FILE", "gone")
    assert wrong() == [
        "HANDRAIL_ADRESS: there is no such setting; correct its spelling",
        "HANDRAIL_TLS_CERTIFICATE and HANDRAIL_TLS_KEY belong together; set both or neither",
        "HANDRAIL_TOKENS_FILE: gone is not there; correct the path, or write the file: one token a line, `ROLE NAME TOKEN`",
    ]


def test_a_certificate_that_is_none_is_refused_before_anybody_is_served(
    tokens: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CERTIFICATE", "KEY", "CLIENT_CA", "AUTHORITIES"):
        monkeypatch.setenv(f"HANDRAIL_TLS_{name}", str(tokens))
    assert [line.partition(" cannot be used")[0] for line in wrong()] == [
        f"HANDRAIL_TLS_{name}: {tokens}" for name in ("CERTIFICATE", "CLIENT_CA", "AUTHORITIES")
    ]


@pytest.mark.usefixtures("tokens")
def test_a_variable_that_is_no_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDRAIL_ADRESS", "127.0.0.1:1")
    monkeypatch.setenv("HANDRAIL_SECRET_SLACK", "a secret is no setting")
    for name in (names.IMAGE_VARIABLE, names.SECRETS_VARIABLE):
        monkeypatch.setenv(name, "what Compose reads, in the same shell")
    assert wrong() == ["HANDRAIL_ADRESS: there is no such setting; correct its spelling"]


@pytest.mark.usefixtures("tokens")
def test_tls_needs_both_files_and_they_must_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDRAIL_TLS_CERTIFICATE", "missing.crt")
    assert wrong() == [
        "HANDRAIL_TLS_CERTIFICATE and HANDRAIL_TLS_KEY belong together; set both or neither",
        "HANDRAIL_TLS_CERTIFICATE: missing.crt is not a file; correct the path",
    ]
    monkeypatch.setenv("HANDRAIL_TLS_KEY", "missing.key")
    assert wrong() == [
        "HANDRAIL_TLS_CERTIFICATE: missing.crt is not a file; correct the path",
        "HANDRAIL_TLS_KEY: missing.key is not a file; correct the path",
    ]


def test_every_setting_has_a_line_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/receiver.md").read_text()
    missing = [name for name in Settings.model_fields if f"`HANDRAIL_{name.upper()}`" not in page]
    assert missing == []


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize(
    ("variable", "given", "problem"),
    [
        (
            "PROMETHEUS",
            "http://guard:hunter2-is-not-one@prometheus:9090/pre@fix",
            "it has an @ beside its host; write %40 for one, %2F for a / and %23 for a # in a password",
        ),
        (
            "ALERTMANAGERS",
            "http://a:1,guard:hunter2-is-not-one@b:2",
            "it has an @ beside its host; write %40 for one, %2F for a / and %23 for a # in a password",
        ),
        (
            "PUBLIC_URL",
            "https://guard:hunter2-is-not-one@handrail.example",
            "people get it in messages: leave user and password out",
        ),
    ],
)
def test_what_is_wrong_with_an_address_does_not_repeat_its_password(
    monkeypatch: pytest.MonkeyPatch, variable: str, given: str, problem: str
) -> None:
    monkeypatch.setenv(f"HANDRAIL_{variable}", given)
    (line,) = wrong()
    assert line.partition(": ")[2] == problem


@pytest.mark.usefixtures("tokens")
def test_a_password_in_an_address_is_a_login_and_no_part_of_the_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HANDRAIL_PROMETHEUS", "http://guard:hunter2%2Dis-not-one@prometheus:9090")
    found = read_settings().prometheus
    assert found == Address("http://prometheus:9090", "guard", "hunter2-is-not-one")
    assert "hunter2" not in f"{found} {found!r}"
    monkeypatch.setenv("HANDRAIL_PROMETHEUS", "http://guard:short@prometheus:9090")
    (line,) = wrong()
    assert line == (
        "http://prometheus:9090 has a password with fewer than 8 characters, which could not be kept out of texts; "
        "make it longer, or write the login into the file of HANDRAIL_PROMETHEUS_HTTP_CONFIG"
    )
