"""Stories → promtool's test cases: those of one promise are played together where none reads another's series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from handrail.contract import names
from handrail.emit.document import Data
from handrail.emit.promtool.series import Key, matches
from handrail.emit.promtool.story import Story, Text
from handrail.emit.promtool.text import expanded
from handrail.plan import Rollout, Selector
from handrail.promql.syntax import either
from handrail.units import span

INSTANCE = "instance"


@dataclass
class Case:
    """Stories that are played at the same time."""

    stories: list[Story] = field(default_factory=list)
    fed: dict[str, list[tuple[Key, Story]]] = field(default_factory=dict)
    read: dict[str, list[tuple[Selector, Story]]] = field(default_factory=dict)

    def fits(self, story: Story) -> bool:
        """Whether nobody's series are read by another, unless that does not matter."""
        theirs = ((s, key, one) for key in story.timeline.keys for s, one in self.read.get(key.metric, ()))
        ours = ((s, key, one) for s in story.reads for key, one in self.fed.get(s.metric, ()))
        met = {id(one): one for side in (theirs, ours) for s, key, one in side if matches(s, key)}
        return all(_alike(one, story) for one in met.values())

    def add(self, story: Story) -> None:
        """Play it too."""
        self.stories.append(story)
        for key in story.timeline.keys:
            self.fed.setdefault(key.metric, []).append((key, story))
        for selector in story.reads:
            self.read.setdefault(selector.metric, []).append((selector, story))


def _alike(one: Story, other: Story) -> bool:
    """Whether the series of both come and go at the same times, and their values do not matter."""
    phases = [[count for count, _ in story.timeline.phases[:-1]] for story in (one, other)]
    whatever = one.whatever and other.whatever and one.about != other.about
    return whatever and phases[0] == phases[1] and not _stays(one, other) and not _stays(other, one)


def _stays(one: Story, other: Story) -> bool:
    """Whether something of the one's stays that the other takes for its own, which are gone."""
    first = other.timeline.phases[0][1]
    return any(
        any(matches(selector, key) for key in mine)
        and not any(matches(selector, key) for key in theirs)
        and any(matches(selector, key) for key in first)
        for (_, mine), (_, theirs) in zip(one.timeline.phases, other.timeline.phases, strict=True)
        for selector in other.reads
    )


def packed(stories: Iterable[Story]) -> list[Case]:
    """As few cases as the first fit needs, in the order of the promises; the longest story comes first."""
    groups: dict[tuple[object, ...], list[Case]] = {}
    order = list(stories)
    for story in order:
        groups.setdefault(_together(story), [])
    for story in sorted(order, key=lambda story: story.end, reverse=True):
        cases = groups[_together(story)]
        case = next((case for case in cases if case.fits(story)), None)
        if case is None:
            cases.append(case := Case())
        case.add(story)
    return [case for cases in groups.values() for case in cases]


def _together(story: Story) -> tuple[object, ...]:
    """What stories of one case have in common."""
    return story.promise, story.context, story.timeline.scrape


def case_data(case: Case, rollout: Rollout) -> Data:
    """As promtool reads it."""
    stories = case.stories
    end = max(story.end for story in stories)
    scrape = stories[0].timeline.scrape
    lasting = (end // scrape + 1) * scrape
    told = stories[0].context.timeline(rollout, scrape, lasting).series()
    fed = {key: values for story in stories for key, values in story.timeline.series().items()}
    texts = [_text(text, rollout) for story in stories for text in story.texts]
    return {
        "name": f"{stories[0].promise}: {', '.join(dict.fromkeys(sorted(s.about for s in stories)))}",
        "interval": span(scrape),
        "input_series": [
            {"series": str(key), "values": values}
            for key, values in {**_up(fed, rollout, lasting // scrape), **told, **fed}.items()
        ],
        "alert_rule_test": sorted(texts, key=lambda text: text["alertname"]),
        "promql_expr_test": _looks(stories),
    }


def _up(fed: Iterable[Key], rollout: Rollout, count: int) -> dict[Key, str]:
    """Every target answers all the time."""
    instances = dict.fromkeys(dict(key.labels).get(INSTANCE, "") for key in fed)
    return {Key.of("up", {"job": rollout.service, INSTANCE: name}): f"1x{count}" for name in instances}


def _looks(stories: Sequence[Story]) -> list[Data]:
    """Who fires, and who waits for its hold to be over, of all of whom that is certain."""
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
