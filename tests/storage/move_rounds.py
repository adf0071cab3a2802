"""Moves broken off by kill -9: `python -m tests.storage.move_rounds --breaks 10 --films 60`.

From a folder to moto's S3 and to the emulator of Google's storage, through a gate that counts what is stored. Each break falls
into a put: before it, in the middle, or after it with the answer lost. In the end everything must be there by its hash, put once.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from tests.installation import a_user, migrated
from tests.simulators.buckets import CREDENTIALS
from tests.storage import emulators
from tests.storage.gate import MOMENTS, Gate
from tests.storage.shelves import put, shelve
from vividflow.config import Settings
from vividflow.storage.catalog import open_bare
from vividflow.storage.local import LocalStorage

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "library"
LARGE = 9 * 1024 * 1024
"""Goes up in pieces."""
RUN_SECONDS = 300


@dataclass(kw_only=True)
class Round:
    """What one play gave."""

    target: str
    files: int
    megabytes: float
    breaks: int
    there: int
    unlike: int
    twice: int
    puts: int
    seconds: float


def play(scheme: str, *, breaks: int, films: int, folder: Path, seed: int) -> Round:
    """One whole play. Raises `AssertionError` when a run that nobody breaks does not end well."""
    chance = random.Random(seed)
    data = folder / "data"
    settings = Settings.from_environment(None, data_dir=data, storage_url=f"file://{data / 'media'}")
    held = _library(settings, folder, films, chance)
    began = time.monotonic()
    with _emulator(scheme) as url:
        gate = Gate(url, PREFIX)
        try:
            broken = _broken_runs(scheme, gate, settings, breaks, len(held), chance)
            done = _run(scheme, gate, settings)
            said = done.communicate(timeout=RUN_SECONDS)
            assert done.returncode == 0, said
            seconds = time.monotonic() - began
            there, unlike = _compared(scheme, gate, settings, held)
            return Round(
                target={"s3": "S3 (moto)", "gs": "Google (emulator)"}[scheme],
                files=len(held),
                megabytes=round(sum(len(body) for body in held.values()) / 1e6, 1),
                breaks=broken,
                there=there,
                unlike=unlike,
                twice=sum(count > 1 for key, count in gate.stored.items() if key in held),
                puts=sum(count for key, count in gate.stored.items() if key in held),
                seconds=round(seconds, 1),
            )
        finally:
            gate.close()


def _library(settings: Settings, folder: Path, films: int, chance: random.Random) -> dict[str, bytes]:
    db, storage, held = migrated(settings), LocalStorage(settings.data_dir / "media"), {}
    user = a_user(db)
    for number in range(films):
        body = chance.randbytes(LARGE if number == films // 2 else chance.randrange(1, 60_000))
        for file, content in shelve(db, user.id, body, chance.randbytes(chance.randrange(1, 5_000))):
            put(storage, folder, file.key, content, file.mime)
            held[file.key] = content
    db.close()
    return held


def _broken_runs(scheme: str, gate: Gate, settings: Settings, breaks: int, files: int, chance: random.Random) -> int:
    for number in range(breaks):
        done = _run(scheme, gate, settings)
        gate.breaker = done.kill
        gate.arm(chance.randint(1, max(1, files // (breaks + 1))), MOMENTS[number % len(MOMENTS)])
        _, said = done.communicate(timeout=RUN_SECONDS)
        gate.breaker = lambda: None
        assert done.returncode == -9, f"run {number} ended with {done.returncode} before its break: {said}"
    return breaks


def _run(scheme: str, gate: Gate, settings: Settings) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")} | CREDENTIALS
    environment |= {"DATA_DIR": str(settings.data_dir), "STORAGE_URL": settings.storage, "LOG_FORMAT": "json"}
    environment |= {"STORAGE_EMULATOR_HOST" if scheme == "gs" else "AWS_ENDPOINT_URL_S3": gate.url}
    command = [sys.executable, "-m", "flask", "--app", "web_app", "storage", "move", _address(scheme)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)


def _compared(scheme: str, gate: Gate, settings: Settings, held: dict[str, bytes]) -> tuple[int, int]:
    """How many of the files are there, and how many of those are not the same, byte for byte."""
    name = "storage_emulator_host" if scheme == "gs" else "aws_endpoint_url_s3"
    more = {"storage_url": _address(scheme), name: gate.url}
    target = open_bare(settings.model_copy(update=more))
    try:
        keys = {each.key for each in target.list("users")}
        unlike = 0
        for key in keys & held.keys():
            digest = hashlib.sha256(b"".join(target.open_range(key))).digest()
            unlike += digest != hashlib.sha256(held[key]).digest()
        return len(keys & held.keys()), unlike + len(keys - held.keys())
    finally:
        target.close()


def _address(scheme: str) -> str:
    return f"{scheme}://{emulators.BUCKET}/{PREFIX}"


def _emulator(scheme: str) -> AbstractContextManager[str]:
    return emulators.google_emulator() if scheme == "gs" else emulators.amazon_emulator()


def main() -> int:
    """Play both, print the table; 1 when anything was not as it must be."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--breaks", type=int, default=10)
    words.add_argument("--films", type=int, default=60)
    words.add_argument("--seed", type=int, default=random.randrange(10_000))
    given = words.parse_args()
    os.environ |= CREDENTIALS
    print(f"seed {given.seed}")
    print("| to | files | MB | broken off by kill -9 | there | unlike | puts | put twice | seconds |")
    print("|---|---|---|---|---|---|---|---|---|")
    good = True
    for scheme in ("s3", "gs"):
        with tempfile.TemporaryDirectory() as folder:
            one = play(scheme, breaks=given.breaks, films=given.films, folder=Path(folder), seed=given.seed)
        print(
            f"| {one.target} | {one.files} | {one.megabytes} | {one.breaks} | {one.there} | {one.unlike} | {one.puts} "
            f"| {one.twice} | {one.seconds} |",
            flush=True,
        )
        good = good and (one.there, one.unlike, one.twice, one.breaks) == (one.files, 0, 0, given.breaks)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
