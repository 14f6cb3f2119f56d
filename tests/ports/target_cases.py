"""Every kind of step → a real or recorded outside for it, and how that outside goes wrong."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import httpx
from apis import Api, Kubernetes, LaunchDarkly, Things, Trouble, Unleash
from apis.kubernetes import NEW
from handrail.contract import (
    Command,
    DeploymentImage,
    FlagOff,
    FlagShare,
    GitValue,
    HAProxyState,
    HAProxyWeight,
    HttpCall,
    LaunchDarklyOff,
    RolloutAbort,
    Secret,
    Step,
)
from handrail_receiver.errors import Cause, Permanent, Retryable
from handrail_receiver.outside import Outside
from handrail_receiver.ports import Target
from handrail_receiver.secrets import Secrets
from handrail_receiver.targets import make_targets
from handrail_receiver.targets.fake import FakeTarget
from servers import ask_haproxy, haproxy

TOKEN = Secret("token")
LIMIT = 0.5
Wrong = Literal["refused", "down", "silent"]


@dataclass
class Case:
    """A step and the world it changes.

    `step` is as declared; `release` lets the rollout's change go out; `state` is all that acting may change;
    `goes` makes the world go wrong and gives the step that meets it; `api` is the server that is asked, where one is.
    """

    target: Target
    step: Step
    state: Callable[[], object]
    goes: Callable[[Wrong], Step]
    release: Callable[[], None] = field(default=lambda: None)
    api: Api | None = None


def _targets(client: httpx.AsyncClient) -> dict[str, Target]:
    secrets = Secrets(None, {"HANDRAIL_SECRET_TOKEN": Api.token})
    return dict(make_targets(Outside(client, secrets)))


def _of_api(api: Api, step: Any) -> Callable[[Wrong], Step]:
    troubles = {"refused": Trouble.refused, "down": Trouble.down, "silent": Trouble.silent}

    def goes(wrong: Wrong) -> Step:
        api.trouble = troubles[wrong]
        troubled: Step = replace(step, timeout=LIMIT)
        return troubled

    return goes


@contextmanager
def unleash(_: Path, client: httpx.AsyncClient) -> Iterator[Case]:
    with Unleash() as api:
        step = FlagOff(api.url, "default", "fast-path", "production", TOKEN)
        yield Case(_targets(client)[step.kind], step, lambda: dict(api.on), _of_api(api, step), api=api)


@contextmanager
def unleash_share(_: Path, client: httpx.AsyncClient) -> Iterator[Case]:
    with Unleash() as api:
        step = FlagShare(api.url, "default", "fast-path", "production", TOKEN, 10)
        api.on["production"] = False
        yield Case(
            _targets(client)[step.kind],
            step,
            lambda: repr((api.on, api.strategies)),
            _of_api(api, step),
            api=api,
        )


@contextmanager
def launchdarkly(_: Path, client: httpx.AsyncClient) -> Iterator[Case]:
    with LaunchDarkly() as api:
        step = LaunchDarklyOff("shop", "fast-path", "production", TOKEN, api.url)
        yield Case(_targets(client)[step.kind], step, lambda: api.on, _of_api(api, step), api=api)


@contextmanager
def argo(_: Path, client: httpx.AsyncClient) -> Iterator[Case]:
    with Kubernetes() as api:
        step = RolloutAbort(api.url, "shop", "web", TOKEN)
        yield Case(_targets(client)[step.kind], step, lambda: repr(api.rollout), _of_api(api, step), api=api)


@contextmanager
def deployment(_: Path, client: httpx.AsyncClient) -> Iterator[Case]:
    with Kubernetes() as api:
        step = DeploymentImage(api.url, "shop", "web", "app", TOKEN)

        def release() -> None:
            api.deployment["spec"]["template"]["spec"]["containers"][1]["image"] = "r.io/web:v2"
            api.digests = [NEW, NEW]

        yield Case(
            _targets(client)[step.kind], step, lambda: repr(api.deployment), _of_api(api, step), release, api
        )


@contextmanager
def http(_: Path, client: httpx.AsyncClient) -> Iterator[Case]:
    with Things({"enabled": True}) as api:
        thing = f"{api.url}/thing"
        step = HttpCall(
            "PUT", thing, thing, "/enabled", read_equals=False, body={"enabled": False}, token=TOKEN
        )
        yield Case(_targets(client)[step.kind], step, lambda: dict(api.document), _of_api(api, step), api=api)


def git_commit(remote: Path, path: str, text: str, *, first: bool = False) -> None:
    """Put one file on the branch `main` of a bare repository, as somebody else would."""
    author = "committer Test <test@localhost> 1700000000 +0000"
    parent = "" if first else "from refs/heads/main^0\n"
    file = f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n"
    commit = f"commit refs/heads/main\n{author}\ndata 1\nx\n{parent}{file}"
    subprocess.run(["git", "fast-import", "--quiet"], cwd=remote, input=commit.encode(), check=True)


def git_remote(folder: Path, path: str, text: str) -> Path:
    """A bare repository in `folder` whose branch `main` holds one file."""
    remote = folder / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(remote)], check=True)
    git_commit(remote, path, text, first=True)
    return remote


@contextmanager
def git(folder: Path, client: httpx.AsyncClient) -> Iterator[Case]:
    text = "image:\n  tag: v1  # which one runs\n"
    remote = git_remote(folder, "values.yaml", text)
    step = GitValue(str(remote), "main", "values.yaml", "image.tag")
    with Api() as api, _deaf() as port:

        def goes(wrong: Wrong) -> Step:
            api.trouble = Trouble.down if wrong == "down" else Trouble.refused
            url = f"git://127.0.0.1:{port}/x.git" if wrong == "silent" else f"{api.url}/x.git"
            return replace(step, repository=url, token=TOKEN, timeout=LIMIT)

        def state() -> bytes:
            log = ["git", "log", "-p", "main"]
            return subprocess.run(log, cwd=remote, check=True, capture_output=True).stdout

        def release() -> None:
            git_commit(remote, "values.yaml", text.replace("v1", "v2"))

        yield Case(_targets(client)[step.kind], step, state, goes, release)


@contextmanager
def command(folder: Path, client: httpx.AsyncClient) -> Iterator[Case]:
    flag, locked = folder / "flag", folder / "locked"
    flag.write_text("on\n")
    locked.write_text("#!/bin/sh\n")
    step = Command(
        ["cp", str(folder / "off"), str(flag)], ["grep", "-qx", "off", str(flag)], environment={"T": TOKEN}
    )
    (folder / "off").write_text("off\n")
    troubled = {
        "refused": [str(locked)],
        "down": ["sh", "-c", "echo token $T; kill -9 $$"],
        "silent": ["sh", "-c", "sleep 60 & sleep 60"],
    }

    def goes(wrong: Wrong) -> Step:
        return replace(step, argv=troubled[wrong], read=troubled[wrong], timeout=LIMIT)

    yield Case(_targets(client)[step.kind], step, flag.read_text, goes)


@contextmanager
def haproxy_weight(folder: Path, client: httpx.AsyncClient) -> Iterator[Case]:
    with _haproxy(folder) as (socket_, goes):
        step = HAProxyWeight("web/canary", 0, [socket_])

        def state() -> str:
            return ask_haproxy(folder / "admin.sock", "get weight web/canary")

        yield Case(_targets(client)[step.kind], step, state, lambda wrong: replace(step, **goes(wrong)))


@contextmanager
def haproxy_state(folder: Path, client: httpx.AsyncClient) -> Iterator[Case]:
    with _haproxy(folder) as (socket_, goes):
        step = HAProxyState("web/canary", "maint", [socket_])

        def state() -> str:
            rows = ask_haproxy(folder / "admin.sock", "show servers state web").splitlines()
            return next(row.split()[6] for row in rows if " canary " in row)

        yield Case(_targets(client)[step.kind], step, state, lambda wrong: replace(step, **goes(wrong)))


@contextmanager
def fake(_: Path, client: httpx.AsyncClient) -> Iterator[Case]:
    target = FakeTarget()
    raised: dict[Wrong, Permanent | Retryable] = {
        "refused": Permanent(Cause.refused, "it said no"),
        "down": Retryable(Cause.broken, "it is broken"),
        "silent": Retryable(Cause.timeout, "it did not answer"),
    }
    step = Command(["true"], ["true"])

    def goes(wrong: Wrong) -> Step:
        def trouble(*_: object) -> None:
            raise raised[wrong]

        target.trouble = trouble
        return step

    yield Case(target, step, lambda: set(map(repr, target.done)), goes)


@contextmanager
def _haproxy(folder: Path) -> Iterator[tuple[str, Callable[[Wrong], dict[str, Any]]]]:
    config = folder / "haproxy.cfg"
    config.write_text(
        "global\n  stats socket unix@admin.sock level admin\n  stats socket unix@operator.sock level user\n"
        "defaults\n  mode http\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\n"
        "backend web\n  server canary 127.0.0.1:1 weight 10\n  server stable 127.0.0.1:1 weight 90\n"
    )
    with haproxy(folder, config, socket_path="admin.sock"), _deaf() as port:

        def goes(wrong: Wrong) -> dict[str, Any]:
            sockets = {
                "refused": f"unix:{folder / 'operator.sock'}",
                "down": f"unix:{folder / 'nothing.sock'}",
                "silent": f"127.0.0.1:{port}",
            }
            return {"sockets": [sockets[wrong]], "timeout": LIMIT}

        yield f"unix:{folder / 'admin.sock'}", goes


@contextmanager
def _deaf() -> Iterator[int]:
    """A port that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        yield port


CASES = {
    "unleash-off": unleash,
    "unleash-share": unleash_share,
    "launchdarkly-off": launchdarkly,
    "argo-abort": argo,
    "deployment-image": deployment,
    "http": http,
    "git-value": git,
    "command": command,
    "haproxy-weight": haproxy_weight,
    "haproxy-state": haproxy_state,
    "fake": fake,
}
