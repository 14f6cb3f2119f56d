"""What aurigraph and its machines export: names, scoped to its own scrape jobs."""

BUCKETS = [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 2, 5]


def own(metric: str, matchers: str = "") -> str:
    """A metric of aurigraph's own scrape jobs, and of no other service's."""
    return f'{metric}{{job=~"aurigraph(-.+)?"{"," if matchers else ""}{matchers}}}'


def machine(metric: str, matchers: str = "") -> str:
    """A metric of node_exporter on aurigraph's machines."""
    return f'{metric}{{job="aurigraph-node"{"," if matchers else ""}{matchers}}}'


def database(metric: str) -> str:
    """A metric of postgres_exporter beside aurigraph's database."""
    return f'{metric}{{job="aurigraph-db"}}'


def ci(metric: str, matchers: str = "") -> str:
    """What mtail makes of the lines that aurigraph's pipeline writes: see _aurigraph_sources.py."""
    return f'{metric}{{job="aurigraph-ci"{"," if matchers else ""}{matchers}}}'


def asked(frontend: str) -> str:
    """What HAProxy was asked for at a frontend, whether or not anybody answered."""
    return f'haproxy_frontend_http_requests_total{{job="aurigraph-haproxy",proxy="{frontend}"}}'


def answered(frontend: str, code: str = "") -> str:
    """What HAProxy answered at a frontend: what its servers said, and its own 502 to 504 where none said anything."""
    which = f',code="{code}"' if code else ""
    return f'haproxy_frontend_http_responses_total{{job="aurigraph-haproxy",proxy="{frontend}"{which}}}'


DISKS = 'fstype!~"tmpfs|ramfs|overlay|squashfs"'
BUSY = 'mode=~"user|nice|system|irq|softirq|steal"'
REQUESTS, DURATION = "http_requests_total", "http_request_duration_seconds"
GRPC, GRPC_DURATION = "grpc_requests_total", "grpc_request_duration_seconds"
TESTS, STEPS = "build_tests_total", "build_step_duration_seconds"
SUCCEEDED, PASSED = 'result="success"', 'result="passed"'
FAILED, SERVED = own(REQUESTS, 'status=~"[45].."'), own(REQUESTS, 'status!~"[45].."')
