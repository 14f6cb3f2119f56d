"""The pipelines of this repository's runbooks, on lines as the teams' programs write them."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from textwrap import dedent

import pytest
from servers import ask_haproxy, haproxy, program

RUNBOOKS = Path(__file__).parents[3] / "generated/runbooks"


def command(rollout: str, does: str) -> str:
    """What is below an instruction, the first of these words."""
    text = (RUNBOOKS / f"{rollout}.md").read_text()
    found = re.search(rf"^\d+\. {re.escape(does)}\n\n   ```sh\n(.*?)^   ```$", text, re.MULTILINE | re.DOTALL)
    assert found is not None, does
    return dedent(found[1])


def typed(line: str, folder: Path, **answers: str) -> str:
    """What a person sees who types it, where each of these programs prints that."""
    prelude = []
    for name, text in answers.items():
        (folder / name).write_text(text)
        prelude.append(f"{name}() {{ cat {folder / name}; }}")
    script = "\n".join([*prelude, line])
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, cwd=folder)
    assert done.stderr == ""
    return done.stdout.strip()


def access(
    status: int, hours: float = 0, size: int = 512, seconds: str = "0.120", path: str = "/api/x"
) -> str:
    """A line of nginx's log, with the request time as its last field."""
    at = (datetime.now().astimezone() - timedelta(hours=hours)).strftime("%d/%b/%Y:%H:%M:%S %z")
    return f'10.0.0.1 - - [{at}] "GET {path} HTTP/1.1" {status} {size} "-" "Mozilla/5.0 (X11)" {seconds}\n'


@pytest.mark.parametrize(
    ("does", "seen"),
    [("One route, or all of them?", ["2 /api/x", "1 /api/y"]), ("Which routes?", ["1 /api/x"])],
)
def test_requests_are_counted_by_their_route_without_what_was_asked_of_it(
    does: str, seen: list[str], tmp_path: Path
) -> None:
    lines = [access(502, path="/api/x?page=1"), access(500, path="/api/x?page=2"), access(500, path="/api/y")]
    lines += [access(403), access(200, path="/api/z")]
    (tmp_path / "access.log").write_text("".join(lines))
    line = command("aidin-hardening", does).replace("/var/log/nginx/access.log", str(tmp_path / "access.log"))
    assert [" ".join(one.split()) for one in typed(line, tmp_path).splitlines()] == seen


@pytest.mark.parametrize(
    ("does", "seen"),
    [
        ("How many requests failed in the last hour?", "2"),
        ("How many requests were refused in the last hour?", "1"),
        ("Requests that failed or were refused, of all in the log.", "4"),
    ],
)
def test_requests_are_counted_by_their_status_and_never_by_their_size(
    does: str, seen: str, tmp_path: Path
) -> None:
    lines = [access(200, size=500), access(502), access(500, hours=1), access(503, hours=3), access(403)]
    (tmp_path / "access.log").write_text("".join(lines))
    line = command("aidin-hardening", does).replace("/var/log/nginx/access.log", str(tmp_path / "access.log"))
    assert typed(line, tmp_path) == seen


def test_the_95th_percentile_is_that_of_the_last_field(tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text("".join(access(200, seconds=f"0.{n:03}") for n in range(1, 101)))
    line = command(
        "aidin-hardening", "The 95th percentile of the last 10,000 requests, as the access log has it."
    )
    assert typed(line.replace("/var/log/nginx/access.log", str(tmp_path / "access.log")), tmp_path) == "0.095"


LOGGED = "2026-03-01T03:00:00Z app[1] iad [info] "


@pytest.mark.parametrize(
    ("does", "lines", "seen"),
    [
        (
            "Count, mean and percentiles of what the log still has.",
            [f"request processing_time_ms {n}" for n in range(1, 101)],
            "count 100 mean 50.5 P50 50 P95 95 P99 99",
        ),
        (
            "How many of the last 1,000 requests failed? Fewer than 10 is normal.",
            ["request_completed success=true"] * 5 + ["request_completed success=false"] * 2,
            "2",
        ),
        (
            "Hits among the last 1,000 accesses.",
            ["cache_access cache_hit=true"] * 3 + ["cache_access cache_hit=false"],
            "3 of 4",
        ),
        (
            "Writes that succeeded, of the last 100.",
            ["mem0_write success=true"] * 2 + ["mem0_write success=false"],
            "2 of 3",
        ),
        ("The flags that are loaded.", ["Feature flags loaded: a", "Feature flags loaded: b"], None),
    ],
)
def test_the_clinics_log_is_counted(does: str, lines: list[str], seen: str | None, tmp_path: Path) -> None:
    found = typed(command("mem0-redis", does), tmp_path, fly="".join(f"{LOGGED}{one}\n" for one in lines))
    assert found == (f"{LOGGED}{lines[-1]}" if seen is None else seen)


def test_the_split_of_haproxy_is_its_servers_their_state_and_their_weight(tmp_path: Path) -> None:
    (tmp_path / "haproxy.cfg").write_text(
        "global\n stats socket unix@haproxy.sock level admin\n"
        "defaults\n mode http\n timeout connect 1s\n timeout client 1s\n timeout server 1s\n"
        "backend aurigraph\n server green 127.0.0.1:1 weight 10\n server blue 127.0.0.1:2 weight 90\n"
    )
    does = "What have blue and green of the traffic, by HAProxy's word?"
    with haproxy(tmp_path, tmp_path / "haproxy.cfg"):
        stat = ask_haproxy(tmp_path / "haproxy.sock", "show stat")
    assert typed(command("aurigraph-v12", does), tmp_path, socat=stat).splitlines() == [
        "green,no check,10",
        "blue,no check,90",
        "BACKEND,UP,100",
    ]


def test_the_flags_of_ruleiq_are_listed_with_what_they_are_in_production(tmp_path: Path) -> None:
    flags = {
        "features": [
            {
                "name": name,
                "createdAt": f"2025-09-0{day}T08:00:00Z",
                "environments": [
                    {"name": "development", "enabled": True},
                    {"name": "production", "enabled": day == 2},
                ],
            }
            for day, name in enumerate(["bulk-import", "recommendations-v2"], 1)
        ]
    }
    does = "Which flags are there, and which of them is on in production?"
    program("jq")
    line = f"UNLEASH_TOKEN=t\n{command('ruleiq', does)}"
    assert typed(line, tmp_path, curl=json.dumps(flags)).splitlines() == [
        "2025-09-01T08:00:00Z\tbulk-import\tfalse",
        "2025-09-02T08:00:00Z\trecommendations-v2\ttrue",
    ]


def test_relays_log_of_the_failure_is_kept_whole_and_its_end_is_shown(tmp_path: Path) -> None:
    log = "".join(f"line {number}\n" for number in range(200))
    (tmp_path / "log").write_text(log)
    (tmp_path / "railway").write_text(f'#!/bin/sh\n[ "$*" = "logs --service relay" ] && cat {tmp_path}/log\n')
    (tmp_path / "railway").chmod(0o755)
    done = subprocess.run(
        ["bash", "-ec", command("relay-r1", "Keep the log of the hour before it rotates.")],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
    )
    assert done.stdout.splitlines() == log.splitlines()[-50:]
    assert [kept.read_text() for kept in tmp_path.glob("relay-failure-*.log")] == [log]


def test_relays_split_is_read_back_with_what_the_platform_lists(tmp_path: Path) -> None:
    asked = "sh -c 'railway service list relay | tee /dev/stderr | grep -F -- \"$1\" >/dev/null'"
    assert asked in (RUNBOOKS / "relay-r1.md").read_text()
    (tmp_path / "railway").write_text("#!/bin/sh\necho 'relay main:5,r0.5-hotfix:95'\n")
    (tmp_path / "railway").chmod(0o755)
    said = [
        subprocess.run(
            ["bash", "-c", f"{asked} sh {share}"],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        )
        for share in ("main:5,r0.5-hotfix:95", "main:0,r0.5-hotfix:100")
    ]
    assert [(one.returncode, one.stderr) for one in said] == [
        (0, "relay main:5,r0.5-hotfix:95\n"),
        (1, "relay main:5,r0.5-hotfix:95\n"),
    ]
