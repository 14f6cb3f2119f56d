"""For aurigraph's person on call."""

from handrail.declare import Runbook
from rollouts import _aurigraph_by_hand as by_hand

failing = Runbook(
    "Callers get errors from the new version.",
    look=[
        "4xx or 5xx? Only 4xx points at a contract that changed.",
        "Does blue fail too? Then it is no rollout matter.",
    ],
    fix=["The split goes back automatically in a stage with a limit; elsewhere set green's weight to 0."],
    steps=by_hand.FAILING,
)
slow = Runbook(
    "Callers wait, and their own time-outs begin to fire.",
    look=["CPU and connections of green first; then the database behind both."],
    fix=["Take green out of the split, keep one instance for a profile."],
    steps=by_hand.SLOW,
)
quiet = Runbook(
    "The service does less work than it is asked for; the rest waits or is turned away.",
    look=["Which arm takes less than its share of what HAProxy is asked for? Compare both."],
    fix=["Green alone: back to blue. Both: look at what is behind them, the database first."],
    steps=by_hand.QUIET,
)
resources = Runbook(
    "The machine runs out of something; requests are next.",
    look=["Which process, since when, and did it grow with the stage?"],
    fix=["Free or add what runs out; move traffic away first when that takes longer than ten minutes."],
    steps=by_hand.RESOURCES,
)
down = Runbook(
    "Part of the service is gone.",
    look=["Is it the process, the machine or only the scrape? Ask its health page directly."],
    fix=["Start it again; if it does not stay up, take its arm out of the split."],
    steps=by_hand.DOWN,
)
build = Runbook(
    "Changes, and mends with them, reach production late or untested.",
    look=["Which step fails: compile (3 min), test (5 min) or image (2 min)? The build's own log says."],
    fix=["Fix the step that fails most often of the last week before the next rollout."],
    steps=by_hand.BUILD,
)
slow_build = Runbook(
    "A mend waits for its build before anybody has it.",
    look=["Which step is over its target: compile 3 min, test 5 min, image 2 min?"],
    fix=[
        "Compile or image: is its cache still used? Test: which suite grew, and which tests can run side by side?"
    ],
    steps=by_hand.SLOW_BUILD,
)
