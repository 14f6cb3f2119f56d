"""The files of a bundle → what in their bytes is not as it was when they were written: any byte, any file, any name. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from handrail_receiver.evidence.bundle import INDEX, BundleIndex, predicate_of
from handrail_receiver.evidence.signing import (
    ENVELOPE,
    PAYLOAD_TYPE,
    SIGNER,
    STATEMENT,
    Envelope,
    Statement,
    is_signed_by,
    key_id,
    signer_in,
    statement_of,
)

UNSIGNED = "not signed: whoever can change the files can change what vouches for them"
OLDER = "signed, and not looked at by whom: give the signer's public key with --key"


@dataclass(frozen=True)
class Seal:
    """What was found. `signed` says in words by whom it is signed, and whether somebody looked whose key that is."""

    problems: tuple[str, ...]
    signed: str


def seal(files: Mapping[str, bytes], key: Ed25519PublicKey | None) -> Seal:
    """Look at all of it. `key` is the public half of the key that should have signed, None: nobody knows it."""
    statement = _statement(files)
    problems = (*_bytes(files, statement), *_signature(files, statement, key))
    return Seal(problems, _signed(files, statement, key))


def _signed(files: Mapping[str, bytes], statement: Statement | None, key: Ed25519PublicKey | None) -> str:
    if ENVELOPE not in files:
        return UNSIGNED
    if key is not None:
        return f"signed with the key {key_id(key)[:16]}"
    by = signer_in(statement) if statement else None
    if by is None:
        return OLDER
    return (
        f"signed with the key {by.keyid[:16]}, which came with the bundle, so this does not say who signed;"
        " give the signer's public key with --key"
    )


def _statement(files: Mapping[str, bytes]) -> Statement | None:
    try:
        return Statement.model_validate_json(files.get(STATEMENT, b""))
    except ValidationError:
        return None


def _bytes(files: Mapping[str, bytes], statement: Statement | None) -> Iterator[str]:
    """Files that are not as the statement says, and a statement that is not as it is written."""
    if statement is None:
        yield (
            f"{STATEMENT} is not an in-toto statement"
            if STATEMENT in files
            else f"{STATEMENT} is missing: nothing says which files belong to the bundle"
        )
        return
    said = {one.name: one.digest.get("sha256", "") for one in statement.subject}
    for name in sorted(said):
        if name not in files:
            yield f"{name} is missing"
        elif hashlib.sha256(files[name]).hexdigest() != said[name]:
            yield f"{name} was changed: it has another SHA-256 than {STATEMENT} says"
    for name in sorted(set(files) - set(said) - {STATEMENT, ENVELOPE}):
        yield f"{name} was added: {STATEMENT} does not know it"
    if files[STATEMENT].decode(errors="replace") != statement_of(said, statement.predicate):
        yield f"{STATEMENT} was changed: it is not written as Handrail writes it"
    yield from _predicate(files, statement)


def _predicate(files: Mapping[str, bytes], statement: Statement) -> Iterator[str]:
    try:
        index = BundleIndex.model_validate_json(files.get(INDEX, b""))
    except ValidationError:
        return  # said by whoever reads it
    for name, value in predicate_of(index).items():
        if statement.predicate.get(name) != value:
            yield f"{STATEMENT} says another {name} than {INDEX}"


def _signature(
    files: Mapping[str, bytes], statement: Statement | None, key: Ed25519PublicKey | None
) -> Iterator[str]:
    claimed = statement is not None and SIGNER in statement.predicate
    if ENVELOPE not in files:
        if key is not None or claimed:
            was = f", and {STATEMENT} says that it was" if claimed else ""
            yield f"{ENVELOPE} is missing: the bundle is not signed{was}"
        return
    try:
        envelope = Envelope.model_validate_json(files[ENVELOPE])
    except ValidationError:
        yield f"{ENVELOPE} is no DSSE envelope"
        return
    if files[ENVELOPE].decode(errors="replace") != envelope.text() or envelope.payloadType != PAYLOAD_TYPE:
        yield f"{ENVELOPE} was changed: it is not written as Handrail writes it"
    if envelope.payload != files.get(STATEMENT):
        yield f"{STATEMENT} is not what was signed: it differs from what {ENVELOPE} holds"
    if claimed and statement is not None:
        yield from _own(envelope, statement)
    if key is not None and not is_signed_by(envelope, key):
        keys = ", ".join(one.keyid[:16] for one in envelope.signatures) or "none"
        yield f"{ENVELOPE} is not signed with the key {key_id(key)[:16]} (signed with: {keys})"


def _own(envelope: Envelope, statement: Statement) -> Iterator[str]:
    """What speaks against it that the key which the statement brings along has signed it."""
    by = signer_in(statement)
    key = by.key() if by else None
    if by is None or key is None:
        yield f"{STATEMENT} names a signer, and no key that is called so"
    elif [one.keyid for one in envelope.signatures] != [by.keyid]:
        yield f"{ENVELOPE} names another key than {STATEMENT}: {by.keyid[:16]} signed it"
    elif not is_signed_by(envelope, key):
        yield f"the signature in {ENVELOPE} is none of the key {by.keyid[:16]}, which {STATEMENT} names"
