"""The flags that the clinic's application has loaded: one that is set and not loaded stops the start."""

from handrail.declare import Above, Below, Gauge, Guardrail, Runbook, Warning
from rollouts import _mem0_by_hand as by_hand
from rollouts._clinic_sources import own

other_flag = Runbook(
    "What is rolled out is not what runs: the figures of this stage are those of another configuration.",
    look=[
        "Was the secret set and no machine restarted since? Or did somebody switch a tier off, to help?",
        "Blind: no line of the loaded flags came since mtail began to read. It comes when a machine starts.",
    ],
    fix=[
        "Set it as the rollout needs it; fly restarts the machines, and each says what it has loaded.",
        "It must stay off: roll back; what the stage shows says nothing of the rollout.",
    ],
    steps=by_hand.FLAGS,
)


def loaded(flag: str, *, on: bool) -> Guardrail:
    """The newest line of the log says that the application runs with this flag as it must be."""
    word = "true" if on else "false"
    return Guardrail(
        flag.lower().replace("_", "-"),
        Gauge(own(f"feature_flag_{flag.lower()}"), over="min" if on else "max"),
        title=f"{flag} as it is loaded",
        tiers=[
            Warning(
                Below(1) if on else Above(0),
                action="hold",
                note=f"It must be {word}: set, and loaded by a restart.",
            )
        ],
        whole_service=True,
        runbook=other_flag,
    )


flags = [
    loaded("FAST_PATH_ENABLED", on=True),
    loaded("MEM0_READS_ENABLED", on=True),
    loaded("MEM0_SHADOW_MODE", on=False),
]
