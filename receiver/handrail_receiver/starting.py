"""Settings → what stands against a start beside them: a folder without playbooks, an address, a store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from handrail_receiver.errors import ReceiverError
from handrail_receiver.listening import cannot_listen
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.settings import Settings
from handrail_receiver.store_commands.opening import SQLITE, opened
from handrail_receiver.telling.render import template_problem

COPIES = "SELECT COUNT(*) AS number FROM attempt WHERE state IN ('active', 'finishing', 'rolling-back') AND playbook <> ''"


def against_start(settings: Settings) -> Iterator[str]:
    """A line for each reason why a receiver would not start with these settings."""
    yield from no_playbooks(settings)
    if wrong := cannot_listen(settings.host, settings.port):
        yield wrong


def no_playbooks(settings: Settings) -> Iterator[str]:
    """Why there is nothing to guard by: no playbook that can be read, and no attempt that goes on by its own copy."""
    playbooks = Playbooks(settings.playbooks, template_problem)
    playbooks.refresh()
    if not playbooks.all() and not _goes_on_by_copies(settings.store):
        yield from playbooks.problems


def _goes_on_by_copies(store: str) -> bool:
    try:
        with opened(store) as known:
            return int(known.rows(COPIES)[0]["number"]) > 0
    except ReceiverError:  # no store yet; and one that cannot be used says so when it is opened to be written
        return False


def unusable_store(store: str) -> str:
    """Why the store could not be used; empty when it can, or will be made."""
    file = Path(store.removeprefix(SQLITE))
    if store.startswith(SQLITE) and not os.path.lexists(file):
        folder = next(one for one in (file.absolute().parent, *file.absolute().parents) if one.exists())
        return (
            "" if os.access(folder, os.W_OK | os.X_OK) else f"{folder} may not be written; name another path"
        )
    if store.startswith(SQLITE) and file.is_dir():
        return f"{file} is a folder; name a file in it"
    try:
        with opened(store):
            return ""
    except ReceiverError as error:
        return str(error)
