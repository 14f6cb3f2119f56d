"""What aidin's people do by hand: commands on the host of aidin.service, and SQL on its database."""

from handrail.declare import Instruction

ACCESS_LOG = "/var/log/nginx/access.log"
HOURS = " ".join(f"-e \"[$(LC_ALL=C date -d '{ago}' +%d/%b/%Y:%H)\"" for ago in ("now", "1 hour ago"))
"""What the times of the access log begin with in this hour and in the one before."""


def with_status(pattern: str) -> str:
    """The requests whose status, the ninth field, is like that: a search for ` 5.. ` would find sizes as well."""
    return f"awk '$9 ~ /{pattern}/' {ACCESS_LOG}"


def by_route(pattern: str) -> str:
    """The routes that most of these requests went to; the path is the seventh field."""
    return f"{with_status(pattern)} | awk '{{sub(/[?].*/, \"\", $7); print $7}}' | sort | uniq -c | sort -rn | head -20"


SERVER_ERRORS = [
    Instruction(
        "How many requests failed in the last hour?",
        sh=f"{with_status('^5')} | grep -cF {HOURS}",
        see="Of this hour and the one before.",
    ),
    Instruction(
        "One route, or all of them?",
        sh=by_route("^5"),
        see="One points at what was changed there; all of them at what they share, the database first.",
    ),
    Instruction("Read the stack traces.", sh="journalctl -u aidin.service -n 500 | grep -A 10 'Error'"),
    Instruction(
        "Does the application itself say 5xx?",
        sh="journalctl -u aidin.service --since '1 hour ago' | grep -E ' 5[0-9]{2} '",
    ),
    Instruction(
        "It has to do with the hardening: roll back, write down what you saw, fix it, and try it in staging.",
        sh="handrail rollout rollback aidin-hardening --why 'the errors come from the new guards'",
    ),
    Instruction("It has not: is the database there?", sh='psql "$DATABASE_URL" -c "SELECT 1"'),
    Instruction(
        "Then the services that aidin calls: which of them does it fail to reach?",
        sh="journalctl -u aidin.service --since '1 hour ago' | grep -iE 'ECONNREFUSED|ETIMEDOUT|ENOTFOUND'",
    ),
    Instruction(
        "What else was deployed, and when did the service start?",
        sh="""\
            git log origin/main --since='24 hours ago' --format='%cI %h %an %s'
            systemctl show aidin.service --property=ActiveEnterTimestamp
            """,
    ),
]

LATENCY = [
    Instruction(
        "What does the application itself say of its requests?",
        sh="journalctl -u aidin.service -n 5000 | grep -oP 'Request took \\K[0-9]+' | sort -n | tail -20",
        see="The twenty longest, in milliseconds.",
    ),
    Instruction(
        "The 95th percentile of the last 10,000 requests, as the access log has it.",
        sh=f"""\
            tail -10000 {ACCESS_LOG} | awk '{{print $NF}}' | sort -n |
              awk '{{a[NR]=$0}} END {{print a[int(NR*0.95)]}}'
            """,
    ),
    Instruction(
        "Which queries were slow?",
        sh="tail -n 100 /var/log/postgresql/postgresql-*.log | grep 'duration:'",
    ),
    Instruction(
        "Are the audit log's inserts among them?",
        sql="""\
            SELECT query, mean_exec_time, calls
            FROM pg_stat_statements
            WHERE query LIKE '%audit_logs%'
            ORDER BY mean_exec_time DESC
            LIMIT 10;
            """,
        see="They are slow: write the audit log asynchronously, add an index, or give the database more.",
    ),
    Instruction(
        "They are not: profile the queries of the permission checks; look up roles and modules from a cache."
    ),
]

DATABASE_ERRORS = [
    Instruction(
        "What does the application say about its database?",
        sh="journalctl -u aidin.service | grep -iE 'database|prisma|postgres' | grep -iE 'error|fail'",
    ),
    Instruction(
        "What does PostgreSQL say?", sh="tail -n 200 /var/log/postgresql/postgresql-*.log | grep ERROR"
    ),
]

CONNECTIONS = [
    Instruction(
        "Who holds the connections?",
        sql="""\
            SELECT state, usename, application_name, count(*)
            FROM pg_stat_activity
            WHERE backend_type = 'client backend'
            GROUP BY state, usename, application_name
            ORDER BY count(*) DESC;
            """,
        see="Many 'idle in transaction' are a leak; many 'active' are load.",
    ),
]

REFUSED = [
    Instruction(
        "How many requests were refused in the last hour?",
        sh=f"{with_status('^403$')} | grep -cF {HOURS}",
    ),
    Instruction("Which routes?", sh=by_route("^403$"), see="One that nobody passes has a wrong guard."),
    Instruction("Which, and whose?", sh=f"{with_status('^403$')} | grep '/api/' | tail -100"),
    Instruction(
        "What may one of them do? Put the user in the place of USER_ID.",
        sql="""\
            SELECT * FROM user_modules WHERE user_id = 'USER_ID';
            SELECT r.* FROM role_modules r
            JOIN users u ON u.role = r.role
            WHERE u.id = 'USER_ID';
            """,
    ),
    Instruction(
        "A module is missing: assign it in the admin pages. The defaults of a role are wrong: run the seed script again.",
        sh="npx prisma db seed",
        see="role_modules has its four rows again.",
    ),
    Instruction(
        "Somebody cannot work at all: which role have they now? Write it down.",
        sql="SELECT id, role FROM users WHERE id = 'USER_ID';",
    ),
    Instruction(
        "Make them an admin until it is fixed; afterwards the same with the role of before.",
        sql="UPDATE users SET role = 'admin' WHERE id = 'USER_ID';",
    ),
    Instruction(
        "It concerns many: roll back, fix the permissions, and start again.",
        sh="handrail rollout rollback aidin-hardening --why 'the guards refuse people who should pass'",
    ),
]

AUDIT = [
    Instruction(
        "What went wrong when it was written?",
        sh="journalctl -u aidin.service | grep -i audit | grep -iE 'error|fail'",
    ),
    Instruction("Is the table there?", sql="SELECT COUNT(*) FROM audit_logs;"),
    Instruction(
        "Inserts by the minute, of the last hour.",
        sql="""\
            SELECT DATE_TRUNC('minute', created_at) AS minute, COUNT(*) AS inserts
            FROM audit_logs
            WHERE created_at > NOW() - INTERVAL '1 hour'
            GROUP BY minute
            ORDER BY minute DESC
            LIMIT 60;
            """,
        see="They follow what people change; none while people change things is the fault.",
    ),
    Instruction(
        "May the application write it? Try as its user; nothing is kept.",
        sql="""\
            BEGIN;
            INSERT INTO audit_logs (actor_id, actor_email, role, action, entity, hash)
            VALUES ('test', 'test@test.com', 'admin', 'test', 'test', 'test123');
            ROLLBACK;
            """,
        see="Permission denied: grant it. A column is missing: the schema and the code differ; the documents say actor_id "
        "here, and user_id where users are counted.",
    ),
    Instruction("They differ: generate Prisma's client again, and deploy it.", sh="npx prisma generate"),
]

USERS = [
    Instruction(
        "Which column has the user? The team's documents say user_id here and actor_id where an entry is written.",
        sql="""\
            SELECT column_name FROM information_schema.columns
            WHERE table_name = 'audit_logs' AND column_name IN ('user_id', 'actor_id');
            """,
        see="The exporter reads either. Put the one that is there into what follows.",
    ),
    Instruction(
        "Users of the last hour, as the audit log knows them.",
        sql="""\
            SELECT COUNT(DISTINCT user_id) AS active_users
            FROM audit_logs
            WHERE created_at > NOW() - INTERVAL '1 hour';
            """,
    ),
    Instruction(
        "As the application's log knows them.",
        sh="""\
            journalctl -u aidin.service --since '1 hour ago' |
              grep -oP 'userId: \\K\\w+' | sort -u | wc -l
            """,
        see="This is what is judged: it is there without the flag too. Far fewer in the audit log than the stage's share: "
        "it is not written.",
    ),
]

TABLES = [
    Instruction(
        "How large are the new tables?",
        sql="""\
            SELECT tablename,
                   pg_size_pretty(pg_total_relation_size(schemaname || '.' || tablename)) AS size,
                   pg_total_relation_size(schemaname || '.' || tablename) AS bytes
            FROM pg_tables
            WHERE tablename IN ('role_modules', 'user_modules', 'audit_logs') AND schemaname = 'public'
            ORDER BY bytes DESC;
            """,
        see="role_modules stays at about 8 KB; audit_logs grows by some 500 bytes an entry; "
        "user_modules goes with the number of users: more is a bulk assignment.",
    ),
]

PROCEDURES = {
    "Before the first stage": [
        Instruction(
            "Can the audit log be asked for its last hour without reading all of it? The exporter asks twice a minute.",
            sql="""\
                SELECT indexdef FROM pg_indexes
                WHERE tablename = 'audit_logs' AND indexdef LIKE '%(created_at%';
                """,
            see="Nothing: CREATE INDEX CONCURRENTLY ON audit_logs (created_at), before the table grows.",
        ),
        Instruction(
            "Have the logs been read for a week, and requests been measured for a day? Both are compared with.",
            promql='count(last_over_time(users_seen{job="aidin-log"}[1d] offset 7d))',
            see="Users of a day a week ago. Nothing: active-users and daily-users are blind, and no start is allowed; p95-latency as well, without requests of a week ago. mtail "
            "runs with --expired_metrics_gc_interval=1m, so that a user is forgotten who left.",
        ),
        Instruction(
            "Did the last day have 10,000 requests? A day of fewer is compared with no other.",
            promql='sum(increase(http_requests_total{job="aidin-log"}[1d]))',
            see="Fewer: daily-5xx, daily-p95 and daily-403 have no figure from before, and no start is allowed. Start after a busier "
            "day, so that the stages' own days have as many, or lower MANY in _aidin_daily.py: of 5,000 a tenth more is chance on "
            "one day in twenty-five.",
        ),
        Instruction(
            "Is none of the next three days a holiday? Users and request times are compared with the same hour of the week "
            "before: fewer people are a drop, whatever keeps them away."
        ),
        Instruction(
            "Write down the 95th percentile of today; the start captures that of the last 24 hours as the baseline.",
            sh=f"""\
                tail -10000 {ACCESS_LOG} | awk '{{print $NF}}' | sort -n |
                  awk '{{a[NR]=$0}} END {{print a[int(NR*0.95)]}}'
                """,
        ),
        Instruction(
            "Start: 10 % of the users.", sh='handrail rollout start aidin-hardening --artifact "${VERSION:?}"'
        ),
    ],
    "After a rollback": [
        Instruction(
            "Is the flag off?",
            sh="handrail rollout status aidin-hardening",
            see="An emergency pages everybody on the list of contacts; nobody has to be called by hand.",
        ),
        Instruction(
            "Say what it was.",
            sh="""\
                handrail rollout note aidin-hardening --cause 'why' --fix 'what was done' --user-impact 'who could not work'
                """,
        ),
        Instruction(
            "File the incident report.", sh="handrail rollout postmortem aidin-hardening > incident.md"
        ),
        Instruction("Mend it, try it again in staging, then start anew: each attempt begins at 10 %."),
    ],
}

QUICK = [
    Instruction(
        "Requests that failed or were refused, of all in the log.",
        sh=f"{with_status('^[45]')} | wc -l",
    ),
    Instruction("The newest errors.", sh="journalctl -u aidin.service -n 100 | grep -i error"),
    Instruction("Connections to the database.", sql="SELECT count(*) FROM pg_stat_activity;"),
    Instruction(
        "Entries of the audit log in the last hour.",
        sql="SELECT COUNT(*) FROM audit_logs WHERE created_at > NOW() - INTERVAL '1 hour';",
    ),
    Instruction(
        "The slowest queries.",
        sql="SELECT query, mean_exec_time FROM pg_stat_statements ORDER BY mean_exec_time DESC LIMIT 5;",
    ),
    Instruction("All guardrails now, with their limits.", sh="handrail rollout check aidin-hardening"),
]
