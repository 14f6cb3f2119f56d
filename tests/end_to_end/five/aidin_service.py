"""aidin: its access log is read by mtail, its PostgreSQL by sql_exporter; Unleash gives its feature to a share of the users."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path

import servers
from handrail.declare import Targets

from .cast import Cast, Played
from .earlier import GREW, remember, shown
from .exporters import again_and_again, connected, mtail, sql_exporter
from .flags import Flags

FEATURE = "aidin-hardening"
AT_ONCE, EVERY = 50, 0.2
"""Requests that each look at the log finds, and seconds between two looks."""
LINE = '10.0.0.7 - - "GET /tickets/{number} HTTP/1.1" {status} 512 "-" 0.120'
OTHERS = (
    "Jan 22 19:34:21 aidin node[812]: Request took 120ms\n"
    "2026-01-22 19:34:21.123 UTC [77] LOG:  handrail heartbeat\n"
)
"""What the journal of the application and the log of PostgreSQL have meanwhile."""
DID = "Jan 22 19:34:21 aidin-1 aidin[7]: userId: u{number} opened a ticket"
USERS = 120
PAST = round(GREW.total_seconds() * AT_ONCE / EVERY)
"""Requests that were there before the rollout. Half of all change a row; the changes of whom the feature is on for are audited."""
TABLES = f"""
CREATE TABLE role_modules (role text, module text);
CREATE TABLE user_modules (user_id int, module text);
CREATE TABLE users (number int);
CREATE TABLE audit_logs (user_id int, created_at timestamptz DEFAULT now());
INSERT INTO role_modules SELECT 'nurse', 'module-' || one FROM generate_series(1, 4) AS one;
INSERT INTO user_modules SELECT one, 'module-1' FROM generate_series(1, 25) AS one;
INSERT INTO users SELECT generate_series(1, {PAST // 2});
"""  # noqa: S608  our own words
CHANGES = f"""
INSERT INTO users SELECT generate_series(1, {AT_ONCE // 2});
INSERT INTO audit_logs SELECT one % 25 FROM generate_series(1, {{audited}}) AS one;
SELECT pg_stat_force_next_flush();
"""  # noqa: S608  our own words
REMEMBERED = (
    "http_requests_total",
    "http_request_duration_seconds_bucket",
    "http_request_duration_seconds_count",
    "application_log_lines_total",
    "mutations_total",
    "audit_log_inserts_total",
    "users_seen",
)
FASTER = 60
DAY, WEEK = timedelta(days=1) / FASTER, timedelta(days=7) / FASTER
MORE = timedelta(minutes=2)


@contextmanager
def runs(folder: Path) -> Iterator[Cast]:
    """All of it, well, with the feature off, and as it was a minute and a week ago."""
    log = folder / "access.log"
    log.touch()
    at = {name: servers.free_address() for name in ("log", "sql")}
    fails, numbers = [False], count()

    def serve(requests: int) -> None:
        with log.open("a") as written:
            for number in (next(numbers) for _ in range(requests)):
                status = 500 if fails[0] and number % 40 == 0 else 200
                written.write(LINE.format(number=number, status=status) + "\n")
                written.write(DID.format(number=number % USERS) + "\n")
            written.write(OTHERS)

    def work() -> None:
        serve(AT_ONCE)
        on = flags.share(FEATURE).removesuffix("%").replace("off", "0")
        connection.execute(CHANGES.format(audited=AT_ONCE // 2 * int(on) // 100))

    @contextmanager
    def exporters(generated: Path) -> Iterator[None]:
        made = generated / "exporters"
        with (
            mtail(folder, made / "aidin-hardening.mtail", [log], at["log"]),
            sql_exporter(folder, made / "aidin-hardening.sql.yml", at["sql"]),
            again_and_again(work, EVERY),
        ):
            serve(PAST)  # mtail reads what is written from now on
            yield

    def past() -> None:
        servers.until(lambda: shown(at["log"], "http_requests_total") >= PAST, "the log, read")
        servers.until(lambda: shown(at["sql"], "sql_mutations_total") >= PAST // 2, "the tables, counted")
        jobs = {"aidin-log": at["log"], "aidin-sql": at["sql"]}
        remember(folder, jobs, REMEMBERED, [(WEEK + DAY + MORE, DAY + 10 * MORE), (DAY + MORE, DAY + MORE)])

    with ExitStack() as started:
        flags = started.enter_context(Flags("default", FEATURE))
        flags.features[FEATURE].on["production"] = False
        database = started.enter_context(servers.postgres(folder))
        connection = started.enter_context(connected(database))
        connection.execute(TABLES)
        yield Cast(
            scrape=[
                Targets("aidin-log", [at["log"]]),
                Targets("aidin-sql", [at["sql"]], drop_prefix="sql_"),
            ],
            places={
                "https://unleash.example.com": flags.url,
                "postgres://handrail@aidin-db.internal/aidin?sslmode=require": (
                    f"postgres://handrail@{database.address}/postgres?sslmode=disable"
                ),
            },
            secrets={
                "UNLEASH_TOKEN": flags.token,
                "SLACK_TOKEN": "slack-token-of-a-test",
                "PAGERDUTY_AIDIN_KEY": "pagerduty-key-of-a-test",
                "PAGERDUTY_DATABASES_KEY": "pagerduty-key-of-a-test",
                "MAIL_PASSWORD": "mail-password-of-a-test",
            },
            exporters=exporters,
            past=past,
            target=lambda: flags.share(FEATURE),
            sicken=lambda: fails.__setitem__(0, True),
        )


aidin = Played(
    "aidin-hardening",
    runs,
    shares={"10%": "10%", "50%": "50%", "100%": "100%"},
    before="off",
    sick_in="50%",
    pages=frozenset({"AidinHardeningHttp5xxCritical"}),
    stages=180,
    faster=FASTER,
    known=True,
)
