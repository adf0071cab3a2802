"""The application as a whole: what importing does, the headers of every answer, errors for programs and for people."""

from __future__ import annotations

import ast
import errno
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from api_router import ADDRESSES
from tests.api.desk import GENERATE, LIGHTHOUSE, Desk
from vividflow.api.codes import codes
from vividflow.errors import Transient
from vividflow.storage.base import StorageFull, StorageGone

ROOT = Path(__file__).resolve().parents[2]
EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
}
SILENT = """
import os, sys, threading
import web_app
assert web_app.app.name
assert threading.active_count() == 1, threading.enumerate()
assert not os.path.exists(os.environ["DATA_DIR"])
heavy = {"PIL", "av", "alembic", "boto3", "google.genai", "replicate", "rich"} & set(sys.modules)
assert not heavy, heavy
"""


def test_importing_starts_nothing_makes_no_file_and_carries_nothing_heavy(tmp_path: Path) -> None:
    environment = {"DATA_DIR": str(tmp_path / "data"), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", SILENT], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_wrong_settings_are_told_in_words_and_not_as_a_traceback(tmp_path: Path) -> None:
    environment = {
        "PORT": "many",
        "LIMIT_API": "x",
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "DATA_DIR": str(tmp_path),
    }
    for arguments in (["-c", "import web_app"], ["web_app.py"]):
        done = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 1
        assert "PORT" in done.stderr
        assert "Traceback" not in done.stderr


def test_every_kind_of_answer_carries_the_headers(desk: Desk) -> None:
    job = desk.finished()
    link = desk.get(f"/api/v1/status/{job.id}").get_json()["result_url"].removeprefix(desk.settings.public)
    answers = [
        desk.get("/api/v1/jobs"),
        desk.get(f"/api/v1/status/{job.id}"),
        desk.get(f"/api/v1/jobs/{job.id}/events"),
        desk.get(f"/api/v1/videos/jobs/{job.id}/download"),
        desk.delete(f"/api/v1/jobs/{desk.finished().id}"),
        desk.client.get(link),
        desk.client.get("/healthz"),
        desk.client.get("/docs"),
        desk.client.get("/openapi.json"),
        desk.client.get("/api/v1/nothing"),
        desk.client.get("/nothing"),
        desk.client.get("/api/v1/jobs"),
        desk.client.put("/api/v1/generate"),
        desk.post(GENERATE, data=b"{", content_type="application/json"),
        desk.client.options("/api/v1/generate"),
        desk.client.get("/static/nothing.css"),
    ]
    for answer in answers:
        for name, value in EVERYWHERE.items():
            assert answer.headers.getlist(name) == [value], (answer.request.path, name)
        assert len(answer.headers.getlist("Content-Security-Policy")) == 1
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Referrer-Policy"]
        assert answer.headers["X-Request-ID"]
        assert "Strict-Transport-Security" not in answer.headers
        assert (
            "charset=utf-8" in answer.headers.get("Content-Type", "charset=utf-8") or "text/" not in answer.content_type
        )


def test_private_answers_are_stored_nowhere(desk: Desk) -> None:
    for answer in (
        desk.get("/api/v1/jobs"),
        desk.get(f"/api/v1/status/{desk.placed()}"),
        desk.client.get("/api/v1/jobs"),
    ):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Vary"] == "Cookie, Authorization, X-API-Key"


def test_pages_have_their_own_policy(desk: Desk) -> None:
    headers = desk.client.get("/docs").headers
    assert "script-src 'self';" in headers["Content-Security-Policy"]
    assert "connect-src 'self'" in headers["Content-Security-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers


def test_https_is_made_to_stay(desk_for: Callable[..., Desk]) -> None:
    desk = desk_for(public_url="https://video.example")
    assert desk.client.get("/healthz").headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert "upgrade-insecure-requests" in desk.client.get("/docs").headers["Content-Security-Policy"]


def test_a_bucket_may_show_its_pictures_on_our_pages(desk_for: Callable[..., Desk]) -> None:
    from vividflow.api.headers import SecurityHeaders
    from vividflow.config import Settings

    policy = SecurityHeaders(Settings.from_environment(None, storage_url="gs://bucket")).page("abc")[
        "Content-Security-Policy"
    ]
    assert "media-src 'self' blob: https://storage.googleapis.com;" in policy
    assert "script-src 'self' 'nonce-abc';" in policy


@pytest.mark.parametrize("given", ["", "with space", "x" * 129, "a\tb", "ü"])
def test_a_request_id_is_taken_when_it_is_harmless_and_made_otherwise(desk: Desk, given: str) -> None:
    assert desk.get("/api/v1/jobs", headers={"X-Request-ID": "order-7.b_2"}).headers["X-Request-ID"] == "order-7.b_2"
    made = desk.get("/api/v1/jobs", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f-]{36}", made)


def test_the_job_keeps_the_request_id(desk: Desk) -> None:
    job_id = desk.post(GENERATE, json=LIGHTHOUSE, headers={"X-Request-ID": "from-me"}).get_json()["job_id"]
    with desk.tools.db.reading() as connection:
        found = connection.exec_driver_sql("SELECT request_id FROM jobs WHERE id = ?", (job_id,)).scalar_one()
    assert found == "from-me"


# ---- errors


def test_programs_get_problems_and_people_get_pages(desk: Desk) -> None:
    for path in ("/api/v1/nothing", "/api/", "/media/nothing", "/healthz/x"):
        answer = desk.client.get(path)
        assert (answer.status_code, answer.content_type) == (404, "application/problem+json"), path
    assert desk.client.get("/nothing", headers={"Accept": "text/html"}).content_type.startswith("text/")
    assert (
        desk.client.get("/nothing", headers={"Accept": "application/json"}).content_type == "application/problem+json"
    )


def test_a_page_of_errors_that_breaks_itself_still_says_what_is_the_matter(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object, **_named: object) -> None:
        raise OperationalError("x", {}, Exception("database is locked"))

    monkeypatch.setattr("web_app.render_template", broken)
    answer = desk.client.get("/nothing", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.mimetype) == (404, "text/plain")
    assert answer.headers["X-Request-ID"] in answer.text


def test_a_wrong_method_names_the_right_ones(desk: Desk) -> None:
    answer = desk.client.get("/api/v1/generate")
    assert (answer.status_code, answer.get_json()["code"]) == (405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]
    assert "POST" in answer.get_json()["detail"]


TROUBLES = [
    (OperationalError("x", {}, Exception("database is locked")), 503, "busy"),
    (OperationalError("x", {}, Exception("database or disk is full")), 507, "disk_full"),
    (OperationalError("x", {}, Exception("server closed the connection unexpectedly")), 503, "busy"),
    (OperationalError("x", {}, Exception("no such column: x")), 500, "internal_error"),
    (OSError(errno.ENOSPC, "No space left on device"), 507, "disk_full"),
    (OSError(errno.EACCES, "Permission denied: /secret/path"), 500, "internal_error"),
    (StorageGone("the bucket"), 503, "storage_gone"),
    (StorageFull("the bucket"), 507, "disk_full"),
    (Transient("decoder_closed", "The server is stopping."), 503, "busy"),
    (ValueError("secret value"), 500, "internal_error"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "status", "code"), TROUBLES)
def test_trouble_of_our_own_is_told_without_a_trace(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    def broken(*_arguments: object, **_named: object) -> None:
        raise error

    monkeypatch.setattr("vividflow.api.jobs.status_object", broken)
    desk.placed()
    answer = desk.get("/api/v1/jobs")
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert "Traceback" not in answer.text
    assert "secret" not in answer.text
    assert status == 500 or int(answer.headers["Retry-After"]) > 0


def test_trouble_on_the_short_way_to_a_status_is_told_the_same(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/api/v1/status/{desk.placed()}"
    desk.get(path)

    def broken(*_arguments: object, **_named: object) -> None:
        raise OperationalError("x", {}, Exception("database is locked"))

    monkeypatch.setattr(desk.house.statuses, "find", broken)
    answer = desk.get(path)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "busy")


def test_an_unfinished_upload_leaves_nothing_when_something_breaks(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.api.desk import file_of, png

    def broken(*_arguments: object, **_named: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("vividflow.lifecycle.intake.Intake.upload", broken)
    assert desk.post(GENERATE, data=LIGHTHOUSE | {"image": file_of(png())}).status_code == 500
    assert desk.scratch() == []


def test_every_code_in_the_house_is_explained() -> None:
    used: set[str] = set()
    for path in [*(ROOT / "vividflow").rglob("*.py"), *ROOT.glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            used |= _codes_in(node)
    known = codes()
    assert len(used) > 50
    assert sorted(used - set(known)) == []
    assert all(code.title and code.text.endswith(".") for code in known.values())


def _codes_in(node: ast.AST) -> set[str]:
    """The code that a call of `Problem`, `_refuse` or `FieldError` names."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return set()
    place = {"Problem": 1, "_refuse": 1, "refuse": 0}.get(node.func.id)
    given = node.args[place : place + 1] if place is not None else []
    if node.func.id == "FieldError":
        given = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
    return {each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, str)}


# ---- the table and the documentation


def test_the_table_names_each_address_once_and_handlers_hold_none() -> None:
    assert len({(row.method, row.path) for row in ADDRESSES}) == len(ADDRESSES)
    assert len({row.name for row in ADDRESSES}) == len(ADDRESSES)
    for path in (ROOT / "vividflow" / "api").glob("*.py"):
        assert '"/api/v1' not in path.read_text(encoding="utf-8"), path


def test_the_documentation_shows_every_address_and_asks_no_other_host(desk: Desk) -> None:
    page = desk.client.get("/docs")
    assert page.status_code == 200
    for row in ADDRESSES:
        assert row.hidden or f"<code>{row.path}</code>" in page.text, row.path
    hosts = set(re.findall(r"""(?:src|href)=["'](https?:)?//([^/"']+)""", page.text))
    assert hosts == set()
    assert "<script" not in page.text
    for language in ("curl ", "requests.post(", "await fetch("):
        assert language in page.text


def test_every_code_has_a_place_on_the_page_of_errors(desk: Desk) -> None:
    page = desk.client.get("/docs/errors")
    for code in codes():
        assert f'id="{code}"' in page.text


def test_the_documentations_styles_are_there(desk: Desk) -> None:
    sheets = re.findall(r'<link rel="stylesheet" href="([^"]+)">', desk.client.get("/docs").text)
    assert len(sheets) == 2
    for sheet in sheets:
        answer = desk.client.get(sheet)
        assert (answer.status_code, answer.mimetype) == (200, "text/css")
