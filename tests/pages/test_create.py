"""The form that makes a video, without script and as the script sends it."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest

from tests.api.desk import Desk, png
from tests.pages.browser import Browser
from vividflow.providers.registry import load_registry
from vividflow.records import jobs, ledger, users
from vividflow.records.jobs import Job
from vividflow.timing import new_id

LAKE = {
    "prompt": "A quiet lake at dawn",
    "model": "local",
    "duration": "4",
    "aspect_ratio": "16:9",
    "resolution": "720p",
}
TOKEN = {"replicate_api_token": "r8_for_a_provider_that_is_not_there", "replicate_base_url": "http://127.0.0.1:9"}


def rows(desk: Desk) -> list[Job]:
    with desk.tools.db.reading() as connection:
        ids = connection.exec_driver_sql("SELECT id FROM jobs ORDER BY created_at").scalars().all()
        return [job for each in ids if (job := jobs.by_id(connection, each))]


def sent(browser: Browser, **fields: str) -> dict[str, str]:
    """The form as the page offers it, with some fields filled in."""
    return LAKE | {"once": browser.hidden("once"), "max_cost": browser.hidden("max_cost")} | fields


def test_without_script_the_form_makes_a_job_and_comes_back_with_its_values(mina: Browser, desk: Desk) -> None:
    fields = sent(
        mina, seed="7", negative_prompt="people", cfg="6.5", aspect_ratio="9:16", audio="true", webhook_url=""
    )
    answer = mina.send("/create", fields)
    assert (answer.status_code, answer.location) == (303, "/create")
    (job,) = rows(desk)
    assert job.prompt == "A quiet lake at dawn"
    wanted: dict[str, Any] = {"seed": 7, "negative_prompt": "people", "cfg": 6.5, "aspect_ratio": "9:16", "audio": True}
    assert job.params.items() >= wanted.items()
    assert job.request_id
    mina.get("/create")
    assert "A quiet lake at dawn</textarea>" in mina.text
    assert re.search(r'value="9:16" checked', mina.text)
    assert f'data-job="{job.id}"' in mina.text
    assert "Queued" in mina.text
    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in mina.text


def test_a_page_without_jobs_under_way_does_not_reload_itself(mina: Browser) -> None:
    assert "http-equiv" not in mina.get("/create").text


def test_sending_the_same_form_twice_makes_one_job(mina: Browser, desk: Desk) -> None:
    fields = sent(mina)
    assert [mina.send("/create", fields).status_code for _ in range(2)] == [303, 303]
    assert len(rows(desk)) == 1
    mina.get("/create")
    mina.send("/create", sent(mina))
    assert len(rows(desk)) == 2


def test_one_key_with_other_content_is_refused_and_nothing_is_lost(mina: Browser, desk: Desk) -> None:
    fields = sent(mina)
    mina.send("/create", fields)
    mina.get("/create")
    answer = mina.send("/create", fields | {"prompt": "Something else entirely"})
    assert answer.status_code == 422
    assert "Something else entirely</textarea>" in mina.text
    assert "The form as it was before this change was sent already. Press Generate again" in mina.text
    assert len(rows(desk)) == 1


def test_a_wrong_field_is_told_beside_it_with_the_form_as_it_was(mina: Browser, desk: Desk) -> None:
    answer = mina.send("/create", sent(mina, prompt="x", seed="-1", negative_prompt="crowds"))
    assert answer.status_code == 422
    assert re.search(r'id="prompt"[^>]*aria-invalid="true"', mina.text)
    assert "A prompt has 3 to 1,000 characters; this one has 1." in mina.text
    assert re.search(r'id="seed-error">.*?seed is a whole number', mina.text, re.S)
    assert '<details class="more" open>' in mina.text
    assert "crowds</textarea>" in mina.text
    assert "Nothing was made yet." in mina.text
    assert rows(desk) == []


def test_an_empty_prompt_is_asked_for(mina: Browser) -> None:
    mina.send("/create", sent(mina, prompt="   "))
    assert "Describe the video first." in mina.text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"model": "nonsense"}, "There is no model called"),
        ({"model": "sora-2"}, "Sora 2 was shut down"),
        ({"model": "wan2.2"}, "Wan 2.2 cannot be used here"),
        ({"duration": "61"}, "Local preview takes 1 to 60 seconds, not 61."),
        ({"duration": "long"}, "duration is seconds"),
        ({"aspect_ratio": "2:1"}, "Local preview takes 16:9"),
        ({"resolution": "9000p"}, "resolution is 360p"),
        ({"webhook_url": "http://127.0.0.1:1/"}, "The webhook_url was refused"),
        ({"image_id": "0b6c7a52-6f0e-4a53-9a3c-0d3f1f1b9a10"}, "You have no image with this id."),
        ({"surprise": "1"}, "surprise"),
    ],
)
def test_what_cannot_be_made_is_refused_in_words(mina: Browser, desk: Desk, fields: dict[str, str], words: str) -> None:
    answer = mina.send("/create", sent(mina, **fields))
    assert 400 <= answer.status_code < 500
    assert words in unescape(mina.text)
    assert rows(desk) == []
    assert "A quiet lake at dawn</textarea>" in mina.text


def test_a_picture_goes_along_and_stays_for_the_next_clip(mina: Browser, desk: Desk) -> None:
    answer = mina.send("/create", sent(mina), {"image": png(400, 300)})
    assert answer.status_code == 303, mina.text
    (job,) = rows(desk)
    assert job.params["image_id"]
    mina.get("/create")
    assert mina.hidden("image_id") == job.params["image_id"]
    assert "400 × 300" in mina.text
    assert re.search(r'<img src="/media/users/[^"]+" alt="Start image">', mina.text)
    mina.send("/create", sent(mina, image_id=mina.hidden("image_id")))
    mina.get("/create")
    mina.send("/create", sent(mina, image_id=mina.hidden("image_id"), no_image="true"))
    assert [job.params.get("image_id") is not None for job in rows(desk)] == [True, True, False]
    assert desk.scratch() == []


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (png(255, 400), "The picture is 255 × 400. It needs at least 256 px a side."),
        (b"GIF89a, or so it says", "picture"),
        (b"", "The picture is empty."),
    ],
)
def test_a_picture_that_will_not_do_is_refused_and_leaves_nothing(
    mina: Browser, desk: Desk, picture: bytes, words: str
) -> None:
    answer = mina.send("/create", sent(mina), {"image": picture})
    assert answer.status_code == 422
    error = re.search(r'id="image-error">(.*?)</p>', mina.text, re.S)
    assert error
    assert words in error[1]
    assert (rows(desk), desk.scratch()) == ([], [])
    assert "A quiet lake at dawn</textarea>" in mina.text


def test_a_file_over_ten_megabytes_is_refused(mina: Browser, desk: Desk) -> None:
    answer = mina.send("/create", sent(mina), {"image": b"\x89PNG" + bytes(10 * 1024 * 1024)})
    assert answer.status_code == 413
    assert (rows(desk), desk.scratch()) == ([], [])


def test_the_price_stands_beside_the_button_and_a_higher_one_is_asked_for_first(desk_for: Callable[..., Desk]) -> None:
    desk = desk_for(**TOKEN)
    browser = Browser(desk.app)
    browser.sign_up()
    assert re.search(
        r"<b class=\"num\" data-credits>11 credits</b> <span class=\"num\" data-dollars>· \$0.11</span>", browser.text
    )
    fields = sent(browser, model="wan2.2", duration="7")
    answer = browser.send("/create", fields)
    assert answer.status_code == 402
    assert "This now costs 16 credits ($0.16). Nothing was charged. Press Generate again to accept." in browser.text
    assert rows(desk) == []
    fields = sent(browser, model="wan2.2", duration="7")
    assert browser.send("/create", fields).status_code == 303
    (job,) = rows(desk)
    with desk.tools.db.reading() as connection:
        assert ledger.account(connection, job.user_id).held == job.quoted
    assert -(-job.quoted // 10_000) == 16


def test_too_few_credits_are_told_and_nothing_is_made(desk_for: Callable[..., Desk]) -> None:
    desk = desk_for(credits=True, **TOKEN)
    browser = Browser(desk.app)
    browser.sign_up()
    assert '<b class="num">0</b>' in browser.text
    answer = browser.send("/create", sent(browser, model="wan2.2", duration="5"))
    assert answer.status_code == 402
    assert "This costs 11 credits and you have 0. Nothing was charged." in browser.text
    assert rows(desk) == []


def test_every_model_is_offered_and_the_unusable_say_why(mina: Browser) -> None:
    options = dict(re.findall(r'<option value="([^"]+)"[^>]*?(disabled)?>', mina.text))
    living = [each for each in load_registry().models if each.kind == "video" and not each.retired()]
    assert options == {each.id: "" if each.id == "local" else "disabled" for each in living}
    assert re.search(r'value="wan2.2"[^>]*disabled>Wan 2.2 · not set up here', mina.text)
    assert "REPLICATE_API_TOKEN" not in mina.text
    assert "It needs a key that an administrator can set." in mina.text
    # What is shut down cannot be chosen: it only says since when, and what to use instead.
    assert "<b>Sora 2</b>" in mina.text
    assert "It was shut down on 2026-09-24. Use " in mina.text


def test_another_model_shows_its_own_settings_without_script(desk_for: Callable[..., Desk]) -> None:
    browser = Browser(desk_for(**TOKEN).app)
    browser.sign_up()
    fields = sent(browser, model="wan2.1", duration="60", resolution="4k", refit="model")
    answer = browser.send("/create", fields)
    assert answer.status_code == 200
    assert re.findall(r'type="radio" name="duration" value="(\d+)"( checked)?', browser.text)[-1] == ("6", " checked")
    assert re.search(r'value="720p" checked', browser.text)
    assert "360p, 1080p and 4k need another model, such as Local preview." in browser.text
    assert re.search(r'id="negative_prompt"[^>]*disabled', browser.text)
    assert "Wan 2.1 does not take a negative prompt." in browser.text


def test_use_settings_fills_every_field(mina: Browser, desk: Desk) -> None:
    fields = sent(
        mina,
        seed="99",
        steps="12",
        cfg="3.5",
        negative_prompt="people",
        audio="true",
        duration="7.5",
        aspect_ratio="1:1",
    )
    mina.send("/create", fields)
    mina.get("/create")
    mina.send("/create", sent(mina, prompt="Another one"))
    first = rows(desk)[0]
    mina.get(f"/create?from={first.id}")
    assert "A quiet lake at dawn</textarea>" in mina.text
    values = dict(re.findall(r'name="(seed|steps|cfg|duration)"[^>]*value="([\d.]+)"', mina.text))
    assert values == {"seed": "99", "steps": "12", "cfg": "3.5", "duration": "7.5"}
    assert re.search(r'value="1:1" checked', mina.text)
    assert re.search(r'name="audio" value="true" checked', mina.text)
    assert "people</textarea>" in mina.text


def test_a_sample_fills_the_prompt(mina: Browser) -> None:
    mina.get("/create?prompt=Camel+caravan+%3Cb%3E")
    assert "Camel caravan &lt;b&gt;</textarea>" in mina.text


def test_settings_of_somebody_elses_job_are_not_shown(mina: Browser, desk: Desk) -> None:
    theirs = desk.placed(prompt="Nobody else may read this")
    mina.get(f"/create?from={theirs}")
    assert "Nobody else may read this" not in mina.text


def test_the_script_gets_the_card_and_the_next_key(mina: Browser, desk: Desk) -> None:
    answer = mina.ask("/create", sent(mina), {"image": png()})
    assert answer.status_code == 202
    body = answer.get_json()
    (job,) = rows(desk)
    assert body["job_id"] == job.id
    assert body["image_id"] == job.params["image_id"]
    assert f'data-job="{job.id}"' in body["card"]
    assert body["key"] != mina.hidden("once")
    again = mina.ask("/create", sent(mina), {"image": png()})
    assert (again.status_code, again.get_json()["job_id"]) == (202, job.id)


def test_the_script_gets_errors_by_field(mina: Browser) -> None:
    answer = mina.ask("/create", sent(mina, prompt="x", cfg="99"))
    assert answer.status_code == 422
    body = answer.get_json()
    assert {each["param"] for each in body["errors"]} == {"prompt", "cfg"}
    assert (body["detail"], bool(body["key"])) == ("", True)


def test_a_script_that_lost_its_session_is_told_so(desk: Desk) -> None:
    browser = Browser(desk.app)
    browser.sign_up()
    fields, token = sent(browser), browser.token
    browser.post("/logout")
    answer = browser.client.post("/create", data=fields, headers={"Accept": "application/json", "X-CSRF-Token": token})
    assert (answer.status_code, answer.get_json()["code"]) == (401, "signed_out")


def test_the_feed_has_tabs_counts_and_pages(mina: Browser, desk: Desk) -> None:
    with desk.tools.db.reading() as connection:
        user = users.by_id(connection, connection.exec_driver_sql("SELECT user_id FROM sessions").scalar_one())
    assert user is not None
    desk.user = user
    done = [desk.finished().id for _ in range(21)]
    failed = desk.finished(status="failed", error_code="operation_lost", error_message="The provider lost it.")
    mina.get("/create?show=failed")
    assert re.findall(r'data-job="([^"]+)"', mina.text) == [failed.id]
    assert re.search(r'show=failed" aria-current="true">Failed <span class="n" data-tab-count="failed">1<', mina.text)
    mina.get("/create?show=done")
    first = re.findall(r'data-job="([^"]+)"', mina.text)
    more = re.search(r'href="([^"]+)"[^>]*>Load more', mina.text)
    assert more
    mina.get(unescape(more[1]))
    rest = re.findall(r'data-job="([^"]+)"', mina.text)
    assert (len(first), len(rest)) == (20, 1)
    assert set(first + rest) == set(done)


def test_an_empty_feed_offers_three_samples(mina: Browser) -> None:
    assert len(re.findall(r"data-sample=", mina.text)) == 3
    mina.get("/create?show=failed")
    assert "Nothing has failed" in mina.text


def test_a_key_that_is_none_is_replaced(mina: Browser, desk: Desk) -> None:
    for key in ("", "é", "x" * 300):
        mina.get("/create")
        mina.send("/create", sent(mina, once=key, prompt=f"A lake {new_id()}"))
    assert len(rows(desk)) == 3
