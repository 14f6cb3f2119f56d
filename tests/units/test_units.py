"""Durations and amounts → numbers in base units, and back into words, without losing anything on the way."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from handrail.units import DIGITS, Quantity, Unit, amount, duration, plain, seconds, show, span
from hypothesis import assume, given
from hypothesis import strategies as any_

TIMES = any_.timedeltas(timedelta(), timedelta(days=3650)).map(
    lambda time: time - time % timedelta(milliseconds=1)
)
NUMBERS = any_.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=5)
SUFFIXES = {
    "%": (Decimal("0.01"), Unit.ratio),
    "": (Decimal(1), Unit.number),
    "K": (Decimal(1000), Unit.number),
    "ms": (Decimal("0.001"), Unit.seconds),
    "s": (Decimal(1), Unit.seconds),
    "h": (Decimal(3600), Unit.seconds),
    "MB": (Decimal(10**6), Unit.bytes),
    "GiB": (Decimal(1024**3), Unit.bytes),
    "/s": (Decimal(1), Unit.per_second),
    "K/s": (Decimal(1000), Unit.per_second),
}


@given(TIMES)
def test_a_time_is_the_same_after_it_was_written_down(time: timedelta) -> None:
    assert duration(span(time)) == time


@given(TIMES)
def test_seconds_are_exact(time: timedelta) -> None:
    assert seconds(time) * 1000 == time // timedelta(milliseconds=1)


@given(TIMES)
def test_prometheus_reads_what_span_writes(time: timedelta) -> None:
    units = [part for part in span(time) if not part.isdigit()]
    order = "".join(units).replace("ms", "M")
    assert order == "".join(sorted(order, key="ydhmsM".index))


@given(NUMBERS)
def test_a_number_is_the_same_after_it_was_written_down(number: Decimal) -> None:
    assert Decimal(plain(number)) == number


@given(any_.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20))
def test_a_number_never_has_an_exponent_nor_more_digits_than_prometheus_keeps(number: Decimal) -> None:
    text = plain(number)
    assert set(text) <= set("-.0123456789")
    assert text == "0" or abs(Decimal(text) - number) <= abs(number) * Decimal(10) ** (1 - DIGITS)


@given(any_.decimals(allow_nan=False, allow_infinity=False, min_value=-9999, max_value=9999, places=3))
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_amount_is_exactly_what_was_written(suffix: str, number: Decimal) -> None:
    factor, unit = SUFFIXES[suffix]
    assume(len((number * factor).normalize().as_tuple().digits) <= DIGITS)
    assert amount(f"{number:f}{suffix}") == Quantity(number * factor, unit)


@given(any_.integers(0, 10**9))
def test_100_per_minute_is_said_as_it_was_written(number: int) -> None:
    said = show(amount(f"{number}/min").value, Unit.per_second)
    assert amount(said).value.quantize(Decimal("1e-9")) == amount(f"{number}/min").value.quantize(
        Decimal("1e-9")
    )


@given(any_.integers(-(10**15), 10**15), any_.sampled_from([Unit.bytes, Unit.number]))
def test_what_is_shown_of_whole_numbers_can_be_read_back(number: int, unit: Unit) -> None:
    assert amount(show(Decimal(number), unit).replace(" ", "")) == Quantity(Decimal(number), unit)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("0.25", "250 ms"),
        ("3599", "3599 s"),
        ("3600", "1h"),
        ("93600", "1d2h"),
        ("-1209600", "-14d"),
        ("3600.0001", "3600.0001 s"),
    ],
)
def test_a_long_time_is_said_as_durations_are_written(number: str, words: str) -> None:
    assert show(Decimal(number), Unit.seconds) == words


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("5m", timedelta(minutes=5)),
        (" 24h ", timedelta(hours=24)),
        ("1h30m", timedelta(minutes=90)),
        ("1.5h", timedelta(minutes=90)),
        ("2.5s", timedelta(milliseconds=2500)),
        ("1w2d3h4m5s6ms", timedelta(weeks=1, days=2, hours=3, minutes=4, seconds=5, milliseconds=6)),
        ("0s", timedelta()),
    ],
)
def test_durations_as_people_write_them(text: str, time: timedelta) -> None:
    assert duration(text) == time


@pytest.mark.parametrize(
    "text",
    ["", "5", "m", "5 m", "5min", "-5m", "5m5m", "30s1h", "1.5", "1.5h30m", "1e3s", "\u0665m", "5m\n5s"],
)
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration; write it like 30s, 5m, 24h, 7d or 1h30m"):
        duration(text)


@pytest.mark.parametrize(
    ("text", "what"),
    [("0.1ms", "is finer than a millisecond"), ("999999999999w", "is longer than ten years")],
)
def test_a_duration_that_prometheus_could_not_take_is_refused(text: str, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        duration(text)


@pytest.mark.parametrize(
    ("written", "value", "unit"),
    [
        ("0.5%", "0.005", Unit.ratio),
        ("-5%", "-0.05", Unit.ratio),
        ("300ms", "0.3", Unit.seconds),
        ("1h30m", "5400", Unit.seconds),
        ("776K", "776000", Unit.number),
        ("776k", "776000", Unit.number),
        ("1GiB", "1073741824", Unit.bytes),
        ("2.5 GB", "2500000000", Unit.bytes),
        ("10/s", "10", Unit.per_second),
        ("120/min", "2", Unit.per_second),
        (0, "0", Unit.number),
        (0.1, "0.1", Unit.number),
        (1e-7, "0.0000001", Unit.number),
        (Decimal("99.99"), "99.99", Unit.number),
    ],
)
def test_amounts_as_people_write_them(written: str | float | Decimal, value: str, unit: Unit) -> None:
    assert amount(written) == Quantity(Decimal(value), unit)


@pytest.mark.parametrize(
    "written",
    ["", "%", "five", "5 percent", "1,5%", "1e3", ".5%", "5gb", "5/d", "nan", float("inf"), float("nan")],
)
def test_what_is_no_amount_is_refused_with_examples(written: str | float) -> None:
    with pytest.raises(ValueError, match=r"is not an amount; write it like 0\.5%, 300ms, 2s, 1GB"):
        amount(written)


def test_more_digits_than_prometheus_keeps_are_refused() -> None:
    with pytest.raises(ValueError, match="has more digits than Prometheus keeps; write at most 15"):
        amount("1234567890.123456")


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        ("0.001", Unit.ratio, "0.1 %"),
        ("0.3", Unit.seconds, "300 ms"),
        ("2", Unit.seconds, "2 s"),
        ("10", Unit.per_second, "10/s"),
        ("0.01", Unit.per_second, "0.01/s"),
        ("1.666666666666666666666666667", Unit.per_second, "100/min"),
        ("-5", Unit.per_second, "-5/s"),
        ("1000000000", Unit.bytes, "1 GB"),
        ("1073741824", Unit.bytes, "1 GiB"),
        ("1234567", Unit.bytes, "1234567 B"),
        ("0", Unit.bytes, "0 B"),
        ("776000", Unit.number, "776000"),
    ],
)
def test_amounts_are_said_as_a_person_would(value: str, unit: Unit, said: str) -> None:
    assert str(Quantity(Decimal(value), unit)) == said
