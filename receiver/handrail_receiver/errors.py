"""What went wrong in the receiver → what to do next.

ReceiverError
├── WrongSettings             the receiver does not start: every line says which setting and what to do
├── StoreDown                 the store did not take a write or a read
│   └── Full                  the inbox holds as much as it may
├── LeaseLost                 somebody else works on it now, or it was ended
└── TargetError               a target, a channel or Prometheus did not do as asked; carries its Cause
    ├── Retryable             the same call may work in a moment
    └── Permanent             it will not work until somebody changes something
        └── PartRefused       all was told but what the other side will never take
"""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """Why an outside party failed: closed, small, and the value of the metric label `cause`."""

    timeout = "timeout"
    unreachable = "unreachable"
    busy = "busy"
    broken = "broken"
    refused = "refused"
    missing = "missing"
    invalid = "invalid"
    conflict = "conflict"


class ReceiverError(Exception):
    """The root of what the receiver raises on purpose."""


UNREADABLE = (ValueError, LookupError, TypeError)
"""What a row raises that another version wrote, or somebody else."""


class WrongSettings(ReceiverError):
    """The settings cannot work; one line for each thing that is wrong."""


class StoreDown(ReceiverError):
    """The store cannot be written or read now; nothing of the call was kept, or nobody can know when it did not answer."""


class Full(StoreDown):
    """The inbox holds as many undecided deliveries as it may."""


class LeaseLost(ReceiverError):
    """This run is not ours any more: another receiver took it, or a rollback ended it."""


class TargetError(ReceiverError):
    """An outside party failed. `cause` is the metric label, the text is for people and holds no secret.

    `receipt` is what a channel had told before it failed, where that is known: the next try does not tell it again.
    """

    receipt: str | None = None

    def __init__(self, cause: Cause, text: str) -> None:
        self.cause = cause
        super().__init__(text)


class Retryable(TargetError):
    """Trying the same again may work: timeout, unreachable, busy, broken, or a conflict that passes.

    `after` is how many seconds the other side asked to be left alone, None when it did not say.
    """

    def __init__(self, cause: Cause, text: str, after: float | None = None) -> None:
        self.after = after
        super().__init__(cause, text)


class Permanent(TargetError):
    """Trying the same again cannot work: refused, missing, invalid, or a conflict that stays."""


class PartRefused(Permanent):
    """All was told but a part that the other side refused as it is: there is nothing left to try."""

    def __init__(self, cause: Cause, text: str, receipt: str) -> None:
        super().__init__(cause, text)
        self.receipt = receipt
