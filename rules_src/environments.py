"""Where the rollouts run: the first environment is the one `handrail generate` compiles for."""

from handrail.declare import Container, EmailReceiver, Environment, PagerDutyReceiver, SlackReceiver, Targets

sre = SlackReceiver("#sre", "/etc/alertmanager/slack-sre")
on_call = PagerDutyReceiver("/etc/alertmanager/pagerduty-on-call")
tech_lead = PagerDutyReceiver("/etc/alertmanager/pagerduty-tech-lead")
leads = PagerDutyReceiver("/etc/alertmanager/pagerduty-leads")
directors = PagerDutyReceiver("/etc/alertmanager/pagerduty-directors")
vp = PagerDutyReceiver("/etc/alertmanager/pagerduty-vp-engineering")
security = PagerDutyReceiver("/etc/alertmanager/pagerduty-security")
war_room = SlackReceiver("#war-room", "/etc/alertmanager/slack-war-room")
engineering = EmailReceiver(
    "vp-engineering@example.com",
    sender="handrail@example.com",
    smarthost="mail.internal:587",
    username="handrail",
    password_file="/etc/alertmanager/mail-password",  # noqa: S106  a path, and no password
)

production = Environment(
    "production",
    receiver="http://handrail.internal:8080",
    prometheus="http://prometheus.internal:9090",
    alertmanagers=["alertmanager-0.internal:9093", "alertmanager-1.internal:9093"],
    scrape=[
        Targets("checkout", ["checkout-stable.internal:8000"], labels={"track": "stable"}),
        Targets("checkout", ["checkout-canary.internal:8000"], labels={"track": "canary"}),
        Targets("aidin-log", ["aidin.internal:3903"]),
        Targets("aidin-sql", ["aidin.internal:9237"], drop_prefix="sql_"),
        Targets("aurigraph", ["green.internal:9003"], path="/q/metrics", labels={"track": "canary"}),
        Targets("aurigraph", ["blue.internal:9003"], path="/q/metrics", labels={"track": "stable"}),
        Targets("aurigraph-ci", ["ci.internal:3903"]),
        Targets("aurigraph-haproxy", ["haproxy.internal:8405"]),
        Targets("aurigraph-db", ["aurigraph-db.internal:9187"]),
        Targets("aurigraph-node", ["green.internal:9100", "blue.internal:9100"]),
        Targets("healthcare-clinic-backend-log", ["healthcare-clinic-backend.internal:3903"]),
        Targets(
            "healthcare-clinic-backend-sql", ["healthcare-clinic-backend.internal:9237"], drop_prefix="sql_"
        ),
        Targets("healthcare-clinic-backend-redis", ["healthcare-clinic-backend.internal:9121"]),
        Targets("relay-memory", ["relay.internal:8000"], path="/metrics/memory"),
        Targets("relay-system", ["relay.internal:8000"], path="/metrics/system"),
        Targets("relay-sse", ["relay.internal:8000"], path="/metrics/sse"),
        Targets(
            "ruleiq",
            ["ruleiq.internal:8000"],
            container=Container("registry.example.com/ruleiq:1.4.2", environment={"ADDRESS": "0.0.0.0:8000"}),
        ),
        Targets(
            "ruleiq-node",
            ["ruleiq.internal:9100"],
            container=Container(
                "prom/node-exporter:v1.9.1", command=["--path.rootfs=/host"], sees_machine=True
            ),
        ),
    ],
    services={
        "aurigraph": "http://green.internal:9003",
        "healthcare-clinic-backend": "https://healthcare-clinic-backend.fly.dev",
        "relay": "https://relay.production.com",
    },
    runbooks="https://git.example.com/platform/guardrails/runbooks",
    dashboards="https://grafana.example.com/d",
    routes={
        "P1": [on_call, engineering],
        "P2": [on_call, sre, tech_lead],
        "P3": [sre],
        "P4": [sre],
        "emergency": [on_call, sre],
        "critical": [on_call, sre],
        "warning": [sre],
        "security-rollback": [security],
        "manager": [leads],
        "director": [directors],
        "vp": [vp, war_room],
        "p3-overdue": [on_call],
        "p4-overdue": [sre],
    },
)
