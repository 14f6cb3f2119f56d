"""A bundle with one file changed and its hashes made to fit → which other files contradict it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from handrail_receiver.evidence.bundle import CapturedFigure, Contents, files_of, index_of
from handrail_receiver.evidence.bundle_summary import summary
from handrail_receiver.evidence.report import report
from handrail_receiver.evidence.signing import ENVELOPE, STATEMENT
from handrail_receiver.evidence.verification import verify
from hypothesis import given
from hypothesis import strategies as st

from .kept import OURS, book, series
from .made import ATTEMPT, ROLLBACK, START, bundle, chained, contents, named, signed_anew, taken

Change = Callable[[Any], object]


@cache
def whole() -> Mapping[str, bytes]:
    """A bundle of which nothing was changed."""
    return bundle()


def forged(files: Mapping[str, bytes], name: str, change: Change) -> dict[str, bytes]:
    """One file with something else in it, and a statement that fits."""
    content = json.loads(files[name])
    change(content)
    text = {other: kept.decode() for other, kept in files.items()}
    return signed_anew({**text, name: json.dumps(content)})


def problems(files: Mapping[str, bytes]) -> tuple[str, ...]:
    return verify(files).problems


def of_attempt(**facts: object) -> Change:
    return lambda index: index["attempt"].update(facts)


def of_run(**facts: object) -> Change:
    return lambda file: file["runs"][1].update(facts)


PROVED = "said to be proved (all done), and its outcome was done (all done)"


@pytest.mark.parametrize(
    ("name", "change", "problem"),
    [
        (
            "bundle.json",
            of_attempt(started_by="carol"),
            "bundle.json says that carol started it, and record 40 that alice did",
        ),
        (
            "bundle.json",
            of_attempt(artifact="sha256:beef"),
            "bundle.json says that sha256:beef went out, and record 40 says sha256:cafe",
        ),
        (
            "bundle.json",
            of_attempt(started_at="2026-03-01T01:00:00Z"),
            "bundle.json says another time of its start than record 40",
        ),
        (
            "bundle.json",
            of_attempt(state="complete"),
            "bundle.json says that it is complete, and the evidence does not say that it went through its last gate",
        ),
        (
            "bundle.json",
            of_attempt(state="abandoned"),
            "bundle.json says that it is abandoned, and nobody abandoned it in the evidence",
        ),
        (
            "bundle.json",
            of_attempt(state="active"),
            "bundle.json says that it is active, and that it is over",
        ),
        (
            "bundle.json",
            lambda index: index["after"][0].update(share=0.0),
            "bundle.json says otherwise than the files what 'after' is",
        ),
        ("runs.json", of_run(state="proved"), f"rollback is {PROVED}"),
        (
            "runs.json",
            of_run(acted_at="2026-03-01T02:00:00Z"),
            "rollback is said to have another time at which it was acted than the evidence",
        ),
        (
            "runs.json",
            lambda file: file["runs"].pop(),
            "record 45 says how rollback ended, and runs.json does not have it",
        ),
        (
            "runs.json",
            of_run(key="once more"),
            "rollback once more is said to be done, and the evidence has no outcome of it",
        ),
        (
            "playbook.json",
            lambda file: file["stages"][0].update(bake=1),
            "snapshot 42 was taken with another playbook than playbook.json, and none was adopted since",
        ),
        (
            "playbook.json",
            lambda file: file.update(rollout="pay"),
            "playbook.json is about pay, and bundle.json about shop",
        ),
    ],
)
def test_what_stands_beside_the_chain_and_says_otherwise_is_found(
    name: str, change: Change, problem: str
) -> None:
    assert problem in problems(forged(whole(), name, change))


def test_a_rollback_that_no_outcome_speaks_of_is_found() -> None:
    attempt = contents(runs=())
    assert problems(bundle(attempt)) == (
        "bundle.json says that it is rolled-back, and no rollback in the evidence was carried out",
    )


def test_a_decision_that_was_removed_with_a_chain_made_anew_is_found_by_its_snapshot() -> None:
    before, after = taken((40,), (0.01,) * 7), taken((43,))
    kept = [("decision", START), ("snapshot", named(before)), ("snapshot", named(after))]
    made = replace(
        contents(runs=()),
        chain=chained(kept, begun=ATTEMPT.started_at),
        snapshots={41: before.text(), 42: after.text()},
    )
    assert "snapshot 42 is of decision 43, which the evidence does not have" in problems(bundle(made))


def test_a_late_snapshot_of_the_attempt_before_speaks_of_decisions_that_stand_before_this_one() -> None:
    late = taken((38,)).model_copy(update={"attempt": ATTEMPT.id - 1})
    first = taken((40,), (0.01,) * 7)
    of_before = {**named(late), "attempt": late.attempt}
    kept = [("decision", START), ("snapshot", of_before), ("snapshot", named(first))]
    made = replace(
        contents(runs=()),
        chain=chained(kept, begun=ATTEMPT.started_at),
        snapshots={41: late.text(), 42: first.text()},
    )
    assert [one for one in problems(bundle(made)) if "which the evidence does not have" in one] == []


def test_a_record_that_gives_a_snapshot_to_another_attempt_than_its_own_text_is_found() -> None:
    moved = taken((43,)).model_copy(update={"attempt": ATTEMPT.id - 1})
    made = bundle(contents(last=moved))
    said = f"record 44 says otherwise than its snapshot: {moved.summary()}"
    assert said in problems(made)


def test_a_captured_figure_that_prometheus_was_told_otherwise_is_found() -> None:
    reference = series({**OURS, "reference": "before"}, [0.01] * 7, "handrail_reference")
    last = taken((43,))
    seen = last.model_copy(update={"measures": (*last.measures, reference)})

    def of(value: float) -> tuple[str, ...]:
        figure = CapturedFigure(guardrail="error-rate", reference="before", value=value)
        return problems(bundle(contents(last=seen, captured=(figure,))))

    assert of(0.01) == ()
    assert of(0.02) == ("captured.json has 0.02 as error-rate's before, and no sample says so",)


def made_with(given: Contents, version: str) -> dict[str, bytes]:
    index = index_of(given, made_with=version)
    return signed_anew(files_of(given, index, report(given, index), summary(given, index)))


@pytest.mark.parametrize("name", ["report.html", "summary.md"])
def test_a_document_that_says_otherwise_than_the_files_is_found_by_the_version_that_wrote_it(
    name: str,
) -> None:
    files = made_with(contents(), "1.2.3")
    text = {one: kept.decode() for one, kept in files.items()}
    changed = signed_anew({**text, name: text[name].replace("rolled-back", "complete")})
    assert verify(files, version="1.2.3").problems == ()
    assert verify(changed, version="1.2.3").problems == (f"{name} does not say what the other files say",)
    assert verify(changed, version="1.2.4").problems == ()
    assert verify(changed, version="1.2.4").notes[-1] == (
        "report.html and summary.md were not written again: Handrail 1.2.3 made them"
    )


ADOPTED = {**ROLLBACK, "action": "adopt", "reason": "adopted", "guardrail": "", "tier": "", "by": "alice"}


def test_a_playbook_that_was_adopted_on_the_way_is_missing_and_nothing_is_wrong() -> None:
    newer = book(runbook_url="https://runbooks.example/newer")
    before, after = taken((40,), (0.01,) * 7), taken((43,), (0.01,) * 7)
    other = after.model_copy(update={"playbook": contents(playbook=newer).taken()[44].playbook})
    made = contents(playbook=newer, rollback=ADOPTED)
    records = [
        (one.kind, json.loads(one.body)) if one.number not in {42, 44} else (one.kind, named(snapshot))
        for one in made.chain.records
        for snapshot in [before if one.number == 42 else other]
    ]
    files = bundle(
        replace(
            made,
            chain=chained(records, begun=ATTEMPT.started_at),
            snapshots={42: before.text(), 44: other.text()},
        )
    )
    assert json.loads(files["bundle.json"])["missing"] == [
        "snapshot 42: the playbook that it was taken with, which is not the attempt's any more"
    ]
    assert problems(files) == ()


def _places(content: object, where: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = (
        content.items()
        if isinstance(content, dict)
        else enumerate(content)
        if isinstance(content, list)
        else ()
    )
    return [where, *(place for key, one in inside for place in _places(one, (*where, key)))]


def _put(content: Any, place: tuple[Any, ...], value: object) -> Any:
    if not place:
        return value
    first, *rest = place
    content[first] = _put(content[first], tuple(rest), value)
    return content


ODD: st.SearchStrategy[object] = st.sampled_from(
    [None, True, 0, -1, 10**30, 1.5, "", "x", "NaN", [], [[]], {}, {"a": []}]
)


@given(data=st.data(), value=ODD)
def test_whatever_form_somebody_gives_a_file_the_answer_is_a_sentence(
    data: st.DataObject, value: object
) -> None:
    name = data.draw(
        st.sampled_from(sorted(one for one in whole() if one.endswith(".json") and one != STATEMENT))
    )
    content = json.loads(whole()[name])
    place = data.draw(st.sampled_from(_places(content)))
    text = json.dumps(_put(content, place, value))
    files = {one: kept for one, kept in whole().items() if one != ENVELOPE}
    found = verify({**files, name: text.encode()})
    assert found.problems[0].startswith(f"{name} was changed") or text == json.dumps(
        json.loads(whole()[name])
    )


@given(data=st.data(), value=ODD)
def test_whatever_a_record_says_the_answer_is_a_sentence(data: st.DataObject, value: object) -> None:
    made = contents()
    bodies = [(one.kind, json.loads(one.body)) for one in made.chain.records]
    which = data.draw(st.integers(0, len(bodies) - 1))
    kind, body = bodies[which]
    bodies[which] = kind, _put(body, data.draw(st.sampled_from(_places(body))), value)
    chain = chained(bodies, begun=ATTEMPT.started_at)
    text = {name: kept.decode() for name, kept in whole().items()}
    files = signed_anew({**text, "evidence.json": chain.model_dump_json()})
    assert all(isinstance(one, str) for one in verify(files).problems)


def test_a_snapshot_of_before_an_update_fits_the_playbook_as_it_was_kept() -> None:
    older = "an older version wrote less of it"
    first, last = (
        one.model_copy(update={"playbook": older}) for one in (taken((40,), (0.01,) * 7), taken((43,)))
    )
    given = contents()
    records = [
        (one.kind, json.loads(one.body) if one.kind != "snapshot" else named(snapshot))
        for one in given.chain.records
        for snapshot in [first if one.number == 42 else last]
    ]
    before = replace(
        given, chain=chained(records, begun=ATTEMPT.started_at), snapshots={42: first.text(), 44: last.text()}
    )
    kept = replace(before, attempt=before.attempt.model_copy(update={"playbook": older}))
    assert problems(bundle(kept)) == ()
    assert problems(bundle(before)) == (
        "snapshot 42 was taken with another playbook than playbook.json, and none was adopted since",
        "snapshot 44 was taken with another playbook than playbook.json, and none was adopted since",
    )
