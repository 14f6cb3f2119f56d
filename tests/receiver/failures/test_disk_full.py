"""The disk is full: nothing is taken, nothing half-written, nothing done twice; with room again it goes on automatically."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import servers
from guarded import TOKENS, Guarded, alert, body, guarded, playbook
from guarded.alerts import labels
from guarded.disk import Disk, Limited, Small, way_to_mount
from guarded.spy import Spy, spied

ONCE = ["set weight web/canary 0", "set weight web/stable 100"]
ALERTMANAGER = """
route: {{receiver: handrail, group_by: [rollout], group_wait: 0s, group_interval: 1s, repeat_interval: 2s}}
receivers:
- name: handrail
  webhook_configs:
  - url: {url}/webhooks/alertmanager
    http_config:
      authorization: {{type: Bearer, credentials: {token}}}
"""


@pytest.fixture(name="disk", params=["a disk", pytest.param("a limit on files", marks=pytest.mark.long)])
def _disk(request: pytest.FixtureRequest, tmp_path: Path) -> Disk:
    """A small disk, or where nobody may mount one a limit on files, which the long tests always have as well."""
    way = way_to_mount() if request.param == "a disk" else None
    return Small(tmp_path / "disk", way) if way else Limited(tmp_path / "disk")


@pytest.fixture(name="pair")
def _pair(disk: Disk, tmp_path: Path) -> Iterator[tuple[Guarded, Spy]]:
    store = f"sqlite:{disk.folder / 'handrail.db'}"
    with (
        spied(tmp_path) as spy,
        guarded(tmp_path, playbook(), proxy=False, under=disk.under, STORE=store) as shop,
    ):
        shop.call("start")
        spy.commands.clear()
        yield shop, spy


def ready(shop: Guarded) -> int:
    return shop.ask("GET", "/readyz", "nobody").status_code


def asked(disk: Disk, shop: Guarded, *question: str) -> Any:
    """What `handrail store` says, beside the receiver; it must be content."""
    handrail = [
        *disk.beside(shop.server),
        str(Path(sys.executable).with_name("handrail")),
        "store",
        *question,
    ]
    where = f"--store={shop.env['HANDRAIL_STORE']}"
    return json.loads(subprocess.run([*handrail, where, "--json"], check=True, capture_output=True).stdout)


def test_what_was_taken_is_there_what_was_refused_is_not_and_the_rest_comes_again(
    pair: tuple[Guarded, Spy], disk: Disk
) -> None:
    shop, spy = pair
    notice = body(alert("error-rate", "warning"))
    answers = [shop.deliver(notice).status_code for _ in range(3)]
    disk.fill(shop.server)
    while answers[-1] == 200 and len(answers) < 500:  # a little may go where there was room inside
        answers.append(shop.deliver(notice).status_code)
    answers += [shop.deliver().status_code, ready(shop)]
    assert answers[-3:] == [503, 503, 503]
    assert "Nothing is decided until it takes writes" in shop.ask("GET", "/", "viewer").text
    disk.free(shop.server)
    servers.until(lambda: ready(shop) == 200, "room")
    kept = asked(disk, shop, "notifications", "--limit=1000")["notifications"]
    assert len(kept) == answers.count(200)
    assert (spy.sets(), shop.deliver().status_code) == ([], 200)
    shop.until("rollback", "done")
    assert (spy.sets(), shop.weights_of(spy)) == (ONCE, (0, 100))
    asked(disk, shop, "verify")


def test_a_rollback_during_which_it_fills_up_is_finished_once_there_is_room(
    pair: tuple[Guarded, Spy], disk: Disk
) -> None:
    shop, spy = pair

    def fills(command: str, answer: str) -> str:
        if command == ONCE[0]:
            disk.fill(shop.server)
        return answer

    spy.fault = fills
    assert shop.deliver().status_code == 200
    servers.until(lambda: ready(shop) == 503, "the full disk")
    assert "rollback" in dict(shop.runs())
    assert dict(shop.runs())["rollback"] == "open"
    spy.fault = lambda _command, answer: answer
    disk.free(shop.server)
    shop.until("rollback", "done")
    assert (spy.sets(), shop.weights_of(spy)) == (ONCE, (0, 100))
    asked(disk, shop, "verify")


def test_alertmanager_s_own_redelivery_gets_in_once_there_is_room(
    pair: tuple[Guarded, Spy], disk: Disk, tmp_path: Path
) -> None:
    shop, spy = pair
    config = tmp_path / "alertmanager.yml"
    config.write_text(ALERTMANAGER.format(url=shop.server.url, token=TOKENS["alertmanager"]))
    disk.fill(shop.server)
    servers.until(lambda: ready(shop) == 503, "the full disk")
    with servers.alertmanager(tmp_path, config) as alertmanager:
        fires = {"labels": labels(), "startsAt": datetime.now(UTC).isoformat()}
        httpx.post(
            f"{alertmanager.url}/api/v2/alerts", json=[fires], trust_env=False, verify=servers.PLAIN
        ).raise_for_status()
        refused = '{result="unavailable"}'
        servers.until(
            lambda: shop.metric("handrail_notifications_total")[refused] >= 2, "two refusals", within=20
        )
        assert spy.sets() == []
        disk.free(shop.server)
        shop.until("rollback", "done")
    assert (spy.sets(), shop.weights_of(spy)) == (ONCE, (0, 100))
