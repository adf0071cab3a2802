"""Files that lie in a bucket, over HTTP: every rule of ranges, a bucket that is away, and the links that are given out."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.api.desk import Desk
from tests.simulators.buckets import CREDENTIALS, AmazonBucket, BucketSimulator, GoogleBucket, settings_of
from vividflow.storage import tries

FILM = bytes(range(256)) * 9000


@pytest.fixture(params=[GoogleBucket, AmazonBucket], ids=["gs", "s3"])
def bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[BucketSimulator]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(tries.time, "sleep", lambda _: None)
    server = request.param().start()
    yield server
    server.stop()


@pytest.fixture
def desk(desk_for: Callable[..., Desk], bucket: BucketSimulator) -> Iterator[Desk]:
    made = desk_for(**settings_of(bucket))
    yield made
    made.tools.storage.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        *((None, 200, slice(None)), ("bytes=0-0", 206, slice(0, 1)), ("bytes=10-19", 206, slice(10, 20))),
        *(("bytes=1000000-", 206, slice(1_000_000, None)), ("bytes=-5", 206, slice(-5, None))),
        *(
            (f"bytes=5-{len(FILM) * 2}", 206, slice(5, None)),
            ("bytes=0-1,4-5", 200, slice(None)),
            ("bytes=x", 200, slice(None)),
        ),
    ],
)
def test_any_part_comes_from_the_bucket(
    desk: Desk, bucket: BucketSimulator, asked: str | None, status: int, part: slice
) -> None:
    path = f"/api/v1/videos/jobs/{desk.finished(FILM).id}/download"
    bucket.seen.clear()
    answer = desk.get(path, headers={"Range": asked} if asked else {})
    assert (answer.status_code, answer.data) == (status, FILM[part])
    assert answer.headers["Content-Length"] == str(len(FILM[part]))
    read = [request for request in bucket.seen if bucket.stage(request) == "read"]
    assert len(read) == 1
    if status == 206:
        start = len(FILM) + (part.start or 0) if (part.start or 0) < 0 else part.start or 0
        assert answer.headers["Content-Range"] == f"bytes {start}-{start + len(answer.data) - 1}/{len(FILM)}"
        assert read[0].headers["range"] == f"bytes={start}-{start + len(answer.data) - 1}"


def test_what_needs_no_bytes_asks_the_bucket_nothing(desk: Desk, bucket: BucketSimulator) -> None:
    path = f"/api/v1/videos/jobs/{desk.finished(FILM).id}/download"
    etag = desk.get(path).headers["ETag"]
    bucket.away = True
    head = desk.client.head(path, headers={"X-API-Key": desk.key})
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(FILM)))
    assert desk.get(path, headers={"If-None-Match": etag}).status_code == 304
    beyond = desk.get(path, headers={"Range": f"bytes={len(FILM)}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(FILM)}")


def test_if_range_gives_a_part_of_the_same_file_alone(desk: Desk) -> None:
    path = f"/api/v1/videos/jobs/{desk.finished(FILM).id}/download"
    etag = desk.get(path).headers["ETag"]
    part = desk.get(path, headers={"Range": "bytes=1-2", "If-Range": etag})
    assert (part.status_code, part.data) == (206, FILM[1:3])
    assert desk.get(path, headers={"Range": "bytes=1-2", "If-Range": '"other"'}).data == FILM


def test_a_bucket_that_is_away_is_told_before_the_first_byte(desk: Desk, bucket: BucketSimulator) -> None:
    path = f"/api/v1/videos/jobs/{desk.finished(FILM).id}/download"
    bucket.away = True
    answer = desk.get(path)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "storage_gone")
    assert int(answer.headers["Retry-After"]) > 0
    bucket.away = False
    assert desk.get(path).data == FILM


def test_a_file_that_waits_here_comes_from_here_with_every_range(desk: Desk, bucket: BucketSimulator) -> None:
    bucket.away = True
    path = f"/api/v1/videos/jobs/{desk.finished(FILM).id}/download"
    assert desk.get(path).data == FILM
    assert desk.get(path, headers={"Range": "bytes=-7"}).data == FILM[-7:]
    bucket.away = False
    assert desk.tools.storage.carry_up() == 4  # type: ignore[attr-defined]
    assert desk.get(path, headers={"Range": "bytes=-7"}).data == FILM[-7:]
    assert bucket.asked["read"] == 1


def test_the_link_is_the_buckets_where_it_can_sign_and_ours_where_not(desk: Desk, bucket: BucketSimulator) -> None:
    job = desk.finished(FILM)
    told = desk.get(f"/api/v1/status/{job.id}")
    url = told.get_json()["result_url"]
    assert url == desk.get(f"/api/v1/status/{job.id}").get_json()["result_url"]
    parts = urlsplit(url)
    if isinstance(bucket, GoogleBucket):  # an emulator's anonymous credentials sign nothing
        answer = desk.client.get(f"{parts.path}?{parts.query}", headers={"Range": "bytes=3-4"})
        assert (answer.status_code, answer.data) == (206, FILM[3:5])
        return
    assert url.startswith(f"{bucket.url}/films/ours/users/")
    asked = parse_qs(parts.query)
    assert asked["response-content-type"] == ["video/mp4"]
    assert asked["response-content-disposition"] == ['inline; filename="original.mp4"']
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.read() == FILM
    page = desk.client.get("/sign-in")
    assert f"media-src 'self' blob: {bucket.url};" in page.headers["Content-Security-Policy"]


def test_while_the_bucket_is_away_the_installation_stays_ready(desk: Desk, bucket: BucketSimulator) -> None:
    bucket.away = True
    services = desk.get("/health/services").get_json()["services"]
    assert services["storage"]["state"] == "degraded"
    assert "waits on this machine" in services["storage"]["message"]
