"""Stories → promtool's test cases: those of one promise are played together where none reads another's series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from handrail.contract import names
from handrail.emit.document import Data
from handrail.emit.promtool.series import Feed, Feeds, Key, Timeline, matches
from handrail.emit.promtool.story import Figure, Story, Text
from handrail.emit.promtool.text import expanded
from handrail.plan import Rollout, Selector
from handrail.promql.syntax import either
from handrail.units import plain, span

INSTANCE = "instance"
SHORT = 6
"""A case of so many evaluations is told without those who have no part in it."""


@dataclass
class Case:
    """Stories that are played at the same time."""

    stories: list[Story] = field(default_factory=list)
    fed: dict[str, dict[Key, Timeline]] = field(default_factory=dict)
    read: dict[str, list[Selector]] = field(default_factory=dict)

    def reads(self, key: Key) -> bool:
        """Whether one of them looks at the series."""
        return any(matches(selector, key) for selector in self.read.get(key.metric, ()))

    def fits(self, timeline: Timeline, reads: Iterable[Selector]) -> bool:
        """Whether nobody's series are read by another, but those that both feed alike."""
        keys = timeline.keys
        own = {key for key in keys if self.reads(key)}
        own |= {key for s in reads for key in self.fed.get(s.metric, ()) if matches(s, key)}
        return all(
            key in keys
            and key in self.fed.get(key.metric, ())
            and self.fed[key.metric][key].alike(timeline, key)
            for key in own
        )

    def add(self, story: Story) -> None:
        """Play it too."""
        self.stories.append(story)
        for key in story.timeline.keys:
            self.fed.setdefault(key.metric, {}).setdefault(key, story.timeline)
        for selector in story.reads:
            self.read.setdefault(selector.metric, []).append(selector)


def packed(stories: Iterable[Story]) -> list[Case]:
    """As few cases as the first fit needs, in the order of the promises; the longest story comes first."""
    groups: dict[tuple[object, ...], list[Case]] = {}
    order = list(stories)
    for story in order:
        groups.setdefault(_together(story), [])
    for story in sorted(order, key=lambda story: story.end, reverse=True):
        cases = groups[_together(story)]
        case = next((case for case in cases if case.fits(story.timeline, story.reads)), None)
        if case is None:
            cases.append(case := Case())
        case.add(story)
    return [case for cases in groups.values() for case in cases]


def _together(story: Story) -> tuple[object, ...]:
    """What stories of one case have in common."""
    return story.promise, story.context, story.timeline.scrape, story.counts_targets


def case_data(case: Case, rollout: Rollout, healthy: Mapping[str, Feeds]) -> Data:
    """As promtool reads it; whoever has no story in it is `healthy` beside it, so far as nobody else sees that."""
    stories = case.stories
    scrape, end = stories[0].timeline.scrape, max(story.end for story in stories)
    for story in stories:  # what it was last, it is to the end
        story.timeline.last(end)
    beside = Timeline(scrape)
    if (
        end > SHORT * stories[0].clock.step
    ):  # before that nobody is blind for long, and what is not fed is not read
        beside.play(_beside(case, healthy), end)
    told = stories[0].context.timeline(rollout, scrape, end)
    fed = {key: text for story in stories for key, text in story.timeline.series().items()}
    given = {**beside.series(), **told.series(), **fed}
    up = {} if stories[0].counts_targets else _up(given, rollout, end // scrape)
    seen = {key for key in up if case.reads(key)}  # a story that looks at targets feeds its own
    texts = [_text(text, rollout) for story in stories for text in story.texts]
    data: Data = {
        "name": f"{stories[0].promise}: {', '.join(dict.fromkeys(sorted(s.about for s in stories)))}",
        "interval": span(scrape),
        "input_series": [
            {"series": str(key), "values": values}
            for key, values in {
                **{key: text for key, text in up.items() if key not in seen},
                **given,
            }.items()
        ],
        "alert_rule_test": sorted(texts, key=lambda text: text["alertname"]),
        "promql_expr_test": [*_looks(stories), *(_figure(one) for story in stories for one in story.figures)],
    }
    return {name: part for name, part in data.items() if part}


def _beside(case: Case, healthy: Mapping[str, Feeds]) -> Feeds:
    found: dict[Key, Feed] = {}
    if any(story.about == names.ESCALATION for story in case.stories):
        return found  # whatever fires would climb
    playing = {story.about for story in case.stories}
    for about, feeds in healthy.items():
        if about not in playing:
            found |= {key: feed for key, feed in feeds.items() if not case.reads(key)}
    fed = {key for keys in case.fed.values() for key in keys}
    return {key: feed for key, feed in found.items() if key not in fed}


def _up(given: Iterable[Key], rollout: Rollout, count: int) -> dict[Key, str]:
    """Every target answers all the time, unless a story is about that."""
    known = list(given)
    named = {dict(key.labels).get(INSTANCE, "") for key in known if key.metric == "up"}
    instances = dict.fromkeys(dict(key.labels).get(INSTANCE, "") for key in known)
    return {
        Key.of("up", {"job": rollout.service, INSTANCE: name}): f"1x{count}"
        for name in instances
        if not name or (name not in named and not name.startswith("pushed"))
    }


def _figure(one: Figure) -> Data:
    """How many values of a series lie where they should: its only one."""
    low, high = one.between or (None, None)
    expr = str(one.series) if low is None else f"{one.series} >= {plain(low)} <= {plain(high or low)}"
    samples = [] if low is None else [{"labels": "{}", "value": 1}]
    return {"expr": f"count({expr})", "eval_time": span(one.at), "exp_samples": samples}


def _looks(stories: Sequence[Story]) -> list[Data]:
    """Who fires, and who is not sustained for long enough yet, of all of whom that is certain."""
    tests = []
    for at in sorted({at for story in stories for at in story.looks}):
        by_label: dict[tuple[str, str] | None, dict[str, str]] = {}
        for story in (story for story in stories if at in story.looks):
            for (name, only), state in story.certain(at).items():
                by_label.setdefault(only, {})[name] = state
        tests += [_look(at, only, states) for only, states in by_label.items()]
    return tests


def _look(at: timedelta, only: tuple[str, str] | None, states: Mapping[str, str]) -> Data:
    known = sorted(states)
    which = (names.ALERTNAME, *(("=", known[0]) if len(known) == 1 else ("=~", either(known))))
    alerts = Selector("ALERTS", (which, *(() if only is None else ((only[0], "=", only[1]),))))
    return {
        "expr": f"max by (alertname, alertstate) ({alerts})",
        "eval_time": span(at),
        "exp_samples": [
            {"labels": f'{{alertname="{name}",alertstate="{states[name]}"}}', "value": 1}
            for name in known
            if states[name]
        ],
    }


def _text(text: Text, rollout: Rollout) -> Data:
    """The alert with all its labels and annotations."""
    alert, own = text.alert, dict(text.alert.labels)
    labels = {**text.labels, **own}
    value = float(text.value if text.value is not None else Decimal(1))
    return {
        "eval_time": span(text.at),
        "alertname": alert.name,
        "exp_alerts": [
            {
                "exp_labels": labels,
                "exp_annotations": {
                    "summary": expanded(alert.summary, value, labels),
                    "description": expanded(alert.description, value, labels),
                    "runbook_url": f"{rollout.runbook_url}#{own.get(names.GUARDRAIL, alert.tier)}",
                    "dashboard_url": rollout.dashboard_url,
                },
            }
        ],
    }
