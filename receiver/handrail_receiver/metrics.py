"""What happens in the receiver → its counters, for /metrics and for the pages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from handrail.contract import names
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from handrail_receiver.model import SET_BACK, Run, Settled, Verdict

LATELY = timedelta(hours=1)
EXPECTED = frozenset({"no-attempt", "gone"})
REFUSED = ("invalid", "too-large", "unauthorized", "unavailable")
BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """The receiver about itself. A registry of its own: importing this registers nothing."""

    def __init__(self, started_at: datetime) -> None:
        self._started_at = self._looked = started_at
        self._registry = registry = CollectorRegistry()
        self._notifications = Counter(
            "handrail_notifications", "Deliveries, by result.", ["result"], registry=registry
        )
        self._by_result: dict[str, Counter] = {}
        for result in (*(verdict.value for verdict in Verdict if verdict != Verdict.refuse), *REFUSED):
            self._by_result[result] = self._notifications.labels(result)
        self._actions = Counter(
            "handrail_actions", "Actions that ended.", ["rollout", "action", "outcome"], registry=registry
        )
        self._durations = Histogram(
            "handrail_action_duration_seconds",
            "From the notification to the last target's answer.",
            ["rollout", "action"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._phases = Histogram(
            "handrail_action_phase_seconds",
            "From the notification to the decision, the last target's answer, and the proof.",
            ["rollout", "action", "phase"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._tellings = Counter(
            "handrail_tellings",
            "Tries at telling people, by result.",
            ["channel", "result"],
            registry=registry,
        )
        self._heartbeat_age = Gauge(
            "handrail_heartbeat_age_seconds",
            "Since Alertmanager's heartbeat, or the start when there was none.",
            registry=registry,
        )
        self._heartbeat = Gauge(
            names.HEARTBEAT_METRIC,
            "When Alertmanager's heartbeat came; 0 before the first.",
            registry=registry,
        )
        self._heartbeat_at: datetime | None = None
        self._test_alert = Gauge(
            names.TEST_ALERT_METRIC,
            "When the newest alert of `handrail doctor --send-alert` came; 0 when none came since the start.",
            registry=registry,
        )
        self._ignored = Counter(
            "handrail_alerts_ignored", "Alerts that did not count, by why.", ["reason"], registry=registry
        )
        self._ignored_at: dict[str, tuple[datetime, str]] = {}

    def notifications(self, settled: Iterable[Settled]) -> None:
        """Count deliveries that were decided."""
        for one in settled:
            verdict = one.first.verdict if one.first else Verdict.ignore
            self._by_result[verdict.value].inc(len(one.numbers))
            for decision in (*one.before, *one.decisions):
                if decision.verdict == Verdict.ignore:
                    self._ignored.labels(decision.reason).inc(len(one.numbers))
                    self._ignored_at[decision.reason] = one.at, decision.text

    def ignored(self, now: datetime) -> dict[str, str]:
        """Why alerts were ignored within the last hour, and what was said of the newest of them; not being in an attempt is no news."""
        lately = {reason: text for reason, (at, text) in self._ignored_at.items() if now - at < LATELY}
        return {reason: text for reason, text in lately.items() if reason not in EXPECTED}

    def refused(self, result: str) -> None:
        """Count a delivery by its result."""
        self._by_result[result].inc()

    def told(self, channel: str, result: str) -> None:
        """Count a try at telling somebody: `told`, `failed`, `elsewhere`, `given-up`."""
        self._tellings.labels(channel, result).inc()

    def test_alert(self, at: datetime) -> None:
        """The alert of `handrail doctor` came."""
        self._test_alert.set(at.timestamp())

    def heartbeat(self, at: datetime) -> None:
        """Alertmanager's heartbeat came."""
        self._heartbeat_at = at if self._heartbeat_at is None else max(at, self._heartbeat_at)

    @property
    def heard(self) -> bool:
        """Whether a heartbeat came, before the start or after it."""
        return self._heartbeat_at is not None

    def heartbeat_age(self, now: datetime) -> float:
        """Seconds since the heartbeat, or since the start when none came."""
        return max(0.0, (now - (self._heartbeat_at or self._started_at)).total_seconds())

    def silence(self, now: datetime) -> float:
        """Seconds in which a heartbeat could have come and none did."""
        self._follow(now)
        return max(0.0, (now - max(self._heartbeat_at or self._started_at, self._started_at)).total_seconds())

    def _follow(self, now: datetime) -> None:
        """Where the clock was set back since it was looked at, what was noted goes back with it: silence is no shorter."""
        back = self._looked - now
        if back > SET_BACK:
            self._started_at -= back
            self._heartbeat_at = self._heartbeat_at and self._heartbeat_at - back
        self._looked = now

    def ended(self, run: Run) -> None:
        """Count an action that ended."""
        self._actions.labels(run.rollout, run.action, run.state.value).inc()
        if run.acted_at is not None:
            seconds = (run.acted_at - run.detected_at).total_seconds()
            self._durations.labels(run.rollout, run.action).observe(seconds)
        for phase, at in run.measured.items():
            if at is not None and phase != "detected":
                seconds = (at - run.detected_at).total_seconds()
                self._phases.labels(run.rollout, run.action, phase).observe(seconds)

    def render(self, now: datetime) -> bytes:
        """All of it, in Prometheus' text format."""
        self._heartbeat_age.set(self.heartbeat_age(now))
        self._heartbeat.set(self._heartbeat_at.timestamp() if self._heartbeat_at else 0)
        return generate_latest(self._registry)
