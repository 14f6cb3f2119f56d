"""The command line: `handrail …`."""

from handrail.cli.commands import app, main

__all__ = ["app", "main"]
