"""Whole lives of Kling jobs against a Kling that misbehaves: never paid twice, the right end, books that balance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from job_queue import JobQueue
from tests.lifecycle.door import Door
from tests.lifecycle.stage import FAST, Stage
from tests.lifecycle.test_pictures import keep_picture
from tests.people import make_user
from tests.simulators.clips import clip
from tests.simulators.kling import API_KEY, KlingSimulator
from tests.simulators.kling_pictures import png
from vividflow.errors import Problem
from vividflow.lifecycle import callbacks
from vividflow.lifecycle.run import run_step
from vividflow.lifecycle.tools import Tools
from vividflow.providers.kling import KlingProvider
from vividflow.records import assets, due, orders
from vividflow.records.jobs import Job
from vividflow.timing import now

WISH: dict[str, object] = {"model": "kling3", "resolution": "720p", "duration": 3}
QUOTED = 252_000

# fault at the submit → how the job must end, its code, and how many payments there may be
SUBMIT_FAULTS: dict[str, tuple[dict[str, Any], str, str | None, int]] = {
    "accept_then_close": ({}, "completed", None, 1),
    "half_answer": ({}, "completed", None, 1),
    "error_after": ({"status": 504}, "completed", None, 1),
    "code_after": ({"code": 5002, "status": 200}, "completed", None, 1),
    "html_200": ({}, "completed", None, 1),
    "empty_200": ({}, "completed", None, 1),
    "no_id_200": ({}, "completed", None, 1),
    "deep_200": ({}, "completed", None, 1),
    "huge_200": ({}, "completed", None, 1),
    "endless_200": ({}, "completed", None, 1),
    "other_id_200": ({}, "completed", None, 1),
    "sent_twice": ({}, "completed", None, 1),
    "sent_twice_409": ({}, "completed", None, 1),
    "read_then_close": ({}, "completed", None, 1),
    "error_before": ({"status": 503}, "completed", None, 1),
    "redirect": ({}, "completed", None, 1),
    "html_404": ({}, "failed", "model_retired", 0),
}
# code → how the job must end, the code of its first order, and how many payments there may be. What speaks of the account
# is waited out: the second try is taken.
REFUSALS = {
    1000: ("completed", "provider_key_refused", 1),
    1002: ("completed", "provider_key_refused", 1),
    1100: ("completed", "provider_forbidden", 1),
    1101: ("completed", "provider_credit_exhausted", 1),
    1102: ("completed", "provider_credit_exhausted", 1),
    1103: ("completed", "provider_forbidden", 1),
    1201: ("failed", "provider_refused_input", 0),
    1203: ("failed", "model_retired", 0),
    1301: ("failed", "content_policy", 0),
    1302: ("completed", "rate_limited", 1),
    1303: ("completed", "rate_limited", 1),
    1304: ("completed", "provider_forbidden", 1),
    5000: ("completed", "never_arrived", 1),
}
LOOKS = ("error", "garbage", "deep", "close", "huge", "busy", "missing", "html_404", "other", "others_task", "code_200")
FETCHES = ("output_short", "output_404", "output_expired", "output_slow")
FATES = {
    "policy_failed": ("failed", "content_policy"),
    "failed": ("failed", "provider_failed"),
    "failed_charged": ("failed", "provider_failed"),
    "no_output": ("failed", "no_result"),
    "unknown_status": ("completed", None),
    "backwards": ("completed", None),
    "over_hundred": ("completed", None),
}


@pytest.fixture
def kling() -> Iterator[KlingSimulator]:
    server = KlingSimulator(movie=clip(), generation_seconds=0.1).start()
    yield server
    server.stop()


def stage_for(tools: Tools, kling: KlingSimulator) -> Stage:
    """A stage on these tools; a certain no takes a second instead of a minute."""
    tools._built["provider:kling"] = KlingProvider(tools.settings, certain_no_seconds=1.0)
    return Stage(tools=tools, user=make_user(tools), simulator=kling)  # type: ignore[arg-type]


@pytest.fixture
def stage(tools_for: Callable[..., Tools], kling: KlingSimulator) -> Stage:
    """A stage that Kling cannot call back."""
    given = {"kling_api_key": API_KEY, "kling_base_url": kling.url, "media_hands": 2}
    return stage_for(tools_for(**FAST | given, public_url="http://video.example.com"), kling)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of the vendor's pass quickly."""
    monkeypatch.setattr("vividflow.providers.outcomes.MOST_RETRY_AFTER_SECONDS", 0.1)


@pytest.fixture
def reachable(tools_for: Callable[..., Tools], kling: KlingSimulator) -> Iterator[Stage]:
    """A stage that Kling can call back, and that looks by itself only after a minute."""
    door = Door().start()
    given = {"kling_api_key": API_KEY, "kling_base_url": kling.url, "media_hands": 2, "public_url": door.url}
    door.tools = tools_for(**FAST | given | {"poll_first_seconds": 60.0, "poll_max_seconds": 60.0})
    yield stage_for(door.tools, kling)
    door.stop()


def lived(stage: Stage, **wish: object) -> Job:
    with stage.worker():
        return stage.until(stage.place(**WISH | wish))


def test_a_generation_is_stored_as_it_came_and_costs_its_units(stage: Stage, kling: KlingSimulator) -> None:
    job = lived(stage)
    assert job.status == "completed", job
    assert stage.states(job.id) == ["queued", "submitting", "generating", "downloading", "finishing", "completed"]
    assert (job.quoted, job.cost, kling.paid) == (QUOTED, QUOTED, 1)
    assert stage.books() == (0, 0, None)
    (order,) = stage.orders(job.id)
    (task,) = kling.tasks.values()
    assert (task.external_id, order.operation_id, order.state) == (order.id, task.id, orders.DONE)
    with stage.tools.db.reading() as connection:
        asset = assets.of_job(connection, job.id)
    assert asset is not None
    assert b"".join(stage.tools.storage.open_range(asset.storage_key)) == kling.film(task)
    assert kling.output_authorizations == [None]


def test_a_clip_from_two_pictures_is_cropped_to_its_shape(stage: Stage, kling: KlingSimulator, tmp_path: Path) -> None:
    ids = []
    for shade in (40, 200):
        file = tmp_path / f"{shade}.png"
        file.write_bytes(png(700, 500, shade))
        ids.append(keep_picture(stage.tools, stage.user.id, file).id)
    job = lived(stage, image_id=ids[0], last_image_id=ids[1], aspect_ratio="1:1", audio=True)
    assert job.status == "completed", job
    (task,) = kling.tasks.values()
    assert task.kind == "image2video"
    assert {"image", "image_tail"} <= task.body.keys()
    assert (task.body["sound"], "aspect_ratio" in task.body) == ("on", False)
    assert job.cost == 3 * 126_000
    (order,) = stage.orders(job.id)
    assert len(str(order.request)) < 600


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("fault", SUBMIT_FAULTS)
def test_a_fault_at_the_submit_never_pays_twice(stage: Stage, kling: KlingSimulator, fault: str) -> None:
    more, status, code, paid = SUBMIT_FAULTS[fault]
    kling.faults.add(fault, **more)
    job = lived(stage)
    assert (job.status, job.error_code, kling.paid) == (status, code, paid), (job.error_message, stage.states(job.id))
    assert stage.books() == (0, 0, None)
    placed = stage.orders(job.id)
    assert len(placed) == kling.requests["submit"]
    assert len({order.id for order in placed}) == len(placed)


@pytest.mark.usefixtures("hurried", "soon_tried_again")
@pytest.mark.parametrize("code", REFUSALS)
def test_each_code_ends_as_it_must(stage: Stage, kling: KlingSimulator, code: int) -> None:
    status, ours, paid = REFUSALS[code]
    kling.faults.add("refused", code=code)
    job = lived(stage)
    assert (job.status, kling.paid) == (status, paid), job.error_message
    assert job.error_code == (ours if status == "failed" else None)
    assert stage.orders(job.id)[0].error_code == ours
    assert stage.books() == (0, 0, None)


def test_a_stale_token_costs_a_second_post_and_one_payment(
    tools_for: Callable[..., Tools], kling: KlingSimulator
) -> None:
    given = {"kling_access_key": "AKsimulated", "kling_secret_key": "SKsimulated", "kling_base_url": kling.url}
    stage = stage_for(tools_for(**FAST | given | {"media_hands": 2}), kling)
    kling.faults.add("token_refused", code=1004)
    job = lived(stage)
    assert (job.status, kling.paid) == ("completed", 1)
    assert (kling.requests["unauthenticated"], kling.requests["submit"], len(stage.orders(job.id))) == (1, 1, 1)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("fault", LOOKS)
def test_a_fault_at_a_look_is_only_no_news(stage: Stage, kling: KlingSimulator, fault: str) -> None:
    kling.faults.add(f"poll_{fault}")
    job = lived(stage)
    assert (job.status, kling.paid) == ("completed", 1), job


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("fault", [fault for fault in LOOKS if fault != "other"])
def test_a_fault_at_the_question_for_a_lost_order_never_pays_twice(
    stage: Stage, kling: KlingSimulator, fault: str
) -> None:
    kling.faults.add("accept_then_close")
    kling.faults.add(f"ask_{fault}")
    job = lived(stage)
    assert (job.status, kling.paid, kling.requests["submit"]) == ("completed", 1, 1), job


@pytest.mark.parametrize("fault", FETCHES)
def test_a_fault_at_the_fetch_is_tried_again_with_the_same_order(
    stage: Stage, kling: KlingSimulator, fault: str
) -> None:
    kling.faults.add(fault, seconds=0.5)
    job = lived(stage)
    assert (job.status, kling.paid, len(stage.orders(job.id))) == ("completed", 1, 1), job
    assert set(kling.output_authorizations) == {None}


@pytest.mark.parametrize("fate", FATES)
def test_what_became_of_a_task_is_told_and_paid_as_it_was(stage: Stage, kling: KlingSimulator, fate: str) -> None:
    kling.faults.add(fate)
    job = lived(stage)
    assert (job.status, job.error_code, kling.paid) == (*FATES[fate], 1)
    assert stage.books() == (0, 0, None)
    (order,) = stage.orders(job.id)
    assert order.charged == (fate not in ("policy_failed", "failed"))
    assert job.actual == (order.cost if order.charged else None)
    assert job.cost == (QUOTED if job.status == "completed" else 0)


@pytest.mark.parametrize("fate", ["no_units", "odd_units"])
def test_without_its_units_a_clip_costs_what_was_quoted(stage: Stage, kling: KlingSimulator, fate: str) -> None:
    kling.faults.add(fate)
    assert lived(stage).cost == QUOTED


def test_fewer_units_than_quoted_are_a_lower_price(
    stage: Stage, kling: KlingSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.simulators.kling.units", lambda _: 1.5)
    job = lived(stage)
    assert (job.quoted, job.cost) == (QUOTED, 210_000)
    assert stage.books() == (0, 0, None)


def test_more_units_than_quoted_are_told_and_not_charged(
    stage: Stage, kling: KlingSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.simulators.kling.units", lambda _: 9)
    job = lived(stage)
    (order,) = stage.orders(job.id)
    assert (job.quoted, job.cost, job.actual, order.cost) == (QUOTED, QUOTED, 1_260_000, 1_260_000)
    assert stage.books() == (0, 0, None)


# ---- a worker that dies


def test_a_worker_that_died_before_the_request_left_orders_once_more_and_pays_once(
    stage: Stage, kling: KlingSimulator
) -> None:
    job_id = stage.place(**WISH)
    begun, _ = JobQueue(stage.tools, 99).claim_starts(1)
    assert [job.id for job in begun] == [job_id]
    _take_over(stage)
    with stage.worker():
        job = stage.until(job_id)
    assert (job.status, kling.paid) == ("completed", 1), stage.states(job_id)
    assert [order.state for order in stage.orders(job_id)] == [orders.REFUSED, orders.DONE]


def test_a_worker_that_died_between_acceptance_and_commit_finds_the_order_by_its_number(
    stage: Stage, kling: KlingSimulator
) -> None:
    job_id = stage.place(**WISH)
    begun, _ = JobQueue(stage.tools, 99).claim_starts(1)
    run_step(begun[0], stage.tools)  # its answer is never written
    assert kling.paid == 1
    _take_over(stage)
    with stage.worker():
        job = stage.until(job_id)
    assert "reconciling" in stage.states(job_id)
    assert (job.status, kling.paid, kling.requests["submit"]) == ("completed", 1, 1)
    (order,) = stage.orders(job_id)
    assert [task.external_id for task in kling.tasks.values()] == [order.id]


def test_a_worker_that_died_at_a_look_looks_again(stage: Stage, kling: KlingSimulator) -> None:
    kling.generation_seconds = 0.5
    with stage.worker():
        job_id = stage.place(**WISH)
        stage.until(job_id, lambda job: job.state == "generating")
    with stage.worker():
        job = stage.until(job_id)
    assert (job.status, kling.paid) == ("completed", 1)


def _take_over(stage: Stage) -> None:
    """The leases of the dead worker are over, and the next one does the step at which it died."""
    with stage.tools.db.transaction() as connection:
        due.set_free(connection, now())
    queue = JobQueue(stage.tools, 98)
    (suspect,) = queue.claim_suspects()
    assert queue.commit(suspect, run_step(suspect, stage.tools)) is not None


# ---- callbacks


def test_a_callback_makes_a_job_due_at_once(reachable: Stage, kling: KlingSimulator) -> None:
    kling.generation_seconds = 0.3
    with reachable.worker():
        job = reachable.until(reachable.place(**WISH), seconds=20)
    assert (job.status, kling.paid) == ("completed", 1)


def test_a_callback_about_another_task_neither_binds_nor_harms(
    reachable: Stage, kling: KlingSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vividflow.lifecycle.reconcile.PATIENCE_SECONDS", 60.0)
    kling.faults.add("accept_then_close")
    kling.faults.add("webhook_others_task", times=2)
    with reachable.worker():
        job_id = reachable.place(**WISH)
        reachable.until(job_id, lambda job: job.state == "generating")
        (order,) = reachable.orders(job_id)
        assert order.operation_id in kling.tasks
        assert callbacks.receive(reachable.tools, "kling", order.token, {}, b'{"task_id": "999"}')
        job = reachable.until(job_id)
    assert (job.status, kling.paid) == ("completed", 1)
    assert reachable.orders(job_id)[0].operation_id in kling.tasks


def test_an_unsigned_callback_never_gives_an_order_its_operation(stage: Stage) -> None:
    stage.place(**WISH)
    begun, _ = JobQueue(stage.tools, 99).claim_starts(1)
    (order,) = stage.orders(begun[0].id)
    assert callbacks.receive(stage.tools, "kling", order.token, {}, b'{"task_id": "999"}')
    (after,) = stage.orders(begun[0].id)
    assert (after.operation_id, after.state) == (None, orders.INTENT)
    with pytest.raises(Problem) as caught:
        callbacks.receive(stage.tools, "kling", order.token, {}, b"{}")
    assert caught.value.status == 401


# ---- what a person may do


def test_an_order_cannot_be_stopped_and_says_so_before(stage: Stage, kling: KlingSimulator) -> None:
    kling.generation_seconds = 1.0
    with stage.worker():
        job_id = stage.place(**WISH)
        stage.until(job_id, lambda job: job.state == "generating")
        with pytest.raises(Problem) as caught:
            stage.queue().cancel(stage.user, job_id)
        job = stage.until(job_id)
    assert caught.value.status == 409
    assert (job.status, kling.paid) == ("completed", 1)


@pytest.mark.parametrize(
    ("wish", "param"),
    [
        ({"model": "kling2.6", "audio": True, "resolution": "720p"}, "audio"),
        ({"model": "kling2.6", "cfg": 5.0}, "cfg"),
        ({"model": "kling2.6", "seed": 5}, "seed"),
        ({"model": "kling2.6", "duration": 7.0}, "duration"),
        ({"model": "kling2.6", "resolution": "4k"}, "resolution"),
        ({"model": "kling3", "duration": 3.5}, "duration"),
    ],
)
def test_what_a_model_does_not_take_is_refused_before_anything_is_written(
    stage: Stage, wish: dict[str, object], param: str
) -> None:
    with pytest.raises(Problem) as caught:
        stage.place(**{"resolution": "1080p"} | wish)
    assert (caught.value.status, caught.value.param) == (422, param)


def test_many_jobs_at_once_are_paid_once_each_while_places_are_few(
    stage: Stage, kling: KlingSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vividflow.providers.outcomes.MOST_RETRY_AFTER_SECONDS", 0.2)
    kling.places = 3
    with stage.worker():
        ids = [stage.place(**WISH, prompt=f"take {number}") for number in range(8)]
        ended = [stage.until(job_id, seconds=60) for job_id in ids]
    assert {job.status for job in ended} == {"completed"}
    assert kling.paid == 8
    assert stage.books() == (0, 0, None)
