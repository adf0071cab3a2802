"""The library's rows on both databases: one for equal uploads whoever is first, pages, the trash."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from job_queue import JobQueue
from tests.api.desk import png
from tests.people import make_user
from vividflow.errors import Problem
from vividflow.lifecycle import library, trash
from vividflow.lifecycle import orders as placing
from vividflow.lifecycle.orders import Once
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.wish import Wish
from vividflow.records import renditions
from vividflow.records.users import User
from vividflow.timing import now


def _file(folder: Path, name: str, colour: int = 200) -> Path:
    path = folder / name
    path.write_bytes(png(colour=colour))
    return path


def test_equal_uploads_at_once_are_one_row(tools: Tools, user: User, tmp_path: Path) -> None:
    start, answers = threading.Barrier(5), []

    def keep(number: int) -> None:
        path = _file(tmp_path, str(number))
        start.wait()
        answers.append(library.keep(tools, user.id, path))

    threads = [threading.Thread(target=keep, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(status for status, _ in answers) == [200, 200, 200, 200, 201]
    assert len({body["id"] for _, body in answers}) == 1
    assert len(library.page(tools, user.id, limit=9)[0]) == 1


def test_pages_go_on_where_the_last_one_ended(tools: Tools, user: User, tmp_path: Path) -> None:
    ids = [library.keep(tools, user.id, _file(tmp_path, "a", colour))[1]["id"] for colour in range(5)]
    seen, after, more = [], None, True
    while more:
        data, more, after = library.page(tools, user.id, limit=2, after=after)
        seen += [each["id"] for each in data]
    assert seen == ids[::-1]
    assert after is None


def test_trash_and_return_and_the_end(tools: Tools, user: User, tmp_path: Path) -> None:
    path = _file(tmp_path, "a")
    _, body = library.keep(tools, user.id, path)
    library.remove(tools, user.id, body["id"])
    assert library.page(tools, user.id, limit=9)[0] == []
    assert library.keep(tools, user.id, path)[1]["id"] == body["id"]
    library.remove(tools, user.id, body["id"])
    assert trash.empty(tools, now() + 31 * 86400) == 1
    status, anew = library.keep(tools, user.id, path)
    assert status == 201
    assert anew["id"] != body["id"]


def test_what_is_taken_back_from_the_trash_is_there_again(tools: Tools, user: User, tmp_path: Path) -> None:
    _, body = library.keep(tools, user.id, _file(tmp_path, "a"))
    with pytest.raises(Problem) as there:
        library.restore(tools, user.id, body["id"])
    assert (there.value.status, there.value.code) == (409, "not_in_trash")
    library.remove(tools, user.id, body["id"])
    with pytest.raises(Problem) as foreign:
        library.restore(tools, make_user(tools).id, body["id"])
    assert foreign.value.status == 404
    assert library.restore(tools, user.id, body["id"]).deleted_at is None
    assert [each["id"] for each in library.page(tools, user.id, limit=9)[0]] == [body["id"]]


def test_a_key_answers_the_first_reply_again_and_another_person_s_picture_is_not_there(
    tools: Tools, user: User, tmp_path: Path
) -> None:
    once = Once(address="/api/v1/images", key="k", fingerprint="f")
    status, first = library.keep(tools, user.id, _file(tmp_path, "a"), once=once)
    again, same = library.keep(tools, user.id, _file(tmp_path, "b", 9), once=once)
    assert (status, again, same["id"]) == (201, 201, first["id"])
    stranger = make_user(tools)
    for act in (library.thumbnail, library.remove):
        with pytest.raises(Problem) as missing:
            act(tools, stranger.id, first["id"])
        assert (missing.value.status, missing.value.code) == (404, "image_not_found")
    library.remove(tools, user.id, first["id"])
    with pytest.raises(Problem) as trashed:
        library.thumbnail(tools, user.id, first["id"])
    assert trashed.value.code == "image_not_found"


def test_a_thumbnail_is_there_unless_the_picture_is_older_than_thumbnails(
    tools: Tools, user: User, tmp_path: Path
) -> None:
    _, body = library.keep(tools, user.id, _file(tmp_path, "a"))
    small = library.thumbnail(tools, user.id, body["id"])
    assert (small.width, small.height, small.mime) == (512, 512, "image/jpeg")
    with tools.db.transaction() as connection:
        renditions.delete_of_asset(connection, body["id"])
    with pytest.raises(Problem) as none:
        library.thumbnail(tools, user.id, body["id"])
    assert (none.value.status, none.value.code) == (404, "no_thumbnail")


def test_a_purge_waits_for_the_job_that_needs_the_picture_and_then_leaves_nothing(
    tools: Tools, user: User, tmp_path: Path
) -> None:
    _, body = library.keep(tools, user.id, _file(tmp_path, "a"))
    _, other = library.keep(tools, user.id, _file(tmp_path, "b", 9))
    wish = Wish(prompt="abc", model="local", image_id=other["id"], last_image_id=body["id"])
    _, job = placing.place(tools, user, wish)
    with pytest.raises(Problem) as busy:
        library.remove(tools, user.id, body["id"], purge=True)
    assert (busy.value.status, busy.value.code, busy.value.extra) == (409, "image_in_use", {"job_id": job["job_id"]})
    JobQueue(tools).cancel(user, job["job_id"])
    library.remove(tools, user.id, body["id"], purge=True)
    with pytest.raises(Problem):
        library.remove(tools, user.id, body["id"], purge=True)
    assert [each["id"] for each in library.page(tools, user.id, limit=9)[0]] == [other["id"]]
