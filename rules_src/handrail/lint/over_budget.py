"""over-budget: an acting tier needs longer to its decision, or to the end of its rollback, than the budget allows.

`budget=Budget(decide="1m", recover="5m")` says how long a service may stay broken. What a tier takes is computed:
scrape, evaluation, waiting and asking again up to the decision; window, `sustained` and the steps of the rollback beside
them up to the recovery, when all fails: a guardrail's fastest tier that acts in a stage has it in time, or none has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from handrail import plan
from handrail.contract import names
from handrail.lint.common.finding import Finding, finding
from handrail.plan.timing import Times, first_to_act
from handrail.units import span

NAME = "over-budget"


def check(rollout: plan.Rollout, times: Mapping[str, Times]) -> Iterator[Finding]:
    """Every acting tier of a rollout that has a budget."""
    decide, recover = rollout.decide_within, rollout.recover_within
    if decide is None or recover is None:
        return
    if recover < decide:
        what = f"the budget to recover, {span(recover)}, is shorter than that to decide, {span(decide)}"
        yield finding(NAME, rollout.where, what, "count both from the breach")
    for guardrail in rollout.guardrails:
        for alert in (alert for alert in guardrail.alerts if alert.action in names.ACTING):
            own = times[alert.name]
            if own.decide > decide:
                what = (
                    f"decides about {alert.tier} after {span(own.decide)}, and the budget is {span(decide)}"
                )
                cure = "shorten scrape=, evaluate= or confirm=, or allow more"
                yield finding(NAME, alert.where, what, cure, about=guardrail)
        for alert in first_to_act(guardrail, rollout.stages, times):
            own = times[alert.name]
            if own.done > recover:
                what = f"has rolled back after {span(own.done)} at {alert.tier}, and the budget is {span(recover)}"
                cure = "shorten sustained=, window= or the steps' timeout=, or allow more"
                yield finding(NAME, alert.where, what, cure, about=guardrail)
