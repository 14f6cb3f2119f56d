"""over-budget: an acting tier needs longer to its decision, or to the end of its rollback, than the budget allows.

`budget=Budget(decide="1m", recover="5m")` says how long a service may stay broken. Both count from the breach. Up to the
decision there are scrape, window, evaluation, `sustained`, waiting and confirming; up to the recovery also the steps of
the rollback. If everything fails, both must be kept. A value that is just over its limit has to fill the whole window
first: then only the recovery must be kept, and taking longer is a warning. In each stage the fastest tier that acts
counts; guardrails that measure one thing in windows of different lengths count as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from handrail import plan
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.plan.timing import Times, first_to_act, measured_alike
from handrail.units import span

NAME = "over-budget"
_DECIDES = "shorten window=, sustained=, scrape=, evaluate= or confirm=, or allow more"
_RECOVERS = "shorten sustained=, window= or the steps' timeout=, or allow more"


def check(rollout: plan.Rollout, times: Mapping[str, Times]) -> Iterator[Finding]:
    """Every acting tier of a rollout that has a budget."""
    decide, recover = rollout.decide_within, rollout.recover_within
    if decide is None or recover is None:
        return
    if recover < decide:
        what = f"the budget to recover, {span(recover)}, is shorter than that to decide, {span(decide)}"
        yield finding(NAME, rollout.where, what, "count both from the breach")
    for alike in measured_alike(rollout.guardrails):
        late = _Late(alike, rollout.stages, times)
        yield from late.than(decide, lambda one: one.decided, "decides about {tier} after {time}", _DECIDES)
        back = "has rolled back after {time} at {tier}"
        sudden = list(late.than(recover, lambda one: one.done, back, _RECOVERS))
        yield from sudden or late.than(
            recover,
            lambda one: one.done_at_last,
            f"{back} when the value is just over its limit",
            _RECOVERS,
            Severity.warning,
        )


@dataclass(frozen=True)
class _Late:
    """Guardrails that measure one thing, the stages they are in, and how long their alerts take."""

    alike: Sequence[plan.Guardrail]
    stages: Sequence[plan.Stage]
    times: Mapping[str, Times]

    def than(
        self,
        allowed: timedelta,
        takes: Callable[[Times], timedelta],
        what: str,
        cure: str,
        severity: Severity = Severity.error,
    ) -> Iterator[Finding]:
        """A finding for each stage in which the fastest takes longer than is allowed."""
        for guardrail, alert in first_to_act(self.alike, self.stages, self.times, takes):
            if (own := takes(self.times[alert.name])) > allowed:
                said = what.format(tier=alert.tier, time=span(own))
                said += f", and the budget is {span(allowed)}"
                yield finding(NAME, alert.where, said, cure, about=guardrail, severity=severity)
