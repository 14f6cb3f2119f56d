"""accept-unused: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint import ALL
from handrail.lint.accept_unused import NAME, RENAMED

FREE = 'PromQL("sum(queue_length)")'


def test_an_accepted_finding_that_is_not_there_would_hide_the_next() -> None:
    facts = guardrail(
        """
        accept={
            "free-promql": "no typed measure fits",
        }
        """,
        'tiers=[Warning(Above("5%"))]',
    )
    assert found(NAME, facts) == [
        (
            '"free-promql": "no typed measure fits",',
            "warning: 'errors' accepts 'free-promql', which finds nothing here; remove it",
        )
    ]


def test_a_lint_that_does_not_exist_is_named_with_the_one_that_was_meant() -> None:
    facts = guardrail('accept={"free-prom": "x"}, tiers=[Warning(Above("5%"))]')
    assert [what for _, what in found(NAME, facts)] == [
        "error: 'errors' accepts 'free-prom', and there is no such lint; did you mean 'free-promql'?"
    ]


def test_what_is_fatal_cannot_be_accepted() -> None:
    facts = guardrail('accept={"limit-wrong-unit": "x"}, tiers=[Warning(Above("5m"))]')
    assert [what for _, what in found(NAME, facts)] == [
        "warning: 'errors' accepts 'limit-wrong-unit', which cannot be accepted; correct it"
    ]
    assert len(found("limit-wrong-unit", facts)) == 1


def test_a_rollout_accepts_for_all_of_its_guardrails() -> None:
    facts = ['accept={"free-promql": "x"}', guardrail("tiers=[Warning(Above(5))]", measure=FREE)]
    assert found(NAME, *facts) == found("free-promql", *facts) == []


def test_what_only_the_plan_shows_can_be_accepted_too() -> None:
    facts = [
        'budget=Budget(decide="1m", recover="5m")',
        "rollback=UNDO",
        guardrail(
            'accept={"over-budget": "x"}, tiers=[Critical(Above("5%"), sustained="1h", action="rollback")]'
        ),
    ]
    assert found(NAME, *facts) == found("over-budget", *facts) == []
    assert len(found(NAME, guardrail('accept={"over-budget": "x"}, tiers=[Warning(Above("5%"))]'))) == 1


def test_an_acceptance_by_an_old_name_is_refused_with_the_new_one_and_accepts_nothing() -> None:
    facts = [
        "stages=STAGES",
        "arms=ARMS",
        guardrail('accept={"stage-holds": "x"}', 'tiers=[Critical(Above("5%"), sustained="5h")]'),
    ]
    assert len(found("stage-too-short", *facts)) == 1
    assert found(NAME, *facts) == [
        (
            'accept={"stage-holds": "x"},',
            "error: 'errors' accepts 'stage-holds', which is now 'stage-too-short'; write \"stage-too-short\"",
        )
    ]


def test_every_old_name_of_a_lint_leads_to_one_of_now() -> None:
    assert set(RENAMED.values()) <= set(ALL)
    assert not set(RENAMED) & set(ALL)


def test_a_reason_must_be_given() -> None:
    facts = guardrail('accept={"free-promql": " "}, tiers=[Warning(Above(5))]', measure=FREE)
    assert found("", facts) == [
        (
            'accept={"free-promql": " "}, tiers=[Warning(Above(5))],',
            (
                "error: Guardrail(accept): ' ' does not fit; "
                "write a dict {a lint's name: the reason why it is right as it is, …}"
            ),
        )
    ]
