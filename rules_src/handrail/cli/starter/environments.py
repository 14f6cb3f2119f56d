"""Where the rollouts run: addresses, files with secrets, and who is told."""

from handrail.declare import Environment, SlackReceiver, Targets

slack = SlackReceiver("#incidents", "/etc/alertmanager/slack-webhook")

production = Environment(
    "production",
    receiver="http://127.0.0.1:8080",
    alertmanagers=["127.0.0.1:9093"],
    # What has a configuration of its own already: it gets files to put beside it.
    existing=["prometheus", "alertmanager", "grafana"],
    scrape=[
        Targets("my-service-canary", ["127.0.0.1:8001"], labels={"track": "canary"}),
        Targets("my-service-stable", ["127.0.0.1:8002"], labels={"track": "stable"}),
    ],
    # What alerts link to: generated/runbooks/ as your Git server shows it, and your Grafana's dashboards.
    runbooks="https://git.example.com/guardrails/generated/runbooks",
    dashboards="https://grafana.example.com/d",
    routes={"warning": [slack], "critical": [slack], "emergency": [slack]},
)
# The same rollouts elsewhere, with what differs there. With the second one each has its files in generated/<its name>/,
# all made and checked by one `handrail generate`: see `handrail docs environments`.
# staging = Environment("staging", receiver="http://127.0.0.1:8081", existing=["prometheus", "alertmanager", "grafana"])
