"""Whole lives of Omni jobs against a Gemini that misbehaves: never paid twice, the right end, books that balance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.lifecycle.door import Door
from tests.lifecycle.stage import FAST, Stage
from tests.people import make_user
from tests.simulators.clips import clip
from tests.simulators.gemini import KEY, GeminiSimulator
from vividflow.errors import Problem
from vividflow.lifecycle.tools import Tools
from vividflow.records import assets, pauses
from vividflow.records.jobs import Job

WISH = {"model": "omni1.2", "resolution": "360p", "duration": 3}

# fault at the submit → how the job must end, its code, and how many payments there may be
SUBMIT_FAULTS: dict[str, tuple[str, str | None, int]] = {
    "accept_then_close": ("needs_review", "outcome_unknown", 1),
    "half_answer": ("needs_review", "outcome_unknown", 1),
    "error_after": ("needs_review", "outcome_unknown", 1),
    "html_200": ("needs_review", "outcome_unknown", 1),
    "empty_200": ("needs_review", "outcome_unknown", 1),
    "no_id_200": ("needs_review", "outcome_unknown", 1),
    "read_then_close": ("needs_review", "outcome_unknown", 0),
    "error_before": ("needs_review", "outcome_unknown", 0),
    "redirect": ("needs_review", "outcome_unknown", 0),
    "rate_limited": ("completed", None, 1),
    "unauthorized": ("completed", None, 1),
    "wrong_key": ("completed", None, 1),
    "no_credit": ("completed", None, 1),
    "forbidden": ("failed", "provider_forbidden", 0),
    "retired": ("failed", "model_retired", 0),
    "invalid": ("failed", "provider_refused_input", 0),
    "content_refused": ("failed", "content_policy", 0),
}
# Certainly not taken the first time, and waited for.
WAITED = ("rate_limited", "unauthorized", "wrong_key", "no_credit")
ACCEPTED = [fault for fault, (_, _, paid) in SUBMIT_FAULTS.items() if paid and fault not in WAITED]
POLL_FAULTS = ("poll_error", "poll_garbage", "poll_close", "poll_rate_limited", "poll_other", "poll_missing")
FETCH_FAULTS = ("output_short", "output_404", "output_expired", "output_redirect")
FATES = {
    "nsfw_failed": "content_policy",
    "failed": "provider_failed",
    "filtered": "no_result",
    "filtered_with_reason": "content_policy",
    "cancelled": "provider_cancelled",
    "incomplete": "provider_failed",
    "budget_exceeded": "provider_failed",
}


@pytest.fixture
def omni(gemini: GeminiSimulator) -> GeminiSimulator:
    gemini.movie, gemini.generation_seconds = clip(), 0.1
    return gemini


@pytest.fixture
def gemini_stage(tools_for: Callable[..., Tools], omni: GeminiSimulator) -> Stage:
    """A stage that Gemini cannot call back."""
    given = {"gemini_api_key": KEY, "google_gemini_base_url": omni.url, "media_hands": 2}
    given["public_url"] = "http://video.example.com"
    tools = tools_for(**FAST | given)
    return Stage(tools=tools, user=make_user(tools), simulator=omni)  # type: ignore[arg-type]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vividflow.lifecycle.reconcile.PATIENCE_SECONDS", 0.3)


@pytest.fixture
def door() -> Iterator[Door]:
    server = Door().start()
    yield server
    server.stop()


@pytest.fixture
def reachable(tools_for: Callable[..., Tools], omni: GeminiSimulator, door: Door) -> Stage:
    """A stage that Gemini can call back."""
    given = {"gemini_api_key": KEY, "google_gemini_base_url": omni.url, "media_hands": 2, "public_url": door.url}
    tools = tools_for(**FAST | given)
    door.tools = tools
    return Stage(tools=tools, user=make_user(tools), simulator=omni)  # type: ignore[arg-type]


def lived(stage: Stage, **wish: object) -> Job:
    with stage.worker():
        return stage.until(stage.place(**WISH | wish))


def test_a_generation_is_stored_as_it_came_and_costs_what_was_said(gemini_stage: Stage, omni: GeminiSimulator) -> None:
    job = lived(gemini_stage)
    assert job.status == "completed", job
    assert gemini_stage.states(job.id) == [
        "queued", "submitting", "generating", "downloading", "finishing", "completed",
    ]  # fmt: skip
    assert (job.cost, omni.paid) == (90_000, 1)
    assert gemini_stage.books() == (0, 0, None)
    with gemini_stage.tools.db.reading() as connection:
        asset = assets.of_job(connection, job.id)
    assert asset is not None
    stored = b"".join(gemini_stage.tools.storage.open_range(asset.storage_key))
    assert stored == omni.film(next(iter(omni.interactions.values())))
    assert omni.output_keys == [KEY]


@pytest.mark.parametrize("fault", SUBMIT_FAULTS)
@pytest.mark.usefixtures("impatient", "soon_tried_again")
def test_a_fault_at_the_submit_never_pays_twice(gemini_stage: Stage, omni: GeminiSimulator, fault: str) -> None:
    state, code, paid = SUBMIT_FAULTS[fault]
    more: dict[str, Any] = {"retry_after": "0"} if fault == "rate_limited" else {}
    omni.faults.add(fault, **more)
    job = lived(gemini_stage)
    assert (job.state, job.error_code, omni.paid) == (state, code, paid), gemini_stage.states(job.id)
    assert omni.requests["submit"] == (2 if fault in WAITED else 1)
    assert gemini_stage.books() == (0, 0, None)
    if state != "completed":
        assert (job.charged, job.cost) == (False, 0)
        assert job.error_message


@pytest.mark.parametrize("fault", POLL_FAULTS)
def test_a_fault_at_a_look_is_only_no_news(
    gemini_stage: Stage, omni: GeminiSimulator, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    # What a 429 at a look asks for is waited out, and a test has no seven seconds.
    monkeypatch.setattr("vividflow.providers.outcomes.MOST_RETRY_AFTER_SECONDS", 0.1)
    omni.faults.add(fault, times=2)
    job = lived(gemini_stage)
    assert (job.status, omni.paid) == ("completed", 1), job


@pytest.mark.parametrize("fault", FETCH_FAULTS)
def test_a_fault_at_the_fetch_is_tried_again_with_the_same_order(
    gemini_stage: Stage, omni: GeminiSimulator, fault: str
) -> None:
    more: dict[str, Any] = {"to": f"{omni.url}/v1/files/nobody:download?alt=media"} if "redirect" in fault else {}
    omni.faults.add(fault, **more)
    job = lived(gemini_stage)
    assert (job.status, omni.paid) == ("completed", 1), job
    assert len(gemini_stage.orders(job.id)) == 1


@pytest.mark.parametrize("fate", FATES)
def test_an_end_without_a_clip_is_free_and_told_apart(gemini_stage: Stage, omni: GeminiSimulator, fate: str) -> None:
    omni.faults.add(fate)
    job = lived(gemini_stage)
    assert (job.status, job.error_code, job.charged, omni.paid) == ("failed", FATES[fate], False, 1)
    assert gemini_stage.books() == (0, 0, None)


@pytest.mark.parametrize("fate", ["inline", "unknown_status", "backwards", "requires_continuation"])
def test_odd_answers_lead_to_the_same_clip(gemini_stage: Stage, omni: GeminiSimulator, fate: str) -> None:
    omni.faults.add(fate)
    job = lived(gemini_stage)
    assert (job.status, omni.paid) == ("completed", 1), job


def test_a_picture_and_a_last_one_reach_the_model_as_bytes(gemini_stage: Stage, omni: GeminiSimulator) -> None:
    from tests.api.desk import png
    from vividflow.lifecycle import library

    scratch = gemini_stage.tools.settings.scratch
    scratch.mkdir(parents=True, exist_ok=True)
    ids = []
    for colour in (200, 90):
        file = scratch / f"given-{colour}"
        file.write_bytes(png(320, 300, colour))
        ids.append(str(library.keep(gemini_stage.tools, gemini_stage.user.id, file)[1]["id"]))
    job = lived(gemini_stage, image_id=ids[0], last_image_id=ids[1])
    assert job.status == "completed", job
    (sent,) = omni.submitted
    assert [part["type"] for part in sent["input"][0]["content"]] == ["text", "image", "image"]
    (order,) = gemini_stage.orders(job.id)
    assert len(str(order.request)) < 2000  # rows carry no pictures


@pytest.mark.parametrize("fault", ACCEPTED)
@pytest.mark.parametrize("signed_event", [True, False])
def test_a_lost_answer_is_told_by_the_callback_and_paid_once(
    reachable: Stage, omni: GeminiSimulator, fault: str, signed_event: bool
) -> None:
    omni.signed_event = signed_event
    omni.faults.add(fault)
    job = lived(reachable)
    assert (job.status, omni.paid, omni.requests["submit"]) == ("completed", 1, 1), job
    assert "reconciling" in reachable.states(job.id)
    assert reachable.books() == (0, 0, None)


@pytest.mark.parametrize("fault", ["webhook_forged", "webhook_old", "webhook_dropped"])
@pytest.mark.usefixtures("impatient")
def test_a_lost_answer_without_a_genuine_callback_needs_review_and_is_free(
    reachable: Stage, omni: GeminiSimulator, door: Door, fault: str
) -> None:
    omni.faults.add("accept_then_close")
    omni.faults.add(fault)
    job = lived(reachable)
    assert (job.state, job.status, job.error_code, job.charged) == ("needs_review", "failed", "outcome_unknown", False)
    assert (omni.paid, omni.requests["submit"]) == (1, 1)
    assert reachable.books() == (0, 0, None)
    assert set(door.statuses) <= {401}


def test_an_event_that_comes_after_the_review_brings_a_free_result(
    reachable: Stage, omni: GeminiSimulator, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vividflow.lifecycle.reconcile.PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr("vividflow.lifecycle.ending.LATE_FIRST_SECONDS", 0.1)
    omni.faults.add("accept_then_close")
    door.open.clear()
    with reachable.worker():
        job = reachable.until(reachable.place(**WISH))
        assert job.state == "needs_review"
        door.open.set()
        late = reachable.until(job.id, lambda row: row.late_asset_id is not None)
    assert (late.status, late.charged, omni.paid) == ("failed", False, 1)
    assert reachable.books() == (0, 0, None)


def test_a_running_job_is_cancelled_at_the_provider(gemini_stage: Stage, omni: GeminiSimulator) -> None:
    omni.generation_seconds = 60
    with gemini_stage.worker():
        job_id = gemini_stage.place(**WISH)
        gemini_stage.until(job_id, lambda job: job.state == "generating")
        code, _ = gemini_stage.queue().cancel(gemini_stage.user, job_id)
        job = gemini_stage.until(job_id)
    assert (code, job.status, omni.requests["cancel"]) == (202, "cancelled", 1)
    assert gemini_stage.books() == (0, 0, None)


def test_no_credit_pauses_the_provider(gemini_stage: Stage, omni: GeminiSimulator) -> None:
    omni.faults.add("no_credit")
    with gemini_stage.worker():
        gemini_stage.until(gemini_stage.place(**WISH), lambda job: job.attempts == 1 and job.status == "queued")
    with gemini_stage.tools.db.reading() as connection:
        assert connection.execute(pauses.pauses.select()).mappings().one()["provider"] == "gemini"


def test_silence_cannot_be_ordered(gemini_stage: Stage, omni: GeminiSimulator) -> None:
    with pytest.raises(Problem) as caught:
        gemini_stage.place(**WISH | {"audio": False})
    assert (caught.value.status, caught.value.code) == (422, "audio_always_on")
    assert omni.requests == {}
