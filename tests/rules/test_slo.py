"""An objective and what a service counted → what is recorded of it."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import sleep

import httpx
import pytest
import yaml
from handrail.declare import Environment, Gauge, Guardrail, Ratio, Rollout, Slo, SlowerThan
from handrail.emit.document import Data, yaml_document
from handrail.emit.groups import rules
from handrail.lower import lower
from handrail.plan import Rollout as Planned
from servers import PLAIN, program, prometheus
from servers.newer import newer

from .judged import needed

BAD = Ratio(bad='requests_total{code="500"}', of="requests_total")
GOOD = Ratio(good='requests_total{code="200"}', of="requests_total")
SLOW = SlowerThan("request_seconds", "500ms", buckets=[0.5])
INTERVALS = [
    ("15s", "30s"),
    ("15s", "20s"),
    *(
        pytest.param(*pair, marks=pytest.mark.long)
        for pair in (("1m", "15s"), ("15s", "15s"), ("30s", "45s"), ("15s", "1m"))
    ),
]
"""Scrape and evaluation: as they come, and such that neither divides the other; slower, and as fast."""


def shop(
    measure: Ratio | SlowerThan = BAD,
    *,
    window: str = "30d",
    objective: str = "99.9%",
    scrape: str = "15s",
    evaluate: str = "30s",
) -> Planned:
    declared = Rollout(
        "shop",
        "shop",
        scrape=scrape,
        evaluate=evaluate,
        guardrails=[Guardrail("users", Gauge("users"))],
        slos=[Slo("orders", measure, objective=objective, window=window)],
    )
    return lower([declared], Environment("test")).rollouts[0]


def complaints(
    folder: Path,
    promtool: str,
    rollout: Planned,
    series: Mapping[str, str],
    *asked: tuple[str, str, float | None],
) -> str:
    """What promtool finds wrong, nothing if each of (expression, time, its one value or None) is as asked."""
    read = needed(_of_the_slo(rollout), [expr for expr, _, _ in asked])
    (folder / "rules.yml").write_text(json.dumps(read))
    case = {
        "interval": f"{rollout.scrape.seconds}s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f"sum({expr})",
                "eval_time": at,
                "exp_samples": [] if value is None else [{"labels": "{}", "value": value}],
            }
            for expr, at, value in asked
        ],
    }
    every = f"{rollout.evaluate.seconds}s"
    test = {"rule_files": ["rules.yml"], "evaluation_interval": every, "tests": [case]}
    (folder / "test.yml").write_text(json.dumps(test))
    command = [program(promtool), "test", "rules", "test.yml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _of_the_slo(rollout: Planned) -> list[Data]:
    return [group for group in rules(rollout)["groups"] if group["name"] == "shop/slo-orders"]


def counted(what: str, number: float, at: str = "90m") -> tuple[str, str, float | None]:
    """All errors or events that were ever recorded, at a time when nothing more is counted."""
    return f"sum_over_time(handrail:slo:{what}[10h])", at, number


def after(scrape: str, scrapes: int = 101) -> str:
    """When so many scrapes and what is evaluated of them are over."""
    return f"{scrapes * (60 if scrape == '1m' else int(scrape[:-1])) + 600}s"


def course(values: Sequence[float | None], *, failing: float = 0) -> str:
    """The values from scrape to scrape as promtool reads them, the last one to the end; None, and a share: it failed."""
    chance = random.Random(17)
    inner = ["_" if value is None or chance.random() < failing else f"{value:g}" for value in values[1:-1]]
    return " ".join([f"{values[0]:g}", *inner, f"{values[-1]:g}", f"{values[-1]:g}x20"])


@pytest.mark.parametrize(("scrape", "evaluate"), INTERVALS)
def test_no_event_is_lost_when_one_scrape_in_four_fails(
    promtool: str, tmp_path: Path, scrape: str, evaluate: str
) -> None:
    bad = course([330 * n for n in range(101)], failing=0.25)
    good = course([3000 * n for n in range(101)], failing=0.25)
    series = {'requests_total{code="500"}': bad, 'requests_total{code="200"}': good}
    rollout = shop(scrape=scrape, evaluate=evaluate)
    told = counted("errors", 33_000, after(scrape)), counted("total", 333_000, after(scrape))
    assert complaints(tmp_path, promtool, rollout, series, *told) == ""


@pytest.mark.parametrize(("scrape", "evaluate"), INTERVALS)
def test_every_life_of_a_crash_loop_counts(promtool: str, tmp_path: Path, scrape: str, evaluate: str) -> None:
    """Lives of two scrapes and of three, which end with 2 and with 7 errors."""
    lives = [0, 2, 0, 3, 7] * 20
    series = {
        'requests_total{code="500"}': course([*lives, 0]),
        'requests_total{code="200"}': course([10 * n for n in range(101)]),
    }
    rollout = shop(scrape=scrape, evaluate=evaluate)
    errors = 20 * (2 + 7)
    told = counted("errors", errors, after(scrape)), counted("total", errors + 1000, after(scrape))
    assert complaints(tmp_path, promtool, rollout, series, *told) == ""


def test_what_is_back_after_an_outage_goes_on_from_what_it_had(promtool: str, tmp_path: Path) -> None:
    """Twenty minutes without a scrape lose nothing; after two hours nobody knows whose events those were."""
    short = course([0, *range(10, 210, 10), *[None] * 80, *range(500, 710, 10)])
    long = course([0, *range(10, 210, 10), *[None] * 480, *range(500, 710, 10)])
    for bad, number in ((short, 700), (long, 200 + 200)):
        series = {'requests_total{code="500"}': bad}
        told = counted("errors", number, "150m"), counted("total", number, "150m")
        assert complaints(tmp_path, promtool, shop(), series, *told) == ""


UP = 'up{job="shop",instance="%s"}'


def requests(code: str, instance: str) -> str:
    return f'requests_total{{code="{code}",job="shop",instance="{instance}"}}'


@pytest.mark.parametrize(("scrape", "evaluate"), [("15s", "30s"), ("1m", "15s"), ("15s", "20s")])
def test_the_first_errors_of_a_process_count_whole(
    promtool: str, tmp_path: Path, scrape: str, evaluate: str
) -> None:
    """A client library makes the series with the first error: 60 at the first scrape, 100 at last."""
    series = {
        UP % "a": "1x80",
        requests("200", "a"): course([10 * n for n in range(51)]),
        requests("500", "a"): "_x20 60 100x40",
    }
    told = counted("errors", 100, after(scrape, 60)), counted("total", 100 + 500, after(scrape, 60))
    rollout = shop(scrape=scrape, evaluate=evaluate)
    assert complaints(tmp_path, promtool, rollout, series, *told) == ""


def test_a_new_process_counts_whole(promtool: str, tmp_path: Path) -> None:
    """It has 3 errors and 20 requests when it is scraped first, beside one that had a thousand."""
    series = {
        UP % "a": "1x80",
        UP % "b": "_x20 1x60",
        requests("200", "a"): course([1000 + 10 * n for n in range(51)]),
        requests("500", "b"): "_x20 3x60",
        requests("200", "b"): "_x20 17+10x20 217x40",
    }
    told = counted("errors", 3, "20m"), counted("total", 500 + 3 + 217, "20m")
    assert complaints(tmp_path, promtool, shop(), series, *told) == ""


@pytest.mark.parametrize(
    "series",
    [
        {UP % "a": "_x20 1x60", requests("500", "a"): "_x20 5000x60"},
        {
            UP % "a": "1x20 _x60",
            UP % "b": "_x20 1x60",
            requests("500", "a"): "5000x20 _x60",
            requests("500", "b"): "_x20 5000x60",
        },
        {UP % "a": "1x20 0x20 1x40", requests("500", "a"): "_x40 5000x40"},
    ],
    ids=["scraped for the first time", "moved", "answers at last"],
)
def test_what_was_counted_before_anybody_looked_is_no_event(
    promtool: str, tmp_path: Path, series: Mapping[str, str]
) -> None:
    told = f"{counted('total', 0)[0]} > 0", "20m", None
    assert complaints(tmp_path, promtool, shop(), series, told) == ""


def test_what_is_no_number_spoils_no_window(promtool: str, tmp_path: Path) -> None:
    """Of two instances one once says NaN and once Inf: the other one's errors count, and its own before and after."""
    odd = " ".join(["0 1 2 3 NaN 5 6 Inf 8 9", "9x40"])
    series = {
        'requests_total{code="500",instance="a"}': course(range(51)),
        'requests_total{code="500",instance="b"}': odd,
    }
    told = counted("errors", 50 + 3 + 1 + 1), counted("total", 50 + 3 + 1 + 1)
    assert complaints(tmp_path, promtool, shop(), series, *told) == ""


@pytest.mark.parametrize(("measure", "errors"), [(BAD, 100), (GOOD, 100), (SLOW, 100)])
def test_each_measure_counts_what_fails(
    promtool: str, tmp_path: Path, measure: Ratio | SlowerThan, errors: int
) -> None:
    series = {
        'requests_total{code="500"}': course(range(101)),
        'requests_total{code="200"}': course(range(0, 1010, 10)),
        'request_seconds_bucket{le="0.5"}': course(range(0, 1010, 10)),
        'request_seconds_bucket{le="+Inf"}': course(range(0, 1111, 11)),
        "request_seconds_count": course(range(0, 1111, 11)),
    }
    told = counted("errors", errors), counted("total", 1100)
    assert complaints(tmp_path, promtool, shop(measure), series, *told) == ""


class _Every(BaseHTTPRequestHandler):
    """Metrics of which every fourth scrape fails: 25 requests more from one to the next, 5 of them errors."""

    server: Counting

    def do_GET(self) -> None:
        self.server.asked += 1
        failed = self.server.asked % 4 == 0
        self.send_response(500 if failed else 200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        if not failed:
            n = self.server.asked
            self.wfile.write(
                f'requests_total{{code="500"}} {5 * n}\nrequests_total{{code="200"}} {20 * n}\n'.encode()
            )

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name it has there
        """Nothing: the test says what matters."""


class Counting(ThreadingHTTPServer):
    asked = 0


@contextmanager
def counting() -> Iterator[Counting]:
    with Counting(("127.0.0.1", 0), _Every) as service:
        thread = Thread(target=service.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield service
        finally:
            service.shutdown()
            thread.join()


@pytest.mark.parametrize(
    "binary",
    [
        pytest.param(program("prometheus"), marks=pytest.mark.long, id="2.42"),
        pytest.param(newer("prometheus"), id="newer"),
    ],
)
def test_a_real_prometheus_records_what_a_service_counted_while_one_scrape_in_four_failed(
    binary: Path, tmp_path: Path
) -> None:
    rollout = shop(scrape="1s", evaluate="2s")
    (tmp_path / "rules.yml").write_text(yaml_document(rules(rollout), "a test"))
    with counting() as service:
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "2s"},
            "rule_files": ["rules.yml"],
            "scrape_configs": [
                {"job_name": "shop", "static_configs": [{"targets": [f"127.0.0.1:{service.server_port}"]}]}
            ],
        }
        (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
        with prometheus(tmp_path, tmp_path / "prometheus.yml", binary=binary) as server:
            sleep(20)
            # Up to the last evaluation, and from the first sample on: what lies between was counted or was not.
            last = asked(server.url, "max(timestamp(handrail:slo:total))")
            seen = {
                code: asked(server.url, f'last_over_time(requests_total{{code="{code}"}}[1m] @ {last})')
                - asked(server.url, f'min_over_time(requests_total{{code="{code}"}}[1m] @ {last})')
                for code in ("500", "200")
            }
            found = [
                asked(server.url, f"sum_over_time(handrail:slo:{what}[1m] @ {last})")
                for what in ("errors", "total")
            ]
    assert seen["500"] >= 50
    # The last second may not have been looked at yet, and no scrape counts more than 75.
    assert 0 <= seen["500"] - found[0] <= 3 * 5
    assert found[1] == 5 * found[0]


def asked(url: str, expr: str) -> float:
    answer = httpx.get(f"{url}/api/v1/query", params={"query": expr}, trust_env=False, verify=PLAIN).json()
    return float(answer["data"]["result"][0]["value"][1])
