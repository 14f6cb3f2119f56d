"""{path: text} of generated/ → what a running stack must have of it: jobs, series with labels and buckets, queries."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from handrail.contract import DashboardNeed, Playbook, QueryNeed, RoutingNeed, SeriesNeed, StackNeeds, names
from handrail.output.read_yaml import read_yaml
from handrail.plan import Selector
from handrail.promql.selected import Selected, quantile_scale, selected, together_in

_OWN = ("handrail_", "ALERTS", "scrape_")
"""How metrics begin that no application exposes."""
_PROMETHEUS_S = frozenset({"job", "instance"})
"""Labels that Prometheus sets."""
_BOUND = "le"


class NoneGenerated(Exception):
    """There is nothing to look for; the text says why and what to do."""


@dataclass(frozen=True)
class _SelectorUse:
    """One selector, and who reads it: `optional` is the guardrail, where that is an optional one."""

    one: Selected
    judged: bool
    optional: str = ""


def needed(files: Mapping[str, str], rollouts: Collection[str] = ()) -> StackNeeds:
    """What `rollouts` need, all of them where none is named. Raises NoneGenerated."""
    playbooks = {
        Path(path).stem: Playbook.model_validate_json(text)
        for path, text in sorted(files.items())
        if path == names.playbook_file(Path(path).stem)
    }
    if not playbooks:
        raise NoneGenerated("there is no playbook in it; run `handrail generate`, or name the folder")
    if unknown := set(rollouts) - set(playbooks):
        raise NoneGenerated(f"it has no rollout {min(unknown)!r}; use one of: {', '.join(playbooks)}")
    wanted = {name: one for name, one in playbooks.items() if not rollouts or name in rollouts}
    queries = tuple(query for name in wanted for query in _queries(name, playbooks, files))
    series = [need for one in wanted.values() for need in _series(one, files, queries)]
    scraped = _yaml(files, names.prometheus_file(files)).get("scrape_configs", [])
    return StackNeeds(
        playbooks=tuple(wanted.values()),
        jobs=tuple(job["job_name"] for job in scraped if not rollouts or _of(job["job_name"], series)),
        routing=_routing(tuple(wanted), files, all_of_them=not rollouts),
        series=tuple(series),
        queries=tuple(_with_optional(queries, series)),
        dashboards=tuple(need for name in wanted for need in _dashboards(name, playbooks, files)),
    )


def _routing(rollouts: tuple[str, ...], files: Mapping[str, str], *, all_of_them: bool) -> RoutingNeed:
    configuration = _yaml(files, names.alertmanager_file(files))
    receivers = [
        one for one in configuration.get("receivers", []) if all_of_them or _is_of(one["name"], rollouts)
    ]
    hooks = ((one["name"], hook["url"]) for one in receivers for hook in one.get("webhook_configs", []))
    groups = (group for rollout in rollouts for group in _groups(files, rollout))
    rules = [rule for group in groups for rule in group["rules"]]
    return RoutingNeed(
        receivers=tuple(one["name"] for one in receivers),
        webhooks=tuple(one for one in hooks if one[1].endswith(names.WEBHOOK_PATH)),
        route=configuration.get("route", {}),
        alerts=tuple({names.ALERTNAME: rule["alert"], **rule["labels"]} for rule in rules if "alert" in rule),
    )


def _is_of(receiver: str, rollouts: tuple[str, ...]) -> bool:
    """Whether one of Alertmanager's receivers is Handrail's or these rollouts'; an environment's name may stand before."""
    return any(part in rollouts or part.startswith(names.RECEIVER) for part in receiver.split("/")[:2])


def _groups(files: Mapping[str, str], rollout: str) -> list[dict[str, Any]]:
    return list(_yaml(files, names.rules_file(rollout)).get("groups", []))


def _yaml(files: Mapping[str, str], path: str) -> dict[str, Any]:
    return read_yaml(files.get(path, "")) or {}


def _of(job: str, series: list[SeriesNeed]) -> bool:
    """Whether a selector of these names the job, or one that begins like it."""
    return any(
        matcher.startswith("job=")
        and job.startswith(matcher.partition('"')[2].partition('"')[0].partition("(")[0])
        for need in series
        for matcher in need.matchers
    ) or job.startswith(names.RECEIVER)


def _queries(rollout: str, rollouts: Collection[str], files: Mapping[str, str]) -> Iterator[QueryNeed]:
    for dashboard in _drawn(rollout, rollouts, files):
        for title, expr in _asked(dashboard["panels"]):
            eventful = any(one.metric.startswith(_OWN) for one in selected(expr))
            yield QueryNeed(rollout, dashboard["title"], title, expr, eventful)


def _dashboards(rollout: str, rollouts: Collection[str], files: Mapping[str, str]) -> Iterator[DashboardNeed]:
    for dashboard in _drawn(rollout, rollouts, files):
        [source] = (one for one in dashboard["templating"]["list"] if one["type"] == "datasource")
        yield DashboardNeed(
            rollout,
            dashboard["uid"],
            dashboard["title"],
            dashboard,
            source["current"]["value"],
            named="regex" in source,
        )


def _drawn(rollout: str, rollouts: Collection[str], files: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The generated dashboards of a rollout."""
    for path, text in sorted(files.items()):
        if path.startswith("grafana/dashboards/") and _owner(Path(path).stem, rollouts) == rollout:
            yield json.loads(text)


def _owner(page: str, rollouts: Collection[str]) -> str:
    """The rollout that a dashboard is of: the one with the longest name before `-<dashboard>`."""
    return max((name for name in rollouts if f"{page}-".startswith(f"{name}-")), key=len, default="")


def _asked(panels: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for panel in panels:
        for target in panel.get("targets", []):
            if selected(target["expr"]):
                yield panel["title"], target["expr"]
        yield from _asked(panel.get("panels", []))


def _series(
    playbook: Playbook, files: Mapping[str, str], queries: tuple[QueryNeed, ...]
) -> Iterator[SeriesNeed]:
    """A need for each metric that the rules or dashboards of a rollout read from outside."""
    groups = _groups(files, playbook.rollout)
    rules = [rule for group in groups for rule in group["rules"]]
    recorded = {rule["record"] for rule in rules if "record" in rule}
    read = [
        _SelectorUse(one, True, _optional(group))
        for group in groups
        for rule in group["rules"]
        for one in selected(rule["expr"])
    ]
    read += [
        _SelectorUse(one, False)
        for query in queries
        if query.rollout == playbook.rollout
        for one in selected(query.expr)
    ]
    by_metric: dict[str, list[_SelectorUse]] = {}
    for use in read:
        metric = use.one.metric
        if metric and metric != "up" and not metric.startswith(_OWN) and metric not in recorded:
            by_metric.setdefault(metric, []).append(use)
    quantiles: dict[str, set[float]] = {}
    for metric, limit in _quantiles(playbook, rules):
        quantiles.setdefault(metric, set()).add(limit)
    texts = [rule["expr"] for rule in rules]
    texts += [query.expr for query in queries if query.rollout == playbook.rollout]
    added_up = [group for text in texts for group in together_in(text)]
    for metric, reads in sorted(by_metric.items()):
        need = _need(playbook.rollout, metric, reads, tuple(sorted(quantiles.get(metric, ()))))
        instead = tuple(sorted(_instead_of(metric, added_up)))
        yield replace(need, instead=instead, seen=_seen(playbook.rollout, reads))


def _with_optional(queries: Iterable[QueryNeed], series: Iterable[SeriesNeed]) -> Iterator[QueryNeed]:
    """The queries; one that reads nothing but what is optional may have no data."""
    optional = {(need.rollout, need.metric) for need in series if need.seen}
    for query in queries:
        read = {(query.rollout, one.metric) for one in selected(query.expr) if one.metric}
        yield replace(query, eventful=query.eventful or (bool(read) and read <= optional))


def _optional(group: Mapping[str, Any]) -> str:
    """The optional guardrail that a group of rules is of; empty for any other."""
    remembers = (rule for rule in group["rules"] if rule.get("record") == names.SEEN)
    return next((str(rule["labels"][names.GUARDRAIL]) for rule in remembers), "")


def _seen(rollout: str, reads: Iterable[_SelectorUse]) -> str:
    """What remembers that an optional metric was there; empty where one that is not optional reads it, or none does."""
    guardrails = sorted({read.optional for read in reads if read.judged})
    if not guardrails or "" in guardrails:
        return ""
    own = ((names.ROLLOUT, "=", rollout), (names.GUARDRAIL, "=~", "|".join(guardrails)))
    return str(Selector(names.SEEN, own))


def _instead_of(metric: str, added_up: list[tuple[Selected, ...]]) -> set[str]:
    """Series of other metrics that are added to those of `metric` somewhere."""
    return {
        f"{one.metric}{{{','.join(sorted(map(_written, one.matchers)))}}}"
        for group in added_up
        if any(one.metric == metric for one in group)
        for one in group
        if one.metric != metric
    }


def _need(rollout: str, metric: str, reads: list[_SelectorUse], above: tuple[float, ...]) -> SeriesNeed:
    everywhere = frozenset.intersection(*(frozenset(read.one.matchers) for read in reads))
    rest = {matcher for read in reads for matcher in read.one.matchers} - everywhere
    asked = {label for label, op, value in rest if op in {"=", "=~"} and value}
    grouped = {label for read in reads for label in read.one.by}
    return SeriesNeed(
        rollout,
        metric,
        tuple(sorted(map(_written, everywhere))),
        tuple(sorted((asked | grouped) - _PROMETHEUS_S - {_BOUND} - set(names.OURS))),
        tuple(sorted(_written(one) for one in rest if one[0] == _BOUND and one[1] in {"=", "=~"})),
        above,
        any(read.judged for read in reads),
    )


def _written(matcher: tuple[str, str, str]) -> str:
    label, op, value = matcher
    return f"{label}{op}{json.dumps(value, ensure_ascii=False)}"


def _quantiles(playbook: Playbook, rules: list[dict[str, Any]]) -> Iterator[tuple[str, float]]:
    """Each histogram of which a guardrail judges a quantile, with each fixed limit of it."""
    for guardrail in playbook.guardrails:
        limits = {
            float(one.figure)
            for tier in guardrail.tiers
            for limit in tier.limits
            if not limit.signal and limit.reference is None and not limit.past and limit.op in {">", ">="}
            for one in limit.figures
            if one.figure is not None
        }
        own = [rule for rule in rules if rule.get("labels", {}).get(names.GUARDRAIL) == guardrail.name]
        values = (rule["expr"] for rule in own if rule.get("record") == names.VALUE)
        scale = next((one for one in map(quantile_scale, values) if one), None)
        if limits and scale:
            read = (
                one for rule in own if rule.get("record") == names.BUCKETS for one in selected(rule["expr"])
            )
            metrics = {one.metric for one in read if one.metric.endswith("_bucket")}
            yield from product(sorted(metrics), (limit / scale for limit in limits))
