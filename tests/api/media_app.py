"""The smallest app around `send_file`, for Flask's test client and for a real gunicorn."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, Response, request

from vividflow.api.media_answer import StoredFile, send_file
from vividflow.storage.base import Storage
from vividflow.storage.local import LocalStorage

CREATED = 1_790_000_000.6
SHA = "ab" * 32


class Far(LocalStorage):
    """A storage whose files lie on another machine."""

    def local_path(self, key: str) -> Path | None:
        """None."""
        return None


def create(root: str) -> Flask:
    """`/near/<key>` and `/far/<key>` answer the files in `root`; `/io` what this process has read so far (Linux)."""
    app = Flask("media_app")

    def answer(storage: Storage, key: str) -> Response:
        file = StoredFile(
            key=key,
            size=int(request.args.get("size") or (Path(root) / key).stat().st_size),
            sha256=SHA,
            mime=request.args.get("mime", "video/mp4"),
            filename=request.args.get("filename", "film.mp4"),
            disposition="attachment" if "save" in request.args else "inline",
            created_at=CREATED,
            max_age=600,
        )
        return send_file(storage, file)

    @app.get("/near/<path:key>")
    def near(key: str) -> Response:
        return answer(LocalStorage(Path(root)), key)

    @app.get("/far/<path:key>")
    def far_away(key: str) -> Response:
        return answer(Far(Path(root)), key)

    @app.get("/io")
    def io() -> str:
        return Path("/proc/self/io").read_text()

    return app
