"""The bare peers: Flask and SQLite with nothing else, served by the same gunicorn as ours."""

from __future__ import annotations

import os
import sqlite3
import threading
import uuid
from typing import Any

from flask import Flask, Response, request

app = Flask(__name__)
_local = threading.local()
_lock = threading.Lock()
_shared: list[sqlite3.Connection] = []


def _connection() -> sqlite3.Connection:
    connection = sqlite3.connect(os.environ["BARE_DB"], isolation_level=None, timeout=5, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, prompt TEXT, status TEXT)")
    return connection


def _own() -> sqlite3.Connection:
    if not hasattr(_local, "connection"):
        _local.connection = _connection()
    return _local.connection


def _insert(connection: sqlite3.Connection, body: Any) -> tuple[dict[str, str], int]:
    job_id = str(uuid.uuid4())
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO jobs VALUES (?, ?, 'queued')", (job_id, body["prompt"]))
    connection.execute("COMMIT")
    return {"job_id": job_id, "status": "queued"}, 202


@app.post("/own")
def own() -> tuple[dict[str, str], int]:
    """Insert through a connection a thread."""
    return _insert(_own(), request.get_json())


@app.post("/lock")
def lock() -> tuple[dict[str, str], int]:
    """Insert through one connection behind one lock."""
    body = request.get_json()
    with _lock:
        if not _shared:
            _shared.append(_connection())
        return _insert(_shared[0], body)


@app.get("/status/<job_id>")
def status(job_id: str) -> dict[str, str | None]:
    """Read one row."""
    row = _own().execute("SELECT id, prompt, status FROM jobs WHERE id = ?", (job_id,)).fetchone()
    return {"job_id": row[0], "prompt": row[1], "status": row[2]} if row else {"job_id": None}


@app.get("/accel/<name>")
def accel(name: str) -> Response:
    """Let nginx send the file; a right would be checked here."""
    return Response(headers={"X-Accel-Redirect": f"/files/{name}", "Content-Type": "video/mp4"})
