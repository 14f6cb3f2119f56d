"""Events in any order lead where the table of the state machine says, and docs/how-to/walk.md shows the table."""

from __future__ import annotations
