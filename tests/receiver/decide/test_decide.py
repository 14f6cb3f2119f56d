"""What follows from an alert: every reason there is, and what it changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from guarded import NOW, ROLLOUT, playbook, signal
from guarded.playbook import weights
from handrail.contract import Confirmation, Playbook
from handrail_receiver.decide.alert_series import series_of
from handrail_receiver.decide.decide import decide
from handrail_receiver.decide.groups import heard_as_well
from handrail_receiver.model import (
    Attempt,
    AttemptState,
    BeforeFirst,
    Conditions,
    Decision,
    Happened,
    Heard,
    History,
    Incident,
    IncidentEvent,
    LastSaid,
    LeftToPeople,
    NeedsSomebody,
    Open,
    Run,
    RunState,
    SetHold,
    SetState,
    Signal,
    Verdict,
)

ATTEMPT = Attempt(7, ROLLOUT, ROLLOUT, 2, AttemptState.active, "10%", NOW, NOW, "alice")
HISTORY = History(ATTEMPT)
CONDITIONS = Conditions(NOW)
BOOK = playbook()
FIRING = signal()


def run(action: str = "rollback", state: RunState = RunState.done, number: int = 0) -> Run:
    return Run(1, 7, ROLLOUT, action, "", number, state, "alert", "why", NOW, NOW, NOW)


def heard(one: Signal = FIRING, *, firing: bool = True) -> LastSaid:
    return LastSaid(series_of(one), "error-rate/critical", firing, NOW)


def verdict(
    one: Signal = FIRING,
    history: History = HISTORY,
    conditions: Conditions = CONDITIONS,
    book: Playbook | None = BOOK,
) -> tuple[str, str]:
    made = decide(one, book, history, conditions)
    return made.verdict.value, made.reason


def test_a_broken_limit_is_rolled_back() -> None:
    assert decide(FIRING, BOOK, HISTORY, CONDITIONS) == Decision(
        verdict=Verdict.act,
        reason="limit-broken",
        text="error-rate breaks its critical limit: rollback",
        rollout=ROLLOUT,
        action="rollback",
        guardrail="error-rate",
        tier="critical",
        by="alert",
        attempt=7,
        changes=(
            Heard(series_of(FIRING), "error-rate/critical", firing=True),
            SetState(AttemptState.rolling_back),
            Open("rollback", "", 0, weights(0, 100), None, NOW, None, supersedes=True),
        ),
    )


def test_the_steps_are_those_that_were_pinned_when_the_attempt_began() -> None:
    pinned = {"rollback": weights(1, 99)}
    made = decide(FIRING, BOOK, History(replace(ATTEMPT, pinned=pinned)), CONDITIONS)
    assert [change.steps for change in made.changes if isinstance(change, Open)] == [weights(1, 99)]


def test_what_nobody_declared_is_ignored() -> None:
    assert verdict(Signal(firing=True, labels={})) == ("ignore", "no-rollout-label")
    assert verdict(book=None) == ("ignore", "unknown-rollout")
    assert verdict(signal("nothing", action="investigate")) == ("ignore", "unknown-guardrail")
    assert verdict(signal("leaks", "warning", action="hold")) == ("ignore", "unknown-guardrail")


def test_an_alert_that_the_receiver_is_gone_is_no_unknown_guardrail_and_asks_for_nothing() -> None:
    for firing, text in ((True, "does not see this receiver"), (False, "sees this receiver again")):
        made = decide(
            signal("receiver", "down", firing=firing, action="investigate"), BOOK, HISTORY, CONDITIONS
        )
        assert (made.verdict, made.reason) == (Verdict.ignore, "receiver-down")
        assert (made.text, made.changes) == (f"Prometheus {text}", ())


def test_a_rollback_that_the_playbook_cannot_look_up_holds_and_people_are_told_at_once() -> None:
    asking = signal("nothing", action="rollback")
    made = decide(asking, BOOK, HISTORY, CONDITIONS)
    text = (
        "shop has no tier 'critical' of guardrail 'nothing', and its alert asks for rollback; "
        "people must carry out the rollback, or `handrail rollout adopt shop` if the newest playbook has the tier"
    )
    assert (made.verdict, made.reason, made.action) == (Verdict.tell, "unknown-guardrail", "rollback")
    known = Heard(series_of(asking), "nothing/critical", firing=True)
    left = (SetHold(text), LeftToPeople("rollback", text))
    assert (made.text, made.changes) == (text, (known, *left))
    said = (LastSaid(series_of(asking), "nothing/critical", firing=True, at=NOW),)
    held = History(replace(ATTEMPT, held="another that nobody knows"), said=said)
    assert verdict(asking, history=held) == ("repeat", "unknown-guardrail")
    assert decide(asking, BOOK, History(ATTEMPT, said=said), CONDITIONS).changes == left
    resolved = signal("nothing", action="rollback", firing=False)
    assert decide(resolved, BOOK, held, CONDITIONS).changes == (replace(known, firing=False),)
    over = History(replace(ATTEMPT, state=AttemptState.rolled_back))
    for quiet, history in (
        (signal("nothing", action="rollback", firing=False), HISTORY),
        (signal("nothing", action="rollback", mode="shadow"), HISTORY),
        (asking, over),
        (asking, History()),
    ):
        assert verdict(quiet, history=history) == ("ignore", "unknown-guardrail")


def test_the_playbook_says_what_is_done_not_the_alert() -> None:
    assert verdict(signal("error-rate", "warning", action="security-rollback")) == ("tell", "asked-for")


def test_without_an_attempt_there_is_nothing_to_roll_back() -> None:
    assert verdict(history=History()) == ("ignore", "no-attempt")
    for state in (AttemptState.complete, AttemptState.rolled_back):
        over = History(replace(ATTEMPT, state=state), (run(),))
        assert verdict(history=over) == ("note", "attempt-over")


def test_a_resolve_changes_nothing_but_what_was_heard() -> None:
    made = decide(signal(firing=False), BOOK, replace(HISTORY, said=(heard(),)), CONDITIONS)
    assert (made.verdict, made.reason) == (Verdict.note, "resolved")
    assert made.changes == (Heard(series_of(FIRING), "error-rate/critical", firing=False),)
    again = decide(signal(firing=False), BOOK, replace(HISTORY, said=(heard(firing=False),)), CONDITIONS)
    assert (again.verdict, again.changes) == (Verdict.repeat, ())


@pytest.mark.parametrize(
    ("began", "ended", "late"),
    [(-60, -1, True), (-60, 1, False), (0, 0, False), (0, 60, False), (-60, None, False), (None, -1, False)],
    ids=["of before", "moved back", "at once", "its own", "says no end", "says no beginning"],
)
def test_the_end_of_what_fired_before_is_not_the_end_of_what_fires_now(
    began: float | None, ended: float | None, *, late: bool
) -> None:
    def at(seconds: float | None) -> datetime | None:
        return None if seconds is None else NOW + timedelta(seconds=seconds)

    end = replace(signal(firing=False), starts_at=at(began), ends_at=at(ended))
    fires = replace(heard(), began=NOW)
    made = decide(end, BOOK, replace(HISTORY, said=(fires,)), CONDITIONS)
    assert made.reason == ("resolved-late" if late else "resolved")
    assert bool(made.changes) is not late
    [more] = heard_as_well([end], lambda _: replace(HISTORY, said=(fires,)))
    assert bool(more.changes) is not late
    over = decide(end, BOOK, replace(HISTORY, said=(heard(firing=False),)), CONDITIONS)
    assert over.reason == "resolved"


@pytest.mark.parametrize(
    ("known", "began", "anew"),
    [(-60, 0, True), (0, 0, False), (0, -60, False), (None, 0, False), (0, None, False)],
    ids=["later", "the same", "earlier, of another Prometheus", "nobody said", "says no beginning"],
)
def test_what_fires_anew_is_heard_anew_although_nobody_told_of_its_end(
    known: float | None, began: float | None, *, anew: bool
) -> None:
    """Else its end of before, which is late, would end it, and what asks for it would believe that it is gone."""

    def at(seconds: float | None) -> datetime | None:
        return None if seconds is None else NOW + timedelta(seconds=seconds)

    def after(one: Signal, history: History) -> History:
        said = [
            change for change in decide(one, BOOK, history, CONDITIONS).changes if isinstance(change, Heard)
        ]
        new = [LastSaid(it.series, it.source, it.firing, NOW, began=it.began) for it in said]
        return replace(history, said=tuple(new)) if new else history

    warns = replace(signal("error-rate", "warning"), starts_at=at(began))
    before = LastSaid(series_of(warns), "error-rate/warning", firing=True, at=NOW, began=at(known))
    history = replace(HISTORY, said=(before,))
    made = decide(warns, BOOK, history, CONDITIONS)
    assert (made.verdict, bool(made.changes)) == (Verdict.tell if anew else Verdict.repeat, anew)
    [more] = heard_as_well([warns], lambda _: history)
    assert bool(more.changes) is anew
    late = replace(warns, firing=False, starts_at=at(-60), ends_at=at(-1))
    if anew:
        assert after(late, after(warns, history)).heard(series_of(warns)) is True


def test_each_alert_is_told_by_its_labels_from_its_neighbours() -> None:
    one, two = signal(table="users"), signal(table="orders")
    assert series_of(one) != series_of(two)
    assert series_of(one) == series_of(Signal(firing=False, labels=dict(reversed(list(one.labels.items())))))


@pytest.mark.parametrize("state", [RunState.open, RunState.proving])
def test_what_is_under_way_is_not_begun_again(state: RunState) -> None:
    assert verdict(history=replace(HISTORY, runs=(run(state=state),))) == ("repeat", "under-way")


def test_a_definite_alert_does_not_wait_for_a_tentative_one() -> None:
    waiting = replace(HISTORY, runs=(replace(run(state=RunState.waiting), key="latency/critical"),))
    made = decide(FIRING, BOOK, waiting, CONDITIONS)
    assert (made.verdict, made.reason) == (Verdict.act, "limit-broken")
    assert made.changes[2] == Open("rollback", "", 0, weights(0, 100), None, NOW, supersedes=True)


def test_tentative_alerts_do_not_wait_for_each_other() -> None:
    asks = Confirmation(after=30, expr="bad", unreachable="hold")
    book = playbook(tiers={"error-rate/critical": {"confirmation": asks}})
    waiting = replace(run(state=RunState.waiting), key="latency/critical")
    assert verdict(book=book, history=replace(HISTORY, runs=(waiting,))) == ("confirm", "to-be-confirmed")
    own = replace(waiting, key="error-rate/critical")
    assert verdict(book=book, history=replace(HISTORY, runs=(own,))) == ("repeat", "under-way")


@pytest.mark.parametrize("state", [RunState.failed, RunState.unproved])
def test_what_failed_is_tried_again_while_it_fires(state: RunState) -> None:
    made = decide(FIRING, BOOK, replace(HISTORY, runs=(run(state=state),)), CONDITIONS)
    assert (made.verdict, made.reason) == (Verdict.act, "tried-again")
    assert [change.round for change in made.changes if isinstance(change, Open)] == [1]


@pytest.mark.parametrize("state", [RunState.withdrawn, RunState.superseded])
def test_what_came_to_nothing_is_begun_while_it_fires(state: RunState) -> None:
    made = decide(FIRING, BOOK, replace(HISTORY, runs=(run(state=state),)), CONDITIONS)
    assert (made.verdict, made.reason) == (Verdict.act, "limit-broken")
    assert [change.round for change in made.changes if isinstance(change, Open)] == [1]


def test_a_stronger_action_is_still_done_after_a_weaker_one_and_not_the_other_way_round() -> None:
    weak = History(replace(ATTEMPT, state=AttemptState.rolled_back), (run("rollback"),))
    strong = History(replace(ATTEMPT, state=AttemptState.rolled_back), (run("emergency-rollback"),))
    assert verdict(signal("error-rate", "emergency"), weak) == ("act", "limit-broken")
    assert verdict(FIRING, strong) == ("note", "attempt-over")


def test_shadow_says_what_it_would_have_done_and_does_nothing() -> None:
    book = playbook(tiers={f"error-rate/{name}": {"shadow": True} for name in ("critical", "warning")})
    made = decide(FIRING, book, HISTORY, CONDITIONS)
    assert (made.verdict, made.text) == (
        Verdict.shadow,
        (
            "in shadow, nothing is done; its action would be rollback: HAProxy web/canary on unix:haproxy.sock: weight 0; "
            "HAProxy web/stable on unix:haproxy.sock: weight 100"
        ),
    )
    assert [type(change) for change in made.changes] == [Heard]
    looking = decide(signal(tier="warning"), book, HISTORY, CONDITIONS)
    assert looking.text == "in shadow, nothing is done; its action would be investigate"
    pinned = History(replace(ATTEMPT, pinned={"rollback": weights(1, 99)}))
    assert "web/stable on unix:haproxy.sock: weight 99" in decide(FIRING, book, pinned, CONDITIONS).text
    assert verdict(book=book, history=replace(HISTORY, said=(heard(),))) == ("repeat", "shadow")


def test_a_mode_label_does_not_weaken_what_the_playbook_says() -> None:
    assert verdict(signal(mode="shadow")) == ("act", "limit-broken")


def test_the_kill_switch_leaves_it_to_people_and_says_so_once() -> None:
    stopped = Conditions(NOW, stopped=True)
    made = decide(FIRING, BOOK, HISTORY, stopped)
    text = "the kill switch is set; people must carry out the rollback"
    assert (made.verdict, made.reason, made.changes[1:]) == (
        Verdict.tell,
        "kill-switch",
        (SetHold(text), LeftToPeople("rollback", f"error-rate breaks its critical limit; {text}")),
    )
    again = History(replace(ATTEMPT, held=text), said=(heard(),))
    assert verdict(history=again, conditions=stopped) == ("repeat", "kill-switch")


def test_a_budget_that_is_spent_leaves_it_to_people() -> None:
    spent = replace(HISTORY, automatic_today=3)
    assert verdict(history=spent) == ("tell", "budget-spent")
    assert verdict(history=spent, book=playbook(budget_per_day=4)) == ("act", "limit-broken")
    once_more = replace(spent, runs=(run(state=RunState.failed),))
    assert verdict(history=once_more) == ("act", "tried-again")


def test_an_action_without_steps_leaves_it_to_people() -> None:
    assert verdict(book=playbook(steps=[])) == ("tell", "no-steps")


def test_a_guardrail_that_asks_for_it_is_confirmed_first() -> None:
    asks = Confirmation(after=30, expr="bad", unreachable="hold")
    made = decide(
        FIRING, playbook(tiers={"error-rate/critical": {"confirmation": asks}}), HISTORY, CONDITIONS
    )
    assert (made.verdict, made.reason) == (Verdict.confirm, "to-be-confirmed")
    due = NOW + timedelta(seconds=30)
    assert made.changes[1:] == (
        Open("rollback", "error-rate/critical", 0, weights(0, 100), None, due, asks, supersedes=False),
    )


def test_an_alert_older_than_the_attempt_needs_the_confirming_query() -> None:
    made = decide(replace(FIRING, starts_at=NOW - timedelta(hours=1)), BOOK, HISTORY, CONDITIONS)
    (opened,) = [change for change in made.changes if isinstance(change, Open)]
    expr = BOOK.guardrails[0].tiers[1].expr
    assert (made.verdict, opened.confirmation) == (
        Verdict.confirm,
        Confirmation(after=0, expr=expr, unreachable="hold"),
    )


WAKES = {"error-rate/warning": {"opens_incident": True}, "error-rate/blind": {"opens_incident": True}}


@pytest.mark.parametrize(
    ("tier", "action", "text"),
    [
        ("warning", "investigate", "error-rate breaks its warning limit"),
        ("blind", "hold", "error-rate cannot see"),
    ],
)
def test_what_wakes_people_opens_an_incident_whatever_it_asks_for(tier: str, action: str, text: str) -> None:
    wakes, book = signal("error-rate", tier), playbook(tiers=WAKES)
    known = book.tier("error-rate", tier)
    assert known is not None
    opens = NeedsSomebody(action, text, known.severity)
    rolled_back = History(replace(ATTEMPT, state=AttemptState.rolled_back))
    assert opens in decide(wakes, book, HISTORY, CONDITIONS).changes
    assert opens in decide(wakes, book, rolled_back, CONDITIONS).changes
    quiet = (
        decide(wakes, BOOK, HISTORY, CONDITIONS),
        decide(wakes, book, replace(HISTORY, said=(heard(wakes),)), CONDITIONS),
        decide(signal("error-rate", tier, firing=False), book, HISTORY, CONDITIONS),
        decide(signal("error-rate", tier, level="manager"), book, HISTORY, CONDITIONS),
    )
    assert [one for made in quiet for one in made.changes if isinstance(one, NeedsSomebody)] == []


def test_what_wakes_people_before_the_first_attempt_opens_one_as_well_and_once() -> None:
    wakes, book = signal("error-rate", "warning"), playbook(tiers=WAKES)
    made = decide(wakes, book, History(), CONDITIONS)
    opens = NeedsSomebody("investigate", "error-rate breaks its warning limit", "warning")
    fires = Heard(series_of(wakes), "error-rate/warning", True)
    assert (made.verdict, made.reason, made.changes) == (
        Verdict.note,
        "no-attempt",
        (BeforeFirst("shop"), fires, opens),
    )
    known = History(before=4, said=(heard(wakes),))
    assert decide(wakes, book, known, CONDITIONS).verdict == Verdict.ignore
    over = decide(replace(wakes, firing=False), book, known, CONDITIONS)
    assert (over.attempt, over.changes) == (4, (replace(fires, firing=False),))
    assert decide(wakes, book, History(before=4), CONDITIONS).changes == (fires, opens)


@pytest.mark.parametrize("tier", ["warning", "critical"])
def test_before_the_first_attempt_nothing_else_is_kept(tier: str) -> None:
    made = decide(signal("error-rate", tier), BOOK, History(), CONDITIONS)
    assert (made.verdict, made.reason, made.changes) == (Verdict.ignore, "no-attempt", ())


def test_what_somebody_has_since_before_the_attempt_opens_no_second_incident() -> None:
    wakes, book = replace(signal("error-rate", "warning"), starts_at=NOW), playbook(tiers=WAKES)
    had = Happened(NOW + timedelta(minutes=1), IncidentEvent.acknowledged, "bob", "")
    before = Incident("shop-1", "shop", 1, 0, NOW, NOW, "investigate", "", "alert", events=(had,))
    known = replace(HISTORY, incidents=(before,))
    kinds = [
        [type(one) for one in decide(alert, book, known, CONDITIONS).changes]
        for alert in (wakes, replace(wakes, starts_at=NOW + timedelta(minutes=2)))
    ]
    assert kinds == [[Heard], [Heard, NeedsSomebody]]


def test_a_hold_stops_promotions_once() -> None:
    blind = signal("error-rate", "blind")
    made = decide(blind, BOOK, HISTORY, CONDITIONS)
    assert (made.verdict, made.changes[1:]) == (
        Verdict.hold,
        (SetHold("error-rate cannot see", "error-rate/blind"),),
    )
    held = History(replace(ATTEMPT, held="error-rate cannot see"), said=(heard(blind),))
    assert verdict(blind, held) == ("repeat", "already-held")


def test_an_investigation_is_asked_for_once_for_each_firing() -> None:
    warning = signal("error-rate", "warning")
    assert verdict(warning) == ("tell", "asked-for")
    assert verdict(warning, replace(HISTORY, said=(heard(warning),))) == ("repeat", "asked-for")
    assert verdict(warning, replace(HISTORY, said=(heard(warning, firing=False),))) == ("tell", "asked-for")
