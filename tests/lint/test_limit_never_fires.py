"""limit-never-fires: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.limit_never_fires import NAME


@pytest.mark.parametrize(
    ("limit", "against"),
    [
        ('DropPoints("5%")', '"1%"'),
        ('Drop("100%")', '"1%"'),
        ('Rise("50%")', '"80%"'),
        ('RisePoints("20%")', '"80%"'),
    ],
)
def test_a_limit_beside_a_fixed_figure_is_judged_by_what_it_comes_to(limit: str, against: str) -> None:
    """1 % less 5 points is less than nothing, 80 % and half of it more than all."""
    facts = guardrail(f"against=Fixed({against}), tiers=[Critical({limit})]")
    assert [said for _, said in found(NAME, facts)] == [
        f"error: 'errors' has a limit that can never fire: {limit} on Ratio; write a figure that the measure can reach"
    ]


def test_a_share_does_not_rise_above_the_whole() -> None:
    assert found(NAME, guardrail('tiers=[Warning(Above("100%"))]')) == [
        (
            'tiers=[Warning(Above("100%"))],',
            (
                "error: 'errors' has a limit that can never fire: Above(\"100%\") on Ratio; "
                "write a figure that the measure can reach"
            ),
        )
    ]


def test_a_quantile_does_not_rise_above_the_highest_bucket() -> None:
    tiers = """
        tiers=[
            Warning(Above("500ms")),
            Critical(Above("1s")),
        ]
    """
    assert found(NAME, guardrail(tiers, measure="TIME")) == [
        (
            'Critical(Above("1s")),',
            (
                "error: 'errors' has a limit that can never fire: Above(\"1s\") on Latency; "
                "write a figure that the measure can reach"
            ),
        )
    ]


def test_each_figure_of_a_limit_by_stage_is_looked_at() -> None:
    tiers = """
        tiers=[
            Warning(
                Above(
                    {
                        "10%": "5%",
                        "50%": "500%",
                    }
                )
            )
        ]
    """
    assert found(NAME, "stages=STAGES", "arms=ARMS", guardrail(tiers)) == [
        (
            '"50%": "500%",',
            (
                "error: 'errors' has a limit that can never fire: Above(\"500%\") in stage '50%' on Ratio; "
                "write a figure that the measure can reach"
            ),
        )
    ]


@pytest.mark.parametrize(
    ("measure", "limit"),
    [
        ("ERRORS", 'AtLeast("101%")'),
        ("ERRORS", "Below(0)"),
        ("ERRORS", 'AtMost("-1%")'),
        ('Increase("errors_total")', "Below(0)"),
        ('Rate("errors_total")', 'AtMost("-1/s")'),
        ('SlowerThan("request_seconds", "1s")', 'Above("100%")'),
        ('While(ERRORS, condition=Rate("requests_total"))', 'Above("100%")'),
        ('Absence("up")', "Above(1)"),
    ],
)
def test_a_limit_beyond_what_the_measure_can_be_sleeps(measure: str, limit: str) -> None:
    assert len(found(NAME, guardrail(f"tiers=[Warning({limit})]", measure=measure))) == 1


@pytest.mark.parametrize(
    ("measure", "limit"),
    [
        ("ERRORS", 'AtLeast("100%")'),
        ("ERRORS", "AtMost(0)"),
        ("TIME", 'Above("999ms")'),
        ('Latency("request_seconds", p=95)', 'Above("1h")'),
        ('Latency("request_seconds", p=95, native=True)', 'Above("1h")'),
        ('Gauge("temperature")', "Below(-40)"),
        ('Increase("errors_total")', "Above(1000000)"),
        ('Usage("used", 50)', 'Above("100%")'),
        ('Usage("used", 50)', 'AtLeast("150%")'),
    ],
)
def test_a_limit_that_can_be_reached_is_fine(measure: str, limit: str) -> None:
    assert found(NAME, guardrail(f"tiers=[Warning({limit})]", measure=measure)) == []


def test_a_drop_by_all_there_is_never_happens() -> None:
    facts = guardrail('against=Ago("7d"), tiers=[Warning(Drop("100%"))]')
    assert [what for _, what in found(NAME, facts)] == [
        (
            "error: 'errors' has a limit that can never fire: Drop(\"100%\") on Ratio; "
            "write a figure that the measure can reach"
        )
    ]


def test_a_criterion_that_every_value_meets_asks_for_nothing() -> None:
    facts = guardrail(
        """
        success=[
            Below("1%"),
            AtMost("100%"),
        ]
        """
    )
    assert found(NAME, facts) == [
        (
            'AtMost("100%"),',
            (
                "error: 'errors' has a limit that asks for nothing: AtMost(\"100%\") on Ratio; "
                "write a figure that the measure can reach"
            ),
        )
    ]


def test_a_tier_for_the_begin_of_a_stage_sleeps_where_there_are_no_stages() -> None:
    facts = guardrail('tiers=[Warning(Above("1%"), during="1h")]')
    assert [said for _, said in found(NAME, facts)] == [
        (
            "error: 'errors' has a tier that counts only in the first 1h of a stage, and there are no stages; "
            "add stages=, or remove during="
        )
    ]
    assert found(NAME, "stages=STAGES", facts) == []


def test_no_size_is_below_nothing() -> None:
    facts = guardrail("tiers=[Warning(Below(0))]", measure='Gauge("free_bytes", unit="bytes")')
    assert len(found(NAME, facts)) == 1
    assert found(NAME, facts.replace('unit="bytes"', 'unit="number"')) == []


@pytest.mark.parametrize(
    ("measure", "limit", "cure"),
    [
        ('Count("up")', "Below(1)", "; without any series there is no data, and presence= makes it 0"),
        (
            'Count("up", where="== 0")',
            "Below(0)",
            "; without any series there is no data, and presence= makes it 0",
        ),
        ('Changes("x", window="5m")', "Above(20)", ", or widen window="),
        ('Changes("x", window="5m")', "AtLeast(21)", ", or widen window="),
        ('Changes("x", window="5m", over="max")', "Above(20)", ", or widen window="),
        ('Age("x")', "Below(0)", ""),
        ('Difference("a", minus="b", absolute=True)', "Below(0)", ""),
    ],
)
def test_a_count_and_a_time_have_their_bounds(measure: str, limit: str, cure: str) -> None:
    """A scrape every 15 s leaves room for twenty changes in five minutes."""
    word = measure.partition("(")[0]
    assert [said for _, said in found(NAME, guardrail(f"tiers=[Warning({limit})]", measure=measure))] == [
        f"error: 'errors' has a limit that can never fire: {limit} on {word}; write a figure that the measure can reach{cure}"
    ]


@pytest.mark.parametrize(
    ("measure", "limit"),
    [
        ('Count("up", presence="node_up")', "Below(1)"),
        ('Count("up", where="== 0")', "Below(1)"),
        ('Count("up")', "Below(2)"),
        ('Changes("x", window="5m")', "Above(19)"),
        ('Changes("x", window="5m", over="sum")', "Above(50)"),
        ('TimeUntil("x")', "Below(0)"),
        ('Forecast("x")', "Below(0)"),
        ('Difference("a", minus="b")', "Below(0)"),
    ],
)
def test_what_they_can_be_fires(measure: str, limit: str) -> None:
    assert found(NAME, guardrail(f"tiers=[Warning({limit})]", measure=measure)) == []


def test_an_age_grows_no_faster_than_time_passes() -> None:
    for rise, count in (("2h", 1), ("1h", 1), ("59m", 0)):
        facts = guardrail(f'against=Ago("1h"), tiers=[Warning(RisePoints("{rise}"))]', measure='Age("x")')
        cure = "write less than the time since then, by which an age grows at most"
        what = f"'errors' has a limit that can never fire: RisePoints(\"{rise}\") on Age; {cure}"
        assert [said for _, said in found(NAME, facts)] == [f"error: {what}"] * count
    facts = guardrail('against=BeforeRollout(), tiers=[Warning(RisePoints("2h"))]', measure='Age("x")')
    assert found(NAME, "stages=STAGES", facts) == []


def test_changes_rise_by_no_more_than_there_are_scrapes() -> None:
    measure = 'Changes("x", window="5m")'
    for rise, count in ((20, 1), (19, 0)):
        facts = guardrail(f'against=Ago("1d"), tiers=[Warning(RisePoints({rise}))]', measure=measure)
        assert len(found(NAME, facts)) == count


def test_a_quantile_is_never_below_its_share_of_the_first_bucket() -> None:
    """Of the buckets from 100 ms on, a p95 is at least 95 ms."""
    for limit, count in (('Below("95ms")', 1), ('Below("96ms")', 0), ('AtMost("94ms")', 1)):
        assert len(found(NAME, guardrail(f"tiers=[Warning({limit})]", measure="TIME"))) == count
    assert found(NAME, guardrail('tiers=[Warning(Below("5ms"))]', measure='Latency("x", p=95)')) == []


@pytest.mark.parametrize(
    ("condition", "bound", "what"),
    [
        ('Rate("jobs_total")', 'at_most="-1/s"', "Rate is at most -1/s"),
        ('Usage("used", 50, left=True)', 'above="100%"', "Usage is above 100%"),
        ('Count("repair")', "at_most=0", "Count is at most 0"),
        ('Changes("moved", window="5m")', "above=20", "Changes is above 20"),
    ],
)
def test_what_is_bound_to_what_never_holds_never_fires(condition: str, bound: str, what: str) -> None:
    facts = guardrail(
        'tiers=[Warning(Above("5%")), Critical(Above("9%"))]',
        measure=f"While(ERRORS, condition={condition}, {bound})",
    )
    [(_, said)] = found(NAME, facts)
    assert said.startswith(f"error: 'errors' is judged only while {what}, which it never is; write a figure")


@pytest.mark.parametrize(
    ("condition", "bound"),
    [
        ('Rate("jobs_total")', "at_most=0"),
        ('Usage("used", 50)', 'above="100%"'),
        ('Count("repair", presence="up")', "at_most=0"),
        ('Changes("moved", window="5m")', "above=19"),
    ],
)
def test_what_is_bound_to_what_may_hold_is_fine(condition: str, bound: str) -> None:
    measure = f"While(ERRORS, condition={condition}, {bound})"
    assert found(NAME, guardrail('tiers=[Warning(Above("5%"))]', measure=measure)) == []
