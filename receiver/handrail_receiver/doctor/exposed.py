"""The series that rules and dashboards read + what Prometheus has of them → what is missing: metric, label, bucket."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from handrail.contract import Playbook, SeriesNeed

from handrail_receiver.doctor.findings import Finding, failed, ok, unknown
from handrail_receiver.outside.prometheus import Queryable

PLACE = "le"


async def of_series(
    need: SeriesNeed, playbook: Playbook, prometheus: Queryable, unwell: Collection[str] = ()
) -> Finding:
    """Whether its series are there, with each label and bucket; `unwell` are jobs that are not scraped.

    Raises Retryable or Permanent.
    """
    what = f"{need.rollout}: metric {need.metric}"
    if not await _any(prometheus, need.selector()):
        return await _absent(what, need, playbook, prometheus, _cure(need, unwell))
    lacking = [label for label in need.labels if not await _any(prometheus, need.selector(label + '!=""'))]
    if lacking:
        cure = f"give {need.metric} the label {lacking[0]}, or correct the declaration"
        return failed(what, f"no series of it has {_listed('label', lacking)}", cure)
    empty = [one for one in need.buckets if not await _any(prometheus, need.selector(one))]
    if empty:
        cure = "add the bound to the histogram's buckets in the application; nothing is judged between bounds"
        return failed(what, f"no series of it has {_listed('bucket', empty)}", cure)
    if need.above:
        ends = await prometheus.samples(f"count by ({PLACE}) ({need.selector()})")
        if (highest := highest_of([one.labels for one in ends])) <= max(need.above):
            text = f"its highest bucket ends at {highest:g}, and a limit is {max(need.above):g}: the quantile never gets above it"
            return failed(what, text, "add a bucket above the limit in the application")
    said = [_listed("label", need.labels), _listed("bucket", need.buckets)]
    return ok(what, ", with ".join(["is there", *filter(None, said)]))


def highest_of(ends: Sequence[Mapping[str, str]]) -> float:
    """Where the highest bucket ends that ends; -Inf where there is none."""
    bounds = (float(one.get(PLACE, "nan")) for one in ends)
    return max((bound for bound in bounds if math.isfinite(bound)), default=-math.inf)


async def _absent(
    what: str, need: SeriesNeed, playbook: Playbook, prometheus: Queryable, cure: str
) -> Finding:
    """No series: it fails where a guardrail would be blind by it, and no other series would do."""
    if need.seen:
        if await _any(prometheus, need.seen):
            text = f"nothing of {need.selector()} is there any more, and an optional guardrail that saw it is blind"
            return failed(what, text, cure)
        return ok(what, "was never there, and what reads it is optional")
    wanted = [
        any_of
        for guardrail in playbook.guardrails
        for any_of in guardrail.needs
        if any(one.partition("{")[0] == need.metric for one in any_of)
    ]
    for any_of in wanted:
        if not await _any(prometheus, " or ".join(any_of)):
            text = f"nothing of {need.selector()} is there, and without it a guardrail is blind"
            return failed(what, text, cure)
    if wanted or (need.instead and await _any(prometheus, " or ".join(need.instead))):
        return ok(what, "another series stands for it")
    where = "a limit" if need.judged else "a dashboard"
    return unknown(what, f"nothing of {need.selector()} is there yet, which {where} reads", cure)


async def _any(prometheus: Queryable, series: str) -> bool:
    return bool(await prometheus.samples(f"count({series})"))


def _cure(need: SeriesNeed, unwell: Collection[str]) -> str:
    for job in unwell:
        if f'job="{job}"' in need.matchers:
            return f"see to target {job} first: it is not scraped"
    return (
        "let the application expose it from its start, counters at 0; where it does, compare the labels of "
        f"`{need.metric}` in Prometheus with the selector"
    )


def _listed(word: str, these: Sequence[str]) -> str:
    return f"{word} {', '.join(these)}" if these else ""
