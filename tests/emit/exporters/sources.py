"""A rollout's generated exporter input → the real mtail and the real sql_exporter that read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import httpx
import yaml
from emit.each import of_each
from handrail.emit import exporters
from handrail.output.read_yaml import read_yaml
from own_rollouts import own_plan
from servers import PLAIN, Server, answers, free_address, running

SOURCE = Path(__file__).parents[3] / "rules_src"


def generated(path: str) -> str:
    """One of the exporter files of the project's own declarations."""
    return _generated()[path]


@cache
def _generated() -> dict[str, str]:
    return of_each(exporters.emit, own_plan())


def metrics(url: str, prefix: str) -> dict[str, float]:
    """The samples whose name begins with `prefix`, by series."""
    lines = httpx.get(f"{url}/metrics", verify=PLAIN).text.splitlines()
    samples = (line.rsplit(" ", 1) for line in lines if line.startswith(prefix))
    return {series: float(value) for series, value in samples}


def labelled(url: str, name: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """The samples of a metric, each with its labels."""
    for series, value in metrics(url, f"{name}{{").items():
        yield name, dict(re.findall(r'(\w+)="([^"]*)"', series)), value


@contextmanager
def mtail(folder: Path, log: Path, text: str, *more: str) -> Iterator[Server]:
    """mtail with this program, reading `log`."""
    program = folder / "program.mtail"
    program.write_text(text)
    address = free_address()
    host, port = address.split(":")
    argv: list[str | Path] = ["mtail", "--progs", program, "--logs", log, "--address", host, "--port", port]
    argv += ["--emit_prog_label=false", "--logtostderr", "--poll_interval=100ms", "--poll_log_interval=100ms"]
    url = f"http://{address}/metrics"
    with running(
        "mtail", [*argv, *more], folder=folder, address=address, ready=lambda: answers(url)
    ) as server:
        yield server


@contextmanager
def sql_exporter(folder: Path, text: str, database: str) -> Iterator[Server]:
    """sql_exporter with this file, asking `database` every second."""
    config = read_yaml(text)
    config["jobs"][0] |= {"interval": "1s", "connections": [database]}
    (folder / "sql.yml").write_text(yaml.safe_dump(config))
    address = free_address()
    argv: list[str | Path] = ["prometheus-sql-exporter", "-config.file", "sql.yml"]
    argv += ["-web.listen-address", address]
    url = f"http://{address}/metrics"
    with running("sql", argv, folder=folder, address=address, ready=lambda: answers(url)) as server:
        yield server


def sql_values(server: Server, *labels: str) -> dict[str, float]:
    """What it read, by metric and the values of these labels, without what it says of itself."""
    found = {}
    for series, value in metrics(server.url, "sql_").items():
        name = series.partition("{")[0].removeprefix("sql_")
        if not name.startswith("exporter"):
            told = (series.partition(f'{label}="')[2].partition('"')[0] for label in labels)
            found[" ".join([name, *filter(None, told)])] = value
    return found
