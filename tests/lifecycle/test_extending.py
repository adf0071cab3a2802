"""Extensions of one's own videos by Veo, on both databases: what is taken, what is sent, what it costs, and whose it is."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import pytest

from tests.installation import an_asset
from tests.lifecycle.veo import VeoStage, make_veo_stage
from tests.people import make_user
from tests.simulators.clips import clip
from tests.simulators.vertex import VertexSimulator
from vividflow.errors import Permanent, Problem, Transient
from vividflow.lifecycle import diverting
from vividflow.lifecycle.extending import load_film
from vividflow.lifecycle.orders import estimate, place, retry
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.trash import remove
from vividflow.lifecycle.wish import Wish
from vividflow.records import assets, jobs
from vividflow.records.jobs import Job
from vividflow.storage.base import StorageGone
from vividflow.timing import new_id, now


@pytest.fixture(scope="module")
def film() -> bytes:
    """Four seconds in 720p."""
    return clip(4, 1280, 720)


@pytest.fixture
def veo(film: bytes) -> Iterator[VertexSimulator]:
    server = VertexSimulator(movie=film, generation_seconds=0.1).start()
    yield server
    server.stop()


@pytest.fixture
def stage(tools_for: Callable[..., Tools], veo: VertexSimulator) -> VeoStage:
    return make_veo_stage(tools_for, veo)


def made(stage: VeoStage, content: bytes = b"", /, **facts: Any) -> Job:
    """A finished video of 4 s in 720p, changed by `facts`; its bytes are `content`."""
    job_id, moment = new_id(), now()
    job = Job(
        id=job_id, user_id=stage.user.id, kind="video", state="completed", status="completed", stage="completed",
        lane="loop", created_at=moment, updated_at=moment, model="veo3.1", prompt="a lighthouse",
        result={"asset_id": new_id()},
    )  # fmt: skip
    plain = {"kind": "video", "mime": "video/mp4", "width": 1280, "height": 720, "duration": 4.0, "size": 1000}
    plain["sha256"] = sha256(content).hexdigest()
    with stage.tools.db.transaction() as connection:
        jobs.insert(connection, job)
    asset = an_asset(stage.tools.db, stage.user, id=job.result["asset_id"], job_id=job_id, **(plain | facts))
    if content:
        file = stage.tools.settings.scratch / "film"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        stage.tools.storage.put(asset.storage_key, file, mime="video/mp4", sha256=asset.sha256)
    return job


def refusal(stage: VeoStage, **wish: object) -> Problem:
    """What placing such a wish is answered with."""
    with pytest.raises(Problem) as refused:
        stage.place(**({"duration": None, "resolution": None} | wish))
    return refused.value


def test_a_video_goes_on_through_a_whole_life_and_the_added_seconds_are_paid(
    stage: VeoStage, veo: VertexSimulator
) -> None:
    with stage.worker():
        first = stage.until(stage.place())
        longer = stage.until(stage.place(extend_id=first.id, duration=None, resolution=None))
    assert longer.status == "completed", longer
    (instance,) = veo.submitted[1]["instances"]
    with stage.tools.db.reading() as connection:
        kept = assets.of_job(connection, first.id)
    assert kept is not None
    assert instance.keys() == {"prompt", "video"}
    assert instance["video"]["mimeType"] == "video/mp4"
    assert base64.b64decode(instance["video"]["bytesBase64Encoded"]) == b"".join(
        stage.tools.storage.open_range(kept.storage_key)
    )
    sent = veo.submitted[1]["parameters"]
    assert (sent["durationSeconds"], sent["resolution"], sent["aspectRatio"]) == (7, "720p", "16:9")
    assert longer.cost == longer.quoted == 2_800_000
    (order,) = stage.orders(longer.id)
    assert order.request["video"] == kept.sha256
    assert len(repr(order)) < 4000
    assert stage.books() == (0, 0, None)


def test_a_lost_extension_is_found_and_paid_once(stage: VeoStage, veo: VertexSimulator, film: bytes) -> None:
    veo.faults.add("accept_then_close")
    source = made(stage, film)
    with stage.worker():
        job = stage.until(stage.place(extend_id=source.id, duration=None))
    assert (job.status, veo.paid, "reconciling" in stage.states(job.id)) == ("completed", 1, True), job


@pytest.mark.parametrize(
    ("facts", "wish", "code", "says"),
    [
        ({"duration": 0.5}, {}, "video_does_not_fit", "1 to 30 seconds; this one has 0.5"),
        ({"duration": 31.0}, {}, "video_does_not_fit", "1 to 30 seconds; this one has 31.0"),
        ({"width": 854, "height": 480}, {}, "video_does_not_fit", "720p or 1080p; this one is 854 × 480"),
        ({"width": 720, "height": 720}, {}, "video_does_not_fit", "16:9 or 9:16; this one is 720 × 720"),
        ({"size": 14_000_001}, {}, "video_too_large", "at most 14 MB"),
        ({"kind": "image"}, {}, "not_a_finished_video", "finished video"),
        ({}, {"resolution": "1080p"}, "unsupported_combination", "the extension of a video at 720p only"),
        ({}, {"duration": 8.0}, "invalid_duration", "adds 7 seconds"),
        ({}, {"aspect_ratio": "9:16"}, "invalid_aspect_ratio", "keeps its shape, which is 16:9"),
        ({}, {"model": "local"}, "unsupported_parameter", "Models that do: veo3.1, veo3.1-fast, veo3.1-lite."),
    ],
)
def test_what_cannot_be_extended_is_refused_with_what_would_do(
    stage: VeoStage, facts: dict[str, object], wish: dict[str, object], code: str, says: str
) -> None:
    problem = refusal(stage, extend_id=made(stage, **facts).id, **wish)
    assert (problem.code, says in problem.detail) == (code, True), problem.detail
    assert problem.param in ("extend", "extend_id", "duration", "aspect_ratio")


def test_pictures_and_a_video_do_not_go_together(stage: VeoStage) -> None:
    source = made(stage)
    picture = an_asset(stage.tools.db, stage.user, kind="image", mime="image/png", width=640, height=360)
    for wish in ({"image_id": picture.id}, {"reference_ids": (picture.id,)}):
        problem = refusal(stage, extend_id=source.id, **wish)
        assert problem.status == 422
        assert problem.code in ("unsupported_combination", "invalid_duration")


def test_edges_of_what_is_taken_are_taken(stage: VeoStage) -> None:
    for facts in ({"duration": 1.0}, {"duration": 30.04}, {"size": 14_000_000}, {"width": 1080, "height": 1920}):
        job = stage.job(stage.place(extend_id=made(stage, **facts).id, duration=None))
        assert job.params["duration"] == 7
    assert job.params["aspect_ratio"] == "9:16"
    assert stage.job(stage.place(extend_id=made(stage).id, duration=7.0)).params["duration"] == 7


def test_somebody_else_s_video_looks_exactly_like_one_that_is_not_there(stage: VeoStage) -> None:
    theirs = made(stage)
    stranger = make_user(stage.tools)
    answers = []
    for extend_id in (theirs.id, new_id()):
        with pytest.raises(Problem) as refused:
            place(stage.tools, stranger, Wish(prompt="on and on", model="veo3.1", extend_id=extend_id))
        answers.append((refused.value.status, refused.value.code, refused.value.detail, refused.value.param))
    assert answers[0] == answers[1]
    assert answers[0][:2] == (422, "unknown_video")


def test_a_video_that_is_not_finished_or_in_the_trash_does_not_go_on(stage: VeoStage) -> None:
    assert refusal(stage, extend_id=stage.place()).code == "not_a_finished_video"
    source = made(stage)
    remove(stage.tools, stage.user, source.id)
    assert refusal(stage, extend_id=source.id).code == "unknown_video"


def test_a_video_that_goes_while_its_extension_waits_ends_it_free_of_charge(
    stage: VeoStage, veo: VertexSimulator
) -> None:
    source = made(stage)
    job_id = stage.place(extend_id=source.id, duration=None)
    remove(stage.tools, stage.user, source.id)
    with stage.worker():
        job = stage.until(job_id)
    assert (job.status, job.error_code, job.charged) == ("failed", "video_gone", False), job
    assert veo.paid == 0
    assert load_film(job, stage.tools, asking=True) is not None


def test_bytes_that_cannot_be_read_are_a_certain_no_before_anything_is_sent(
    stage: VeoStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = stage.job(stage.place(extend_id=made(stage).id, duration=None))
    film = load_film(job, stage.tools)
    assert film is not None
    with pytest.raises(Permanent, match="no longer in the storage"):
        film.read()

    def away(*_: object) -> None:
        raise StorageGone("away")

    monkeypatch.setattr(stage.tools.storage, "open_range", away)
    with pytest.raises(Transient, match="does not answer"):
        film.read()


def test_an_estimate_and_a_retry_keep_the_extension(stage: VeoStage) -> None:
    source = made(stage)
    said = estimate(stage.tools, stage.user, Wish(prompt="on", model="veo3.1-lite", extend_id=source.id))
    assert (said["estimated_cost"], said["params"]["duration"]) == (0.35, 7)
    job = stage.job(stage.place(extend_id=source.id, duration=None))
    stage.change(job.id, status="failed", state="failed")
    _, body = retry(stage.tools, stage.user, job.id)
    assert stage.job(body["job_id"]).params["extend_id"] == source.id


def test_an_extension_never_goes_by_a_route_that_makes_none(
    tools_for: Callable[..., Tools], veo: VertexSimulator
) -> None:
    two = make_veo_stage(tools_for, veo, replicate_api_token="r8_x", replicate_base_url=veo.url)
    job = two.job(two.place(extend_id=made(two).id, duration=None))
    assert job.provider == "vertex"
    assert diverting.others(two.tools, job) == []
    assert refusal(two, extend_id=made(two).id, provider="replicate").code == "unsupported_parameter"
