"""An old or empty database → one of this version: numbered SQL files, each once, in order."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Protocol

from handrail_receiver.errors import WrongSettings
from handrail_receiver.store.engine import Row


class Migrated(Protocol):
    """What a connection must do to be migrated."""

    def rows(self, sql: str, **values: object) -> list[Row]:
        """Run a statement."""

    def script(self, text: str) -> None:
        """Run several, all or none."""


def migrate(connection: Migrated, dialect: str) -> None:
    """Bring a database up to date.

    Raises WrongSettings when it is of a newer version than this program.
    """
    connection.script("CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY)")
    done = {row["name"] for row in connection.rows("SELECT name FROM migration")}
    scripts = _scripts(dialect)
    unknown = done - {file.name for file in scripts}
    if unknown:
        raise WrongSettings(
            f"HANDRAIL_STORE: the database was used by a newer version ({', '.join(sorted(unknown))}); "
            "install that version, or restore the copy made before the upgrade"
        )
    for file in scripts:
        if file.name not in done:
            note = f"INSERT INTO migration (name) VALUES ('{file.name}')"  # noqa: S608  names of our own files
            connection.script(f"{file.read_text(encoding='utf-8')};\n{note}")


def names_of(dialect: str) -> list[str]:
    """The migrations that this program knows, in order."""
    return [file.name for file in _scripts(dialect)]


@cache
def _scripts(dialect: str) -> tuple[Traversable, ...]:
    folder = files(__package__) / "migrations" / dialect
    scripts = (file for file in folder.iterdir() if file.name.endswith(".sql"))
    return tuple(sorted(scripts, key=lambda file: file.name))
