"""A finished video: facts, bytes, poster, and links that need no key."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.api.desk import Desk
from vividflow.records import assets, renditions
from vividflow.records.renditions import Rendition
from vividflow.timing import new_id

FILM = bytes(range(256)) * 40


def test_metadata_has_every_promised_member(desk: Desk) -> None:
    body = desk.get(f"/api/v1/videos/jobs/{desk.finished(FILM).id}/metadata").get_json()
    assert set(body) >= {
        "job_id", "video_urls", "thumbnail_urls", "technical_metadata", "streaming_info", "storage_keys", "s3_keys",
        "file_size", "duration", "dimensions", "sha256", "created_at", "provenance",
    }  # fmt: skip
    assert body["file_size"] == len(FILM)
    assert len(body["thumbnail_urls"]) == 3


def test_the_status_tells_every_stage(desk: Desk) -> None:
    stages = desk.get(f"/api/v1/videos/jobs/{desk.placed()}/status").get_json()["stages"]
    assert [stage["stage"] for stage in stages] == ["queued", "submitting", "generating", "downloading", "finishing"]
    assert stages[0]["state"] == "running"


def test_the_original_comes_untouched_in_whole_and_in_parts(desk: Desk) -> None:
    path = f"/api/v1/videos/jobs/{desk.finished(FILM).id}/download"
    whole = desk.get(path)
    assert (whole.status_code, whole.data, whole.content_type) == (200, FILM, "video/mp4")
    assert whole.headers["Content-Disposition"].startswith("attachment;")
    assert whole.headers["Accept-Ranges"] == "bytes"
    part = desk.get(path, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.data, part.headers["Content-Range"]) == (
        206,
        FILM[10:20],
        f"bytes 10-19/{len(FILM)}",
    )
    assert desk.get(path, headers={"Range": "bytes=-5"}).data == FILM[-5:]
    beyond = desk.get(path, headers={"Range": f"bytes={len(FILM)}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(FILM)}")
    assert desk.get(path, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    head = desk.client.head(path, headers={"X-API-Key": desk.key})
    assert (head.status_code, head.data, head.headers["Content-Length"]) == (200, b"", str(len(FILM)))


@pytest.mark.parametrize("what", ["download", "stream", "metadata", "thumbnail"])
def test_a_job_without_a_video_has_nothing_to_show(desk: Desk, what: str) -> None:
    for job_id in (desk.placed(), desk.finished(status="failed").id):
        answer = desk.get(f"/api/v1/videos/jobs/{job_id}/{what}")
        assert (answer.status_code, answer.get_json()["code"]) == (404, "no_result")


def test_the_poster_is_webp_for_whom_takes_it_and_jpeg_otherwise(desk: Desk) -> None:
    path = f"/api/v1/videos/jobs/{desk.finished().id}/thumbnail"
    jpeg, webp = desk.get(path), desk.get(path, headers={"Accept": "image/avif,image/webp,*/*"})
    assert (jpeg.content_type, webp.content_type) == ("image/jpeg", "image/webp")
    assert jpeg.headers["Cache-Control"] == "private, max-age=3600"
    assert jpeg.headers["ETag"] != webp.headers["ETag"]
    assert "Accept" in jpeg.headers["Vary"]
    assert desk.get(f"{path}?variant=poster_480").data == b"poster_480"
    assert desk.get(f"{path}?variant=spritesheet").status_code == 404
    assert desk.client.head(path, headers={"X-API-Key": desk.key}).status_code == 200


def sized(desk: Desk, content: bytes, width: int, height: int, **made: bytes) -> str:
    """The stream address of a film of that size, and of what was made from it."""
    job = desk.finished(content)
    with desk.tools.db.transaction() as connection:
        assets.change(connection, job.result["asset_id"], width=width, height=height)
        for name, bytes_of_it in made.items():
            kept = desk._put(job.id, f"{name}.mp4", bytes_of_it)
            kept.pop("user_id")
            size = int(name.removesuffix("p"))
            more = {"id": new_id(), "asset_id": job.result["asset_id"], "name": name, "height": size}
            renditions.insert(connection, Rendition(**(kept | more)))
    return f"/api/v1/videos/jobs/{job.id}/stream"


def test_the_stream_is_the_best_there_is_or_the_size_that_was_asked_for(desk: Desk) -> None:
    path = sized(desk, FILM, 1920, 1080, **{"720p": b"a smaller film", "480p": b"small"})
    for asked in ("", "?quality=1080p", "?quality=original"):
        answer = desk.get(path + asked)
        assert (answer.status_code, answer.data, answer.content_type) == (200, FILM, "video/mp4"), asked
        assert answer.headers["Content-Disposition"].startswith("inline;")
    assert desk.get(f"{path}?quality=720p").data == b"a smaller film"
    part = desk.get(f"{path}?quality=720p", headers={"Range": "bytes=2-8"})
    assert (part.status_code, part.data) == (206, b"smaller")
    assert desk.get(path, headers={"Range": f"bytes={len(FILM)}-"}).status_code == 416
    assert desk.client.head(path, headers={"X-API-Key": desk.key}).headers["Content-Length"] == str(len(FILM))


def test_an_original_that_browsers_do_not_play_is_streamed_as_what_was_made_of_it(desk: Desk) -> None:
    path = sized(desk, FILM, 3840, 2160, **{"2160p": b"playable", "720p": b"small"})
    for asked, content in (("", b"playable"), ("?quality=4k", b"playable"), ("?quality=original", FILM)):
        assert desk.get(path + asked).data == content, asked


def test_findings_are_told_with_the_frame_that_shows_them(desk: Desk) -> None:
    job = desk.finished()
    black = {"kind": "black", "from": 1.0, "to": 3.0, "words": "The picture is black.", "evidence": "poster_480"}
    with desk.tools.db.transaction() as connection:
        assets.change(connection, job.result["asset_id"], facts={"codec": "h264", "findings": [black]})
    told = desk.get(f"/api/v1/videos/jobs/{job.id}/metadata").get_json()
    assert told["technical_metadata"] == {"codec": "h264"}
    (found,) = told["findings"]
    link = found.pop("evidence_url")
    assert found == black
    assert desk.client.get(link.removeprefix(desk.settings.public)).data == b"poster_480"
    assert desk.get(f"/api/v1/videos/jobs/{desk.finished().id}/metadata").get_json()["findings"] is None


def test_a_size_that_is_not_there_is_answered_with_those_that_are(desk: Desk) -> None:
    path = sized(desk, FILM, 720, 1280, **{"480p": b"small"})
    answer = desk.get(f"{path}?quality=1080p")
    body = answer.get_json()
    assert (answer.status_code, body["code"], body["qualities"]) == (
        404,
        "no_such_quality",
        ["original", "720p", "480p"],
    )
    assert "original, 720p, 480p" in body["detail"]
    unmeasured = f"/api/v1/videos/jobs/{desk.finished().id}/stream"
    assert desk.get(f"{unmeasured}?quality=720p").get_json()["qualities"] == ["original"]
    assert desk.get(f"{unmeasured}?quality=poster_480").status_code == 404


def test_a_picture_does_not_stream(desk: Desk) -> None:
    job = desk.finished(kind="image")
    with desk.tools.db.transaction() as connection:
        assets.change(connection, job.result["asset_id"], kind="image", width=512, height=512)
    answer = desk.get(f"/api/v1/videos/jobs/{job.id}/stream")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "no_result")


def link_of(desk: Desk) -> str:
    """The path and query of a fresh signed link."""
    url = desk.get(f"/api/v1/status/{desk.finished(FILM).id}").get_json()["result_url"]
    assert url.startswith(desk.settings.public)
    return url.removeprefix(desk.settings.public)


def test_a_signed_link_needs_no_key_and_takes_ranges(desk: Desk) -> None:
    link = link_of(desk)
    answer = desk.client.get(link)
    assert (answer.status_code, answer.data) == (200, FILM)
    assert answer.headers["Content-Disposition"].startswith("inline;")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert 0 < int(answer.headers["Cache-Control"].partition("max-age=")[2]) <= 7200
    assert "RateLimit" not in answer.headers
    part = desk.client.get(link, headers={"Range": "bytes=0-0"})
    assert (part.status_code, part.data) == (206, FILM[:1])
    assert desk.client.head(link).status_code == 200


@pytest.mark.parametrize("change", [
    lambda link: link[:-1], lambda link: link + "x", lambda link: link.partition("?")[0],
    lambda link: link.replace("inline", "attachment"),
    lambda link: link.replace("expires=1", "expires=2"), lambda link: link.replace("original.mp4", "poster_jpeg.jpg"),
    lambda link: "/media/../../jobs.db?" + link.partition("?")[2], lambda link: "/media/%00?" + link.partition("?")[2],
    lambda link: "/media/%ff?expires=%ff&signature=%ff",
])  # fmt: skip
def test_a_link_that_was_altered_leads_nowhere(desk: Desk, change: Callable[[str], str]) -> None:
    answer = desk.client.get(change(link_of(desk)))
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


def test_a_link_that_has_ended_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    link = link_of(desk)
    for place in ("media", "quick_media"):
        monkeypatch.setattr(f"vividflow.api.{place}.now", lambda: 9e9)
    answer = desk.client.get(link)
    assert (answer.status_code, answer.get_json()["code"]) == (410, "link_expired")


def test_a_link_to_a_purged_video_leads_nowhere(desk: Desk) -> None:
    link = link_of(desk)
    (item,) = desk.get("/api/v1/jobs").get_json()["data"]
    desk.delete(f"/api/v1/jobs/{item['job_id']}?purge=true")
    assert desk.client.get(link).status_code == 404


def test_a_file_that_is_gone_from_the_storage_is_a_trouble_for_a_moment(desk: Desk) -> None:
    job = desk.finished(FILM)
    for path in (desk.settings.data_dir / "media").rglob("original.mp4"):
        path.unlink()
    answer = desk.get(f"/api/v1/videos/jobs/{job.id}/download")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "storage_gone")
    assert "Retry-After" in answer.headers
