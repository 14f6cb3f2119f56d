"""What every measure is drawn with: series, windows, labels, and a limit of its mildest tier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

WINDOWS = ("1m", "90s", "2m", "5m", "5m", "5m", "7m30s", "10m", "1h")
BY: tuple[tuple[str, ...], ...] = ((), (), (), ("path",), ("zone", "path"), ("instance",), ("place",))


@dataclass(frozen=True)
class Kind:
    """A measure with a limit of its mildest tier, in the words of its unit, and whether what is higher is worse."""

    measure: Any
    figure: float
    unit: str
    up: bool
    most: float | None = None

    def at(self, times: float) -> str | float:
        """A figure so many times as far off."""
        value = self.figure * times if self.up else self.figure / times
        if self.most is not None:
            value = min(value, self.most)
        text = f"{value:.6g}"
        return f"{text}{self.unit}" if self.unit else float(text)


def drawn_series(name: str) -> st.SearchStrategy[str]:
    return st.sampled_from(
        [
            name,
            f'{name}{{job="api"}}',
            f'{name}{{zone=~"eu-.*",job!="x"}}',
            f'{name}{{path!~"/health|/ready"}}',
            f'{name}{{path=~"/api/(v1|v2)/[^/]+",zone!=""}}',
            f'{name}{{instance=~"web-[0-9]+:9100",place="x"}}',
            f'{name}{{code!="503",zone!~"eu-.*"}}',
        ]
    )
