"""A statement and its envelope → read by in-toto's own library, by the form's letter, and by a key from openssl."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from handrail_receiver.errors import WrongSettings
from handrail_receiver.evidence.signing import (
    MAKE,
    PUBLISH,
    Envelope,
    is_signed_by,
    key_id,
    private_key,
    public_key,
    sha256,
    signed,
    statement_of,
    to_sign,
)
from securesystemslib.dsse import Envelope as TheirEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
STATEMENT = statement_of({"b.json": sha256("{}"), "a.json": sha256("[]")}, {"rollout": "shop", "attempt": 3})


def test_a_statement_is_in_totos() -> None:
    assert json.loads(STATEMENT) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": "a.json", "digest": {"sha256": sha256("[]")}},
            {"name": "b.json", "digest": {"sha256": sha256("{}")}},
        ],
        "predicateType": "urn:handrail:rollout-evidence:v1",
        "predicate": {"rollout": "shop", "attempt": 3},
    }


def test_what_is_signed_is_as_the_form_says() -> None:
    assert to_sign("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_in_totos_own_library_accepts_the_envelope_and_no_other_key() -> None:
    envelope = TheirEnvelope.from_dict(json.loads(signed(STATEMENT, KEY)))
    theirs = {key: SSlibKey.from_crypto(key.public_key(), key_id(KEY.public_key())) for key in (KEY, OTHER)}
    assert list(envelope.verify([theirs[KEY]], 1)) == [key_id(KEY.public_key())]
    assert envelope.payload == STATEMENT.encode()
    with pytest.raises(VerificationError):
        envelope.verify([theirs[OTHER]], 1)


def test_a_signature_is_of_one_key_and_one_payload() -> None:
    envelope = Envelope.model_validate_json(signed(STATEMENT, KEY))
    changed = envelope.model_copy(update={"payload": base64.b64encode(b"{}")})
    signers = [is_signed_by(one, key.public_key()) for one in (envelope, changed) for key in (KEY, OTHER)]
    assert signers == [True, False, False, False]


def test_keys_are_made_by_the_documented_command(tmp_path: Path) -> None:
    for command in (MAKE, PUBLISH):
        subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    key, public = private_key(tmp_path / "key.pem"), public_key(tmp_path / "key.pub.pem")
    assert key_id(key.public_key()) == key_id(public)


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("openssl genpkey -algorithm x25519 -out key.pem", "is not an Ed25519 key"),
        ("touch key.pem", "is not a private key in PEM without a password"),
        ("true", "No such file or directory"),
    ],
)
def test_any_other_file_is_refused_with_the_command_that_makes_a_key(
    tmp_path: Path, command: str, problem: str
) -> None:
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    with pytest.raises(WrongSettings, match=problem):
        private_key(tmp_path / "key.pem")
