"""Stories → promtool's test cases: those of one promise are played together where none reads another's series."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from handrail.contract import names
from handrail.emit.document import Data
from handrail.emit.promtool.cases import receiver, texts_data
from handrail.emit.promtool.series import Key, matches
from handrail.plan import Rollout, Selector
from handrail.promql.syntax import either
from handrail.units import span

from oracle.series import Timeline
from oracle.story import Labelled, Look, Story

_ANY = ("", "")


@dataclass
class Case:
    """Stories that are played at the same time."""

    stories: list[Story] = field(default_factory=list)
    fed: dict[str, dict[Key, Timeline]] = field(default_factory=dict)
    read: dict[str, list[Selector]] = field(default_factory=dict)

    def fits(self, story: Story) -> bool:
        """Whether nobody's series are read by another, but those that both feed alike."""
        keys = story.timeline.keys
        own = {key for key in keys if any(matches(s, key) for s in self.read.get(key.metric, ()))}
        own |= {key for s in story.reads for key in self.fed.get(s.metric, ()) if matches(s, key)}
        return all(
            key in keys
            and key in self.fed.get(key.metric, ())
            and self.fed[key.metric][key].alike(story.timeline, key)
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
        case = next((case for case in cases if case.fits(story)), None)
        if case is None:
            cases.append(case := Case())
        case.add(story)
    return [case for cases in groups.values() for case in cases]


def _together(story: Story) -> tuple[object, ...]:
    """What stories of one case have in common."""
    stages = story.stages if len(set(story.stages)) > 1 else story.stages[:1]
    return story.step, story.promise, stages, story.timeline.scrape, story.counts_targets


def case_data(case: Case, rollout: Rollout) -> Data:
    """As promtool reads it."""
    stories, scrape = case.stories, case.stories[0].timeline.scrape
    end = max(story.end for story in stories)
    for story in stories:  # what it was last, it is to the end
        story.timeline.last(end)
    told = receiver(rollout, stories[0].stages, stories[0].step, scrape, end)
    series = {
        **told.series(),
        **{k: text for story in stories for k, text in story.timeline.series().items()},
    }
    texts = [text for story in stories for text in story.texts]
    about = ", ".join(dict.fromkeys(sorted(story.about for story in stories)))
    data: Data = {
        "name": f"{stories[0].promise}{_place(stories[0].stages)}: {about}",
        "interval": span(scrape),
        "input_series": [{"series": str(key), "values": values} for key, values in series.items()],
        "alert_rule_test": list(texts_data(texts, rollout)),
        "promql_expr_test": [
            *_looks(look for story in stories for look in story.looks),
            *(_labels_data(one) for story in stories for one in story.labelled),
        ],
    }
    return {name: part for name, part in data.items() if part}


def _place(stages: tuple[str | None, ...]) -> str:
    known = list(dict.fromkeys(stage for stage in stages if stage))
    if not known:
        return ""
    return f", in stage {known[0]}" if len(known) == 1 else f", in stages {' and '.join(known)}"


def _looks(looks: Iterable[Look]) -> Iterator[Data]:
    """Which alerts fire and which are pending, of those whose state is certain."""
    by_time: dict[tuple[timedelta, tuple[str, str]], dict[str, frozenset[str]]] = {}
    for look in looks:
        by_time.setdefault((look.at, look.only or _ANY), {}).update(look.states)
    for (at, only), states in sorted(by_time.items(), key=lambda item: item[0]):
        known = sorted(states)
        which = (names.ALERTNAME, *(("=", known[0]) if len(known) == 1 else ("=~", either(known))))
        alerts = Selector("ALERTS", (which, *([] if only == _ANY else [(only[0], "=", only[1])])))
        yield {
            "expr": f"max by (alertname, alertstate) ({alerts})",
            "eval_time": span(at),
            "exp_samples": [
                {"labels": f'{{alertname="{name}",alertstate="{state}"}}', "value": 1}
                for name in known
                for state in sorted(states[name])
            ],
        }


def _labels_data(labelled: Labelled) -> Data:
    """Its own labels."""
    own = dict(labelled.alert.labels)
    which = (
        (names.ALERTNAME, "=", labelled.alert.name),
        *([] if labelled.only is None else [(labelled.only[0], "=", labelled.only[1])]),
    )
    said = ",".join(f'{label}="{text}"' for label, text in own.items())
    return {
        "expr": f"group by ({', '.join(own)}) ({Selector('ALERTS', which)})",
        "eval_time": span(labelled.at),
        "exp_samples": [{"labels": f"{{{said}}}", "value": 1}],
    }
