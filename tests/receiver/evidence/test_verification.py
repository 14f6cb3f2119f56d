"""A bundle → it verifies; and whatever is changed in it is found, in a clear sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from handrail.contract import StageFacts
from handrail_receiver.evidence.bundle import index_of
from handrail_receiver.evidence.signing import key_id
from handrail_receiver.evidence.verification import NoBundle, verify

from .kept import NOW, book
from .made import (
    ATTEMPT,
    GATED,
    ROLLBACK,
    RUN,
    START,
    STEP,
    at_gate,
    bundle,
    changed,
    contents,
    signed_anew,
    taken,
    without,
)

KEY = Ed25519PrivateKey.generate()


@cache
def whole() -> Mapping[str, bytes]:
    """A bundle of which nothing was changed."""
    return bundle(key=KEY)


def problems(files: Mapping[str, bytes], key: Ed25519PrivateKey | None = None) -> tuple[str, ...]:
    return verify(files, key.public_key() if key else None).problems


def resigned(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """As somebody leaves it who changed a file and made the statement fit, without a key."""
    return signed_anew({name: text.decode() for name, text in files.items()})


def test_a_bundle_verifies_and_says_what_was_looked_at() -> None:
    found = verify(whole(), KEY.public_key())
    assert found.problems == ()
    head = json.loads(whole()["bundle.json"])["head"]
    assert found.notes == (
        "12 files, as their statement says",
        f"signed with the key {key_id(KEY.public_key())[:16]}",
        "6 records, 2 decisions, 2 snapshots with 4 verdicts",
        f"the chain ends with record 45, {head[1][:16]}: messages and Prometheus say the same of it",
        "report.html and summary.md were not written again: an earlier Handrail made them",
    )


def test_without_a_key_it_says_that_nobody_looked_who_signed() -> None:
    assert verify(whole()).notes[1] == (
        f"signed with the key {key_id(KEY.public_key())[:16]}, which came with the bundle, so this does not"
        " say who signed; give the signer's public key with --key"
    )
    assert verify(bundle()).notes[1] == (
        "not signed: whoever can change the files can change what vouches for them"
    )


def test_a_record_that_was_changed_breaks_the_chain() -> None:
    files = resigned(changed(whole(), "evidence.json", 'by\\":\\"alice', 'by\\":\\"carol'))
    assert problems(files) == (
        "record 40 does not fit the one before: it was changed, or one is missing",
        "bundle.json says that alice started it, and record 40 that carol did",
    )


def test_a_chain_whose_end_was_cut_off_is_found() -> None:
    chain = json.loads(whole()["evidence.json"])
    chain["records"].pop()
    files = resigned({**whole(), "evidence.json": json.dumps(chain).encode()})
    assert problems(files)[0] == "the chain ends with record 44, and bundle.json says it ends with 45"


def test_a_snapshot_that_was_exchanged_is_found() -> None:
    files = resigned(changed(whole(), "snapshots/44.json", '"0.01"', '"0.02"'))
    assert problems(files) == ("snapshots/44.json is not the snapshot that record 44 names",)


def test_a_verdict_that_its_samples_do_not_give_is_found() -> None:
    last = taken((43,))
    tiers = (last.tiers[0].model_copy(update={"verdict": "within"}), *last.tiers[1:])
    files = bundle(contents(last=last.model_copy(update={"tiers": tiers})))
    assert problems(files) == (
        "snapshot 44: error-rate/critical is said to be within, and its samples say broken",
    )


def test_samples_of_a_query_that_its_measure_does_not_give_are_found() -> None:
    last = taken((43,), (0.01,) * 7)
    invented = last.tiers[0].model_copy(update={"verdict": "broken", "breaches": taken(()).tiers[0].breaches})
    files = bundle(contents(last=last.model_copy(update={"tiers": (invented, *last.tiers[1:])})))
    at = int(NOW.timestamp()) - 60
    assert problems(files) == (
        f"snapshot 44: error-rate/critical is not as its samples are: at {at} they do not break its limit (above 5 %)",
    )


def test_a_limit_that_was_moved_afterwards_is_found() -> None:
    query = book().guardrails[0].tiers[0].expr
    looser = book().guardrails[0].tiers[0].model_copy(update={"expr": query.replace("0.05", "0.5")})
    guardrail = book().guardrails[0].model_copy(update={"tiers": (looser, book().guardrails[0].tiers[1])})
    files = bundle(contents(playbook=book(guardrails=(guardrail,))))
    assert problems(files) == (
        "snapshot 42: error-rate/critical is judged by a query that the playbook does not have",
        "snapshot 44: error-rate/critical is judged by a query that the playbook does not have",
    )


def test_a_rollback_that_no_sample_asks_for_does_not_follow() -> None:
    files = bundle(contents(last=taken((43,), (0.01,) * 7)))
    assert problems(files) == (
        "decision 43 (limit-broken): it does not follow: error-rate/critical was not broken in any sample around it",
    )


def test_a_rollback_before_its_time_does_not_follow() -> None:
    files = bundle(contents(last=taken((43,), (0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.09))))
    (problem,) = problems(files)
    assert problem == (
        "decision 43 (limit-broken): it does not follow: error-rate/critical was broken for 0 s"
        " without a break, and it fires after 60 s"
    )


@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [
        ("criterion", "into stage 10%", "it went on though its gate was closed: error-rate: broken"),
        ("criterion", "into stage 10%, although error-rate: broken (says alice: I know)", None),
        (
            "approval",
            "into stage 10%, although nobody approved (says alice: I know)",
            "it went on without the approval of lead",
        ),
    ],
)
def test_a_start_through_a_closed_gate_does_not_follow(kind: str, text: str, problem: str | None) -> None:
    name = "lead" if kind == "approval" else "error-rate"
    ask = {"kind": kind, "name": name, "met": False, "text": "error-rate: broken"}
    gate: dict[str, Any] = {"into": "10%", "digest": "", "asks": [ask]}
    found = problems(bundle(contents(start={**START, "text": text, "gate": gate})))
    assert found == ((f"decision 40 (asked-for): {problem}",) if problem else ())


@pytest.mark.parametrize(
    ("state", "step", "problem"),
    [
        (
            "proved",
            "failed",
            "rollback is said to be proved, and these steps are not done: HAProxy web/canary: weight 0",
        ),
        ("failed", "done", "rollback is said to have failed, and every step is done"),
    ],
)
def test_an_outcome_that_its_steps_do_not_give_is_found(state: str, step: str, problem: str) -> None:
    run = RUN.model_copy(update={"state": state, "steps": [STEP.model_copy(update={"state": step})]})
    rolling = ATTEMPT.model_copy(update={"state": "rolling-back", "live": True})
    assert problems(bundle(contents(runs=(run,), attempt=rolling))) == (problem,)


def test_what_is_missing_and_not_said_to_be_is_found() -> None:
    silent = resigned({name: text for name, text in whole().items() if name != "snapshots/44.json"})
    assert problems(silent) == (
        "bundle.json does not say that it is missing: decision 43 (limit-broken): no samples were kept of it",
        "bundle.json does not say that it is missing: snapshot 44: it is named by the evidence and is not there",
    )


def test_a_bundle_that_says_what_is_missing_from_it_verifies() -> None:
    lacking = contents(
        attempt=ATTEMPT.model_copy(update={"artifact": "", "live": True, "state": "active"}),
        start={**START, "artifact": ""},
    )
    files = bundle(without(lacking, 44))
    assert json.loads(files["bundle.json"])["missing"] == [
        "attempt 3 still goes on (active): what comes later is not in it",
        "the artifact: none was given at the start (`--artifact`), and no versions",
        "decision 43 (limit-broken): no samples were kept of it",
        "snapshot 44: it is named by the evidence and is not there",
    ]
    assert problems(files) == ()


def test_a_rollout_without_stages_needs_no_artifact_for_nothing_goes_out() -> None:
    playbook = book().model_copy(update={"stages": ()})
    guarding = contents(attempt=ATTEMPT.model_copy(update={"artifact": ""}), playbook=playbook)
    assert [one for one in index_of(guarding).missing if "artifact" in one] == []


@pytest.mark.parametrize("text", ["{", "[]", '{"rollout": 3}'])
def test_a_file_of_another_form_is_found(text: str) -> None:
    assert (
        "a file is not of the form it should have"
        in problems({**whole(), "evidence.json": text.encode()})[-1]
    )


def test_a_folder_without_a_bundle_is_none() -> None:
    with pytest.raises(NoBundle, match=r"there is neither statement.json nor bundle.json"):
        verify({"notes.txt": b""})


def test_a_decision_that_a_person_made_needs_no_sample() -> None:
    by_hand = {**ROLLBACK, "guardrail": "", "tier": "", "by": "alice", "reason": "asked-for"}
    assert problems(bundle(contents(rollback=by_hand, last=taken((43,), (0.01,) * 7)))) == ()


MET = {
    "kind": "criterion",
    "name": "error-rate: below 0.5 %",
    "met": True,
    "text": "held over the last 25 min",
}


@pytest.mark.parametrize(
    ("verdict", "breaches", "said"),
    [
        ("met", (), ()),
        (
            "met",
            (0.01,),
            (
                f"snapshot 42: error-rate: below 0.5 % is said to be met, and it was broken at {NOW.timestamp():.0f}",
            ),
        ),
        (
            "broken",
            (0.01, 0.01, 0.01),
            (
                "decision 40 (asked-for): its gate says that error-rate: below 0.5 % is met, and its samples say otherwise",
            ),
        ),
        ("broken", (0.01,), ()),
    ],
)
def test_a_criterion_that_was_broken_is_not_met_whatever_the_gate_says(
    verdict: str, breaches: tuple[float, ...], said: tuple[str, ...]
) -> None:
    first = at_gate(taken((40,), (0.01,) * 7).model_copy(update={"playbook": ""}), verdict, breaches)
    gate = {"into": "10%", "digest": "", "asks": [MET]}
    given = contents(first=first, playbook=GATED, start={**START, "gate": gate})
    assert problems(bundle(given)) == said


def test_a_criterion_of_another_gate_with_the_same_words_says_nothing_of_this_one() -> None:
    seen = at_gate(taken((40,), (0.01,) * 7).model_copy(update={"playbook": ""}), "broken", (0.01,) * 3)
    gate = {"into": "50%", "digest": "", "asks": [MET]}
    given = contents(first=seen, playbook=GATED, start={**START, "gate": gate})
    assert problems(bundle(given)) == ()


EARLY = "before stage 10% was over, 2026-03-01 03:57:00 UTC, and nobody went past that with a reason"


@pytest.mark.parametrize(
    ("bake", "text", "said"),
    [
        (60, "into stage 50%", ()),
        (
            3600,
            "into stage 50%",
            (f"decision 43 (asked-for): it went on {EARLY}",),
        ),
        (3600, "into stage 50%, although stage 10%: not yet (says alice: it is urgent)", ()),
    ],
)
def test_a_stage_that_was_left_before_its_time_is_found(
    bake: float, text: str, said: tuple[str, ...]
) -> None:
    stages = (StageFacts(name="10%", weight=0.1, bake=bake), StageFacts(name="50%", weight=0.5, bake=None))
    promoted = {**START, "action": "promote", "text": text}
    given = contents(rollback=promoted, last=taken((43,), (0.01,) * 7), playbook=book(stages=stages))
    assert problems(bundle(given)) == said
