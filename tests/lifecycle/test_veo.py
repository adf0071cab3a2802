"""Whole lives of Veo jobs on both databases: through the bucket, inline, lost and found, and never paid twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.lifecycle.test_pictures import keep_picture
from tests.lifecycle.veo import VeoStage, make_veo_stage
from tests.simulators.clips import clip
from tests.simulators.vertex import VertexSimulator
from vividflow.errors import Problem
from vividflow.lifecycle.refunds import cancel_offer
from vividflow.lifecycle.tools import Tools
from vividflow.records import assets

LIFE = ["queued", "submitting", "generating", "downloading", "finishing", "completed"]


@pytest.fixture
def veo() -> Iterator[VertexSimulator]:
    server = VertexSimulator(movie=clip(), generation_seconds=0.1).start()
    yield server
    server.stop()


@pytest.fixture
def stage(tools_for: Callable[..., Tools], veo: VertexSimulator) -> VeoStage:
    return make_veo_stage(tools_for, veo)


@pytest.fixture
def inline(tools_for: Callable[..., Tools], veo: VertexSimulator) -> VeoStage:
    return make_veo_stage(tools_for, veo, vertex_output_uri="")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vividflow.lifecycle.reconcile.PATIENCE_SECONDS", 0.5)


def stored(stage: VeoStage, job_id: str) -> bytes:
    """The film as it was stored."""
    with stage.tools.db.reading() as connection:
        asset = assets.of_job(connection, job_id)
    assert asset is not None
    return b"".join(stage.tools.storage.open_range(asset.storage_key))


def test_a_clip_goes_through_its_states_by_way_of_the_bucket(stage: VeoStage, veo: VertexSimulator) -> None:
    with stage.worker():
        job = stage.until(stage.place())
    assert job.status == "completed", job
    assert stage.states(job.id) == LIFE
    (name,) = veo.operations
    (order,) = stage.orders(job.id)
    assert (order.operation_id, order.state) == (name, "done")
    assert order.outputs == [{"gs_uri": veo.bucket.names()[0]}]
    assert veo.by_place == {f"gs://films/veo/{order.id}/": 1}
    assert stored(stage, job.id) == veo.film(name)
    assert job.cost == job.quoted == 1_600_000
    assert stage.books() == (0, 0, None)


def test_without_a_bucket_the_film_goes_from_the_answer_to_the_disk_and_never_into_a_row(
    inline: VeoStage, veo: VertexSimulator
) -> None:
    veo.movie = clip() + b"\0\0\0\x08free" + bytes(1_000_000)
    with inline.worker():
        job = inline.until(inline.place())
    assert job.status == "completed", job
    assert inline.states(job.id) == LIFE
    (order,) = inline.orders(job.id)
    assert order.outputs == [{"inline": "yes"}]
    assert len(repr(order)) + len(repr(job)) < 6000
    assert stored(inline, job.id) == veo.film(next(iter(veo.operations)))
    assert veo.requests["fetchPredictOperation"] <= 3


def test_an_inline_film_that_got_lost_here_is_asked_for_again(
    inline: VeoStage, veo: VertexSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vividflow.lifecycle.finish.FETCH_AGAIN_AFTER", (0.05, 0.05, 0.05))
    veo.movie = b"damaged on its way"
    with inline.worker():
        job_id = inline.place()
        inline.until(job_id, lambda job: bool(job.result.get("fetched_again")))
        veo.movie = clip()
        job = inline.until(job_id)
    assert (job.status, veo.paid) == ("completed", 1), job


def test_sound_is_on_unless_it_is_switched_off_and_the_quote_follows_what_is_sent(
    stage: VeoStage, veo: VertexSimulator
) -> None:
    prices = {}
    with stage.worker():
        for said in (None, True, False):
            job = stage.until(stage.place(audio=said))
            prices[said] = (job.quoted, veo.submitted[-1]["parameters"]["generateAudio"])
    assert prices == {None: (1_600_000, True), True: (1_600_000, True), False: (800_000, False)}


def test_4k_is_dearer_and_lite_has_none(stage: VeoStage) -> None:
    assert stage.job(stage.place(resolution="4k", duration=8.0)).quoted == 4_800_000
    with pytest.raises(Problem) as refused:
        stage.place(model="veo3.1-lite", resolution="4k")
    assert refused.value.code == "invalid_resolution"
    assert stage.job(stage.place(model="veo3.1-lite", duration=None)).params["duration"] == 8


def test_reference_pictures_go_with_eight_seconds_and_nothing_else(
    stage: VeoStage, veo: VertexSimulator, png: Callable[[int], str]
) -> None:
    ids = tuple(png(number) for number in range(4))
    for wish, code in (
        ({"reference_ids": ids[:3], "duration": 4.0}, "invalid_duration"),
        ({"reference_ids": ids, "duration": 8.0}, "too_many_references"),
        ({"reference_ids": ids[:1], "image_id": ids[1], "duration": 8.0}, "references_exclude_images"),
        ({"reference_ids": ids[:1], "model": "veo3.1-lite"}, "unsupported_parameter"),
        ({"reference_ids": ("nobody's",), "duration": 8.0}, "unknown_image"),
    ):
        with pytest.raises(Problem) as refused:
            stage.place(**wish)
        assert refused.value.code == code
    with stage.worker():
        job = stage.until(stage.place(reference_ids=ids[:3], duration=None))
    assert job.status == "completed", job
    (instance,) = veo.submitted[0]["instances"]
    assert len(instance["referenceImages"]) == 3
    assert all(len(repr(order)) < 4000 for order in stage.orders(job.id))


def test_a_lost_order_is_found_by_its_film_and_paid_once(stage: VeoStage, veo: VertexSimulator) -> None:
    veo.faults.add("accept_then_close")
    with stage.worker():
        job = stage.until(stage.place())
    assert job.status == "completed", job
    assert "reconciling" in stage.states(job.id)
    (order,) = stage.orders(job.id)
    assert order.operation_id == veo.bucket.names()[0]
    assert (veo.paid, job.cost) == (1, job.quoted)
    assert stored(stage, job.id) == veo.film(next(iter(veo.operations)))


def test_a_lost_order_waits_for_its_film_as_long_as_patience_lasts(stage: VeoStage, veo: VertexSimulator) -> None:
    veo.generation_seconds = 3.0
    veo.faults.add("error_after")
    with stage.worker():
        job = stage.until(stage.place())
    assert (job.status, veo.paid) == ("completed", 1), job


@pytest.mark.usefixtures("impatient")
def test_an_order_without_a_trace_is_never_ordered_again_but_looked_at_by_a_person(
    stage: VeoStage, veo: VertexSimulator
) -> None:
    veo.faults.add("read_then_close")
    with stage.worker():
        job = stage.until(stage.place())
    assert (job.state, job.error_code, job.charged) == ("needs_review", "outcome_unknown", False)
    assert (veo.paid, veo.requests["predictLongRunning"]) == (0, 1)
    assert stage.books() == (0, 0, None)


@pytest.mark.usefixtures("impatient")
def test_without_a_bucket_a_lost_order_needs_a_person(inline: VeoStage, veo: VertexSimulator) -> None:
    veo.faults.add("accept_then_close")
    with inline.worker():
        job = inline.until(inline.place())
    assert (job.state, job.charged, veo.paid) == ("needs_review", False, 1)


@pytest.mark.usefixtures("impatient")
def test_an_answer_that_names_another_jobs_operation_gives_nobody_a_strangers_film(
    stage: VeoStage, veo: VertexSimulator
) -> None:
    with stage.worker():
        first = stage.until(stage.place())
        veo.faults.add("other_name_200")
        second = stage.until(stage.place())
    assert first.status == "completed"
    assert veo.paid == 2
    assert stage.charged() == 1
    names = {order.operation_id for job in (first, second) for order in stage.orders(job.id)}
    assert len(names) == 2
    if second.status == "completed":
        assert stored(stage, second.id) == veo.film(list(veo.operations)[1])


def test_a_filtered_clip_fails_as_content_policy_and_is_not_charged(stage: VeoStage, veo: VertexSimulator) -> None:
    veo.faults.add("filtered")
    with stage.worker():
        job = stage.until(stage.place())
    assert (job.status, job.error_code, job.charged) == ("failed", "content_policy", False)
    assert [order.charged for order in stage.orders(job.id)] == [None]
    assert stage.books() == (0, 0, None)


def test_a_film_that_comes_late_into_the_bucket_is_waited_for(stage: VeoStage, veo: VertexSimulator) -> None:
    veo.faults.add("object_late", seconds=1.0)
    with stage.worker():
        job = stage.until(stage.place())
    assert (job.status, veo.paid) == ("completed", 1), job


def test_a_film_that_never_comes_ends_free_of_charge(
    stage: VeoStage, veo: VertexSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vividflow.lifecycle.fetch.MISSING_SECONDS", 0.5)
    veo.faults.add("object_missing")
    with stage.worker():
        job = stage.until(stage.place())
    assert (job.status, job.error_code, job.charged) == ("failed", "result_lost", False)
    assert veo.paid == 1


def test_a_cancel_says_before_that_it_cannot_be_stopped_and_what_it_costs(
    stage: VeoStage, veo: VertexSimulator
) -> None:
    veo.generation_seconds = 60
    with stage.worker():
        job_id = stage.place()
        job = stage.until(job_id, lambda row: row.state == "generating")
        offer = cancel_offer(stage.tools, job)
        with pytest.raises(Problem) as refused:
            stage.queue().cancel(stage.user, job_id)
    assert offer == {
        "possible": False,
        "refund_usd": 0,
        "reason": "Google Cloud cannot stop a video once it was ordered. It will cost $1.60.",
    }
    assert refused.value.status == 409


@pytest.fixture
def png(stage: VeoStage, make_png: Callable[..., bytes]) -> Callable[[int], str]:
    """Keeps a picture for the person of the stage; its id."""

    def keep(number: int) -> str:
        file = stage.tools.settings.scratch / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(make_png(number))
        return keep_picture(stage.tools, stage.user.id, file).id

    return keep


@pytest.fixture
def make_png() -> Callable[[int], bytes]:
    """A picture of a colour of its own."""
    import io

    from PIL import Image

    def make(number: int) -> bytes:
        out = io.BytesIO()
        Image.new("RGB", (640, 360), (number * 40, 90, 200)).save(out, "PNG")
        return out.getvalue()

    return make
