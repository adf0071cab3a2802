"""The whole thing as it is served: `python web_app.py`, a key, curl's way through to a playable file, and a clean end."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.desk import png
from tests.api.test_events import read
from tests.installation import a_user, migrated, settings_in
from vividflow.records import api_keys
from vividflow.timing import now

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0


class Served:
    """`python web_app.py` on a port of its own, and a key."""

    def __init__(self, folder: Path) -> None:
        settings = settings_in(folder)
        database = migrated(settings)
        user = a_user(database)
        key, self.key = api_keys.mint(user.id, "test", now())
        with database.transaction() as connection:
            api_keys.insert(connection, key)
        database.close()
        self.log = folder / "stderr"
        environment = {
            "DATA_DIR": str(settings.data_dir),
            "PORT": "0",
            "PASSWORD_MEMORY_KIB": "64",
            "LOG_FORMAT": "json",
        }
        with self.log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "web_app.py"], cwd=ROOT, env=os.environ | environment, stderr=stderr
            )
        end = time.monotonic() + PATIENCE
        while not (listening := re.search(rb"Listening at: http://127\.0\.0\.1:(\d+)", self.log.read_bytes())):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end
            time.sleep(0.02)
        self.port = int(listening[1])

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, {"X-API-Key": self.key} | named)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A server that is ended with the test."""
    server = Served(tmp_path)
    yield server
    if server.process.poll() is None:
        server.process.kill()
        server.process.wait()


def form(**fields: str) -> bytes:
    """A multipart form with boundary `b` and a picture."""
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    picture = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n' + png(640, 360) + b"\r\n"
    return b"".join([*parts, picture, b"--b--\r\n"])


def test_from_a_picture_to_a_playable_file_and_a_clean_end(served: Served) -> None:
    body = form(prompt="A lighthouse at dawn", duration="1", resolution="480p")
    status, headers, answer = served.ask(
        "POST", "/api/v1/generate", body, Content_Type="multipart/form-data; boundary=b"
    )
    assert status == 202, answer
    job_id = json.loads(answer)["job_id"]

    status, headers, stream = served.ask("GET", f"/api/v1/jobs/{job_id}/events")
    events = read(stream.decode())
    assert status == 200
    assert headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert headers["X-Frame-Options"] == "DENY"
    assert events[-1]["event"] == "done"
    assert [event["id"] for event in events] == sorted({event["id"] for event in events})

    final: dict[str, Any] = events[-1]["data"]
    assert final["status"] == "completed", final
    assert json.loads(served.ask("GET", f"/api/v1/status/{job_id}?wait=30")[2])["status"] == "completed"
    link = re.sub(r"^http://[^/]+", "", final["result_url"])
    whole = served.ask("GET", link)[2]
    status, headers, part = served.ask("GET", f"/api/v1/videos/jobs/{job_id}/download", Range="bytes=4-11")
    assert (status, part) == (206, whole[4:12])
    assert part[:4] == b"ftyp"
    assert served.ask("GET", f"/api/v1/videos/jobs/{job_id}/thumbnail")[2][:2] == b"\xff\xd8"
    assert served.ask("GET", "/readyz")[0] == 200

    held = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
    held.request("GET", "/api/v1/events", headers={"X-API-Key": served.key})
    stream_left_open = held.getresponse()
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(30) == 0
    assert b"retry: 1000" in stream_left_open.read()
    held.close()
    assert "Traceback" not in served.log.read_text()
    lines = [json.loads(line) for line in served.log.read_text().splitlines()]
    assert {"status": 202, "path": "/api/v1/generate"}.items() <= next(
        x for x in lines if x.get("status") == 202
    ).items()
