"""What belongs to others → scenarios: other arms, series, guardrails and rollouts change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from handrail.emit.promtool.frame import Frame, free
from handrail.emit.promtool.instances import spread
from handrail.emit.promtool.limits import extreme, had, settle
from handrail.emit.promtool.made import easiest, longest, made, per
from handrail.emit.promtool.reads import reads
from handrail.emit.promtool.recordings import strange_recordings, strange_words
from handrail.emit.promtool.scene import LONGEST, Scenario
from handrail.emit.promtool.series import Key, Rise
from handrail.emit.promtool.stimulus import Feeds, Impossible, chosen
from handrail.emit.promtool.storage import matches
from handrail.plan import Selector

OTHERS = "Other arms, other series and other rollouts change nothing"
BAD_STABLE = "A bad stable arm is not the canary's fault"


def strangers(frame: Frame) -> Iterator[Scenario | Impossible]:
    """Both for one guardrail."""
    if free(frame.guardrail):
        return
    for build in (_others, _bad_stable):
        yield from had(build(frame), f"{build.__name__[1:].replace('_', ' ')}: {frame.guardrail.name}")


def _others(frame: Frame) -> Iterator[Scenario]:
    """Beside a guardrail that is well: everything that its selectors leave out, far over every limit."""
    scene, stage = frame.scene(), frame.stage()
    around, well = frame.around(stage), frame.well()
    strange = {**_strange_series(frame), **strange_recordings(frame), **strange_words(frame, stage)}
    for alert in frame.guardrail.alerts:
        settle(frame, scene, alert, {**around, **strange}, spread(frame.guardrail, well))
        break
    scene.play({**around, **spread(frame.guardrail, well), **strange}, scene.scrapes(_past(frame)))
    settled = scene.clock - 1
    scene.play(
        {**around, **spread(frame.guardrail, well), **strange}, scene.scrapes(longest(frame)) + 4 * per(frame)
    )
    yield made(OTHERS, frame, scene, silent=frame.calm(), settled=settled)


def _past(frame: Frame) -> timedelta:
    """How much must have been there before: none where it lies further back than a test should last."""
    agos = [
        c.reference.ago for c in frame.relative() if c.reference is not None and c.reference.ago is not None
    ]
    found = max(agos, default=timedelta())
    return found if found / frame.rollout.evaluate < LONGEST / 2 else timedelta()


def _strange_series(frame: Frame) -> Feeds:
    read = list(reads(frame.guardrail))
    found: Feeds = {}
    for signal in frame.guardrail.signals:
        for selector in read:
            for label in sorted({label for label, _, _ in selector.matchers}):
                for key in flipped(selector, frame.fixed(signal), label):
                    if not any(matches(other, key) for other in read):
                        found[key] = Rise(Decimal(1_000_000))
    return found


def flipped(selector: Selector, fixed: dict[str, str], label: str) -> Iterator[Key]:
    """A series that this label alone keeps out, where there can be one."""
    try:
        yield chosen(selector, fixed, flipped=label)
    except Impossible:
        return


def _bad_stable(frame: Frame) -> Iterator[Scenario]:
    """The stable arm at its worst, the canary well."""
    if frame.guardrail.arms is None:
        return
    for signal in frame.guardrail.signals:
        found = easiest(frame, signal)
        worst = None if found is None else extreme(frame, found[1])
        if found is None or worst is None:
            continue
        alert, condition = found
        scene, around = frame.scene(), frame.around(frame.stage(condition))
        bad = frame.stable(frame.at(signal, worst))
        scene.play({**around, **frame.well(), **bad}, scene.scrapes(alert.hold) + 4 * per(frame))
        yield made(BAD_STABLE, frame, scene, silent=frame.calm(), about=signal.name)
