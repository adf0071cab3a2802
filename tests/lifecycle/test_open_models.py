"""Any Replicate model by its id: asked by its own schema, ordered once, at a price that nobody knows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.api.desk import png
from tests.lifecycle.stage import Stage, make_stage
from tests.simulators.replicate import ReplicateSimulator
from tests.simulators.replicate_models import VERSIONS
from vividflow.errors import Problem
from vividflow.lifecycle import library
from vividflow.lifecycle.orders import estimate
from vividflow.lifecycle.status import status_object
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.wish import Wish

DREAM = {"model": "replicate/house/dream", "resolution": "480p", "duration": 3}
MOVING = {"model": "replicate/someone/moving-pictures", "resolution": None}


def a_picture(stage: Stage, tmp_path: Path) -> str:
    given = tmp_path / "given.png"
    given.write_bytes(png(640, 360))
    return str(library.keep(stage.tools, stage.user.id, given)[1]["id"])


def test_an_official_model_is_asked_in_its_own_words(stage: Stage) -> None:
    with stage.worker():
        job = stage.until(stage.place(**DREAM, cfg=7.5, audio=True, seed=9, aspect_ratio="1:1"))
    assert (job.status, job.kind, stage.simulator.paid) == ("completed", "video", 1), job
    assert stage.simulator.submitted[0]["input"] == {
        "prompt": "a lighthouse at dusk",
        "duration": 3,
        "resolution": "480P",
        "aspect_ratio": "1:1",
        "cfg_scale": 7.5,
        "generate_audio": True,
        "seed": 9,
    }


def test_a_model_of_the_community_is_run_by_its_version_and_found_again(stage: Stage, tmp_path: Path) -> None:
    stage.simulator.faults.add("accept_then_close")
    with stage.worker():
        job = stage.until(stage.place(**MOVING, duration=4, image_id=a_picture(stage, tmp_path)))
    assert (job.status, stage.simulator.paid) == ("completed", 1), (job, stage.states(job.id))
    (sent,) = stage.simulator.submitted
    assert sent["version"] == VERSIONS["someone/moving-pictures"]
    assert sent["input"]["num_frames"] == 32


def test_a_price_that_nobody_knows_is_told_as_such_and_costs_no_credit(stage: Stage) -> None:
    told = estimate(stage.tools, stage.user, Wish(prompt="a lighthouse", **DREAM))  # type: ignore[arg-type]
    assert (told["estimated_cost"], told["estimated_credits"], told["price_date"]) == (None, None, None)
    with stage.worker():
        job = stage.until(stage.place(**DREAM))
    with stage.tools.db.reading() as connection:
        shown = status_object(stage.tools, connection, job)
    assert (shown["metrics"]["estimated_cost"], shown["metrics"]["cost"]) == (None, None)
    assert "price_unknown" not in shown["params"]
    assert stage.books() == (0, 0, None)


@pytest.mark.parametrize(
    ("settings", "wish"),
    [
        ({}, {"max_cost": 5.0}),
        ({"max_job_usd": 5}, {}),
        ({"user_daily_usd": 5}, {}),
        ({"daily_usd": 5}, {}),
        ({"credits": True}, {}),
    ],
)
def test_a_price_that_nobody_knows_is_refused_under_a_ceiling(
    tools_for: Callable[..., Tools], simulator: ReplicateSimulator, settings: dict[str, object], wish: dict[str, object]
) -> None:
    stage = make_stage(tools_for, simulator, **settings)
    with pytest.raises(Problem) as refused:
        stage.place(**DREAM, **wish)
    assert (refused.value.status, refused.value.code) == (402, "price_unknown")
    assert simulator.paid == 0


def test_an_operator_gives_such_a_model_a_price(
    tools_for: Callable[..., Tools], simulator: ReplicateSimulator, tmp_path: Path
) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        """
        [[models]]
        id = "replicate/house/dream"
        title = "Dream"
        kind = "video"
        durations = [3]
        default_duration = 3
        resolutions = ["480p"]
        aspect_ratios = ["16:9"]
        [[models.routes]]
        provider = "replicate"
        text = "house/dream"
        price_date = 2026-11-01
        price_source = "our bill"
        prices = [{ usd = 0.02, per_seconds = 1 }]
        """
    )
    stage = make_stage(tools_for, simulator, models_file=own, max_job_usd=1)
    with stage.worker():
        job = stage.until(stage.place(**DREAM, max_cost=0.06))
    assert (job.status, job.cost) == ("completed", 60_000), job


def test_a_vendor_that_does_not_answer_places_nothing(stage: Stage) -> None:
    stage.simulator.token = "r8_another"
    with pytest.raises(Problem) as refused:
        stage.place(**DREAM)
    assert (refused.value.status, refused.value.code) == (503, "provider_unreachable")
    assert refused.value.retry_after


def test_without_a_key_it_is_said_which_variable_is_missing(tools: Tools, stage: Stage) -> None:
    with pytest.raises(Problem) as refused:
        estimate(tools, stage.user, Wish(prompt="a lighthouse", **DREAM))  # type: ignore[arg-type]
    assert refused.value.code == "model_unavailable"
    assert "REPLICATE_API_TOKEN" in refused.value.detail


def test_mock_mode_plays_it_here(tools_for: Callable[..., Tools], simulator: ReplicateSimulator) -> None:
    mock = make_stage(tools_for, simulator, mock_vid_gens=True, replicate_api_token=None)
    with mock.worker():
        job = mock.until(mock.place(model="replicate/house/dream", resolution="480p", duration=1))
    assert (job.status, job.provider, job.model) == ("completed", "local", "replicate/house/dream")


def test_it_can_be_tried_again_when_it_failed(stage: Stage) -> None:
    stage.simulator.faults.add("invalid")
    with stage.worker():
        job = stage.until(stage.place(**DREAM))
        assert job.status == "failed"
        from vividflow.lifecycle import orders

        _, again = orders.retry(stage.tools, stage.user, job.id)
        assert stage.until(again["job_id"]).status == "completed"


def test_a_quote_is_what_is_settled_when_the_vendor_reports_nothing(stage: Stage) -> None:
    with stage.worker():
        for wish in (
            {"model": "veo3.1-fast", "resolution": "720p", "duration": 4, "audio": True},
            {"model": "wan2.5", "resolution": "720p", "duration": 10},
            {"model": "wan2.1", "resolution": "480p"},
        ):
            told = estimate(stage.tools, stage.user, Wish(prompt="a lighthouse", **wish))  # type: ignore[arg-type]
            job = stage.until(stage.place(**wish))
            assert job.status == "completed", job
            assert job.cost == job.quoted == round(told["estimated_cost"] * 1_000_000) > 0
