"""What a gate asks of Prometheus: a condition, and by how much of the stage before it must have been judged."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

SPAN = "${span}"
"""Stands in a query for how long it looks back, where only the receiver knows."""

SEEN_FOR = 0.9
"""The share of a stage in which each criterion must have had data, if the gate asks for no more."""


class StageEvents(BaseModel):
    """What is judged by all events since the stage began: SPAN in the queries of its criterion stands for that time.

    The first `leaves` seconds are not looked back to: windows that end then begin before the stage. `count` gives how many
    events there were; there must be `least`, or so many bad ones that it is broken anyway. `unit` is that of the figure,
    which the criterion's `expr` and `seen` give.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: str
    least: int
    unit: str
    leaves: float


class Criterion(BaseModel):
    """A condition that must have been true over the whole stage.

    `expr` has a sample if it was *not* true; `seen` has one if it could be judged for long enough. Without a sample of
    `seen` the criterion is not met. Both look back over the last `over` seconds of the stage (None: they look at now).
    `judged` gives the share of that time (0..1) in which it could be judged; it must be at least `coverage`. Where it is
    normal that nothing happens at times, `there` gives the share that had data; it must be at least `there_for`.
    With `events` it is judged by all that happened since the stage began, once, and only `there` is a share of the time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    guardrail: str
    text: str
    expr: str
    seen: str
    judged: str = ""
    over: float | None = None
    coverage: float = SEEN_FOR
    there: str = ""
    there_for: float = SEEN_FOR
    events: StageEvents | None = None

    def spanning(self, seconds: float) -> Criterion:
        """The same to be asked when the stage has lasted for so long."""
        if self.events is None:
            return self
        span = f"{max(1, int(seconds - self.events.leaves))}s"
        count = self.events.count.replace(SPAN, span)
        texts = {name: getattr(self, name).replace(SPAN, span) for name in ("expr", "seen", "there")}
        return self.model_copy(update={**texts, "events": self.events.model_copy(update={"count": count})})
