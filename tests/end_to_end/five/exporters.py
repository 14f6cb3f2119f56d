"""Debian's exporters, each at an address that Prometheus was told before: mtail, sql_exporter, and those of databases."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
import servers


def mtail(folder: Path, program: Path, logs: Sequence[Path], address: str) -> AbstractContextManager[object]:
    """mtail with a generated program, reading these logs."""
    host, port = address.split(":")
    argv: list[str | Path] = ["mtail", "--progs", program, "--address", host, "--port", port]
    argv += [part for log in logs for part in ("--logs", str(log))]
    argv += ["--emit_prog_label=false", "--logtostderr", "--poll_interval=100ms", "--poll_log_interval=100ms"]
    return _exporter("mtail", argv, folder, address)


def sql_exporter(folder: Path, config: Path, address: str) -> AbstractContextManager[object]:
    """sql_exporter with a generated configuration."""
    argv: list[str | Path] = ["prometheus-sql-exporter", "-config.file", config]
    return _exporter("sql-exporter", [*argv, "-web.listen-address", address], folder, address)


def redis_exporter(folder: Path, redis: str, address: str) -> AbstractContextManager[object]:
    """redis_exporter, asking the Redis at `redis`."""
    argv: list[str | Path] = ["prometheus-redis-exporter", "-redis.addr", f"redis://{redis}"]
    return _exporter("redis-exporter", [*argv, "-web.listen-address", address], folder, address)


def postgres_exporter(folder: Path, database: str, address: str) -> AbstractContextManager[object]:
    """postgres_exporter, which says whether the database at `database` is there."""
    argv: list[str | Path] = ["prometheus-postgres-exporter", "--web.listen-address", address]
    argv += ["--disable-default-metrics", "--disable-settings-metrics"]
    env = {"DATA_SOURCE_NAME": f"postgres://handrail@{database}/postgres?sslmode=disable"}
    return _exporter("postgres-exporter", argv, folder, address, env)


def node_exporter(folder: Path, address: str, machine: Path | None = None) -> AbstractContextManager[object]:
    """node_exporter, which says what the machine does; with `machine` what that folder says instead of /proc."""
    argv: list[str | Path] = ["prometheus-node-exporter", "--web.listen-address", address]
    argv += ["--collector.disable-defaults"]
    argv += [f"--collector.{name}" for name in ("cpu", "meminfo", "filesystem")]
    argv += [f"--path.procfs={machine}"] if machine else []
    return _exporter("node-exporter", argv, folder, address)


@contextmanager
def calm_machine(folder: Path) -> Iterator[Path]:
    """A folder like /proc of a machine with 8 GB that has little to do: the one that runs the test may be busy."""
    (folder / "1").mkdir(parents=True)
    (folder / "1/mounts").write_text("/dev/vda1 / ext4 rw 0 0\n")
    (folder / "meminfo").write_text("MemTotal: 8000000 kB\nMemFree: 5000000 kB\nMemAvailable: 6000000 kB\n")
    began = time.monotonic()

    def runs() -> None:
        ticks = 100 * (time.monotonic() - began)  # a hundredth of a second each: user, nice, system, idle
        line = f"{0.1 * ticks:.0f} 0 {0.1 * ticks:.0f} {0.8 * ticks:.0f} 0 0 0 0 0 0\n"
        new = folder / "stat.new"
        new.write_text(f"cpu  {line}cpu0 {line}")
        new.rename(folder / "stat")

    runs()
    with again_and_again(runs, every=0.1):
        yield folder


@contextmanager
def redis(folder: Path) -> Iterator[servers.Server]:
    """A Redis that may use 100 MB."""
    address = servers.free_address()
    host, port = address.split(":")
    argv: list[str | Path] = ["redis-server", "--bind", host, "--port", port, "--save", ""]

    def ready() -> bool:
        return "ready to accept connections" in (folder / "redis.log").read_text(errors="replace").lower()

    argv += ["--maxmemory", "100mb"]
    with servers.running("redis", argv, folder=folder, address=address, ready=ready) as server:
        yield server


def connected(database: servers.Server) -> psycopg.Connection[tuple[object, ...]]:
    """A connection of the superuser that commits each statement."""
    host, port = database.address.split(":")
    return psycopg.connect(host=host, port=port, user="handrail", dbname="postgres", autocommit=True)


@contextmanager
def again_and_again(does: Callable[[], None], every: float = 0.2) -> Iterator[None]:
    """Something is done every so many seconds, in a thread, until the block ends."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(every):
            does()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _exporter(
    name: str, argv: Sequence[str | Path], folder: Path, address: str, env: dict[str, str] | None = None
) -> AbstractContextManager[object]:
    def ready() -> bool:
        return servers.answers(f"http://{address}/metrics")

    return servers.running(name, argv, folder=folder, address=address, ready=ready, env=env)
