"""Playbooks and histories → where each rollout stands, for /metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from handrail.contract import Playbook, StageFacts, names
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from handrail_receiver.model import (
    HEAD_METRIC,
    RECORDS_METRIC,
    AttemptState,
    History,
    given_arms,
    head_figure,
)
from handrail_receiver.outside.probes import ProbeAnswer
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.store.chain import ChainEnd


def rollout_metrics(
    playbooks: Playbooks,
    histories: Mapping[str, History],
    ends: Mapping[str, ChainEnd],
    probed: Mapping[tuple[str, str], ProbeAnswer],
) -> bytes:
    """Each rollout's stage, weight, readiness and references, the end of its chain, its open incidents and its probes, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Rollouts(playbooks, histories))
    registry.register(_Chains(ends))
    registry.register(_Incidents(histories))
    registry.register(_Probes(probed))
    return generate_latest(registry)


class _Rollouts:
    """Where each rollout stands."""

    def __init__(self, playbooks: Playbooks, histories: Mapping[str, History]) -> None:
        self._playbooks, self._histories = playbooks, histories

    def collect(self) -> Iterable[GaugeMetricFamily]:
        stage = GaugeMetricFamily(
            names.STAGE_METRIC,
            "1 for the stage the rollout is in, 0 for its other stages.",
            labels=["rollout", "stage"],
        )
        weight = GaugeMetricFamily(
            names.WEIGHT_METRIC, "Share of traffic the canary should have now, 0 to 1.", labels=["rollout"]
        )
        entered = GaugeMetricFamily(
            names.STAGE_ENTERED_METRIC, "When the current stage began.", labels=["rollout", "stage"]
        )
        started = GaugeMetricFamily(
            names.ATTEMPT_STARTED_METRIC,
            "When the newest attempt began, even if it is over; 0 before the first.",
            labels=["rollout"],
        )
        ready = GaugeMetricFamily(
            "handrail_rollback_ready",
            "1 when a rehearsal found that it can be rolled back.",
            labels=["rollout"],
        )
        reference = GaugeMetricFamily(
            names.REFERENCE_METRIC,
            "Figures captured as references of relative limits.",
            labels=["rollout", "guardrail", "reference"],
        )
        arm = GaugeMetricFamily(
            names.ARM_METRIC,
            "The attempt in which a version is this arm; 0 when it is over.",
            labels=["rollout", names.ARM, names.ARM_VALUE],
        )
        for playbook in self._playbooks.all():
            history = self._histories.get(playbook.rollout)
            if history is None:
                continue  # it cannot be read: what is not there makes the rules blind, and rightly so
            began = 0.0 if history.attempt is None else history.attempt.started_at.timestamp()
            started.add_metric([playbook.rollout], began)
            live = history.attempt if history.attempt is not None and history.attempt.live else None
            arms = given_arms(history.attempt)
            if arms is not None:
                number = float(live.number) if live is not None else 0.0
                arm.add_metric([playbook.rollout, names.CANARY, arms.canary], number)
                arm.add_metric([playbook.rollout, names.STABLE, arms.stable], number)
            share: float | None = 0.0
            for facts in playbook.stages:
                here = live is not None and live.stage == facts.name
                stage.add_metric([playbook.rollout, facts.name], float(here))
                if live is not None and here:
                    share = (
                        0.0 if live.state == AttemptState.rolling_back else _share(playbook, history, facts)
                    )
                    entered.add_metric([playbook.rollout, facts.name], live.stage_entered_at.timestamp())
            if share is not None and playbook.stages:
                weight.add_metric([playbook.rollout], share)
            if live is not None:
                ready.add_metric([playbook.rollout], float(not live.rollback_ready))
                for one in history.captured:
                    own = {
                        "rollout": playbook.rollout,
                        "guardrail": one.guardrail,
                        "reference": one.reference,
                    }
                    reference.add_sample(names.REFERENCE_METRIC, {**own, **dict(one.labels)}, one.value)
            elif history.attempt is None and not playbook.stages:
                ready.add_metric([playbook.rollout], 0.0)  # always guarded, and it is not
        return (stage, weight, entered, started, ready, reference, arm)


class _Incidents:
    """The incidents that nobody has closed yet."""

    def __init__(self, histories: Mapping[str, History]) -> None:
        self._histories = histories

    def collect(self) -> Iterable[GaugeMetricFamily]:
        open_now = GaugeMetricFamily(
            "handrail_incidents_open", "Incidents nobody has closed.", labels=["rollout"]
        )
        late = GaugeMetricFamily(
            "handrail_incidents_ack_overdue",
            "Open incidents nobody has acknowledged in time.",
            labels=["rollout"],
        )
        had = GaugeMetricFamily(
            names.ACKNOWLEDGED_METRIC,
            "When an open incident was last acknowledged; absent if none was.",
            labels=["rollout"],
        )
        for rollout, history in sorted(self._histories.items()):
            overdue = [one for one in history.incidents if one.late and one.acknowledged is None]
            open_now.add_metric([rollout], float(len(history.incidents)))
            late.add_metric([rollout], float(len(overdue)))
            until = [one.had_until for one in history.incidents if one.had_until is not None]
            if until:
                had.add_metric([rollout], max(until).timestamp())
        return (open_now, late, had)


class _Probes:
    """What declared probes found last."""

    def __init__(self, probed: Mapping[tuple[str, str], ProbeAnswer]) -> None:
        self._probed = probed

    def collect(self) -> Iterable[GaugeMetricFamily]:
        answers = GaugeMetricFamily(
            "handrail_probe_ok",
            "1 when a declared probe was answered as it should be, 0 when not; absent while nobody knows.",
            labels=["rollout", "probe"],
        )
        for (rollout, name), answer in sorted(self._probed.items()):
            if answer.verdict != "unknown":
                answers.add_metric([rollout, name], float(answer.verdict == "ok"))
        return (answers,)


class _Chains:
    """The end of each rollout's evidence: what Prometheus has scraped of it cannot be changed in the store."""

    def __init__(self, ends: Mapping[str, ChainEnd]) -> None:
        self._ends = ends

    def collect(self) -> Iterable[GaugeMetricFamily]:
        records = GaugeMetricFamily(
            RECORDS_METRIC, "The number of the newest evidence record.", labels=["rollout"]
        )
        head = GaugeMetricFamily(HEAD_METRIC, "The first 52 bits of that record's hash.", labels=["rollout"])
        for rollout, end in sorted(self._ends.items()):
            records.add_metric([rollout], float(end.number))
            head.add_metric([rollout], head_figure(end.hash))
        return (records, head)


def _share(playbook: Playbook, history: History, stage: StageFacts) -> float | None:
    """What the canary should have in a stage: the stage's share, unless that was reduced."""
    action = playbook.action(names.REDUCE) if history.reduced is not None else None
    return action.weight if action is not None else stage.weight
