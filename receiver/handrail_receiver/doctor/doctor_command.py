"""`handrail doctor` → every finding as a line or as JSON, and an exit code."""
# ruff: noqa: T201  this is the command line

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict

from handrail.contract import StackNeeds

from handrail_receiver.app import logins_of
from handrail_receiver.client.api_client import ApiClient, api_client
from handrail_receiver.doctor.examination import Stack, examined
from handrail_receiver.doctor.findings import Finding, Health
from handrail_receiver.errors import WrongSettings
from handrail_receiver.outside import Outside, new_client
from handrail_receiver.read_settings import read_addresses
from handrail_receiver.secrets import Secrets
from handrail_receiver.settings import Settings


def doctor(
    needs: StackNeeds,
    *,
    prometheus: str | None = None,
    alertmanagers: Sequence[str] = (),
    receiver: str | None = None,
    grafana: str | None = None,
    without_grafana: bool = False,
    cert: str | None = None,
    key: str | None = None,
    ca: str | None = None,
    send_alert: bool = False,
    as_json: bool = False,
) -> int:
    """Look at the stack, print what was found, and return the exit code.

    Addresses that are not given are those of HANDRAIL_PROMETHEUS, HANDRAIL_ALERTMANAGERS, HANDRAIL_GRAFANA and
    HANDRAIL_URL; the logins are those of the receiver's settings, and the token is the one of HANDRAIL_TOKEN_FILE.
    """
    try:
        settings = read_addresses(prometheus, ",".join(alertmanagers), grafana)
        client = api_client(receiver, None, cert, key, ca)
        findings = asyncio.run(
            _found(
                needs,
                settings,
                client,
                send_alert=send_alert,
                without_grafana=without_grafana,
                as_json=as_json,
            )
        )
    except WrongSettings as error:
        print(error, file=sys.stderr)
        return 2
    code = exit_code(findings)
    if as_json:
        print(
            json.dumps({"exit": code, "findings": list(map(asdict, findings))}, indent=2, ensure_ascii=False)
        )
    else:
        print(summary(findings))
    return code


async def _found(
    needs: StackNeeds,
    settings: Settings,
    receiver: ApiClient,
    *,
    send_alert: bool,
    without_grafana: bool,
    as_json: bool,
) -> list[Finding]:
    secrets, findings = Secrets(settings.secrets_dir, os.environ), []
    client, logins = new_client(settings.tls_authorities), logins_of(settings, secrets)
    stack = Stack(
        Outside(client, secrets, logins),
        settings.prometheus.url if settings.prometheus else "",
        settings.alertmanager_urls,
        receiver,
        None if without_grafana else settings.grafana.url if settings.grafana else "",
    )
    try:
        async for finding in examined(needs, stack, send_alert=send_alert):
            findings.append(finding)
            if not as_json:
                print(line(finding), flush=True)
    finally:
        await client.aclose()
        await logins.aclose()
    return findings


def line(finding: Finding) -> str:
    """A finding for people; its cure on a line of its own."""
    said = f"{finding.health:<7}  {finding.what}: {finding.text}"
    return f"{said}\n         → {finding.cure}" if finding.cure else said


def summary(findings: Sequence[Finding]) -> str:
    """How many of each."""
    counts = ((sum(one.health is health for one in findings), health) for health in Health)
    return ", ".join(f"{count} {health}" for count, health in counts if count)


def exit_code(findings: Sequence[Finding]) -> int:
    """0: all is well; 1: something failed; 3: nothing failed, and something could not be asked."""
    seen = {one.health for one in findings}
    return 1 if Health.failed in seen else 3 if Health.unknown in seen else 0
