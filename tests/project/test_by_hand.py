"""What the five teams typed by hand is in the runbook's section where somebody looks for it.

That each line is shell, SQL, PromQL or a command of Handrail's is held by tests/emit/runbooks/test_commands.py.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

RUNBOOKS = Path(__file__).parents[2] / "generated/runbooks"
FLY = "fly logs -a healthcare-clinic-backend --no-tail | grep"
P95_OF_10000 = "tail -10000 /var/log/nginx/access.log | awk '{print $NF}' | sort -n | awk '{a[NR]=$0} END {print a[int(NR*0.95)]}'"
AVAILABILITY = '/ sum(increase(http_requests_total{{job=~"aurigraph(-.+)?"}}[{}])))'
RATE = "fly secrets set CANARY_SAMPLE_RATE="
EVENTS = "FROM observability_events WHERE event_type ="

TYPED: dict[str, list[str]] = {
    "aidin-hardening/http-5xx": [
        "awk '$9 ~ /^5/' /var/log/nginx/access.log | grep -cF",
        "awk '$9 ~ /^5/' /var/log/nginx/access.log | awk '{sub(/[?].*/, \"\", $7); print $7}' | sort | uniq -c",
        "journalctl -u aidin.service -n 500 | grep -A 10 'Error'",
        "journalctl -u aidin.service --since '1 hour ago' | grep -E ' 5[0-9]{2} '",
        'psql "$DATABASE_URL" -c "SELECT 1"',
        "grep -iE 'ECONNREFUSED|ETIMEDOUT|ENOTFOUND'",
        "git log origin/main --since='24 hours ago'",
        "handrail rollout rollback aidin-hardening",
    ],
    "aidin-hardening/p95-latency": [
        "journalctl -u aidin.service -n 5000 | grep -oP 'Request took \\K[0-9]+' | sort -n | tail -20",
        P95_OF_10000,
        "/var/log/postgresql/postgresql-*.log | grep 'duration:'",
        "FROM pg_stat_statements WHERE query LIKE '%audit_logs%' ORDER BY mean_exec_time DESC LIMIT 10;",
        "write the audit log asynchronously, add an index, or give the database more",
        "look up roles and modules from a cache",
    ],
    "aidin-hardening/db-errors": [
        "grep -iE 'database|prisma|postgres' | grep -iE 'error|fail'",
        "/var/log/postgresql/postgresql-*.log | grep ERROR",
    ],
    "aidin-hardening/db-pool": [
        "SELECT state, usename, application_name, count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
    ],
    "aidin-hardening/audit-writes": [
        "journalctl -u aidin.service | grep -i audit | grep -iE 'error|fail'",
        "SELECT COUNT(*) FROM audit_logs;",
        "SELECT DATE_TRUNC('minute', created_at) AS minute, COUNT(*) AS inserts",
        "INSERT INTO audit_logs (actor_id, actor_email, role, action, entity, hash)",
        "They differ: generate Prisma's client again, and deploy it. ```sh npx prisma generate ```",
    ],
    "aidin-hardening/http-403": [
        "awk '$9 ~ /^403$/' /var/log/nginx/access.log | grep -cF",
        "awk '$9 ~ /^403$/' /var/log/nginx/access.log | awk '{sub(/[?].*/, \"\", $7); print $7}' | sort | uniq -c",
        "/var/log/nginx/access.log | grep '/api/' | tail -100",
        "SELECT * FROM user_modules WHERE user_id = 'USER_ID';",
        "JOIN users u ON u.role = r.role WHERE u.id = 'USER_ID';",
        "The defaults of a role are wrong: run the seed script again. ```sh npx prisma db seed ```",
        "UPDATE users SET role = 'admin' WHERE id = 'USER_ID';",
        "handrail rollout rollback aidin-hardening",
    ],
    "aidin-hardening/active-users": [
        "column_name IN ('user_id', 'actor_id')",
        "SELECT COUNT(DISTINCT user_id) AS active_users FROM audit_logs",
        "grep -oP 'userId: \\K\\w+' | sort -u | wc -l",
    ],
    "aidin-hardening/table-size": ["WHERE tablename IN ('role_modules', 'user_modules', 'audit_logs')"],
    "aidin-hardening/Before the first stage": [
        "tablename = 'audit_logs' AND indexdef LIKE '%(created_at%'",
        'count(last_over_time(users_seen{job="aidin-log"}[1d] offset 7d))',
        'sum(increase(http_requests_total{job="aidin-log"}[1d]))',
        P95_OF_10000,
    ],
    "aidin-hardening/After a rollback": ["handrail rollout postmortem aidin-hardening > incident.md"],
    "aidin-hardening/Quick reference": [
        "awk '$9 ~ /^[45]/' /var/log/nginx/access.log | wc -l",
        "journalctl -u aidin.service -n 100 | grep -i error",
        "SELECT count(*) FROM pg_stat_activity;",
        "SELECT COUNT(*) FROM audit_logs WHERE created_at > NOW() - INTERVAL '1 hour';",
        "FROM pg_stat_statements ORDER BY mean_exec_time DESC LIMIT 5;",
    ],
    "aidin-hardening/Rollback decision matrix": [
        "| [http-5xx](#http-5xx) | above 0.5 % | | above 1 % | above 5 % |",
        "| [p95-latency](#p95-latency) | above 110 % of the figure of 7d ago",
        "| above 120 % of the figure of 7d ago sustained for 15m | above 150 % of the figure of 7d ago |",
        "| [db-errors](#db-errors) | above 0 | | above 5 | |",
        "| [audit-writes](#audit-writes) | below 50 % of the figure of 1h ago",
        "| [active-users](#active-users) | below 90 % of the figure of 7d ago",
        "| below 80 % of the figure of 7d ago, if that is at least 100 sustained for 2h |",
        "| [db-pool](#db-pool) | | | | at or above 100 %, or refused above 0 |",
        "| [http-403](#http-403) | above 1 % | above 2 % | above 5 % | |",
    ],
    "aidin-hardening/Contacts": [
        "- On-call engineer: PagerDuty, service Aidin; #aidin",
        "- Database administrator: PagerDuty, service Databases; #databases",
        "- Product manager: #aidin-product; product-aidin@example.com",
    ],
    "aidin-hardening/Rollback by hand": [
        "Switch the flag `aidin-hardening` off in Unleash, environment `production`.",
        "https://unleash.example.com/api/admin/projects/default/features/aidin-hardening/environments/production/off",
    ],
    "mem0-redis/Rollback by hand": [
        f"{RATE}0 --app healthcare-clinic-backend",
        """fly ssh console --app healthcare-clinic-backend --command '/bin/sh -c '"'"'test "$CANARY_SAMPLE_RATE" = 0'"'"''""",
    ],
    "mem0-redis/latency-p50": [
        f"{FLY} -E 'processing_time|P50|P95'",
        f"{FLY} 'processing_time_ms' | awk '{{print $NF}}' | sort -n",
        "SELECT details->>'endpoint' AS endpoint, COUNT(*) AS requests,",
        "The cache comes first: is its hit rate above 95 %?",
        "fly redis info | grep -E 'used_memory_human|maxmemory_human|instantaneous_ops_per_sec'",
        "SELECT query, calls, mean_exec_time FROM pg_stat_statements ORDER BY mean_exec_time DESC LIMIT 10;",
        "handrail rollout reduce mem0-redis --why 'what you saw'",
    ],
    "mem0-redis/Reduce by hand": [
        f"{RATE}0.05 --app healthcare-clinic-backend",
        """fly ssh console --app healthcare-clinic-backend --command '/bin/sh -c '"'"'test "$CANARY_SAMPLE_RATE" = 0.05'"'"''""",
    ],
    "mem0-redis/error-rate": [
        f"{FLY} 'request_completed' | tail -1000 | grep -c 'success=false'",
        "SELECT details->>'error_type' AS error_type, details->>'error_message' AS error_message,",
        f"{FLY} -E 'circuit_breaker' | tail -10",
        '-H "Authorization: Token ${MEM0_API_KEY:?}" https://api.mem0.ai/v1/ping/',
        "-H \"apikey: ${SUPABASE_KEY:?}\" 'https://clinic.supabase.co/rest/v1/observability_events?select=event_type&limit=1'",
        "https://status.supabase.com/api/v2/status.json | jq -r .status.description",
        "Above 2 %: consider a rollback at once. ```sh handrail rollout rollback mem0-redis --why 'what you saw' ```",
    ],
    "mem0-redis/cache-hit": [
        f"{FLY} 'cache_access' | tail -1000",
        "SELECT details->>'cache_key_prefix' AS resource_type,",
        "SELECT cache_key, COUNT(*) AS concurrent_misses,",
        "fly redis info | grep -A 30 '# Memory'",
        "does the generation token change with every write only?",
        "Then warm the cache by hand.",
    ],
    "mem0-redis/mem0-writes": [
        f"{FLY} 'mem0_write' | tail -100",
        "SELECT COUNT(*) AS total_writes,",
        "COUNT(*) AS failures, AVG(processing_time_ms) AS avg_time_ms,",
        "fly secrets list --app healthcare-clinic-backend | grep MEM0_API_KEY",
        '-H "Authorization: Token ${MEM0_API_KEY:?}" https://api.mem0.ai/v1/ping/',
        "401: the key is no longer valid.",
        "Breaker open: see circuit-breaker.",
    ],
    "mem0-redis/circuit-breaker": [
        f"{FLY} -E 'circuit_breaker' | tail -10",
        f"details->>'success_count' AS successes, created_at {EVENTS} 'circuit_breaker_state_change'",
        "'closed') AS current_state, COUNT(*) FILTER (WHERE event_type = 'mem0_write' AND success = false)",
        "Do not close it by hand before you know why it opened.",
        "Have the rollback ready while you look.",
        "handrail rollout rollback mem0-redis",
    ],
    "mem0-redis/redis-memory": [
        "fly redis info | grep -A 30 '# Memory'",
        "fly redis info | grep -A 20 '# Stats'",
    ],
    "mem0-redis/Before phase 1": [
        "tablename = 'observability_events' AND indexdef LIKE '%(event_type, created_at%'",
        'sum(increase(http_requests_total{job="healthcare-clinic-backend-log"}[1d]))',
        "fly secrets set FAST_PATH_ENABLED=true MEM0_READS_ENABLED=true MEM0_SHADOW_MODE=false",
        f"{FLY} -E 'Feature flags loaded' | tail -1",
        "handrail rollout check mem0-redis",
        "handrail rollout drill mem0-redis",
    ],
    "mem0-redis/During a phase": [
        "handrail rollout status mem0-redis",
        "handrail report daily --rollout mem0-redis",
    ],
    "mem0-redis/Into the next phase": [
        "handrail rollout approve mem0-redis --role technical-lead --why 'observations and concerns'",
        "handrail rollout promote mem0-redis",
    ],
    "mem0-redis/Quick reference": [
        f"{FLY} -E 'Feature flags loaded' | tail -1",
        f"{FLY} -E 'P50|P95|P99' | tail -5",
        f"{FLY} -E 'error_rate' | tail -3",
        f"{FLY} -E 'cache_hit_rate' | tail -3",
        f"{FLY} -E 'mem0_write_success' | tail -3",
        f"{FLY} -E 'circuit_breaker' | tail -3",
        "curl -s https://healthcare-clinic-backend.fly.dev/health | jq .",
        "handrail rollout check mem0-redis",
    ],
    "aurigraph-v12/Day 1": [
        "curl -sf http://localhost:9090/-/healthy",
        "curl -sf http://localhost:3000/api/health",
        "handrail doctor aurigraph-v12 --send-alert",
    ],
    "aurigraph-v12/Verify staging": [
        'docker pull "${IMAGE:?}"',
        '-v "${DATA:?}:${PLACE:?}"',
        "docker inspect --format '{{.State.Health.Status}}' aurigraph-staging",
        "curl -sf -o /dev/null -w '%{time_total}\\n' http://localhost:9003/q/health",
        'grpcurl -plaintext "localhost:${GRPC_PORT:?}" list',
        "curl -sf http://localhost:9003/q/metrics | grep -c http_requests_total",
        "SELECT table_name, column_name, data_type FROM information_schema.columns",
        'aws logs tail "${LOG_GROUP:?}" --since 5m',
    ],
    "aurigraph-v12/What the pipeline writes": [
        "build result=${RESULT:?success or failure} seconds=${TOOK:?}",
        "mtail --progs generated/exporters/aurigraph-v12.mtail",
    ],
    "aurigraph-v12/Load tests and exercises": ["max_over_time(sum(rate(http_requests_total"],
    "aurigraph-v12/Tell people by hand": ["PagerDuty, service key PAGERDUTY_AURIGRAPH_KEY"],
    "aurigraph-v12/After a rollback": [
        "handrail rollout incident aurigraph-v12",
        'track="stable",status=~"2.."',
        'ALERTS{alertstate="firing",rollout!="aurigraph-v12",alertname!="HandrailHeartbeat"}',
        "--cause 'why' --fix 'what was done' --prevention 'what keeps it away'",
        "--attendees 'DevOps, SRE, backend' --follow-up 'who does what by when'",
        "handrail rollout postmortem aurigraph-v12 > incident.md",
    ],
    "aurigraph-v12/Quick reference": [
        "sum by (track) (rate(http_requests_total",
        '100 * (sum(rate(http_requests_total{job=~"aurigraph(-.+)?",track="canary",status=~"5.."}[5m]))',
        'rate(http_request_duration_seconds_bucket{job=~"aurigraph(-.+)?",track="canary"}[5m])))',
        "curl -sf http://green.internal:9003/q/health | jq . curl -sf http://blue.internal:9003/q/health | jq .",
        "curl -sf http://green.internal:9003/q/metrics | grep http_requests_total",
        *(AVAILABILITY.format(window) for window in ("1d", "7d", "30d")),
    ],
    "relay-r1/Before the hour": [
        "git rev-parse origin/main",
        "railway service list relay",
        "handrail doctor relay-r1 --send-alert",
    ],
    "relay-r1/At T+60": [
        "handrail rollout approve relay-r1 --role release-owner",
        "handrail rollout promote relay-r1 --to 100%",
        "railway service list relay",
        "handrail rollout bundle relay-r1",
    ],
    "relay-r1/After a rollback": [
        "railway service list relay",
        'railway logs --service relay | tee "relay-failure-$(date +%s).log"',
        "handrail rollout bundle relay-r1",
        "handrail rollout postmortem relay-r1 > postmortem.md",
    ],
    "relay-r1/Tell people by hand": [
        "- **security-rollback**: Slack #relay-release, PagerDuty, service key PAGERDUTY_SECURITY_KEY",
        (
            """-d '{"routing_key": "'"${PAGERDUTY_SECURITY_KEY:?}"'", "event_action": "trigger", "payload": """
            """{"summary": "relay-r1: Handrail is down, see its runbook", "source": "relay-r1", "severity": "critical"}}' """
            "https://events.pagerduty.com/v2/enqueue"
        ),
    ],
    "relay-r1/Other changes": [
        'gh pr edit "$PR" --add-label security-approved',
        "railway resource create gpu:l40",
        "python -m pytest tests/memory/test_rerank.py::TestLatency -v",
        "--add-label perf-approved",
    ],
    "relay-r1/cross-tenant": [
        "handrail rollout ack relay-r1",
        "handrail rollout close relay-r1 --cause 'what it was'",
    ],
    "relay-r1/ttfv-p95": ["FROM pg_stat_statements WHERE query LIKE '%memory_chunks%'"],
    "relay-r1/rls-errors": ["FROM pg_policies WHERE tablename = 'memory_chunks';"],
    "relay-r1/sse-success": ["-X POST https://relay.production.com/api/v1/memory/query"],
    "ruleiq/Start the stack": [
        "docker build -f docs/deploy/Containerfile -t handrail:mine .",
        'export HANDRAIL_SECRETS="$PWD/secrets" HANDRAIL_IMAGE=handrail:mine',
        'HANDRAIL_TOKEN_FILE="$PWD/secrets/operator-token"',
        "docker compose -f generated/compose.yaml up --detach",
        "Without Docker, with an example of the application: in a clone of Handrail's repository. ```sh make stack ```",
        "curl -sf http://localhost:8000/metrics | grep ruleiq_",
        "handrail doctor ruleiq --prometheus http://localhost:9090",
        "--alertmanager http://localhost:9093 --grafana http://localhost:3000 --send-alert",
        "amtool --alertmanager.url http://localhost:9093 alert add HandrailTest",
    ],
    "ruleiq/The first day": [
        "docker compose -f generated/compose.yaml ps",
        "curl -sf http://localhost:8000/metrics | grep ruleiq_",
        "promtool check rules generated/prometheus/rules/ruleiq.yml",
        "handrail rollout drill ruleiq",
    ],
    "ruleiq/A rollback, at once": ["handrail rollout status ruleiq"],
    "ruleiq/A rollback, within five minutes": [
        "handrail rollout ack ruleiq",
        "handrail rollout check ruleiq",
        "https://status.example.com/api/v1/components/ruleiq",
        "handrail rollout note ruleiq --user-impact",
    ],
    "ruleiq/A rollback, afterwards": [
        "--cause 'why' --fix 'what was done' --prevention 'what will be done'",
        "handrail rollout note ruleiq --follow-up 'who does what by when'",
        "handrail rollout postmortem ruleiq > postmortem.md",
        "Change the declaration, and see what it would have done. ```sh handrail generate --diff ```",
    ],
}


def section(rollout: str, heading: str) -> str:
    """The text below one heading of a runbook, each run of blanks one blank."""
    text = (RUNBOOKS / f"{rollout}.md").read_text(encoding="utf-8")
    found = re.search(rf"^(##+) {re.escape(heading)}\n(.*?)(?=^##+ |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"the runbook of {rollout} has no section {heading}"
    return " ".join(found[2].split())


@pytest.mark.parametrize("where", TYPED)
def test_what_a_team_did_by_hand_stands_in_its_section(where: str) -> None:
    rollout, _, heading = where.partition("/")
    text = section(rollout, heading)
    assert [line for line in TYPED[where] if " ".join(line.split()) not in text] == []


@pytest.mark.parametrize("rollout", dict.fromkeys(where.partition("/")[0] for where in TYPED))
def test_each_guardrail_has_a_section_with_its_tiers_what_to_look_at_and_what_mends_it(rollout: str) -> None:
    playbook = json.loads((RUNBOOKS.parent / f"playbook/{rollout}.json").read_text(encoding="utf-8"))
    lacking = {}
    for guardrail in playbook["guardrails"]:
        tiers = {tier["tier"] for tier in guardrail["tiers"]} - {"blind", "thin"}
        asked = [*(f"| {tier} |" for tier in tiers), "**Look first** 1. ", "**Usual causes and fixes** - "]
        text = section(rollout, guardrail["name"])
        lacking[guardrail["name"]] = [part for part in asked if part not in text]
    assert lacking == {guardrail["name"]: [] for guardrail in playbook["guardrails"]}


SHORTEST = 24
"""Characters of what is looked for: a command with its arguments, or a sentence."""


def test_what_is_looked_for_is_what_one_team_typed_and_no_word_that_any_runbook_has() -> None:
    runbooks = {
        file.stem: " ".join(file.read_text(encoding="utf-8").split()) for file in RUNBOOKS.glob("*.md")
    }
    vague = {
        (where, line)
        for where, lines in TYPED.items()
        for line in (" ".join(line.split()) for line in lines)
        if len(line) < SHORTEST
        or any(line in text for rollout, text in runbooks.items() if rollout != where.partition("/")[0])
    }
    assert vague == set()
