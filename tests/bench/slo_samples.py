"""How many samples a 30-day SLO reads at one evaluation: every window from raw series, and Handrail's rules.

1,000 raw series (500 pods, good and bad), scraped and evaluated every 5 minutes for 30 days in a real Prometheus.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from handrail.contract import names
from handrail.declare import Environment, Gauge, Guardrail, Ratio, Rollout, Slo
from handrail.lower import lower
from handrail.plan import Ratio as PlannedRatio
from handrail.plan import Recording
from handrail.plan import Slo as PlannedSlo
from servers import prometheus

from bench.remote_write import series, write

PODS = 500
STEP = 300
DAYS = 30
BEGIN = 1_700_000_100


@dataclass(frozen=True)
class Read:
    """How many samples one evaluation read."""

    way: str
    raw: int
    recorded: int


def planned() -> PlannedSlo:
    """The SLO as the compiler lowers it."""
    rollout = Rollout(
        "shop",
        "shop",
        scrape="5m",
        evaluate="5m",
        guardrails=[Guardrail("pods", Gauge("pods"))],
        slos=[
            Slo(
                "availability",
                Ratio(bad='requests_total{code="500"}', of="requests_total"),
                objective="99.9%",
            )
        ],
    )
    return lower([rollout], Environment("bench")).rollouts[0].slos[0]


def measure() -> list[Read]:
    """Fill a real Prometheus and ask it what each way reads."""
    slo = planned()
    with tempfile.TemporaryDirectory(prefix="handrail-bench-") as name:
        folder = Path(name)
        (folder / "prometheus.yml").write_text("global: {scrape_interval: 1h}\n")
        flags = ["--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=3650d"]
        with (
            prometheus(folder, folder / "prometheus.yml", flags=flags) as server,
            httpx.Client(base_url=server.url, timeout=120) as client,
        ):
            _fill(client, slo)
            return [_from_raw(client, slo), _from_recorded(client, slo)]


def _fill(client: httpx.Client, slo: PlannedSlo) -> None:
    good = [series({"__name__": "requests_total", "code": "200", "pod": f"p{n}"}) for n in range(PODS)]
    bad = [series({"__name__": "requests_total", "code": "500", "pod": f"p{n}"}) for n in range(PODS)]
    recordings = {one.record: _recorded(one) for one in slo.counted}
    errors, total = recordings[names.SLO_ERRORS], recordings[names.SLO_TOTAL]
    steps = DAYS * 86400 // STEP
    for step in range(steps + 1):
        samples = [(labels, float(step * 999)) for labels in good] + [(labels, float(step)) for labels in bad]
        samples += [(errors, float(PODS)), (total, float(PODS * 1000))]
        write(client, samples, BEGIN + step * STEP)
        if step % 864 == 0:
            print(f"  {100 * step // steps} % of {steps * (2 * PODS + 2):,} samples written", flush=True)


def _recorded(recording: Recording) -> bytes:
    return series({"__name__": recording.record, **dict(recording.labels)})


def _from_raw(client: httpx.Client, slo: PlannedSlo) -> Read:
    share = slo.measure
    assert isinstance(share, PlannedRatio)
    [part], [whole] = share.part, share.whole
    windows = [dict(recording.labels)["window"] for recording in slo.ratios]
    ways = [f"sum(increase({part}[{w}])) / sum(increase({whole}[{w}]))" for w in windows]
    return Read("every window from the raw series", _samples(client, ways), 0)


def _from_recorded(client: httpx.Client, slo: PlannedSlo) -> Read:
    raw = _samples(client, [one.expr for one in slo.counted])
    return Read("Handrail's ten recordings", raw, _samples(client, [r.expr for r in slo.ratios]))


def _samples(client: httpx.Client, expressions: Sequence[str]) -> int:
    return sum(_read(client, expression) for expression in expressions)


def _read(client: httpx.Client, expression: str) -> int:
    asked = {"query": expression, "time": str(BEGIN + DAYS * 86400), "stats": "all"}
    answer = client.get("/api/v1/query", params=asked).json()
    assert answer["status"] == "success", answer
    assert answer["data"]["result"], f"no result: {expression}"
    return int(answer["data"]["stats"]["samples"]["totalQueryableSamples"])


def main() -> None:
    """Print both ways and their ratio."""
    raw, recorded = measure()
    print(f"{'':34}{'raw samples':>14}{'recorded samples':>18}")
    for read in (raw, recorded):
        print(f"{read.way:34}{read.raw:>14,}{read.recorded:>18,}")
    both = recorded.raw + recorded.recorded
    print(
        f"raw samples {raw.raw / recorded.raw:,.0f} times fewer; all samples {raw.raw / both:,.0f} times fewer"
    )


if __name__ == "__main__":
    main()
