"""How far a move of the storage has come, in a file of its own: what a killed move goes on from."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from vividflow.errors import Problem


@dataclass(frozen=True, kw_only=True)
class Mark:
    """All keys up to `after` are done in this round. `spoilt`: another file lies under some key at the destination."""

    round: int = 1
    after: str = ""
    spoilt: bool = False


class MoveFolder:
    """`DATA_DIR/moves`, held by one move at a time: its mark, and room for files on their way."""

    def __init__(self, data_dir: Path, source: str, target: str) -> None:
        self._folder = data_dir / "moves"
        digest = hashlib.sha256(f"{source}\n{target}".encode()).hexdigest()[:16]
        self._mark = self._folder / f"{digest}.json"
        self.parts = self._folder / "parts"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While this lasts nobody else moves. Raises `Problem` 409."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Problem(409, "busy", "Another move is at work on this machine.") from None
            shutil.rmtree(self.parts, ignore_errors=True)
            self.parts.mkdir(mode=0o700)
            try:
                yield
            finally:
                shutil.rmtree(self.parts, ignore_errors=True)

    def read(self) -> Mark:
        """Where to go on: at the very beginning when nothing is known."""
        try:
            return Mark(**json.loads(self._mark.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return Mark()

    def keep(self, mark: Mark) -> None:
        """Write it, whole or not at all. An older one costs time when it is gone on from, never a file."""
        fresh = self._mark.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as out:
            json.dump(asdict(mark), out)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(self._mark)

    def forget(self) -> None:
        """Begin anew the next time."""
        self._mark.unlink(missing_ok=True)
