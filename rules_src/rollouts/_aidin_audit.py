"""aidin's guardrails of its audit log, in which only the users of a stage leave entries."""

from handrail.declare import (
    Above,
    Ago,
    AtMost,
    Below,
    Critical,
    Drop,
    Guardrail,
    Increase,
    On,
    Rate,
    Ratio,
    Runbook,
    While,
)
from rollouts import _aidin_by_hand as by_hand
from rollouts._aidin_sources import own

ENTRIES, CHANGES = own("audit_log_inserts_total"), own("mutations_total")
ENOUGH = {"10%": 500, "50%": 100, "100%": 20}
"""So many changes leave an entry for sure: by a hundred, by twenty and by four users, if each makes five of them.

That no user of the stage is among them has a chance of 0.9 to the power of 100 and of 0.5 to the power of 20; with all
users in it, of none.
"""


def in_five_minutes(stage: str, changes: int) -> On:
    """Fewer than three entries for that many changes."""
    of = While(Rate(ENTRIES), condition=Rate(CHANGES), above=f"{changes // 5}/min")
    return On(f"inserts-{stage[:-1]}", of, Below({stage: "0.01/s"}))


def in_an_hour(stage: str, changes: int) -> On:
    """No entry for that many changes; once everybody is audited, for one."""
    least = 0 if stage == "100%" else f"{changes}/h"
    of = While(Increase(ENTRIES, window="1h"), condition=Rate(CHANGES, window="1h"), above=least)
    return On(f"hour-{stage[:-1]}", of, AtMost({stage: 0}))


audit = [
    Guardrail(
        "audit-writes",
        Ratio(good=ENTRIES, of=CHANGES, min_events=20, beside=True),
        title="Audit-log inserts while mutations happen",
        thin_after=None,  # where they are too few for a share, an hour without any is found, and a day is asked for
        against=Ago("1h"),
        tiers=[
            Critical(
                Drop({"100%": "50%"}, least="1%"),  # before, the share is that of whoever works just now
                or_=[
                    on(stage, changes)
                    for on in (in_five_minutes, in_an_hour)
                    for stage, changes in ENOUGH.items()
                ],
                sustained="2m",  # the two counters are read one after the other, and audit entries may come later
                note="Look at once: changes happen that nobody will be able to trace.",
            )
        ],
        whole_service=True,
        accept={
            "ago-within-rollout": "here a sudden loss is looked for; audit-trail asks for entries of the whole stage"
        },
        runbook=Runbook(
            "Changes are made that leave no trace.",
            look=[
                "Does the application log an error for the insert?",
                "Does the table exist, and may the application's role insert into it?",
                "Did users change anything whom the flag is on for? At 10 and 50 % the others leave no entry.",
            ],
            fix=[
                "Insert one row by hand with the application's role: the error it gives is the cause.",
                "Restore permission or schema; then write the missing entries from the application log.",
            ],
            steps=by_hand.AUDIT,
        ),
    ),
    Guardrail(
        "audit-trail",
        Ratio(good=ENTRIES, of=CHANGES, window="24h", min_events=1, beside=True),
        title="Audit-log inserts for the mutations of a day",
        success=Above("0%"),
        accept={
            "window-outlasts-stage": "few rows are changed in five minutes; a day is asked for, once, when it ends"
        },
        thin_after=None,
        whole_service=True,
        runbook=Runbook(
            "A whole stage left no trace of what was changed.",
            look=["Was anything changed? Without a change nobody knows: change a module of a test user."],
            fix=["As for audit-writes."],
            steps=by_hand.AUDIT[:3],
        ),
    ),
]
