"""The sources' usual figures → six hours of them with one bad spell, and the attempts of those hours, as OpenMetrics.

The same at each time: what looks like chance is made of names and times.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from zlib import crc32

from handrail import plan
from handrail.contract import names

from dashboards.exported import Labels, Series, below

STEP = 30
LASTS = 7 * 3600
"""An hour more than is drawn: windows look back."""
HOUR = 3600.0
SPELL = (2.2 * HOUR, 1.8 * HOUR)
"""How long before the end the bad spell began and ended."""
BAD = {"500", "502", "503", "UNAVAILABLE", "INTERNAL", "password", "timeout", "rate_limit", "open"}
FAILED = {("success", "false"), ("hit", "false")}
WEEK = 7 * 86400
DAY = 86400
AGO = {
    "users_seen",
    "application_log_lines_total",
    "http_request_duration_seconds_bucket",
    "http_request_duration_seconds_count",
    "http_request_duration_seconds_sum",
    "redis_commands_processed_total",
}
"""What is compared with the same hour and the same day of last week."""
SETTLED = {
    "up",
    "pg_up",
    "redis_up",
    "canary_sample_rate",
    "grpc_connections_in_use",
    "build_coverage_ratio",
    "memory_chunks_row_count",
}
"""What moves in whole steps or not at all."""
STEADY = (
    "feature_flag_",
    "node_filesystem_size",
    "node_memory_MemTotal",
    "pg_settings",
    "_max_bytes",
    "_size",
)


def history(series: Sequence[Series], rollouts: Sequence[plan.Rollout], end: int) -> Iterator[str]:
    """The lines of an OpenMetrics file, metric by metric."""
    times = range(end - LASTS, end + 1, STEP)
    everything: dict[str, list[tuple[str, list[tuple[int, float]]]]] = {}
    for one in series:
        samples = list(zip(times, _values(one, times, end), strict=True))
        if one.name in AGO:
            earlier = [at for at in range(end - LASTS - DAY, end + 1, 240) if at < times.start]
            week_ago = [at - WEEK for at in range(end - LASTS - DAY, end + 1, 240)]
            began = week_ago[0]
            grown = one.level * (times.start - began) if one.counter else 0  # it goes on from there
            samples = [
                *((at, one.level * (at - began if one.counter else 1)) for at in (*week_ago, *earlier)),
                *((at, grown + value) for at, value in samples),
            ]
        everything.setdefault(one.name, []).append((str(one), samples))
    for name, labels, value in _of_receiver(rollouts, end):
        told = [(at, value(at)) for at in times]
        everything.setdefault(name, []).append((str(Series(name, labels, False, 0)), told))
    for name, all_of_it in everything.items():
        yield f"# TYPE {name} unknown"
        for shown, samples in all_of_it:
            yield from (f"{shown} {value:.10g} {at}" for at, value in samples if not math.isnan(value))
    yield "# EOF"


def _values(series: Series, times: range, end: int) -> Iterator[float]:
    total = 1000 * series.level
    for at in times:
        figure = (
            _breaker(series, at - end)
            if series.name == "circuit_breaker_state"
            else _figure(series, at - end)
        )
        total += figure * STEP
        yield total if series.counter else figure


def _figure(series: Series, before_end: float) -> float:
    """Events per second, or the value, so long before the end."""
    labels = dict(series.labels)
    if series.name == "ruleiq_ff_enabled":
        return float(_served(labels, before_end))
    if not series.counter and (series.name in SETTLED or any(part in series.name for part in STEADY)):
        return series.level
    whose = f"{series.name.removesuffix('_bucket').removesuffix('_count')}{labels.get('instance')}{labels.get('endpoint')}{labels.get('mode')}"
    figure = series.level * _wave(whose, before_end)
    if series.bound is not None:
        median = series.median * _wave(f"{whose} median", before_end) * (1 + 0.5 * _spell(before_end))
        figure *= below(series.bound, median) / (below(series.bound, series.median) or 1)
    if set(labels.values()) & BAD or FAILED & set(series.labels):
        figure *= 1 + 2.5 * _spell(before_end)
    if series.name == "ruleiq_ff_evaluations_total" and labels["result"] == "true":
        return figure * _served(labels, before_end)
    return figure


def _served(labels: Mapping[str, str], before_end: float) -> bool:
    """Whether a flag of ruleiq's is on: the later one for three hours."""
    return labels["flag_name"] != "bulk-import" or before_end > -3 * HOUR


def _breaker(series: Series, before_end: float) -> float:
    """Open in the middle of the spell, half open after it, closed else."""
    since = before_end + SPELL[0]
    state = "open" if 300 < since < 900 else "half-open" if 900 <= since < 1500 else "closed"
    return float(dict(series.labels)["state"] == state)


def _wave(whose: str, at: float) -> float:
    """Around 1: a slow wave, and a little that looks like chance."""
    phase = crc32(whose.encode()) % 628 / 100
    chance = crc32(f"{whose} {at}".encode()) % 1000 / 1000 - 0.5
    return 1 + 0.07 * math.sin(at / HOUR * 2 + phase) + 0.05 * chance


def _spell(before_end: float) -> float:
    """How bad it is: from 0 to 1 and back."""
    began, ended = SPELL
    inside = (before_end + began) / (began - ended)
    return math.sin(inside * math.pi) if 0 < inside < 1 else 0.0


Of = Callable[[int], float]
Told = tuple[str, Labels, Of]


def _always(figure: float) -> Of:
    return lambda _: figure


def entered(rollout: plan.Rollout, end: int) -> list[tuple[plan.Stage, int]]:
    """The stages that were reached, and when: two of them, or one where it is a matter of minutes."""
    first = rollout.stages[0].bake if rollout.stages else None
    if first is not None and first.total_seconds() <= 2 * HOUR:
        return [(rollout.stages[0], end - 40 * 60)]
    began = (end - int(5 * HOUR), end - int(1.5 * HOUR))
    return list(zip(rollout.stages[:2], began, strict=False))


def _of_receiver(rollouts: Sequence[plan.Rollout], end: int) -> Iterator[Told]:
    yield names.HEARTBEAT_AGE_METRIC, (), _always(2.5)
    for rollout in rollouts:
        own = (names.ROLLOUT, rollout.name)
        yield (
            "ALERTS",
            (("alertname", names.HEARTBEAT_ALERT), ("alertstate", "firing"), own),
            _always(1),
        )
        if rollout.stages:
            yield from _attempt(rollout, own, entered(rollout, end))
        for guardrail in rollout.playbook.guardrails:
            for reference in guardrail.references:
                whose = (own, (names.GUARDRAIL, guardrail.name), (names.REFERENCE, reference.reference))
                yield names.REFERENCE_METRIC, whose, _always(_captured(guardrail.name))


def _captured(guardrail: str) -> float:
    """A figure from before the rollout, a little better than today's."""
    if "error" in guardrail or guardrail.endswith(("5xx", "403")):
        return 0.002
    return {"redis-clients": 11.0, "daily-p95": 0.21, "stage-latency-p95": 0.6}.get(guardrail, 0.24)


def _attempt(
    rollout: plan.Rollout, own: tuple[str, str], reached: list[tuple[plan.Stage, int]]
) -> Iterator[Told]:
    def now(at: int) -> plan.Stage | None:
        return next((stage for stage, since in reversed(reached) if at >= since), None)

    def inside(stage: plan.Stage) -> Of:
        return lambda at: float(now(at) is stage)

    def while_inside(stage: plan.Stage, since: int) -> Of:
        return lambda at: float(since) if now(at) is stage else math.nan

    def weight(at: int) -> float:
        stage = now(at)
        return float(stage.weight or 0) if stage is not None else 0.0

    def from_then_on(since: int) -> Of:
        return lambda at: 1.0 if at >= since else math.nan

    for stage in rollout.stages:
        yield names.STAGE_METRIC, (own, (names.STAGE, stage.name)), inside(stage)
    for place, (stage, since) in enumerate(reached):
        yield names.STAGE_ENTERED_METRIC, (own, (names.STAGE, stage.name)), while_inside(stage, since)
        done = (own, (names.ACTION, "promote" if place else "start"), ("outcome", "done"))
        yield names.ACTIONS_METRIC, done, from_then_on(since)
    yield names.WEIGHT_METRIC, (own,), weight
