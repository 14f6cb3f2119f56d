"""A PromQL text → the labels that its result may carry."""

from __future__ import annotations

import pytest
from handrail.promql.result_labels import result_labels


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("3", set()),
        ("vector(time())", set()),
        ("sum(in_use) / sum(size)", set()),
        ("max by (pool) (in_use)", {"pool"}),
        ("-(max by (pool) (in_use))", {"pool"}),
        ("topk(3, max by (pool) (in_use))", {"pool"}),
        ("sum by (pool) (in_use) / on (pool) group_left (zone) max by (pool, zone) (size)", {"pool", "zone"}),
        ("sum by (pool) (in_use) or sum by (zone) (in_use)", {"pool", "zone"}),
        ("sum by (pool) (in_use) > 3 and on (pool) size", {"pool"}),
        ("sum by (pool) (in_use) unless on () size", {"pool"}),
        ("sum by (pool, zone) (in_use) / on (pool) size", {"pool"}),
        ("sum by (pool) (in_use) / size", {"pool"}),
        ('count_values("size", in_use)', {"size"}),
        ('label_replace(sum(in_use), "pool", "a", "", "")', {"pool"}),
        ("histogram_quantile(0.9, sum by (le, pool) (in_use))", {"pool"}),
        ('absent(in_use{pool="a"})', set()),
    ],
)
def test_what_an_aggregation_keeps_is_known(text: str, labels: set[str]) -> None:
    assert result_labels(text) == frozenset(labels)


@pytest.mark.parametrize(
    "text",
    [
        "in_use",
        "in_use / size",
        "rate(in_use[5m])",
        "topk(3, in_use)",
        "sum without (pool) (in_use)",
    ],
)
def test_what_a_series_brings_along_is_not(text: str) -> None:
    assert result_labels(text) is None
