"""A bundle with any byte, file or name changed → it is detected, whoever signed, with a key or without."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from handrail_receiver.evidence.bundle import INDEX
from handrail_receiver.evidence.seal import OLDER, Seal, seal
from handrail_receiver.evidence.signing import ENVELOPE, STATEMENT, key_id, sha256, signed, statement_of
from handrail_receiver.evidence.verification import NoBundle, verify
from hypothesis import given
from hypothesis import strategies as st

from .made import bundle, changed, signed_anew

KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
Made = Callable[[], Mapping[str, bytes]]
RIGHT, WRONG = key_id(KEY.public_key())[:16], key_id(OTHER.public_key())[:16]


@cache
def signed_files() -> Mapping[str, bytes]:
    """A bundle that was signed."""
    return bundle(key=KEY)


@cache
def unsigned_files() -> Mapping[str, bytes]:
    """The same, without a signature."""
    return bundle()


BOTH = [signed_files, unsigned_files]
IDS = ["signed", "unsigned"]


def problems(files: Mapping[str, bytes], key: Ed25519PrivateKey | None = None) -> tuple[str, ...]:
    return seal(files, key.public_key() if key else None).problems


def found(files: Mapping[str, bytes]) -> bool:
    """Whether `handrail verify` without a key refuses it."""
    try:
        return bool(verify(files).problems)
    except NoBundle:
        return True


def flipped(files: Mapping[str, bytes], name: str, place: int, bits: int) -> dict[str, bytes]:
    text = bytearray(files[name])
    text[place] ^= bits
    return {**files, name: bytes(text)}


@pytest.mark.parametrize("made", BOTH, ids=IDS)
def test_every_byte_of_what_vouches_for_the_files_counts(made: Made) -> None:
    """A letter becomes the same in the other case, which is the change that a lenient reader overlooks."""
    files = made()
    unnoticed = [
        (name, place)
        for name in {STATEMENT, ENVELOPE} & set(files)
        for place in range(len(files[name]))
        if not problems(flipped(files, name, place, 32 if chr(files[name][place]).isalpha() else 1))
    ]
    assert unnoticed == []


@given(data=st.data(), made=st.sampled_from(BOTH), bits=st.integers(1, 255))
def test_one_changed_byte_of_any_file_is_found(data: st.DataObject, made: Made, bits: int) -> None:
    files = made()
    name = data.draw(st.sampled_from(sorted(files)))
    place = data.draw(st.integers(0, len(files[name]) - 1))
    assert found(flipped(files, name, place, bits))


@given(data=st.data(), made=st.sampled_from(BOTH), added=st.binary(min_size=1, max_size=4))
def test_bytes_that_were_added_anywhere_are_found_and_so_are_those_that_were_taken_out(
    data: st.DataObject, made: Made, added: bytes
) -> None:
    files = made()
    name = data.draw(st.sampled_from(sorted(files)))
    place = data.draw(st.integers(0, len(files[name])))
    text = files[name]
    assert found({**files, name: text[:place] + added + text[place:]})
    assert found({**files, name: text[:place] + text[place + 1 :] if place < len(text) else text[:-1]})


@pytest.mark.parametrize("made", BOTH, ids=IDS)
def test_a_file_that_was_taken_away_renamed_emptied_or_exchanged_is_found(
    made: Made,
) -> None:
    files = made()
    names = sorted(files)
    for name, other in zip(names, [*names[1:], names[0]], strict=True):
        rest = {one: text for one, text in files.items() if one != name}
        assert found(rest), name
        assert found({**rest, f"x{name}": files[name]}), name
        assert found({**rest, name.upper(): files[name]}), name
        assert found({**files, name: b""}), name
        assert found({**files, name: files[other], other: files[name]}), name


@pytest.mark.parametrize("name", ["snapshots/9.json", "bundle.json.bak", ".hidden", "statement.dsse.json2"])
def test_a_file_that_was_added_is_found(name: str) -> None:
    said = (f"{name} was added: statement.json does not know it",)
    assert [problems({**files, name: b"{}"}) for files in (signed_files(), unsigned_files())] == [said, said]


def test_a_file_that_was_changed_is_named() -> None:
    names = set(signed_files()) - {STATEMENT, ENVELOPE}
    assert len(names) == 10
    assert {name: problems(flipped(signed_files(), name, 0, 1)) for name in names} == {
        name: (f"{name} was changed: it has another SHA-256 than statement.json says",) for name in names
    }


def test_a_signature_of_another_key_is_found() -> None:
    assert problems(signed_files(), OTHER) == (
        f"statement.dsse.json is not signed with the key {WRONG} (signed with: {RIGHT})",
    )


def test_a_signature_that_is_none_is_found_without_a_key_too() -> None:
    other = json.loads(signed(signed_files()[STATEMENT].decode(), OTHER))
    other["signatures"][0]["keyid"] = key_id(KEY.public_key())
    assert problems({**signed_files(), ENVELOPE: json.dumps(other, indent=2).encode()}) == (
        f"the signature in statement.dsse.json is none of the key {RIGHT}, which statement.json names",
    )


def test_an_envelope_by_another_key_than_the_statement_names_is_found() -> None:
    other = signed(signed_files()[STATEMENT].decode(), OTHER).encode()
    assert problems({**signed_files(), ENVELOPE: other}) == (
        f"statement.dsse.json names another key than statement.json: {RIGHT} signed it",
    )


def test_a_signature_that_was_taken_off_is_found_without_a_key_too() -> None:
    files = {name: text for name, text in signed_files().items() if name != ENVELOPE}
    said = "statement.dsse.json is missing: the bundle is not signed"
    assert problems(files) == (f"{said}, and statement.json says that it was",)
    assert problems(unsigned_files(), KEY) == (said,)


def test_what_somebody_signed_anew_with_a_key_of_their_own_needs_the_signers_key_to_be_found() -> None:
    forged = signed_anew({name: text.decode() for name, text in signed_files().items()}, OTHER)
    assert problems(forged) == ()
    assert WRONG in seal(forged, None).signed
    assert problems(forged, KEY) == (
        f"statement.dsse.json is not signed with the key {RIGHT} (signed with: {WRONG})",
    )


def test_a_statement_that_says_otherwise_than_the_bundle_is_found() -> None:
    files = changed(unsigned_files(), STATEMENT, '"rollout": "shop"', '"rollout": "shoq"')
    assert problems(files) == ("statement.json says another rollout than bundle.json",)


def test_a_bundle_of_before_without_the_signers_key_in_it_is_as_good_as_it_was() -> None:
    plain = {name: text for name, text in unsigned_files().items() if name != STATEMENT}
    index = json.loads(plain[INDEX])
    said = {
        "rollout": "shop",
        "attempt": 3,
        "artifact": index["attempt"]["artifact"],
        "head": {"record": index["head"][0], "hash": index["head"][1]},
        "complete": index["complete"],
    }
    statement = statement_of({name: sha256(text.decode()) for name, text in plain.items()}, said)
    older = {**plain, STATEMENT: statement.encode(), ENVELOPE: signed(statement, KEY).encode()}
    assert seal(older, None) == Seal((), OLDER)
    assert problems(older, KEY) == ()
    assert problems(older, OTHER) == (
        f"statement.dsse.json is not signed with the key {WRONG} (signed with: {RIGHT})",
    )
