"""Relay's reranker: no counter of all reranks is named, so the skipped ones are a share of the vector searches."""

from __future__ import annotations

from dataclasses import replace

import pytest
from emit.grafana.own_pages import own_pages
from handrail.plan import Rollout
from own_rollouts import own_plan

from .judged import Asked, complaints

JOB = 'job="relay-memory",instance="a"'


def relay(*guardrails: str) -> Rollout:
    [found] = [one for one in own_plan().rollouts if one.name == "relay-r1"]
    return replace(found, guardrails=tuple(one for one in found.guardrails if one.name in guardrails))


@pytest.mark.parametrize(
    ("skipped", "share", "warns"), [("0+1x60", 0.005, False), ("0+4x60", 0.02, True)], ids=["0.5 %", "2 %"]
)
def test_skipped_reranks_are_a_share_of_the_vector_searches_and_more_than_one_percent_warn(
    promtool: str, skipped: str, share: float, warns: bool
) -> None:
    series = {
        f"up{{{JOB}}}": "1x60",
        f"memory_ann_query_latency_ms_count{{{JOB}}}": "0+200x60",
        f"memory_rerank_skipped_total{{{JOB}}}": skipped,
    }
    value = 'round(handrail:guardrail:value{guardrail="rerank-skips"}, 0.0001)'
    recorded = '{__name__="handrail:guardrail:value", guardrail="rerank-skips", rollout="relay-r1"}'
    firing = 'count by (alertname) (ALERTS{alertstate="firing",guardrail="rerank-skips"})'
    asked = [
        Asked(value, "50m", {recorded.replace('__name__="handrail:guardrail:value", ', ""): share}),
        Asked(firing, "50m", {'{alertname="RelayR1RerankSkipsWarning"}': 1.0} if warns else {}),
    ]
    assert complaints(promtool, relay("rerank-skips"), series, *asked, step="1m", every="1m") == ""


def test_its_page_draws_what_is_skipped_and_what_times_out() -> None:
    [panel] = [
        one
        for one in own_pages()["relay-r1-reranker.json"]["panels"]
        if one["title"] == "Reranks that are skipped or time out"
    ]
    drawn = {one["legendFormat"]: one["expr"] for one in panel["targets"]}
    assert set(drawn) == {"skipped", "timed out"}
    assert "memory_rerank_skipped_total{" in drawn["skipped"]
    assert "memory_rerank_timeout_total{" in drawn["timed out"]
