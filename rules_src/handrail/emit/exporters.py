"""A rollout → exporters/<rollout>.sql.yml and exporters/<rollout>.mtail: metrics out of SQL and out of logs.

sql_exporter puts `sql_` before every name; the scrape job takes it away again (`Targets(drop_prefix="sql_")`).
"""

from __future__ import annotations

import re

from handrail.emit.document import EDIT, Data, yaml_document
from handrail.plan import AccessLog, Environment, LogSource, Rollout, SqlSource
from handrail.units import plain, span

_SLASH = re.compile(r"(\\.)|/")


def emit(rollout: Rollout, _: Environment) -> dict[str, str]:
    """The exporter input, where the rollout has sources."""
    files: dict[str, str] = {}
    if rollout.sql:
        files[f"exporters/{rollout.name}.sql.yml"] = yaml_document(_jobs(rollout), rollout.source)
    if rollout.logs:
        files[f"exporters/{rollout.name}.mtail"] = _program(rollout)
    return files


def _jobs(rollout: Rollout) -> Data:
    return {"jobs": [_job(rollout, number, source) for number, source in enumerate(rollout.sql)]}


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
    name = rollout.name if number == 0 else f"{rollout.name}-{number + 1}"
    return {
        "name": name,
        "interval": span(source.every),
        "connections": [source.database],
        "queries": queries,
    }


def _program(rollout: Rollout) -> str:
    parts = [f"# generated from {rollout.source}; {EDIT}"]
    for source in rollout.logs:
        if source.access is not None:
            parts.append(_access(source.access))
        parts += _counters(source)
    return "\n\n".join(parts) + "\n"


def _access(log: AccessLog) -> str:
    # mtail's first bucket boundary is the lower end of the first bucket.
    bounds = ", ".join(plain(bound) for bound in log.buckets)
    return "\n".join(
        (
            f"counter {log.requests} by status",
            f"histogram {log.duration} buckets 0, {bounds}",
            f"{_matched(log.pattern)} {{",
            f"  {log.requests}[$status]++",
            f"  {log.duration} = $seconds",
            "}",
        )
    )


def _matched(pattern: str) -> str:
    """The pattern between mtail's slashes, with slashes inside it escaped once."""
    inside = _SLASH.sub(lambda match: match[1] or r"\/", pattern)
    return f"/{inside}/"


def _counters(source: LogSource) -> list[str]:
    return [
        "\n".join((f"counter {name}", *(f"{_matched(pattern)} {{\n  {name}++\n}}" for pattern in patterns)))
        for name, patterns in source.counters
    ]
