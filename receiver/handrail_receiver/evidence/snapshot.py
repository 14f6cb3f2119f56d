"""What Prometheus had recorded around a decision or at a check: the form in which that is stored and read again.

A snapshot is stored beside the chain of evidence; its record in the chain names it by its SHA-256. Values are as
Prometheus writes them; times of samples are seconds since 1970.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Literal

from handrail.contract import Playbook, names
from pydantic import BaseModel, ConfigDict

from handrail_receiver.words.figures import figure
from handrail_receiver.words.steps import told

Verdict = Literal["broken", "beyond", "within", "unbroken", "idle", "blind", "sees", "unknown"]
"""What the samples say of a tier: its rule's condition holds now (`broken`), or does not although the figure lies beyond the
limit (`beyond`: of too few events, for instance), or neither (`within`). `unbroken`: it does not, and the figure cannot be
compared here, so that Prometheus alone judges it; `idle`: it has no figure since it is judged only while something else
holds; `blind`: it has none, or cannot be judged. Of the tier `blind`, whether anything can be judged."""

CriterionVerdict = Literal["met", "broken", "unknown"]

UP = "up"
"""The series of each instance that Prometheus scrapes."""
DECIDED, CHECKED = "snapshot", "check"
"""The kinds of the records in the chain: taken for decisions, and asked for."""


class _SnapshotModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class KeptSeries(_SnapshotModel):
    """The samples of one series."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, str], ...]


class RulesSeen(_SnapshotModel):
    """The digest of the rules that were generated with the playbook, and of those that Prometheus had loaded.

    `text` says what does not fit; it is empty if Prometheus had loaded exactly what was generated.
    """

    generated: str
    loaded: tuple[str, ...]
    text: str


class ArmShare(_SnapshotModel):
    """What an arm had of the traffic: events per second, and its share (None: there was none at all)."""

    arm: str
    per_second: float
    share: float | None


class InstanceSeen(_SnapshotModel):
    """Whether an instance of one of the jobs that are measured was up; one that is not scraped any more is not."""

    job: str
    instance: str
    up: bool


class ProbeSeen(_SnapshotModel):
    """What a probe found: whether its service answers as it should, what it answered, and how long that took."""

    name: str
    url: str
    verdict: Literal["ok", "failed", "unknown"]
    text: str
    seconds: float


class TargetSeen(_SnapshotModel):
    """What a target held beside what the stage's step asks of it; `as_asked` None: it could not be read."""

    step: str
    as_asked: bool | None
    text: str

    @property
    def word(self) -> str:
        """Whether it does, in a word."""
        return {True: "as asked", False: "otherwise", None: "unknown"}[self.as_asked]


class TierSeen(_SnapshotModel):
    """One tier: its query, its limits in words, what the samples say, and the newest figures.

    `value` is of the guardrail's measure, `count` how many events that is made of; both are empty where there is none. `unit` is the
    unit of the value.
    `sustained` and `keep` are the alert's `for` and `keep_firing_for` as loaded. `breaches` are the query's samples:
    there is one whenever the limit was broken. A `shadow` is watched and asks for nothing.
    """

    guardrail: str
    tier: str
    action: str
    query: str
    limits: tuple[str, ...]
    verdict: Verdict
    value: str = ""
    count: str = ""
    unit: str = ""
    sustained: float = 0
    keep: float = 0
    breaches: tuple[KeptSeries, ...] = ()
    shadow: bool = False

    @property
    def name(self) -> str:
        """`error-rate/critical`."""
        return f"{self.guardrail}/{self.tier}"

    @property
    def breached(self) -> bool:
        """Whether its limit is broken, or the figure lies beyond it; `thin` has none."""
        return self.verdict in {"broken", "beyond"} and self.tier != names.THIN

    @property
    def blinded(self) -> bool:
        """Whether nothing can be judged: the guardrail is blind, has no figure, or too few events."""
        return self.verdict == "blind" or (self.tier == names.THIN and self.verdict == "broken")

    @property
    def why_blind(self) -> str:
        """Why nothing can be judged, to follow a word; empty where its figure does not say it."""
        if self.tier == names.THIN and self.verdict == "broken":
            return ": too few events"
        if self.value:
            return ""
        return ": no events" if self.count and float(self.count) == 0 else ": no figure"


class CriterionSeen(_SnapshotModel):
    """A criterion of a gate, as it was when a decision was made at it.

    `broken` are the values that `query` gave then, none where it was not broken; `judged` those of `seen`, none where too
    little could be judged. `breaches` are the samples of what must not be, over the last `over` seconds (None: then alone).
    """

    into: str
    guardrail: str
    text: str
    query: str
    seen: str
    verdict: CriterionVerdict
    over: float | None
    step: float
    broken: tuple[str, ...]
    judged: tuple[str, ...]
    breaches: tuple[KeptSeries, ...]

    @property
    def name(self) -> str:
        """What the gate calls it: `error-rate: below 0.5 %`."""
        return f"{self.guardrail}: {self.text}"


class Snapshot(_SnapshotModel):
    """All of it. `of` are the numbers of the decisions it was taken for, none at a check; `missing` what could not be obtained.
    `criteria` are those of the gate that was passed, or refused to be.

    Samples are of the time from `start` to `end`, `step` seconds apart. `measures` are the recorded values and counts of
    the guardrails, captured references, the alerts, and `up` of each instance. `asked` is the share of traffic (0..1) that the stage gives the
    canary, None where it is not set by weight; `fires` is None where nobody could know it. `playbook` is the SHA-256 of the playbook's JSON.
    At a check `probes` and `targets` are what was asked then, at `at`.
    """

    version: Literal[1] = 1
    rollout: str
    attempt: int
    of: tuple[int, ...]
    by: str
    why: str
    at: datetime
    start: datetime
    end: datetime
    step: float
    stage: str
    playbook: str
    rules: RulesSeen
    artifact: str
    asked: float | None
    split: tuple[ArmShare, ...]
    fires: tuple[str, ...] | None
    tiers: tuple[TierSeen, ...]
    criteria: tuple[CriterionSeen, ...] = ()
    measures: tuple[KeptSeries, ...]
    missing: tuple[str, ...]
    probes: tuple[ProbeSeen, ...] = ()
    targets: tuple[TargetSeen, ...] = ()

    def text(self) -> str:
        """Its JSON, of which `digest_of` is kept in the chain."""
        return self.model_dump_json()

    @property
    def instances(self) -> tuple[InstanceSeen, ...]:
        """Which instances were up at the end, by job and instance; none where nobody knew."""
        known = [one for one in self.measures if one.labels.get("__name__") == UP]
        end = self.end.timestamp() - self.step / 2
        return tuple(
            InstanceSeen(
                job=one.labels.get("job", ""),
                instance=one.labels.get("instance", ""),
                up=bool(one.points) and one.points[-1][0] >= end and float(one.points[-1][1]) == 1,
            )
            for one in sorted(
                known, key=lambda one: (one.labels.get("job", ""), one.labels.get("instance", ""))
            )
        )

    @property
    def instances_text(self) -> str:
        """How many instances were up, and which were not: `3 of 3 up`; empty where nobody knew."""
        down = [f"{one.instance} ({one.job}) is down" for one in self.instances if not one.up]
        many = len(self.instances)
        return "; ".join([f"{many - len(down)} of {many} up", *down]) if many else ""

    def tier(self, name: str) -> TierSeen | None:
        """The tier called `error-rate/critical`."""
        return next((one for one in self.tiers if one.name == name), None)

    @property
    def ok(self) -> bool:
        """Whether all could be looked at, nothing is broken and nothing fires; a shadow counts for nothing."""
        shadows = {one.name for one in self.tiers if one.shadow}
        return self.fires is not None and not set(self.fires) - shadows and not any(self._troubles(shadows))

    def summary(self) -> str:
        """What it says, in a line."""
        # Blindness has no limit; who is blind is told among the troubles.
        limited = [one.verdict for one in self.tiers if one.tier != "blind"]
        within = limited.count("within")
        rest = [f"{within} of {len(limited)} tiers within their limits"] if within else []
        broken, others = self._troubles()
        return "; ".join([*broken, *rest, *others]) or "nothing was looked at"

    def _troubles(self, without: Collection[str] = ()) -> tuple[list[str], list[str]]:
        """What is wrong with the guardrails, leaving out some tiers, and what else is."""
        tiers = [one for one in self.tiers if one.name not in without]
        broken = [self._said(one) for one in tiers if one.breached]
        blind = dict.fromkeys(f"{one.guardrail} is blind{one.why_blind}" for one in tiers if one.blinded)
        unknown = [f"{one.name} is unknown" for one in tiers if one.verdict == "unknown"]
        probes = [
            f"probe {one.name} {'failed' if one.verdict == 'failed' else 'is unknown'}: {one.text}"
            for one in self.probes
            if one.verdict != "ok"
        ]
        targets = [f"{one.word}: {told(one.step, one.text)}" for one in self.targets if not one.as_asked]
        rules = [self.rules.text] if self.rules.text else []
        return [*broken, *blind, *unknown, *probes, *targets], [*rules, *self.missing]

    def pending(self, tier: TierSeen) -> bool:
        """Whether its limit is broken, and not yet long enough to fire."""
        return (
            tier.verdict == "broken"
            and self.fires is not None
            and tier.name not in self.fires
            and not tier.shadow
        )

    def _said(self, tier: TierSeen) -> str:
        value = f" at {figure(tier.value, tier.unit)}" if tier.value else ""
        limits = f", {' or '.join(tier.limits)}" if tier.limits else ""
        state, note = "broken", ", pending" if self.pending(tier) else ""
        if tier.verdict == "beyond":
            state, note = "beyond its limit", ", its rule does not hold"
        return f"{tier.name} is {state}{value}{limits}{note}"


class SnapshotRecord(_SnapshotModel):
    """What the chain holds of a snapshot: which, for which decisions, and what it says in a line.

    `scheduled` is what a check that was declared is known by, `why` what it was made for; `stage` and `check` are the
    stage and the name of its moment. `ok`: all could be looked at, and nothing was broken (None: an older record).
    """

    attempt: int
    of: tuple[int, ...]
    by: str
    text: str
    snapshot: str
    why: str = ""
    scheduled: str = ""
    stage: str = ""
    check: str = ""
    late: bool = False
    ok: bool | None = None


def playbook_digest(playbook: Playbook) -> str:
    """The SHA-256 of a playbook: its version."""
    return digest_of(playbook.model_dump_json())


def digest_of(text: str) -> str:
    """The SHA-256 by which the chain names a snapshot, and a bundle its files."""
    return hashlib.sha256(text.encode()).hexdigest()
