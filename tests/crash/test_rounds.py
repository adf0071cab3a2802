"""Killed for real: nothing lost, nothing paid twice. `make crash` plays the long version."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import databases
from tests.crash.house import house
from tests.crash.rounds import play
from tests.crash.server import Server
from tests.simulators.clips import clip
from tests.simulators.replicate import ReplicateSimulator

# Two cores shared with every other test: a start may take its time here; `make crash` holds it to 5 s.
SLOW_MACHINE = 30.0


@pytest.mark.timeout(420)
@pytest.mark.parametrize("database", databases.KINDS)
def test_six_kills_lose_nothing_and_pay_nothing_twice(database: str, tmp_path: Path) -> None:
    figures = play(rounds=6, jobs=24, database=database, folder=tmp_path, seed=os.getpid(), ready_within=SLOW_MACHINE)
    assert figures["ended"] == {"completed": 24}
    assert (figures["paid_twice"], figures["lost"]) == (0, 0)


@contextmanager
def _house(folder: Path, provider: ReplicateSimulator, database: str, **more: str) -> Iterator[tuple[Server, str]]:
    folder.mkdir(exist_ok=True)
    with house(folder, provider, DATABASE_URL=databases.fresh(database, folder), **more) as opened:
        yield opened


def _place(server: Server, key: str, count: int, **wish: object) -> list[str]:
    asked = {"model": "wan2.2", "duration": 5, "resolution": "480p"} | wish
    return [
        server.insist("POST", "/api/v1/generate", asked | {"prompt": f"clip number {n}"}, key)["job_id"]
        for n in range(count)
    ]


def _until_logged(log: Path, words: str, times: int, within: float = 60.0) -> None:
    end = time.monotonic() + within
    while log.read_text().count(words) < times:
        assert time.monotonic() < end, log.read_text()[-2000:]
        time.sleep(0.05)


def _statuses(server: Server, key: str, ids: list[str]) -> list[str]:
    return [server.call("GET", f"/api/v1/status/{job_id}", key=key)[1]["status"] for job_id in ids]


def _until_completed(server: Server, key: str, ids: list[str], within: float = 120.0) -> None:
    end = time.monotonic() + within
    while set(_statuses(server, key, ids)) != {"completed"}:
        assert time.monotonic() < end, _statuses(server, key, ids)
        time.sleep(0.2)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("database", databases.KINDS)
def test_sigterm_with_jobs_in_every_state_ends_well_and_everything_goes_on(database: str, tmp_path: Path) -> None:
    provider = ReplicateSimulator(movie=clip(0.5), generation_seconds=3.0).start()
    try:
        with _house(tmp_path / "house", provider, database) as (server, key):
            ids = _place(server, key, 6) + _place(server, key, 2, model="local", duration=4)
            time.sleep(1.5)
            code, seconds = server.term()
            assert (code, seconds < 10) == (0, True), seconds
            server.start()
            _until_completed(server, key, ids)
            assert server.term()[0] == 0
        assert provider.paid == 6
    finally:
        provider.stop()


@pytest.mark.timeout(240)
def test_two_servers_on_one_data_folder_pay_once_a_job(tmp_path: Path) -> None:
    provider = ReplicateSimulator(movie=clip(0.5), generation_seconds=0.5).start()
    try:
        with _house(tmp_path / "house", provider, "sqlite") as (first, key):
            second = Server(folder=first.folder, environment=first.environment)
            second.start()
            try:
                ids = _place(first, key, 5) + _place(second, key, 5)
                _until_completed(first, key, ids)
                first.kill()
                more = _place(second, key, 3)
                _until_completed(second, key, more)
            finally:
                assert second.term()[0] == 0
        assert provider.paid == 13
        assert provider.state()["paid_twice"] == 0
    finally:
        provider.stop()


@pytest.mark.timeout(300)
def test_two_workers_on_postgresql_and_one_frozen_past_its_lease_pay_once_a_job(tmp_path: Path) -> None:
    provider = ReplicateSimulator(movie=clip(0.5), generation_seconds=0.5, latency=0.05).start()
    workers: list[subprocess.Popen[bytes]] = []
    try:
        with _house(tmp_path / "house", provider, "postgresql", EMBEDDED_WORKER="false", LEASE_SECONDS="3") as (
            server,
            key,
        ):
            for _ in range(2):
                workers.append(server.spawn("job_queue.py", "worker.log"))
            _until_logged(server.folder / "worker.log", "worker started", 2)
            ids = _place(server, key, 12)
            time.sleep(0.4)
            workers[0].send_signal(signal.SIGSTOP)
            ids += _place(server, key, 8)
            time.sleep(5)
            workers[0].send_signal(signal.SIGCONT)
            _until_completed(server, key, ids, within=200)
            for worker in workers:
                worker.terminate()
            assert [worker.wait(30) for worker in workers] == [0, 0]
        assert provider.paid == 20
        assert provider.state()["paid_twice"] == 0
    finally:
        for worker in workers:
            worker.kill()
            worker.wait(10)
        provider.stop()
