"""A house for benchmarks: tools on a fresh SQLite file, a person, and tables whose outside steps do nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from vividflow.config import Settings
from vividflow.db.migrate import ensure_schema
from vividflow.lifecycle import kinds
from vividflow.lifecycle.answers import Advance, Answer
from vividflow.lifecycle.ordering import closed, order_of
from vividflow.lifecycle.tools import Tools, build_tools
from vividflow.records import ledger, users
from vividflow.records.jobs import Job
from vividflow.records.users import User
from vividflow.timing import new_id, now


@contextmanager
def house(**settings: object) -> Iterator[tuple[Tools, User]]:
    """Tools and a person in a folder of their own, on the disk of this machine."""
    folder = Path(tempfile.mkdtemp(prefix="vf-bench-"))
    tools = build_tools(Settings.from_environment(None, data_dir=folder, **settings))
    try:
        ensure_schema(tools.db, folder)
        person = User(
            id=new_id(),
            email="bench@example.com",
            name="Bench",
            password_hash=None,
            role="user",
            time_zone="UTC",
            theme="system",
            webhook_secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            created_at=now(),
        )
        with tools.db.transaction() as connection:
            users.insert(connection, person)
            ledger.open_account(connection, person.id)
        yield tools, person
    finally:
        tools.decoder.close()
        tools.db.close()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def unlimited(submits_per_second: float = 10_000, providers: tuple[str, ...] = ("replicate",)) -> Iterator[Path]:
    """A registry file with other rates: one account allows a few submits a second, a benchmark stands for many."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as models:
        for name in providers:
            models.write(f"[providers.{name}]\nreads_per_minute = 600000\nconcurrency = 100000\n")
            models.write(f"submits_per_minute = {submits_per_second * 60:.0f}\n")
        models.flush()
        yield Path(models.name)


@contextmanager
def table(kind: str, **steps: object) -> Iterator[None]:
    """For a while, states of a kind have other steps: only a benchmark can ask for that."""
    kept = kinds.KINDS[kind]
    kinds.KINDS[kind] = {
        name: replace(state, step=steps[name], on_error=None) if name in steps else state
        for name, state in kept.items()
    }  # pyright: ignore[reportArgumentType]
    try:
        yield
    finally:
        kinds.KINDS[kind] = kept


def skip_to(state: str):
    """A step that goes straight on."""

    def step(_job: Job, _tools: Tools) -> Answer:
        return Advance(to=state)

    return step


def end_without_media(job: Job, tools: Tools) -> Answer:
    """A finish that proves and stores nothing, but ends the order and the job."""
    order = order_of(job, tools)
    return Advance(to="completed", changes={"result": {}, "cost": 0}, writes=(closed(order, "done", now()),))
