"""An alertmanager.yml, or a fragment of one → who is told of an alert with given labels, apart from Handrail's receiver."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from handrail.contract import names
from handrail.output.diff.model import Effect
from handrail.plan.routing import Matcher


@dataclass(frozen=True)
class Told:
    """How somebody is told, and the intervals in which they are not, as texts that can be compared."""

    how: str
    muted: frozenset[str] = frozenset()


People = Mapping[str, Told]
"""By who is told, in words."""

PAGERS = ("PagerDuty", "OpsGenie")
_KINDS = {
    "pagerduty_configs": (PAGERS[0], "routing_key_file"),
    "opsgenie_configs": (PAGERS[1], "api_key_file"),
    "msteamsv2_configs": ("Teams", "webhook_url_file"),
    "slack_configs": ("Slack", "channel"),
    "email_configs": ("mail", "to"),
    "webhook_configs": ("webhook", "url"),
}
_MATCHER = re.compile(r'([a-zA-Z_]\w*)(=~|!~|!=|=)"(.*)"')


def told_by(configuration: Any, path: str) -> Any:
    """A configuration with receivers called as in an Alertmanager of its own; a fragment's have the environment before."""
    if path != names.ALERTMANAGER_FRAGMENT:
        return configuration
    receivers = [{**one, "name": _alone(one["name"])} for one in configuration["receivers"]]
    return {**configuration, "route": _as_alone(configuration["route"]), "receivers": receivers}


def _as_alone(route: Mapping[str, Any]) -> dict[str, Any]:
    below = [_as_alone(one) for one in route.get("routes", ())]
    return {**route, "receiver": _alone(route["receiver"]), **({"routes": below} if below else {})}


def _alone(receiver: str) -> str:
    return receiver.partition("/")[2]


def is_ours(receiver: str) -> bool:
    """Whether it is Handrail's own receiver, by its name."""
    return receiver in (names.RECEIVER, names.HEARTBEAT_RECEIVER)


def people_of(receiver: Mapping[str, Any]) -> People:
    """Everybody whom one receiver notifies."""
    return {
        f"{kind} {config.get(known, '')}".strip(): Told(json.dumps(config, sort_keys=True))
        for key, (kind, known) in _KINDS.items()
        for config in receiver.get(key, ())
    }


def told_people(alertmanager: Mapping[str, Any], labels: Mapping[str, str]) -> People:
    """Everybody who is told of an alert with these labels."""
    receivers = {receiver["name"]: people_of(receiver) for receiver in alertmanager["receivers"]}
    told: dict[str, Told] = {}
    for route in _taken(alertmanager["route"], labels):
        if not is_ours(route["receiver"]):
            muted = _muted(alertmanager, route)
            for who, how in receivers.get(route["receiver"], {}).items():
                told[who] = replace(how, muted=told[who].muted & muted if who in told else muted)
    return told


def people_by_receiver(alertmanager: Mapping[str, Any]) -> dict[str, People]:
    """Everybody whom each receiver of people notifies, with what its route mutes."""
    muted = {
        route["receiver"]: _muted(alertmanager, route) for route in alertmanager["route"].get("routes", ())
    }
    return {
        name: {
            who: replace(how, muted=muted.get(name, how.muted)) for who, how in people_of(receiver).items()
        }
        for receiver in alertmanager["receivers"]
        if not is_ours(name := receiver["name"])
    }


def _muted(alertmanager: Mapping[str, Any], route: Mapping[str, Any]) -> frozenset[str]:
    times = {time["name"]: time["time_intervals"] for time in alertmanager.get("time_intervals", ())}
    names_of = route.get("mute_time_intervals", ())
    return frozenset(json.dumps(one, sort_keys=True) for name in names_of for one in times.get(name, ()))


def inhibits(alertmanager: Mapping[str, Any], severer: Mapping[str, str], milder: Mapping[str, str]) -> bool:
    """Whether an alert with the labels `severer` mutes one with the labels `milder`, as far as these can say."""
    return any(
        all(matcher.fits(severer) for matcher in _matchers(rule["source_matchers"]))
        and all(matcher.fits(milder) for matcher in _matchers(rule["target_matchers"]))
        and all(severer.get(label) == milder.get(label) for label in rule["equal"])
        for rule in alertmanager.get("inhibit_rules", ())
    )


def _taken(route: Mapping[str, Any], labels: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    """The routes that tell somebody of an alert with these labels."""
    below = route.get("routes", ())
    matched = False
    for child in below:
        if all(matcher.fits(labels) for matcher in _matchers(child.get("matchers", ()))):
            matched = True
            yield from _taken({"receiver": route["receiver"], **child}, labels)
            if not child.get("continue"):
                break
    if not matched:
        yield route


def _matchers(texts: Iterable[str]) -> Iterator[Matcher]:
    for text in texts:
        match = _MATCHER.fullmatch(text)
        if match is not None:
            yield Matcher(match[1], match[2], match[3].replace('\\"', '"').replace("\\\\", "\\"))


def change(old: People, new: People) -> tuple[Effect, str]:
    """The effect of telling other people: somebody told or paged no longer means less protection."""
    gone, came = [one for one in old if one not in new], [one for one in new if one not in old]
    paged = [any(one.startswith(PAGERS) for one in people) for people in (old, new)]
    said = [f"told no longer: {', '.join(gone)}"] if gone else []
    said += [f"told: {', '.join(came)}"] if came else []
    if paged[0] and not paged[1]:
        return Effect.looser, "; ".join(["nobody is paged any more", *said])
    if gone:
        return (Effect.unclear if came else Effect.looser), "; ".join(said)
    if came:
        return Effect.tighter, "; ".join(said)
    return _muting(old, new) or (
        (Effect.neutral, "") if old == new else (Effect.unclear, "how they are told changed")
    )


def _muting(old: People, new: People) -> tuple[Effect, str] | None:
    """The effect of other mute times for the same people."""
    more = [who for who in new if new[who].muted - old[who].muted]
    less = [who for who in new if old[who].muted - new[who].muted]
    if more and less:
        return Effect.unclear, f"muted at other times: {', '.join(dict.fromkeys([*more, *less]))}"
    if more:
        return Effect.looser, f"muted at more times: {', '.join(more)}"
    return (Effect.tighter, f"muted at fewer times: {', '.join(less)}") if less else None
