"""The harness itself: servers are ready when the block begins, and nothing of them is left when it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import httpx
import pytest
from servers import (
    Missing,
    NotReady,
    alertmanager,
    ask_haproxy,
    free_address,
    frozen,
    haproxy,
    haproxy_servers,
    is_running,
    kill,
    process,
    program,
    prometheus,
    running,
    until,
)

HAPROXY = """
global
    stats socket unix@haproxy.sock level admin
defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
backend web
    server stable 127.0.0.1:9 weight 90
    server canary 127.0.0.1:9 weight 10
"""
ALERTMANAGER = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
SLEEPING_PARENT = """
import signal, sys, time
from functools import cache
from pathlib import Path
from servers import free_address, running
signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell runs in the background ignores it
sleeps = [sys.executable, "-c", "import time; time.sleep(600)"]
with running("child", sleeps, folder=Path(sys.argv[1]), address=free_address(), ready=lambda: True) as child:
    print(child.process.pid, flush=True)
    time.sleep(600)
"""


def test_prometheus_answers_while_the_block_lasts_and_is_gone_after_it(tmp_path: Path) -> None:
    config = tmp_path / "prometheus.yml"
    config.write_text("global: {scrape_interval: 1s}\n")
    with prometheus(tmp_path, config) as server:
        assert httpx.get(f"{server.url}/api/v1/query", params={"query": "1"}).json()["status"] == "success"
    assert not is_running(server.process.pid)


def test_alertmanager_answers_while_the_block_lasts_and_is_gone_after_it(tmp_path: Path) -> None:
    config = tmp_path / "alertmanager.yml"
    config.write_text(ALERTMANAGER)
    with alertmanager(tmp_path, config) as server:
        assert httpx.get(f"{server.url}/api/v2/alerts").json() == []
    assert not is_running(server.process.pid)


def test_haproxy_takes_a_weight_through_its_socket_even_when_the_folder_has_a_long_name(
    tmp_path: Path,
) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    config = folder / "haproxy.cfg"
    config.write_text(HAPROXY)
    with haproxy(folder, config) as server:
        ask_haproxy(folder / "haproxy.sock", "set weight web/canary 0")
        weights = {name: row["weight"] for name, row in haproxy_servers(folder / "haproxy.sock").items()}
    assert weights == {"web/stable": "90", "web/canary": "0"}
    assert not is_running(server.process.pid)


def test_a_server_that_cannot_start_shows_its_own_last_words(tmp_path: Path) -> None:
    config = tmp_path / "prometheus.yml"
    config.write_text("no_such_setting: 1\n")
    with (
        pytest.raises(NotReady, match="prometheus ended before it was ready") as refusal,
        prometheus(tmp_path, config),
    ):
        pass
    assert "no_such_setting" in "".join(refusal.value.__notes__)


def test_an_error_in_the_block_shows_what_the_server_said(tmp_path: Path) -> None:
    talks = [sys.executable, "-uc", "import time; print('I was here'); time.sleep(600)"]
    log = tmp_path / "talker.log"
    with (
        pytest.raises(ValueError, match="wrong") as error,
        running(
            "talker",
            talks,
            folder=tmp_path,
            address=free_address(),
            ready=lambda: "here" in log.read_text(),
        ),
    ):
        raise ValueError("wrong")
    assert error.value.__notes__ == [f"--- the end of {log}\nI was here"]


def test_a_server_that_is_never_ready_is_given_up_in_time(tmp_path: Path) -> None:
    sleeps = [sys.executable, "-c", "import time; time.sleep(600)"]
    with (
        pytest.raises(NotReady, match=r"waited 0\.2 s for sleeper to be ready"),
        running("sleeper", sleeps, folder=tmp_path, address=free_address(), ready=lambda: False, within=0.2),
    ):
        pass


def test_all_that_a_server_started_ends_with_it_even_what_does_not_listen_to_sigterm(
    tmp_path: Path,
) -> None:
    script = "trap '' TERM; sleep 600 & echo $! > child; wait; wait"
    child = tmp_path / "child"
    with running(
        "stubborn", ["sh", "-c", script], folder=tmp_path, address=free_address(), ready=child.exists
    ) as server:
        until(lambda: child.read_text().strip() != "", "the child's number")
        kill(server)
    until(lambda: not is_running(int(child.read_text())), "the child to end")


@pytest.mark.parametrize("last_signal", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_server_does_not_outlive_us(tmp_path: Path, last_signal: signal.Signals) -> None:
    argv = [sys.executable, "-c", SLEEPING_PARENT, str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(
        argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_running(child)
        parent.send_signal(last_signal)
    until(lambda: not is_running(child), "the server to end")


def test_what_is_frozen_has_no_thread_that_runs_and_goes_on_afterwards(tmp_path: Path) -> None:
    busy = (
        "import threading, time\nfor _ in range(50): threading.Thread(target=time.sleep, args=(600,)).start()"
    )
    argv = [sys.executable, "-c", f"{busy}\nopen('ready', 'w').close()"]
    ready = (tmp_path / "ready").exists
    with running("busy", argv, folder=tmp_path, address=free_address(), ready=ready) as server:
        tasks = Path(f"/proc/{server.process.pid}/task")

        def states() -> set[str]:
            return {(one / "stat").read_text().rpartition(")")[2].split()[0] for one in tasks.iterdir()}

        with frozen(server.process.pid):
            assert (len(list(tasks.iterdir())), states()) == (51, {"T"})
        until(lambda: states() == {"S"}, "all threads to go on")


def test_a_program_that_is_not_there_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("servers.process.PACKAGES", {"no-such-program": "no-such-package"})
    with pytest.raises(Missing, match=r"^no-such-program is not installed; apt-get install no-such-package$"):
        program("no-such-program")


def test_no_port_is_given_twice_to_one_worker_or_to_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was given one may not listen on it yet."""
    given: list[str] = []
    for worker in ("gw0", "gw1"):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "2")
        monkeypatch.setattr("servers.process._own_ports", cache(process._own_ports.__wrapped__))
        given += [free_address() for _ in range(2000)]
    assert len(set(given)) == 4000
