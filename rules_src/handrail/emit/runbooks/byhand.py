"""A step of the playbook → what it does in words, and the shell lines that do and check the same without Handrail.

Secrets are shell variables of the same name; a line that needs one fails with a message if it is empty. If no command
can do it, the words say what a person does.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from handrail import contract
from handrail.contract import Secret


@dataclass(frozen=True)
class ByHand:
    """One step: `does` in words, `act` and `check` as shell lines (each may be empty), `then` what to see."""

    does: str
    act: tuple[str, ...]
    check: tuple[str, ...]
    then: str


def by_hand(step: contract.Step) -> ByHand:
    """How a person does what the step does."""
    match step:
        case contract.HAProxyWeight() | contract.HAProxyState():
            return _haproxy(step)
        case contract.FlagOff() | contract.LaunchDarklyOff():
            return _flag(step)
        case contract.FlagShare():
            return _share(step)
        case contract.RolloutAbort() | contract.DeploymentImage():
            return _kubernetes(step)
        case contract.GitValue():
            return _git(step)
        case contract.HttpCall():
            return _http(step)
        case contract.Command():
            needed = tuple(f': "${{{variable}:?}}"' for variable in step.environment)
            done = "It ends with exit code 0."
            does = f"Run `{shlex.join(step.argv)}`"
            return ByHand(does, (*needed, shlex.join(step.argv)), (*needed, shlex.join(step.read)), done)


def page_by_hand(channel: contract.PagerDuty, rollout: str) -> str:
    """The shell line that opens an incident in PagerDuty as Events API v2 wants it."""
    payload = {
        "summary": f"{rollout}: Handrail is down, see its runbook",
        "source": rollout,
        "severity": "critical",
    }
    body = json.dumps({"routing_key": "KEY", "event_action": "trigger", "payload": payload})
    data = shlex.quote(body).replace("KEY", f"'\"${{{channel.routing_key.name}:?}}\"'")
    return f"curl --fail-with-body -sS -X POST -H 'Content-Type: application/json' -d {data} {channel.url}/v2/enqueue"


def _haproxy(step: contract.HAProxyWeight | contract.HAProxyState) -> ByHand:
    backend = step.server.partition("/")[0]
    if isinstance(step, contract.HAProxyWeight):
        does, then = (
            f"Set the weight of HAProxy's server `{step.server}` to {step.weight}",
            f"It says {step.weight}.",
        )
        act, check = f"set weight {step.server} {step.weight}", f"get weight {step.server}"
    else:
        does = f"Set HAProxy's server `{step.server}` to `{step.state}`"
        act, check = f"set server {step.server} state {step.state}", f"show servers state {backend}"
        then = "The column srv_admin_state of the server has changed."
    return ByHand(does, _sockets(act, step.sockets), _sockets(check, step.sockets), then)


def _sockets(command: str, sockets: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        f"echo {shlex.quote(command)} | socat stdio {shlex.quote(_address(socket))}" for socket in sockets
    )


def _address(socket: str) -> str:
    return f"UNIX-CONNECT:{socket.removeprefix('unix:')}" if socket.startswith("unix:") else f"TCP:{socket}"


def _flag(step: contract.FlagOff | contract.LaunchDarklyOff) -> ByHand:
    if isinstance(step, contract.FlagOff):
        feature = f"{step.url}/api/admin/projects/{step.project}/features/{step.feature}"
        place = f"{feature}/environments/{step.environment}"
        return ByHand(
            f"Switch the flag `{step.feature}` off in Unleash, environment `{step.environment}`",
            (_curl("POST", f"{place}/off", _header("Authorization", "", step.token)),),
            (_curl("GET", place, _header("Authorization", "", step.token)),),
            'The answer has `"enabled":false`.',
        )
    flag = f"{step.url}/api/v2/flags/{step.project}/{step.flag}"
    body = {"environmentKey": step.environment, "instructions": [{"kind": "turnFlagOff"}]}
    kind = "-H 'Content-Type: application/json; domain-model=launchdarkly.semanticpatch'"
    header = _header("Authorization", "", step.token)
    return ByHand(
        f"Switch the flag `{step.flag}` off in LaunchDarkly, environment `{step.environment}`",
        (_curl("PATCH", f"{flag}?ignoreConflicts=true", header, kind, _body(body)),),
        (_curl("GET", f"{flag}?env={step.environment}", header),),
        f"`environments.{step.environment}.on` in the answer is `false`.",
    )


def _share(step: contract.FlagShare) -> ByHand:
    feature = f"{step.url}/api/admin/projects/{step.project}/features/{step.feature}"
    place, header = f"{feature}/environments/{step.environment}", _header("Authorization", "", step.token)
    share = [{"op": "replace", "path": "/parameters/rollout", "value": str(step.percent)}]
    return ByHand(
        f"Switch the flag `{step.feature}` on in Unleash, environment `{step.environment}`, for {step.percent} % of its users",
        (
            ': "${STRATEGY:?the id of its strategy flexibleRollout, from the answer below}"',
            _curl("PATCH", f"{place}/strategies/", header, _body(share)).replace(
                "/strategies/", '/strategies/"$STRATEGY"'
            ),
            _curl("POST", f"{place}/on", header),
        ),
        (_curl("GET", place, header),),
        f'The answer has `"enabled":true`, and one strategy, `flexibleRollout` with `"rollout":"{step.percent}"`.',
    )


def _kubernetes(step: contract.RolloutAbort | contract.DeploymentImage) -> ByHand:
    where = f"kubectl -n {shlex.quote(step.namespace)}"
    if isinstance(step, contract.RolloutAbort):
        rollout = shlex.quote(step.rollout)
        return ByHand(
            f"Abort the Argo Rollout `{step.rollout}` in namespace `{step.namespace}`",
            (
                f"""{where} patch rollout {rollout} --subresource status --type merge -p '{{"status":{{"abort":true}}}}'""",
            ),
            (f"{where} get rollout {rollout} -o jsonpath='{{.status.abort}} {{.status.phase}}'",),
            "It says `true Degraded`.",
        )
    name = shlex.quote(f"deployment/{step.deployment}")
    image = (
        shlex.quote(f"{step.container}={step.image}")
        if step.image
        else f'{shlex.quote(step.container)}="$IMAGE"'
    )
    look = () if step.image else (f"{where} rollout history {name}",)
    words = (
        f"to `{step.image}`"
        if step.image
        else "back to the image from before the attempt: put its digest into `IMAGE`"
    )
    return ByHand(
        f"Set container `{step.container}` of the Deployment `{step.deployment}` {words}",
        (*look, f"{where} set image {name} {image}"),
        (f"{where} rollout status {name}",),
        "It says that the Deployment was rolled out.",
    )


def _git(step: contract.GitValue) -> ByHand:
    value = "what it was before the attempt" if step.value is None else f"`{json.dumps(step.value)}`"
    return ByHand(
        f"Set `{step.key}` in `{step.path}` of `{step.repository}`, branch `{step.branch}`, to {value}",
        (
            f"git clone --branch {shlex.quote(step.branch)} {shlex.quote(step.repository)} by-hand && cd by-hand",
            f"${{EDITOR:-vi}} {shlex.quote(step.path)}",
            f"git commit -m 'Roll back by hand' {shlex.quote(step.path)} && git push",
        ),
        ("git fetch && git diff --exit-code @ @{upstream}",),
        "It ends with exit code 0; the reconciler needs its time after that.",
    )


def _http(step: contract.HttpCall) -> ByHand:
    header = () if step.token is None else (_header(step.token_header, step.token_scheme, step.token),)
    body = () if step.body is None else ("-H 'Content-Type: application/json'", _body(step.body))
    return ByHand(
        f"Send {step.method} to {step.url}",
        (_curl(step.method, step.url, *header, *body),),
        (_curl("GET", step.read_url, *header),),
        f"`{step.read_pointer or '/'}` in the answer is `{json.dumps(step.read_equals)}`.",
    )


def _curl(method: str, url: str, *more: str) -> str:
    return " ".join(["curl --fail-with-body -sS", f"-X {method}", *more, shlex.quote(url)])


def _header(name: str, scheme: str, token: Secret) -> str:
    return f'-H "{name}: {scheme + " " if scheme else ""}${{{token.name}:?}}"'


def _body(body: object) -> str:
    return f"-d {shlex.quote(json.dumps(body))}"
