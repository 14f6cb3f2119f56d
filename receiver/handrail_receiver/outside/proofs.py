"""The proof of a rollback → what of it does not hold now: asked of Prometheus, and of the stable version's probes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from handrail.contract import ProbeFacts, Proof

from handrail_receiver.errors import TargetError
from handrail_receiver.outside.probes import ProbeAnswer
from handrail_receiver.outside.prometheus import Queryable

AskProbes = Callable[[Sequence[ProbeFacts]], Awaitable[Mapping[str, ProbeAnswer]]]


async def nobody_asks(_: Sequence[ProbeFacts]) -> Mapping[str, ProbeAnswer]:
    """What probes answer where nobody sends them."""
    return {}


async def not_proved(proof: Proof, prometheus: Queryable, ask: AskProbes) -> str:
    """What of a proof does not hold now, or cannot be known; empty when all of it does."""
    try:
        traffic = await prometheus.values(proof.expr)
        serves = not proof.serves or bool(await prometheus.values(proof.serves))
    except TargetError as error:
        return str(error)
    if not traffic:
        return "Prometheus has no figure of the arm's traffic, which proves nothing"
    if any(not value <= proof.at_most for value in traffic):  # NaN is no proof
        return f"the arm still has {max(traffic):g}, more than {proof.at_most:g}"
    if not serves:
        return "the stable version has no traffic, or Prometheus has no figure of it: nobody may be served"
    answers = await ask(proof.probes) if proof.probes else {}
    return "; ".join(filter(None, (_not_well(one, answers.get(one.name)) for one in proof.probes)))


def _not_well(probe: ProbeFacts, answer: ProbeAnswer | None) -> str:
    if answer is None:
        return f"probe {probe.name} was not asked"
    return "" if answer.verdict == "ok" else f"probe {probe.name}: {answer.verdict}: {answer.text}"
