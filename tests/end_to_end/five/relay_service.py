"""relay: a memory service whose three pages are scraped, before a platform that splits its traffic by a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handrail.declare import Targets

from .cast import Cast, Played
from .exposed import Exposed
from .platform_command import command

MEMORY, SYSTEM, SSE = "/metrics/memory", "/metrics/system", "/metrics/sse"
MILLISECONDS = (50, 100, 200, 500, 1000, 1500, 3000)
STREAMS = 600.0
PROGRAM = """
case "$*" in
    "service update relay --traffic-split "*) echo "$5" >"$STATE" ;;
    "service list relay") cat "$STATE" ;;
    *) exit 64 ;;
esac
"""
STABLE = "main:0,r0.5-hotfix:100"


@contextmanager
def runs(folder: Path) -> Iterator[Cast]:
    """The service, well, and the platform's own tool with all traffic on the version before."""
    state = command(folder, "railway", PROGRAM, STABLE)
    with Exposed({"/api/v1/memory/query": {"memories": []}}) as service:
        _well(service)
        yield Cast(
            scrape=[
                Targets(f"relay-{page.rpartition('/')[2]}", [service.address], path=page)
                for page in (MEMORY, SYSTEM, SSE)
            ],
            places={},
            services={"relay": service.url},
            secrets={
                "RAILWAY_TOKEN": "railway-token-of-a-test",
                "SLACK_TOKEN": "slack-token-of-a-test",
                "PAGERDUTY_SECURITY_KEY": "pagerduty-key-of-a-test",
                "RELAY_USER_TOKENS": "\n".join(f"user-token-{number}" for number in range(5)),
            },
            path=state.parent,
            target=lambda: state.read_text().strip(),
            sicken=lambda: _sick(service),
        )


def _well(service: Exposed) -> None:
    service.counts("sse_total", STREAMS, SSE)
    service.counts("sse_complete_total", STREAMS, SSE)
    service.counts("sse_stream_complete_total", STREAMS, SSE)
    service.counts("sse_stream_timeout_total", 0, SSE)
    service.is_at("sse_bytes_transmitted", 1e6, SSE)
    service.takes("ttfv_ms", 400, STREAMS, MILLISECONDS, MEMORY)
    service.takes("memory_ann_query_latency_ms", 60, STREAMS, MILLISECONDS, MEMORY)
    for name in ("rls_policy_errors", "cross_tenant_attempts", "rerank_skipped", "rerank_timeout"):
        service.counts(f"memory_{name}_total", 0, MEMORY)
    service.counts("memory_rerank_total", STREAMS, MEMORY)
    service.counts("memory_queries_filtered_by_user_hash", STREAMS, MEMORY)
    service.is_at("memory_chunks_row_count", 12_000, MEMORY)
    service.is_at("db_connection_pool_utilization", 35, SYSTEM)
    service.takes("db_query_latency_ms", 20, STREAMS, MILLISECONDS, SYSTEM)


def _sick(service: Exposed) -> None:
    service.counts("sse_complete_total", STREAMS * 0.9, SSE)


relay = Played(
    "relay-r1",
    runs,
    shares={"5%": "main:5,r0.5-hotfix:95", "100%": "main:100,r0.5-hotfix:0"},
    before=STABLE,
    sick_in="5%",
    pages=frozenset({"RelayR1SseSuccessCritical"}),
    stages=10,
)
