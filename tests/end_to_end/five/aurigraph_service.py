"""aurigraph: green beside blue behind a real HAProxy, each with the share of the requests that HAProxy's weights give it.

The lines of its pipeline are read by mtail; its database and its machine by their exporters.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import servers
from handrail.declare import Targets

from .cast import Cast, Played
from .exporters import again_and_again, calm_machine, mtail, node_exporter, postgres_exporter
from .exposed import Exposed

PAGE = "/q/metrics"
SECONDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 2, 5)
REST, GRPC = 1_200_000.0, 1_000_000.0
BUILD = """\
build-step name=compile seconds=170
build-step name=test seconds=280
build-step name=image seconds=100
build-tests suite=unit result=passed count=4100
build-tests suite=integration result=passed count=320
build-tests suite=smoke result=passed count=24
build-coverage component=ledger ratio=0.97
build-image name=aurigraph bytes=380000000
build result=success seconds=560
"""
"""What the pipeline writes of a build."""
PROXY = """
global
    stats socket unix@admin.sock level admin
defaults
    mode http
    timeout connect 1s
    timeout client 10s
    timeout server 10s
frontend callers
    bind "${CALLERS}"
    default_backend aurigraph
backend aurigraph
    server blue "${BLUE}" weight 100
    server green "${GREEN}" weight 0
"""


def shares(folder: Path) -> dict[str, float]:
    """What HAProxy gives to each server, of 1."""
    rows = servers.haproxy_servers(folder / "admin.sock")
    weights = {name: float(rows[f"aurigraph/{name}"]["weight"]) for name in ("green", "blue")}
    return {name: weight / sum(weights.values()) for name, weight in weights.items()}


@contextmanager
def runs(folder: Path) -> Iterator[Cast]:
    """Both versions, well, and all requests on blue."""
    (folder / "haproxy.cfg").write_text(PROXY)
    at = {name: servers.free_address() for name in ("db", "node", "log")}
    fails, log = [False], folder / "pipeline.log"
    log.touch()

    def build() -> None:
        with log.open("a") as written:
            written.write(BUILD)

    @contextmanager
    def exporters(generated: Path) -> Iterator[None]:
        program = generated / "exporters/aurigraph-v12.mtail"
        with mtail(folder, program, [log], at["log"]), again_and_again(build):
            yield

    with ExitStack() as started:
        health = {"/q/health": {"status": "UP"}}
        arms = {name: started.enter_context(Exposed(health)) for name in ("green", "blue")}
        env = {"CALLERS": servers.free_address(), **{name.upper(): one.address for name, one in arms.items()}}
        balancer = folder / "haproxy.cfg"
        started.enter_context(
            servers.haproxy(folder, balancer, socket_path="admin.sock", address=env["CALLERS"], env=env)
        )
        database = started.enter_context(servers.postgres(folder))
        started.enter_context(postgres_exporter(folder, database.address, at["db"]))
        machine = started.enter_context(calm_machine(folder / "machine"))
        started.enter_context(node_exporter(folder, at["node"], machine))
        edge = started.enter_context(Exposed())
        for frontend, rate in (("rest", REST), ("grpc", GRPC)):
            edge.counts(f'haproxy_frontend_http_requests_total{{proxy="{frontend}"}}', rate)
            edge.counts(f'haproxy_frontend_http_responses_total{{proxy="{frontend}",code="2xx"}}', rate)

        def requests_come() -> None:
            for name, share in shares(folder).items():
                bad = 0.03 if fails[0] and name == "green" else 0.0
                _serves(arms[name], share, bad)

        requests_come()
        started.enter_context(again_and_again(requests_come, every=0.1))
        yield Cast(
            scrape=[
                Targets("aurigraph", [arms["green"].address], path=PAGE, labels={"track": "canary"}),
                Targets("aurigraph", [arms["blue"].address], path=PAGE, labels={"track": "stable"}),
                Targets("aurigraph-ci", [at["log"]]),
                Targets("aurigraph-db", [at["db"]]),
                Targets("aurigraph-node", [at["node"]]),
                Targets("aurigraph-haproxy", [edge.address]),
            ],
            places={"unix:/run/haproxy/": "unix:", "http://blue.internal:9003": arms["blue"].url},
            services={"aurigraph": arms["green"].url},
            secrets={
                "SLACK_TOKEN": "slack-token-of-a-test",
                "PAGERDUTY_AURIGRAPH_KEY": "pagerduty-key-of-a-test",
            },
            exporters=exporters,
            target=lambda: f"{shares(folder)['green']:.0%}",
            sicken=lambda: fails.__setitem__(0, True),
        )


def _serves(arm: Exposed, share: float, bad: float) -> None:
    """One version serves its share, of which a part fails."""
    rest, grpc = REST * share, GRPC * share
    arm.counts('http_requests_total{status="200"}', rest * (1 - bad), PAGE)
    arm.counts('http_requests_total{status="500"}', rest * bad, PAGE)
    arm.takes("http_request_duration_seconds", 0.04, rest, SECONDS, PAGE)
    arm.counts('grpc_requests_total{code="OK"}', grpc, PAGE)
    arm.counts('grpc_requests_total{code="UNAVAILABLE"}', 0, PAGE)
    arm.takes("grpc_request_duration_seconds", 0.04, grpc, SECONDS, PAGE)
    arm.is_at("grpc_connections_in_use", 20, PAGE)
    arm.is_at("jvm_memory_used_bytes", 300e6, PAGE)


aurigraph = Played(
    "aurigraph-v12",
    runs,
    shares={"0%": "0%", "10%": "10%", "25%": "25%", "50%": "50%", "100%": "100%"},
    before="0%",
    sick_in="10%",
    pages=frozenset({"AurigraphV12ErrorRateCritical"}),
    stages=240,
    faster=40,  # as many sources as no other has: a busy machine answers all of them within a scrape of 375 ms
)
