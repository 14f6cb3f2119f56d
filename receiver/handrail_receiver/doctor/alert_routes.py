"""What Alertmanager has loaded + what was generated → whether each alert still gets to whom it should: receivers, routes, webhooks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml
from handrail.contract import RoutingNeed
from pydantic import BaseModel, ValidationError

from handrail_receiver.catch_up.routes import Routing, routing_in
from handrail_receiver.catch_up.safe_yaml import read_yaml
from handrail_receiver.doctor.findings import Finding, failed, ok, unknown

CURE = "load the generated alertmanager.yml, or run `handrail merge alertmanager`; then reload it"
HIDDEN = "<secret>"
FEW = 3


class _Config(BaseModel):
    original: str


class StatusAnswer(BaseModel):
    """What Alertmanager's /api/v2/status answers: its configuration, without its secrets."""

    config: _Config


def of_routes(url: str, need: RoutingNeed, status: StatusAnswer) -> Finding:
    """Whether each receiver is there, each alert is sent to it, and the webhooks go where they should."""
    what = f"routes of {url}"
    try:
        loaded: Any = read_yaml(status.config.original)
        routing = routing_in(loaded)
    except (yaml.YAMLError, ValidationError) as error:
        return unknown(what, f"its configuration cannot be read ({type(error).__name__})", "ask it by amtool")
    wrong = [*_lacking(need, loaded), *_elsewhere(need, loaded)] or list(_unreached(need, routing))
    if wrong:
        more = f"; and {len(wrong) - FEW} more like it" if len(wrong) > FEW else ""
        return failed(what, "; ".join(wrong[:FEW]) + more, CURE)
    return ok(
        what, f"all {len(need.receivers)} receivers are there, and {len(need.alerts)} alerts get to theirs"
    )


def _receivers(loaded: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for one in loaded.get("receivers") or ():
        yield str(one.get("name")), one


def _lacking(need: RoutingNeed, loaded: Any) -> Iterator[str]:
    there = [name for name, _ in _receivers(loaded)]
    missing = [name for name in need.receivers if not _is_there(name, there)]
    if missing:
        yield f"there is no receiver {', '.join(missing)}"


def _elsewhere(need: RoutingNeed, loaded: Any) -> Iterator[str]:
    """Webhooks of the receiver that lead to another address; one that is hidden may be any."""
    for name, receiver in _receivers(loaded):
        for ours, wanted in need.webhooks:
            urls = [str(one.get("url", HIDDEN)) for one in receiver.get("webhook_configs") or ()]
            if _is_there(ours, [name]) and wanted not in urls and HIDDEN not in urls:
                yield f"receiver {name} posts to {', '.join(urls) or 'nobody'}, and the receiver is at {wanted}"


def _unreached(need: RoutingNeed, routing: Routing) -> Iterator[str]:
    wanted = routing_in({"route": need.route})
    for labels in need.alerts:
        there = [way.receiver for way in routing.ways(labels)]
        lost = [way.receiver for way in wanted.ways(labels) if not _is_there(way.receiver, there)]
        if lost:
            yield f"no route takes {labels['alertname']} to {_listed(lost)}"


def _is_there(name: str, names: Iterable[str]) -> bool:
    """Whether one of the names is this one; Prometheus' operator writes NAMESPACE/NAME/ before it."""
    return any(one == name or one.endswith(f"/{name}") for one in names)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(names))
