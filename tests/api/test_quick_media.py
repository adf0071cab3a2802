"""The short way to a file answers exactly what the view answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.desk import Desk
from tests.api.test_videos import FILM, link_of, sized
from vividflow.api import entrance
from vividflow.api.media_answer import MediaAnswer
from vividflow.timing import new_id

CONDITIONS = ({}, {"Range": "bytes=3-9"}, {"Range": "bytes=99999-"}, {"If-None-Match": "*"}, {"If-Range": '"x"'})
WAYS = ("quick_link", "quick_download", "quick_stream")
VARIES = ("X-Request-ID", "Date", "RateLimit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def _seen(desk: Desk, path: str, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
    answer = desk.client.get(path, headers=headers)
    told = {name: value for name, value in answer.headers.items() if name not in VARIES}
    return answer.status_code, answer.data, told


@pytest.mark.parametrize("headers", CONDITIONS, ids=str)
@pytest.mark.parametrize("way", ["link", "download", "stream", "original", "rendition"])
def test_both_ways_answer_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, way: str, headers: dict[str, str]
) -> None:
    path, key, short_way = _asked(desk, way)
    desk.get("/api/v1/jobs")  # the key is known from now on
    taken: list[str] = []
    for name in WAYS:
        monkeypatch.setattr(entrance, name, _noting(getattr(entrance, name), name, taken))
    short = _seen(desk, path, key | headers)
    assert taken == [short_way]
    for name in WAYS:
        monkeypatch.setattr(entrance, name, _refusing)
    assert _seen(desk, path, key | headers) == short


def _asked(desk: Desk, way: str) -> tuple[str, dict[str, str], str]:
    """An address, the key that it takes, and who answers it the short way."""
    key = {"X-API-Key": desk.key}
    match way:
        case "link":
            return link_of(desk), {}, "quick_link"
        case "rendition":
            stream = sized(desk, FILM, 1920, 1080, **{"720p": b"a smaller film"})
            urls = desk.get(stream.replace("/stream", "/metadata")).get_json()["video_urls"]
            assert list(urls) == ["original", "1080p", "720p"]
            return urls["720p"].removeprefix(desk.settings.public), {}, "quick_link"
        case "stream":
            return f"{sized(desk, FILM, 1920, 1080, **{'720p': b'a smaller film'})}?quality=720p", key, "quick_stream"
        case "original":
            return f"{sized(desk, FILM, 720, 1280)}?quality=720p", key, "quick_stream"
    return f"/api/v1/videos/jobs/{desk.finished(FILM).id}/download", key, "quick_download"


def _noting(way: Callable[..., MediaAnswer], name: str, taken: list[str]) -> Callable[..., MediaAnswer]:
    def noted(*given: Any) -> MediaAnswer:
        taken.append(name)
        return way(*given)

    return noted


def _refusing(*_: object) -> None:
    raise RuntimeError("not by this way")


def test_a_stranger_and_a_query_go_the_long_way(desk: Desk) -> None:
    path = f"/api/v1/videos/jobs/{desk.finished(FILM).id}/download"
    desk.get("/api/v1/jobs")
    assert desk.client.get(path).status_code == 401
    assert desk.get(f"{path}?odd=1").status_code == 422
    assert desk.get(path.replace("/download", "x/download")).status_code == 404


def test_a_size_is_its_owners_alone(desk: Desk) -> None:
    path = f"{sized(desk, FILM, 1920, 1080, **{'720p': b'smaller'})}?quality=720p"
    _, other = desk.someone()
    for key in (desk.key, other):
        desk.get("/api/v1/jobs", key=key)  # both keys are known from now on
    assert (desk.get(path).status_code, desk.get(path, key=other).status_code) == (200, 404)
    missing = desk.get(path.replace(path.split("/")[5], new_id()), key=other).get_json()
    assert desk.get(path, key=other).get_json()["code"] == missing["code"]


def test_the_short_way_to_a_file_counts_as_a_read(desk: Desk) -> None:
    path = f"/api/v1/videos/jobs/{desk.finished(FILM).id}/download"
    desk.get("/api/v1/jobs")
    first, second = desk.get(path), desk.get(path)
    left = [int(answer.headers["X-RateLimit-Remaining"]) for answer in (first, second)]
    assert left[0] - left[1] == 1
    assert "X-RateLimit-Remaining" not in desk.client.get(link_of(desk)).headers
