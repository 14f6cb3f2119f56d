"""A rollout → exporters/<rollout>.sql.yml and exporters/<rollout>.mtail: metrics out of SQL and out of logs.

sql_exporter puts `sql_` before every name; the scrape job takes it away again (`Targets(drop_prefix="sql_")`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from handrail.contract import names
from handrail.emit.document import EDIT, Data, yaml_document
from handrail.plan import (
    AccessLog,
    Environment,
    LogCounter,
    LogGauge,
    LogHistogram,
    LogSeen,
    Rollout,
    SqlSource,
)
from handrail.units import plain, span

_SLASH = re.compile(r"(\\.)|/")


def emit(rollout: Rollout, _: Environment) -> dict[str, str]:
    """The exporters' input, if the rollout has sources."""
    files: dict[str, str] = {}
    if rollout.sql:
        files[f"exporters/{rollout.name}.sql.yml"] = yaml_document(_jobs(rollout), rollout.source)
    if rollout.logs:
        files[f"exporters/{rollout.name}.mtail"] = _program(rollout)
    return files


def _jobs(rollout: Rollout) -> Data:
    return {"jobs": [_job(rollout, number, source) for number, source in enumerate(rollout.sql, 1)]}


def _job(rollout: Rollout, number: int, source: SqlSource) -> Data:
    queries = [
        {
            "name": metric.name,
            "help": metric.help,
            **({"labels": list(metric.labels)} if metric.labels else {}),
            "values": ["value"],
            "query": metric.query,
        }
        for metric in source.metrics
    ]
    return {
        "name": names.sql_job(rollout.name, number),
        "interval": span(source.every),
        "connections": [source.database],
        "queries": queries,
    }


def _program(rollout: Rollout) -> str:
    parts = [f"# generated from {rollout.source}; {EDIT}"]
    for source in rollout.logs:
        if source.access is not None:
            parts.append(_access(source.access))
        parts += map(_counter, source.alive)
        parts += map(_counter, source.counters)
        parts += map(_histogram, source.histograms)
        parts += map(_gauge, source.gauges)
        parts += map(_seen, source.seen)
    return "\n\n".join(parts) + "\n"


def _access(log: AccessLog) -> str:
    return "\n".join(
        (
            f"counter {log.requests} by status",
            _buckets(log.duration, log.buckets),
            f"{_matched(log.pattern)} {{",
            f"  {log.requests}[$status]++",
            f"  {log.duration} = $seconds",
            "}",
        )
    )


def _buckets(name: str, bounds: Sequence[Decimal]) -> str:
    # mtail's first bucket boundary is the lower end of the first bucket.
    return f"histogram {name} buckets 0, {', '.join(map(plain, bounds))}"


def _counter(counter: LogCounter) -> str:
    head, _ = _labelled("counter", counter.name, counter.labels)
    texts = dict.fromkeys(text for _, text in counter.patterns if text is not None)
    zero = [f'  {counter.name}["{text}"] += 0' for text in texts]
    there = ["// {", *zero, "}"] if zero else []
    cases: list[tuple[str, str]] = [(pattern, "") for pattern in counter.ignoring]
    cases += [(pattern, _more(counter, pattern, text)) for pattern, text in counter.patterns]
    return "\n".join([head, *there, *_first_of(cases, "")])


def _more(counter: LogCounter, pattern: str, text: str | None) -> str:
    _, series = _labelled("counter", counter.name, counter.labels)
    own = series if text is None else f'{counter.name}["{text}"]'
    return f"{own} += $value" if "(?P<value>" in pattern else f"{own}++"


def _labelled(kind: str, name: str, labels: Sequence[str]) -> tuple[str, str]:
    """The declaration of a metric, and how its series is named with the values of a line's groups."""
    by = f" by {', '.join(labels)}" if labels else ""
    return f"{kind} {name}{by}", name + "".join(f"[${label}]" for label in labels)


def _first_of(cases: Sequence[tuple[str, str]], indent: str) -> list[str]:
    """The action for the first pattern that matches: a line that matches two counts once."""
    (pattern, act), *others = cases
    lines = [f"{indent}{_matched(pattern)} {{", *([f"{indent}  {act}"] if act else [])]
    if not others:
        return [*lines, f"{indent}}}"]
    return [*lines, f"{indent}}} else {{", *_first_of(others, f"{indent}  "), f"{indent}}}"]


def _histogram(histogram: LogHistogram) -> str:
    scaled = "float($value)" if histogram.scale == 1 else f"float($value) * {plain(histogram.scale)}"
    head = _buckets(histogram.name, histogram.buckets)
    return f"{head}\n{_matched(histogram.pattern)} {{\n  {histogram.name} = {scaled}\n}}"


def _gauge(gauge: LogGauge) -> str:
    """A gauge that does not exist before its first line: without a label mtail would show 0 from its start on."""
    if gauge.labels:
        head, series = _labelled("gauge", gauge.name, gauge.labels)
    else:
        head, series = f"gauge {gauge.name} by {names.LINE}", f'{gauge.name}["{names.NEWEST}"]'
    lines = [
        f'  $value == "{text}" {{\n    {series} = {plain(figure)}\n  }}' for text, figure in gauge.values
    ] or [f"  {series} = float($value)"]
    return "\n".join([head, f"{_matched(gauge.pattern)} {{", *lines, "}"])


def _seen(seen: LogSeen) -> str:
    one = f"{seen.name}[${seen.label}]"
    return "\n".join(
        (
            f"gauge {seen.name} by {seen.label}",
            f"{_matched(seen.pattern)} {{",
            f"  {one} = 1",
            f"  del {one} after {span(seen.within)}",
            "}",
        )
    )


def _matched(pattern: str) -> str:
    """The pattern between mtail's slashes; slashes inside it are escaped."""
    inside = _SLASH.sub(lambda match: match[1] or r"\/", pattern)
    return f"/{inside}/"
