"""Every rule of the request, refused with its own code and a sentence that says what would do; never a 500, nothing left behind."""

from __future__ import annotations

import io
import json

import pytest

from tests.api.desk import GENERATE, LIGHTHOUSE, Desk, file_of, form_of, png

IMAGE_BYTES = 10 * 1024 * 1024
NOBODYS = "00000000-0000-4000-8000-000000000000"

RULES = [
    ({"prompt": "ab"}, "prompt", "invalid_prompt_length"),
    ({"prompt": "  a  "}, "prompt", "invalid_prompt_length"),
    ({"prompt": "x" * 1001}, "prompt", "invalid_prompt_length"),
    ({"prompt": 5}, "prompt", "invalid_prompt"),
    ({"prompt": ["a lighthouse"]}, "prompt", "invalid_prompt"),
    ({"prompt": "a light\x00house"}, "prompt", "prompt_control_characters"),
    ({"prompt": "a light\x07house"}, "prompt", "prompt_control_characters"),
    ({"prompt": "a light\ud800house"}, "prompt", "prompt_control_characters"),
    ({"prompt": None}, "prompt", "invalid_prompt"),
    ({"model": 7}, "model", "invalid_model"),
    ({"model": "no-such"}, "model", "unknown_model"),
    ({"model": "a\x00b"}, "model", "invalid_text"),
    ({"model": "\udfff"}, "model", "invalid_text"),
    ({"model": "wan2.2"}, "model", "model_unavailable"),
    ({"duration": "long"}, "duration", "invalid_duration"),
    ({"duration": True}, "duration", "invalid_duration"),
    ({"duration": -4}, "duration", "invalid_duration"),
    ({"duration": 0}, "duration", "invalid_duration"),
    ({"duration": 61}, "duration", "invalid_duration"),
    ({"duration": 10**400}, "duration", "invalid_duration"),
    ({"duration": "NaN"}, "duration", "invalid_duration"),
    ({"duration": "Infinity"}, "duration", "invalid_duration"),
    ({"duration": ""}, "duration", "invalid_duration"),
    ({"duration": {"seconds": 4}}, "duration", "invalid_duration"),
    ({"resolution": "9000p"}, "resolution", "invalid_resolution"),
    ({"resolution": ["720p"]}, "resolution", "invalid_resolution"),
    ({"aspect_ratio": "0:9"}, "aspect_ratio", "invalid_aspect_ratio"),
    ({"aspect_ratio": "7:5"}, "aspect_ratio", "invalid_aspect_ratio"),
    ({"cfg": 0.5}, "cfg", "invalid_cfg"),
    ({"cfg": 20.5}, "cfg", "invalid_cfg"),
    ({"seed": -1}, "seed", "invalid_seed"),
    ({"seed": 1.5}, "seed", "invalid_seed"),
    ({"seed": True}, "seed", "invalid_seed"),
    ({"seed": 2**70}, "seed", "invalid_seed"),
    ({"seed": "9" * 40}, "seed", "invalid_seed"),
    ({"negative_prompt": "x" * 1001}, "negative_prompt", "invalid_negative_prompt"),
    ({"negative_prompt": "a\x00"}, "negative_prompt", "invalid_negative_prompt"),
    ({"audio": "perhaps"}, "audio", "invalid_audio"),
    ({"audio": 1}, "audio", "invalid_audio"),
    ({"steps": 0}, "steps", "invalid_steps"),
    ({"steps": 101}, "steps", "invalid_steps"),
    ({"priority": 11}, "priority", "invalid_priority"),
    ({"priority": -11}, "priority", "invalid_priority"),
    ({"webhook_url": "ftp://example.com/x"}, "webhook_url", "invalid_webhook_url"),
    ({"webhook_url": "https://"}, "webhook_url", "invalid_webhook_url"),
    ({"webhook_url": "https://x.example:99999/"}, "webhook_url", "invalid_webhook_url"),
    ({"webhook_url": "https://127.0.0.1/hook"}, "webhook_url", "invalid_webhook_url"),
    ({"max_cost": -1}, "max_cost", "invalid_max_cost"),
    ({"image": "photo.png"}, "image", "invalid_image"),
    ({"Image": "photo.png"}, "image", "invalid_image"),
    ({"image_url": "gs://bucket/photo.png"}, "image_url", "image_url_not_allowed"),
    ({"image_url": 3}, "image_url", "invalid_image_url"),
    ({"image_id": "photo"}, "image_id", "invalid_image_id"),
    ({"image_id": "0b6c7a52-6f0e-4a53-9a3c-0d3f1f1b9a10"}, "image_id", "unknown_image"),
    ({"image_id": "0b6c7a52-6f0e-4a53-9a3c-0d3f1f1b9a10", "image_url": "gs://b/p"}, "image", "image_conflict"),
    ({"imgae": "x"}, "imgae", "unknown_field"),
    ({"quality_levels": ["720p"]}, "quality_levels", "unknown_field"),
    ({"reference_ids": "not an id"}, "reference_ids", "invalid_reference_ids"),
    ({"reference_ids": [NOBODYS, NOBODYS]}, "reference_ids", "invalid_reference_ids"),
    ({"reference_ids": [1]}, "reference_ids", "invalid_reference_ids"),
    ({"reference_ids": [NOBODYS]}, "reference_ids", "unsupported_parameter"),
    ({"extend_id": "not an id"}, "extend_id", "invalid_extend_id"),
    ({"extend_id": NOBODYS}, "extend_id", "unsupported_parameter"),
    ({"": "x"}, "", "unknown_field"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "param", "code"), RULES, ids=[f"{code}-{number}" for number, (_, _, code) in enumerate(RULES)]
)
def test_a_broken_rule_is_refused_with_its_own_code(
    desk: Desk, fields: dict[str, object], param: str, code: str
) -> None:
    answer = desk.post(GENERATE, data=json.dumps(LIGHTHOUSE | fields), content_type="application/json")
    body = answer.get_json()
    assert (answer.status_code, body["code"], body["param"]) == (422, code, param), body
    assert answer.content_type == "application/problem+json"
    assert body["detail"].endswith(".")
    assert body["type"] == f"{desk.settings.public}/docs/errors#{code}"
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert desk.jobs() == 0


def test_all_that_is_wrong_is_told_at_once(desk: Desk) -> None:
    body = desk.post(GENERATE, json={"duration": "x", "seed": -1, "colour": "red"}).get_json()
    assert {(e["param"], e["code"]) for e in body["errors"]} == {
        ("prompt", "missing_field"),
        ("duration", "invalid_duration"),
        ("seed", "invalid_seed"),
        ("colour", "unknown_field"),
    }


def test_an_unknown_field_is_told_which_ones_there_are(desk: Desk) -> None:
    detail = desk.post(GENERATE, json=LIGHTHOUSE | {"lenght": 4}).get_json()["detail"]
    assert "lenght" in detail
    assert "duration" in detail


def test_quality_levels_are_checked(desk: Desk) -> None:
    for wrong in (["720p", "720p"], ["8k"], [], "", 5, [5]):
        answer = desk.post("/api/v1/videos/generate", json=LIGHTHOUSE | {"quality_levels": wrong})
        assert answer.get_json()["code"] == "invalid_quality_levels"


def test_a_parameter_that_the_model_does_not_know_is_never_dropped(desk: Desk) -> None:
    answer = desk.post(GENERATE, json=LIGHTHOUSE | {"model": "sora-2"})
    assert (answer.status_code, answer.get_json()["code"]) == (410, "model_shut_down")
    assert answer.get_json()["successor"]


def test_a_price_above_max_cost_is_refused(desk: Desk) -> None:
    assert desk.post(GENERATE, json=LIGHTHOUSE | {"max_cost": 0}).status_code == 202


def test_priority_above_zero_is_for_administrators(desk: Desk) -> None:
    _, boss = desk.someone(admin=True)
    answer = desk.post(GENERATE, json=LIGHTHOUSE | {"priority": 1})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "admin_only")
    assert desk.post(GENERATE, json=LIGHTHOUSE | {"priority": 1}, key=boss).status_code == 202
    assert desk.post(GENERATE, json=LIGHTHOUSE | {"priority": "-3"}).status_code == 202


# ---- the body as such

FORM = "multipart/form-data; boundary=b"
BODIES = [
    (b"{", "application/json", 400, "malformed_json"),
    (b'{"prompt": NaN}', "application/json", 400, "malformed_json"),
    (b'{"prompt": "\xff\xfe"}', "application/json", 400, "malformed_json"),
    (b"[" * 100_000, "application/json", 400, "malformed_json"),
    (b'{"duration": ' + b"9" * 5000 + b"}", "application/json", 400, "malformed_json"),
    (b"prompt=lighthouse", "application/json", 400, "malformed_json"),
    (b"[1]", "application/json", 422, "not_an_object"),
    (b'"text"', "application/json", 422, "not_an_object"),
    (b"null", "application/json", 422, "not_an_object"),
    (b'{"prompt": "lighthouse", "prompt": "another"}', "application/json", 422, "duplicate_field"),
    (b'{"duration": 1e999, "prompt": "lighthouse"}', "application/json", 422, "invalid_duration"),
    (b'{"prompt": "lighthouse"}', "text/plain", 415, "unsupported_media_type"),
    (b'{"prompt": "lighthouse"}', "", 415, "unsupported_media_type"),
    (b'{"prompt": "lighthouse"}', "application/json; charset=utf-16", 415, "unsupported_media_type"),
    (b"<prompt/>", "application/xml", 415, "unsupported_media_type"),
    (b"prompt=a+lighthouse&prompt=b", "application/x-www-form-urlencoded", 422, "duplicate_field"),
    (b"prompt=%ff%fe%fd", "application/x-www-form-urlencoded", 400, "malformed_form"),
    (b"&".join(b"a%d=1" % n for n in range(300)), "application/x-www-form-urlencoded", 400, "malformed_form"),
    (b"x", "multipart/form-data", 400, "malformed_form"),
    (b"x", "multipart/form-data; boundary=" + "b" * 300, 400, "malformed_form"),
    (b"--b\r\nnonsense", FORM, 400, "malformed_form"),
    (b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n", FORM, 400, "malformed_form"),
    (b'--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nhalf', FORM, 400, "malformed_form"),
    (b'--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\n\xff\xff\r\n--b--\r\n', FORM, 400, "malformed_form"),
    (b"", "application/json", 422, "missing_field"),
    (b"", "", 422, "missing_field"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "kind", "status", "code"), BODIES, ids=[f"{code}-{n}" for n, (_, _, _, code) in enumerate(BODIES)]
)
def test_a_body_that_is_not_what_it_says_is_refused(desk: Desk, data: bytes, kind: str, status: int, code: str) -> None:
    answer = desk.post(GENERATE, data=data, content_type=kind)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert desk.jobs() == 0
    assert desk.scratch() == []


def test_more_than_a_megabyte_of_json_is_refused_by_announcement_and_by_count(desk: Desk) -> None:
    big = json.dumps(LIGHTHOUSE | {"negative_prompt": "x" * 1024 * 1024}).encode()
    for headers in ({}, {"Transfer-Encoding": "chunked"}):
        environ = {"wsgi.input_terminated": True}
        answer = desk.post(
            GENERATE, data=big, content_type="application/json", headers=headers, environ_overrides=environ
        )
        assert (answer.status_code, answer.get_json()["code"]) == (413, "body_too_large")


def test_posts_without_fields_take_an_empty_body_and_nothing_else(desk: Desk) -> None:
    job_id = desk.placed()
    assert desk.post(f"/api/v1/jobs/{job_id}/front").status_code == 200
    assert desk.post(f"/api/v1/jobs/{job_id}/front", json={}).status_code == 200
    answer = desk.post(f"/api/v1/jobs/{job_id}/front", json={"now": True})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "unknown_field")


# ---- files

FILES = [
    ({"image": (b"", "empty.png")}, 422, "empty_image"),
    ({"image": (b"this is text", "photo.png")}, 422, "not_an_image"),
    ({"image": (b"GIF89a" + b"\0" * 50, "photo.gif")}, 422, None),
    ({"image": (png(255, 400), "small.png")}, 422, "image_too_small"),
    ({"image": (png(4100, 300), "large.png")}, 422, "image_too_large"),
    ({"image": (png(), "a.png"), "image_url": "gs://bucket/a.png"}, 422, "image_conflict"),
    ({"image": (png(), "a.png"), "Image": (png(), "b.png")}, 422, "duplicate_field"),
    ({"prompt": (b"a lighthouse", "prompt.txt")}, 422, "unexpected_file"),
    ({"picture": (png(), "a.png")}, 422, "unknown_field"),
    ({"last_image": (png(), "a.png")}, 422, "last_image_needs_image"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "status", "code"), FILES, ids=[f"{code}-{n}" for n, (_, _, code) in enumerate(FILES)]
)
def test_a_file_that_will_not_do_is_refused_and_leaves_nothing(
    desk: Desk, fields: dict[str, object], status: int, code: str | None
) -> None:
    data = {name: file_of(*value) if isinstance(value, tuple) else value for name, value in fields.items()}
    answer = desk.post(
        GENERATE, data=(LIGHTHOUSE if "prompt" not in data else {}) | data, content_type="multipart/form-data"
    )
    assert answer.status_code == status, answer.text
    if code is not None:
        assert answer.get_json()["code"] == code
    assert desk.jobs() == 0
    assert desk.scratch() == []


def test_exactly_ten_megabytes_are_read(desk: Desk) -> None:
    picture = png()
    answer = desk.post(GENERATE, **form_of(LIGHTHOUSE, {"image": picture + b"\0" * (IMAGE_BYTES - len(picture))}))
    assert answer.status_code != 413


def test_one_byte_more_is_refused_and_so_is_a_form_that_is_too_large_as_a_whole(desk: Desk) -> None:
    answer = desk.post(GENERATE, **form_of(LIGHTHOUSE, {"image": b"\0" * (IMAGE_BYTES + 1)}))
    assert (answer.status_code, answer.get_json()["code"]) == (413, "image_file_too_large")
    answer = desk.post(GENERATE, **form_of(LIGHTHOUSE | {"negative_prompt": "x" * 600_000}, {}))
    assert (answer.status_code, answer.get_json()["code"]) == (413, "body_too_large")
    answer = desk.post(
        GENERATE, **form_of(LIGHTHOUSE, dict.fromkeys(("image", "last_image", "more"), b"\x00" * IMAGE_BYTES))
    )
    assert (answer.status_code, answer.get_json()["code"]) == (413, "body_too_large")
    assert desk.scratch() == []


def test_a_form_of_more_than_fifty_parts_is_refused(desk: Desk) -> None:
    answer = desk.post(GENERATE, **form_of({f"f{n}": "x" for n in range(60)}, {}))
    assert (answer.status_code, answer.get_json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_a_body_that_breaks_off_is_refused_and_not_half_believed(desk: Desk, kind: str) -> None:
    data = b"prompt=A+lighthouse&duration=6" if "form" in kind else b'{"prompt": "A lighthouse"}'
    answer = desk.post(
        GENERATE,
        input_stream=io.BytesIO(data),
        content_type=kind,
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": str(len(data) + 10)},
    )
    assert (answer.status_code, answer.get_json()["code"]) == (400, "malformed_request")
    assert desk.jobs() == 0


def test_a_wrong_wish_is_refused_before_its_picture_is_kept(desk: Desk) -> None:
    answer = desk.post(GENERATE, data=LIGHTHOUSE | {"duration": "999", "image": file_of(png())})
    assert answer.get_json()["code"] == "invalid_duration"
    with desk.tools.db.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM assets").scalar_one() == 0


def test_a_last_image_is_refused_under_its_own_name(desk: Desk) -> None:
    files = {"image": file_of(png()), "last_image": file_of(b"not a picture")}
    body = desk.post(GENERATE, data=LIGHTHOUSE | files).get_json()
    assert (body["code"], body["param"]) == ("not_an_image", "last_image")


# ---- queries and ids

QUERIES = [
    ("/api/v1/jobs?limit=0", "limit", "invalid_limit"),
    ("/api/v1/jobs?limit=101", "limit", "invalid_limit"),
    ("/api/v1/jobs?limit=ten", "limit", "invalid_limit"),
    ("/api/v1/jobs?after=x", "after", "invalid_after"),
    ("/api/v1/jobs?status=done", "status", "invalid_status"),
    ("/api/v1/jobs?kind=delivery", "kind", "invalid_kind"),
    ("/api/v1/jobs?q=%00", "q", "invalid_text"),
    ("/api/v1/jobs?statsu=failed", "statsu", "unknown_parameter"),
    ("/api/v1/jobs?limit=1&limit=2", "limit", "duplicate_field"),
    ("/api/v1/models?x=1", "x", "unknown_parameter"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "param", "code"), QUERIES)
def test_a_query_that_means_nothing_is_refused(desk: Desk, path: str, param: str, code: str) -> None:
    answer = desk.get(path)
    assert (answer.status_code, answer.get_json()["code"], answer.get_json()["param"]) == (422, code, param)


def test_a_query_that_is_not_utf8_is_malformed(desk: Desk) -> None:
    assert desk.get("/api/v1/jobs?q=%ff").status_code == 400


@pytest.mark.parametrize("wait", ["-1", "61", "soon", "nan"])
def test_a_wait_beyond_a_minute_is_refused(desk: Desk, wait: str) -> None:
    answer = desk.get(f"/api/v1/status/{desk.placed()}?wait={wait}")
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_wait")


@pytest.mark.parametrize(
    "job_id", ["x", "0B6C7A52-6F0E-4A53-9A3C-0D3F1F1B9A10", "0b6c7a52-6f0e-4a53-9a3c-0d3f1f1b9a1%00", "%ED%A0%80"]
)
def test_an_id_that_is_none_is_simply_not_there(desk: Desk, job_id: str) -> None:
    for method, path in [
        ("GET", f"/api/v1/status/{job_id}"),
        ("POST", f"/api/v1/cancel/{job_id}"),
        ("GET", f"/api/v1/jobs/{job_id}/events"),
        ("POST", f"/api/v1/jobs/{job_id}/front"),
        ("POST", f"/api/v1/jobs/{job_id}/retry"),
        ("DELETE", f"/api/v1/jobs/{job_id}"),
        ("POST", f"/api/v1/jobs/{job_id}/restore"),
        ("GET", f"/api/v1/videos/jobs/{job_id}/status"),
        ("GET", f"/api/v1/videos/jobs/{job_id}/download"),
        ("GET", f"/api/v1/videos/jobs/{job_id}/metadata"),
        ("GET", f"/api/v1/videos/jobs/{job_id}/thumbnail"),
    ]:
        answer = desk.client.open(path, method=method, headers={"X-API-Key": desk.key})
        assert (answer.status_code, answer.get_json()["code"]) == (404, "job_not_found"), path
