"""Other people's emulators, each in a process of its own on a free port: gcp-storage-emulator and moto."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

BUCKET = "films"
_WAIT_SECONDS = 60


@contextlib.contextmanager
def google_emulator() -> Iterator[str]:
    """Its address; the bucket `films` is there."""
    port = _free_port()
    command = ["-m", "gcp_storage_emulator", "start", "-q", "--host=127.0.0.1", f"--port={port}", "--in-memory"]
    with _process([*command, f"--default-bucket={BUCKET}"], f"http://127.0.0.1:{port}/") as url:
        yield url


@contextlib.contextmanager
def amazon_emulator() -> Iterator[str]:
    """Its address; the bucket `films` is there."""
    port = _free_port()
    with _process(["-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], f"http://127.0.0.1:{port}/") as url:
        made = urllib.request.Request(f"{url}/{BUCKET}", method="PUT")
        made.add_header("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request")
        with urllib.request.urlopen(made, timeout=10):
            yield url


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@contextlib.contextmanager
def _process(command: list[str], url: str) -> Iterator[str]:
    quiet = subprocess.DEVNULL
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    with subprocess.Popen([sys.executable, *command], env=environment, stdout=quiet, stderr=quiet) as process:
        try:
            end = time.monotonic() + _WAIT_SECONDS
            while not _answers(url):
                assert process.poll() is None, f"{command[1]} ended with {process.returncode}"
                assert time.monotonic() < end, f"{command[1]} does not answer"
                time.sleep(0.05)
            yield url.rstrip("/")
        finally:
            process.kill()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False
