"""Two states of what all rollouts share (who is told, what is scraped) → their differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from handrail.output.diff.facts import CommonState, Facts
from handrail.output.diff.model import DiffLine, Effect, by_size
from handrail.output.diff.people import People, change
from handrail.units import span


def shared(old: CommonState, new: CommonState) -> Iterator[DiffLine]:
    """Receivers, routes, scrape jobs and the Alertmanagers alerts go to."""
    yield from _people(old.people, new.people)
    yield from _named(
        "scrape job", old.jobs, new.jobs, "scraped no longer", "scraped", "how it is scraped changed"
    )
    if old.webhook != new.webhook:
        yield DiffLine(
            Effect.unclear, "", "receiver", f"reached in another way: {old.webhook} → {new.webhook}"
        )
    if old.routing != new.routing:
        what = "routes of the receiver changed; read alertmanager.yml"
        yield DiffLine(Effect.unclear, "", "Alertmanager", what)
    if old.scrape != new.scrape and old.scrape and new.scrape:
        effect = by_size(old.scrape, new.scrape, more_is=Effect.looser)
        yield DiffLine(effect, "", "Prometheus", f"scrapes every {span(old.scrape)} → {span(new.scrape)}")
    for gone in sorted({*old.alertmanagers} - {*new.alertmanagers}):
        yield DiffLine(Effect.looser, "", "Prometheus", f"alerts no longer go to {gone}")
    for came in sorted({*new.alertmanagers} - {*old.alertmanagers}):
        yield DiffLine(Effect.tighter, "", "Prometheus", f"alerts go to {came}")


def _people(old: Mapping[str, People], new: Mapping[str, People]) -> Iterator[DiffLine]:
    for name in dict.fromkeys([*old, *new]):
        before, after = old.get(name, {}), new.get(name, {})
        if name not in new:
            yield DiffLine(Effect.looser, "", name, f"people are told no longer{_whom(before)}")
        elif name not in old:
            yield DiffLine(Effect.tighter, "", name, f"people are told{_whom(after)}")
        elif before != after:
            yield DiffLine(change(before, after)[0], "", name, change(before, after)[1])


def _whom(people: People) -> str:
    return f": {', '.join(people)}" if people else ""


def exporters_and_cluster(old: Facts, new: Facts) -> Iterator[DiffLine]:
    """Changes of the exporters' input, and of where Kubernetes objects go."""
    gone, came, changed = "exported no longer", "exported", "what is exported changed; read the file"
    yield from _named("", old.exporters, new.exporters, gone, came, changed)
    for path, place in new.objects.items():
        if old.objects.get(path, place) != place:
            what = "namespace, name or labels of its objects changed"
            yield DiffLine(Effect.unclear, "", path, what)
    if None not in (old.rights, new.rights) and old.rights != new.rights:
        what = f"it may do something else in the cluster: {old.rights} → {new.rights}"
        yield DiffLine(Effect.unclear, "", "receiver", what)


def _named(
    kind: str, old: Mapping[str, str], new: Mapping[str, str], gone: str, came: str, changed: str
) -> Iterator[DiffLine]:
    for name in dict.fromkeys([*old, *new]):
        subject = f"{kind} {name}".strip()
        if name not in new:
            yield DiffLine(Effect.looser, "", subject, gone)
        elif name not in old:
            yield DiffLine(Effect.tighter, "", subject, came)
        elif old[name] != new[name]:
            yield DiffLine(Effect.unclear, "", subject, changed)
