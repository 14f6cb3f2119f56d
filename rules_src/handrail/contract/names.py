"""Every name that leaves the program, once: labels, metrics, recorded series, files, words.

A change here is a breaking change.
"""

from __future__ import annotations

import re
from collections.abc import Container
from hashlib import sha256
from typing import Final

# Labels on every alert
ROLLOUT: Final = "rollout"
SERVICE: Final = "service"
GUARDRAIL: Final = "guardrail"
TIER: Final = "tier"
SEVERITY: Final = "severity"
ACTION: Final = "action"
ENVIRONMENT: Final = "environment"
STAGE: Final = "stage"
MODE: Final = "mode"
SHADOW: Final = "shadow"
LEVEL: Final = "level"
SIGNAL: Final = "signal"
ARM: Final = "arm"
REASON: Final = "reason"
NAMESPACE: Final = "namespace"
SERIES_NAMESPACE: Final = "series_namespace"
ALERTNAME: Final = "alertname"

OURS: Final = (
    ALERTNAME,
    "alertstate",
    ROLLOUT,
    SERVICE,
    GUARDRAIL,
    TIER,
    SEVERITY,
    ACTION,
    ENVIRONMENT,
    STAGE,
    MODE,
    LEVEL,
    SIGNAL,
    REASON,
    SERIES_NAMESPACE,
)
"""Labels that recorded series and alerts set themselves: what is judged may not be told apart by them."""

# What the receiver exports and generated rules may read
STAGE_METRIC: Final = "handrail_rollout_stage"
WEIGHT_METRIC: Final = "handrail_rollout_weight"
STAGE_ENTERED_METRIC: Final = "handrail_rollout_stage_entered_timestamp_seconds"
ATTEMPT_STARTED_METRIC: Final = "handrail_attempt_started_timestamp_seconds"
ACTIONS_METRIC: Final = "handrail_actions_total"
HEARTBEAT_AGE_METRIC: Final = "handrail_heartbeat_age_seconds"
HEARTBEAT_METRIC: Final = "handrail_heartbeat_timestamp_seconds"
ACKNOWLEDGED_METRIC: Final = "handrail_incident_acknowledged_timestamp_seconds"
REFERENCE_METRIC: Final = "handrail_reference"
REFERENCE: Final = "reference"
REFERENCE_BY: Final = "by_"
"""Begins the labels that tell captured figures apart: Prometheus gives the receiver's own series a `job` and an `instance`."""
BEFORE: Final = "before"
ARM_METRIC: Final = "handrail_rollout_arm"
ARM_VALUE: Final = "value"
CANARY: Final = "canary"
STABLE: Final = "stable"

# What generated rules record: labels rollout and guardrail, and the arm's own label where there are arms
VALUE: Final = "handrail:guardrail:value"
EVENTS: Final = "handrail:guardrail:events"
TRAFFIC: Final = "handrail:guardrail:traffic"
PART: Final = "handrail:guardrail:part"
BUCKETS: Final = "handrail:guardrail:buckets"
"""How many events lie in each bucket, of which a quantile is taken."""
FILLED: Final = "handrail:guardrail:filled"
"""A quantile as it were if many more events were there, all of them quick."""
FROM_ZERO: Final = "handrail:guardrail:from_zero"
INFO: Final = "handrail:guardrail:info"
ARMS: Final = "handrail:guardrail:arm"
SEEN: Final = "handrail:guardrail:seen"
"""1 once a metric of an optional guardrail has been seen, and from then on."""
RULES_INFO: Final = "handrail:rules:info"
DIGEST: Final = "digest"
SLO_FROM_ZERO: Final = "handrail:slo:from_zero"
SLO_ERRORS: Final = "handrail:slo:errors"
SLO_TOTAL: Final = "handrail:slo:total"
SLO_EVENTS: Final = "handrail:slo:events"
SLO_VALUE: Final = "handrail:slo:value"
SLO_MONTH_ERRORS: Final = "handrail:slo:month_errors"
SLO_MONTH_TOTAL: Final = "handrail:slo:month_total"
SLO_RATIO: Final = "handrail:slo:error_ratio"
SPLIT_ASKED: Final = "handrail:split:asked"
SPLIT_REQUESTS: Final = "handrail:split:requests"
SPLIT_LIKELIHOOD: Final = "handrail:split:log_likelihood_ratio"
SPLIT_EVIDENCE: Final = "handrail:split:evidence"
ASKED: Final = "asked"
SIDE: Final = "side"
ODDS: Final = "odds"
SLO: Final = "slo"
MONTH: Final = "month"
WINDOW: Final = "window"

# Alertmanager receivers; those of people are called <rollout>/<severity, action or level>
RECEIVER: Final = "handrail"
HEARTBEAT_RECEIVER: Final = "handrail-heartbeat"
WEBHOOK_PATH: Final = "/webhooks/alertmanager"
"""Where the receiver takes Alertmanager's deliveries."""

HEARTBEAT_ALERT: Final = "HandrailHeartbeat"
HEARTBEAT: Final = "heartbeat"
TEST_ALERT: Final = "HandrailTest"
"""What `handrail doctor --send-alert` sends: the receiver notes that it came, and nothing follows from it."""
TEST_ALERT_METRIC: Final = "handrail_test_alert_timestamp_seconds"
ESCALATION: Final = "escalation"
RECEIVER_GUARDRAIL: Final = "receiver"
"""The `guardrail` of the alert that says that the receiver is gone; its tier is `DOWN`."""
DOWN: Final = "down"
SAMPLE_RATIO: Final = "sample-ratio"
"""The guardrail that compares the traffic of both arms with the asked share."""
GATE: Final = "gate"
PROMOTE: Final = "promote"
NO_ADDRESS: Final = "http://no-address.invalid"
"""Stands in a playbook that is refused: nobody said where the service answers."""

COMPLETE: Final = "complete"
"""What stands for the end of a rollout where the name of a stage stands otherwise."""

# Words
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""The days of a week, as people write them."""
TIERS: Final = ("warning", "critical", "emergency")
BLIND: Final = "blind"
THIN: Final = "thin"
REDUCE: Final = "reduce"
"""What is softer than a rollback: it leaves the canary less, and a person alone asks for it."""
ACTING: Final = ("rollback", "emergency-rollback", "security-rollback")
ACTIONS: Final = ("investigate", "hold", *ACTING, "promote")


def stage_reference(stage: str) -> str:
    """The `reference` label of what was captured at the end of `stage`."""
    return f"stage:{stage}"


def camel(text: str) -> str:
    """`http-5xx` → `Http5xx`: a part of an alert name."""
    return "".join(part[:1].upper() + part[1:] for part in text.replace("_", "-").split("-"))


def log_lines(rollout: str, number: int) -> str:
    """The counter of the lines by which it is known that a rollout's log still comes; a rollout may have several logs."""
    name = re.sub(r"[^a-zA-Z0-9_]", "_", rollout)
    return f"{name}_log_lines_total" if number == 1 else f"{name}_log_{number}_lines_total"


LINE: Final = "line"
NEWEST: Final = "newest"
"""The label of what the newest line of a log says, and its value: what has no label mtail shows as 0 before any line came."""


def sql_job(rollout: str, number: int) -> str:
    """What sql_exporter calls a database of a rollout."""
    return rollout if number == 1 else f"{rollout}-{number}"


def alert_name(rollout: str, guardrail: str, tier: str) -> str:
    """CamelCase and unique for (rollout, guardrail, tier)."""
    return camel(rollout) + camel(guardrail) + camel(tier)


EDIT: Final = "do not edit; run `handrail generate`"
"""What every generated file says of itself, and what it is known by."""

ALERTMANAGER_FILE: Final = "alertmanager/alertmanager.yml"
ALERTMANAGER_FRAGMENT: Final = "alertmanager/fragment.yml"
"""What an Alertmanager gets that has a configuration already."""


COMPOSE_FILE: Final = "compose.yaml"
IMAGE_VARIABLE: Final = "HANDRAIL_IMAGE"
SECRETS_VARIABLE: Final = "HANDRAIL_SECRETS"
"""What whoever starts the stack in containers sets for Compose; the receiver does not read them."""
PROMETHEUS_FILE: Final = "prometheus/prometheus.yml"
SCRAPE_CONFIGS_FILE: Final = "prometheus/scrape_configs.yml"
"""What a Prometheus gets that has a configuration already."""


def prometheus_file(paths: Container[str]) -> str:
    """The one of the two that is among these paths; the first where none is."""
    return SCRAPE_CONFIGS_FILE if SCRAPE_CONFIGS_FILE in paths else PROMETHEUS_FILE


def alertmanager_file(paths: Container[str]) -> str:
    """The one of the two that is among these paths; the first where none is."""
    return ALERTMANAGER_FRAGMENT if ALERTMANAGER_FRAGMENT in paths else ALERTMANAGER_FILE


def rules_file(rollout: str) -> str:
    """Where a rollout's rules lie in generated/."""
    return f"prometheus/rules/{rollout}.yml"


def mimir_file(rollout: str) -> str:
    """Where a rollout's rules lie in the form of Mimir's and Cortex' rulers."""
    return f"mimir/{rollout}.yml"


def environment_folder(environment: str) -> str:
    """What stands before every path in generated/ where several environments are declared."""
    return f"{environment}/"


def playbook_file(rollout: str) -> str:
    """Where a rollout's playbook lies in generated/."""
    return f"playbook/{rollout}.json"


def tests_file(rollout: str, step: str = "") -> str:  # noqa: PT028
    """Where the tests of a rollout's rules lie; `step` is for those with a longer evaluation interval."""
    return f"prometheus/tests/{rollout}.{step}.test.yml" if step else f"prometheus/tests/{rollout}.test.yml"


def is_tests_file(path: str) -> bool:
    """Whether tests of some rollout's rules lie there."""
    return path.startswith("prometheus/tests/")


DATASOURCE: Final = "Prometheus"
"""What Grafana's data source is called where nobody says so."""


def datasource_uid(name: str) -> str:
    """The uid of the data source that is provisioned under `name`, which Grafana allows 40 characters."""
    plain = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in name.lower())
    return plain if len(plain) <= 40 else f"{plain[:31]}-{sha256(name.encode()).hexdigest()[:8]}"


def dashboard_uid(rollout: str, name: str = "", environment: str = "") -> str:
    """The uid of a dashboard, which Grafana allows 40 characters: the rollout's name, and the page's behind it.

    Before it stands the environment where a Grafana is shared.
    """
    whole = "-".join(filter(None, [environment, rollout, name]))
    return whole if len(whole) <= 40 else f"{whole[:31]}-{sha256(whole.encode()).hexdigest()[:8]}"


def dashboard_file(rollout: str, name: str = "") -> str:
    """Where a dashboard lies in generated/."""
    return f"grafana/dashboards/{rollout}-{name}.json" if name else f"grafana/dashboards/{rollout}.json"


def runbook_file(rollout: str) -> str:
    """Where a rollout's runbook lies in generated/."""
    return f"runbooks/{rollout}.md"
