"""Playbooks + histories + what fires → the rows of the first page, those that need somebody first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from handrail.contract import Playbook

from handrail_receiver.model import Attempt, History, in_force
from handrail_receiver.model.probe_names import failing_probes
from handrail_receiver.view_models.summary import Summary, Tone, summarize
from handrail_receiver.view_models.waiting import Waiting, waits_for
from handrail_receiver.words.whose import fire

URGENCY: tuple[Tone, ...] = ("bad", "wait", "calm", "good", "soft")
MOST_WORDS = 100


@dataclass(frozen=True)
class FleetRow:
    """One rollout. `fires` is what fires now, as guardrail/tier (None: Prometheus did not say). `needs` says why
    somebody must look.
    """

    playbook: Playbook
    attempt: Attempt | None
    at: Summary
    waiting: Waiting
    fires: tuple[str, ...] | None
    needs: str
    unacknowledged: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[bool, bool, int, str]:
        """An incident that nobody has stands before all else, then what needs somebody, the worst first."""
        return (not self.unacknowledged, not self.needs, URGENCY.index(self.at.tone), self.playbook.rollout)


@dataclass(frozen=True)
class FleetFilter:
    """Which rows are wanted: a part of a rollout's or service's name, a state, and whether they need somebody."""

    words: str = ""
    state: str = ""
    needs: bool = False

    @staticmethod
    def of(query: Mapping[str, str]) -> FleetFilter:
        """What an address asks for; what it does not know is no reason to show nothing."""
        words = " ".join(query.get("q", "").split())[:MOST_WORDS]
        return FleetFilter(words, query.get("state", "")[:MOST_WORDS], query.get("needs", "") == "1")

    def takes(self, row: FleetRow) -> bool:
        """Whether a row is wanted."""
        names = f"{row.playbook.rollout} {row.playbook.service}".lower()
        return (
            all(word in names for word in self.words.lower().split())
            and self.state in {"", row.at.word}
            and (bool(row.needs) or not self.needs)
        )


def fleet(
    playbooks: Mapping[str, Playbook],
    histories: Mapping[str, History],
    fires: Mapping[str, Sequence[str]] | None,
    now: datetime,
) -> list[FleetRow]:
    """A row for each rollout that can be read; `fires` None: Prometheus did not answer."""
    rows = (
        _row(
            in_force(history.attempt, playbooks[name]),
            history,
            None if fires is None else tuple(fires.get(name, ())),
            now,
        )
        for name, history in histories.items()
    )
    return sorted(rows, key=lambda row: row.order)


def states_of(rows: Iterable[FleetRow]) -> list[str]:
    """The states that there are, to choose from."""
    return sorted({row.at.word for row in rows})


def _row(playbook: Playbook, history: History, fires: tuple[str, ...] | None, now: datetime) -> FleetRow:
    at, waiting = summarize(playbook, history, now), waits_for(playbook, history, None, now)
    nobody = tuple(one.id for one in history.incidents if one.acknowledged is None)
    unheard = f"Nobody has acknowledged {', '.join(nobody)}." if nobody else ""
    needs = " ".join(filter(None, (unheard, _needs(history.attempt, at, waiting, fires))))
    return FleetRow(playbook, history.attempt, at, waiting, fires, needs, nobody)


def _needs(attempt: Attempt | None, at: Summary, waiting: Waiting, fires: tuple[str, ...] | None) -> str:
    if at.tone == "bad":
        return at.headline
    live = attempt is not None and attempt.live
    firing = fires if fires is not None else tuple(f"{one.guardrail}/{one.tier}" for one in at.firing)
    failing = failing_probes([f"{one.guardrail}/{one.tier}" for one in at.firing])
    if live and failing and not firing:
        return f"{', '.join(failing)} {'fails' if len(failing) == 1 else 'fail'}"
    if live and firing:
        return fire(firing)
    if waiting.for_people and not waiting.incident:
        return waiting.text
    if attempt is not None and live and attempt.rollback_ready:
        return f"A rollback is not known to work: {attempt.rollback_ready}"
    return ""
