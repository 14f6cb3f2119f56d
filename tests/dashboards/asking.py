"""The history of the sources → a Prometheus that has it, with what the rules would have recorded; its answers."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import promql_parser
import yaml
from handrail.output.read_yaml import read_yaml
from servers import PLAIN, program, prometheus

from dashboards.asked import selectors

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Answer:
    """One series of an answer: its labels and its samples."""

    labels: Mapping[str, str]
    points: Points


@dataclass(frozen=True)
class Past:
    """A Prometheus that knows the hours before `end`."""

    client: httpx.Client
    end: int

    def now(self, expr: str) -> list[Answer]:
        """What it is at the end."""
        found = self._asked("query", query=expr, time=self.end)
        return [Answer(one["metric"], _points([one["value"]])) for one in found]

    def over(self, expr: str, lasts: int, points: int = 180) -> list[Answer]:
        """How it was."""
        step = max(lasts // points, 30)
        found = self._asked("query_range", query=expr, start=self.end - lasts, end=self.end, step=step)
        return [Answer(one["metric"], _points(one["values"])) for one in found]

    def _asked(self, what: str, **given: Any) -> list[dict[str, Any]]:
        answer = self.client.post(f"/api/v1/{what}", data={key: str(value) for key, value in given.items()})
        if answer.status_code != 200:
            raise ValueError(f"{given['query']}: {answer.text}")
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found


def _points(written: list[list[Any]]) -> Points:
    return tuple((float(at), float(value)) for at, value in written)


@contextmanager
def past(folder: Path, lines: Iterator[str], rules: list[str], end: int, start: int) -> Iterator[Past]:
    """A Prometheus with these samples, and those that the recording rules make of them: one kind upon the other."""
    with (folder / "history").open("w") as file:
        file.writelines(f"{line}\n" for line in lines)
    _promtool(folder, "create-blocks-from", "openmetrics", "history", "prometheus-data")
    (folder / "prometheus.yml").write_text("{}\n")
    for number, level in enumerate(levels(rules)):
        written = folder / f"level-{number}.yml"
        written.write_text(yaml.safe_dump({"groups": [{"name": "all", "interval": "1m", "rules": level}]}))
        with prometheus(folder, folder / "prometheus.yml") as server:
            asked = [
                "--url",
                server.url,
                "--start",
                str(start),
                "--end",
                str(end),
                "--output-dir",
                "prometheus-data",
            ]
            _promtool(folder, "create-blocks-from", "rules", *asked, written.name)
    with (
        prometheus(folder, folder / "prometheus.yml") as server,
        httpx.Client(base_url=server.url, timeout=60, verify=PLAIN, trust_env=False) as client,
    ):
        yield Past(client, end)


def levels(rules: list[str]) -> list[list[dict[str, Any]]]:
    """Recording rules in the order in which one can be computed of the others."""
    left = [
        rule
        for text in rules
        for group in read_yaml(text)["groups"]
        for rule in group["rules"]
        if "record" in rule
    ]
    ordered = []
    while left:
        waiting = {rule["record"] for rule in left}
        ready = [rule for rule in left if not _read(rule) & (waiting - {rule["record"]})]
        if not ready:
            raise ValueError(f"these rules need each other: {sorted(waiting)}")
        # Of one name all at once: what reads them reads all of them.
        late = {rule["record"] for rule in left if rule not in ready}
        ordered.append([rule for rule in ready if rule["record"] not in late])
        left = [rule for rule in left if rule not in ordered[-1]]
    return ordered


def _read(rule: dict[str, Any]) -> set[str]:
    return {selector.name for selector, _ in selectors(promql_parser.parse(rule["expr"]))}


def _promtool(folder: Path, *arguments: str) -> None:
    subprocess.run([program("promtool"), "tsdb", *arguments], cwd=folder, check=True, capture_output=True)
