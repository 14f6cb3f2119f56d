"""For every measure: a missing figure is never fine, and a figure beyond a limit is never within it."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from every_measure import EVERY_MEASURE
from fuzz.declarations import rollouts
from handrail import declare as d
from handrail.contract import GuardrailFacts, LimitFacts, Playbook, names
from handrail.lower import lower
from handrail_receiver.evidence.guardrail_results import guardrail_results
from handrail_receiver.evidence.snapshot import KeptSeries, RulesSeen, Snapshot, TierSeen
from handrail_receiver.evidence.verdicts import verdict_of, with_figures
from handrail_receiver.view_models.guardrails import watched
from handrail_receiver.view_models.reference_figures import ABOUT, past_of
from hypothesis import given, settings
from hypothesis import strategies as some

from .kept import NOW, STEP, series

STAGES = [d.Stage("10%", weight="10%", bake="1h"), d.Stage("100%", weight="100%")]
GAUGE = d.Gauge("depth")
OVER_10, UP_10 = [d.Critical(d.Above(10))], [d.Critical(d.Rise("10%"))]


def book_of(guardrail: d.Guardrail, arms: d.Arms | None = None) -> Playbook:
    rollout = d.Rollout("shop", "shop", stages=STAGES, arms=arms, guardrails=[guardrail])
    (planned,) = lower([rollout], d.Environment("here")).rollouts
    return planned.playbook


def checked(book: Playbook, measures: list[KeptSeries], stage: str = "10%") -> Snapshot:
    """What a check says of the first guardrail, none of whose rules holds."""
    guardrail = book.guardrails[0]
    own = {"guardrail": guardrail.name, "rollout": "shop"}
    known = [one.model_copy(update={"labels": {**own, **one.labels}}) for one in measures]
    figures = [one.points[-1][1] for one in known if one.labels.get("__name__") == names.VALUE]
    seen = [
        TierSeen(
            guardrail=guardrail.name,
            tier=tier.tier,
            action=tier.action,
            query=tier.expr,
            limits=tuple(limit.text for limit in tier.limits),
            verdict=with_figures(
                verdict_of(tier.tier, (), (), NOW, STEP), tier, guardrail, book, stage, known, NOW, STEP
            ),
            value=figures[0] if figures else "",
            shadow=tier.shadow,
        )
        for tier in guardrail.tiers
    ]
    return Snapshot(
        rollout="shop",
        attempt=1,
        of=(),
        by="alice",
        why="",
        at=NOW,
        start=NOW,
        end=NOW,
        step=STEP,
        stage=stage,
        playbook="p",
        rules=RulesSeen(generated="g", loaded=("g",), text=""),
        artifact="",
        asked=None,
        split=(),
        fires=(),
        tiers=tuple(seen),
        measures=tuple(known),
        missing=(),
    )


INFO = series({"unit": "number", "mode": "active"}, [1], names.INFO)


@settings(derandomize=True)
@given(rollouts())
def test_a_guardrail_without_a_figure_is_blind_and_never_ok_whatever_it_measures(
    drawn: tuple[d.Rollout, d.Environment] | None,
) -> None:
    if drawn is None:
        return
    rollout, environment = drawn
    book = lower([rollout], environment).rollouts[0].playbook
    for guardrail in book.guardrails:
        alone = book.model_copy(update={"guardrails": (guardrail,)})
        _says_nothing_good(alone, guardrail)


@pytest.mark.parametrize(
    ("measure", "limit"), EVERY_MEASURE, ids=[type(one).__name__ for one, _ in EVERY_MEASURE]
)
def test_without_a_figure_no_measure_reads_ok(measure: Any, limit: Any) -> None:
    book = book_of(d.Guardrail("depth", measure, tiers=[d.Critical(limit)]))
    _says_nothing_good(book, book.guardrails[0])


def _says_nothing_good(book: Playbook, guardrail: GuardrailFacts) -> None:
    found = checked(book, [INFO])
    shadow = all(tier.shadow for tier in guardrail.tiers)
    words = {one.word for one in guardrail_results(found)}
    looked_at = {"", *(limit.signal for tier in guardrail.tiers for limit in tier.limits)}
    idle = looked_at <= {*guardrail.only_while}
    said = set() if shadow else {"IDLE" if idle else "BLIND"}
    assert (words, found.ok) == (said, idle or shadow)
    assert not {"within", "unbroken"} & {one.verdict for one in found.tiers}
    age = ({ABOUT: "age", "guardrail": guardrail.name}, NOW.timestamp())
    info = ({"__name__": names.INFO, "guardrail": guardrail.name}, 1.0)
    [now] = watched(book, None, (), [info, age], NOW.timestamp()).guardrails
    assert now.word == ("not judged now" if idle else "no data")


def test_what_is_judged_only_while_something_holds_is_blind_where_no_rule_was_evaluated() -> None:
    book = book_of(d.Guardrail("depth", d.While(GAUGE, condition=d.Gauge("workers")), tiers=OVER_10))
    assert book.guardrails[0].only_while == ("",)
    assert [one.text() for one in guardrail_results(checked(book, [INFO]))] == [
        "IDLE depth: no figure (above 10), not judged now"
    ]
    assert [one.text() for one in guardrail_results(checked(book, []))] == [
        "BLIND depth: no figure (above 10)"
    ]


def test_a_shadow_of_which_one_measure_is_idle_and_another_has_no_figure_has_no_data() -> None:
    age = d.On("age", d.Gauge("age"), d.Above(5))
    tiers = [d.Critical(d.Above(10), or_=[age])]
    waits = d.While(GAUGE, condition=d.Gauge("workers"))
    book = book_of(d.Guardrail("depth", waits, tiers=tiers, mode="shadow"))
    _says_nothing_good(book, book.guardrails[0])


def test_a_further_measure_that_is_judged_only_while_something_holds_blinds_nobody_in_between() -> None:
    grown = d.While(d.Growth("depth", window="1h"), condition=d.Rate("writes_total"), at_most=0)
    tier = d.Critical(d.Above(10), or_=[d.On("idle-growth", grown, d.Above(1))])
    book = book_of(d.Guardrail("depth", GAUGE, tiers=[tier]))
    assert book.guardrails[0].only_while == ("idle-growth",)
    found = {
        "within": [value(9)],
        "beyond": [value(11)],
        "blind": [],
    }
    for verdict, measures in found.items():
        assert {one.verdict for one in checked(book, [INFO, *measures]).tiers if one.limits} == {verdict}
    grew = [value(9), value(2, signal="idle-growth")]
    assert {one.verdict for one in checked(book, [INFO, *grew]).tiers if one.limits} == {"beyond"}


def value(figure: float, **labels: str) -> KeptSeries:
    return series(labels, [figure], names.VALUE)


def past(figure: float) -> KeptSeries:
    return series({ABOUT: past_of("depth", "the figure of 1d ago")}, [figure])


def captured(figure: float, **labels: str) -> KeptSeries:
    return series({"reference": names.BEFORE, **labels}, [figure], names.REFERENCE_METRIC)


@cache
def beside(name: str) -> Playbook:
    arms = d.Arms("track", canary="canary", stable="stable")
    by_path = d.Gauge("depth", by=["path"])
    return {
        "ago": book_of(d.Guardrail("depth", GAUGE, against=d.Ago("1d"), tiers=UP_10)),
        "ago by path": book_of(d.Guardrail("depth", by_path, against=d.Ago("1d"), tiers=UP_10)),
        "before by path": book_of(d.Guardrail("depth", by_path, against=d.BeforeRollout(), tiers=UP_10)),
        "stable by path": book_of(d.Guardrail("depth", by_path, against=d.StableArm(), tiers=UP_10), arms),
        "signal": book_of(
            d.Guardrail(
                "depth", GAUGE, tiers=[d.Critical(d.Above(10), or_=[d.On("age", d.Gauge("age"), d.Above(5))])]
            )
        ),
    }[name]


@pytest.mark.parametrize(
    ("of", "figures", "verdict", "text"),
    [
        ("ago", [value(10), past(10)], "within", "OK depth: 10 (limit: {limit})"),
        ("ago", [value(12), past(10)], "beyond", "BREACH depth: 12 ({limit}), its rule does not hold"),
        ("ago", [value(12)], "unbroken", "OK depth: 12 (limit: {limit}), judged by Prometheus only"),
        (
            "ago by path",
            [value(12, path="/a")],
            "unbroken",
            "OK depth: 12 (limit: {limit}), judged by Prometheus only",
        ),
        (
            "before by path",
            [value(12, path="/a"), captured(11.5, by_path="/a"), captured(1, by_path="/b")],
            "within",
            "OK depth: 12 (limit: {limit})",
        ),
        (
            "before by path",
            [value(12, path="/a"), captured(10, by_path="/a"), captured(100, by_path="/b")],
            "beyond",
            "BREACH depth: 12 ({limit}), its rule does not hold",
        ),
        (
            "stable by path",
            [
                value(12, path="/a", track="canary"),
                value(10, path="/a", track="stable"),
                value(99, path="/b", track="stable"),
            ],
            "beyond",
            "BREACH depth: 12 ({limit}), its rule does not hold",
        ),
        (
            "stable by path",
            [value(12, path="/a", track="canary"), value(99, path="/b", track="stable")],
            "unbroken",
            "OK depth: 12 (limit: {limit}), judged by Prometheus only",
        ),
        ("signal", [value(1), value(6, signal="age")], "beyond", None),
        ("signal", [value(1), value(4, signal="age")], "within", None),
        ("signal", [value(1)], "blind", "BLIND depth: 1 ({limit})"),
    ],
)
def test_a_moving_limit_is_compared_as_its_rule_does_or_left_to_prometheus(
    of: str, figures: list[KeptSeries], verdict: str, text: str | None
) -> None:
    book = beside(of)
    found = checked(book, [INFO, *figures])
    assert found.tiers[0].verdict == verdict
    if text is not None:
        shown = " or ".join(found.tiers[0].limits)
        assert [one.text() for one in guardrail_results(found)] == [text.format(limit=shown)]


NUMBERS = some.decimals(min_value="0.001", max_value="1000", places=3)


@given(
    some.sampled_from(["ago", "before by path", "stable by path", "signal"]),
    NUMBERS,
    NUMBERS,
    some.booleans(),
)
def test_no_figure_beyond_a_limit_is_called_within_it(
    of: str, now: Decimal, then: Decimal, known: bool
) -> None:
    book = beside(of)
    labels = {"path": "/a"} if "path" in of else {}
    arm = {"track": "canary"} if "stable" in of else {}
    reference = {
        "ago": past(float(then)),
        "before by path": captured(float(then), by_path="/a"),
        "stable by path": value(float(then), path="/a", track="stable"),
        "signal": value(float(then), signal="age"),
    }[of]
    figures = [value(float(now), **labels, **arm), *([reference] if known else [])]
    verdict = checked(book, [INFO, *figures]).tiers[0].verdict
    limits: tuple[LimitFacts, ...] = book.guardrails[0].tiers[0].limits
    beyond = now > 10 or then > 5 if of == "signal" else float(now) > float(then) * 1.1
    assert len(limits) == (2 if of == "signal" else 1)
    if known:
        assert verdict == ("beyond" if beyond else "within")
    else:
        unknown = {"signal": "beyond" if now > 10 else "blind"}.get(of, "unbroken")
        assert verdict == unknown
