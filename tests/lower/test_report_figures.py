"""What a rollout's report asks for: from its guardrails, from its objectives, and what is declared; over the whole time."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from handrail.contract import FigureFacts, Playbook, ReportFacts, WeeklyTime
from handrail.declare import (
    Below,
    Environment,
    Gauge,
    Guardrail,
    Increase,
    Latency,
    PagerDuty,
    PromQL,
    Rate,
    Ratio,
    Report,
    Rollout,
    Secret,
    Slack,
    Slo,
    Stage,
    Tell,
    Usage,
)
from handrail.errors import HandrailError
from handrail.lower import lower
from pydantic import ValidationError

DAY = 86_400
ERRORS = Guardrail("errors", Ratio(bad='requests_total{code="500"}', of="requests_total", by=["path"]))
SUCCESS = Guardrail("success", Ratio(good='requests_total{code="200"}', of="requests_total"))
HITS = Guardrail("cache-hits", Ratio(good="hits_total", of="lookups_total"))
P50 = Guardrail("p50", Latency("request_seconds", p=50, buckets=[0.1, 0.2, 0.5]))
P95 = Guardrail("p95", Latency("request_seconds", p=95, buckets=[0.1, 0.2, 0.5]))


def playbook(*guardrails: Guardrail, **facts: Any) -> Playbook:
    rollout = Rollout("shop", "shop", stages=[Stage("all", weight="100%")], guardrails=guardrails, **facts)
    return lower([rollout], Environment("test")).rollouts[0].playbook


def sources(*guardrails: Guardrail, **facts: Any) -> dict[str, str]:
    return {one.name: one.source for one in playbook(*guardrails, **facts).figures}


def test_requests_and_errors_are_those_of_the_first_share_and_latencies_of_their_own_quantile() -> None:
    assert sources(ERRORS, HITS, P50, P95) == {
        "Average RPS": "guardrail errors",
        "Error rate": "guardrail errors",
        "Successful requests": "guardrail errors",
        "P95 latency": "guardrail p95",
        "P99 latency": "the histogram of p50",
    }


def test_successes_are_counted_where_a_guardrail_counts_them_of_the_same_events() -> None:
    assert sources(ERRORS, SUCCESS)["Successful requests"] == "guardrail success"
    assert sources(HITS, ERRORS, SUCCESS)["Error rate"] == "guardrail cache-hits"


def test_what_is_declared_comes_in_its_place() -> None:
    report = Report(
        figures={"Error rate": Ratio(bad="failed_total", of="all_total"), "Builds": Increase("b_total")}
    )
    found = sources(ERRORS, report=report)
    assert (found["Error rate"], found["Builds"], found["Average RPS"]) == (
        "declared",
        "declared",
        "guardrail errors",
    )


def test_without_a_share_a_rate_counts_requests_and_without_either_nothing_does() -> None:
    assert sources(Guardrail("rps", Rate("requests_total"))) == {"Average RPS": "guardrail rps"}
    assert sources(Guardrail("memory", Gauge("memory_bytes", unit="bytes"))) == {}


def test_uptime_and_budgets_are_those_of_the_objectives() -> None:
    slo = Slo("availability", Ratio(bad='requests_total{code="500"}', of="requests_total"), objective="99.9%")
    made = playbook(P95, slos=[slo])
    assert next(one.source for one in made.figures if one.name == "Uptime") == "objective availability"
    (left,) = made.objectives
    assert (left.objective, left.window) == (0.999, "30d")
    assert left.left == '1 - handrail:slo:error_ratio{rollout="shop",slo="availability",window="30d"} / 0.001'


def test_every_query_is_one_whatever_the_time_is_and_every_kind_of_figure() -> None:
    figures: dict[str, Any] = {
        "share": Ratio(bad="failed_total", of="all_total"),
        "count": Increase("b_total"),
        "rate": Rate("b_total"),
        "mean": Gauge("coverage_ratio"),
        "fill": Usage("used_bytes", "size_bytes"),
        "own": PromQL("sum(x) or vector(0)"),
    }
    made = playbook(ERRORS, P95, report=Report(figures=figures))
    for one in made.figures:
        assert "ms" not in one.over(82_800)  # the window that stands for the time is gone
        promql_parser.parse(one.over(82_800))
        promql_parser.parse(one.seen)
    windows = {one.name: one.over(82_800).count("82800s") for one in made.figures}
    assert windows == {
        "share": 3,
        "count": 1,
        "rate": 1,
        "mean": 1,
        "fill": 1,
        "own": 0,
        "Average RPS": 1,
        "Error rate": 3,
        "Successful requests": 3,
        "P95 latency": 2,
        "P99 latency": 2,
    }


def test_prometheus_gives_the_figures_of_the_whole_day(tmp_path: Path) -> None:
    """100 requests a minute in the first half of the day, of which 10 fail, and 300 in the second, which all succeed."""
    half = DAY // 60 // 2
    series = {
        'requests_total{code="500",path="/"}': f"0+10x{half} {10 * half}+0x{half}",
        'requests_total{code="200",path="/"}': f"0+90x{half} {90 * half + 300}+300x{half}",
        'request_seconds_bucket{le="0.1"}': f"0+90x{2 * half}",
        'request_seconds_bucket{le="0.2"}': f"0+100x{2 * half}",
        'request_seconds_bucket{le="+Inf"}': f"0+100x{2 * half}",
        "request_seconds_count": f"0+100x{2 * half}",
    }
    wanted = {
        "Average RPS": (100 + 300) / 2 / 60,
        "Error rate": 10 / 400,
        "Successful requests": 390 / 400,
        "P95 latency": 0.15,
        "P99 latency": 0.19,
    }
    known = {one.name: one for one in playbook(ERRORS, P95).figures}
    tests = [_expected(known[name], value) for name, value in wanted.items()]
    given = [{"series": name, "values": values} for name, values in series.items()]
    file = tmp_path / "figures.test.yml"
    file.write_text(
        yaml.safe_dump({"tests": [{"interval": "1m", "input_series": given, "promql_expr_test": tests}]})
    )
    said = subprocess.run(
        ["promtool", "test", "rules", str(file)], check=False, capture_output=True, text=True
    )
    assert said.returncode == 0, said.stdout + said.stderr


def _expected(figure: FigureFacts, value: float) -> dict[str, Any]:
    """It lies within a thousandth of what it should be: increases are extrapolated to the ends of the window."""
    expr = f"round(({figure.over(DAY)}) / {value}, 0.01)"
    return {"expr": expr, "eval_time": "1d", "exp_samples": [{"labels": "{}", "value": 1}]}


def test_the_times_of_the_reports_stand_in_the_playbook() -> None:
    tell = Tell(Slack("#shop", token=Secret("TOKEN")))
    report = Report(
        zone="Europe/Berlin", weekly="Fri 09:00", tell=[tell], upcoming={"Next load test": "2026-12-10"}
    )
    assert playbook(ERRORS, report=report).report == ReportFacts(
        zone="Europe/Berlin",
        weekly=WeeklyTime(day=4, at="09:00"),
        tell=(tell,),
        upcoming=(("Next load test", "2026-12-10"),),
    )


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"daily": "09:00"}, "it is sent to nobody"),
        ({"tell": [Tell(Slack("#a", token=Secret("T")))]}, "tell= without a time"),
        ({"daily": "9:00", "tell": []}, "'9:00' is not a time of day"),
        ({"weekly": "Monday 09:00"}, "'Monday 09:00' is not a time of the week"),
        ({"daily": "24:00", "tell": [Tell(Slack("#a", token=Secret("T")))]}, "24:00 is the next day"),
        ({"daily": "09:00", "tell": [Tell(PagerDuty(Secret("T")))]}, "give Slack, Mail or Webhook"),
        ({"daily": "09:00", "tell": [Tell(Slack("#a", token=Secret("T")), "x")]}, "a report has no template"),
        ({"zone": "Berlin"}, "no time zone"),
        ({"upcoming": {"Next load test": "in May"}}, "is not a day"),
        ({"upcoming": {"Next load test": "2026-12-10 09:00"}}, "is more than a day"),
        ({"figures": {"Builds": Increase("b_total", by=["branch"])}}, "leave out by="),
        ({"figures": {"a | b": Increase("b_total")}}, "should match pattern"),
        ({"guardrails": ["errors", "errors"]}, "guardrails= has 'errors' twice; name it once"),
        ({"daily_sections": ["Upcoming"]}, "daily_sections"),
    ],
)
def test_what_cannot_be_a_report_is_refused(facts: dict[str, Any], why: str) -> None:
    with pytest.raises((ValidationError, HandrailError, ValueError), match=why):
        Report(**facts)


def test_a_guardrail_without_a_target_cannot_be_named() -> None:
    judged = Guardrail("judged", ERRORS.measure, success=Below("1%"))
    assert playbook(judged, report=Report(guardrails=["judged"])).report.guardrails == ("judged",)
    with pytest.raises(
        ValidationError, match="no guardrail of that name has success=; those that have are judged"
    ):
        playbook(ERRORS, judged, report=Report(guardrails=["errors"]))
