"""The review page: who may see it, what it tells of an order that nobody could ask about, and the three things one can say."""

from __future__ import annotations

import pytest

from tests.api.desk import Desk
from tests.pages.browser import Browser
from tests.pages.operators import acts, an_order, in_doubt, operator
from tests.pages.test_jobs import words_of
from vividflow.records import audit, jobs, orders
from vividflow.records.audit import JOB
from vividflow.timing import new_id, now

PATHS = ("/admin/review", "/admin/providers")
ACTS = (
    "/admin/review/{job}/adopt",
    "/admin/review/{job}/lost",
    "/admin/review/{job}/retry",
    "/admin/providers/local/pause",
    "/admin/providers/local/resume",
    "/admin/providers/local/limit",
    "/admin/providers/local/revive",
)


@pytest.fixture
def ada(desk: Desk) -> Browser:
    """A browser with an administrator signed in."""
    return operator(desk)


def state_of(desk: Desk, job_id: str) -> tuple[str, str]:
    with desk.tools.db.reading() as connection:
        job, order = jobs.by_id(connection, job_id), orders.newest_of(connection, job_id)
    assert job is not None
    assert order is not None
    return job.state, order.state


def test_only_administrators_see_or_change_anything(mina: Browser, desk: Desk) -> None:
    job = in_doubt(desk.tools.db)
    for path in PATHS:
        assert mina.get(path).status_code == 403, path
        assert str(job.prompt) not in mina.text
        assert Browser(desk.app).get(path).location == f"/login?next={path.replace('/', '%2F')}"
    mina.get("/create")
    assert "/admin/" not in mina.text
    for path in ACTS:
        assert mina.post(path.format(job=job.id), operation="x", reason="Because", most="1").status_code == 403, path
        mina.get("/create")
    stranger = Browser(desk.app)
    stranger.get("/login")
    for path in ACTS:
        assert stranger.post(path.format(job=job.id)).status_code == 401, path
        assert "Sign in" in stranger.text
    assert state_of(desk, job.id) == ("needs_review", "unknown")
    assert acts(desk.tools.db, JOB) == acts(desk.tools.db, audit.PROVIDER) == []


@pytest.mark.parametrize("path", ACTS)
def test_a_form_from_elsewhere_changes_nothing(ada: Browser, desk: Desk, path: str) -> None:
    job = in_doubt(desk.tools.db)
    ada.token = "forged"
    answer = ada.post(path.format(job=job.id), operation="x", reason="Because", most="1")
    assert answer.status_code == 403
    assert state_of(desk, job.id) == ("needs_review", "unknown")
    assert acts(desk.tools.db, audit.PROVIDER) == []


def test_nothing_to_review_says_so(ada: Browser) -> None:
    ada.get("/admin/review")
    assert "Nothing needs a review" in ada.text


def test_the_oldest_stands_first_with_everything_that_is_known(ada: Browser, desk: Desk) -> None:
    moment = now()
    newer = in_doubt(desk.tools.db, prompt="A newer lake", created_at=moment)
    job = in_doubt(
        desk.tools.db,
        prompt="An older lake",
        created_at=moment - 5,
        model="wan2.2",
        provider="replicate",
        provider_model="wan-video/wan-2.2-t2v-fast",
        quoted=110_000,
    )
    ada.get("/admin/review")
    text = words_of(ada.text)
    assert ada.text.index(job.id) < ada.text.index(newer.id)
    with desk.tools.db.reading() as connection:
        order = orders.newest_of(connection, job.id)
    assert order is not None
    for told in (
        "Wan 2.2",
        "Replicate",
        order.id,
        "$0.11 · 11 credits",
        "sent as wan-video/wan-2.2-t2v-fast. The provider named no id, so look for it by its time, its prompt and the seed 7.",
        "The connection broke before the answer came. The provider was asked 12 times and could not tell.",
    ):
        assert told in text, told
    assert 'href="https://replicate.com/predictions"' in ada.text
    assert 'Review<span class="count">2</span>' in ada.text


def test_an_order_that_ran_is_adopted_under_its_id(ada: Browser, desk: Desk) -> None:
    job = in_doubt(desk.tools.db)
    ada.get("/admin/review")
    assert ada.post(f"/admin/review/{job.id}/adopt", operation=" op-1 ").location == "/admin/review?said=adopted"
    assert state_of(desk, job.id) == ("failed", "accepted")
    (entry,) = acts(desk.tools.db, JOB)
    assert (entry.act, entry.subject, "@" in entry.who, entry.who_id is not None) == ("adopt", job.id, True, True)
    assert entry.before == {"state": "needs_review", "order": "unknown", "operation_id": None}
    assert entry.after == {"state": "failed", "order": "accepted", "operation_id": "op-1"}
    ada.get("/admin/review?said=adopted")
    assert "Adopted. A worker fetches what it made" in ada.text
    assert entry.who in ada.text
    assert 'class="count"' not in ada.text


def test_an_order_that_never_ran_is_declared_lost(ada: Browser, desk: Desk) -> None:
    job = in_doubt(desk.tools.db)
    ada.get("/admin/review")
    assert ada.post(f"/admin/review/{job.id}/lost").location == "/admin/review?said=lost"
    assert state_of(desk, job.id) == ("failed", "lost")
    assert [each.act for each in acts(desk.tools.db, JOB)] == ["lost"]


def test_a_retry_is_a_new_job_of_the_same_person(ada: Browser, desk: Desk) -> None:
    job = in_doubt(desk.tools.db)
    ada.get("/admin/review")
    assert ada.post(f"/admin/review/{job.id}/retry").location == "/admin/review?said=placed_again"
    (entry,) = acts(desk.tools.db, JOB)
    with desk.tools.db.reading() as connection:
        placed = jobs.by_id(connection, entry.after["placed"])
    assert placed is not None
    assert (placed.user_id, placed.prompt, placed.status) == (job.user_id, job.prompt, "queued")
    assert desk.jobs() == 2
    again = ada.post(f"/admin/review/{job.id}/retry")  # the form sent twice
    assert (again.status_code, desk.jobs()) == (409, 2)
    assert "This job needs no review" in words_of(ada.text)


def test_a_refusal_is_told_in_words_and_changes_nothing(ada: Browser, desk: Desk) -> None:
    db = desk.tools.db
    job = in_doubt(db, model="wan2.2", provider="replicate", provider_model="wan-video/wan-2.2-t2v-fast")
    ada.get("/admin/review")
    for typed in ("", "  ", "x" * 501, "a\nb"):
        assert ada.post(f"/admin/review/{job.id}/adopt", operation=typed).status_code == 422
        assert "Give the id that the provider&#39;s console shows." in ada.text
    assert ada.post(f"/admin/review/{job.id}/retry").status_code == 422  # there is no key for it any more
    assert f"Nothing was done to job {job.id}." in ada.text
    other = in_doubt(db)
    bound = in_doubt(db, state="failed")
    an_order(db, bound, n=2, provider="local", operation_id="taken", state=orders.DONE)
    assert ada.post(f"/admin/review/{other.id}/adopt", operation="taken").status_code == 409
    assert "That operation belongs to another order." in ada.text
    assert state_of(desk, job.id) == state_of(desk, other.id) == ("needs_review", "unknown")
    assert acts(db, JOB) == []


def test_what_was_typed_stays_and_the_field_says_what_is_wrong(ada: Browser, desk: Desk) -> None:
    job = in_doubt(desk.tools.db)
    ada.get("/admin/review")
    ada.post(f"/admin/review/{job.id}/adopt", operation="y" * 501)
    assert f'value="{"y" * 501}"' in ada.text
    assert f'aria-describedby="op-{job.id}-hint op-{job.id}-error" aria-invalid="true"' in ada.text


@pytest.mark.parametrize("act", ["adopt", "lost", "retry"])
def test_a_job_that_is_not_there_is_404(ada: Browser, act: str) -> None:
    ada.get("/admin/review")
    assert ada.post(f"/admin/review/{new_id()}/{act}", operation="x").status_code == 404
