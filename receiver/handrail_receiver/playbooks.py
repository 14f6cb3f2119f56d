"""Folder of JSON files, and the copies of attempts → Playbooks by rollout; files are read again when one changes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path

from handrail.contract import Playbook, Tell
from pydantic import ValidationError

from handrail_receiver.model import Attempt


class Playbooks:
    """The playbooks of a folder. A file that cannot be used leaves the version before it in force.

    An attempt whose file is gone goes on by its own copy.
    `template_problem` says what is wrong with a template, None for nothing.
    """

    def __init__(self, folder: Path, template_problem: Callable[[str], str | None]) -> None:
        self._folder, self._template_problem = folder, template_problem
        self._stamp: object = None
        self._known: dict[str, Playbook] = {}
        self._own: dict[str, Playbook] = {}
        self._removed: dict[str, Playbook] = {}
        self.problems: tuple[str, ...] = ()

    def get(self, rollout: str) -> Playbook | None:
        """The newest playbook of a rollout; the copy of its attempt where the file is gone.

        Until it is known which attempts have copies, what was in the file counts: no alert falls between the two.
        """
        return self._known.get(rollout) or self._own.get(rollout) or self._removed.get(rollout)

    def people(self, rollout: str, action: str) -> tuple[Tell, ...]:
        """Who is told of an action of a rollout."""
        playbook = self._own.get(rollout) or self.get(rollout)
        known = playbook.action(action) if playbook else None
        return known.tell if known else ()

    def all(self) -> list[Playbook]:
        """Every playbook, by name."""
        every = {**self._removed, **self._own, **self._known}
        return [every[name] for name in sorted(every)]

    def keep(self, attempts: Iterable[Attempt]) -> None:
        """The copies of these attempts count where their files are gone."""
        self._own = {one.rollout: one.playbook for one in attempts if one.playbook is not None}
        self._removed = {}

    @property
    def gone(self) -> tuple[str, ...]:
        """The rollouts whose attempts go on without a file."""
        return tuple(sorted(set(self._own) - set(self._known)))

    def refresh(self) -> bool:
        """Read the folder if anything in it changed; whether it did."""
        stamp = self._stamped()
        if stamp == self._stamp:
            return False
        known, problems = self._read()
        self._removed = {**self._removed, **self._known}
        self._known = {**self._known, **known} if problems else known
        self._stamp, self.problems = stamp, tuple(problems)
        return True

    def _stamped(self) -> object:
        try:
            files = sorted(self._folder.glob("*.json"))
            return [(file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files] or "empty"
        except OSError as error:
            return str(error)

    def _read(self) -> tuple[dict[str, Playbook], list[str]]:
        known: dict[str, Playbook] = {}
        problems: list[str] = []
        files = sorted(self._folder.glob("*.json"))
        if not files:
            return {}, [f"HANDRAIL_PLAYBOOKS: {_nothing_in(self._folder)}"]
        for file in files:
            try:
                playbook = Playbook.model_validate_json(file.read_bytes())
            except ValidationError as error:
                problems.append(f"{file}: {_unfit(error)}")
            except OSError as error:
                problems.append(f"{file}: {error.strerror}; make it readable")
            else:
                known[playbook.rollout] = playbook
                problems += [f"{file}: {wrong}" for wrong in self._templates(playbook)]
        return known, problems

    def _templates(self, playbook: Playbook) -> list[str]:
        tells = [tell for action in playbook.actions for tell in action.tell]
        tells += [tell for deadline in playbook.acknowledge for tell in deadline.tell]
        texts = {tell.template for tell in tells if tell.template}
        return [f"a template: {wrong}" for text in sorted(texts) if (wrong := self._template_problem(text))]


NEWER = frozenset({"extra_forbidden", "literal_error", "unexpected_keyword_argument", "union_tag_invalid"})
"""What is wrong with a playbook of a newer version: a field, a word or a kind of step that is not known here."""


def _unfit(error: ValidationError) -> str:
    """Why a playbook cannot be read, where, and what to do about it."""
    wrong = error.errors(include_url=False, include_input=False)
    newer = [one for one in wrong if one["type"] in NEWER]
    first = (newer or wrong)[0]
    place = ".".join(map(str, first["loc"]))
    if not newer:
        return f"{place}: {first['msg']}; generate it with this version of handrail"
    ours = version("handrail")
    return (
        f"{place}: a newer handrail wrote this, and {ours} cannot read it; install the newer one here first, "
        f"or load what {ours} generated"
    )


def _nothing_in(folder: Path) -> str:
    """Why no playbook was found in a folder, and what to do about it."""
    place = folder.absolute()
    if not os.path.isdir(folder):  # noqa: PTH112  a Path raises where it may not look
        what = f"there is no folder {place}"
    elif not os.access(folder, os.R_OK | os.X_OK):
        return f"{place} may not be read; let the receiver's user into it"
    else:
        what = f"{place} holds no playbook"
    elsewhere = sorted(one for one in place.parent.glob(f"*/{place.name}") if any(one.glob("*.json")))
    if elsewhere:
        return f"{what}; name that of an environment: {' or '.join(map(str, elsewhere))}"
    return f"{what}; run `handrail generate` beside rules_src/, or name the folder that it wrote"
