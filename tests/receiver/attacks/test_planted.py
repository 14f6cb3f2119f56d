"""Secrets of every target and channel, repeated by other services' answers → none appears anywhere.

Whatever is asked here answers with all it was sent; the receiver's log, pages, API, metrics, messages and files are
searched for each secret, and for what it looks like on its way.
"""

from __future__ import annotations

import base64
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args
from urllib.parse import quote

import pytest
import servers
from apis import Api, Request
from guarded import TOKENS, Guarded, guarded, playbook, write_playbook
from guarded.routes import ENDLESS, FOR_ANYBODY, read
from guarded.service import environment
from handrail.contract import (
    STEP_CLASSES,
    CDEvents,
    Channel,
    Command,
    DeploymentImage,
    FlagOff,
    FlagShare,
    GitValue,
    HAProxyState,
    HAProxyWeight,
    HttpCall,
    LaunchDarklyOff,
    Mail,
    PagerDuty,
    RolloutAbort,
    Secret,
    Slack,
    StatusPage,
    Step,
    Tell,
    Webhook,
)
from starlette.responses import PlainTextResponse, Response
from typed import typed

OF_STEPS = ("unleash", "unleash_share", "launchdarkly", "argo", "cluster", "http", "git", "command")
OF_CHANNELS = ("slack_token", "slack_webhook", "pagerduty", "hook", "statuspage", "sink", "mail")
KEY = base64.b64encode(b"planted-signing-key-012345").decode()


class Parrot(Api):
    """Refuses everything, and repeats all that it was sent."""

    def answer(self, request: Request) -> Response:
        said = f"{request.path} {json.dumps(request.headers)} {request.content.decode(errors='replace')}"
        return PlainTextResponse(f"I will not: {said}\n", 403)


class MailParrot(socketserver.StreamRequestHandler):
    """Takes any login, then refuses the mail, and repeats all that it was sent."""

    def handle(self) -> None:
        self.wfile.write(b"220 mail.test\r\n")
        heard: list[bytes] = []
        while line := self.rfile.readline().strip():
            heard.append(line)
            answers = {
                b"EHLO": b"250-mail.test\r\n250 AUTH PLAIN",
                b"AUTH": b"235 come in",
                b"QUIT": b"221 bye",
            }
            refused = b"550 I will not: " + b"; ".join(heard)
            self.wfile.write(answers.get(line.split()[0].upper(), refused) + b"\r\n")


@pytest.fixture(name="smarthost", scope="module")
def _smarthost() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), MailParrot) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def planted(name: str, url: str) -> str:
    """The value of a secret."""
    values = {"hook": f"whsec_{KEY}", "slack_webhook": f"{url}/services/planted-path-of-slack"}
    return values.get(name, f"planted/{name}+secret=0123")


def steps(url: str) -> tuple[Step, ...]:
    """A step of every kind that takes a secret."""
    bounds: dict[str, Any] = {"timeout": 5, "within": 1, "tries": 1}
    leak = ["sh", "-c", "echo $LEAK; printf %s $LEAK | base64 >&2; exit 1"]
    return (
        FlagOff(url, "pay", "fast", "production", Secret("unleash"), **bounds),
        FlagShare(url, "pay", "fast", "production", Secret("unleash_share"), 10, **bounds),
        LaunchDarklyOff("pay", "fast", "production", Secret("launchdarkly"), url, **bounds),
        RolloutAbort(url, "shop", "web", Secret("argo"), **bounds),
        DeploymentImage(url, "shop", "web", "app", Secret("cluster"), "r.io/web:v1", **bounds),
        HttpCall("PUT", f"{url}/x", f"{url}/x", "/now", 0, {"now": 0}, Secret("http"), **bounds),
        GitValue(f"{url}/x.git", "main", "values.yaml", "tag", "v1", Secret("git"), **bounds),
        Command(leak, leak, can=leak, environment={"LEAK": Secret("command")}, **bounds),
    )


def channels(url: str, smarthost: str) -> tuple[Channel, ...]:
    """A channel of every kind, Slack in both ways."""
    return (
        Slack("#incidents", token=Secret("slack_token"), url=url),
        Slack("#shop", webhook=Secret("slack_webhook")),
        PagerDuty(Secret("pagerduty"), url),
        Webhook(f"{url}/hook", Secret("hook")),
        StatusPage("PATCH", f"{url}/page", {"is": "down"}, {"is": "up"}, Secret("statuspage")),
        CDEvents(f"{url}/events", token=Secret("sink")),
        Mail(
            "team@example.com",
            sender="guard@example.com",
            smarthost=smarthost,
            username="guard",
            password=Secret("mail"),
            require_tls=False,
        ),
    )


def test_every_target_and_every_channel_is_here() -> None:
    kinds = {type(step) for step in steps("http://x")} | {HAProxyWeight, HAProxyState}  # these have no secret
    assert kinds == set(STEP_CLASSES)
    assert {type(channel) for channel in channels("http://x", "x:25")} == set(get_args(get_args(Channel)[0]))


@contextmanager
def everywhere(folder: Path, parrot: Parrot, smarthost: str) -> Iterator[Guarded]:
    """A receiver with all of them, and their secrets: half of them files, half of them variables."""
    book = playbook(steps=steps(parrot.url))
    tells = tuple(map(Tell, channels(parrot.url, smarthost)))
    actions = tuple(action.model_copy(update={"tell": tells}) for action in book.actions)
    secrets = folder / "secrets"
    secrets.mkdir()
    for name in OF_STEPS:
        (secrets / name).write_text(planted(name, parrot.url))
    variables: dict[str, Any] = {f"SECRET_{name.upper()}": planted(name, parrot.url) for name in OF_CHANNELS}
    with guarded(
        folder,
        book.model_copy(update={"actions": actions}),
        proxy=False,
        SECRETS_DIR=str(secrets),
        LOG_LEVEL="debug",
        **variables,
    ) as shop:
        yield shop


def shapes(secret: str) -> Iterator[str]:
    """What a secret may look like on its way."""
    yield from (secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1])
    for said in (secret, f"git:{secret}", f"\0guard\0{secret}"):
        yield base64.b64encode(said.encode()).decode()


def said_by(shop: Guarded) -> str:
    """All that can be read of the receiver."""
    paths = [path for path in (*read(), *FOR_ANYBODY) if path != ENDLESS]
    shown = "".join(shop.ask("GET", path, "operator").text for path in paths)
    for command in (["status"], ["runs", "shop"], ["evidence", "shop"], ["notifications"], ["verify"]):
        said = typed("store", *command, env=shop.env)
        assert said.stdout  # exit code 1 says that something needs people
        shown += said.stdout + said.stderr
    files = b"".join(file.read_bytes() for file in shop.folder.glob("handrail.db*"))
    return shown + shop.server.log.read_text() + files.decode(errors="replace")


def test_no_secret_of_any_target_or_channel_can_be_read_anywhere(tmp_path: Path, smarthost: str) -> None:
    with Parrot() as parrot, everywhere(tmp_path, parrot, smarthost) as shop:
        values = {name: planted(name, parrot.url) for name in (*OF_STEPS, *OF_CHANNELS)}
        refused = shop.call("start")
        assert (refused["verdict"], refused["reason"]) == ("refuse", "not-ready")
        answers = [refused, shop.call("start", anyway=True, why=f"I paste {' '.join(values.values())}")]
        answers += [shop.call("drill"), shop.call("hold", why=values["hook"])]
        shop.deliver()
        shop.until("rollback", "failed")
        asked = {"Slack", "PagerDuty", "127.0.0.1", "the status page", "the mail server"}
        servers.until(
            lambda: shop.server.log.read_text().count("cannot be told") >= len(OF_CHANNELS), "all to be tried"
        )
        shown = said_by(shop) + json.dumps(answers)
        assert {who for who in asked if f"{who}" in shown} == asked
        assert [name for name, value in values.items() for shape in shapes(value) if shape in shown] == []
        assert [token for token in TOKENS.values() if token in shown] == []
        told = b"".join(request.content for request in parrot.requests if request.path == "/hook").decode()
        assert [name for name, value in values.items() if value in told] == []
        # Each was indeed used, and others did repeat it.
        sent = "".join(f"{request.path} {request.headers} {request.content!r}" for request in parrot.requests)
        for name in {*values} - {"command", "hook", "git", "slack_webhook", "mail"}:
            assert values[name] in sent, name
        assert base64.b64encode(f"git:{values['git']}".encode()).decode() in sent
        assert {name for name in values if f"[secret {name}]" in shown} == set(values)


def test_what_is_not_ready_is_said_of_each_target_and_keeps_the_attempt_from_starting(
    tmp_path: Path, smarthost: str
) -> None:
    with Parrot() as parrot, everywhere(tmp_path, parrot, smarthost) as shop:
        refused = shop.call("start")
        assert (refused["verdict"], refused["reason"], shop.status()["attempt"]) == (
            "refuse",
            "not-ready",
            None,
        )
        for step in steps(parrot.url):
            assert f"rollback, {step.kind}: " in refused["text"]
        assert refused["text"].endswith("; wait or fix it, or say --anyway and --why")


@pytest.mark.parametrize("command", [["serve"], ["store", "status"]])
def test_the_password_in_the_store_s_address_is_not_said(tmp_path: Path, command: list[str]) -> None:
    nowhere = "postgresql://guard:planted-password@127.0.0.1:9/handrail"
    write_playbook(tmp_path / "playbook", playbook())
    env = environment(tmp_path, servers.free_address(), STORE=nowhere)
    said = typed(*command, env=env)
    assert said.returncode in {1, 2}
    assert "planted-password" not in said.stdout + said.stderr
    assert "127.0.0.1" in said.stderr
