"""Disks that run full, small and real: `python -m tests.crash.full_disk` (root on Linux, for it mounts a tmpfs).

An upload, a wish, a download and a finish meet a full disk; each says so with 507 or waits, leaves nothing behind, and
goes on after relief, paid once.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from tests.crash.house import WISH, house, place, wait_for_end
from tests.crash.server import Server
from tests.simulators.clips import clip
from tests.simulators.replicate import ReplicateSimulator

DISK_MB = 64
FILM_MB = 12
MB = 1024 * 1024


def able() -> bool:
    """Whether this machine lets us mount a disk of our own."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    try:
        with tempfile.TemporaryDirectory() as folder, disk(Path(folder), 1):
            return True
    except (OSError, subprocess.CalledProcessError):  # a container may forbid it even to root
        return False


class Disk:
    """A small disk at `folder`, with ballast that leaves as much room as one wants."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def leave(self, room: int) -> None:
        """Fill it until only `room` bytes are free."""
        self.relieve()
        with self._ballast.open("wb") as file:
            free = shutil.disk_usage(self.folder).free - room
            while free > 0:
                piece = min(free, MB)
                os.write(file.fileno(), bytes(piece))
                free -= piece

    def relieve(self) -> None:
        """Take the ballast off."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def disk(folder: Path, megabytes: int = DISK_MB) -> Iterator[Disk]:
    """Mount one, and take it away again. Raises `OSError` or `CalledProcessError` where mounting is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)],
        check=True,
        timeout=20,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, timeout=20)


def play(folder: Path) -> list[dict[str, Any]]:
    """All four plays; a row each. Raises `AssertionError` with what was found wrong."""
    film = clip(0.5) + (FILM_MB * MB).to_bytes(4) + b"free" + os.urandom(FILM_MB * MB - 8)
    provider = ReplicateSimulator(movie=film, generation_seconds=1.0).start()
    try:
        with disk(folder / "house" / "data") as own, disk(folder / "media") as media:
            settings = {"STORAGE_URL": f"file://{folder / 'media'}"}
            with house(folder / "house", provider, **settings) as (server, key):
                rows = [
                    _upload(server, key, own),
                    _wish(server, key, own, provider),
                    _job("download", server, key, own, provider),
                    _job("finish", server, key, media, provider),
                ]
                assert server.term()[0] == 0
            log = (folder / "house" / "server.log").read_text(errors="replace")
            assert "Traceback" not in log, log[log.index("Traceback") - 500 : log.index("Traceback") + 3000]
    finally:
        provider.stop()
    return rows


def _upload(server: Server, key: str, own: Disk) -> dict[str, Any]:
    picture = _noise()
    before = _files(own)
    own.leave(3 * MB)
    refused = _send(server, key, picture)
    own.relieve()
    assert refused[0] == 507, refused
    assert _files(own) == before, _files(own) - before
    accepted = _send(server, key, picture)
    assert accepted[0] == 201, accepted
    return {
        "play": "upload of 8 MB, 3 MB free",
        "full": refused[0],
        "code": refused[1]["code"],
        "relieved": accepted[0],
    }


def _wish(server: Server, key: str, own: Disk, provider: ReplicateSimulator) -> dict[str, Any]:
    own.leave(0)
    status, answer = server.call("POST", "/api/v1/generate", {**WISH, "prompt": "a wish on a full disk"}, key)
    code = answer.get("code") if isinstance(answer, dict) else None
    health = server.call("GET", "/healthz")[0]
    own.relieve()
    assert (status, code, health) == (507, "disk_full", 200), (status, answer, health)
    assert provider.paid == 0
    (job_id,) = place(server, key, 1)
    (ended,) = wait_for_end(server, key, [job_id], within=60)
    assert ended["status"] == "completed", ended
    return {"play": "generate, 0 bytes free", "full": status, "code": code, "relieved": 202}


def _job(name: str, server: Server, key: str, full: Disk, provider: ReplicateSimulator) -> dict[str, Any]:
    paid = provider.paid
    (job_id,) = place(server, key, 1)
    full.leave(4 * MB)
    told = _until(lambda: _told(server, key, job_id), within=60)
    waited = server.call("GET", f"/api/v1/status/{job_id}", key=key)[1]
    full.relieve()
    (ended,) = wait_for_end(server, key, [job_id], within=120)
    assert ended["status"] == "completed", ended
    assert provider.paid == paid + 1
    return {
        "play": f"{name} of {FILM_MB} MB, 4 MB free",
        "full": waited["status"],
        "told": told,
        "relieved": ended["status"],
        "paid": provider.paid - paid,
    }


def _told(server: Server, key: str, job_id: str) -> str | None:
    status = server.call("GET", f"/api/v1/status/{job_id}", key=key)[1]
    assert status["status"] not in ("completed", "failed"), status
    return status["message"] if "room" in (status["message"] or "").lower() else None


def _until(look: Callable[[], str | None], *, within: float) -> str:
    end = time.monotonic() + within
    while (found := look()) is None:
        assert time.monotonic() < end, "it was never told"
        time.sleep(0.05)
    return found


def _noise() -> bytes:
    kept = BytesIO()
    Image.frombytes("RGB", (1700, 1600), os.urandom(1700 * 1600 * 3)).save(kept, "PNG", compress_level=0)
    return kept.getvalue()


def _send(server: Server, key: str, picture: bytes) -> tuple[int, Any]:
    mark = uuid.uuid4().hex
    head = (
        f'--{mark}\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    )
    body = head.encode() + picture + f"\r\n--{mark}--\r\n".encode()
    request = urllib.request.Request(f"{server.url}/api/v1/images", data=body, method="POST")
    request.add_header("Content-Type", f"multipart/form-data; boundary={mark}")
    request.add_header("X-API-Key", key)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())


def _files(own: Disk) -> set[str]:
    scratch = [path for name in ("scratch", "uploads") for path in (own.folder / name).rglob("*") if path.is_file()]
    return {str(path.relative_to(own.folder)) for path in scratch}


def main() -> int:
    """Play and print a row each."""
    if not able():
        print("This needs Linux and root, for it mounts a tmpfs.")
        return 1
    with tempfile.TemporaryDirectory(prefix="vf-full-") as folder:
        for row in play(Path(folder)):
            print(json.dumps(row), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
