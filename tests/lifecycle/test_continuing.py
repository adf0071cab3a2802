"""The last frame of one's own video as a picture: the right one, once, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.desk import Desk
from tests.media.films import make_film
from vividflow.errors import Outcome, Problem, Transient
from vividflow.lifecycle.continuing import last_frame
from vividflow.lifecycle.trash import remove
from vividflow.media.child import Decoder
from vividflow.records import assets
from vividflow.records.assets import Asset
from vividflow.storage.base import StorageGone
from vividflow.timing import new_id

RED = "drawbox=w=iw:h=ih:t=fill:color=red:enable='gte(t,0.9)'"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4", size="640x360", filters=RED).read_bytes()


def _asset(desk: Desk, image_id: str) -> Asset:
    with desk.tools.db.reading() as connection:
        found = assets.by_id(connection, desk.user.id, image_id)
    assert found
    return found


def _red(desk: Desk, asset: Asset, folder: Path) -> bool:
    """Whether the picture is red all over, by what a decoder makes of its middle."""
    import av

    path = folder / "picture.png"
    path.write_bytes(b"".join(desk.tools.storage.open_range(asset.storage_key)))
    with av.open(str(path)) as opened:
        frame = next(opened.decode(video=0)).reformat(2, 2, "rgb24")
    red, green, blue = bytes(frame.planes[0])[:3]
    return red > 200 and green < 60 and blue < 60


def test_the_last_frame_becomes_a_picture_once(desk: Desk, film: bytes, tmp_path: Path) -> None:
    job = desk.finished(film)
    image_id = last_frame(desk.tools, desk.user.id, job.id)
    picture = _asset(desk, image_id)
    assert (picture.kind, picture.width, picture.height, picture.job_id) == ("image", 640, 360, None)
    assert _red(desk, picture, tmp_path)
    assert last_frame(desk.tools, desk.user.id, job.id) == image_id
    assert desk.scratch() == []


def test_a_film_that_lies_elsewhere_is_fetched_first(desk: Desk, film: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    job = desk.finished(film)
    monkeypatch.setattr(type(desk.tools.storage), "local_path", lambda *_: None)
    assert _asset(desk, last_frame(desk.tools, desk.user.id, job.id)).width == 640
    assert desk.scratch() == []


def _refused(desk: Desk, job_id: str, user_id: str | None = None) -> tuple[int, str]:
    with pytest.raises(Problem) as refused:
        last_frame(desk.tools, user_id or desk.user.id, job_id)
    assert desk.scratch() == []
    return refused.value.status, refused.value.code


def test_what_has_no_video_is_refused(desk: Desk, film: bytes) -> None:
    job = desk.finished(film)
    stranger, _ = desk.someone()
    assert _refused(desk, job.id, stranger.id) == (404, "job_not_found")
    assert _refused(desk, new_id()) == (404, "job_not_found")
    assert _refused(desk, desk.placed()) == (409, "not_a_finished_video")
    assert _refused(desk, desk.finished(status="failed").id) == (409, "not_a_finished_video")
    assert _refused(desk, desk.finished(b"not really a film").id) == (422, "not_a_video")
    remove(desk.tools, desk.user, job.id)
    assert _refused(desk, job.id) == (409, "not_a_finished_video")


def test_a_file_that_is_gone_is_told(desk: Desk, film: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    job = desk.finished(film)
    with desk.tools.db.reading() as connection:
        kept = assets.of_job(connection, job.id)
    assert kept
    desk.tools.storage.delete(kept.storage_key)
    assert _refused(desk, job.id) == (409, "not_a_finished_video")

    def away(*_: object) -> None:
        raise StorageGone("It does not answer.")

    monkeypatch.setattr(type(desk.tools.storage), "local_path", away)
    assert _refused(desk, job.id) == (503, "storage_gone")


def test_a_small_film_is_too_small_to_start_from(desk: Desk, tmp_path: Path) -> None:
    small = make_film(tmp_path / "small.mp4", size="320x180", seconds=0.4).read_bytes()
    assert _refused(desk, desk.finished(small).id)[0] == 422


def test_a_decoder_that_stops_is_come_back_to(desk: Desk, film: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: object) -> Outcome:
        raise Transient("decoder_closed", "The server is stopping; it is tried again.")

    monkeypatch.setattr(Decoder, "last_frame", closed)
    assert _refused(desk, desk.finished(film).id) == (503, "decoder_closed")
