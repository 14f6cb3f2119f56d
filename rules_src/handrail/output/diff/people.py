"""An alertmanager.yml, or a fragment of one → who is told of an alert with given labels, apart from Handrail's receiver."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from handrail.contract import names
from handrail.output.diff.model import Effect
from handrail.plan.routing import Matcher

People = Mapping[str, str]
"""Who is told, in words → how, as a text that can be compared."""

PAGER = "PagerDuty"
_KINDS = {
    "pagerduty_configs": (PAGER, "routing_key_file"),
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
        f"{kind} {config.get(known, '')}".strip(): json.dumps(config, sort_keys=True)
        for key, (kind, known) in _KINDS.items()
        for config in receiver.get(key, ())
    }


def told_people(alertmanager: Mapping[str, Any], labels: Mapping[str, str]) -> People:
    """Everybody who is told of an alert with these labels."""
    receivers = {receiver["name"]: receiver for receiver in alertmanager["receivers"]}
    told: dict[str, str] = {}
    for name in _receivers(alertmanager["route"], labels):
        if not is_ours(name):
            told |= people_of(receivers.get(name, {}))
    return told


def inhibits(alertmanager: Mapping[str, Any], graver: Mapping[str, str], milder: Mapping[str, str]) -> bool:
    """Whether an alert with the labels `graver` mutes one with the labels `milder`, as far as these can say."""
    return any(
        all(matcher.fits(graver) for matcher in _matchers(rule["source_matchers"]))
        and all(matcher.fits(milder) for matcher in _matchers(rule["target_matchers"]))
        and all(graver.get(label) == milder.get(label) for label in rule["equal"])
        for rule in alertmanager.get("inhibit_rules", ())
    )


def _receivers(route: Mapping[str, Any], labels: Mapping[str, str]) -> Iterator[str]:
    below = route.get("routes", ())
    matched = False
    for child in below:
        if all(matcher.fits(labels) for matcher in _matchers(child.get("matchers", ()))):
            matched = True
            yield from _receivers({"receiver": route["receiver"], **child}, labels)
            if not child.get("continue"):
                break
    if not matched:
        yield route["receiver"]


def _matchers(texts: Iterable[str]) -> Iterator[Matcher]:
    for text in texts:
        match = _MATCHER.fullmatch(text)
        if match is not None:
            yield Matcher(match[1], match[2], match[3].replace('\\"', '"').replace("\\\\", "\\"))


def change(old: People, new: People) -> tuple[Effect, str]:
    """The effect of telling other people: somebody told or paged no longer means less protection."""
    gone, came = [one for one in old if one not in new], [one for one in new if one not in old]
    paged = [any(one.startswith(PAGER) for one in people) for people in (old, new)]
    said = [f"told no longer: {', '.join(gone)}"] if gone else []
    said += [f"told: {', '.join(came)}"] if came else []
    if paged[0] and not paged[1]:
        return Effect.looser, "; ".join(["nobody is paged any more", *said])
    if gone:
        return (Effect.unclear if came else Effect.looser), "; ".join(said)
    if came:
        return Effect.tighter, "; ".join(said)
    return (Effect.neutral, "") if old == new else (Effect.unclear, "how they are told changed")
