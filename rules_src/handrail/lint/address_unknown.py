"""address-unknown: a probe or a load burst names a path, or a host, that the environment does not know.

`Probe("health", "/health")` is a path of the service; the environment says where the service answers:
`Environment(services={"relay": "https://relay.example.com"})`. A load burst may only go to such an address, so that it
never becomes load on somebody else's service.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Environment, LoadBurst, Probe, Rollout
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding

NAME = "address-unknown"


def check(rollout: Rollout, here: Environment) -> Iterator[Finding]:
    """Every probe and every load burst."""
    several: list[Probe | LoadBurst] = [*rollout.probes]
    several += [burst for stage in rollout.stages for burst in stage.bursts]
    for one in several:
        if one.url.startswith("/"):
            yield from _path(one, rollout, here)
        elif isinstance(one, LoadBurst) and not any(
            _within(one.url, known) for known in here.services.values()
        ):
            what = f"a load burst goes to {one.url}, which is no service of environment '{here.name}'"
            cure = f'say Environment(services={{"{rollout.service}": "https://…"}}) if it is meant for load'
            yield finding(NAME, one, what, cure, "url", severity=Severity.fatal)


def _path(one: Probe | LoadBurst, rollout: Rollout, here: Environment) -> Iterator[Finding]:
    if rollout.service not in here.services:
        what = f"{one.url} is a path of {rollout.service}, and environment '{here.name}' does not say where that answers"
        cure = f'say Environment(services={{"{rollout.service}": "https://…"}}), or write the whole address'
        yield finding(NAME, one, what, cure, "url", severity=Severity.fatal)


def _within(url: str, address: str) -> bool:
    """Whether `url` is the address itself, or below it: no other host that only begins like it."""
    base = address.rstrip("/")
    return url == base or url.startswith((f"{base}/", f"{base}?", f"{base}#"))
