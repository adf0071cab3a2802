"""One application under test, and the calls that tests make of it."""

from __future__ import annotations

import io
import zlib
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from struct import pack
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.installation import migrated, settings_in
from tests.people import make_key, make_user
from vividflow.api.house import House
from vividflow.records import assets, jobs, renditions
from vividflow.records.assets import Asset
from vividflow.records.jobs import Job
from vividflow.records.renditions import Rendition
from vividflow.records.users import User
from vividflow.timing import new_id, now
from web_app import create_app

GENERATE = "/api/v1/generate"
LIGHTHOUSE = {"prompt": "A lighthouse at dawn"}
MIME = {"mp4": "video/mp4", "jpg": "image/jpeg", "webp": "image/webp"}


class Client(FlaskClient):
    """A client that reads every answer to its end and closes it."""

    def open(self, *arguments: Any, **named: Any) -> TestResponse:
        """One request."""
        return super().open(*arguments, **{"buffered": True} | named)


class Desk:
    """An application with one person (`user`, `key`); `client` sends requests without any key of its own."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.settings = settings_in(folder, **settings)
        if self.settings.on_sqlite:
            migrated(self.settings).close()
        self.app: Flask = create_app(self.settings)
        self.app.test_client_class = Client
        self.house: House = self.app.extensions["vividflow"]
        self.tools = self.house.tools
        self.client: FlaskClient = self.app.test_client()
        self.user = make_user(self.tools)
        self.key = make_key(self.tools, self.user)

    def someone(self, *, admin: bool = False) -> tuple[User, str]:
        """Another person, with a key."""
        user = make_user(self.tools, admin=admin)
        return user, make_key(self.tools, user)

    def get(self, path: str, *, key: str | None = None, **more: Any) -> TestResponse:
        """GET with the key."""
        return self.client.get(path, headers=self._headers(key, more), **more)

    def post(self, path: str, *, key: str | None = None, **more: Any) -> TestResponse:
        """POST with the key."""
        return self.client.post(path, headers=self._headers(key, more), **more)

    def delete(self, path: str, *, key: str | None = None, **more: Any) -> TestResponse:
        """DELETE with the key."""
        return self.client.delete(path, headers=self._headers(key, more), **more)

    def placed(self, **fields: object) -> str:
        """The id of a job that was placed just now."""
        answer = self.post(GENERATE, json=LIGHTHOUSE | fields)
        assert answer.status_code == 202, answer.text
        return answer.get_json()["job_id"]

    def finished(self, content: bytes = b"not really a film", *, status: str = "completed", **more: Any) -> Job:
        """A job that is over; when completed, with a stored file of `content` and three posters."""
        moment = now()
        values: dict[str, Any] = {
            "id": new_id(),
            "user_id": self.user.id,
            "kind": "video",
            "state": status,
            "status": status,
            "stage": status,
            "lane": "loop",
            "created_at": moment - 9,
            "updated_at": moment,
            "started_at": moment - 8,
            "generating_at": moment - 7,
            "provider_done_at": moment - 2,
            "finished_at": moment,
            "model": "local",
            "provider": "local",
            "prompt": "A finished lighthouse",
            "progress": 100 if status == "completed" else None,
        }
        job = Job(**(values | more))
        if status == "completed":
            asset = self._store(job, content)
            job = replace(job, result={"asset_id": asset.id})
        with self.tools.db.transaction() as connection:
            jobs.insert(connection, job)
        return job

    def jobs(self) -> int:
        """How many rows of work there are."""
        with self.tools.db.reading() as connection:
            return connection.exec_driver_sql("SELECT count(*) FROM jobs").scalar_one()

    def scratch(self) -> list[Path]:
        """What lies in scratch."""
        return [path for path in self.settings.scratch.rglob("*") if path.is_file()]

    def close(self) -> None:
        """Give back what is open."""
        self.house.stop(1)
        self.house.close()

    def _headers(self, key: str | None, more: dict[str, Any]) -> dict[str, str]:
        return {"X-API-Key": self.key if key is None else key} | more.pop("headers", {})

    def _store(self, job: Job, content: bytes) -> Asset:
        asset = Asset(id=new_id(), job_id=job.id, kind="video", **self._put(job.id, "original.mp4", content))
        with self.tools.db.transaction() as connection:
            assets.insert(connection, asset)
            for name, ending in (("poster_480", "webp"), ("poster_960", "webp"), ("poster_jpeg", "jpg")):
                kept = self._put(job.id, f"{name}.{ending}", name.encode())
                kept.pop("user_id")
                renditions.insert(connection, Rendition(id=new_id(), asset_id=asset.id, name=name, **kept))
        return asset

    def _put(self, job_id: str, name: str, content: bytes) -> dict[str, Any]:
        self.settings.scratch.mkdir(parents=True, exist_ok=True)
        source = self.settings.scratch / new_id()
        source.write_bytes(content)
        key, digest = f"users/{self.user.id}/{job_id}/{name}", sha256(content).hexdigest()
        mime = MIME[name.rpartition(".")[2]]
        self.tools.storage.put(key, source, mime=mime, sha256=digest)
        source.unlink()
        return {
            "user_id": self.user.id,
            "storage_key": key,
            "mime": mime,
            "size": len(content),
            "sha256": digest,
            "created_at": now(),
        }


def png(width: int = 300, height: int = 300, colour: int = 200) -> bytes:
    """A plain picture in PNG."""
    rows = b"".join(b"\0" + bytes([colour, 90, 40]) * width for _ in range(height))

    def chunk(name: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + name + data + pack(">I", zlib.crc32(name + data))

    head = pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def file_of(content: bytes, name: str = "photo.png") -> tuple[io.BytesIO, str]:
    """A file as the test client sends it."""
    return io.BytesIO(content), name


def form_of(fields: dict[str, str], files: dict[str, bytes]) -> dict[str, Any]:
    """A multipart form as bytes, for forms that the test client would put into a file of its own and leave open."""
    parts = [f'--b\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields.items()]
    for name, content in files.items():
        head = f'--b\r\nContent-Disposition: form-data; name="{name}"; filename="{name}.png"\r\n\r\n'
        parts.append(head.encode() + content + b"\r\n")
    return {"data": b"".join([*parts, b"--b--\r\n"]), "content_type": "multipart/form-data; boundary=b"}
