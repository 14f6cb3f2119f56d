"""A probe → what is remembered of it, beside alerts: no guardrail has a space in its name."""

from __future__ import annotations

_PROBE = "probe "
FAILING = "failing"
"""The tier, so to say, of a probe that fails."""


def probe_source(name: str) -> str:
    """`probe health/failing`: where an alert has its guardrail and its tier."""
    return f"{_PROBE}{name}/{FAILING}"


def is_probe(source: str) -> bool:
    """Whether what was said last is a probe's, and no alert's."""
    return source.startswith(_PROBE)


def failing_probes(sources: list[str]) -> list[str]:
    """`probe health`: those among what fires, in their order."""
    return [source.removesuffix(f"/{FAILING}") for source in sources if is_probe(source)]
