"""Where lines go: stderr, and LOG_FILE."""

from __future__ import annotations

import logging
import logging.handlers
import os
import sys
from contextlib import nullcontext, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from vividflow.logs.lines import formatter


class Ours(logging.Handler):
    """What `set_up` made. The library prints a record that cannot be formatted as it is, secrets and all; here it does not."""

    as_text: bool

    def write(self, line: str) -> None:
        """Write a finished line."""
        with self.lock or nullcontext():
            try:
                self.put(line)
            except (OSError, ValueError):  # a full disk, a closed stream
                self.lost("the access log")

    def put(self, line: str) -> None:
        """Put a finished line where this handler's lines go."""
        raise NotImplementedError

    def handleError(self, record: logging.LogRecord) -> None:
        """Say that a line was lost and which one."""
        self.lost(f"{record.pathname}:{record.lineno}")

    def lost(self, where: str) -> None:
        """Say that the error at hand cost a line."""
        kind = sys.exc_info()[0]
        if kind is not None and sys.stderr is not None:
            with suppress(OSError, ValueError):
                sys.stderr.write(f'{{"level": "error", "event": "a log line was lost: {kind.__name__} at {where}"}}\n')


class Stderr(Ours, logging.StreamHandler[TextIO]):
    """Writes to whatever stderr is at that moment."""

    def __init__(self, as_text: bool) -> None:
        logging.Handler.__init__(self)
        self.as_text = as_text
        self.setFormatter(formatter(as_text))

    @property
    def stream(self) -> TextIO:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The present stderr."""
        return sys.stderr

    def put(self, line: str) -> None:
        """To stderr."""
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


class File(Ours, logging.handlers.WatchedFileHandler):
    """LOG_FILE: for its owner's eyes, opened anew after it was rotated away; a full disk loses lines, never a request."""

    def __init__(self, file: Path, as_text: bool) -> None:
        super().__init__(file, encoding="utf-8", delay=True)
        self.as_text = as_text
        self.setFormatter(formatter(as_text))

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)

    def put(self, line: str) -> None:
        """To the file."""
        self.reopenIfNeeded()
        if self.stream is None:
            self.stream = self._open()
            self._statstream()
        self.stream.write(line + "\n")
        self.stream.flush()

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return open(self.baseFilename, "a", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600))
