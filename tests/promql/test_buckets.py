"""A bound of a histogram → the matcher that finds its bucket, however a client library writes `le`."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from handrail.plan import Selector
from handrail.promql.buckets import bucket, le
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.utils import floatToGoString

SPELLINGS = {
    # bound: Go, Prometheus since 3.0, Python, Java, plain
    "0.00005": ["5e-05", "5e-05", "5e-05", "5.0E-5", "0.00005"],
    "0.0001": ["0.0001", "0.0001", "0.0001", "1.0E-4", "0.0001"],
    "0.005": ["0.005", "0.005", "0.005", "0.005", "0.005"],
    "0.5": ["0.5", "0.5", "0.5", "0.5", "0.5"],
    "1": ["1", "1.0", "1.0", "1.0", "1"],
    "2.5": ["2.5", "2.5", "2.5", "2.5", "2.5"],
    "60000": ["60000", "60000.0", "60000.0", "60000.0", "60000"],
    "1000000": ["1e+06", "1e+06", "1e+06", "1000000.0", "1000000"],
    "1800000": ["1.8e+06", "1.8e+06", "1.8e+06", "1800000.0", "1800000"],
    "1234567.5": ["1.2345675e+06", "1.2345675e+06", "1.2345675e+06", "1234567.5", "1234567.5"],
    "10000000": ["1e+07", "1e+07", "1e+07", "1.0E7", "10000000"],
    "10000000000": ["1e+10", "1e+10", "1e+010", "1.0E10", "10000000000"],
}
ALL = {text for spellings in SPELLINGS.values() for text in spellings} | {"+Inf"}


def found(bound: Decimal, spellings: set[str]) -> set[str]:
    """Those of the spellings that the matcher takes, as Prometheus would: the whole value, or a whole pattern."""
    [(label, op, wanted)] = bucket(Selector("x"), bound).matchers
    assert label == "le"
    return {text for text in spellings if (text == wanted if op == "=" else re.fullmatch(wanted, text))}


@pytest.mark.parametrize("bound", SPELLINGS)
def test_a_bound_finds_its_bucket_in_every_spelling_and_no_other_bucket(bound: str) -> None:
    assert found(Decimal(bound), ALL) == set(SPELLINGS[bound])


@pytest.mark.parametrize("bound", SPELLINGS)
def test_the_tests_write_a_bound_as_go_does(bound: str) -> None:
    assert le(Decimal(bound)) == SPELLINGS[bound][0]


@given(st.decimals("0.000001", "100000000000", allow_nan=False, places=6).filter(lambda bound: bound > 0))
def test_whatever_the_bound_python_s_client_and_ours_are_found(bound: Decimal) -> None:
    python = floatToGoString(float(bound))  # type: ignore[no-untyped-call]
    spellings = {python, repr(float(bound)), le(bound)}
    assert found(bound, spellings) == spellings
