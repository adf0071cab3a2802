"""The short way to a file answers exactly what the view answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.desk import Desk
from tests.api.test_videos import FILM, link_of
from vividflow.api import entrance
from vividflow.api.media_answer import MediaAnswer

CONDITIONS = ({}, {"Range": "bytes=3-9"}, {"Range": "bytes=99999-"}, {"If-None-Match": "*"}, {"If-Range": '"x"'})
VARIES = ("X-Request-ID", "Date", "RateLimit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def _seen(desk: Desk, path: str, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
    answer = desk.client.get(path, headers=headers)
    told = {name: value for name, value in answer.headers.items() if name not in VARIES}
    return answer.status_code, answer.data, told


@pytest.mark.parametrize("headers", CONDITIONS, ids=str)
@pytest.mark.parametrize("way", ["link", "download"])
def test_both_ways_answer_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, way: str, headers: dict[str, str]
) -> None:
    key = {"X-API-Key": desk.key} if way == "download" else {}
    path = link_of(desk) if way == "link" else f"/api/v1/videos/jobs/{desk.finished(FILM).id}/download"
    desk.get("/api/v1/jobs")  # the key is known from now on
    taken: list[str] = []
    for name in ("quick_link", "quick_download"):
        monkeypatch.setattr(entrance, name, _noting(getattr(entrance, name), name, taken))
    short = _seen(desk, path, key | headers)
    assert taken == [f"quick_{way}"]
    for name in ("quick_link", "quick_download"):
        monkeypatch.setattr(entrance, name, _refusing)
    assert _seen(desk, path, key | headers) == short


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


def test_the_short_way_to_a_file_counts_as_a_read(desk: Desk) -> None:
    path = f"/api/v1/videos/jobs/{desk.finished(FILM).id}/download"
    desk.get("/api/v1/jobs")
    first, second = desk.get(path), desk.get(path)
    left = [int(answer.headers["X-RateLimit-Remaining"]) for answer in (first, second)]
    assert left[0] - left[1] == 1
    assert "X-RateLimit-Remaining" not in desk.client.get(link_of(desk)).headers
