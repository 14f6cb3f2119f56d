"""Files and addresses → the stack, running, with customers who order, and what the steps of a story work with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from . import files, stack
from .api import Receiver
from .command import Command
from .load import load
from .screen import Drawn, Plain
from .story import Demo
from .view import View

LONGEST = 600.0


@contextmanager
def playing(
    made: files.Files, at: files.Addresses, programs: stack.Programs, orders: int, shown: Plain | Drawn
) -> Iterator[Demo]:
    """The stack with customers who order, and what the steps need to work with it."""
    view = View(
        haproxy=made.folder / "watch.sock",
        canary=f"http://{at.canary}",
        stable=f"http://{at.stable}",
        prometheus=f"http://{at.prometheus}",
        alertmanager=f"http://{at.alertmanager}",
    )
    ordering = load(f"http://{at.shop}/orders", per_second=orders, seconds=LONGEST)
    with stack.running(made, at, programs), view.client, ordering as customers:
        receiver = Receiver(f"http://{at.receiver}", made.token("operator").read_text())
        command = Command(made, f"http://{at.receiver}", programs.handrail)
        yield Demo(made.folder, view, receiver, command, customers, shown)
