"""Buckets in trouble: what is tried again, how often, what it is called, and that nothing is ever replaced."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.simulators.buckets import AmazonBucket, BucketSimulator, GoogleBucket, Held
from tests.storage.contract import BODY, KEY, SHA, read, stored
from vividflow.config import Settings
from vividflow.errors import Complaints
from vividflow.storage import google as google_objects
from vividflow.storage import probe
from vividflow.storage.base import StorageFull, StorageGone, StorageRefused
from vividflow.storage.bucket import Bucket
from vividflow.storage.catalog import open_storage
from vividflow.storage.gcs import GcsStorage
from vividflow.storage.s3 import S3Storage

LARGE = bytes(range(256)) * 80_000  # twenty megabytes


@pytest.fixture(autouse=True)
def _quick(quick: list[float]) -> None:
    """No test waits for the pauses."""


def test_a_bucket_that_stays_away_is_asked_exactly_three_times_with_growing_pauses(
    bucket: Bucket, simulator: BucketSimulator, tmp_path: Path, quick: list[float]
) -> None:
    simulator.faults["upload"].add("refuse", times=None, status=503)
    with pytest.raises(StorageGone):
        stored(bucket, tmp_path)
    assert simulator.asked == {"upload": 3}
    assert len(quick) == 2
    assert 0.4 <= quick[0] <= 0.6 < 0.8 <= quick[1] <= 1.2


@pytest.mark.parametrize("body", [BODY, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("fault", ["refuse", "lost"])
def test_the_third_try_counts(
    bucket: Bucket, simulator: BucketSimulator, tmp_path: Path, fault: str, body: bytes
) -> None:
    simulator.faults["upload"].add(fault, times=2)
    assert stored(bucket, tmp_path, body=body).size == len(body)
    assert read(bucket) == body
    assert [held.body == body for held in simulator.held.values()] == [True]


def test_a_cut_line_is_tried_again(bucket: Bucket, simulator: BucketSimulator, tmp_path: Path) -> None:
    simulator.away = True
    with pytest.raises(StorageGone):
        stored(bucket, tmp_path)
    assert simulator.asked == {"upload": 3}
    simulator.away = False
    assert stored(bucket, tmp_path).size == len(BODY)


@pytest.mark.parametrize(
    ("status", "called", "asked"),
    [
        *((403, StorageRefused, 1), (401, StorageRefused, 1), (400, StorageRefused, 1), (507, StorageFull, 1)),
        *((429, StorageGone, 3), (408, StorageGone, 3), (500, StorageGone, 3), (504, StorageGone, 3)),
    ],
)
def test_each_refusal_has_its_name_and_only_passing_ones_are_tried_again(
    bucket: Bucket, simulator: BucketSimulator, tmp_path: Path, status: int, called: type[Exception], asked: int
) -> None:
    simulator.faults["upload"].add("refuse", times=None, status=status)
    with pytest.raises(called) as told:
        stored(bucket, tmp_path)
    assert type(told.value) is called
    assert simulator.asked == {"upload": asked}


def test_an_upload_never_goes_without_its_precondition(
    bucket: Bucket, simulator: BucketSimulator, tmp_path: Path
) -> None:
    stored(bucket, tmp_path)
    stored(bucket, tmp_path, key="users/u-1/a-1/large.mp4", body=LARGE)
    uploads = [request for request in simulator.seen if simulator.stage(request) == "upload"]
    if isinstance(simulator, GoogleBucket):
        assert all(request.query["ifGenerationMatch"] == "0" for request in uploads)
    else:
        ends = [each for each in uploads if "partNumber" not in each.query and not _begins(each)]
        assert [each.headers["if-none-match"] for each in ends] == ["*", "*"]
        assert all("content-md5" in each.headers for each in uploads if each.method == "PUT")
    assert {held.metadata["sha256"] for held in simulator.held.values()} == {SHA, hashlib.sha256(LARGE).hexdigest()}
    assert {held.mime for held in simulator.held.values()} == {"video/mp4"}
    assert len(uploads) > 3


def _begins(request: object) -> bool:
    return request.method == "POST" and "uploadId" not in request.query  # type: ignore[attr-defined]


def test_a_large_file_does_not_replace_another_either(
    bucket: Bucket, simulator: BucketSimulator, tmp_path: Path
) -> None:
    stored(bucket, tmp_path)
    with pytest.raises(FileExistsError):
        stored(bucket, tmp_path, body=LARGE)
    assert read(bucket) == BODY
    assert not simulator.unfinished or isinstance(simulator, GoogleBucket)


def test_an_object_that_somebody_else_put_is_compared_by_its_bytes(
    bucket: Bucket, simulator: BucketSimulator, tmp_path: Path
) -> None:
    name = bucket._object(KEY)
    simulator.held[name] = Held(body=BODY, mime="video/mp4", metadata={}, generation=1)
    assert stored(bucket, tmp_path).size == len(BODY)
    simulator.held[name] = Held(body=bytes(len(BODY)), mime="video/mp4", metadata={}, generation=2)
    with pytest.raises(FileExistsError):
        stored(bucket, tmp_path)


def test_what_the_service_says_it_stored_is_compared(
    bucket: Bucket, simulator: BucketSimulator, tmp_path: Path
) -> None:
    simulator.faults["upload"].add("spoilt", times=1)
    stored(bucket, tmp_path)  # removed and sent again, so that no wrong bytes keep the name
    assert read(bucket) == BODY
    assert simulator.asked["delete"] == 1


def test_a_stream_that_breaks_off_is_not_taken_for_the_end(
    bucket: Bucket, simulator: BucketSimulator, tmp_path: Path
) -> None:
    stored(bucket, tmp_path)
    simulator.faults["read"].add("cut")
    with pytest.raises(StorageGone):
        read(bucket)
    simulator.faults["read"].add("refuse", status=503)
    with pytest.raises(StorageGone):
        bucket.open_range(KEY)
    assert read(bucket) == BODY


def test_looking_and_deleting_say_when_the_bucket_is_away(bucket: Bucket, simulator: BucketSimulator) -> None:
    simulator.away = True
    for act in (bucket.stat, bucket.delete, bucket.open_range):
        with pytest.raises(StorageGone):
            act(KEY)
    with pytest.raises(StorageGone):
        bucket.sweep()
    with pytest.raises(StorageGone):
        bucket.check()


def test_a_listing_goes_page_by_page_and_a_page_is_asked_for_three_times(
    bucket: Bucket, simulator: BucketSimulator, tmp_path: Path
) -> None:
    keys = [f"users/u/{number}/x.mp4" for number in range(5)]
    for key in keys:
        stored(bucket, tmp_path, key, b"x")
    simulator.held[f"{bucket._object('users/u')}/not a key"] = Held(body=b"", mime="", metadata={}, generation=1)
    simulator.page = 2
    listing = bucket.list("users")
    assert (next(listing).key, simulator.asked["list"]) == (keys[0], 1)
    simulator.faults["list"].add("refuse", times=2, status=503)
    assert [each.key for each in listing] == keys[1:]
    assert simulator.asked["list"] == 5
    simulator.faults["list"].add("refuse", times=None, status=503)
    with pytest.raises(StorageGone):
        next(bucket.list("users"))
    assert simulator.asked["list"] == 8


def test_a_check_does_not_wait_for_a_bucket_that_hangs(
    bucket: Bucket, simulator: BucketSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "CHECK_SECONDS", 0.3)
    simulator.faults["upload"].add("slow", seconds=30)
    began = time.monotonic()
    with pytest.raises(StorageGone, match="longer"):
        bucket.check()
    assert time.monotonic() - began < 10
    simulator.stop()
    assert bucket._probe._thread is not None
    bucket._probe._thread.join(20)


def test_a_good_check_is_not_asked_again_at_once(bucket: Bucket, simulator: BucketSimulator) -> None:
    bucket.check()
    asked = simulator.asked.total()
    bucket.check()
    assert simulator.asked.total() == asked == 3
    assert simulator.held == {}


def test_the_sweep_takes_old_probes_and_broken_uploads_alone(
    bucket: Bucket, simulator: BucketSimulator, tmp_path: Path
) -> None:
    stored(bucket, tmp_path)
    long_ago = datetime.now(UTC) - timedelta(days=2)
    left = Held(body=b"x", mime="", metadata={}, generation=1, updated=long_ago)
    simulator.held[bucket._object("vividflow-probe/dead")] = left
    simulator.held[bucket._object("vividflow-probe/alive")] = Held(body=b"x", mime="", metadata={}, generation=1)
    simulator.unfinished["1"] = (left, {}, bucket._object("users/u-1/a-2/original.mp4"))
    expected = 2 if isinstance(simulator, AmazonBucket) else 1
    assert bucket.sweep() == expected
    assert bucket.sweep() == 0
    assert len(simulator.held) == 2


def test_a_bucket_that_is_not_there_is_a_plain_refusal(
    simulator: BucketSimulator, settings_of: Callable[..., Settings], opened: Callable[[Bucket], Bucket], tmp_path: Path
) -> None:
    scheme, kind = ("gs", GcsStorage) if isinstance(simulator, GoogleBucket) else ("s3", S3Storage)
    bucket = opened(kind(settings_of(scheme, simulator.url, storage_url=f"{scheme}://elsewhere")))
    for act in (lambda: stored(bucket, tmp_path), bucket.check):
        with pytest.raises(StorageRefused):
            act()
    assert simulator.asked["upload"] == 2


@pytest.mark.parametrize("url", ["gs://", "gs:///x", "s3://", "s3:///x", "gs://films/a b", "s3://films/../x"])
def test_a_wrong_address_is_told_at_once(url: str) -> None:
    with pytest.raises(Complaints):
        open_storage(Settings.from_environment(None, storage_url=url))


def test_opening_asks_nobody_and_loads_no_library(settings_of: Callable[..., Settings]) -> None:
    for scheme in ("gs", "s3"):
        room = open_storage(settings_of(scheme, "http://127.0.0.1:9"))
        assert "_client" not in vars(room.bucket)  # type: ignore[attr-defined]
        assert room.local_path(KEY) is None


def test_only_what_lies_in_google_s_storage_has_an_address_there(tmp_path: Path) -> None:
    key = "users/u-1/a-1/original.mp4"
    for url, uri in (
        ("gs://films/a-prefix", f"gs://films/a-prefix/{key}"),
        ("s3://films/a-prefix", None),
        (f"file://{tmp_path}/media", None),
    ):
        made = open_storage(Settings.from_environment(None, data_dir=tmp_path, storage_url=url))
        assert made.gs_uri(key) == uri


# ---- any gs:// object


@pytest.fixture
def films(settings_of: Callable[..., Settings]) -> object:
    """Google's strict bucket and the reader of objects."""
    server = GoogleBucket().start()
    reader = google_objects.GoogleObjects(settings_of("gs", server.url))
    yield server, reader
    if reader._opened:
        reader._opened.close()
    server.stop()


def test_objects_are_listed_and_fetched_with_their_checksum(films: tuple, tmp_path: Path) -> None:
    server, reader = films
    for name in ("veo/1/b.mp4", "veo/1/a.mp4", "veo/2/c.mp4"):
        server.held[name] = Held(body=BODY + name.encode(), mime="video/mp4", metadata={}, generation=7)
    found = reader.list("gs://films/veo/1/")
    assert [each.uri for each in found] == ["gs://films/veo/1/a.mp4", "gs://films/veo/1/b.mp4"]
    assert len(reader.list("gs://films/veo/", limit=2)) == 2
    sink = tmp_path / "sink"
    got = reader.fetch(found[0].uri, sink, max_bytes=10**8, total_seconds=30)
    assert (got, sink.read_bytes()) == (found[0], BODY + b"veo/1/a.mp4")
    assert (got.mime, got.generation, got.size) == ("video/mp4", 7, len(BODY) + 11)
    assert abs(got.updated_at - time.time()) < 60


def test_a_fetch_that_cannot_be_leaves_no_file(films: tuple, tmp_path: Path) -> None:
    server, reader = films
    sink, uri = tmp_path / "sink", "gs://films/veo/a.mp4"
    server.held["veo/a.mp4"] = Held(body=BODY, mime="video/mp4", metadata={}, generation=7)

    def fetch(**more: object) -> object:
        return reader.fetch(uri, sink, **{"max_bytes": 10**8, "total_seconds": 30} | more)

    with pytest.raises(google_objects.ObjectTooLarge):
        fetch(max_bytes=len(BODY) - 1)
    with pytest.raises(StorageGone, match="too long"):
        fetch(total_seconds=-1)
    for stage, fault, more, called in (
        ("read", "cut", {}, StorageGone),
        ("read", "refuse", {"status": 503}, StorageGone),
        ("look", "refuse", {"status": 403}, PermissionError),
        ("read", "refuse", {"status": 403}, PermissionError),
        ("look", "refuse", {"status": 404}, FileNotFoundError),
    ):
        server.faults[stage].add(fault, **more)
        with pytest.raises(called):
            fetch()
        assert not sink.exists()
    server.asked.clear()
    server.faults["list"].add("refuse", times=None, status=503)
    with pytest.raises(StorageGone):
        reader.list("gs://films/veo/")
    assert server.asked == {"list": 1}
    for wrong in ("veo/a.mp4", "s3://films/a", "gs:///a"):
        with pytest.raises(ValueError, match="gs://"):
            reader.list(wrong)


def test_bytes_that_do_not_match_the_checksum_are_refused(films: tuple, tmp_path: Path) -> None:
    server, reader = films
    held = Held(body=BODY, mime="video/mp4", metadata={}, generation=7)
    server.held["a.mp4"] = held
    answer = server._about

    def lie(name: str) -> dict:
        return answer(name) | {"crc32c": "AAAAAA=="}

    server._about = lie
    with pytest.raises(StorageGone, match="not what Google says"):
        reader.fetch("gs://films/a.mp4", tmp_path / "sink", max_bytes=10**8, total_seconds=30)
    assert not (tmp_path / "sink").exists()


def test_a_ready_token_goes_along_and_nothing_else_is_asked(settings_of: Callable[..., Settings]) -> None:
    server = GoogleBucket().start()
    try:
        reader = google_objects.GoogleObjects(settings_of("gs", server.url, google_oauth_access_token="ready-token"))
        reader.list("gs://films/x")
        assert [request.headers["authorization"] for request in server.seen] == ["Bearer ready-token"]
        assert "ready-token" not in repr(vars(reader))
        reader._opened.close()  # type: ignore[union-attr]
    finally:
        server.stop()
