"""Foreign text that we evaluate (patterns, YAML, Alertmanager's routes): none of it takes unbounded time."""

from __future__ import annotations

import time

import pytest
import yaml
from handrail_receiver.catch_up.mutes import Matcher
from handrail_receiver.catch_up.regexes import fits
from handrail_receiver.catch_up.routes import Route, is_ours
from handrail_receiver.catch_up.safe_yaml import read_yaml

HELD = {"rollout": "shop", "environment": "production", "severity": "critical"}


@pytest.mark.parametrize(
    ("pattern", "text", "fitting"),
    [
        ("sh.p", "shop", True),
        ("sh", "shop", False),
        ("a.b", "a\nb", True),
        (".", "é", True),
        ("(?i)SHOP|x", "shop", True),
        ("[[:alpha:]]+", "shop", True),
        ("(", "shop", None),
        ("(?!x)y", "y", None),
        ("((a{100}){100}){100}", "a", None),
        ("\ud800", "shop", None),
    ],
)
def test_a_pattern_is_re2_s(pattern: str, text: str, fitting: bool | None) -> None:
    assert fits(pattern, text) is fitting


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*$", "(.*a){25}", "(x+x+)+y"])
def test_a_pattern_that_takes_python_hours_takes_no_time(pattern: str) -> None:
    began = time.monotonic()
    silence = Matcher(name="table", value=pattern, isRegex=True)
    assert silence.takes({"table": "a" * 20_000 + "b"}) is False
    assert time.monotonic() - began < 1


def bomb(layers: int) -> str:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]" for n in range(1, layers)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        bomb(40),
        "&a [*a]",
        "[" * 50_000,
        "? " * 50_000,
        "a: [",
        "a: 2026-99-99T00:00:00Z",
        "!!python/name:os.system",
    ],
)
def test_yaml_that_says_too_much_or_nothing_is_refused_at_once(text: str) -> None:
    began = time.monotonic()
    with pytest.raises(yaml.YAMLError):
        read_yaml(text)
    assert time.monotonic() - began < 2


def test_yaml_with_aliases_and_merges_is_read() -> None:
    text = "base: &b {x: 1}\nother: {<<: *b, y: 2}\nlist: [*b, *b]"
    assert read_yaml(text) == yaml.safe_load(text)
    assert read_yaml("") is None


ROUTES = Route.model_validate(
    {
        "receiver": "people",
        "routes": [
            {"receiver": "archive", "continue": True},
            {
                "matchers": ['environment = "production"', "rollout=~sh.p"],
                "routes": [
                    {"receiver": "handrail", "match": {"severity": "critical"}, "continue": True},
                    {"receiver": "pager", "match_re": {"severity": "crit.*|emergency"}},
                ],
            },
            {"receiver": "staging", "matchers": ['environment!="production"'], "routes": None},
        ],
    }
)


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        (HELD, {"archive", "handrail", "pager"}),
        ({**HELD, "severity": "warning"}, {"archive", "people"}),
        ({**HELD, "environment": "staging"}, {"archive", "staging"}),
    ],
)
def test_an_alert_goes_where_alertmanager_s_routes_say(labels: dict[str, str], receivers: set[str]) -> None:
    assert {way.receiver for way in ROUTES.ways(labels)} == receivers


def test_a_receiver_of_prometheus_operator_is_ours_by_its_last_name() -> None:
    assert is_ours({"pager", "monitoring/shop/handrail"}, ("handrail",))
    assert is_ours({"production/handrail"}, ("handrail",))  # as `handrail merge alertmanager` calls it
    assert not is_ours({"staging-handrail", "handrail/pager"}, ("handrail",))
