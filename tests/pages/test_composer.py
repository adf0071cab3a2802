"""What Create remembers, offers and refuses: drafts, richer prompts, prices that fit, variations, pictures, API calls."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.desk import Desk, png
from tests.media.films import make_film
from tests.pages.browser import Browser
from tests.pages.test_create import TOKEN, rows, sent
from vividflow.records import assets, drafts, ledger, users
from vividflow.records.users import User
from vividflow.timing import new_id

HOSTILE = "<b>مرحبا</b> 🎬 </textarea><script>x</script> " + "x" * 600


def me(desk: Desk) -> User:
    """Who signed in last."""
    with desk.tools.db.reading() as connection:
        asked = "SELECT user_id FROM sessions ORDER BY created_at DESC LIMIT 1"
        user = users.by_id(connection, connection.exec_driver_sql(asked).scalar_one())
    assert user
    return user


def save(browser: Browser, version: Any, fields: Any = None, **headers: str) -> TestResponse:
    """Save a draft as the script does."""
    body = {"version": version, "fields": {"prompt": "Typed"} if fields is None else fields}
    more = {"Accept": "application/json", "X-CSRF-Token": browser.token} | headers
    return browser.client.put("/create/draft", json=body, headers=more)


def value(browser: Browser, name: str) -> str:
    """What stands in a number or text field."""
    found = re.search(rf'name="{name}"[^>]*? value="([^"]*)"', browser.text)
    return unescape(found[1]) if found else ""


# ---- drafts


def test_a_draft_comes_back_with_every_field(mina: Browser) -> None:
    fields = {
        "prompt": HOSTILE,
        "model": "local",
        "duration": "7",
        "aspect_ratio": "1:1",
        "resolution": "480p",
        "cfg": "3.5",
        "seed": "99",
        "steps": "12",
        "negative_prompt": "people",
        "webhook_url": "https://example.com/told",
        "variations": "3",
        "original": "Mine",
        "audio": True,
        "enhance": True,
    }
    answer = save(mina, 0, fields)
    assert (answer.status_code, answer.get_json()) == (200, {"version": 1})
    mina.get("/create")
    assert "<script>x" not in mina.text
    assert HOSTILE in unescape(mina.text)
    assert 'data-draft="1"' in mina.text
    known = {name: value(mina, name) for name in ("seed", "steps", "cfg", "duration", "webhook_url", "original")}
    assert known == {name: fields[name] for name in known}
    for name, chosen in (("aspect_ratio", "1:1"), ("resolution", "480p"), ("variations", "3")):
        assert re.search(rf'name="{name}" value="{chosen}" checked', mina.text)
    for name in ("audio", "enhance"):
        assert re.search(rf'name="{name}" value="true" checked', mina.text)
    assert "people</textarea>" in mina.text


def test_two_windows_do_not_overwrite_each_other(mina: Browser) -> None:
    assert save(mina, 0, {"prompt": "First"}).get_json() == {"version": 1}
    assert save(mina, 1, {"prompt": "Second"}).get_json() == {"version": 2}
    late = save(mina, 1, {"prompt": "A window that did not see the second"})
    assert (late.status_code, late.get_json()) == (409, {"code": "draft_changed", "version": 2})
    assert "Second</textarea>" in mina.get("/create").text
    assert save(mina, 1, {"prompt": "Second"}).get_json() == {"version": 2}
    assert save(mina, 0, {"prompt": "Begun at the same moment"}).status_code == 409
    assert save(mina, 2, {"prompt": "Mine"}).get_json() == {"version": 3}
    assert "Mine</textarea>" in mina.get("/create").text


def test_a_version_that_never_was_is_told_as_a_change(mina: Browser) -> None:
    assert save(mina, 7).get_json() == {"code": "draft_changed", "version": 0}


def test_two_windows_that_begin_in_the_same_moment_are_one_draft(
    mina: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert save(mina, 0, {"prompt": "The faster one"}).status_code == 200
    real, asked = drafts.find, list[int]()

    def late(*where: Any) -> drafts.Draft | None:
        asked.append(1)
        return None if len(asked) == 1 else real(*where)

    monkeypatch.setattr(drafts, "find", late)
    answer = save(mina, 0, {"prompt": "The slower one"})
    assert (answer.status_code, answer.get_json()) == (409, {"code": "draft_changed", "version": 1})
    assert "The faster one</textarea>" in mina.get("/create").text


@pytest.mark.parametrize(("version", "fields"), [("1", {}), (True, {}), (0, []), (None, {})])
def test_what_is_no_draft_is_refused(mina: Browser, version: Any, fields: Any) -> None:
    answer = save(mina, version, fields)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_draft")


def test_a_draft_needs_the_token_and_somebody_signed_in(mina: Browser, desk: Desk) -> None:
    assert save(mina, 0, **{"X-CSRF-Token": "x"}).status_code == 403
    assert save(Browser(desk.app), 0).status_code == 401


def test_drafts_are_each_person_s_own(mina: Browser, desk: Desk) -> None:
    save(mina, 0, {"prompt": "Only mine"})
    other = Browser(desk.app)
    other.sign_up()
    assert "Only mine" not in other.text
    assert save(other, 0).get_json() == {"version": 1}


def test_saving_counts_as_reading(desk_for: Callable[..., Desk]) -> None:
    browser = Browser(desk_for(limit_web="3/hour").app)
    browser.sign_up()
    assert [save(browser, number).status_code for number in range(6)] == [200] * 6


def test_without_script_the_form_is_kept_when_it_is_refused(mina: Browser) -> None:
    save(mina, 0, {"prompt": "An older draft"})
    mina.send("/create", sent(mina, prompt="x", negative_prompt="crowds"), {"image": png(400, 300)})
    assert "400 × 300" in mina.text
    mina.get("/create")
    assert "crowds</textarea>" in mina.text
    assert "An older draft" not in mina.text
    assert mina.hidden("image_id")


def test_a_picture_that_is_gone_is_told_and_not_sent(mina: Browser, desk: Desk) -> None:
    save(mina, 0, {"prompt": "Typed", "model": "local", "image_id": new_id(), "last_image_id": new_id()})
    mina.get("/create")
    told = re.findall(r'id="(\w+)-error"><svg.*?<span>(.*?)</span>', mina.text)
    assert told == [
        (name, "The picture that was here is gone. Choose another one.") for name in ("image", "last_image")
    ]
    assert (mina.hidden("image_id"), mina.hidden("last_image_id")) == ("", "")
    mina.send("/create", sent(mina))
    assert len(rows(desk)) == 1


def test_a_model_that_cannot_be_used_any_more_is_replaced_and_that_is_said(mina: Browser) -> None:
    save(mina, 0, {"prompt": "Typed", "model": "wan2.2", "duration": "5"})
    assert "Model set to Local preview: Wan 2.2 cannot be used here now." in mina.get("/create").text
    save(mina, 1, {"prompt": "Typed", "model": "<b>gone</b>"})
    assert "Model set to Local preview: &lt;b&gt;gone&lt;/b&gt; cannot be used here now." in mina.get("/create").text
    save(mina, 2, {"prompt": "Typed", "model": "local"})
    assert "Model set to" not in mina.get("/create").text


# ---- the prompt made richer


def test_without_script_the_prompt_is_enhanced_and_taken_back(mina: Browser, desk: Desk) -> None:
    mina.send("/create", sent(mina, prompt="A dog runs", refit="enhance"))
    richer = re.search(r"\n(A dog runs\. [^<]+)</textarea>", mina.text)
    assert richer
    assert mina.hidden("original") == "A dog runs"
    assert not re.search(r"data-revert hidden", mina.text)
    mina.send("/create", sent(mina, prompt=unescape(richer[1]), original="A dog runs"))
    assert rows(desk)[0].params["original_prompt"] == "A dog runs"
    mina.get("/create")
    mina.send("/create", sent(mina, prompt=unescape(richer[1]), original="A dog runs", refit="revert"))
    assert "\nA dog runs</textarea>" in mina.text
    assert len(rows(desk)) == 1


def test_a_prompt_too_short_to_enhance_is_told_beside_it(mina: Browser) -> None:
    answer = mina.send("/create", sent(mina, prompt="x", refit="enhance"))
    assert answer.status_code == 422
    assert "A prompt has 3 to 1,000 characters" in mina.text


def test_the_switch_enhances_when_the_video_is_made(mina: Browser, desk: Desk) -> None:
    fields = sent(mina, prompt="A dog runs", enhance="true")
    mina.send("/create", fields)
    mina.send("/create", fields)
    (job,) = rows(desk)
    assert job.prompt
    assert job.prompt.startswith("A dog runs. ")
    assert job.params["original_prompt"] == "A dog runs"
    assert "\nA dog runs</textarea>" in mina.get("/create").text
    assert mina.send("/create", {name: each for name, each in fields.items() if name != "enhance"}).status_code == 422


def test_enhancing_has_its_own_limit(desk_for: Callable[..., Desk]) -> None:
    browser = Browser(desk_for(limit_enhance="1/minute").app)
    browser.sign_up()
    fields = sent(browser, prompt="A dog runs", refit="enhance")
    assert [browser.send("/create", fields).status_code for _ in range(2)] == [200, 429]


# ---- what the chosen model and the purse allow


def ask_price(browser: Browser, **fields: str) -> dict[str, Any]:
    """The foot for a form."""
    known = {"model": "wan2.2", "duration": "5", "resolution": "720p", "aspect_ratio": "16:9", "variations": "1"}
    answer = browser.ask("/create/quote", known | fields)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def test_the_price_is_for_all_variations(desk_for: Callable[..., Desk]) -> None:
    browser = Browser(desk_for(**TOKEN).app)
    browser.sign_up()
    one, four = ask_price(browser), ask_price(browser, variations="4")
    assert (one["credits"], one["dollars"], one["max_cost"]) == ("11 credits", "· $0.11", "0.11")
    assert (four["credits"], four["dollars"], four["max_cost"]) == ("44 credits", "· $0.44", "0.44")
    assert (one["short"], one["offer"]) == ("", None)
    assert one["ready"].startswith("Ready in about ")


def test_who_waits_in_line_is_told(desk_for: Callable[..., Desk]) -> None:
    desk = desk_for(**TOKEN)
    browser = Browser(desk.app)
    browser.sign_up()
    desk.placed()
    assert ask_price(browser)["ready"].endswith(", after 1 job in line")


def purse(desk_for: Callable[..., Desk], cents: int, **settings: Any) -> tuple[Desk, Browser]:
    """Somebody with that many credits."""
    desk = desk_for(credits=True, **(TOKEN | settings))
    browser = Browser(desk.app)
    browser.sign_up()
    with desk.tools.db.transaction() as connection:
        ledger.grant(connection, me(desk).id, cents * 10_000, "a little", 1.0)
    return desk, browser


def test_too_few_credits_offer_the_cheapest_setting_that_fits(desk_for: Callable[..., Desk]) -> None:
    desk, browser = purse(desk_for, 6)
    found = ask_price(browser)
    assert found["short"] == "You have 6 credits. Ask an administrator for more."
    wanted = {"model": "wan2.2", "duration": "5", "resolution": "480p", "variations": "1"}
    assert found["offer"] == {"label": "Switch to 5 credits", "fields": wanted}
    fields = sent(browser, model="wan2.2", duration="5", refit="offer")
    browser.send("/create", fields)
    assert re.search(r'name="resolution" value="480p" checked', browser.text)
    assert browser.send("/create", sent(browser, model="wan2.2", duration="5", resolution="480p")).status_code == 303
    assert rows(desk)[0].quoted == 50_000


def test_with_no_credits_the_free_model_is_offered(desk_for: Callable[..., Desk]) -> None:
    _, browser = purse(desk_for, 0)
    offer = ask_price(browser)["offer"]
    assert (offer["label"], offer["fields"]["model"]) == ("Switch to a free one", "local")
    assert ask_price(browser)["short"] == "You have no credits. Ask an administrator for more."
    browser.send("/create", sent(browser, model="wan2.2", duration="5", refit="model"))
    assert re.search(r"data-generate hidden>", browser.text)
    assert "Switch to a free one</button>" in browser.text


def test_a_cap_for_one_video_offers_what_is_below_it(desk_for: Callable[..., Desk]) -> None:
    browser = Browser(desk_for(max_job_usd=0.06, **TOKEN).app)
    browser.sign_up()
    found = ask_price(browser)
    assert (found["credits"], found["short"]) == ("11 credits", "One video may cost 6 credits here.")
    assert found["offer"]["label"] == "Switch to 5 credits"


def test_a_cap_for_the_day_says_what_is_left(desk_for: Callable[..., Desk]) -> None:
    browser = Browser(desk_for(user_daily_usd=0.15, **TOKEN).app)
    browser.sign_up()
    browser.send("/create", sent(browser, model="wan2.2", duration="5"))
    found = ask_price(browser)
    assert found["short"] == "Of your $0.15 for today (UTC) $0.04 is left."
    assert found["offer"]["fields"]["model"] == "local"


def test_a_model_that_a_picture_does_not_fit_is_not_offered(desk_for: Callable[..., Desk]) -> None:
    _, browser = purse(desk_for, 0)
    browser.send("/create", sent(browser, model="wan2.2", duration="5", refit="model"), {"image": png(400, 300)})
    offer = ask_price(browser, image_id=browser.hidden("image_id"))["offer"]
    assert offer["fields"]["model"] == "local"


def test_a_form_that_cannot_be_priced_says_why(mina: Browser) -> None:
    found = ask_price(mina, model="local", image_id="0b6c7a52-6f0e-4a53-9a3c-0d3f1f1b9a10")
    assert (found["credits"], found["ready"]) == ("–", "You have no image with this id.")


def test_switching_the_model_keeps_what_fits_and_says_what_changed(desk_for: Callable[..., Desk]) -> None:
    browser = Browser(desk_for(**TOKEN).app)
    browser.sign_up()
    browser.send("/create", sent(browser, model="local", duration="60", resolution="720p", aspect_ratio="1:1"))
    browser.get("/create")
    browser.send("/create", sent(browser, duration="60", aspect_ratio="1:1", negative_prompt="crowds", refit="wan2.2"))
    assert "Length set to 7 s, the longest for Wan 2.2. Shape set to 16:9." in browser.text
    assert "crowds</textarea>" in browser.text
    assert re.search(r'name="refit" value="local" data-switch>Switch model', browser.text)


def test_only_sizes_of_a_route_that_can_be_taken_are_offered(desk_for: Callable[..., Desk]) -> None:
    browser = Browser(desk_for(**TOKEN).app)
    browser.sign_up()
    browser.send("/create", sent(browser, model="veo3.1", duration="8", resolution="4k", refit="model"))
    assert re.search(r'name="resolution" value="4k" disabled', browser.text)
    assert "Resolution set to 720p." in browser.text


def test_what_is_not_set_up_is_told_to_admins_in_full(mina: Browser, desk: Desk) -> None:
    assert "REPLICATE_API_TOKEN" not in mina.text
    with desk.tools.db.transaction() as connection:
        connection.exec_driver_sql("UPDATE users SET role = 'admin'")
    assert "Set REPLICATE_API_TOKEN" in mina.get("/create").text


# ---- variations


def test_one_form_makes_several_videos(mina: Browser, desk: Desk) -> None:
    fields = sent(mina, variations="3", seed="7")
    answer = mina.ask("/create", fields)
    assert answer.status_code == 202, answer.text
    body = answer.get_json()
    assert len(re.findall(r"<article", body["card"])) == 3
    assert body["seed"] == 7
    assert mina.ask("/create", fields).get_json()["job_ids"] == body["job_ids"]
    assert sorted(job.params["seed"] for job in rows(desk)) == [7, 8, 9]


def test_more_than_four_are_refused(mina: Browser, desk: Desk) -> None:
    assert mina.send("/create", sent(mina, variations="5")).status_code == 422
    assert re.search(r'id="variations-error"><svg.*?<span>Variations are 1 to 4\.', mina.text)
    assert rows(desk) == []


# ---- pictures


def test_a_last_image_goes_along_and_comes_back(mina: Browser, desk: Desk) -> None:
    mina.send("/create", sent(mina), {"image": png(400, 300), "last_image": png(400, 300, 90)})
    (job,) = rows(desk)
    assert job.params["image_id"] != job.params["last_image_id"]
    mina.get(f"/create?from={job.id}")
    assert mina.hidden("last_image_id") == job.params["last_image_id"]
    assert mina.text.count("400 × 300") == 2
    mina.send("/create", sent(mina, image_id=job.params["image_id"], last_image_id=job.params["last_image_id"]))
    mina.get("/create")
    form = sent(mina, image_id=job.params["image_id"], last_image_id=job.params["last_image_id"], no_last_image="on")
    mina.send("/create", form)
    assert ["last_image_id" in each.params for each in rows(desk)] == [True, True, False]


def test_a_last_image_stays_behind_where_the_model_takes_none(desk_for: Callable[..., Desk]) -> None:
    browser = Browser(desk_for(**TOKEN).app)
    browser.sign_up()
    files = {"image": png(400, 300), "last_image": png(400, 300, 90)}
    browser.send("/create", sent(browser, model="local", refit="model"), files)
    kept = {name: browser.hidden(name) for name in ("image_id", "last_image_id")}
    assert all(kept.values())
    browser.send("/create", sent(browser, model="wan2.1", refit="model", **kept))
    able = {name: not off for name, off in re.findall(r'name="(\w+_id)" value="[^"]+"( disabled)?>', browser.text)}
    assert able == {"image_id": True, "last_image_id": False}


def test_a_last_image_alone_is_told_beside_it(mina: Browser) -> None:
    assert mina.send("/create", sent(mina), {"last_image": png(400, 300)}).status_code == 422
    assert re.search(r'id="last_image-error"><svg.*?<span>A last image needs a start image', mina.text)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4", size="640x360", seconds=0.4).read_bytes()


def test_continue_starts_from_the_last_frame_of_one_s_own_video(mina: Browser, desk: Desk, film: bytes) -> None:
    desk.user = me(desk)
    job = desk.finished(film, prompt="A finished lighthouse", params={"seed": 4, "duration": 4.0})
    mina.get(f"/create?continue={job.id}")
    assert "A finished lighthouse</textarea>" in mina.text
    assert "640 × 360" in mina.text
    image_id = mina.hidden("image_id")
    assert mina.ask(f"/create/frame/{job.id}", {}).get_json() == {"image_id": image_id}
    mina.get("/create/pictures")
    assert f'data-picked="{image_id}"' in mina.text
    assert f'data-frame="{job.id}"' in mina.text
    assert mina.get(f"/create?image={image_id}").status_code == 200
    assert mina.hidden("image_id") == image_id


def test_what_cannot_be_continued_says_so_above_the_form(mina: Browser, desk: Desk) -> None:
    save(mina, 0, {"prompt": "Typed before"})
    theirs = desk.finished()
    assert mina.get(f"/create?continue={theirs.id}").status_code == 404
    assert mina.get("/create?continue=nonsense").status_code == 404
    assert mina.ask(f"/create/frame/{theirs.id}", {}).status_code == 404
    desk.user = me(desk)
    assert mina.get(f"/create?continue={desk.finished(b'no film').id}").status_code == 422
    assert "The last frame cannot be read." in mina.text
    assert "Typed before</textarea>" in mina.text


def test_a_picture_of_somebody_else_is_no_picture(mina: Browser, desk: Desk) -> None:
    mina.send("/create", sent(mina), {"image": png(400, 300)})
    image_id = rows(desk)[0].params["image_id"]
    other = Browser(desk.app)
    other.sign_up()
    other.get(f"/create?image={image_id}")
    assert other.hidden("image_id") == ""
    with desk.tools.db.reading() as connection:
        assert assets.by_id(connection, me(desk).id, image_id) is None


# ---- the form as a call


def code(browser: Browser, language: str) -> str:
    found = re.search(rf'<code id="call-{language}">(.*?)</code>', browser.text, re.S)
    assert found
    return unescape(found[1])


def test_the_call_makes_exactly_this_form(mina: Browser, desk: Desk) -> None:
    nasty = 'It\'s a "lake" $HOME `id` \\ 🎬\nsecond line'
    fields = sent(mina, prompt=nasty, cfg="6.5", seed="7", negative_prompt="people", duration="7.5", steps="")
    mina.post("/create/call", **fields)
    assert mina.page.status_code == 200
    words = shlex.split(code(mina, "curl").replace("\\\n", " "))
    body = json.loads(words[words.index("-d") + 1])
    assert body == {
        "prompt": nasty,
        "model": "local",
        "duration": 7.5,
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "cfg": 6.5,
        "seed": 7,
        "negative_prompt": "people",
        "audio": False,
    }
    answer = desk.post("/api/v1/generate", json=body)
    assert answer.status_code == 202, answer.text
    python = code(mina, "python")
    compile(python, "sample", "exec")
    assert repr(nasty) in python
    script = code(mina, "javascript")
    sent_body = re.search(r"JSON\.stringify\((\{.*?\n\})\)", script, re.S)
    assert sent_body
    assert json.loads(sent_body[1]) == body
    for text in (words[words.index("-H") + 1], python, script):
        assert "VIVID_FLOW_KEY" in text
    assert "vf_" not in code(mina, "curl")


def test_the_call_says_what_it_leaves_out(mina: Browser) -> None:
    mina.post("/create/call", **sent(mina, image="lake.png", enhance="true", variations="3", seed="many"))
    assert "The picture is not part of this call" in mina.text
    assert "The prompt is sent as it stands." in mina.text
    assert "It makes one of the 3 variations" in mina.text
    assert '"seed": "many"' in code(mina, "curl")


def test_a_job_as_a_call_is_only_for_its_owner(mina: Browser, desk: Desk) -> None:
    fields = sent(mina, webhook_url="https://example.com/told")
    mina.send("/create", fields, {"image": png(400, 300)})
    (job,) = rows(desk)
    mina.get(f"/create/call/{job.id}")
    assert f'"image_id": "{job.params["image_id"]}"' in code(mina, "curl")
    assert '"webhook_url": "https://example.com/told"' in code(mina, "curl")
    other = Browser(desk.app)
    other.sign_up()
    assert other.get(f"/create/call/{job.id}").status_code == 404
    assert mina.get("/create/call/nonsense").status_code == 404


# ---- the cards


def test_a_done_card_goes_on_to_everything(mina: Browser, desk: Desk, film: bytes, tmp_path: Path) -> None:
    desk.user = me(desk)
    job = desk.finished(film)
    mina.get("/create")
    for href in (f"/create?from={job.id}", f"/create?continue={job.id}", f"/library/{job.id}#share"):
        assert f'href="{href}"' in mina.text
    assert f'href="/create/call/{job.id}" data-copy-call' in mina.text
    assert re.search(r'data-tab-count="done">1<', mina.text)
    mina.post(f"/library/{job.id}/favourite", favourite="on")
    mina.get("/create")
    assert re.search(r'aria-pressed="true" aria-label="Favourite A finished', mina.text)
