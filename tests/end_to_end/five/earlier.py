"""What exporters show now → blocks of Prometheus that say how it came to that, for limits that look at earlier times.

Counters grew evenly since a while ago and were 0 before, and all else has always been as it is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import httpx
import servers
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

GREW = timedelta(minutes=2)
"""How long counters have grown."""
STEP, FAR_STEP = timedelta(seconds=1), timedelta(seconds=15)


def remember(
    folder: Path,
    pages: Mapping[str, str],
    metrics: Sequence[str],
    spells: Sequence[tuple[timedelta, timedelta]],
) -> None:
    """Give the Prometheus in `folder` a past: the last minutes, and spells that began so long ago and lasted so long.

    `pages` are the addresses of exporters by their jobs. A name is without the `sql_` that Prometheus takes off.
    """
    now = time.time()
    near = [now - GREW.total_seconds() + one for one in _every(STEP, GREW)]
    spelt = (now - ago.total_seconds() + one for ago, lasts in spells for one in _every(FAR_STEP, lasts))
    far = [at for at in spelt if at < near[0]]
    lines = []
    for job, address in pages.items():
        for sample in _shown(address):
            name = sample.name.removeprefix("sql_")
            if name in metrics:
                known = {**sample.labels, "job": job, "instance": address}
                labels = ",".join(f'{label}="{text}"' for label, text in known.items())
                grows = name.endswith(("_total", "_bucket", "_count"))
                for at in (*far, *near):
                    part = max(0, 1 - (now - at) / GREW.total_seconds()) if grows else 1
                    lines.append(f"{name}{{{labels}}} {sample.value * part:g} {at:.3f}")
    written = folder / "earlier.txt"
    written.write_text("\n".join([*lines, "# EOF"]) + "\n")
    servers.make_blocks(folder, written)


def shown(address: str, name: str) -> float:
    """The sum of what an exporter shows under a name."""
    return sum(sample.value for sample in _shown(address) if sample.name == name)


def _shown(address: str) -> Iterator[Sample]:
    answer = httpx.get(f"http://{address}/metrics", trust_env=False, verify=servers.PLAIN, timeout=10)
    for family in text_string_to_metric_families(answer.raise_for_status().text):
        yield from family.samples


def _every(step: timedelta, lasts: timedelta) -> Iterator[float]:
    for place in range(lasts // step + 1):
        yield place * step.total_seconds()
