"""A rollout's page beside a real Prometheus: figures, limits, plots, what fires, earlier attempts."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
import servers
from apis.serving import Api, Request
from guarded import Guarded, guarded
from guarded.recorded import limited_playbook, recorded
from guarded.scraped import Application
from handrail.contract import Criterion, Gate
from handrail_receiver.evidence.snapshot import DECIDED
from starlette.responses import Response


@pytest.fixture(scope="module", name="application")
def _application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    with recorded(tmp_path_factory.mktemp("prometheus")) as application:
        yield application


@pytest.fixture(name="shop")
def _shop(tmp_path: Path, application: Application) -> Iterator[Guarded]:
    with guarded(tmp_path, limited_playbook(), PROMETHEUS=application.url) as shop:
        yield shop


def text(shop: Guarded, path: str = "/rollouts/shop") -> str:
    """A page without its tags, one space between words."""
    page = shop.ask("GET", path, "viewer").text
    bare = re.sub(r"<(style|script|svg).*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(bare).split())


def test_each_figure_stands_beside_its_limits_and_a_plot_with_both_arms(shop: Guarded) -> None:
    shop.call("start")
    said = text(shop)
    assert (
        "error-rate within its limits canary 0.4 % stable 0.2 % events: canary 100, stable 900"
        " warning above 1.00 %, investigate critical above 5.00 % (here 5 %) , rollback"
    ) in said
    assert "Actual traffic ● 10 % of the events are the canary's; 10 % was asked for" in said
    assert "Prometheus, asked now: nothing fires." in said
    page = shop.ask("GET", "/rollouts/shop", "viewer").text
    assert page.count(' class="line stable"') >= 2, "a line, and what says which it is"
    assert "canary: 0.4 % at the end, at most 0.4 %" in page
    assert "; limit warning, 1 %" in page


def test_what_fires_is_said_on_both_pages_as_soon_as_prometheus_says_so(
    shop: Guarded, application: Application
) -> None:
    shop.call("start")
    application.values["canary_errors"] = 0.2
    try:
        servers.until(lambda: "fires: critical" in text(shop), "the page to say so")
        assert "Prometheus, asked now: error-rate/critical ." in text(shop)
        assert (
            "1 rollout; 1 needs attention . Reports: daily , weekly Rollout State Stage Fires now Waits for shop"
            in text(shop, "/")
        )
        assert "10% error-rate/critical error-rate/critical fires" in text(shop, "/")
    finally:
        application.values["canary_errors"] = 0.004
        servers.until(lambda: not application.firing(), "it to stop")


def test_an_attempt_of_before_has_an_address_and_says_what_became_of_it(shop: Guarded) -> None:
    shop.call("start")
    shop.call("rollback", why="the first one was bad")
    shop.until("rollback", "done")
    shop.call("start")
    newest, first = text(shop), text(shop, "/rollouts/shop/attempts/1")
    assert "attempt 2 active 10%" in newest
    assert "attempt 1 rolled-back 10%" in newest
    assert "operator-1 asked for a rollback: the first one was bad" in newest
    assert "This is attempt 1, which is over." in first
    assert "Rolled back from stage 10% at" in first
    assert "What was done in attempt 1" in first
    assert "a new attempt, in stage 10% (asked by operator-1)" in first
    assert shop.ask("GET", "/rollouts/shop/attempts/2", "viewer").status_code == 200
    for number in ("3", "0", "x", "9" * 30):
        answer = shop.ask("GET", f"/rollouts/shop/attempts/{number}", "viewer")
        assert (answer.status_code, "No such attempt" in answer.text) == (404, True)


class Counting(Api):
    """A Prometheus that knows nothing, and counts what it is asked."""

    def answer(self, request: Request) -> Response:
        kind = "matrix" if "query_range" in request.path else "vector"
        return Response(f'{{"status":"success","data":{{"resultType":"{kind}","result":[]}}}}')

    def asked(self) -> list[str]:
        """The calls since the last look."""
        paths = [request.path.partition("?")[0].rpartition("/")[2] for request in self.requests]
        self.requests.clear()
        return sorted(paths)


def kinds(shop: Guarded) -> set[str]:
    """Of the records that the evidence has."""
    records = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()["records"]
    return {record["kind"] for record in records}


CRITERION = Criterion(
    guardrail="error-rate", text="below 0.5 %", expr="broken", seen="seen", judged="judged", over=1500
)
AHEAD = Gate(into="50%", criteria=(CRITERION, CRITERION.model_copy(update={"text": "below 0.4 %"})))


@pytest.mark.parametrize("gates", [(), (AHEAD,)], ids=["no criteria", "two criteria"])
def test_prometheus_is_asked_once_for_each_page_and_once_more_for_the_plots(
    tmp_path: Path, gates: tuple[Gate, ...]
) -> None:
    book = limited_playbook(gates=gates)
    with Counting() as prometheus, guarded(tmp_path, book, PROMETHEUS=prometheus.url) as shop:
        shop.call("start", anyway=True, why="nothing is there to see")
        servers.until(lambda: DECIDED in kinds(shop), "the snapshot of the start, which asks as well")
        prometheus.asked()
        text(shop, "/")
        assert prometheus.asked() == ["query"]
        said = text(shop)
        assert prometheus.asked() == ["query", "query_range"]
        text(shop)
        assert prometheus.asked() == ["query", "query_range"], "and so for the next who looks"
        shop.ask("GET", "/api/rollouts/shop/now", "viewer")
        assert prometheus.asked() == ["query"]
    assert "error-rate unknown: no rule now unknown" in said
    assert ("error-rate: below 0.5 %: unknown: none of the last 25 min had data" in said) == bool(gates)


class Broken(Counting):
    """The same, which cannot compute the criteria of a gate, or answers too late where it is asked for them."""

    late = False

    def answer(self, request: Request) -> Response:
        asked = unquote(request.path) + request.content.decode()
        if "handrail_asked" in asked and self.late:
            time.sleep(3)
        elif "handrail_asked" in asked:
            return Response('{"status":"error","errorType":"execution","error":"no"}', 422)
        return super().answer(request)


def test_a_criterion_that_cannot_be_computed_takes_no_figure_with_it(tmp_path: Path) -> None:
    with (
        Broken() as prometheus,
        guarded(tmp_path, limited_playbook(gates=(AHEAD,)), PROMETHEUS=prometheus.url) as shop,
    ):
        shop.call("start", anyway=True, why="a test")
        said = text(shop)
    assert "error-rate unknown: no rule" in said
    assert f"error-rate: below 0.5 %: unknown: Prometheus at {prometheus.url} answered 422" in said


def test_criteria_that_take_too_long_cost_the_figures_once_and_are_asked_by_themselves_then(
    tmp_path: Path,
) -> None:
    with (
        Broken() as prometheus,
        guarded(tmp_path, limited_playbook(gates=(AHEAD,)), PROMETHEUS=prometheus.url) as shop,
    ):
        shop.call("start", anyway=True, why="a test")
        prometheus.late = True
        assert "no answer within 2 s" in text(shop)
        said = text(shop)
    assert "error-rate unknown: no rule" in said
    assert "error-rate: below 0.5 %: unknown: Prometheus was not asked" in said


def test_without_an_answer_every_figure_is_unknown(tmp_path: Path) -> None:
    with guarded(tmp_path, limited_playbook(), PROMETHEUS="http://127.0.0.1:9") as shop:
        shop.call("start", anyway=True, why="nothing is there to see")
        said, first = text(shop), text(shop, "/")
    assert "Unknown: Prometheus does not answer. Prometheus at http://" in said
    assert "error-rate unknown now unknown warning above 1.00 %, investigate" in said
    assert "Prometheus, asked now: unknown ." in said
    assert "within its limits" not in said
    assert "10% unknown" in first


def test_the_first_page_is_filtered_without_javascript(shop: Guarded) -> None:
    assert "No rollout matches." in text(shop, "/?q=elsewhere")
    assert "1 rollout; none needs attention. Reports: daily , weekly Rollout State" in text(shop, "/?q=SH")
    assert "No rollout matches." in text(shop, "/?needs=1")
    page = shop.ask("GET", '/?q="><script>', "viewer").text
    assert 'value="&#34;&gt;&lt;script&gt;"' in page
