"""How the app is served: real processes, real signals, slow clients."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vividflow.commands.serve import Server, address
from vividflow.config import Settings

ROOT = Path(__file__).parents[2]
SOON = 10.0  # seconds that nothing here comes near
START = """
from vividflow.commands.serve import run
from vividflow.config import Settings
run(Settings.from_environment(env_file=None, port=0), "tests.commands.serving_app:app")
"""


class Serving:
    """`run()` in a process of its own, on a port of its own."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.log = folder / "stderr"
        with self.log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-c", START],
                cwd=ROOT,
                env=os.environ | environment,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        end = time.monotonic() + SOON
        while not (listening := re.search(rb"Listening at: http://127\.0\.0\.1:(\d+)", self.log.read_bytes())):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end
            time.sleep(0.01)
        self.port = int(listening[1])
        self.worker = int(json.loads(self.get("/status"))["worker"])

    def get(self, path: str, *, data: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=data, headers=headers or {})
        with urllib.request.urlopen(request, timeout=SOON) as answer:
            return answer.read()

    def connect(self, say: bytes = b"") -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=SOON)
        sock.sendall(say)
        return sock

    def open_stream(self) -> socket.socket:
        sock = self.connect(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        read_until(sock, b'"present"\n\n')
        return sock

    def until(self, **counts: int) -> None:
        """Return when the app holds so many connections (`n`) or is at so many slow requests (`slow`)."""
        end = time.monotonic() + SOON
        while (now := json.loads(self.get("/status"))) | counts != now:
            assert time.monotonic() < end, (now, counts)

    def wait(self) -> int:
        return self.process.wait(SOON)

    def end(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def read_until(sock: socket.socket, mark: bytes) -> bytes:
    got = b""
    while mark not in got:
        data = sock.recv(65536)
        assert data, got
        got += data
    return got


def read_to_end(sock: socket.socket) -> bytes:
    with sock:
        got = b""
        while data := sock.recv(65536):
            got += data
    return got


class Asking(threading.Thread):
    """One request in a thread; `answer` after `join`."""

    def __init__(self, ask: Callable[[], bytes]) -> None:
        super().__init__()
        self.ask = ask
        self.answer = b""
        self.start()

    def run(self) -> None:
        self.answer = self.ask()

    def result(self) -> bytes:
        self.join(SOON)
        return self.answer


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    servers: list[Serving] = []

    def start(**environment: str) -> Serving:
        folder = tmp_path / str(len(servers))
        folder.mkdir()
        servers.append(Serving(folder, environment))
        return servers[-1]

    yield start
    for server in servers:
        server.end()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    server = Serving(tmp_path_factory.mktemp("server"), {"TEST_PATIENCE_SECONDS": "0.5"})
    yield server
    server.end()


# ---- serving


def test_more_streams_than_threads_leave_room_for_everything_else(server: Serving) -> None:
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(server.open_stream()) for _ in range(40)]
        waits = [Asking(lambda: server.get("/wait")), Asking(lambda: server.get("/wait", data=b"x" * 1000))]
        server.until(n=42)
        server.get("/fire", data=b"")
        for stream in streams:
            read_until(stream, b'"fired"\n\n')
        assert re.fullmatch(rb"read 0, events \d+", waits[0].result())
        assert re.fullmatch(rb"read 1000, events \d+", waits[1].result())
    server.until(n=0)


def test_silent_connections_take_no_thread(server: Serving) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(server.connect())
        began = time.monotonic()
        server.get("/status")
        assert time.monotonic() - began < 2


def test_clients_that_do_not_close_hold_up_nobody(server: Serving) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            one = stack.enter_context(server.connect(b"GET /status HTTP/1.0\r\n\r\n"))
            read_until(one, b"\r\n\r\n")
        began = time.monotonic()
        server.get("/status")
        assert time.monotonic() - began < 1


def test_a_request_that_stops_arriving_is_given_up(server: Serving) -> None:
    with contextlib.ExitStack() as stack:
        for part in (b"GET /status HTTP/1.1\r\nHos", b"POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx"):
            for _ in range(16):
                stack.enter_context(server.connect(part))
        assert json.loads(server.get("/status"))["worker"] == server.worker


def test_forwarded_headers_change_nothing_below_the_app(server: Serving) -> None:
    answer = json.loads(server.get("/status", headers={"X-Forwarded-Proto": "https", "X-Forwarded-Ssl": "on"}))
    assert answer["scheme"] == "http"


def test_a_file_is_sent_whole(server: Serving) -> None:
    assert server.get("/file") == (ROOT / "tests/commands/serving_app.py").read_bytes()


def test_large_headers_are_refused(server: Serving) -> None:
    say = b"GET /status HTTP/1.1\r\nHost: x\r\nX-Large: " + b"x" * 9000 + b"\r\n\r\n"
    assert read_to_end(server.connect(say)).startswith(b"HTTP/1.1 431 ")


# ---- ending


def test_a_signal_answers_everything_and_exits_0(serve: Callable[..., Serving]) -> None:
    server = serve()
    streams = [server.open_stream() for _ in range(30)]
    slow = Asking(lambda: server.get("/slow?seconds=1.5"))
    wait = Asking(lambda: server.get("/wait"))
    server.until(n=31, slow=1)
    silent = server.connect()
    server.process.terminate()
    assert all(read_to_end(stream).endswith(b"retry: 1000\n\n") for stream in streams)
    assert wait.result().startswith(b"read 0, events ")
    assert slow.result() == b"slow"
    assert server.wait() == 0
    assert server.process.stdout is not None
    assert server.process.stdout.read() == b"house closed\n"
    silent.close()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_the_whole_group_is_one_wish(serve: Callable[..., Serving], sent: signal.Signals) -> None:
    server = serve()
    slow = Asking(lambda: server.get("/slow?seconds=0.5"))
    server.until(slow=1)
    os.killpg(server.process.pid, sent)
    assert slow.result() == b"slow"
    assert server.wait() == 0


def test_a_request_that_does_not_end_does_not_hold_the_exit(serve: Callable[..., Serving]) -> None:
    server = serve(TEST_DRAIN_SECONDS="1")
    with server.connect(b"GET /slow?seconds=60 HTTP/1.1\r\nHost: x\r\n\r\n"):
        server.until(slow=1)
        server.process.terminate()
        assert server.wait() == 0


def test_a_second_signal_ends_everything_at_once(serve: Callable[..., Serving]) -> None:
    server = serve(TEST_STOP_SECONDS="60")
    server.process.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        server.process.wait(0.5)
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(2) == 128 + signal.SIGINT
    assert_gone(server)


def test_a_killed_master_takes_its_worker_along(serve: Callable[..., Serving]) -> None:
    server = serve()
    with server.open_stream():
        server.process.kill()
        server.wait()
        assert_gone(server)


def test_a_killed_worker_is_replaced(serve: Callable[..., Serving]) -> None:
    server = serve()
    os.kill(server.worker, signal.SIGKILL)
    assert json.loads(server.get("/status"))["worker"] != server.worker


def test_there_is_one_worker_whatever_gunicorn_is_told(serve: Callable[..., Serving]) -> None:
    server = serve()
    for one in (signal.SIGTTIN, signal.SIGUSR2):
        server.process.send_signal(one)
    server.process.send_signal(signal.SIGUSR1)  # reopens logs, and is handled after those
    time.sleep(0.3)
    assert server.log.read_bytes().count(b"Booting worker") == 1
    server.process.terminate()
    assert server.wait() == 0


def assert_gone(server: Serving) -> None:
    """No process of the server lives and its port is free, within a second."""
    end = time.monotonic() + 1
    while True:
        try:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", server.port))
            return
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.01)


# ---- configuration


def test_the_configuration_is_what_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    settings = Settings.from_environment(env_file=None, host="::1", port=8123, log_level="warning")
    cfg = Server(settings, "tests.commands.serving_app:app").cfg
    assert cfg is not None
    assert (cfg.bind, cfg.workers, cfg.loglevel) == (["[::1]:8123"], 1, "warning")
    assert cfg.sendfile is True
    assert cfg.forwarded_allow_ips == []
    assert cfg.control_socket_disable is True
    assert address(Settings.from_environment(env_file=None, host="0.0.0.0", port=1)) == "0.0.0.0:1"
