"""A playbook and a span of time → what Prometheus has of the rollout as a whole: how its traffic is split, which instances are up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from handrail.contract import Playbook

from handrail_receiver.errors import TargetError
from handrail_receiver.evidence.snapshot import UP, ArmShare, KeptSeries
from handrail_receiver.evidence.verdicts import holds_at
from handrail_receiver.outside.prometheus_history import Recorded, Series, Span

JOB = re.compile(r'[{,](job=~?"(?:[^"\\]|\\.)*")')
"""A selector's matcher of its job."""


async def kept_series(
    recorded: Recorded, expr: str, span: Span, what: str, missing: list[str]
) -> list[KeptSeries] | None:
    """The samples; None, and what is missing, where nobody can know them."""
    try:
        return list(map(kept, await recorded.series(expr, span)))
    except TargetError as error:
        missing.append(f"{what}: {error}")
        return None


def kept(series: Series) -> KeptSeries:
    return KeptSeries(labels=dict(sorted(series.labels.items())), points=series.points)


async def split_of(
    recorded: Recorded, playbook: Playbook, span: Span, missing: list[str]
) -> tuple[ArmShare, ...]:
    """What each arm has of the traffic, by the first counter of events that tells the arms apart."""
    counter = next(_counters(playbook), "")
    if not counter or playbook.arms is None:
        return ()
    label = playbook.arms.label
    series = await kept_series(
        recorded, f"sum by ({label}) (rate({counter}[5m]))", span, "the split of the traffic", missing
    )
    now = [one for one in series or () if holds_at([one], span.end, span.step.total_seconds())]
    per_second = {one.labels.get(label, ""): float(one.points[-1][1]) for one in now}
    whole = sum(per_second.values())
    return tuple(
        ArmShare(arm=arm, per_second=rate, share=rate / whole if whole else None)
        for arm, rate in sorted(per_second.items())
    )


async def instances_of(
    recorded: Recorded, playbook: Playbook, span: Span, missing: list[str]
) -> Sequence[KeptSeries]:
    """`up` of each instance of the jobs that its measures name; none where they name no job."""
    jobs = [
        match[1]
        for guardrail in playbook.guardrails
        for any_of in guardrail.needs
        for series in any_of
        for match in JOB.finditer(series)
    ]
    asked = " or ".join(f"{UP}{{{job}}}" for job in dict.fromkeys(jobs))
    return await kept_series(recorded, asked, span, "which instances are up", missing) or () if asked else ()


def _counters(playbook: Playbook) -> Iterator[str]:
    """Selectors of counters of both arms."""
    label = playbook.arms.label if playbook.arms else ""
    for guardrail in playbook.guardrails:
        for any_of in guardrail.needs:
            for series in any_of:
                metric = series.partition("{")[0]
                if metric.endswith(("_total", "_count")) and f'{label}=~"' in series:
                    yield series
