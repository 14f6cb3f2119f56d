"""A matcher's pattern → label values for test cases: whatever a team writes, what it measures is tested."""

from __future__ import annotations

import re

import pytest
from handrail import declare as d
from handrail.contract import names
from handrail.emit import promtool
from handrail.emit.promtool.patterns import values
from handrail.lower import lower
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("pattern", "first"),
    [
        ("5..", "500"),
        ("(4|5)..", "400"),
        ("4[0-9]{2}", "400"),
        ("GET|POST", "GET"),
        (".*", "x"),
        ("web-[0-9]+", "web-0"),
        (r"web-\d+", "web-0"),
        ("/api/(v1|v2)/.*", "/api/v1/x"),
        ("/users/[^/]+", "/users/x"),
        ("[^:]+:9100", "x:9100"),
        (r"10\.0\.\d+\.\d+:9100", "10.0.0.0:9100"),
        ("prod-(eu|us)(-[0-9])?", "prod-eu-0"),
        ("(?i:error)", "error"),
        ("^canary-.+$", "canary-x"),
        ("node-[a-f0-9]{4}", "node-aaaa"),
    ],
)
def test_the_plainest_value_comes_first(pattern: str, first: str) -> None:
    assert values(pattern)[0] == first


PARTS = st.sampled_from(["a", "v1", ".", r"\d", r"\w", "[0-9]", "[a-f0-9]", "[^/]", "(?:x|yz)", "-", "/"])
COUNTS = st.sampled_from(["", "", "?", "+", "*", "{2}", "{1,3}"])
PATTERNS = st.lists(st.tuples(PARTS, COUNTS).map("".join), min_size=1, max_size=5).map("".join)


@given(st.lists(PATTERNS, min_size=1, max_size=3).map("|".join))
def test_among_the_values_of_a_pattern_some_match(pattern: str) -> None:
    assert any(re.fullmatch(pattern, value) for value in values(pattern))


@pytest.mark.parametrize(
    ("whole", "bad"),
    [
        ('path=~"/api/(v1|v2)/.*"', 'path=~"/api/(v1|v2)/.*",code=~"5..",code!="503"'),
        ('instance=~"web-[0-9]+:9100"', 'instance=~"web-[0-9]+:9100",code=~"5..",code!~"50[0-4]"'),
        ('path!~"/health.*|/metrics"', 'path!~"/health.*|/metrics",code=~"[45].."'),
    ],
)
def test_what_is_measured_of_series_that_a_pattern_selects_is_tested(whole: str, bad: str) -> None:
    share = d.Ratio(f"requests_total{{{whole}}}", bad=f"requests_total{{{bad}}}", window="5m", min_events=20)
    guardrail = d.Guardrail("errors", share, tiers=[d.Warning(d.Above("5%"))])
    [rollout] = lower([d.Rollout("shop", "shop", guardrails=[guardrail])], d.Environment("test")).rollouts
    assert "cannot be tested" not in promtool.tests(rollout)[names.tests_file("shop")]


@pytest.mark.parametrize("pattern", ["[[:alpha:]]+", "[a--b]"])
def test_a_pattern_that_python_may_read_otherwise_is_told_to_be_untestable(pattern: str) -> None:
    gauge = d.Gauge(f'depth{{zone=~"{pattern}"}}')
    guardrail = d.Guardrail("depth", gauge, tiers=[d.Warning(d.Above(5))])
    [rollout] = lower([d.Rollout("shop", "shop", guardrails=[guardrail])], d.Environment("test")).rollouts
    told = (
        "cannot be tested: depth, what is measured: no example of a series with the label zone could be made"
    )
    assert told in promtool.tests(rollout)[names.tests_file("shop")]
