from __future__ import annotations

import http.client
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.http import http_date, parse_options_header

from tests.api.media_app import CREATED, SHA, create
from vividflow.api import media_answer
from vividflow.api.byte_range import Span, Unsatisfiable, read_range
from vividflow.api.media_answer import content_disposition
from vividflow.errors import Problem

BODY = random.Random(5).randbytes(1_000_003)
SIZE = len(BODY)
ETAG = f'"{SHA}"'
HUGE = 6 * 1024**3

# header, first byte, one past the last byte
ONE = [
    *(("bytes=0-0", 0, 1), ("bytes=0-9", 0, 10), ("bytes=5-5", 5, 6), ("bytes=0-", 0, SIZE), ("bytes=1-", 1, SIZE)),
    *((f"bytes={SIZE - 1}-", SIZE - 1, SIZE), (f"bytes=0-{SIZE - 1}", 0, SIZE), (f"bytes=0-{SIZE}", 0, SIZE)),
    *((f"bytes=10-{SIZE * 9}", 10, SIZE), (f"bytes=7-{'9' * 30}", 7, SIZE), ("bytes=-1", SIZE - 1, SIZE)),
    *(("bytes=-500", SIZE - 500, SIZE), (f"bytes=-{SIZE}", 0, SIZE), (f"bytes=-{SIZE * 3}", 0, SIZE)),
    *(("bytes=65535-65536", 65535, 65537), ("bytes=65536-131071", 65536, 131072), ("bytes=65537-", 65537, SIZE)),
    *(("BYTES=3-4", 3, 5), ("bytes= 3-4", 3, 5), ("bytes=3-4 ", 3, 5), ("bytes=0003-0004", 3, 5)),
]
_SEEDED = random.Random(6)
RANDOM = [
    (f"bytes={first}-{last}", first, last + 1)
    for first, last in (sorted(_SEEDED.sample(range(SIZE), 2)) for _ in range(25))
]
WHOLE = [
    *("bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "bytes=1", "bytes 0-1", "bytes:0-1", "=0-1", "0-1", "lines=0-1"),
    *(
        "bytes=0-1,3-4",
        "bytes=0-1,",
        ",bytes=0-1",
        "bytes=0-1;",
        "bytes=--1",
        "bytes=1--2",
        "bytes=0x0-0x5",
        "bytes=1.0-2",
    ),
    *("bytes=+1-2", "bytes=1 - 2", "bytes=\xb2-3", "bytes", "none", f"bytes=0-{'9' * 5000}"),
]
NOTHING = [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 5}", f"bytes={'9' * 30}-", "bytes=-0", "bytes=-000"]


@dataclass(frozen=True)
class Got:
    status: int
    headers: dict[str, str]
    body: bytes


Ask = Callable[..., Got]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media")
    (folder / "film.mp4").write_bytes(BODY)
    (folder / "empty.mp4").write_bytes(b"")
    with (folder / "huge.mp4").open("wb") as huge:
        huge.truncate(HUGE)
        huge.seek(HUGE - 10)
        huge.write(b"0123456789")
    return folder


@pytest.fixture(scope="module")
def app(root: Path) -> Flask:
    return create(str(root))


@pytest.fixture(scope="module")
def connection(root: Path) -> Iterator[http.client.HTTPConnection]:
    """One kept connection to a real gunicorn: an answer of another length than it says spoils the next one."""
    command = ["-m", "gunicorn", "--no-control-socket", "--worker-class", "gthread", "--threads", "2"]
    command += ["--bind", "127.0.0.1:0", "--keep-alive", "60", f"tests.api.media_app:create({str(root)!r})"]
    # In a folder of its own, or gunicorn would read the gunicorn.conf.py of the product.
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen([sys.executable, *command], cwd=root, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        here = http.client.HTTPConnection("127.0.0.1", _port(process), timeout=30)
        here.connect()
        sock = here.sock
        yield here
        assert here.sock is sock, "the connection was dropped between two answers"
        here.close()
    finally:
        process.terminate()
        said = process.communicate(timeout=30)[1]
    assert "Traceback" not in said
    assert "WSGI app sent body bytes" not in said


def _port(process: subprocess.Popen[str]) -> int:
    lines: list[str] = []
    assert process.stderr
    for line in process.stderr:
        lines.append(line)
        if listening := re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", line):
            return int(listening[1])
    raise AssertionError("".join(lines))


@pytest.fixture(params=["client", "client, far", "gunicorn", "gunicorn, far"])
def ask(request: pytest.FixtureRequest, app: Flask) -> Ask:
    """Asks the same through Flask's test client and through gunicorn, for a file here and one far away."""
    place = "/far/" if "far" in request.param else "/near/"

    def by_client(path: str = "film.mp4", method: str = "GET", **headers: str) -> Got:
        with app.test_client().open(place + path, method=method, headers=_named(headers)) as answer:
            return Got(answer.status_code, dict(answer.headers), answer.data)

    if "client" in request.param:
        return by_client
    connection: http.client.HTTPConnection = request.getfixturevalue("connection")

    def by_gunicorn(path: str = "film.mp4", method: str = "GET", **headers: str) -> Got:
        return _asked(connection, place + path, method, headers)

    return by_gunicorn


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _asked(connection: http.client.HTTPConnection, path: str, method: str, headers: dict[str, str]) -> Got:
    connection.request(method, path, headers=_named(headers))
    answer = connection.getresponse()
    return Got(answer.status, dict(answer.getheaders()), answer.read())


def test_without_a_range_it_is_the_whole_file(ask: Ask) -> None:
    got = ask()
    assert (got.status, got.body) == (200, BODY)
    assert got.headers["Content-Length"] == str(SIZE)
    assert "Content-Range" not in got.headers


def test_a_range_is_exactly_that_part(ask: Ask) -> None:
    assert len(ONE + RANDOM) >= 30
    for header, start, end in ONE + RANDOM:
        got = ask(Range=header)
        assert (got.status, got.body == BODY[start:end]) == (206, True), header
        assert got.headers["Content-Length"] == str(end - start)
        assert got.headers["Content-Range"] == f"bytes {start}-{end - 1}/{SIZE}"


def test_a_malformed_range_or_several_are_the_whole_file(ask: Ask) -> None:
    for header in WHOLE:
        got = ask(Range=header)
        assert (got.status, got.body == BODY, "Content-Range" in got.headers) == (200, True, False), header


def test_a_range_outside_of_the_file_is_told_with_its_size(ask: Ask) -> None:
    for header in NOTHING:
        got = ask(Range=header)
        assert (got.status, got.body, got.headers["Content-Range"]) == (416, b"", f"bytes */{SIZE}"), header
        assert got.headers["Content-Length"] == "0"


def test_an_empty_file_has_no_ranges(ask: Ask) -> None:
    assert (ask("empty.mp4").status, ask("empty.mp4").body) == (200, b"")
    for header in ("bytes=0-", "bytes=-1", "bytes=0-0"):
        got = ask("empty.mp4", Range=header)
        assert (got.status, got.headers["Content-Range"]) == (416, "bytes */0")


def test_a_head_is_the_head_of_the_whole(ask: Ask) -> None:
    got, whole = ask(method="HEAD", Range="bytes=1-2"), ask()
    assert (got.status, got.body) == (200, b"")
    for headers in (got.headers, whole.headers):
        headers.pop("Date", None)
        headers.pop("Connection", None)
    assert got.headers == whole.headers
    assert ask(method="HEAD", If_None_Match=ETAG).status == 304


@pytest.mark.parametrize("header", [ETAG, f"W/{ETAG}", f'"x", {ETAG}', f'"x",W/{ETAG} , "y"', "*"])
def test_who_has_it_already_is_told_so(ask: Ask, header: str) -> None:
    got = ask(If_None_Match=header, Range="bytes=0-1")
    assert (got.status, got.body, got.headers["ETag"]) == (304, b"", ETAG)
    assert got.headers["Cache-Control"] == "private, max-age=600"


@pytest.mark.parametrize("header", ['"x"', 'W/"x"', SHA[:-1], '""', f'"{SHA.upper()}"'])
def test_who_has_another_gets_it(ask: Ask, header: str) -> None:
    # A condition by ETag is the only one that counts when both are there.
    assert ask(If_None_Match=header, If_Modified_Since=http_date(CREATED)).status == 200


def test_the_date_counts_by_the_second(ask: Ask) -> None:
    assert ask().headers["Last-Modified"] == http_date(int(CREATED))
    assert ask(If_Modified_Since=http_date(int(CREATED))).status == 304
    assert ask(If_Modified_Since=http_date(int(CREATED) - 1)).status == 200
    assert ask(If_Modified_Since="yesterday").status == 200


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        (ETAG, 206),
        (f"W/{ETAG}", 200),
        ('"x"', 200),
        (SHA, 200),
        ("", 200),
        (http_date(int(CREATED)), 206),
        (http_date(int(CREATED) + 1), 200),
        (http_date(int(CREATED) - 1), 200),
        ("soon", 200),
    ],
)
def test_a_part_is_sent_only_of_the_same_file(ask: Ask, condition: str, status: int) -> None:
    got = ask(Range="bytes=2-3", If_Range=condition)
    assert (got.status, got.body) == (status, BODY[2:4] if status == 206 else BODY)


def test_a_range_outside_does_not_count_for_another_file(ask: Ask) -> None:
    assert ask(Range=f"bytes={SIZE}-", If_Range='"x"').status == 200


def test_media_is_served_in_a_sandbox(ask: Ask) -> None:
    for got in (ask(), ask(Range="bytes=0-1"), ask(method="HEAD")):
        assert got.headers["Content-Type"] == "video/mp4"
        assert got.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert got.headers["Accept-Ranges"] == "bytes"
        assert got.headers["ETag"] == ETAG
        assert got.headers["Cache-Control"] == "private, max-age=600"
        assert got.headers["Content-Disposition"] == "inline; filename=\"film.mp4\"; filename*=UTF-8''film.mp4"
    assert ask("film.mp4?save=1&mime=image/jpeg").headers["Content-Disposition"].startswith("attachment; ")
    assert ask("film.mp4?mime=text/vtt").headers["Content-Type"] == "text/vtt; charset=utf-8"


# ---- under gunicorn alone


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="needs /proc/self/io")
def test_a_seek_in_a_huge_file_reads_nothing_before_it(connection: http.client.HTTPConnection) -> None:
    def read_so_far() -> int:
        return int(re.findall(rb"rchar: (\d+)", _asked(connection, "/io", "GET", {}).body)[0])

    before = read_so_far()
    for n in range(20):
        start = HUGE - 10 - n * 1000
        got = _asked(connection, "/near/huge.mp4", "GET", {"Range": f"bytes={start}-{start + 9}"})
        assert (got.status, len(got.body)) == (206, 10)
    assert _asked(connection, "/near/huge.mp4", "GET", {"Range": "bytes=-10"}).body == b"0123456789"
    assert read_so_far() - before < 1024 * 1024


# ---- through the test client alone


def test_nothing_is_opened_when_nothing_is_sent(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    monkeypatch.setattr(media_answer, "_Slice", lambda *args: opened.append(args))
    client = app.test_client()
    assert client.head("/near/film.mp4").status_code == 200
    assert client.get("/near/film.mp4", headers={"If-None-Match": ETAG}).status_code == 304
    assert client.get("/near/film.mp4", headers={"Range": f"bytes={SIZE}-"}).status_code == 416
    assert opened == []


def test_the_server_gets_a_file_that_stands_at_its_first_byte_and_is_closed(app: Flask) -> None:
    given_files = []

    def file_wrapper(file: media_answer._Slice, size: int) -> Iterator[bytes]:
        given_files.append((os.lseek(file.fileno(), 0, os.SEEK_CUR), size, file))
        try:
            yield from iter(lambda: file.read(size), b"")
        finally:
            file.close()

    environ = {"wsgi.file_wrapper": file_wrapper}
    with app.test_client().get("/near/film.mp4", headers={"Range": "bytes=777-999"}, environ_overrides=environ) as got:
        assert got.data == BODY[777:1000]
    assert [(at, size) for at, size, _ in given_files] == [(777, 64 * 1024)]
    assert given_files[0][2].closed


@pytest.mark.parametrize("place", ["/near/", "/far/"])
def test_a_file_that_is_not_there_is_told_before_the_answer_begins(app: Flask, place: str) -> None:
    app.testing = True
    with pytest.raises(Problem) as problem:
        app.test_client().get(f"{place}missing.mp4?size=5")
    assert (problem.value.status, problem.value.code, problem.value.retry_after) == (503, "storage_gone", 30)


def test_a_file_that_is_shorter_than_its_row_says_is_not_sent(app: Flask) -> None:
    app.testing = True
    with pytest.raises(Problem) as problem:
        app.test_client().get(f"/near/film.mp4?size={SIZE + 1}")
    assert problem.value.status == 503


# ---- the parts


@pytest.mark.parametrize(
    ("name", "plain", "real"),
    [
        ("film.mp4", "film.mp4", "film.mp4"),
        ("größer 夜.mp4", "gr_er _.mp4", "gr%C3%B6%C3%9Fer%20%E5%A4%9C.mp4"),
        ('a"b\\c.mp4', "a_b_c.mp4", "a%22b_c.mp4"),
        ("../../etc/passwd", ".._.._etc_passwd", ".._.._etc_passwd"),
        ("a\r\nSet-Cookie: x=y", "a_Set-Cookie_ x_y", "a_Set-Cookie%3A%20x%3Dy"),
        ("", "file", "file"),
        ("\udc80.mp4", "_.mp4", "%3F.mp4"),
    ],
)
def test_a_file_name_is_harmless_and_kept(name: str, plain: str, real: str) -> None:
    header = content_disposition("attachment", name)
    assert header == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{real}"


@settings(deadline=None)
@given(st.text(max_size=40))
def test_no_file_name_breaks_out_of_its_header(name: str) -> None:
    header = content_disposition("inline", name)
    assert header.isascii()
    assert header.isprintable()
    kind, options = parse_options_header(header)
    assert kind == "inline"
    assert set(options) == {"filename"}


@settings(deadline=None)
@given(st.text("bytes=-0123456789, ", max_size=14), st.integers(0, 30))
def test_a_span_lies_in_the_file(header: str, size: int) -> None:
    try:
        span = read_range(header, size)
    except Unsatisfiable:
        return
    if span:
        assert isinstance(span, Span)
        assert 0 <= span.start < span.start + span.length <= size
