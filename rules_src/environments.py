"""Where the rollouts run: the first environment is the one `handrail generate` compiles for."""

from handrail.declare import Environment, Targets

production = Environment(
    "production",
    receiver="http://handrail.internal:8080",
    alertmanagers=["alertmanager-0.internal:9093", "alertmanager-1.internal:9093"],
    scrape=[
        Targets("checkout-stable", ["checkout-stable.internal:8000"], labels={"track": "stable"}),
        Targets("checkout-canary", ["checkout-canary.internal:8000"], labels={"track": "canary"}),
        Targets("relay-memory", ["relay.internal:8000"], path="/metrics/memory"),
        Targets("relay-system", ["relay.internal:8000"], path="/metrics/system"),
        Targets("relay-sse", ["relay.internal:8000"], path="/metrics/sse"),
    ],
    runbooks="https://git.example.com/platform/guardrails/runbooks",
    dashboards="https://grafana.example.com/d",
)
