"""The first page: which rollouts there are, and who needs somebody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from guarded import NOW, playbook
from handrail_receiver.model import Acknowledged, Attempt, AttemptState, History, Incident
from handrail_receiver.view_models.fleet import FleetFilter, FleetRow, fleet, states_of

CALM = Attempt(1, "calm", "shop", 1, AttemptState.active, "50%", NOW, NOW, "alice")
HISTORIES = {
    "a-complete": History(replace(CALM, state=AttemptState.complete)),
    "b-calm": History(CALM),
    "c-held": History(replace(CALM, held="bob: look at it")),
    "d-no-way-back": History(replace(CALM, rollback_ready="HAProxy is away")),
    "e-rolled-back": History(replace(CALM, state=AttemptState.rolled_back)),
    "f-changed": History(
        replace(CALM, state=AttemptState.rolled_back, held="changed after the rollback: weight 10")
    ),
    "g-none": History(),
}


def rows(fires: dict[str, Sequence[str]] | None = None, *, answered: bool = True) -> list[FleetRow]:
    books = {
        name: playbook(rollout=name, service="web" if name == "b-calm" else "shop") for name in HISTORIES
    }
    return fleet(books, HISTORIES, (fires or {}) if answered else None, NOW + timedelta(minutes=1))


def names(found: list[FleetRow]) -> list[str]:
    return [row.playbook.rollout for row in found]


def test_those_that_need_somebody_stand_first_the_worst_of_them_before_all() -> None:
    found = rows({"b-calm": ["error-rate/critical"]})
    assert [(row.playbook.rollout, row.needs) for row in found] == [
        ("f-changed", "Rolled back from stage 50%, and changed after the rollback: weight 10"),
        ("c-held", "It waits for a person: bob: look at it"),
        ("b-calm", "error-rate/critical fires"),
        ("d-no-way-back", "A rollback is not known to work: HAProxy is away"),
        ("a-complete", ""),
        ("e-rolled-back", ""),
        ("g-none", ""),
    ]


def test_what_fires_of_an_attempt_that_is_over_needs_nobody() -> None:
    assert [
        row.needs
        for row in rows({"a-complete": ["error-rate/critical"]})
        if row.playbook.rollout == "a-complete"
    ] == [""]


def test_where_prometheus_does_not_answer_what_fires_is_unknown() -> None:
    assert {row.fires for row in rows(answered=False)} == {None}
    assert {row.fires for row in rows()} == {()}


def test_a_filter_takes_words_of_the_name_or_the_service_a_state_and_who_needs_somebody() -> None:
    def taken(**query: str) -> list[str]:
        return names([row for row in rows() if FleetFilter.of(query).takes(row)])

    assert taken(q="web") == ["b-calm"]
    assert taken(q="HELD shop") == ["c-held"]
    assert taken(state="complete") == ["a-complete"]
    assert taken(needs="1") == ["f-changed", "c-held", "d-no-way-back"]
    assert taken(q="no", needs="1") == ["d-no-way-back"]
    assert taken(state="nothing like it", page="7") == []
    assert states_of(rows()) == ["baking", "changed since", "complete", "held", "no attempt", "rolled back"]


def test_an_incident_that_nobody_has_needs_somebody_though_the_next_attempt_goes_well() -> None:
    one = Incident("b-calm-1", "b-calm", 1, 1, NOW, NOW, "emergency-rollback", "it burns", "alert")
    has = replace(one, acknowledged=Acknowledged(NOW, "alice", timedelta()))

    def needs(incident: Incident) -> str:
        calm = {"b-calm": History(replace(CALM, id=2), incidents=(incident,))}
        (row,) = fleet({"b-calm": playbook(rollout="b-calm")}, calm, {}, NOW)
        return row.needs

    assert needs(one) == "Nobody has acknowledged b-calm-1."
    assert needs(has) == ""


def test_who_has_an_incident_that_nobody_has_acknowledged_stands_before_all_others() -> None:
    one = Incident("x-1", "x", 1, 1, NOW, NOW, "rollback", "it burns", "alert")
    had = replace(one, acknowledged=Acknowledged(NOW, "alice", timedelta()))
    rolled_back = replace(CALM, state=AttemptState.rolled_back)
    changed = replace(rolled_back, held="changed after the rollback: weight 10")
    histories = {
        "a-changed": History(changed, incidents=(had,)),
        "b-held": History(replace(CALM, held="bob: look at it")),
        "c-had": History(rolled_back, incidents=(had,)),
        "d-held-and-open": History(replace(CALM, held="people must roll back"), incidents=(one,)),
        "e-rolled-back": History(rolled_back, incidents=(one,)),
    }
    books = {name: playbook(rollout=name) for name in histories}
    assert [(row.playbook.rollout, row.needs) for row in fleet(books, histories, {}, NOW)] == [
        (
            "d-held-and-open",
            "Nobody has acknowledged x-1. Held in stage 50%, which it entered 0 s ago: people must roll back",
        ),
        ("e-rolled-back", "Nobody has acknowledged x-1."),
        ("a-changed", "Rolled back from stage 50%, and changed after the rollback: weight 10"),
        ("b-held", "It waits for a person: bob: look at it"),
        ("c-had", ""),
    ]
