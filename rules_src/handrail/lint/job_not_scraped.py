"""job-not-scraped: a measure asks for the series of a job that the environment does not scrape.

`Gauge('build_seconds{job="shop-ci"}')` is blind for ever where `Environment(scrape=[…])` has no job that fits. Where the
environment declares no jobs, or Prometheus is there already (`existing=["prometheus"]`), others may scrape it.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Environment, Rollout
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.measured import measured, series
from handrail.plan import Selector
from handrail.promql.syntax import selector

NAME = "job-not-scraped"
JOB = "job"


def check(rollout: Rollout, here: Environment) -> Iterator[Finding]:
    """Every series that names its job, by each measure once."""
    jobs = tuple(dict.fromkeys(target.job for target in here.scrape))
    if not jobs or "prometheus" in here.existing:
        return
    added = {**rollout.match, **here.match.get(rollout.name, {})}
    everywhere = tuple((label, "=", text) for label, text in added.items() if label == JOB)
    for entry in measured(rollout):
        for field, text in series(entry.measure):
            asked = [*(one for one in selector(text).matchers if one[0] == JOB), *everywhere]
            if asked and not any(_fits(asked, job) for job in jobs):
                wanted = ", ".join(f'{JOB}{op}"{value}"' for _, op, value in asked)
                what = f"asks for {wanted}, which environment '{here.name}' does not scrape"
                cure = f"add Targets(…) to its scrape=, or correct the job; there are: {', '.join(jobs)}"
                yield finding(NAME, entry.measure, what, cure, field, about=entry.of)


def _fits(asked: list[tuple[str, str, str]], job: str) -> bool:
    return all(Selector("", (matcher, (JOB, "=", job))).contradiction is None for matcher in asked)
