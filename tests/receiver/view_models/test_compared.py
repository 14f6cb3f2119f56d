"""Figures beside their limits, where the figure alone says nothing: a canary's share of few requests."""

from __future__ import annotations

import pytest
from handrail.contract import GuardrailFacts, LimitFacts, names
from handrail_receiver.view_models.compared import Figure, compared


def limit(op: str, figure: str) -> LimitFacts:
    written = {"signal": "", "op": op, "reference": None, "points": False, "state": None, "text": ""}
    return LimitFacts.model_validate({**written, "figures": [{"stage": None, "figure": figure}]})


LIMITS = (limit(">", "0.12196"), limit("<", "0.08163"))


@pytest.mark.parametrize(
    ("guardrail", "said"), [(names.SAMPLE_RATIO, "by Prometheus only"), ("error-rate", "beyond")]
)
def test_of_the_split_prometheus_says_whether_a_share_beyond_its_limit_is_no_chance(
    guardrail: str, said: str
) -> None:
    twenty, ten = (Figure("canary", "", {}, share) for share in (0.2, 0.1))
    facts = GuardrailFacts(name=guardrail, tiers=())
    assert compared(facts, LIMITS, "10%", [twenty], {}) == said
    assert compared(facts, LIMITS, "10%", [ten], {}) == "within"
    assert compared(facts, LIMITS, "10%", [], {}) == "no figure"
