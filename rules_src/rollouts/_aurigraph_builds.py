"""How aurigraph's builds are judged: by the lines that its pipeline writes."""

from handrail.declare import Above, Below, Gauge, Guardrail, Ratio, Warning
from rollouts._aurigraph_metrics import SUCCEEDED, ci
from rollouts._aurigraph_runbooks import build, slow_build

builds = [
    Guardrail(
        "build-success",
        Ratio(
            good=ci("builds_total", SUCCEEDED),
            of=ci("builds_total"),
            window="7d",
            min_events=1,
        ),
        title="Share of builds that succeed, any 7 days",
        accept={"detection-too-slow": "builds are judged over days, whatever the stage"},
        tiers=[Warning(Below("95%"))],
        whole_service=True,
        runbook=build,
    ),
    Guardrail(
        "build-duration",
        Gauge(ci("build_duration_seconds"), unit="seconds"),
        title="Time of the newest build, from the commit to the pushed image",
        tiers=[Warning(Above("10m"), severity="P4")],
        whole_service=True,
        runbook=slow_build,
    ),
]
