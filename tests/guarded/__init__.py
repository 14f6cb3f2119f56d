"""A small rollout, its alerts, and a real receiver that guards it: what the receiver's tests are made of."""

from .alerts import NOW, alert, body, signal
from .new_store import new_store
from .playbook import GUARDRAILS, ROLLOUT, load_burst, playbook, write_playbook
from .service import HAPROXY, TOKENS, Guarded, guarded

__all__ = [
    "GUARDRAILS",
    "HAPROXY",
    "NOW",
    "ROLLOUT",
    "TOKENS",
    "Guarded",
    "alert",
    "body",
    "guarded",
    "load_burst",
    "new_store",
    "playbook",
    "signal",
    "write_playbook",
]
