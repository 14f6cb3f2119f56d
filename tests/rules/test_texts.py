"""Texts in any characters → rules that Prometheus loads, and texts that read the same."""

from __future__ import annotations

from dataclasses import replace

from handrail.contract import names
from handrail.declare import Above, Critical, Gauge, Guardrail, Is, Ratio, Runbook, State
from handrail.emit import promtool as tests_of
from handrail.emit.groups import rules
from handrail.emit.promtool.text import expanded

from .judged import complaints, firing, shop

RUNBOOK = Runbook("{{ .Nothing }}", look=["{{"], fix=["}}"])
ODD = Guardrail(
    "odd",
    Gauge("odd"),
    title='Depth of {{ range }} "all"',
    tiers=[Critical(Above(1), note="See {{ $labels.queue }}.")],
    runbook=RUNBOOK,
)


def test_braces_in_a_title_or_a_note_are_letters_to_prometheus(promtool: str) -> None:
    assert complaints(promtool, shop(ODD), {"odd": "2x20"}, firing("2m", "ShopOddCritical")) == ""


def test_what_people_read_is_what_was_written() -> None:
    groups = rules(shop(ODD))["groups"]
    [alert] = [rule for group in groups for rule in group["rules"] if rule.get("alert") == "ShopOddCritical"]
    assert {
        name: expanded(text, 2.0, {}) for name, text in alert["annotations"].items() if "_url" not in name
    } == {
        "summary": 'shop: Depth of {{ range }} "all": critical, investigate',
        "description": ('Depth of {{ range }} "all": 2. Critical means above 1. See {{ $labels.queue }}.'),
    }


def test_a_state_of_any_name_is_asked_for(promtool: str) -> None:
    breaker = Guardrail("breaker", State("breaker"), tiers=[Critical(Is('half "open" {{ x }}'))])
    series = {'breaker{state="half \\"open\\" {{ x }}"}': "1x20", 'breaker{state="closed"}': "0x20"}
    assert complaints(promtool, shop(breaker), series, firing("2m", "ShopBreakerCritical")) == ""


def test_a_pattern_that_only_prometheus_reads_is_left_to_it() -> None:
    """No unit test can be made of it; the file says so, and nothing breaks."""
    odd = Ratio(bad='r_total{code=~"[[:digit:]]+|\\\\pL"}', of="r_total")
    planned = shop(Guardrail("odd", odd, tiers=[Critical(Above("1%"))]))
    text = tests_of.tests(replace(planned, source="here"))[names.tests_file("shop", "")]
    assert (
        "# cannot be tested: odd, what is measured: no example of a series with the label code could be made"
        in text
    )
