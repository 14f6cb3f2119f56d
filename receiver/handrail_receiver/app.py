"""Settings → Starlette application; the only wiring."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from handrail.contract import names
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from handrail_receiver.access.authorization import People, error
from handrail_receiver.access.hosts import Hosts, host_in, hosts_of
from handrail_receiver.access.tokens import NoTokens, Tokens
from handrail_receiver.catch_up.current_routes import CurrentRoutes
from handrail_receiver.catch_up.doubts import Doubts
from handrail_receiver.catch_up.polling import Poller
from handrail_receiver.chores import Chores
from handrail_receiver.clock import SystemClock
from handrail_receiver.errors import StoreDown, WrongSettings
from handrail_receiver.evidence.bundling import Bundler
from handrail_receiver.evidence.impact import ImpactWatch
from handrail_receiver.evidence.live_answers import Lookout
from handrail_receiver.evidence.postmortem import Postmortems
from handrail_receiver.evidence.schedule import Schedule
from handrail_receiver.evidence.signing import private_key
from handrail_receiver.evidence.snapshot_taker import Snapshots
from handrail_receiver.execute.executor import Executor
from handrail_receiver.execute.kill_switch import KillSwitch
from handrail_receiver.execute.rates import Rates
from handrail_receiver.gates.criteria import Criteria
from handrail_receiver.guard import Guard
from handrail_receiver.http_routes import routes_of
from handrail_receiver.intake.refusals import Refusals
from handrail_receiver.intake.webhook import AlertWebhook
from handrail_receiver.load_bursts.bursts import Bursts
from handrail_receiver.metrics import Metrics
from handrail_receiver.model import Conditions
from handrail_receiver.operations.drift import DriftWatch
from handrail_receiver.operations.handler import CallHandler
from handrail_receiver.operations.probing import ProbeWatch
from handrail_receiver.operations.stopping import Stopping
from handrail_receiver.operations.unacknowledged import AckWatch
from handrail_receiver.operations.walking import Walker
from handrail_receiver.outside import Outside, new_client
from handrail_receiver.outside.http_config import BasicAuth, HttpConfig, read_http_config
from handrail_receiver.outside.logins import Login, Logins, Service
from handrail_receiver.outside.probes import Probes
from handrail_receiver.outside.prometheus import NoPrometheus, Prometheus, Queryable
from handrail_receiver.outside.prometheus_history import NoHistory, PrometheusHistory, Recorded
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.reports.report_schedule import ReportSchedule
from handrail_receiver.reports.reporter import Reporter
from handrail_receiver.secrets import Secrets
from handrail_receiver.settings import Settings, proxies_of
from handrail_receiver.store import open_store
from handrail_receiver.store.probe import StoreProbe
from handrail_receiver.supervise import run_forever
from handrail_receiver.targets import make_targets
from handrail_receiver.targets.version_sources import VersionSources
from handrail_receiver.tasks import end
from handrail_receiver.telling import Teller
from handrail_receiver.telling.messenger import Messenger
from handrail_receiver.telling.render import template_problem
from handrail_receiver.web.api import Api
from handrail_receiver.web.buttons import Buttons
from handrail_receiver.web.checked_chains import CheckedChains
from handrail_receiver.web.events import Events
from handrail_receiver.web.forms import FormSeal
from handrail_receiver.web.health import HealthEndpoints
from handrail_receiver.web.incident_pages import IncidentPages
from handrail_receiver.web.kill_switch_pages import KillSwitchPages
from handrail_receiver.web.now_calls import Looking
from handrail_receiver.web.pages import Pages
from handrail_receiver.web.report_pages import ReportPages
from handrail_receiver.web.self_checks import SelfChecks
from handrail_receiver.web.watching import Watching

MOST_THREADS = 128
T = TypeVar("T")


@dataclass(frozen=True)
class Front:
    """The webhook's requests go straight to it; all others take the way through Starlette.

    What is sent to a name that is not ours is for somebody else. `end_streams` ends what has no end of its own.
    """

    app: Starlette
    webhook: AlertWebhook
    hosts: Hosts
    end_streams: Callable[[], None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the lifespan."""
        if scope["type"] == "http" and self.hosts.asks(scope["path"]):
            host = host_in(scope["headers"])
            if self.hosts.refuses(scope["path"], host):
                text = f"this receiver is not called {host[:100]!r}; set HANDRAIL_PUBLIC_URL if it is"
                await error(421, text)(scope, receive, send)
                return
        if scope["type"] == "http" and scope["path"] == names.WEBHOOK_PATH and scope["method"] == "POST":
            await self.webhook(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def make_app(settings: Settings, secrets: Secrets) -> Front:
    """The application, not started: its lifespan opens nothing but what it closes.

    Raises WrongSettings when the store cannot be opened.
    """
    clock, events = SystemClock(), Events()
    metrics, doubts = Metrics(started_at := clock.now()), Doubts(clock)
    store, playbooks = (
        open_store(settings.store, settings.inbox_limit),
        Playbooks(settings.playbooks, template_problem),
    )
    client, load_client, logins = (
        new_client(settings.tls_authorities),
        new_client(settings.tls_authorities),
        logins_of(settings, secrets),
    )
    outside, watching = Outside(client, secrets), Outside(client, secrets, logins)
    targets, probes = make_targets(outside), Probes(outside)
    prometheus, recorded = _prometheus(settings, watching)
    snapshots = Snapshots(store, playbooks, recorded, Lookout(probes, targets), clock, secrets.redact)
    kill_switch, refusals, reports = (
        KillSwitch(settings.kill_switch),
        Refusals(started_at),
        ReportSchedule(Reporter(store, recorded, clock), playbooks, settings.public_url.rstrip("/")),
    )
    probe = StoreProbe(store.memory, store.inbox, clock, lambda: store.engine.trouble)

    def conditions() -> Conditions:
        now = clock.now()
        silence = metrics.silence(now)
        blind = (
            f"no heartbeat from Alertmanager for {silence:.0f} s"
            if silence > settings.heartbeat_within.total_seconds()
            else ""
        )
        return Conditions(now, kill_switch.is_set(), blind, unheard=doubts.since() is not None)

    guard = Guard(
        store=store,
        playbooks=playbooks,
        executor=Executor(
            targets,
            store.runs,
            prometheus,
            clock,
            Rates(clock, settings.acts_per_minute),
            secrets.redact,
            playbooks.people,
            kill_switch.is_set,
            store.fence,
            both(metrics.ended, events.ended),
            probes.ask,
        ),
        clock=clock,
        metrics=metrics,
        conditions=conditions,
        owner=f"{socket.gethostname()}:{os.getpid()}:{started_at.timestamp():.6f}",
        lease=settings.lease.total_seconds(),
        on_decision=both(events.decision, snapshots.on_decision),
        unheard_since=doubts.since,
    )
    asker = Poller(
        watching,
        settings.alertmanager_urls,
        settings.receivers,
        settings.prometheus.url if settings.prometheus else None,
        settings.silences_unknown,
        store,
        playbooks,
        guard,
        clock,
        settings.ask_every.total_seconds(),
        CurrentRoutes(watching, settings.receivers),
        doubts,
    )
    guard.on_begin = asker.at_once
    guard.on_truncated = guard.on_store_down = asker.in_doubt
    messenger = Messenger(
        store,
        playbooks,
        Teller(outside, clock),
        clock,
        conditions,
        refusals,
        metrics,
        settings.public_url.rstrip("/"),
        reports.message,
    )
    tokens = NoTokens() if settings.without_tokens else Tokens(tuple(map(Path, settings.tokens_file)))
    people, criteria = People(tokens, proxies_of(settings)), Criteria(prometheus, clock)
    calls = CallHandler(
        guard,
        targets,
        prometheus,
        secrets.redact,
        criteria,
        lambda: tokens.approvers() | people.proxies.approvers(),
        asker.begun,
        probes,
        VersionSources(outside).read,
    )
    chores = Chores(settings, store, playbooks, guard, calls, clock)
    watch, walker, bursts, watched_probes = (
        DriftWatch(guard, playbooks, targets, prometheus, probes.ask),
        Walker(guard, playbooks, calls),
        Bursts(guard, playbooks, Outside(load_client, secrets)),
        ProbeWatch(guard, playbooks, probes),
    )
    guard.on_over, guard.on_gate = watch.soon, walker.soon
    loops = (
        guard.run,
        watch.run,
        walker.run,
        bursts.run,
        AckWatch(guard, playbooks).run,
        watched_probes.run,
        ImpactWatch(store, playbooks, recorded, clock).run,
        asker.run,
        messenger.run,
        reports.run,
        chores.run,
        chores.guarding,
        probe.run,
        *((snapshots.run, Schedule(snapshots).run) if settings.prometheus else ()),
    )
    api = Api(
        store,
        playbooks,
        calls,
        clock,
        CheckedChains(store.evidence, store.evidence.end),
        snapshots,
        Bundler(store, recorded, clock, _signing_key(settings), version("handrail")),
    )
    webhook = AlertWebhook(tokens, store.inbox, guard.wake, clock, metrics, refusals)
    pages = Pages(
        api,
        playbooks,
        SelfChecks(
            conditions,
            metrics,
            prometheus,
            settings.alertmanager_urls,
            asker.problems,
            lambda: asker.elsewhere,
            playbooks,
            probe,
            tokens,
            kill_switch.problem,
            messenger.problems,
        ),
        Watching(prometheus, recorded),
    )
    routes = routes_of(
        people,
        webhook,
        HealthEndpoints(
            store, playbooks, metrics, clock, probe, tokens, kill_switch.problem, watched_probes, conditions
        ),
        api,
        pages,
        Buttons(pages, FormSeal(tokens.secret)),
        KillSwitchPages(
            pages,
            FormSeal(tokens.secret),
            Stopping(guard, playbooks, kill_switch, secrets.redact),
            kill_switch,
        ),
        IncidentPages(pages, Postmortems(store, clock)),
        events,
        ReportPages(reports.reporter, playbooks),
        Looking(api, pages.watching),
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        # A name server that is silent keeps a thread for a minute: a dead channel's must not be a target's.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(MOST_THREADS, "outside"))
        await asyncio.to_thread(playbooks.refresh)
        store.engine.start()
        await chores.begin()
        gc.freeze()  # what is there now stays: looking through it for cycles stops everything for 40 ms
        tasks = [asyncio.create_task(run_forever(loop)) for loop in loops]
        try:
            yield
        finally:
            await end(tasks)
            await guard.close()
            await client.aclose()
            await load_client.aclose()
            await logins.aclose()
            await store.engine.close()

    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={StoreDown: _store_down})
    app.router.redirect_slashes = False
    return Front(
        app,
        webhook,
        hosts_of((settings.public_url,), everywhere=settings.without_tokens),
        events.close,
    )


def _prometheus(settings: Settings, outside: Outside) -> tuple[Queryable, Recorded]:
    """What can be asked of the one that is set."""
    if settings.prometheus is None:
        return NoPrometheus(), NoHistory()
    return Prometheus(outside, settings.prometheus.url), PrometheusHistory(outside, settings.prometheus.url)


def _signing_key(settings: Settings) -> Ed25519PrivateKey | None:
    try:
        return private_key(settings.signing_key) if settings.signing_key else None
    except WrongSettings as error:
        raise WrongSettings(f"HANDRAIL_SIGNING_KEY: {error}") from None


def both(*hear: Callable[[T], None]) -> Callable[[T], None]:
    """Whoever wants to hear of a decision, or of a run, hears of it, in this order."""

    def each(what: T) -> None:
        for one in hear:
            one(what)

    return each


def logins_of(settings: Settings, secrets: Secrets) -> Logins:
    """How Prometheus and each Alertmanager are logged in to; a file for several of them is one login."""
    known: dict[Path, Login] = {}
    places = []
    for address, setting, file in settings.http_configs:
        if file is not None and file not in known:
            config, wrong = read_http_config(file)
            if wrong:
                raise WrongSettings("\n".join(f"{setting}: {one}" for one in wrong))
            known[file] = Login(config, secrets, settings.tls_authorities)
        login = known[file] if file else None
        if address.user:
            pair = BasicAuth(username=address.user, password=address.password)
            login = Login(HttpConfig(basic_auth=pair), secrets, settings.tls_authorities)
        places.append(Service(address.url, setting, login))
    return Logins(places)


async def _store_down(_request: Request, problem: Exception) -> Response:
    return error(503, str(problem))
