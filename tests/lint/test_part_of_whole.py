"""part-of-whole: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.part_of_whole import NAME

TIERS = 'tiers=[Warning(Above("5%"))]'


def said(measure: str) -> list[str]:
    return [what for _, what in found(NAME, guardrail(TIERS, measure=measure))]


def test_a_part_that_is_the_whole_is_found_with_its_line() -> None:
    measure = "Ratio(bad='x_total', of='x_total{code!=\"404\"}')"
    assert found(NAME, guardrail(TIERS, measure=measure)) == [
        (
            f"{measure},",
            "error: 'errors' counts x_total of x_total{code!=\"404\"}, which are all of them; correct bad=, of= or by=",
        )
    ]


@pytest.mark.parametrize(
    ("bad", "of", "why"),
    [
        ("x_total", "x_total", "which are all of them"),
        ('x_total{a="1"}', 'x_total{b="2",a="1"}', "which are all of them"),
        ('x_total{code="500"}', 'x_total{code="200"}', "and none of them is among these"),
        ('x_total{code="500"}', 'x_total{code=~"[24].."}', "and none of them is among these"),
        ('x_total{code="500"}', 'x_total{code!="500"}', "and none of them is among these"),
    ],
)
@pytest.mark.parametrize("part", ["bad", "good"])
def test_all_and_none_are_no_part(bad: str, of: str, why: str, part: str) -> None:
    assert said(f"Ratio({part}={bad!r}, of={of!r})") == [
        f"error: 'errors' counts {bad} of {of}, {why}; correct {part}=, of= or by="
    ]


@pytest.mark.parametrize(
    "measure",
    [
        "ERRORS",
        "Ratio(bad='failed_total', of='x_total')",
        "Ratio(bad='x_total{code=~\"5..\"}', of='x_total{code!=\"404\"}')",
        "Usage('used', 'size')",
        "Usage('x{area=\"heap\"}', 'x')",
    ],
)
def test_a_part_of_it_is_fine(measure: str) -> None:
    assert said(measure) == []


def test_a_share_of_each_value_of_what_makes_events_bad_is_all_or_nothing() -> None:
    measure = 'Ratio(bad=\'x_total{code="500"}\', of="x_total", by=["path", "code"])'
    assert said(measure) == [
        (
            "error: 'errors' counts x_total{code=\"500\"} of x_total, and by= has 'code', of whose values each counts as a "
            "whole or not at all; correct bad=, of= or by="
        )
    ]
    assert said(measure.replace(', "code"', "")) == []


def test_so_is_no_objective_and_no_usage_of_a_thing_by_itself() -> None:
    slo = 'slos=[Slo("good", Ratio(bad="x_total", of="x_total"), objective="99%")]'
    assert len(found(NAME, slo, guardrail(TIERS))) == 1
    assert said('Usage(\'x{b="1",a="2"}\', \'x{a="2",b="1"}\')') == [
        'error: \'errors\' compares x{b="1",a="2"} with itself, which is always 100 %; correct used= or size='
    ]


def test_of_several_series_the_parts_may_be_some_and_not_all() -> None:
    assert said("Ratio(good='ok_total', of=['ok_total', 'failed_total'])") == []
    assert said("Ratio(good=['ok_total', 'failed_total'], of=['ok_total', 'failed_total'])") == [
        (
            "error: 'errors' counts ok_total and failed_total of ok_total and failed_total, which are all of them; "
            "correct good=, of= or by="
        )
    ]
    assert said("Usage(['a', 'b'], ['b', 'a'])") == [
        "error: 'errors' compares a and b with itself, which is always 100 %; correct used= or size="
    ]


def test_none_of_several_series_is_added_twice() -> None:
    assert said('Ratio(bad="bad_total", of=["x_total", \'x_total{code="200"}\'])') == [
        "error: 'errors' adds x_total{code=\"200\"} to x_total, which already has it; correct of="
    ]
    assert said("Usage(['a', 'a'], 'b')") == [
        "error: 'errors' adds a to a, which already has it; correct used="
    ]
    assert said('Ratio(bad="bad_total", of=[\'x_total{code="500"}\', \'x_total{code="200"}\'])') == []


@pytest.mark.parametrize(
    ("measure", "what"),
    [
        (
            "Difference('a{x=\"1\"}', minus='a{x=\"1\"}')",
            'takes a{x="1"} from itself, which always leaves 0; correct metric= or minus=',
        ),
        (
            "Difference('a{x=\"1\"}', minus='b', by=['x'])",
            (
                "has 'x' in by=, which metric= and minus= match differently: what one side alone has is blind; "
                "give both the same matchers of it"
            ),
        ),
    ],
)
def test_a_difference_is_of_two_that_have_the_same_groups(measure: str, what: str) -> None:
    assert [one for _, one in found(NAME, guardrail("tiers=[Warning(Above(5))]", measure=measure))] == [
        f"error: 'errors' {what}"
    ]


def test_two_states_of_one_metric_may_differ() -> None:
    measure = 'Difference(\'a{state="wanted",x="1"}\', minus=\'a{state="there",x="1"}\', by=[\'x\'])'
    assert found(NAME, guardrail("tiers=[Warning(Above(5))]", measure=measure)) == []
