"""The clinic's back end: its log is read by mtail, its PostgreSQL and Redis by their exporters; fly sets its sample rate."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import servers
from handrail.declare import Targets

from .cast import Cast, Played
from .earlier import remember, shown
from .exporters import again_and_again, connected, mtail, redis, redis_exporter, sql_exporter
from .exposed import Exposed
from .platform_command import command

APP = "healthcare-clinic-backend"
PROGRAM = """
case "$1 $2" in
    "secrets set") echo "${3#CANARY_SAMPLE_RATE=}" >"$STATE" ;;
    "ssh console") CANARY_SAMPLE_RATE="$(cat "$STATE")"; export CANARY_SAMPLE_RATE; eval "$6" ;;
    *) exit 64 ;;
esac
"""
TABLE = """
CREATE TABLE observability_events (
    event_type text, created_at timestamptz DEFAULT now(), processing_time_ms float, success boolean,
    cache_hit boolean, cache_key text, details jsonb DEFAULT '{}'
);
INSERT INTO observability_events (event_type, processing_time_ms, success, details) VALUES
    ('request_completed', 120, true, '{"endpoint": "/chat"}'), ('mem0_write', 400, true, '{}');
INSERT INTO observability_events (event_type, cache_hit, processing_time_ms, details) VALUES
    ('cache_access', true, 2, '{"cache_key_prefix": "doctors"}');
"""
ROWS = "/rest/v1/observability_events"
FLAGS = "Feature flags loaded FAST_PATH_ENABLED=true MEM0_READS_ENABLED=true MEM0_SHADOW_MODE=false"
REMEMBERED = ("redis_commands_processed_total", "redis_connected_clients")
FASTER = 60
DAY, WEEK = timedelta(days=1) / FASTER, timedelta(days=7) / FASTER
MORE = timedelta(minutes=2)
AT_ONCE = 50
"""Requests that each look at the log finds."""


@contextmanager
def runs(folder: Path) -> Iterator[Cast]:
    """All of it, well, with a sample rate of 0."""
    state = command(folder, "fly", PROGRAM, "0")
    log = folder / "app.log"
    log.touch()
    at = {name: servers.free_address() for name in ("log", "sql", "redis")}
    fails = [False]

    def handles_requests() -> None:
        lines = [f"{FLAGS} CANARY_SAMPLE_RATE={state.read_text().strip()}"]  # as a machine that starts
        for number in range(AT_ONCE):
            well = "false" if fails[0] and number % 4 == 0 else "true"
            lines += [
                f"request_completed success={well} endpoint=/chat processing_time_ms 120",
                "cache_access cache_hit=true key=doctors:7",
                "mem0_write success=true processing_time_ms: 400",
            ]
        with log.open("a") as written:
            written.write("\n".join(lines) + "\n")

    @contextmanager
    def exporters(generated: Path) -> Iterator[None]:
        made = generated / "exporters"
        with (
            mtail(folder, made / "mem0-redis.mtail", [log], at["log"]),
            sql_exporter(folder, made / "mem0-redis.sql.yml", at["sql"]),
            redis_exporter(folder, memory.address, at["redis"]),
        ):
            yield

    def past() -> None:
        name = REMEMBERED[0]
        servers.until(lambda: shown(at["redis"], name) > 0, "Redis, read")
        spells = [(WEEK + DAY + MORE, DAY + 10 * MORE), (DAY + MORE, DAY + MORE)]
        remember(folder, {f"{APP}-redis": at["redis"]}, REMEMBERED, spells)

    with ExitStack() as started:
        service = started.enter_context(Exposed({"/health": {"status": "ok"}, "/v1/ping/": {}, ROWS: []}))
        database = started.enter_context(servers.postgres(folder))
        with connected(database) as connection:
            connection.execute(TABLE)
        memory = started.enter_context(redis(folder))
        host, port = memory.address.split(":")
        for _ in range(8):
            started.enter_context(socket.create_connection((host, int(port))))
        started.enter_context(again_and_again(handles_requests))
        yield Cast(
            scrape=[
                Targets(f"{APP}-log", [at["log"]]),
                Targets(f"{APP}-sql", [at["sql"]], drop_prefix="sql_"),
                Targets(f"{APP}-redis", [at["redis"]]),
            ],
            places={
                "postgres://handrail@clinic-db.internal/postgres?sslmode=require": (
                    f"postgres://handrail@{database.address}/postgres?sslmode=disable"
                ),
                "https://api.mem0.ai": service.url,
                "https://clinic.supabase.co": service.url,
            },
            services={APP: service.url},
            secrets={
                "FLY_API_TOKEN": "fly-token-of-a-test",
                "MEM0_API_KEY": "mem0-key-of-a-test",
                "SUPABASE_KEY": "supabase-key-of-a-test",
                "SLACK_TOKEN": "slack-token-of-a-test",
                "MAIL_PASSWORD": "mail-password-of-a-test",
            },
            path=state.parent,
            exporters=exporters,
            past=past,
            target=lambda: state.read_text().strip(),
            sicken=lambda: fails.__setitem__(0, True),
        )


clinic = Played(
    "mem0-redis",
    runs,
    shares={"10%": "0.1", "50%": "0.5", "100%": "1.0"},
    before="0",
    sick_in="50%",
    pages=frozenset({"Mem0RedisErrorRateEmergency"}),
    stages=180,
    faster=FASTER,
    known=True,
)
