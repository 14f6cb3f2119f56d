"""Secret names → values, and texts → texts without them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from handrail.contract import Secret
from handrail_receiver.errors import Cause, Permanent
from handrail_receiver.secrets import Secrets

TOKEN = Secret("flag_token")
VALUE = 'p@ss/word+"quoted" ünd so'


def test_a_file_in_the_folder_comes_before_the_variable(tmp_path: Path) -> None:
    (tmp_path / "flag_token").write_text("from-the-file\n")
    environment = {"HANDRAIL_SECRET_FLAG_TOKEN": "from-the-variable"}
    assert Secrets(tmp_path, environment).value(TOKEN) == "from-the-file"
    assert Secrets(None, environment).value(TOKEN) == "from-the-variable"


def test_a_rotated_value_counts_at_once_and_the_old_one_stays_redacted(tmp_path: Path) -> None:
    file = tmp_path / "flag_token"
    file.write_text("the-old-value")
    secrets = Secrets(tmp_path, {})
    file.write_text("the-new-value")
    assert secrets.value(TOKEN) == "the-new-value"
    assert secrets.redact("the-old-value, the-new-value") == "[secret flag_token], [secret flag_token]"


def test_all_that_is_there_at_the_start_is_redacted_before_anybody_asks_for_it(tmp_path: Path) -> None:
    (tmp_path / "of_a_file").write_text("value-of-a-file")
    secrets = Secrets(tmp_path, {"HANDRAIL_SECRET_OF_ENV": "value-of-a-variable"})
    said = secrets.redact("value-of-a-file value-of-a-variable")
    assert said == "[secret of_a_file] [secret of_env]"


@pytest.mark.parametrize(
    "shape",
    [
        VALUE,
        quote(VALUE, safe=""),
        json.dumps({"token": VALUE}),
        repr({"token": VALUE}),
        base64.b64encode(VALUE.encode()).decode(),
    ],
)
def test_a_value_is_redacted_in_the_shapes_it_takes_on_the_way(shape: str) -> None:
    secrets = Secrets(None, {"HANDRAIL_SECRET_FLAG_TOKEN": VALUE})
    said = secrets.redact(f"before {shape} after")
    assert ("[secret flag_token]" in said, said.startswith("before "), said.endswith(" after")) == (
        True,
        True,
        True,
    )
    assert [part for part in VALUE.split() if len(part) >= 8 and part in said] == []


@pytest.mark.parametrize("around", [("git:", ""), ("a:", "\n"), ("ab", "cd"), ("", "\0")])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_value_is_redacted_inside_base64(around: tuple[str, str], encode: Callable[[bytes], bytes]) -> None:
    value = "planted>>>value???"
    secrets = Secrets(None, {"HANDRAIL_SECRET_FLAG_TOKEN": value})
    said = encode(value.join(around).encode()).decode()
    redacted = secrets.redact(f"Basic {said}")
    before, name, after = redacted.removeprefix("Basic ").partition("[secret flag_token]")
    assert name
    assert said.startswith(before)
    assert around[0].encode().startswith(base64.b64decode(before[: len(before) // 4 * 4]))
    assert len(after.rstrip("=")) <= len(around[1]) * 2 + 1  # the bits of a letter that are the value's


def test_one_value_inside_another_does_not_uncover_the_rest() -> None:
    secrets = Secrets(None, {"HANDRAIL_SECRET_A": "long-value", "HANDRAIL_SECRET_B": "long-value-and-more"})
    assert secrets.redact("long-value-and-more") == "[secret b]"


def test_each_of_several_keys_is_redacted() -> None:
    secrets = Secrets(None, {"HANDRAIL_SECRET_KEYS": "whsec_firstfirst whsec_secondsecond"})
    assert secrets.redact("whsec_secondsecond") == "[secret keys]"


@pytest.mark.parametrize(
    ("value", "cause", "says"),
    [
        (
            None,
            Cause.missing,
            "the secret flag_token is not there; write {folder}/flag_token or set HANDRAIL_SECRET_FLAG_TOKEN",
        ),
        (
            "  \n",
            Cause.missing,
            "the secret flag_token is not there; write {folder}/flag_token or set HANDRAIL_SECRET_FLAG_TOKEN",
        ),
        (
            "short",
            Cause.invalid,
            "the secret flag_token has fewer than 8 characters and could not be kept out of texts; make it longer",
        ),
        (
            "a folder",
            Cause.refused,
            "the secret flag_token cannot be read (IsADirectoryError); fix its file",
        ),
    ],
)
def test_what_is_wrong_with_a_secret_is_said_without_it(
    tmp_path: Path, value: str | None, cause: Cause, says: str
) -> None:
    if value == "a folder":
        (tmp_path / "flag_token").mkdir()
    elif value is not None:
        (tmp_path / "flag_token").write_text(value)
    with pytest.raises(Permanent) as raised:
        Secrets(tmp_path, {}).value(TOKEN)
    assert (raised.value.cause, str(raised.value)) == (cause, says.format(folder=tmp_path))


def test_what_is_no_secret_in_the_folder_does_not_keep_the_receiver_from_starting(tmp_path: Path) -> None:
    (tmp_path / "..data").mkdir()
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x01")
    (tmp_path / "a-note.txt").write_text("not a name that a step can give")
    assert Secrets(tmp_path, {}).redact("as it is: not a name that a step can give") == (
        "as it is: not a name that a step can give"
    )


def test_rotating_for_a_year_does_not_fill_memory(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path, {})
    for number in range(1000):
        (tmp_path / "flag_token").write_text(f"value-number-{number}")
        secrets.value(TOKEN)
    assert secrets.redact("value-number-999 value-number-981 value-number-1") == (
        "[secret flag_token] [secret flag_token] value-number-1"
    )
