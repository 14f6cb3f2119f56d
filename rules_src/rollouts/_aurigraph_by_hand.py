"""What aurigraph's people do by hand: HAProxy for the split, PromQL beside the dashboards, curl for a node."""

from handrail.declare import Instruction

OWN = 'job=~"aurigraph(-.+)?"'
CI = 'job="aurigraph-ci"'
GREEN = f'{OWN},track="canary"'
MACHINE = 'job="aurigraph-node"'
NODE = "http://green.internal:9003"
BLUE = "http://blue.internal:9003"


def availability(time: str) -> str:
    """The share of requests that succeeded in a time, in percent."""
    return (
        f'100 * (1 - (sum(increase(http_requests_total{{{OWN},status=~"[45].."}}[{time}])) or vector(0))'
        f" / sum(increase(http_requests_total{{{OWN}}}[{time}])))"
    )


HEALTH = Instruction(
    "Do green and blue say that they are well?",
    sh=f"""\
        curl -sf {NODE}/q/health | jq .
        curl -sf {BLUE}/q/health | jq .
        """,
    see='"status": "UP", and so is each of its checks.',
)
METRICS = Instruction(
    "What does it count itself?", sh=f"curl -sf {NODE}/q/metrics | grep http_requests_total"
)
SPLIT = Instruction(
    "What have blue and green of the traffic, by HAProxy's word?",
    sh="echo 'show stat' | socat stdio UNIX-CONNECT:/run/haproxy/admin.sock | grep '^aurigraph,' | cut -d, -f2,18,19",
    see="Name, state and weight of each server.",
)
TAKE_OUT = Instruction(
    "No limit of this stage goes back for it, and it cannot stay: take green out of the split.",
    sh="handrail rollout rollback aurigraph-v12 --why 'what you saw'",
)

ANSWERED = Instruction(
    "And what does the balancer answer, each second?",
    promql='sum by (code) (rate(haproxy_frontend_http_responses_total{job="aurigraph-haproxy",proxy="rest"}[5m]))',
    see="More 5xx than green and blue count together: the balancer has no server to send to. Their state is below.",
)

FAILING = [
    Instruction(
        "Which status, on green and on blue, each second?",
        promql=f"""\
            sum by (track, status) (rate(http_requests_total{{{OWN},status=~"[45].."}}[5m]))
            """,
        see="Only 4xx: a contract has changed. Blue too: it is no matter of the rollout.",
    ),
    Instruction(
        "Their share, in percent.",
        promql=f"""\
            100 * (
                sum by (track) (rate(http_requests_total{{{OWN},status=~"[45].."}}[5m]))
                or 0 * sum by (track) (rate(http_requests_total{{{OWN}}}[5m]))
              )
              / sum by (track) (rate(http_requests_total{{{OWN}}}[5m]))
            """,
        see="No line: that arm has no traffic, or is not scraped. Below 0.1 is the target, above 0.5 is P3, above 1 P2, above 5 P1.",
    ),
    ANSWERED,
    HEALTH,
    Instruction(
        "Is the database there?",
        promql='max by (__name__) ({__name__=~"up|pg_up",job="aurigraph-db"})',
        see="Both are 1. pg_up is 0: the database is away. up is 0, or no line: its exporter is, and nobody knows. Each is P1. PagerDuty and the VP of Engineering are told.",
    ),
    Instruction(
        "Are connections used up?",
        promql=f"grpc_connections_in_use{{{OWN}}}",
        see="More than 90 of 100: look for a leak, and restart the arm that leaks once it has no traffic.",
    ),
    SPLIT,
    TAKE_OUT,
]

SLOW = [
    Instruction(
        "Percentiles of green and blue, in seconds; the same with 0.5, 0.75 and 0.99.",
        promql=f"""\
            histogram_quantile(0.95, sum by (le, track) (rate(http_request_duration_seconds_bucket{{{OWN}}}[5m])))
            """,
        see="P95 below 0.2 and P99 below 0.5 are the targets; P95 above 0.3 is P3, above 0.5 P2, above 2 P1.",
    ),
    Instruction(
        "And of gRPC.",
        promql=f"""\
            histogram_quantile(0.95, sum by (le, track) (rate(grpc_request_duration_seconds_bucket{{{OWN}}}[5m])))
            """,
        see="Below 0.1 is the target, above 0.2 alerts.",
    ),
    Instruction(
        "Where does one slow request spend its time? Search Jaeger (http://localhost:16686) for the service aurigraph."
    ),
    HEALTH,
    TAKE_OUT,
]

QUIET = [
    Instruction(
        "Requests a second, of green and of blue.",
        promql=f"sum by (track) (rate(http_requests_total{{{OWN}}}[5m]))",
        see="776 K together are the baseline; below 600 K in production alerts. gRPC: 1 M, and below 800 K.",
    ),
    SPLIT,
]

RESOURCES = [
    Instruction(
        "CPU in use, in percent of each machine.",
        promql=f"""\
            100 * (1 - avg by (instance) (rate(node_cpu_seconds_total{{{MACHINE},mode="idle"}}[5m])))
            """,
        see="Below 80 is the target, above 85 alerts.",
    ),
    Instruction(
        "Memory of the service, in megabytes.",
        promql=f"sum by (instance) (jvm_memory_used_bytes{{{OWN}}}) / 1e6",
        see="Below 512 is the target, above 600 alerts.",
    ),
    Instruction(
        "Disk in use, in percent.",
        promql=f"""\
            100 * (1 - node_filesystem_avail_bytes{{{MACHINE},fstype!~"tmpfs|ramfs|overlay|squashfs"}}
              / node_filesystem_size_bytes{{{MACHINE},fstype!~"tmpfs|ramfs|overlay|squashfs"}})
            """,
        see="Below 70 is the target, above 80 alerts.",
    ),
    Instruction("On the machine: what takes it?", sh="top -b -n 1 | head -20 && df -h && docker system df"),
]

DOWN = [
    Instruction(
        "Which node does not answer, or is it the balancer?",
        promql='up{job=~"aurigraph|aurigraph-haproxy"} == 0',
        see="aurigraph-haproxy: nobody reaches green or blue, however well they are. Start HAProxy again.",
    ),
    HEALTH,
    Instruction(
        "And its database, and the exporter beside it?",
        promql='max by (__name__) ({__name__=~"up|pg_up",job="aurigraph-db"})',
    ),
    SPLIT,
]

BUILD = [
    Instruction(
        "From a commit to staging it takes about 45 minutes: build 5, unit tests 5, integration tests 10, image 5, "
        "smoke tests 5, performance tests 15. Each begins once the one before has passed. Which one takes longer?"
    ),
    Instruction(
        "Builds that succeeded, of the last seven days, in percent.",
        promql=f"""\
            100 * (sum(increase(builds_total{{{CI},result="success"}}[7d])) or vector(0))
              / sum(increase(builds_total{{{CI}}}[7d]))
            """,
        see="Below 95 alerts. No line: the pipeline has written none.",
    ),
    Instruction(
        "Each day of the week: status, duration, tests, coverage, size of the image.",
        sh="handrail report weekly --rollout aurigraph-v12",
    ),
]

SLOW_BUILD = [
    Instruction(
        "The newest build, in minutes.",
        promql=f"build_duration_seconds{{{CI}}} / 60",
        see="Above 10 alerts. No line: no build has succeeded since mtail began to read.",
    ),
    Instruction(
        "Its steps, in minutes.",
        promql=f"build_step_duration_seconds{{{CI}}} / 60",
        see="compile below 3, test below 5, image below 2.",
    ),
    BUILD[0],
]

PROCEDURES = {
    "Day 1": [
        Instruction("Is Prometheus up?", sh="curl -sf http://localhost:9090/-/healthy"),
        Instruction("Is Grafana?", sh="curl -sf http://localhost:3000/api/health"),
        Instruction(
            "Nothing is imported by hand: dashboards, rules and routes are those of generated/. Are they loaded, "
            "and does an alert arrive?",
            sh="handrail doctor aurigraph-v12 --send-alert",
        ),
        Instruction(
            "Whom would a P1 reach? The same with P2, P3 and P4.",
            sh="amtool config routes test --config.file generated/alertmanager/alertmanager.yml rollout=aurigraph-v12 severity=P1",
        ),
    ],
    "What the pipeline writes": [
        Instruction(
            "Its last step, of a build that failed as well, writes what came of it; what it did not come to is left out. STEPS "
            "has a line for each step (compile, test, image) with its seconds, TESTS one for each suite (unit, integration, "
            "smoke) with how many passed and how many failed, COVERED one for each component with its ratio.",
            sh="""\
                {
                  echo "build result=${RESULT:?success or failure} seconds=${TOOK:?}"
                  printf '%s\\n' "${STEPS-}" | awk 'NF == 2 { print "build-step name=" $1 " seconds=" $2 }'
                  printf '%s\\n' "${TESTS-}" | awk 'NF == 3 {
                    print "build-tests suite=" $1 " result=passed count=" $2
                    print "build-tests suite=" $1 " result=failed count=" $3
                  }'
                  printf '%s\\n' "${COVERED-}" | awk 'NF == 2 { print "build-coverage component=" $1 " ratio=" $2 }'
                  test -z "${SIZE-}" || echo "build-image name=aurigraph bytes=$SIZE"
                } >> "${BUILDS:?}"
                """,
        ),
        Instruction(
            "mtail reads them on the machine of the pipeline, and Prometheus asks it there: the job aurigraph-ci. Until the "
            "first line build-success is blind.",
            sh="""\
                mtail --progs generated/exporters/aurigraph-v12.mtail --logs "${BUILDS:?}" --port 3903 --emit_prog_label=false
                """,
        ),
    ],
    "Verify staging": [
        Instruction(
            "The image from the registry, the database's volumes mounted, started with its health check. The registry's "
            "name for it goes into IMAGE, the volume's into DATA and its place in the container into PLACE. About 15 minutes.",
            sh="""\
                docker pull "${IMAGE:?}"
                docker create --name aurigraph-staging -p 9003:9003 -v "${DATA:?}:${PLACE:?}" \\
                  --health-cmd 'curl -sf http://localhost:9003/q/health' --health-interval 10s "$IMAGE"
                docker start aurigraph-staging
                """,
        ),
        Instruction(
            "It gets well.",
            sh="docker inspect --format '{{.State.Health.Status}}' aurigraph-staging",
            see="healthy",
        ),
        Instruction(
            "REST answers in less than 0.1 s.",
            sh="curl -sf -o /dev/null -w '%{time_total}\\n' http://localhost:9003/q/health",
        ),
        Instruction(
            "gRPC answers, where it is in this release. Its port goes into GRPC_PORT.",
            sh='grpcurl -plaintext "localhost:${GRPC_PORT:?}" list',
        ),
        Instruction(
            "Metrics are collected.",
            sh="curl -sf http://localhost:9003/q/metrics | grep -c http_requests_total",
        ),
        Instruction(
            "The database is connected, Redis too.",
            sh="curl -sf http://localhost:9003/q/health | jq -r '.checks[] | [.name, .status] | @tsv'",
            see="Each is UP.",
        ),
        Instruction(
            "The schema is the release's.",
            sql="""\
                SELECT table_name, column_name, data_type
                FROM information_schema.columns
                WHERE table_schema = 'public'
                ORDER BY table_name, ordinal_position;
                """,
        ),
        Instruction(
            "Logs flow to CloudWatch. Its log group goes into LOG_GROUP.",
            sh='aws logs tail "${LOG_GROUP:?}" --since 5m',
        ),
        Instruction("Then answer each question of the gate: see Sign-off."),
    ],
    "Release": [
        Instruction(
            "Monday: last week's figures, and the decision.",
            sh="handrail report weekly --rollout aurigraph-v12",
        ),
        Instruction(
            "Tuesday morning: one or two releases a week, no more. Start, and answer the gate.",
            sh='handrail rollout start aurigraph-v12 --artifact "${IMAGE:?}"',
        ),
        Instruction("From then on: follow it.", sh="handrail rollout watch aurigraph-v12"),
    ],
    "Load tests and exercises": [
        Instruction(
            "Load of 100 % for an hour, of 150 % for an hour, of 200 % for half an hour: at how many requests a second?",
            promql=f"max_over_time(sum(rate(http_requests_total{{{OWN}}}[5m]))[1h:1m])",
            see="776 K, 1.2 M and 1.5 M. Below: the load test has failed.",
        ),
        Instruction("Did anything break?", sh="handrail rollout check aurigraph-v12"),
        Instruction(
            "A full failover, a rolling restart, the loss of a zone: for how long was there no success?",
            promql=f"""\
                3600 * (1 - avg_over_time(
                  ((sum(rate(http_requests_total{{{OWN},status=~"2.."}}[1m])) > bool 0) or vector(0))[1h:15s]
                ))
                """,
            see="Seconds of the last hour, to within a minute; those in which nothing was scraped count. A failover: less than 300. A restart: 0. A zone: it recovers by itself.",
        ),
        Instruction(
            "The security scan has no critical finding. Write the next days into UPCOMING of rules_src/rollouts/aurigraph_v12.py: the weekly report has them."
        ),
    ],
    "After a rollback": [
        Instruction(
            "Was it done within ten minutes, and proved?", sh="handrail rollout incident aurigraph-v12"
        ),
        Instruction(
            "Is blue stable?",
            promql=f"""\
                100 * (sum(rate(http_requests_total{{{OWN},track="stable",status=~"2.."}}[5m])) or vector(0))
                  / sum(rate(http_requests_total{{{OWN},track="stable"}}[5m]))
                """,
            see="Above 99.9. No line: blue serves nothing, or is not scraped.",
        ),
        Instruction(
            "Are the figures back at the baseline?",
            sh="handrail rollout check aurigraph-v12",
            see="Nothing is broken, and the requests a second are what they were before.",
        ),
        Instruction(
            "Did anything else begin to fail?",
            promql='ALERTS{alertstate="firing",rollout!="aurigraph-v12",alertname!="HandrailHeartbeat"}',
            see="Nothing that began with it: no failure has cascaded.",
        ),
        Instruction(
            "No data are lost: do the newest transactions of before the rollback still read as they were written?"
        ),
        Instruction(
            "Write down what it was. Impact, timeline and failed requests are kept automatically.",
            sh="""\
                handrail rollout note aurigraph-v12 --cause 'why' --fix 'what was done' --prevention 'what keeps it away' \\
                  --user-impact 'what users had of it'
                """,
        ),
        Instruction(
            "The review: when, with whom, and each action item.",
            sh="""\
                handrail rollout note aurigraph-v12 --review "$(date -d '+1 day' +%F)" \\
                  --attendees 'DevOps, SRE, backend' --follow-up 'who does what by when'
                """,
        ),
        Instruction(
            "The record, in the form of the incident log.",
            sh="handrail rollout postmortem aurigraph-v12 > incident.md",
        ),
    ],
}

QUICK = [
    Instruction("All guardrails now, with their limits.", sh="handrail rollout check aurigraph-v12"),
    Instruction("Requests a second.", promql=f"sum by (track) (rate(http_requests_total{{{OWN}}}[5m]))"),
    Instruction(
        "The share of green's that fail with 5xx, in percent.",
        promql=f"""\
            100 * (sum(rate(http_requests_total{{{GREEN},status=~"5.."}}[5m])) or vector(0))
              / sum(rate(http_requests_total{{{GREEN}}}[5m]))
            """,
        see="No line: green has no traffic, or is not scraped.",
    ),
    Instruction(
        "The 95th percentile of green, in seconds.",
        promql=f"histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{{{GREEN}}}[5m])))",
    ),
    HEALTH,
    METRICS,
    SPLIT,
    Instruction("Availability of a day, in percent; 99.99 is the objective.", promql=availability("1d")),
    Instruction("Of a week.", promql=availability("7d")),
    Instruction("Of a month.", promql=availability("30d")),
]
