"""Settings → what a start would find: all that it reads, and whoever it talks to, asked without changing anything."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import httpx
from handrail.contract import Playbook, Secret, Step, names
from pydantic import BaseModel

from handrail_receiver.access.tokens import ROLES, read_tokens
from handrail_receiver.addresses import passwords_in, without_password
from handrail_receiver.app import logins_of
from handrail_receiver.errors import Permanent, TargetError, WrongSettings
from handrail_receiver.execute.kill_switch import KillSwitch
from handrail_receiver.operations.rehearsing import rehearsed
from handrail_receiver.outside import Outside, new_client
from handrail_receiver.outside.prometheus import Prometheus
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.read_settings import read_settings
from handrail_receiver.secrets import Secrets
from handrail_receiver.settings import Settings, settings_file
from handrail_receiver.starting import against_start, no_playbooks, unusable_store
from handrail_receiver.store_commands.opening import SQLITE
from handrail_receiver.targets import make_targets
from handrail_receiver.telling.render import template_problem
from handrail_receiver.words.steps import what

ANSWER_WITHIN = 10.0


class CheckState(IntEnum):
    """How a thing is; the number is the exit code that follows from it."""

    ready = 0
    not_ready = 1
    refused = 2


@dataclass(frozen=True)
class StartFinding:
    """One thing that was looked at."""

    what: str
    text: str
    state: CheckState = CheckState.ready


async def start_findings() -> AsyncIterator[StartFinding]:
    """Everything in the order of a start. What refuses a start comes alone: nothing behind it would be asked."""
    try:
        settings = read_settings(_against_start)
    except WrongSettings as error:
        for line in str(error).splitlines():
            yield StartFinding("refused", line, CheckState.refused)
        return
    secrets = Secrets(settings.secrets_dir, os.environ)
    for password in passwords_in(settings.store):
        with suppress(Permanent):
            secrets.read(password)
    playbooks = Playbooks(settings.playbooks, template_problem)
    playbooks.refresh()
    for result in _read(settings, playbooks):
        yield result
    async for result in _asked(settings, secrets, playbooks.all()):
        yield StartFinding(result.what, secrets.redact(result.text), result.state)


def _against_start(settings: Settings) -> Iterator[str]:
    """The same as for a start, but that a receiver may be running meanwhile."""
    yield from no_playbooks(settings) if _serves(settings) else against_start(settings)
    if problem := unusable_store(settings.store):
        yield f"HANDRAIL_STORE: {problem}"


def _read(settings: Settings, playbooks: Playbooks) -> Iterator[StartFinding]:
    """What is read: settings, tokens, playbooks, store."""
    file = settings_file()
    possible = sorted(f"HANDRAIL_{name.upper()}" for name in Settings.model_fields)
    variables = [name for name in possible if name in os.environ]
    yield StartFinding("settings", ", ".join([*([str(file)] if file else []), *variables]) or "none is given")
    yield StartFinding(
        "address",
        f"{settings.address}: {'a receiver serves there already' if _serves(settings) else 'it is free'}",
    )
    yield StartFinding("tokens", _roles(settings))
    for playbook in playbooks.all():
        stages = ", ".join(stage.name for stage in playbook.stages) or "no stages"
        yield StartFinding("playbook", f"{playbook.rollout}: {len(playbook.guardrails)} guardrails; {stages}")
    yield from (StartFinding("playbook", problem, CheckState.not_ready) for problem in playbooks.problems)
    new = settings.store.startswith(SQLITE) and not Path(settings.store.removeprefix(SQLITE)).exists()
    place = without_password(settings.store, settings.store)
    yield StartFinding("store", f"{place}: {'the start makes it' if new else 'it can be used'}")
    yield _kill_switch(KillSwitch(settings.kill_switch))


def _kill_switch(switch: KillSwitch) -> StartFinding:
    if not switch.is_set():
        return StartFinding("kill switch", f"{switch.file}: it is not set")
    cure = f"remove {switch.file}, or name another file by HANDRAIL_KILL_SWITCH"
    text = f"{switch.file}: it is set, and nothing would be rolled back automatically; {cure}"
    return StartFinding("kill switch", switch.problem() or text, CheckState.not_ready)


def _serves(settings: Settings) -> bool:
    """Whether a receiver answers at the address."""
    here = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104  what stands for all addresses
    host = here.get(settings.host, settings.address.rpartition(":")[0])
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = (
        False,
        ssl.CERT_NONE,
    )  # whose certificate it is does not matter
    url = f"{'https' if settings.tls_certificate else 'http'}://{host}:{settings.port}/healthz"
    try:
        said = httpx.get(url, verify=context, timeout=ANSWER_WITHIN, trust_env=False).json()
    except (httpx.HTTPError, ValueError):
        return False
    return isinstance(said, dict) and said.get("status") == "alive"


def _roles(settings: Settings) -> str:
    if settings.without_tokens:
        return "none: anybody on this machine may do everything"
    read = [token for file in settings.tokens_file for token in read_tokens(Path(file))[0]]
    counted = Counter(token.role for token in read)
    return ", ".join(f"{counted[role]} {role}" for role in ROLES if counted[role])


async def _asked(
    settings: Settings, secrets: Secrets, playbooks: list[Playbook]
) -> AsyncIterator[StartFinding]:
    """Who is asked: Prometheus, the Alertmanagers, and the target of each step that rolls back."""
    client, logins = new_client(settings.tls_authorities), logins_of(settings, secrets)
    try:
        watching = Outside(client, secrets, logins)
        yield await _prometheus(settings, watching)
        for url in settings.alertmanager_urls:
            yield await _alertmanager(url, watching)
        if not settings.alertmanager_urls:
            yield StartFinding(
                "alertmanagers", "none is set: what fires while the receiver is away is not known later"
            )
        for playbook in playbooks:
            for result in _secrets(playbook, secrets):
                yield result
            for result in await _targets(playbook, Outside(client, secrets)):
                yield result
    finally:
        await client.aclose()
        await logins.aclose()


async def _prometheus(settings: Settings, watching: Outside) -> StartFinding:
    if settings.prometheus is None:
        return StartFinding(
            "prometheus",
            "none is set, and nothing can be started; set HANDRAIL_PROMETHEUS",
            CheckState.not_ready,
        )
    url = settings.prometheus.url
    try:
        await Prometheus(watching, url).samples("vector(1)")
    except TargetError as error:
        return StartFinding("prometheus", str(error), CheckState.not_ready)
    return StartFinding("prometheus", f"{url} answers")


async def _alertmanager(url: str, watching: Outside) -> StartFinding:
    try:
        await watching.ask("Alertmanager", "GET", f"{url.rstrip('/')}/api/v2/status", timeout=ANSWER_WITHIN)
    except TargetError as error:
        return StartFinding("alertmanager", str(error), CheckState.not_ready)
    return StartFinding("alertmanager", f"{url} answers")


def _secrets(playbook: Playbook, secrets: Secrets) -> Iterator[StartFinding]:
    """Each secret that the playbook names, of targets and of channels."""
    for secret in dict.fromkeys(_named(playbook)):
        try:
            secrets.value(secret)
        except Permanent as error:
            yield StartFinding("secret", f"{playbook.rollout}: {error}", CheckState.not_ready)
        else:
            yield StartFinding("secret", f"{playbook.rollout}: {secret.name} is there")


def _named(value: object) -> Iterator[Secret]:
    """The secrets anywhere in a value of the playbook."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, BaseModel):
        yield from (one for name in type(value).model_fields for one in _named(getattr(value, name)))
    elif hasattr(value, "__dataclass_fields__"):
        yield from (one for name in value.__dataclass_fields__ for one in _named(getattr(value, name)))
    elif isinstance(value, dict):
        yield from (one for item in value.values() for one in _named(item))
    elif isinstance(value, list | tuple):
        yield from (one for item in value for one in _named(item))


async def _targets(playbook: Playbook, outside: Outside) -> list[StartFinding]:
    """Each step that rolls back, rehearsed."""
    targets = make_targets(outside)
    steps: list[Step] = []
    for action in playbook.actions:
        if action.name in names.ACTING:
            steps += [step for step in action.steps if step not in steps]
    if not steps:
        return [
            StartFinding(
                "target", f"{playbook.rollout}: no step would roll it back; declare one", CheckState.not_ready
            )
        ]
    answers = await asyncio.gather(*(rehearsed(targets, step) for step in steps))
    return [
        StartFinding(
            "target",
            f"{playbook.rollout}: {what(step)}: {answer.reason}",
            CheckState.ready if answer.ready else CheckState.not_ready,
        )
        for step, answer in zip(steps, answers, strict=True)
    ]
