"""The application of the demo counts what it does, as its guardrails read it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import servers
from prometheus_client.parser import text_string_to_metric_families

from end_to_end.demo import stack
from end_to_end.demo.load import load


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[str]:
    with stack.arm(tmp_path, "canary", servers.free_address()) as server:
        yield server.url


def samples(url: str, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    return {
        tuple(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(httpx.get(f"{url}/metrics", verify=servers.PLAIN).text)
        for sample in family.samples
        if sample.name == name
    }


def test_an_order_is_counted_once_by_arm_and_status_and_looking_is_not_an_order(canary: str) -> None:
    for _ in range(3):
        httpx.post(f"{canary}/orders", verify=servers.PLAIN).raise_for_status()
    httpx.get(f"{canary}/healthz", verify=servers.PLAIN)
    assert samples(canary, "http_requests_total") == {
        (("method", "POST"), ("path", "/orders"), ("status", "200"), ("track", "canary")): 3.0
    }
    assert samples(canary, "http_request_duration_seconds_count") == {
        (("path", "/orders"), ("track", "canary")): 3.0
    }


def test_a_fault_makes_orders_fail_and_slow_and_both_are_measured(canary: str) -> None:
    httpx.put(f"{canary}/fault", json={"errors": 1, "delay": 0.1}, verify=servers.PLAIN).raise_for_status()
    assert httpx.post(f"{canary}/orders", verify=servers.PLAIN).status_code == 500
    assert samples(canary, "http_requests_total") == {
        (("method", "POST"), ("path", "/orders"), ("status", "500"), ("track", "canary")): 1.0
    }
    assert samples(canary, "http_request_duration_seconds_sum").popitem()[1] > 0.1


def test_the_load_sends_as_many_orders_as_it_says_and_then_stops(canary: str) -> None:
    with load(f"{canary}/orders", per_second=50, seconds=1) as customers:
        servers.until(lambda: customers.answers[200] == 50, "50 answers", within=10)
    assert (customers.sent, customers.failed) == (50, 0)
    assert list(samples(canary, "http_requests_total").values()) == [50.0]


def test_the_load_ends_with_its_block_and_counts_orders_nobody_answered() -> None:
    with load(f"http://{servers.free_address()}/orders", per_second=50, seconds=60) as customers:
        servers.until(lambda: customers.unanswered >= 5, "five orders without an answer", within=10)
    assert customers.sent == customers.unanswered
    assert customers.failed == customers.sent < 500
