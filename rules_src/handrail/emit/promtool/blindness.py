"""What a guardrail needs and does not have → scenarios: it says that it is blind, and when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from handrail import names
from handrail.emit.promtool.frame import UPWARDS, Frame, free, inner, tiers, window
from handrail.emit.promtool.judge import Judge, compared_with
from handrail.emit.promtool.limits import TOLD, beyond, check_length, had, needs_word, ripening, stages
from handrail.emit.promtool.reads import watched
from handrail.emit.promtool.recorded import OTHER
from handrail.emit.promtool.recordings import strange_recordings, strange_words
from handrail.emit.promtool.scene import Scenario, Scene, stage_key
from handrail.emit.promtool.series import At, Key, Rise, labels_of
from handrail.emit.promtool.stimulus import Feeds, Impossible
from handrail.emit.promtool.storage import Storage, matches
from handrail.plan import Alert, Condition, Gone, Op, Quantile, ReferenceKind, Slow
from handrail.promql.conditions import REMEMBER

VANISHED = (
    "When its series vanish a guardrail is blind when its hold is over, and sees again when they are back"
)
NEVER_CAME = "A guardrail whose series never came is blind"
ONE_LOST = "Without one of the metrics it looks at a guardrail is blind"
NO_HISTORY = "Without a past to compare with a guardrail is blind, whatever others did then"
BUCKETLESS = "While events are counted and their buckets are gone, a guardrail is blind"
NO_ATTEMPT = "While no attempt gives the canary traffic, a missing canary is no blindness"
UNTOLD = "A receiver that says nothing is believed for ten minutes, then whoever needs the stage is blind"
NOTHING_CAPTURED = "Without the figure it compares with, a guardrail is blind"
UNCOMPARED = "In a stage that is compared with none before it no figure is missed"
STABLE_GONE = "Without the stable arm's series, a guardrail that compares with them is blind"
DARK = "When the service and the receiver are both silent, somebody is blind all the while"
_LONGER = timedelta(minutes=5)
LONGEST_PAST = timedelta(minutes=15)
"""What looks further back is not waited for."""

TWO_STAGES = "While two receivers name two stages the tighter limit counts"
STEPS = "From stage to stage the limit changes, and what fires with it"


def blindness(frame: Frame) -> Iterator[Scenario | Impossible]:
    """All of these for one guardrail."""
    for build in (
        _vanished,
        _never_came,
        _one_lost,
        _no_history,
        _buckets_gone,
        _no_attempt,
        _untold,
        _dark,
        _nothing_captured,
        _uncompared,
        _stable_gone,
        _steps,
        _two_stages,
    ):
        yield from had(build(frame), f"{build.__name__[1:].replace('_', ' ')}: {frame.guardrail.name}")


def _made(
    promise: str,
    frame: Frame,
    scene: Scene,
    *,
    fires: tuple[Alert, ...] = (),
    silent: tuple[Alert, ...] = (),
    about: str = "",
) -> Scenario:
    check_length(frame, scene)
    name = " ".join(filter(None, [frame.guardrail.name, about]))
    texts = tuple(alert for alert in fires if alert is frame.guardrail.blind)
    return Scenario(promise, name, frame.guardrail, scene.tapes, scene.clock, fires, silent, texts)


def _hold(frame: Frame) -> timedelta:
    return frame.guardrail.blind.hold + 3 * frame.rollout.evaluate


def _only_absence(frame: Frame) -> bool:
    return all(isinstance(inner(signal.measure), Gone) for signal in frame.guardrail.signals)


def _longest_window(frame: Frame) -> timedelta:
    return max(window(signal.measure) for signal in frame.guardrail.signals)


def _vanished(frame: Frame) -> Iterator[Scenario]:
    if free(frame.guardrail) or _only_absence(frame) or _longest_window(frame) > LONGEST_PAST:
        return
    scene, around, well = frame.scene(), frame.around(frame.stage()), frame.well()
    scene.play({**around, **well}, 4)
    scene.vanish(well, around, scene.scrapes(_longest_window(frame), _hold(frame)))
    scene.play({**around, **well}, scene.scrapes(3 * frame.rollout.evaluate))
    yield _made(VANISHED, frame, scene, fires=(frame.guardrail.blind,))


def _never_came(frame: Frame) -> Iterator[Scenario]:
    if _only_absence(frame):
        return
    if free(frame.guardrail):
        raise Impossible("what a free expression looks at is not known")
    scene = frame.scene()
    strange = strange_recordings(frame, own_is_gone=True)
    scene.play({**frame.around(frame.stage()), **strange}, scene.scrapes(_hold(frame)))
    if _longest_window(frame) > LONGEST_PAST:  # it is not seen to vanish and come back
        back = {**frame.around(frame.stage()), **strange, **frame.well()}
        scene.play(back, scene.scrapes(3 * frame.rollout.evaluate))
    yield _made(NEVER_CAME, frame, scene, fires=(frame.guardrail.blind,))


def _one_lost(frame: Frame) -> Iterator[Scenario]:
    """The others are there: for each metric without which the guardrail cannot see."""
    if free(frame.guardrail):
        return
    others, well = strange_recordings(frame, own_is_gone=True), frame.well()
    for series, past in watched(frame.guardrail).items():
        lost = [key for key in well if any(matches(selector, key) for selector in series)]
        left = {key: feed for key, feed in well.items() if key not in lost}
        if not left:
            continue
        scene, around = frame.scene(), {**frame.around(frame.stage()), **others}
        if past <= LONGEST_PAST:
            scene.play({**around, **well}, 4)
            scene.vanish(lost, {**around, **left}, scene.scrapes(past, _hold(frame)))
        else:
            scene.play({**around, **left}, scene.scrapes(_hold(frame)))
        scene.play({**around, **well}, scene.scrapes(3 * frame.rollout.evaluate))
        yield _made(ONE_LOST, frame, scene, fires=(frame.guardrail.blind,), about=str(series[0]))


def _no_history(frame: Frame) -> Iterator[Scenario]:
    """The guardrail's own series come some time after those of others."""
    agos = [
        c.reference.ago for c in frame.relative() if c.reference is not None and c.reference.ago is not None
    ]
    if not agos or free(frame.guardrail):
        return
    scene, around = (
        frame.scene(),
        {**frame.around(frame.stage()), **strange_recordings(frame, own_is_gone=True)},
    )
    scene.play(around, scene.scrapes(_hold(frame)))
    scene.play({**around, **frame.well()}, scene.scrapes(max(agos), _longest_window(frame)))
    yield _made(NO_HISTORY, frame, scene, fires=(frame.guardrail.blind,))


def _buckets_gone(frame: Frame) -> Iterator[Scenario]:
    """Until they are back; other rollouts, guardrails and arms have theirs."""
    events = _counted_alone(frame)
    if not events or _longest_window(frame) > LONGEST_PAST:
        return
    scene, around = frame.scene(), {**frame.around(frame.stage()), **strange_recordings(frame)}
    scene.play({**around, **events}, scene.scrapes(_hold(frame)))
    scene.play({**around, **frame.well()}, scene.scrapes(3 * frame.rollout.evaluate))
    yield _made(BUCKETLESS, frame, scene, fires=(frame.guardrail.blind,))


def _counted_alone(frame: Frame) -> Feeds:
    """Every series but a histogram's buckets, of which there is one event a scrape; nothing where there is no histogram."""
    signals = [s for s in frame.guardrail.signals if isinstance(s.measure, Quantile | Slow)]
    counts = {
        s.measure.histogram.suffixed("_count") for s in signals if isinstance(s.measure, Quantile | Slow)
    }
    well = {key: feed for key, feed in frame.well().items() if not key.metric.endswith("_bucket")}
    slow: Feeds = {key: Rise(Decimal(1)) for key in well if any(matches(count, key) for count in counts)}
    return {**well, **slow} if slow else {}


def _no_attempt(frame: Frame) -> Iterator[Scenario]:
    """Outside of all stages, then in one that gives the canary nothing."""
    if frame.guardrail.arms is None or not frame.rollout.stages:
        return
    idle = [None, *(stage.name for stage in frame.rollout.stages if stage.weight == 0)]
    for about, events in _dead_ways(frame):
        scene, others = frame.scene(), _other_stages(frame)
        for stage in idle:
            scene.play({**frame.around(stage), **others, **events}, scene.scrapes(_hold(frame)))
        yield _made(NO_ATTEMPT, frame, scene, silent=(frame.guardrail.blind,), about=about)


def _uncompared(frame: Frame) -> Iterator[Scenario]:
    """In every stage that is compared with none before it."""
    found = [c.reference for c in frame.relative() if c.reference is not None]
    steps = [r for r in found if r.kind is ReferenceKind.previous_stage]
    if not steps or len(steps) != len(found) or free(frame.guardrail):
        return
    compared = {now for reference in steps for _, now in compared_with(reference, frame.rollout)}
    scene = frame.scene()
    for stage in (known.name for known in frame.rollout.stages if known.name not in compared):
        around = {k: f for k, f in frame.around(stage).items() if k.metric != names.REFERENCE_METRIC}
        scene.play({**around, **frame.well()}, scene.scrapes(_hold(frame)))
    yield _made(UNCOMPARED, frame, scene, silent=(frame.guardrail.blind,))


def _dead_ways(frame: Frame) -> Iterator[tuple[str, Feeds]]:
    """How the service can be unseen: without any series; where there is a histogram, without its buckets."""
    yield "", {}
    if events := _counted_alone(frame):
        yield "without its buckets", events


def _other_stages(frame: Frame) -> Feeds:
    """What the receiver says of another rollout: that it is in the same stage."""
    return {
        Key(key.metric, tuple((n, OTHER if n == names.ROLLOUT else v) for n, v in key.labels)): feed
        for key, feed in frame.around(frame.stage()).items()
        if key.metric == names.STAGE_METRIC
    }


def _untold(frame: Frame) -> Iterator[Scenario]:
    """A breach goes on while the receiver is away: its alerts still fire, end, and the guardrail is blind.

    Figures are told a while longer than the stage, so that each is seen to be believed for its time.
    """
    needs = Judge(frame.rollout, frame.guardrail, Storage([], closed=True)).needs_stage
    if free(frame.guardrail):
        return
    remembered = _remembered(frame)
    if not remembered and needs:
        remembered = {frame.stage(): []}
    for number, (stage, found) in enumerate(remembered.items()):
        scene, feeds, wait, keeps = frame.scene(), frame.well(), timedelta(), timedelta()
        for alert, condition in found:
            feeds = frame.bad(condition, list(beyond(frame, condition, stage))[-1])
            wait = max(wait, ripening(condition) + alert.hold + 2 * frame.rollout.evaluate)
            keeps = max(keeps, alert.keep_firing_for + 3 * frame.rollout.evaluate)
        others = _other_stages(frame)
        around = {**frame.around(stage), **others}
        told = {key for key in around if key.metric.startswith("handrail_")} - set(others)
        rest = {key: feed for key, feed in around.items() if key not in told}
        scene.play({**around, **feeds}, max(4, scene.scrapes(wait)))
        figures = {key: around[key] for key in told if key.metric == names.REFERENCE_METRIC}
        scene.vanish(
            told - set(figures), {**rest, **figures, **feeds}, scene.scrapes(_LONGER) if figures else 0
        )
        scene.vanish(figures, {**rest, **feeds}, scene.scrapes(REMEMBER, max(_hold(frame), keeps)))
        scene.play({**around, **feeds}, scene.scrapes(3 * frame.rollout.evaluate))
        fires = (*(alert for alert, _ in found), *((frame.guardrail.blind,) if needs else ()))
        yield _made(UNTOLD, frame, scene, fires=fires, about=f"in stage {stage}" if number else "")


def _dark(frame: Frame) -> Iterator[Scenario]:
    """The gate on a running attempt outlives the receiver by as long as it is believed, and no longer."""
    if frame.guardrail.arms is None or free(frame.guardrail):
        return
    for about, events in _dead_ways(frame):
        around, scene = {**frame.around(frame.stage()), **events}, frame.scene()
        scene.play(around, 4)
        told = {key for key in around if key.metric.startswith("handrail_")}
        rest = {key: feed for key, feed in around.items() if key not in told}
        scene.vanish(told, rest, scene.scrapes(REMEMBER, _hold(frame)))
        yield _made(DARK, frame, scene, fires=(frame.guardrail.blind,), about=about)


def _remembered(frame: Frame) -> dict[str | None, list[tuple[Alert, Condition]]]:
    """Tiers on one signal that need what the receiver says, for each stage with a limit of its own.

    The gravest limit comes last: who breaches it breaches all.
    """
    found = [
        (alert, condition)
        for alert, condition in tiers(frame.guardrail)
        if (needs_word(condition) or alert.during is not None)
        and ripening(condition) < REMEMBER
        and condition.state is None
        and not _counts(condition)
    ]
    remembered: dict[str | None, list[tuple[Alert, Condition]]] = {}
    for _, first in found:
        for stage in stages(frame, first) if first.staged else [frame.stage(first)]:
            if stage in remembered or (first.staged and stage is None):
                continue
            same = [
                (alert, condition)
                for alert, condition in found
                if (condition.signal.name, condition.op) == (first.signal.name, first.op)
                and (stage is None or frame.judged_in(condition, stage))
            ]
            same.sort(key=lambda pair: frame.limit(pair[1], stage), reverse=first.op not in UPWARDS)
            remembered[stage] = same
    return remembered


def _counts(condition: Condition) -> bool:
    return condition.op is Op.above and type(inner(condition.signal.measure)).__name__ in {
        "Count",
        "StateChanges",
    }


def _nothing_captured(frame: Frame) -> Iterator[Scenario]:
    """In every stage that is compared with one before, and wherever it is with the time before the rollout.

    A breach goes on. The figure is believed for as long as everything the receiver says; then the stage is, for which
    it is missed.
    """
    if not frame.captured() or free(frame.guardrail):
        return
    judged: list[tuple[Alert | None, Condition]] = [*tiers(frame.guardrail)]
    for alert, condition in (
        *judged,
        *((None, criterion.condition) for criterion in frame.guardrail.success),
    ):
        reference = condition.reference
        if reference is None or reference.kind not in TOLD:
            continue
        pairs: list[tuple[str | None, str | None]] = [(None, frame.stage(condition))]
        if reference.kind is ReferenceKind.previous_stage:
            pairs = [*compared_with(reference, frame.rollout)]
        for before, stage in pairs:
            lost = names.BEFORE if before is None else names.stage_reference(before)
            scene, around, feeds, wait = frame.scene(), frame.around(stage), frame.well(), timedelta()
            if alert is not None:
                feeds = frame.bad(condition, list(beyond(frame, condition, stage))[-1])
                wait = ripening(condition) + alert.hold + 2 * frame.rollout.evaluate
            others = {**strange_words(frame, stage), **feeds}
            figures = [key for key in around if (names.REFERENCE, lost) in key.labels]
            told = {key: feed for key, feed in around.items() if key not in figures}
            scene.play({**around, **others}, max(4, scene.scrapes(wait)))
            scene.vanish(figures, {**told, **others}, scene.scrapes(REMEMBER, _hold(frame)))
            stages = [key for key in told if key.metric == names.STAGE_METRIC]
            rest = {key: feed for key, feed in told.items() if key not in stages} | others
            scene.vanish(stages, rest, scene.scrapes(REMEMBER, 3 * frame.rollout.evaluate))
            about = f"in stage {stage}" if before else ""
            yield _made(NOTHING_CAPTURED, frame, scene, fires=(frame.guardrail.blind,), about=about)


def _stable_gone(frame: Frame) -> Iterator[Scenario]:
    if not frame.compares_arms() or free(frame.guardrail):
        return
    condition = next(
        c for c in frame.relative() if c.reference is not None and c.reference.kind is ReferenceKind.stable
    )
    scene = frame.scene()
    scene.play({**frame.around(frame.stage(condition)), **frame.canary_well()}, scene.scrapes(_hold(frame)))
    yield _made(STABLE_GONE, frame, scene, fires=(frame.guardrail.blind,))


def _steps(frame: Frame) -> Iterator[Scenario]:
    """Out of every stage, then through all of them, at a value between the loosest and the tightest limit."""
    for alert, condition in tiers(frame.guardrail):
        reference = condition.reference
        stepped = reference is not None and reference.kind is ReferenceKind.previous_stage
        if free(frame.guardrail) or not (stepped if reference is not None else condition.staged):
            continue
        value = list(beyond(frame, condition, _loosest(frame, condition)))[-1]
        scene = frame.scene()
        feeds = frame.bad(condition, value)
        for stage in (None, *(stage.name for stage in frame.rollout.stages)):
            ripe = ripening(condition) if stage is None else timedelta()
            rest = ripe + alert.hold + 2 * frame.rollout.evaluate
            others = strange_words(frame, stage)
            scene.play({**frame.around(stage, entering=False), **others, **feeds}, scene.scrapes(rest))
        yield _made(STEPS, frame, scene, fires=(alert,), about=alert.tier)


def _two_stages(frame: Frame) -> Iterator[Scenario]:
    """A second receiver names the stage with the loosest limit, while the first names the one with the tightest."""
    for alert, condition in tiers(frame.guardrail):
        if not condition.staged or condition.reference is not None or free(frame.guardrail):
            continue
        loose, tight = _loosest(frame, condition), _loosest(frame, condition, tightest=True)
        if loose is None or tight is None or frame.limit(condition, loose) == frame.limit(condition, tight):
            continue
        scene, around = frame.scene(), frame.around(tight)
        second = stage_key(frame.rollout, loose)
        around[Key(second.metric, labels_of([*second.labels, ("instance", "second")]))] = At(Decimal(1))
        feeds = frame.bad(condition, list(beyond(frame, condition, tight))[-1])
        scene.play(
            {**around, **feeds}, scene.scrapes(ripening(condition), alert.hold + 2 * frame.rollout.evaluate)
        )
        yield _made(TWO_STAGES, frame, scene, fires=(alert,), about=alert.tier)


def _loosest(frame: Frame, condition: Condition, *, tightest: bool = False) -> str | None:
    """The stage with the loosest limit, or with the tightest."""
    first = max if (condition.op in UPWARDS) != tightest else min
    stages = [s.name for s in frame.rollout.stages if frame.judged_in(condition, s.name)]
    return first(stages, key=lambda stage: frame.limit(condition, stage), default=None)
