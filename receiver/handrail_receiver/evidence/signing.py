"""Files → an in-toto statement about them, signed with an Ed25519 key in a DSSE envelope; and an envelope → who signed.

The forms are in-toto's Statement v1 and DSSE v1, which cosign, in-toto and others read. Both are always written in the same
way, so that any other byte in them shows. A signed statement brings the public key along: whoever reads it sees that the
signature fits, and knows whose key it is by the one that was published.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from pydantic import Base64Bytes, BaseModel, ConfigDict, ValidationError

from handrail_receiver.errors import WrongSettings

STATEMENT, ENVELOPE = "statement.json", "statement.dsse.json"
SIGNER = "signer"
"""Who signed, in the predicate of a statement."""
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:handrail:rollout-evidence:v1"
MAKE = "openssl genpkey -algorithm ed25519 -out key.pem"
PUBLISH = "openssl pkey -in key.pem -pubout -out key.pub.pem"


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Subject(_Read):
    """A file, and its digests."""

    name: str
    digest: Mapping[str, str]


class Statement(_Read):
    """What is said of which files."""

    subject: tuple[Subject, ...]
    predicate: Mapping[str, object]


class Signature(_Read):
    """One signature, and the key's name."""

    keyid: str = ""
    sig: Base64Bytes


class Envelope(_Read):
    """What was signed, as it was, and by whom."""

    payload: Base64Bytes
    payloadType: str  # noqa: N815  DSSE's spelling
    signatures: tuple[Signature, ...]

    def text(self) -> str:
        """As it is written."""
        signatures = [
            {"keyid": one.keyid, "sig": base64.b64encode(one.sig).decode()} for one in self.signatures
        ]
        written = {
            "payload": base64.b64encode(self.payload).decode(),
            "payloadType": self.payloadType,
            "signatures": signatures,
        }
        return json.dumps(written, indent=2)


class Signer(_Read):
    """The public key that belongs to a signature, in PEM, and what it is called."""

    keyid: str
    publicKey: str  # noqa: N815  as in-toto and DSSE write names

    def key(self) -> Ed25519PublicKey | None:
        """The key itself; None where it is none, or is called otherwise."""
        try:
            key = load_pem_public_key(self.publicKey.encode())
        except (ValueError, UnsupportedAlgorithm):
            return None
        return key if isinstance(key, Ed25519PublicKey) and self == signer_of(key) else None


def sha256(text: str) -> str:
    """Of a file's text."""
    return hashlib.sha256(text.encode()).hexdigest()


def statement_of(digests: Mapping[str, str], predicate: Mapping[str, object]) -> str:
    """The statement about files with these SHA-256: its predicate says what they are the evidence of."""
    said = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": digests[name]}} for name in sorted(digests)],
        "predicateType": PREDICATE_TYPE,
        "predicate": dict(predicate),
    }
    return json.dumps(said, indent=2, ensure_ascii=False) + "\n"


def sealed(
    files: Mapping[str, str], said: Mapping[str, object], key: Ed25519PrivateKey | None
) -> dict[str, str]:
    """Files with the statement about them, and with a signature where there is a key."""
    by = {SIGNER: signer_of(key.public_key()).model_dump()} if key is not None else {}
    statement = statement_of({name: sha256(text) for name, text in files.items()}, {**said, **by})
    with_it = {**files, STATEMENT: statement}
    return with_it if key is None else {**with_it, ENVELOPE: signed(statement, key)}


def signed(statement: str, key: Ed25519PrivateKey) -> str:
    """The envelope around a statement."""
    payload = statement.encode()
    signature = key.sign(to_sign(PAYLOAD_TYPE, payload))
    return Envelope.model_construct(
        payload=payload,
        payloadType=PAYLOAD_TYPE,
        signatures=(Signature.model_construct(keyid=key_id(key.public_key()), sig=signature),),
    ).text()


def signer_of(key: Ed25519PublicKey) -> Signer:
    """A public key as a statement brings it along."""
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return Signer(keyid=key_id(key), publicKey=pem)


def signer_in(statement: Statement) -> Signer | None:
    """Who signed, as a statement says; None where it does not, or says it in another form."""
    try:
        return Signer.model_validate(statement.predicate.get(SIGNER))
    except ValidationError:
        return None


def to_sign(kind: str, payload: bytes) -> bytes:
    """What a signature is over: DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(kind.encode()), kind.encode(), len(payload), payload)


def is_signed_by(envelope: Envelope, key: Ed25519PublicKey) -> bool:
    """Whether one of the signatures is made with this key."""
    signed_text = to_sign(envelope.payloadType, envelope.payload)
    for signature in envelope.signatures:
        try:
            key.verify(signature.sig, signed_text)
        except InvalidSignature:
            continue
        return True
    return False


def key_id(key: Ed25519PublicKey) -> str:
    """What a key is called: the SHA-256 of its public half."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def private_key(path: Path) -> Ed25519PrivateKey:
    """The key that signs. Raises WrongSettings."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise WrongSettings(f"{path}: {error.strerror}; name a file that can be read") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise WrongSettings(
            f"{path} is not a private key in PEM without a password; make one: {MAKE}"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise WrongSettings(f"{path} is not an Ed25519 key; make one: {MAKE}")
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """The key that a signature is checked with. Raises WrongSettings."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise WrongSettings(f"{path}: {error.strerror}; name a file that can be read") from None
    except (ValueError, UnsupportedAlgorithm):
        raise WrongSettings(
            f"{path} is not a public key in PEM; make it from the private one: {PUBLISH}"
        ) from None
    if not isinstance(key, Ed25519PublicKey):
        raise WrongSettings(f"{path} is not an Ed25519 key; give the one that signed")
    return key
