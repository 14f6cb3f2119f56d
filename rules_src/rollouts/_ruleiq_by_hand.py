"""What ruleiq's people do by hand: PromQL beside the dashboards, SQL on its database, Unleash for the flags."""

from handrail.declare import Instruction

OWN = 'job="ruleiq"'
UNLEASH = "https://unleash.example.com/api/admin/projects/ruleiq/features"


def counted(name: str, within: str) -> str:
    """How much a counter grew, by the name that prometheus-client gives it or by the document's."""
    return f"increase({name}_total{{{OWN}}}[{within}]) or increase({name}{{{OWN}}}[{within}])"


FLAGS = Instruction(
    "Which flags are there, and which of them is on in production?",
    sh=f"""\
        curl -sf -H "Authorization: ${{UNLEASH_TOKEN:?}}" {UNLEASH} |
          jq -r '.features[] | [.createdAt, .name, (.environments[] | select(.name == "production") | .enabled)] | @tsv'
        """,
)
OFF = Instruction(
    "A flag that the rollback does not know is the cause: switch it off. Its name goes into FLAG.",
    sh=f"""\
        curl -sf -X POST -H "Authorization: ${{UNLEASH_TOKEN:?}}" \\
          {UNLEASH}/"${{FLAG:?}}"/environments/production/off
        """,
)
BACK = Instruction(
    "Sooner than the limit, or because of something that no limit knows:",
    sh="handrail rollout rollback ruleiq --why 'what you saw'",
)

ERRORS = [
    Instruction(
        "Which endpoint fails, in percent?",
        promql=f"""\
            100 * sum by (endpoint) (rate(ruleiq_requests_total{{{OWN},status=~"5.."}}[5m]))
              / sum by (endpoint) (rate(ruleiq_requests_total{{{OWN}}}[5m]))
            """,
        see="More than 5 over all endpoints for 2 min rolls back.",
    ),
    FLAGS,
    OFF,
    BACK,
]

SIGN_INS = [
    Instruction(
        "Failed sign-ins of the last minute, by reason.",
        promql=f"sum by (reason) ({counted('ruleiq_auth_failures', '1m')})",
        see="More than 100 a minute rolls back and pages security; more than 10 a second for 30 s is an emergency.",
    ),
    Instruction(
        "What else does the application call a security event?",
        promql=f"sum by (type) ({counted('ruleiq_security_events', '15m')})",
    ),
    Instruction(
        "Do good sign-ins go on?",
        promql=f'sum(rate(ruleiq_requests_total{{{OWN},endpoint="/login",status=~"2.."}}[5m]))',
        see="None: sign-in is broken for everybody. As ever: somebody tries passwords; limit the rate in front of the service.",
    ),
]

LATENCY = [
    Instruction(
        "The 95th percentile of each endpoint, in seconds.",
        promql=f"""\
            histogram_quantile(0.95,
              sum by (le, endpoint) (rate(ruleiq_request_duration_seconds_bucket{{{OWN}}}[5m])))
            """,
        see="One endpoint: its flag. All of them: the database.",
    ),
    FLAGS,
    OFF,
    BACK,
]

POOL = [
    Instruction("Connections in use, of 50 in each pool.", promql=f"ruleiq_db_pool_size{{{OWN}}}"),
    Instruction(
        "Which transactions are open longest?",
        sql="""\
            SELECT pid, state, now() - xact_start AS open_for, left(query, 80) AS query
            FROM pg_stat_activity
            WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid()
            ORDER BY xact_start
            LIMIT 10;
            """,
    ),
    Instruction(
        "End those that have been idle in a transaction for more than five minutes.",
        sql="""\
            SELECT pid, pg_terminate_backend(pid)
            FROM pg_stat_activity
            WHERE state = 'idle in transaction' AND state_change < now() - interval '5 minutes';
            """,
    ),
]

SERVICE = [
    Instruction(
        "Does it answer Prometheus?",
        promql=f"up{{{OWN}}}",
        see="1: it is back. 0 on every instance: nobody is served. No line: it is not scraped at all.",
    ),
    Instruction(
        "Is its container there, and what did it say last?",
        sh="docker compose -f generated/compose.yaml ps ruleiq && docker compose -f generated/compose.yaml logs --tail 50 ruleiq",
    ),
    FLAGS,
    BACK,
    Instruction(
        "Start it again.",
        sh="docker compose -f generated/compose.yaml restart ruleiq",
        see="curl -sf http://localhost:8000/metrics answers within a minute.",
    ),
]

PROCEDURES = {
    "Start the stack": [
        Instruction(
            "Once: the receiver's image, in a clone of Handrail's repository.",
            sh="docker build -f docs/deploy/Containerfile -t handrail:mine .",
        ),
        Instruction(
            "Once: the folder with tokens and passwords, beside `generated` and not in Git. What `handrail init` made stays.",
            sh="""\
                umask 077 && mkdir -p secrets/steps
                test -s secrets/tokens || for who in alertmanager viewer:prometheus operator; do
                  token=$(openssl rand -hex 32)
                  echo "${who%:*} ${who#*:} $token" >> secrets/tokens
                  printf %s "$token" > "secrets/${who#*:}-token"
                done
                test -s secrets/grafana-password || openssl rand -hex 16 > secrets/grafana-password
                """,
            see="Nothing has a default password: Grafana's user admin has that of secrets/grafana-password.",
        ),
        Instruction(
            "In this shell, and before each further command: where they are, and which image.",
            sh="""\
                export HANDRAIL_SECRETS="$PWD/secrets" HANDRAIL_IMAGE=handrail:mine
                export HANDRAIL_URL=http://localhost:8080 HANDRAIL_TOKEN_FILE="$PWD/secrets/operator-token"
                """,
        ),
        Instruction(
            "Which files are still missing? Those of Alertmanager come from Slack, PagerDuty and the mail server, those in "
            "`steps` from Unleash and from where an incident is told.",
            sh="""\
                {
                  sed -n 's|.*file: ${HANDRAIL_SECRETS[^}]*}/||p' generated/compose.yaml
                  jq -r '[.. | objects | select(keys == ["name"]) | "steps/" + .name] | unique[]' generated/playbook/*.json
                } | sort -u | while read -r file; do test -s "secrets/$file" || echo "missing: secrets/$file"; done
                """,
            see="Nothing. Without a file that compose.yaml names Compose does not start; without one of `steps` the receiver says so.",
        ),
        Instruction(
            "Containers run as other users, and nobody else enters the folder.",
            sh="chmod 700 secrets && find secrets -mindepth 1 -type d -exec chmod 755 {} + && find secrets -type f -exec chmod 444 {} +",
        ),
        Instruction(
            "Prometheus, Grafana, both Alertmanagers, the receiver, ruleiq itself and node_exporter, published on loopback.",
            sh="docker compose -f generated/compose.yaml up --detach && docker compose -f generated/compose.yaml ps",
            see="Each is up, and those that have a check are healthy within a minute.",
        ),
        Instruction(
            "Something does not start: is its port taken, and what does it say?",
            sh="""\
                ss -ltnp | grep -E ':(3000|8000|8080|9090|9093|9100) '
                docker compose -f generated/compose.yaml logs --tail 50 grafana
                """,
        ),
        Instruction(
            "Without Docker, with an example of the application: in a clone of Handrail's repository.",
            sh="make stack",
            see="It prints the address of each, and the command that looks at it. New tokens are made at each start.",
        ),
        Instruction(
            "Does the application show its metrics? Here it is published on loopback; Prometheus scrapes it as ruleiq.internal:8000.",
            sh="curl -sf http://localhost:8000/metrics | grep ruleiq_",
        ),
        Instruction(
            "Are the targets up, the rules loaded, the dashboards' queries answered, and does a test alert arrive?",
            sh="""\
                printf 'basic_auth: {username: admin, password_file: secrets/grafana-password}\\n' > grafana-login.yml
                HANDRAIL_GRAFANA_HTTP_CONFIG=grafana-login.yml handrail doctor ruleiq --prometheus http://localhost:9090 \\
                  --alertmanager http://localhost:9093 --grafana http://localhost:3000 --send-alert
                """,
            see="Each line that is not ok has its cure. Exit code 0: it can guard. Right after the start some are unknown: ask again after five minutes.",
        ),
        Instruction(
            "A test alert alone, without Handrail's command.",
            sh="""\
                amtool --alertmanager.url http://localhost:9093 alert add HandrailTest rollout=ruleiq \\
                  service=handrail-test environment=production action=investigate severity=none
                """,
        ),
        Instruction(
            "Prometheus is at http://localhost:9090, Alertmanager at http://localhost:9093, Grafana at "
            "http://localhost:3000, the receiver at http://localhost:8080. Neither of the first two has a login: keep them "
            "on loopback or behind one."
        ),
    ],
    "The first day": [
        Instruction(
            "Two hours in: the stack runs. Whatever of these is late, tell the engineering lead at that hour what is in the way.",
            sh="docker compose -f generated/compose.yaml ps",
        ),
        Instruction(
            "Four hours in: the application shows its metrics, and Prometheus has them.",
            sh="curl -sf http://localhost:8000/metrics | grep ruleiq_",
        ),
        Instruction(
            "Six hours in: the critical alerts are there, and one arrives.",
            sh="""\
                promtool check rules generated/prometheus/rules/ruleiq.yml
                HANDRAIL_GRAFANA_HTTP_CONFIG=grafana-login.yml handrail doctor ruleiq --prometheus http://localhost:9090 \\
                  --alertmanager http://localhost:9093 --grafana http://localhost:3000 --send-alert
                """,
        ),
        Instruction(
            "Seven hours in: the rollback works. A drill reads each flag, changes nothing, and says what would fail.",
            sh="handrail rollout drill ruleiq",
        ),
        Instruction(
            "Eight hours in: whoever is on call next has read this page, and can print it.",
            sh="handrail explain ruleiq",
        ),
    ],
    "A rollback, at once": [
        Instruction(
            "Are the flags off, and proved to be? PagerDuty, the ticket and #incidents were told by Handrail.",
            sh="handrail rollout status ruleiq",
            see="A step that failed is named, and done by hand as under If Handrail is down.",
        ),
        FLAGS,
        OFF,
    ],
    "A rollback, within five minutes": [
        Instruction(
            "The engineering lead has it. Nobody after five minutes: #engineering-management hears of it.",
            sh="handrail rollout ack ruleiq --why 'on it'",
        ),
        Instruction(
            "The rollback is confirmed: nothing is broken any more.", sh="handrail rollout check ruleiq"
        ),
        Instruction(
            "Does the status page say so? Handrail has set it; by hand:",
            sh="""\
                curl -sf -X PATCH -H "Authorization: Bearer ${STATUS_PAGE_TOKEN:?}" -H 'Content-Type: application/json' \\
                  -d '{"status": "degraded_performance"}' https://status.example.com/api/v1/components/ruleiq
                """,
        ),
        Instruction(
            "Customers noticed: tell them what does not work, since when, and when they hear more. Keep what users had of it.",
            sh="handrail rollout note ruleiq --user-impact 'who could not do what, from when to when'",
        ),
    ],
    "A rollback, afterwards": [
        Instruction(
            "The cause, the fix, and what keeps it from coming back.",
            sh="""\
                handrail rollout note ruleiq --cause 'why' --fix 'what was done' --prevention 'what will be done' \\
                  --review "$(date -d '+1 day' +%F)" --attendees 'who was there'
                """,
        ),
        Instruction(
            "Each action item.", sh="handrail rollout note ruleiq --follow-up 'who does what by when'"
        ),
        Instruction(
            "Which limit or panel would have shown it sooner? Change the declaration, and see what it would have done.",
            sh="handrail generate --diff",
        ),
        Instruction(
            "A draft of the postmortem: impact, timeline, figures and what was written down.",
            sh="handrail rollout postmortem ruleiq > postmortem.md",
        ),
        Instruction(
            "It is over.", sh="handrail rollout close ruleiq --why 'traffic is back, the fix is out'"
        ),
    ],
}

QUICK = [
    Instruction("All guardrails now, with their limits.", sh="handrail rollout check ruleiq"),
    Instruction("The application's own figures.", sh="curl -sf http://localhost:8000/metrics | grep ruleiq_"),
    Instruction("Who is there.", promql=f"sum(ruleiq_active_users{{{OWN}}})"),
    Instruction(
        "Evaluations of each flag in a minute, by result.",
        promql=f"sum by (flag_name, result) ({counted('ruleiq_ff_evaluations', '1m')})",
    ),
    FLAGS,
    Instruction(
        "Something is not seen, does not fire, or fires too often.", sh="handrail doctor ruleiq --send-alert"
    ),
]
