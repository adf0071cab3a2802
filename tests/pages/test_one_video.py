"""The page of one video without script: what it shows in each state, its name, its mark, its link, its neighbours."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from tests.api.desk import Desk
from tests.installation import a_job
from tests.pages.browser import Browser
from tests.pages.test_jobs import row, settle, words_of
from vividflow.lifecycle.sharing import open_link
from vividflow.records import assets, jobs, renditions, shares
from vividflow.records.renditions import Rendition
from vividflow.timing import new_id, now

POSTS = ("title", "favourite", "share", "share/off")
HOSTILE = "<b onclick=x>\u202eevil\u202c</b> 🌊" + "x" * 60


def link_in(browser: Browser) -> str:
    found = re.search(r'id="share-link" href="([^"]+)"', browser.text)
    assert found
    return unescape(found[1])


@pytest.mark.parametrize("path", ["", *POSTS])
def test_somebody_elses_video_is_no_video_at_all(mina: Browser, desk: Desk, path: str) -> None:
    theirs, answers = desk.finished().id, []
    for job_id in (theirs, new_id(), "no-id"):
        send = mina.post if path else mina.get
        answer = send(f"/library/{job_id}/{path}".rstrip("/"), title="mine", favourite="on", ends="7")
        answers.append((answer.status_code, words_of(mina.text)))
        mina.get("/create")
    assert answers[0][0] == 404
    assert answers[0] == answers[1] == answers[2]
    kept = row(desk, theirs)
    assert kept is not None
    assert (kept.title, kept.favourite_at) == (None, None)
    with desk.tools.db.reading() as connection:
        assert shares.of_job(connection, kept.user_id, theirs) is None


@pytest.mark.parametrize("path", POSTS)
def test_a_form_without_our_token_does_nothing(mina: Browser, desk: Desk, path: str) -> None:
    settle(desk, mina)
    job = desk.finished()
    mina.token = "made up"
    assert mina.post(f"/library/{job.id}/{path}", title="mine", favourite="on").status_code == 403
    assert row(desk, job.id) == job


def test_a_finished_video_has_player_facts_and_ways_on(mina: Browser, desk: Desk) -> None:
    settle(desk, mina)
    job = desk.finished(params={"seed": 7, "cfg": 6.5, "warnings": ["Sent as 10."]}, cost=240_000)
    assert mina.get(f"/library/{job.id}").status_code == 200
    said = words_of(mina.text)
    for each in ("A finished lighthouse", "Guidance 6.5", "Seed 7", "Cost 24 credits", "in 9 s", "Sent as 10."):
        assert each in said, each
    assert "Origin Preview, not AI" in said
    for each in (
        f'src="/api/v1/videos/jobs/{job.id}/download"',
        'data-fps="25.0"',
        " data-keys",
        f'href="/create?from={job.id}"',
        f'href="/create?continue={job.id}"',
        f'action="/jobs/{job.id}/delete"',
        f'href="/jobs/{job.id}"',
    ):
        assert each in mina.text, each
    mina.get(f"/jobs/{job.id}")
    assert f'href="/library/{job.id}"' in mina.text


@pytest.mark.parametrize(
    ("kept", "provider", "says"),
    [
        (
            {"signed": True, "home_made": True},
            "local",
            "Preview, not AI · Signed by this studio (home-made certificate,",
        ),
        (
            {"signed": True, "home_made": True},
            "vertex",
            "Made by AI: {} · Signed by this studio (home-made certificate,",
        ),
        ({"signed": True, "home_made": False}, "vertex", "· Signed by this studio (the owner's certificate)"),
        ({"trouble": "It was not signed: no."}, "vertex", "Made by AI: {} · It was not signed: no."),
        (None, "vertex", "Made by AI: {}"),
        (
            {"signed": True, "home_made": True, "provider_manifest": {"signer": "Google", "claim_generator": "g"}},
            "vertex",
            "on any trust list) It also carries a manifest of Google.",
        ),
    ],
)
def test_it_says_who_made_it_and_who_signed_for_that(
    mina: Browser, desk: Desk, kept: dict[str, Any] | None, provider: str, says: str
) -> None:
    settle(desk, mina)
    job = desk.finished(provider=provider)
    if kept is not None:
        with desk.tools.db.transaction() as connection:
            assets.change(connection, job.result["asset_id"], facts={"provenance": kept})
    mina.get(f"/library/{job.id}")
    model = desk.tools.registry.model("local")
    assert says.format(model.title if model else "") in words_of(mina.text)
    linked = f'href="/api/v1/videos/jobs/{job.id}/provenance?format=c2pa"' in mina.text
    assert linked is bool(kept and kept.get("signed"))


def test_the_clip_s_own_rate_steps_it_and_keys_can_be_off(mina: Browser, desk: Desk) -> None:
    user = settle(desk, mina)
    job = desk.finished()
    with desk.tools.db.transaction() as connection:
        assets.change(connection, job.result["asset_id"], facts={"fps": 23.976})
        connection.exec_driver_sql("UPDATE users SET shortcuts = 0")
    mina.get(f"/library/{job.id}")
    assert user.shortcuts
    assert 'data-fps="23.976"' in mina.text
    assert " data-keys" not in mina.text
    assert "aria-keyshortcuts" not in mina.text


def test_its_sizes_its_small_pictures_and_what_was_noticed_are_there(mina: Browser, desk: Desk) -> None:
    settle(desk, mina)
    job = desk.finished()
    frozen = {"kind": "frozen", "from": 1.0, "to": 3.0, "words": "The picture stands still from 1 to 3 s."}
    facts = {"findings": [frozen | {"evidence": "poster_480"}, frozen | {"words": "Odd.", "evidence": None}]}
    with desk.tools.db.transaction() as connection:
        assets.change(connection, job.result["asset_id"], width=1920, height=1080, facts=facts)
        for name, file in (("720p", "720p.mp4"), ("vtt", "spritesheet.vtt.jpg")):
            kept = desk._put(job.id, file, b"made")
            kept.pop("user_id")
            renditions.insert(
                connection, Rendition(id=new_id(), asset_id=job.result["asset_id"], name=name, height=720, **kept)
            )
    mina.get(f"/library/{job.id}")
    said = words_of(mina.text)
    for each in (
        "Noticed in this video",
        "The picture stands still from 1 to 3 s.",
        "Odd.",
        "1080p (original)",
        "720p",
    ):
        assert each in said, each
    base = f"/api/v1/videos/jobs/{job.id}"
    assert f'data-tiles="{base}/thumbnail?variant=vtt"' in mina.text
    assert f'href="{base}/stream?quality=720p" download="{job.id}-720p.mp4"' in mina.text
    shown = re.search(r'<img src="(/media/[^"]+poster_480[^"]+)" alt="A frame from there"', mina.text)
    assert shown
    assert mina.client.get(unescape(shown[1])).data == b"poster_480"
    mina.get(f"/library/{desk.finished().id}")
    assert not {"Noticed", "Sizes", "data-tiles"} & set(re.findall(r"[\w-]+", mina.text))


def test_a_picture_stands_where_a_video_plays(mina: Browser, desk: Desk) -> None:
    settle(desk, mina)
    job = desk.finished(kind="image")
    with desk.tools.db.transaction() as connection:
        assets.change(connection, job.result["asset_id"], kind="image", width=640, height=480)
    mina.get(f"/library/{job.id}")
    assert "<video" not in mina.text
    assert f'<img src="/api/v1/videos/jobs/{job.id}/download"' in mina.text
    assert "Download picture" in words_of(mina.text)
    assert "continue=" not in mina.text


def test_what_is_not_done_says_how_far_it_is_and_leads_to_its_job(mina: Browser, desk: Desk) -> None:
    user, moment = settle(desk, mina), now()
    running = a_job(
        desk.tools.db,
        user,
        state="generating",
        status="processing",
        stage="generating",
        usual_seconds=50.0,
        started_at=moment,
        generating_at=moment,
        prompt="A lake",
        progress=40,
    )
    failed = desk.finished(status="failed", error_message="The provider timed out.")
    mina.get(f"/library/{running.id}")
    said = words_of(mina.text)
    assert "Generating" in said
    assert "About 50 s left" in said
    assert f'href="/jobs/{running.id}"' in mina.text
    assert '<meta http-equiv="refresh" content="10">' in mina.text
    for absent in ("<video", 'id="share"', "/delete"):
        assert absent not in mina.text
    mina.get(f"/library/{failed.id}")
    assert "The provider timed out. Not charged." in words_of(mina.text)
    assert 'id="share"' not in mina.text
    assert mina.post(f"/library/{failed.id}/share").status_code == 404


def test_a_title_is_kept_shown_and_taken_away(mina: Browser, desk: Desk) -> None:
    settle(desk, mina)
    job = desk.finished()
    mina.get(f"/library/{job.id}")
    answer = mina.post(f"/library/{job.id}/title", title=f" {HOSTILE} ")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/library/{job.id}?said=renamed")
    kept = row(desk, job.id)
    assert kept is not None
    assert kept.title == HOSTILE
    mina.get(answer.headers["Location"])
    assert "Title saved." in mina.text
    assert "<b onclick" not in mina.text
    assert f'dir="auto" data-one-title>{HOSTILE.replace("<", "&lt;").replace(">", "&gt;")}</h1>' in mina.text
    mina.get(f"/jobs/{job.id}")
    assert "&lt;b onclick=x&gt;" in mina.text
    mina.post(f"/library/{job.id}/title", title="")
    mina.get(f"/library/{job.id}")
    assert "<title>A finished lighthouse · Vivid Flow</title>" in mina.text


def test_a_title_that_is_refused_stays_in_its_field_with_the_reason(mina: Browser, desk: Desk) -> None:
    settle(desk, mina)
    job = desk.finished()
    mina.get(f"/library/{job.id}")
    answer = mina.post(f"/library/{job.id}/title", title="x" * 121)
    assert answer.status_code == 422
    assert "A title has at most 120 characters; this one has 121." in mina.text
    assert f'value="{"x" * 121}"' in mina.text
    assert 'aria-invalid="true" aria-describedby="title-error"' in mina.text
    refused = mina.ask(f"/library/{job.id}/title", {"title": "a\x07"})
    assert (refused.status_code, refused.get_json()["code"]) == (422, "invalid_title")
    assert mina.ask(f"/library/{job.id}/title", {"title": "New"}).get_json() == {"title": "New", "shown": "New"}
    empty = mina.ask(f"/library/{job.id}/title", {"title": " "}).get_json()
    assert empty == {"title": None, "shown": "A finished lighthouse"}


def test_a_favourite_is_marked_and_unmarked(mina: Browser, desk: Desk) -> None:
    settle(desk, mina)
    job = desk.finished()
    mina.get(f"/library/{job.id}")
    assert 'value="on" aria-pressed="false"' in mina.text
    mina.get(mina.post(f"/library/{job.id}/favourite", favourite="on").headers["Location"])
    assert "Added to favourites." in mina.text
    assert 'value="off" aria-pressed="true"' in mina.text
    answer = mina.ask(f"/library/{job.id}/favourite", {"favourite": "off"})
    assert answer.get_json() == {"favourite": False}
    mina.get(f"/library/{job.id}")
    assert 'aria-pressed="false"' in mina.text


def test_a_link_is_switched_on_changed_and_off(mina: Browser, desk: Desk) -> None:
    user = settle(desk, mina)
    job = desk.finished()
    mina.get(f"/library/{job.id}")
    assert 'role="switch" aria-checked="false"' in mina.text

    def share() -> Any:
        with desk.tools.db.reading() as connection:
            return shares.of_job(connection, user.id, job.id)

    answer = mina.post(f"/library/{job.id}/share")
    assert answer.headers["Location"] == f"/library/{job.id}?said=shared#share"
    mina.get(answer.headers["Location"])
    assert 'role="switch" aria-checked="true"' in mina.text
    first, address = share(), link_in(mina)
    assert open_link(desk.tools, address.rpartition("/")[2]) is not None
    mina.post(f"/library/{job.id}/share", ends="keep", show_name="on")
    assert (share().expires_at, share().show_name, share().show_prompt) == (first.expires_at, True, False)
    mina.post(f"/library/{job.id}/share", ends="never", show_prompt="on")
    assert (share().expires_at, share().show_name, share().show_prompt) == (None, False, True)
    mina.get(f"/library/{job.id}")
    assert "It does not end by itself." in mina.text
    assert link_in(mina) == address
    mina.post(f"/library/{job.id}/share", ends="7")
    assert share().expires_at - now() < 7 * 86400 + 1
    assert mina.ask(f"/library/{job.id}/share", {"ends": "soon"}).status_code == 422
    mina.get(mina.post(f"/library/{job.id}/share/off").headers["Location"])
    assert "The link works no more." in mina.text
    assert 'role="switch" aria-checked="false"' in mina.text
    assert open_link(desk.tools, address.rpartition("/")[2]) is None


def test_the_neighbours_are_the_other_finished_ones_newest_first(mina: Browser, desk: Desk) -> None:
    user, moment = settle(desk, mina), now()
    row_of = [desk.finished(created_at=moment - place, prompt=f"Number {place}").id for place in range(13)]
    desk.finished(created_at=moment - 5.5, deleted_at=moment)
    desk.finished(created_at=moment - 6.5, status="failed")
    desk.user = desk.someone()[0]
    desk.finished(created_at=moment - 6.6)
    desk.user = user

    def strip() -> list[str]:
        return re.findall(r'<a class="media r169[^"]*" href="/library/([^"]+)"', mina.text)

    mina.get(f"/library/{row_of[6]}")
    assert strip() == row_of[1:12]
    assert f'href="/library/{row_of[5]}" rel="prev"' in mina.text
    assert f'href="/library/{row_of[7]}" rel="next"' in mina.text
    mina.get(f"/library/{row_of[0]}")
    assert strip() == row_of[:6]
    assert 'rel="prev"' not in mina.text
    mina.get(f"/library/{row_of[12]}")
    assert strip() == row_of[7:]
    assert 'rel="next"' not in mina.text


def test_deleting_leads_to_the_library_with_a_way_back_and_the_trash_says_so(mina: Browser, desk: Desk) -> None:
    settle(desk, mina)
    job = desk.finished()
    mina.get(f"/library/{job.id}")
    mina.post(f"/library/{job.id}/share")
    mina.get(f"/library/{job.id}")
    address = link_in(mina)
    assert mina.hidden("back") != ""
    answer = mina.post(f"/jobs/{job.id}/delete", back="/library")
    assert answer.headers["Location"] == f"/library?undo={job.id}"
    mina.get(f"/library/{job.id}")
    said = words_of(mina.text)
    assert "In the trash. It is deleted for good on" in said
    for absent in ("<video", 'id="share"', "/favourite", "/delete"):
        assert absent not in mina.text
    for path in POSTS:
        assert mina.post(f"/library/{job.id}/{path}", title="x").status_code == 404
        mina.get(f"/library/{job.id}")
    assert open_link(desk.tools, address.rpartition("/")[2]) is None
    mina.post(f"/jobs/{job.id}/restore", back=f"/library/{job.id}")
    mina.get(f"/library/{job.id}")
    assert "<video" in mina.text
    with desk.tools.db.transaction() as connection:
        jobs.change(connection, job.id, title="Kept")
    assert open_link(desk.tools, address.rpartition("/")[2]) is not None
