"""`handrail rollout`: a running receiver, asked about a rollout or for something."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from handrail.cli.receiver_options import Ca, Cert, Key, Url, no_receiver


class YesNo(StrEnum):
    """What a question is answered with."""

    yes = "yes"
    no = "no"


class Verb(StrEnum):
    """What an operator can ask of a rollout; `list` asks for all of them."""

    list = "list"
    start = "start"
    status = "status"
    watch = "watch"
    check = "check"
    approve = "approve"
    promote = "promote"
    retry = "retry"
    reduce = "reduce"
    hold = "hold"
    resume = "resume"
    rollback = "rollback"
    emergency_rollback = "emergency-rollback"
    drill = "drill"
    adopt = "adopt"
    abandon = "abandon"
    incident = "incident"
    ack = "ack"
    note = "note"
    close = "close"
    postmortem = "postmortem"
    bundle = "bundle"


def rollout(
    verb: Annotated[Verb, typer.Argument(help="What the receiver should do or show.", show_default=False)],
    name: Annotated[
        str, typer.Argument(help="The rollout's name; list needs none.", show_default=False)
    ] = "",
    folder: Annotated[
        str, typer.Argument(metavar="[DIR]", help="bundle: the folder to write it to.", show_default=False)
    ] = "",
    url: Url = None,
    why: Annotated[str, typer.Option(help="The reason, kept in the evidence.")] = "",
    anyway: Annotated[
        bool,
        typer.Option(
            "--anyway", help="Go on although something is not ready; needs --why.", show_default=False
        ),
    ] = False,
    item: Annotated[
        str,
        typer.Option(
            help="check: the question to answer, its text or number; without it a check is made now."
        ),
    ] = "",
    failed: Annotated[
        bool, typer.Option("--failed", help="check: the answer is no.", show_default=False)
    ] = False,
    role: Annotated[str, typer.Option(help="approve: the role to approve as.")] = "",
    seen: Annotated[
        str, typer.Option(help="approve: only if the gate still has this digest, which status shows.")
    ] = "",
    to: Annotated[
        str, typer.Option(help="promote, retry: the stage that you mean; refused if another one is next.")
    ] = "",
    canary: Annotated[
        str,
        typer.Option(help="start, or approve before the start: the new version, if `Arms` has no values."),
    ] = "",
    stable: Annotated[
        str, typer.Option(help="start, or approve before the start: the version that runs now.")
    ] = "",
    artifact: Annotated[
        str, typer.Option(help="start: what goes out, a version or an image's digest, for the evidence.")
    ] = "",
    attempt: Annotated[
        int | None, typer.Option(min=1, help="bundle: the number of the attempt; without it the newest.")
    ] = None,
    incident: Annotated[str, typer.Option(help="incident, ack, note, close, postmortem: which one.")] = "",
    cause: Annotated[str, typer.Option(help="note, close: the cause.")] = "",
    fix: Annotated[str, typer.Option(help="note, close: what fixed it.")] = "",
    prevention: Annotated[str, typer.Option(help="note, close: how it is prevented from now on.")] = "",
    user_impact: Annotated[str, typer.Option(help="note, close: what users noticed.")] = "",
    follow_up: Annotated[str, typer.Option(help="note, close: an action item.")] = "",
    review: Annotated[str, typer.Option(help="note, close: when the review is.")] = "",
    attendees: Annotated[str, typer.Option(help="note, close: who attends the review.")] = "",
    false_rollback: Annotated[
        YesNo | None, typer.Option(help="note, close: whether the rollback was a false alarm.")
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="The API's answer as JSON; watch: one document per line.", show_default=False
        ),
    ] = False,
    cert: Cert = None,
    key: Key = None,
    ca: Ca = None,
) -> None:
    """Start, promote, roll back or look at a rollout.

    A running receiver does it; HANDRAIL_TOKEN_FILE names the file with your token.

    \b
    rollback            return all traffic to the stable version
    emergency-rollback  the same with the emergency's steps; everybody is told
    reduce              give the canary less traffic, and hold
    hold, resume        stop promotions, and allow them again
    retry               repeat what failed, or enter a reduced stage again
    drill               show what a rollback would do; targets are only read
    list                show all rollouts, one line each
    status, watch       show what it waits for, once or until its attempt ends
    start, promote      begin an attempt, enter the next stage
    check               look at everything now; with --item answer a question
    approve             approve the gate as it stands
    adopt               continue the attempt with the newest playbook
    abandon             end the attempt; no target is touched
    incident            show the incidents
    ack, note, close    acknowledge an incident, say what was found, end it
    postmortem          draft the postmortem of an incident
    bundle              write the evidence of an attempt into a folder
    """
    try:
        from handrail_receiver.cli import rollout as ask  # noqa: PLC0415
    except ModuleNotFoundError as error:
        no_receiver(error)
    words = {
        "why": why,
        "item": item,
        "role": role,
        "seen": seen,
        "to": to,
        "canary": canary,
        "stable": stable,
        "artifact": artifact,
        "folder": folder,
        "attempt": str(attempt or ""),
        "incident": incident,
    }
    said = {
        "cause": cause,
        "fix": fix,
        "prevention": prevention,
        "user-impact": user_impact,
        "follow-up": follow_up,
        "review": review,
        "attendees": attendees,
        "false-rollback": false_rollback.value if false_rollback else "",
    }
    raise typer.Exit(
        ask(
            verb.value,
            name,
            said=said,
            url=url,
            anyway=anyway,
            failed=failed,
            as_json=as_json,
            cert=cert,
            key=key,
            ca=ca,
            **words,
        )
    )
