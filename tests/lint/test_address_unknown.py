"""address-unknown: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.address_unknown import NAME

TIERS = guardrail('tiers=[Warning(Above("1%"))]')
KNOWN = 'here = Environment("production", services={"shop": "https://shop.example.com/api"})'
UNKNOWN = 'here = Environment("production")'


def probe(url: str, environment: str) -> list[str]:
    asked = f'probes=[Probe("health", "{url}")]'
    return [said for _, said in found(NAME, asked, TIERS, environments=environment)]


def burst(url: str, environment: str = KNOWN) -> list[str]:
    stage = f'Stage("10%", weight="10%", bake="1h", bursts=[LoadBurst("5m", "{url}", requests=1)])'
    stages = f'stages=[{stage}, Stage("100%", weight="100%")]'
    return [said for _, said in found(NAME, stages, TIERS, environments=environment)]


NOWHERE = (
    "fatal: /health is a path of shop, and environment 'production' does not say where that answers; "
    'say Environment(services={"shop": "https://…"}), or write the whole address'
)


def test_a_path_needs_the_address_of_its_service() -> None:
    assert probe("/health", UNKNOWN) == [NOWHERE]
    assert burst("/health", UNKNOWN) == [NOWHERE]
    assert probe("/health", KNOWN) == []
    assert burst("/health") == []


def test_a_probe_may_ask_any_address() -> None:
    assert probe("https://elsewhere.example.com/health", UNKNOWN) == []


def test_load_goes_nowhere_but_to_a_declared_service() -> None:
    def elsewhere(url: str) -> list[str]:
        return [
            (
                f"fatal: a load burst goes to {url}, which is no service of environment 'production'; "
                'say Environment(services={"shop": "https://…"}) if it is meant for load'
            )
        ]

    for url in (
        "https://elsewhere.example.com/",
        "https://shop.example.com.evil.example/api",
        "https://shop.example.com/apiary",
        "http://shop.example.com/api/query",
    ):
        assert burst(url) == elsewhere(url)
    assert burst("https://shop.example.com/api/query") == []
    assert burst("https://shop.example.com/api?query=1") == []
