"""The pages of jobs: who sees them, what they say, what can be done."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
import time_machine

from tests.api.desk import Desk
from tests.installation import a_job
from tests.pages.browser import Browser
from vividflow.pages.job_view import BADGES, view
from vividflow.records import jobs, orders, users
from vividflow.records.jobs import Job
from vividflow.records.users import User
from vividflow.timing import new_id, now

PATHS = ("", "/cancel", "/front", "/retry", "/delete", "/restore")


def settle(desk: Desk, browser: Browser) -> User:
    """Whoever sits at the browser, for whom the desk makes jobs from now on."""
    with desk.tools.db.reading() as connection:
        secret = connection.exec_driver_sql("SELECT user_id FROM sessions ORDER BY created_at DESC").scalars().first()
        user = users.by_id(connection, str(secret))
    assert user is not None
    desk.user = user
    return user


def row(desk: Desk, job_id: str) -> Job | None:
    with desk.tools.db.reading() as connection:
        return jobs.by_id(connection, job_id)


def words_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


@pytest.mark.parametrize("path", PATHS)
def test_somebody_elses_job_is_no_job_at_all(mina: Browser, desk: Desk, path: str) -> None:
    theirs, missing = desk.finished().id, new_id()
    answers = []
    for job_id in (theirs, missing, "no-id", "../../etc"):
        send = mina.post if path else mina.get
        answer = send(f"/jobs/{job_id}{path}")
        answers.append((answer.status_code, words_of(mina.text)))
        mina.get("/create")
    assert answers[0][0] == 404
    assert answers[0] == answers[1] == answers[2]
    kept = row(desk, theirs)
    assert kept is not None
    assert kept.deleted_at is None


def test_cards_are_only_of_ones_own_jobs(mina: Browser, desk: Desk) -> None:
    theirs = desk.finished().id
    user = settle(desk, mina)
    own = a_job(desk.tools.db, user, model="local", provider="local", prompt="Mine").id
    mina.get(f"/jobs/cards?ids={theirs},{own},nonsense,{new_id()}")
    assert re.findall(r'data-job="([^"]+)"', mina.text) == [own]


STATES: list[tuple[dict[str, Any], str, str]] = [
    ({}, "Queued", "Next in line"),
    (
        {"note": "Replicate is busy. Trying again in 12 s.", "attempts": 1},
        "Retrying",
        "Replicate is busy. Trying again in 12 s",
    ),
    (
        {"state": "submitting", "status": "processing", "stage": "submitting"},
        "Preparing",
        "Handing your order to the provider",
    ),
    (
        {"state": "reconciling", "status": "processing", "stage": "checking"},
        "Retrying",
        "Asking the provider whether your order arrived",
    ),
    (
        {"state": "generating", "status": "processing", "stage": "generating", "usual_seconds": 100.0},
        "Generating",
        "About 2 min left",
    ),
    (
        {"state": "generating", "status": "processing", "stage": "generating", "usual_seconds": 50.0},
        "Generating",
        "About 50 s left",
    ),
    ({"state": "finishing", "status": "processing", "stage": "finishing"}, "Generating", "A few seconds left"),
    ({"state": "cancelling", "status": "processing", "stage": "cancelling"}, "Generating", "Stopping"),
    (
        {"state": "cancelled", "status": "cancelled", "stage": "cancelled", "quoted": 400_000},
        "Cancelled",
        "40 credits returned",
    ),
    ({"state": "cancelled", "status": "cancelled", "stage": "cancelled"}, "Cancelled", "Not charged"),
    (
        {"state": "failed", "status": "failed", "stage": "failed", "error_message": "The provider timed out."},
        "Failed",
        "The provider timed out. Not charged.",
    ),
    (
        {
            "state": "needs_review",
            "status": "failed",
            "stage": "failed",
            "error_message": "We could not learn whether it ran. You were not charged.",
        },
        "Failed",
        "We could not learn whether it ran. You were not charged.",
    ),
]


@pytest.mark.parametrize(("columns", "badge", "line"), STATES, ids=[f"{each[1]}-{each[2][:12]}" for each in STATES])
def test_each_state_has_its_word_and_its_line(
    mina: Browser, desk: Desk, columns: dict[str, Any], badge: str, line: str
) -> None:
    user, moment = settle(desk, mina), now()
    started = {"started_at": moment, "generating_at": moment} if columns.get("status") == "processing" else {}
    over = {"finished_at": moment, "due_at": None} if columns.get("status") in ("failed", "cancelled") else {}
    job = a_job(desk.tools.db, user, model="local", provider="local", prompt="A lake", **(started | over | columns))
    for path in ("/create", "/jobs", f"/jobs/{job.id}", f"/jobs/cards?ids={job.id}"):
        mina.get(path)
        text = words_of(mina.text)
        assert badge in text, path
        assert line in text, path
        assert f'data-word="{badge}"' in mina.text, path


def test_the_interface_knows_seven_words() -> None:
    assert {badge.word for badge in BADGES.values()} == {
        "Queued",
        "Preparing",
        "Generating",
        "Retrying",
        "Done",
        "Failed",
        "Cancelled",
    }


@pytest.mark.parametrize("progress", [0, 62, 100, None])
def test_a_bar_never_stands_at_the_end_before_the_end(mina: Browser, desk: Desk, progress: int | None) -> None:
    user, moment = settle(desk, mina), now()
    running = {
        "state": "generating",
        "status": "processing",
        "stage": "generating",
        "generating_at": moment,
        "started_at": moment,
    }
    job = a_job(desk.tools.db, user, model="local", provider="local", prompt="A lake", progress=progress, **running)
    mina.get(f"/jobs/{job.id}")
    bar = re.search(r'<div class="(bar[^"]*)" role="progressbar" aria-label="Generating"([^>]*)>', mina.text)
    assert bar
    if progress is None:
        assert bar[1] == "bar unknown"
        assert "valuenow" not in bar[2]
    else:
        assert f'aria-valuenow="{min(99, progress)}"' in bar[2]
    assert f"<title>({min(99, progress or 0)}%) " in mina.text


def test_the_time_left_gives_way_to_words_when_it_takes_longer(desk: Desk) -> None:
    job = a_job(desk.tools.db, desk.user, model="local", provider="local", prompt="A lake")
    job = replace(
        job, state="generating", status="processing", stage="generating", generating_at=1000.0, usual_seconds=100.0
    )
    with desk.tools.db.reading() as connection:
        left = [view(desk.tools, connection, job, moment).left for moment in (1000.0, 1058.0, 1090.0, 1120.0, 1200.0)]
    assert left == [
        "About 2 min left",
        "About 40 s left",
        "About 10 s left",
        "Should be ready soon",
        "Taking longer than usual",
    ]


def test_a_finished_video_can_be_played_downloaded_and_reused(mina: Browser, desk: Desk) -> None:
    settle(desk, mina)
    job = desk.finished(
        b"a film", params={"duration": 4.0, "aspect_ratio": "16:9", "resolution": "720p", "seed": 48213}, cost=300_000
    )
    mina.get(f"/jobs/{job.id}")
    video = re.search(r"<video ([^>]*)>", mina.text)
    assert video
    assert "controls" in video[1]
    assert 'preload="none"' in video[1]
    poster = re.search(r'poster="([^"]+)"', video[1])
    source = re.search(r'src="([^"]+)"', video[1])
    assert poster
    assert source
    assert mina.client.get(unescape(poster[1])).data == b"poster_jpeg"
    film = mina.client.get(source[1], headers={"Range": "bytes=2-"})
    assert (film.status_code, film.data) == (206, b"film")
    text = words_of(mina.text)
    for fact in ("Model Local preview", "Seed 48213", "Cost 30 credits", "Download MP4", "Use settings", "Delete"):
        assert fact in text
    mina.get("/create")
    assert "took 9 s · 30 credits" in words_of(mina.text)
    assert re.search(r'srcset="/media/[^"]+poster_480[^"]+ 480w, /media/[^"]+poster_960[^"]+ 960w"', mina.text)


def test_links_to_files_in_a_page_end_within_a_quarter_of_an_hour(mina: Browser, desk: Desk) -> None:
    settle(desk, mina)
    desk.finished()
    mina.get("/create")
    (link,) = set(re.findall(r'src="(/media/[^"]+)"', mina.text))
    assert mina.client.get(unescape(link)).status_code == 200
    with time_machine.travel(now() + 901):
        assert mina.client.get(unescape(link)).status_code == 410


def test_deleting_offers_to_take_it_back(mina: Browser, desk: Desk) -> None:
    settle(desk, mina)
    job = desk.finished()
    mina.get("/create?show=done")
    answer = mina.post(f"/jobs/{job.id}/delete", back="/create?show=done")
    assert answer.location == f"/create?show=done&undo={job.id}"
    mina.get(answer.location)
    assert "1 video moved to the trash" in mina.text
    assert f'action="/jobs/{job.id}/restore"' in mina.text
    assert f'data-job="{job.id}"' not in mina.text
    mina.get(f"/jobs/{job.id}")
    assert "In the trash." in mina.text
    assert mina.post(f"/jobs/{job.id}/restore", back="/jobs").location == "/jobs?said=restored"
    mina.get("/jobs")
    assert f'data-job="{job.id}"' in mina.text


def test_what_is_said_in_an_address_is_never_shown(mina: Browser) -> None:
    mina.get("/create?said=<b>hello</b>&undo=<i>")
    assert "hello" not in mina.text
    assert "data-toast" not in mina.text


def test_a_queued_job_can_be_cancelled_and_says_what_comes_back(mina: Browser, desk: Desk) -> None:
    user = settle(desk, mina)
    job = a_job(desk.tools.db, user, model="local", provider="local", prompt="A lake", quoted=400_000)
    mina.get("/jobs")
    assert "Cancel and refund 40" in mina.text
    assert mina.post(f"/jobs/{job.id}/cancel", back="/jobs").location == "/jobs?said=cancelled"
    mina.get("/jobs?said=cancelled")
    assert "40 credits returned" in mina.text


def test_a_job_that_cannot_be_stopped_says_why(mina: Browser, desk: Desk) -> None:
    user = settle(desk, mina)
    busy = {"state": "downloading", "status": "processing", "stage": "downloading", "started_at": now()}
    job = a_job(desk.tools.db, user, model="local", provider="local", prompt="A lake", **busy)
    mina.get(f"/jobs/{job.id}")
    assert re.search(r'aria-disabled="true" aria-describedby="why-[^"]+">Cancel', mina.text)
    assert "The video is made and paid" in mina.text
    answer = mina.post(f"/jobs/{job.id}/cancel")
    assert answer.status_code == 409
    assert "It cannot be cancelled" in mina.text


def test_all_queued_jobs_can_be_cancelled_at_once(mina: Browser, desk: Desk) -> None:
    user = settle(desk, mina)
    own = [a_job(desk.tools.db, user, model="local", provider="local", prompt=f"Lake {n}").id for n in range(3)]
    other = desk.someone()[0]
    theirs = a_job(desk.tools.db, other, model="local", provider="local").id
    mina.get("/jobs")
    assert "Cancel all 3 queued" in mina.text
    assert mina.post("/jobs/cancel-queued", back="/jobs").location == "/jobs?said=cancelled"
    assert [job.status for each in [*own, theirs] if (job := row(desk, each))] == ["cancelled"] * 3 + ["queued"]
    assert mina.post("/jobs/cancel-queued", back="/jobs").location == "/jobs?said=nothing"


def test_a_job_moves_before_ones_own_others(mina: Browser, desk: Desk) -> None:
    user = settle(desk, mina)
    first, second = (
        a_job(desk.tools.db, user, model="local", provider="local", prompt=f"Lake {n}").id for n in range(2)
    )
    mina.get(f"/jobs/{second}")
    assert "2nd in line" in mina.text
    assert "Move to front" in mina.text
    mina.post(f"/jobs/{second}/front", back=f"/jobs/{second}")
    mina.get(f"/jobs/{second}")
    assert "Next in line" in mina.text
    assert "Move to front" not in mina.text
    assert "2nd in line" in mina.get(f"/jobs/{first}").text


def test_a_failed_job_is_tried_again_once_however_often_it_is_pressed(mina: Browser, desk: Desk) -> None:
    settle(desk, mina)
    params = {"duration": 4.0, "aspect_ratio": "16:9", "resolution": "720p"}
    failed = desk.finished(
        status="failed", error_code="deadline_exceeded", error_message="It took too long.", params=params
    )
    mina.get(f"/jobs/{failed.id}")
    once = mina.hidden("once")
    answers = [mina.post(f"/jobs/{failed.id}/retry", back=f"/jobs/{failed.id}", once=once).location for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0] is not None
    assert answers[0].endswith("?said=retried")
    assert desk.jobs() == 2
    assert mina.get(answers[0]).status_code == 200


@pytest.mark.parametrize(
    ("code", "fix"), [("content_policy", "Change prompt"), ("picture_gone", "Change image"), ("other", "Try again")]
)
def test_a_failure_offers_the_one_fix(mina: Browser, desk: Desk, code: str, fix: str) -> None:
    settle(desk, mina)
    failed = desk.finished(status="failed", error_code=code, error_message="It did not work.", params={"duration": 4.0})
    text = words_of(mina.get(f"/jobs/{failed.id}").text)
    others = {"Change prompt", "Change image", "Try again"} - {fix}
    assert fix in text
    assert not [other for other in others if other in text]


def test_stages_show_what_was_reached(mina: Browser, desk: Desk) -> None:
    settle(desk, mina)
    failed = desk.finished(
        status="failed", error_code="operation_lost", error_message="It was lost.", params={"duration": 4.0}
    )
    with desk.tools.db.transaction() as connection:
        for stage, at in (("queued", -9), ("submitting", -8), ("generating", -7)):
            values = (failed.id, failed.user_id, now() + at, "status", f'{{"stage": "{stage}"}}')
            connection.exec_driver_sql(
                "INSERT INTO job_events (job_id, user_id, at, name, data) VALUES (?, ?, ?, ?, ?)", values
            )
    mina.get(f"/jobs/{failed.id}")
    assert re.findall(r'<li class="(\w+)"><span class="stage-mark"', mina.text) == [
        "done",
        "done",
        "failed",
        "skipped",
        "skipped",
    ]


def test_a_prompt_is_text_and_never_markup(mina: Browser, desk: Desk) -> None:
    user = settle(desk, mina)
    nasty = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    job = a_job(desk.tools.db, user, model="local", provider="local", prompt=nasty)
    for path in ("/create", "/jobs", f"/jobs/{job.id}", f"/create?from={job.id}", f"/jobs/cards?ids={job.id}"):
        mina.get(path)
        assert "<script>alert" not in mina.text, path
        assert "<img src=x" not in mina.text, path


def test_orders_that_failed_stay_out_of_the_page(mina: Browser, desk: Desk) -> None:
    user = settle(desk, mina)
    job = a_job(desk.tools.db, user, prompt="A lake")
    order = orders.OrderRow(
        id=new_id(),
        job_id=job.id,
        n=1,
        provider="replicate",
        provider_model="x",
        state="refused",
        token="tok_1234",
        request={},
        request_hash="h",
        fence=1,
        quoted=0,
        intent_at=now(),
        error_message="key r8_secret was refused",
    )
    with desk.tools.db.transaction() as connection:
        orders.insert(connection, order)
    assert "r8_secret" not in mina.get(f"/jobs/{job.id}").text


def test_a_job_with_an_enhanced_prompt_shows_what_it_was_made_from(mina: Browser, desk: Desk) -> None:
    params = {"duration": 4, "resolution": "720p", "aspect_ratio": "16:9", "original_prompt": "a <paper> boat"}
    job = a_job(desk.tools.db, settle(desk, mina), prompt="a paper boat in soft light", params=params)
    mina.get(f"/jobs/{job.id}")
    assert "Original prompt" in mina.text
    assert "a &lt;paper&gt; boat" in mina.text


def test_a_picture_is_shown_as_a_picture(mina: Browser, desk: Desk) -> None:
    settle(desk, mina)
    job = desk.finished(kind="image", params={"aspect_ratio": "1:1"}, model="local-still")
    mina.get(f"/jobs/{job.id}")
    assert "<video" not in mina.text
    assert f'<img src="/api/v1/videos/jobs/{job.id}/download"' in mina.text
    assert "Download picture" in mina.text
    mina.get("/create")
    assert "data-play" not in mina.text
    assert f'aria-label="Show {job.prompt}"' in mina.text


def test_a_price_that_nobody_knows_is_not_shown_as_free(mina: Browser, desk: Desk) -> None:
    settle(desk, mina)
    job = desk.finished(params={"price_unknown": True}, model="replicate/house/dream", cost=0)
    mina.get(f"/jobs/{job.id}")
    assert "price not known" in words_of(mina.text)
