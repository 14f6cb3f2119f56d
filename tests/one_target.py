"""Steps that set one target, to two values or by two means; and steps whose targets differ."""

from __future__ import annotations

from dataclasses import replace

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

TOKEN, OTHER = Secret("token"), Secret("another")
WEIGHT = HAProxyWeight("web/canary", 0, ["lb1:9999"])
STATE = HAProxyState("web/canary", "maint", ["lb1:9999"])
FLAG = FlagOff("https://unleash.example", "default", "fast-path", "production", TOKEN)
SHARE = FlagShare("https://unleash.example", "default", "fast-path", "production", TOKEN, 0)
DARK = LaunchDarklyOff("shop", "fast-path", "production", TOKEN)
ABORT = RolloutAbort("https://k8s.example", "shop", "web", TOKEN)
IMAGE = DeploymentImage("https://k8s.example", "shop", "web", "app", TOKEN, "r.io/web:v1")
GIT = GitValue("https://g.example/r", "main", "values.yaml", "tag", "v1", TOKEN)
HTTP = HttpCall("PUT", "https://a.example/x", "https://a.example/x", "/now", 0, {"weight": 0}, TOKEN)
OFF = HttpCall("POST", "https://a.example/x/off", "https://a.example/x", "/on", read_equals=False)
COMMAND = Command(["deploy", "v1"], ["is", "v1"], environment={"TOKEN": TOKEN})

OTHER_VALUE: list[tuple[Step, Step]] = [
    (WEIGHT, replace(WEIGHT, weight=10)),
    (STATE, replace(STATE, state="drain")),
    (SHARE, replace(SHARE, percent=10)),
    (FLAG, SHARE),
    (IMAGE, replace(IMAGE, image="r.io/web:v2")),
    (GIT, replace(GIT, value="v2")),
    (HTTP, replace(HTTP, body={"weight": 1}, read_equals=1)),
    (OFF, replace(OFF, url="https://a.example/x/on", read_equals=True)),
    (OFF, replace(OFF, method="DELETE", read_equals=True)),
    (COMMAND, replace(COMMAND, argv=["deploy", "v1", "--now"])),
]
"""The same target, two values."""

OTHER_MEANS: list[tuple[Step, Step]] = [
    (WEIGHT, replace(WEIGHT, timeout=1, within=1, tries=1, on_failure="stop")),
    (FLAG, replace(FLAG, token=OTHER)),
    (SHARE, replace(SHARE, token=OTHER)),
    (DARK, replace(DARK, token=OTHER, bypasses_approval=True)),
    (ABORT, replace(ABORT, token=OTHER)),
    (IMAGE, replace(IMAGE, token=OTHER)),
    (GIT, replace(GIT, token=OTHER)),
    (HTTP, replace(HTTP, token=OTHER, token_header="X-Api-Key", token_scheme="")),
    (COMMAND, replace(COMMAND, can=["may", "deploy"])),
]
"""The same target and the same value."""

OTHER_SPELLING: list[tuple[Step, Step]] = [
    (WEIGHT, replace(WEIGHT, sockets=["LB1:9999"])),
    (STATE, replace(STATE, sockets=["Lb1:9999"])),
    (FLAG, replace(FLAG, url="https://unleash.example/")),
    (SHARE, replace(SHARE, url="https://Unleash.example:443")),
    (DARK, replace(DARK, url="https://app.launchdarkly.com//")),
    (ABORT, replace(ABORT, api="https://k8s.example/")),
    (IMAGE, replace(IMAGE, api="https://k8s.example:443/")),
    (GIT, replace(GIT, repository="https://G.example/r/")),
    (HTTP, replace(HTTP, read_url="https://A.example:443/x#now", url="https://A.EXAMPLE/x")),
]
"""The same step, whose address is written otherwise."""

ALL_DIFFERENT: list[Step] = [
    *(WEIGHT, replace(WEIGHT, server="web/stable"), replace(WEIGHT, sockets=["lb2:9999"])),
    *(STATE, replace(STATE, server="web/stable"), replace(STATE, sockets=["lb2:9999"])),
    *(FLAG, replace(FLAG, url="https://u.example"), replace(FLAG, project="shop")),
    *(replace(FLAG, feature="search"), replace(FLAG, environment="staging")),
    *(replace(SHARE, feature="s"), replace(SHARE, feature="s", url="https://u.example")),
    *(replace(SHARE, feature="s", project="shop"), replace(SHARE, feature="s", environment="staging")),
    replace(SHARE, feature="r"),
    *(DARK, replace(DARK, url="https://l.example"), replace(DARK, project="s"), replace(DARK, flag="f")),
    replace(DARK, environment="staging"),
    *(
        ABORT,
        replace(ABORT, api="https://k.example"),
        replace(ABORT, namespace="n"),
        replace(ABORT, rollout="r"),
    ),
    *(IMAGE, replace(IMAGE, api="https://k.example"), replace(IMAGE, namespace="n")),
    *(replace(IMAGE, deployment="d"), replace(IMAGE, container="c")),
    *(GIT, replace(GIT, repository="https://g.example/other"), replace(GIT, branch="next")),
    *(replace(GIT, path="other.yaml"), replace(GIT, key="other")),
    *(HTTP, replace(HTTP, read_pointer="/then"), replace(HTTP, read_url="https://a.example/y")),
    *(replace(HTTP, read_url="https://a.example/x/"), replace(HTTP, read_url="https://a.example:8443/x")),
    *(COMMAND, replace(COMMAND, read=["is", "v2"]), replace(COMMAND, environment={"TOKEN": OTHER})),
]
"""No two with one target."""
