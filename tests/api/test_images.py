"""The library of pictures: kept once, listed, looked at, put away; foreign ones are not there."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from tests.api.desk import GENERATE, LIGHTHOUSE, Desk, form_of, png
from vividflow.errors import Transient
from vividflow.lifecycle import library, moderation, trash
from vividflow.lifecycle.moderation import Finding, Look, Verdict
from vividflow.records import assets, renditions
from vividflow.storage.base import StorageGone
from vividflow.timing import now

IMAGES = "/api/v1/images"
MEMBERS = {"id", "image_id", "url", "thumbnail_url", "mime_type", "size", "width", "height", "sha256", "exif",
           "given_mime_type", "moderation", "created_at"}  # fmt: skip


def sent(desk: Desk, data: bytes | None = None, *, key: str | None = None) -> dict[str, Any]:
    """The object of a picture that was kept."""
    answer = desk.post(IMAGES, key=key, **form_of({}, {"image": data or png()}))
    assert answer.status_code in (200, 201), answer.text
    return answer.get_json()


def stored(desk: Desk) -> int:
    """How many files lie in the storage."""
    return sum(1 for path in (desk.settings.data_dir / "media").rglob("*") if path.is_file() and "users" in path.parts)


def test_a_picture_is_kept_and_served_without_a_key(desk: Desk) -> None:
    data = png(400, 300)
    answer = desk.post(IMAGES, **form_of({}, {"image": data}))
    body = answer.get_json()
    assert answer.status_code == 201
    assert set(body) == MEMBERS
    assert (body["width"], body["height"], body["mime_type"]) == (400, 300, "image/png")
    assert body["sha256"] == hashlib.sha256(data).hexdigest()
    assert body["moderation"] == {"verdict": "not_checked", "checks": {}}
    served = desk.client.get(body["url"].removeprefix(desk.settings.public))
    assert (served.status_code, len(served.data)) == (200, body["size"])
    assert desk.get(f"{IMAGES}/{body['id']}").get_json() == body
    assert desk.scratch() == []


def test_equal_bytes_are_one_picture(desk: Desk) -> None:
    first, again = (desk.post(IMAGES, **form_of({}, {"image": png()})) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json() == again.get_json()
    assert stored(desk) == 2


def test_equal_bytes_of_two_people_are_two_pictures(desk: Desk) -> None:
    _, key = desk.someone()
    assert sent(desk)["id"] != sent(desk, key=key)["id"]


def test_a_race_of_equal_uploads_keeps_one(desk: Desk) -> None:
    answers: list[tuple[int, str]] = []
    start = threading.Barrier(6)

    def send() -> None:
        start.wait()
        answer = desk.app.test_client().post(
            IMAGES, headers={"X-API-Key": desk.key}, **form_of({}, {"image": png(500, 400)})
        )
        answers.append((answer.status_code, answer.get_json()["id"]))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({image_id for _, image_id in answers}) == 1
    assert sorted(status for status, _ in answers) == [200] * 5 + [201]
    assert stored(desk) == 2
    assert desk.get(IMAGES).get_json()["data"][0]["id"] == answers[0][1]


def test_an_upload_that_is_overtaken_takes_the_faster_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = desk.settings.data_dir / "given"
    path.write_bytes(png())
    real, before = library.Intake.upload, []

    def overtaken(self: library.Intake) -> None:
        real(self)
        if not before:
            before.append(None)
            before.append(sent(desk)["id"])

    monkeypatch.setattr(library.Intake, "upload", overtaken)
    status, body = library.keep(desk.tools, desk.user.id, path)
    assert (status, body["id"]) == (200, before[1])
    assert stored(desk) == 2


def test_the_list_goes_from_new_to_old_in_pages(desk: Desk) -> None:
    ids = [sent(desk, png(300 + n, 300))["id"] for n in range(3)]
    first = desk.get(f"{IMAGES}?limit=2").get_json()
    assert [each["id"] for each in first["data"]] == ids[:0:-1]
    assert (first["has_more"], first["next"]) == (True, ids[1])
    second = desk.get(f"{IMAGES}?limit=2&after={first['next']}").get_json()
    assert [each["id"] for each in second["data"]] == ids[:1]
    assert (second["has_more"], second["next"]) == (False, None)
    assert desk.get(f"{IMAGES}?after={'0' * 8}-0000-0000-0000-{'0' * 12}").status_code == 404
    assert desk.get(f"{IMAGES}?limit=0").status_code == 422


def test_what_a_job_made_is_no_upload(desk: Desk) -> None:
    job = desk.finished()
    assert desk.get(IMAGES).get_json()["data"] == []
    assert desk.get(f"{IMAGES}/{job.result['asset_id']}").status_code == 404


def test_a_thumbnail_is_512_square_and_tagged(desk: Desk) -> None:
    body = sent(desk, png(900, 300))
    path = f"{IMAGES}/{body['id']}/thumbnail"
    answer = desk.get(path)
    assert (answer.status_code, answer.content_type) == (200, "image/jpeg")
    assert "max-age=" in answer.headers["Cache-Control"]
    with Image.open(io.BytesIO(answer.data)) as image:
        assert image.size == (512, 512)
    again = desk.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    part = desk.get(path, headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.data) == (206, answer.data[:10])
    assert desk.client.head(path, headers={"X-API-Key": desk.key}).status_code == 200


def test_a_picture_from_before_there_were_thumbnails_says_so(desk: Desk) -> None:
    body = sent(desk)
    with desk.tools.db.transaction() as connection:
        renditions.delete_of_asset(connection, body["id"])
    answer = desk.get(f"{IMAGES}/{body['id']}/thumbnail")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "no_thumbnail")


@pytest.mark.parametrize("id_kind", ["foreign", "unknown", "odd"])
def test_a_foreign_picture_is_not_there(desk: Desk, id_kind: str) -> None:
    _, key = desk.someone()
    mine = sent(desk)["id"]
    name = {"foreign": mine, "unknown": "0b6c7a52-6f0e-4a53-9a3c-0d3f1f1b9a10", "odd": "x"}[id_kind]
    for ask, path in ((desk.get, ""), (desk.get, "/thumbnail"), (desk.delete, ""), (desk.delete, "?purge=true")):
        answer = ask(f"{IMAGES}/{name}{path}", key=key)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "image_not_found")
    assert desk.post(GENERATE, key=key, json=LIGHTHOUSE | {"image_id": mine}).get_json()["code"] == "unknown_image"
    assert desk.get(f"{IMAGES}/{mine}").status_code == 200


def test_no_one_without_a_key_sends_or_sees(desk: Desk) -> None:
    assert desk.client.post(IMAGES, **form_of({}, {"image": png()})).status_code == 401
    assert desk.client.get(IMAGES).status_code == 401


def test_a_deleted_picture_is_in_the_trash_and_comes_back_when_it_is_sent_again(desk: Desk) -> None:
    body = sent(desk)
    assert desk.delete(f"{IMAGES}/{body['id']}").status_code == 204
    assert desk.get(f"{IMAGES}/{body['id']}").status_code == 404
    assert desk.get(IMAGES).get_json()["data"] == []
    for link in ("url", "thumbnail_url"):
        assert desk.client.get(body[link].removeprefix(desk.settings.public)).status_code == 404
    assert desk.delete(f"{IMAGES}/{body['id']}").status_code == 404
    assert desk.post(GENERATE, json=LIGHTHOUSE | {"image_id": body["id"]}).get_json()["code"] == "unknown_image"
    assert sent(desk)["id"] == body["id"]
    assert desk.client.get(body["url"].removeprefix(desk.settings.public)).status_code == 200


def test_a_purge_leaves_nothing(desk: Desk) -> None:
    body = sent(desk)
    assert desk.delete(f"{IMAGES}/{body['id']}?purge=true").status_code == 204
    assert stored(desk) == 0
    assert sent(desk)["id"] != body["id"]


def test_the_trash_is_emptied_after_thirty_days(desk: Desk) -> None:
    body = sent(desk)
    desk.delete(f"{IMAGES}/{body['id']}")
    assert trash.empty(desk.tools, now() + 29 * 86400) == 0
    assert trash.empty(desk.tools, now() + 31 * 86400) == 1
    assert stored(desk) == 0


def test_a_picture_that_a_job_works_with_is_not_purged(desk: Desk) -> None:
    body = sent(desk)
    job_id = desk.placed(image_id=body["id"])
    answer = desk.delete(f"{IMAGES}/{body['id']}?purge=true")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "image_in_use")
    assert answer.get_json()["job_id"] == job_id
    assert desk.delete(f"{IMAGES}/{body['id']}").status_code == 204


def test_the_same_key_answers_the_first_reply_again(desk: Desk) -> None:
    once = {"Idempotency-Key": "picture"}
    first = desk.post(IMAGES, **form_of({}, {"image": png()}), headers=once)
    again = desk.post(IMAGES, **form_of({}, {"image": png()}), headers=once)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.get_json() == first.get_json()
    other = desk.post(IMAGES, **form_of({}, {"image": png(colour=9)}), headers=once)
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency_key_reused")


def test_uploads_have_a_limit_of_their_own(desk: Desk) -> None:
    for number in range(10):
        answer = desk.post(IMAGES, **form_of({}, {"image": png(colour=number)}))
        assert answer.status_code == 201
    refused = desk.post(IMAGES, **form_of({}, {"image": png()}))
    assert (refused.status_code, refused.get_json()["code"]) == (429, "rate_limited")
    assert int(refused.headers["Retry-After"]) > 0
    assert desk.get(IMAGES).status_code == 200


@pytest.mark.parametrize(
    ("form", "code"),
    [
        (form_of({}, {}), "missing_field"),
        ({"json": {}}, "missing_field"),
        (form_of({"image": "a.png"}, {}), "invalid_image"),
        (form_of({"colour": "red"}, {"image": png()}), "unknown_field"),
        (form_of({}, {"image": png(), "other": png()}), "unknown_field"),
        (form_of({}, {"image": b""}), "empty_image"),
    ],
)
def test_a_wrong_form_is_refused(desk: Desk, form: dict[str, Any], code: str) -> None:
    answer = desk.post(IMAGES, **form)
    assert (answer.status_code, answer.get_json()["code"]) == (422, code)
    assert stored(desk) == 0


def test_the_older_name_of_the_field_is_taken(desk: Desk) -> None:
    assert desk.post(IMAGES, **form_of({}, {"Image": png()})).status_code == 201


def test_a_storage_that_is_away_is_told_and_nothing_is_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise StorageGone("not mounted")

    monkeypatch.setattr(type(desk.tools.storage), "put", away)
    answer = desk.post(IMAGES, **form_of({}, {"image": png()}))
    assert (answer.status_code, answer.get_json()["code"]) == (503, "storage_gone")
    assert desk.get(IMAGES).get_json()["data"] == []


# ---- what checks think of a picture


def _checks(monkeypatch: pytest.MonkeyPatch, **checks: Callable[[Look], Finding]) -> None:
    made = {name: (lambda _, look, check=check: check(look)) for name, check in checks.items()}
    monkeypatch.setattr(moderation, "CHECKS", made)


def test_the_verdict_of_the_checks_is_stored(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Look] = []

    def fine(look: Look) -> Finding:
        assert look.path.stat().st_size > 0
        seen.append(look)
        return Finding(verdict=Verdict.ALLOWED)

    _checks(monkeypatch, fine=fine, doubt=lambda _: Finding(verdict=Verdict.FLAGGED, reason="a doubt"))
    body = sent(desk)
    assert body["moderation"] == {
        "verdict": "flagged",
        "checks": {
            "fine": {"verdict": "allowed", "reason": None},
            "doubt": {"verdict": "flagged", "reason": "a doubt"},
        },
    }
    assert [(look.width, look.user_id) for look in seen] == [(300, desk.user.id)]
    with desk.tools.db.reading() as connection:
        kept = assets.by_id(connection, desk.user.id, body["id"])
    assert kept is not None
    assert kept.facts["moderation"]["verdict"] == "flagged"


def test_a_refused_picture_is_not_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    _checks(monkeypatch, never=lambda _: Finding(verdict=Verdict.REFUSED, reason="for the operator alone"))
    for path, fields in ((IMAGES, {}), (GENERATE, LIGHTHOUSE)):
        answer = desk.post(path, **form_of(fields, {"image": png()}))
        assert (answer.status_code, answer.get_json()["code"]) == (422, "image_refused")
        assert "operator" not in answer.text
    assert (stored(desk), desk.jobs()) == (0, 0)


def test_not_checked_is_not_allowed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: Look) -> Finding:
        raise Transient("no_answer", "nobody there")

    _checks(monkeypatch, away=away)
    answer = desk.post(IMAGES, **form_of({}, {"image": png()}))
    assert (answer.status_code, answer.get_json()["code"]) == (503, "moderation_unavailable")
    assert stored(desk) == 0


# ---- pictures that come with a video


def test_a_job_that_is_refused_keeps_no_picture(desk_for: Callable[..., Desk]) -> None:
    desk = desk_for(user_queued=1)
    desk.placed()
    answer = desk.post(GENERATE, **form_of(LIGHTHOUSE, {"image": png()}))
    assert (answer.status_code, answer.get_json()["code"]) == (429, "queue_full")
    assert stored(desk) == 0
    assert desk.get(IMAGES).get_json()["data"] == []


def test_an_estimate_keeps_no_picture(desk: Desk) -> None:
    answer = desk.post("/api/v1/estimate", **form_of(LIGHTHOUSE, {"image": png(300, 500)}))
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["params"]["aspect_ratio"] == "9:16"
    assert "image_id" not in answer.get_json()["params"]
    assert stored(desk) == 0


def test_a_first_and_a_last_picture_may_be_the_same_file(desk: Desk) -> None:
    answer = desk.post(GENERATE, **form_of(LIGHTHOUSE, {"image": png(), "last_image": png()}))
    assert answer.status_code == 202, answer.text
    assert stored(desk) == 2


def test_a_last_picture_alone_is_refused_before_it_is_read(desk: Desk) -> None:
    answer = desk.post(GENERATE, **form_of(LIGHTHOUSE, {"last_image": b"no picture"}))
    assert (answer.status_code, answer.get_json()["code"]) == (422, "last_image_needs_image")
