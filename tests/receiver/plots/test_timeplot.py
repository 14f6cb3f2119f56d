"""Lines, limits and marks → an image that everybody can read."""

from __future__ import annotations

import math
from dataclasses import replace
from xml.etree import ElementTree as ET

from handrail_receiver.plots.timeplot import STYLE, Curve, LimitLine, Mark, TimePlot, described, svg

START = 1772334000.0  # 2026-03-01 03:00:00 UTC
PLOT = TimePlot(
    name="error-rate",
    title="error-rate <canary>",
    unit="ratio",
    start=START,
    end=START + 60,
    step=15,
    lines=(
        Curve("canary v2", "canary", tuple((START + 15 * place, 0.02 * place) for place in range(5))),
        Curve("stable v1", "stable", ((START, 0.01), (START + 15, 0.01), (START + 60, 0.01))),
    ),
    limits=(LimitLine("above 5 %", 0.05, START, START + 60),),
    marks=(Mark(START + 45, "rollback"),),
)


def drawn(plot: TimePlot = PLOT) -> ET.Element:
    return ET.fromstring(svg(plot))  # noqa: S314  our own text


def all_of(tag: str, plot: TimePlot = PLOT) -> list[dict[str, str]]:
    return [dict(one.attrib) for one in drawn(plot).iter(tag)]


def test_the_canarys_line_goes_through_its_samples() -> None:
    assert all_of("polyline")[0] == {
        "class": "line",
        "points": "62.0,214.0 203.5,169.6 345.0,125.1 486.5,80.7 628.0,36.2".replace(".0,", ".0,"),
    }


def test_where_a_sample_is_missing_the_line_is_broken() -> None:
    stable = [one for one in all_of("polyline") if one["class"] == "line stable"]
    dots = all_of("circle")
    assert [one["points"] for one in stable] == ["62.0,191.8 203.5,191.8"]
    assert dots == [{"class": "line stable", "cx": "628.0", "cy": "191.8", "r": "2"}]


def test_what_is_no_number_breaks_a_line_and_is_not_drawn() -> None:
    odd = Curve(
        "canary", "canary", ((START, 0.0), (START + 15, math.nan), (START + 30, math.inf), (START + 45, 0.0))
    )
    assert len(all_of("circle", replace(PLOT, lines=(odd,)))) == 2


def test_a_limit_is_drawn_for_as_long_as_it_held() -> None:
    half = replace(PLOT, limits=(LimitLine("above 5 %", 0.05, START, START + 30),))
    limits = [one for one in all_of("line", half) if one["class"] == "limit"]
    assert limits == [{"class": "limit", "x1": "62.0", "x2": "345.0", "y1": "102.9", "y2": "102.9"}]


def test_a_mark_says_what_happened_then() -> None:
    group = next(drawn().iter("g"))
    assert [(one.tag, one.text or one.get("d") or one.get("x1")) for one in group] == [
        ("title", "01 Mar 03:00:45: rollback"),
        ("line", "486.5"),
        ("path", "M482.5 22h8l-4 6z"),
    ]


def test_it_has_a_title_and_a_description_for_those_who_do_not_see_it() -> None:
    root = drawn()
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", "error-rate-title error-rate-desc")
    assert [(one.tag, one.text) for one in root][:2] == [
        ("title", "error-rate <canary>"),
        ("desc", described(PLOT)),
    ]
    assert described(PLOT) == (
        "From 01 Mar 03:00:00 to 01 Mar 03:01:00 UTC. canary v2: 8 % at the end, at most 8 % at 01 Mar 03:01:00;"
        " stable v1: 1 % at the end, at most 1 % at 01 Mar 03:00:00; limit above 5 %, 5 %;"
        " 01 Mar 03:00:45: rollback."
    )


def test_the_names_of_limits_that_lie_close_together_stand_side_by_side_and_the_same_one_once() -> None:
    close = [("warning", 0.05), ("critical", 0.0501), ("warning", 0.0502), ("emergency", 0.5)]
    limits = tuple(LimitLine(text, figure, START, START + 60) for text, figure in close)
    named = [
        (one.text, float(one.attrib["x"]))
        for one in drawn(replace(PLOT, limits=limits)).iter("text")
        if one.get("class") == "limit"
    ]
    assert named == [("warning", 626), ("critical", 570), ("emergency", 626)]


def test_a_limit_that_moves_is_told_once_and_one_that_is_far_away_as_well() -> None:
    moves = (LimitLine("", 0.03, START, START + 30), LimitLine("warning", 0.04, START + 30, START + 60))
    far = (LimitLine("critical", 0.5, START, START + 30), LimitLine("critical", 0.5, START + 30, START + 60))
    plot = replace(PLOT, lines=(), limits=moves, marks=(), far=far)
    assert described(plot) == (
        "From 01 Mar 03:00:00 to 01 Mar 03:01:00 UTC. nothing was recorded; limit warning, from 3 % to 4 %;"
        " limit critical, 50 %, too far away to be drawn."
    )


def test_without_samples_it_says_so() -> None:
    assert described(replace(PLOT, lines=(), limits=(), marks=())) == (
        "From 01 Mar 03:00:00 to 01 Mar 03:01:00 UTC. nothing was recorded."
    )
    assert all_of("polyline", replace(PLOT, lines=())) == []


def test_every_stroke_has_its_style_in_light_and_dark_and_nothing_comes_from_outside() -> None:
    kinds = {word for one in drawn().iter() for word in one.get("class", "").split()}
    assert {kind for kind in kinds if f".{kind}" not in STYLE} == set()
    assert "prefers-color-scheme: dark" in STYLE
    assert "url(" not in STYLE + svg(PLOT)
