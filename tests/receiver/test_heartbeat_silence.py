"""How long no heartbeat came, by a clock that may be set back."""

from __future__ import annotations

from datetime import datetime, timedelta

from guarded import NOW
from handrail_receiver.metrics import Metrics


def after(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def test_silence_counts_from_the_newest_heartbeat_or_from_the_start() -> None:
    metrics = Metrics(NOW)
    assert metrics.silence(after(3)) == 180
    metrics.heartbeat(after(4))
    assert metrics.silence(after(5)) == 60


def test_a_clock_that_is_set_back_makes_no_silence_shorter() -> None:
    metrics = Metrics(NOW)
    metrics.heartbeat(after(4))
    assert metrics.silence(after(5)) == 60
    assert metrics.silence(after(-55)) == 60
    assert metrics.silence(after(-54)) == 120
    metrics.heartbeat(after(-53))
    assert metrics.silence(after(-52)) == 60
