"""Wishes held against models: what is taken, what is refused, and that a refusal says what would do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.installation import an_asset
from tests.lifecycle.stage import Stage, make_stage
from tests.people import make_user
from tests.simulators.replicate import ReplicateSimulator
from vividflow.errors import Problem
from vividflow.lifecycle.orders import estimate
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.wish import Wish, plan

REFUSED = [
    ({"model": "wan2.2", "duration": 4}, 422, "invalid_duration", "5"),
    ({"model": "local", "duration": 61}, 422, "invalid_duration", "1 to 60"),
    ({"model": "wan2.2", "resolution": "4k"}, 422, "invalid_resolution", "480p or 720p"),
    ({"model": "wan2.2", "aspect_ratio": "1:1"}, 422, "invalid_aspect_ratio", "16:9 or 9:16"),
    ({"model": "wan2.2", "cfg": 5.0}, 422, "unsupported_parameter", "wan2.1"),
    ({"model": "wan2.2", "audio": True}, 422, "unsupported_parameter", "local"),
    ({"model": "wan2.2", "negative_prompt": "rain"}, 422, "unsupported_parameter", "local"),
    ({"model": "wan2.1", "cfg": 21.0}, 422, "invalid_cfg", "1 to 20"),
    ({"model": "wan2.1", "steps": 99}, 422, "invalid_steps", "1 to 40"),
    ({"model": "wan2.2", "seed": -1}, 422, "invalid_seed", "0 to"),
    ({"model": "nothing"}, 422, "unknown_model", "wan2.2"),
    ({"model": "sora-2"}, 410, "model_shut_down", "Use veo3.1 instead"),
    ({"model": "flux-schnell", "duration": 4}, 422, "unsupported_parameter", "pictures, which have no length"),
    ({"model": "flux-schnell", "audio": True}, 422, "unsupported_parameter", "it takes prompt, seed"),
    ({"model": "flux-schnell", "resolution": "4k"}, 422, "invalid_resolution", "720p"),
    ({"model": "nano-banana-pro", "seed": 7}, 422, "unsupported_parameter", "flux-schnell, local-still"),
    ({"model": "replicate/nobody/nothing"}, 404, "model_not_found", "no model nobody/nothing"),
    ({"model": "replicate/nobody"}, 404, "model_not_found", "owner/name"),
    ({"model": "replicate/someone/gone-quiet"}, 410, "model_shut_down", "no version"),
    ({"model": "replicate/someone/upscaler"}, 422, "model_unavailable", "it needs video"),
    (
        {"model": "replicate/house/dream", "steps": 4},
        422,
        "unsupported_parameter",
        "takes prompt, audio, cfg, image, seed",
    ),
    ({"model": "replicate/house/dream", "duration": 13}, 422, "invalid_duration", "2 to 12"),
    ({"model": "replicate/house/dream", "resolution": "720p"}, 422, "invalid_resolution", "480p or 1080p"),
    ({"model": "replicate/someone/moving-pictures"}, 422, "image_required", "start image"),
    ({"model": "local/anything"}, 422, "unknown_model", "There are"),
    ({"model": "imagen-4"}, 410, "model_shut_down", "shut down"),
    ({"model": "wan2.1", "cfg": 0.5}, 422, "invalid_cfg", "1 to 20"),
    ({"model": "omni1.2", "audio": False}, 422, "audio_always_on", "always makes sound"),
    ({"last_image_id": "not-mine", "model": "local"}, 422, "last_image_needs_image", "start image"),
    ({"image_id": "not-mine"}, 422, "unknown_image", "no image"),
    ({"priority": 3}, 403, "admin_only", "admins"),
    ({"model": "local", "fault": "stall"}, 403, "faults_not_allowed", "rehearsed"),
]


@pytest.mark.parametrize(("wish", "status", "code", "says"), REFUSED)
def test_what_a_model_does_not_take_is_refused_with_what_would_do(
    stage: Stage, wish: dict[str, object], status: int, code: str, says: str
) -> None:
    with pytest.raises(Problem) as refused:
        plan(stage.tools, stage.user, Wish(prompt="a lighthouse", **wish))  # type: ignore[arg-type]
    assert (refused.value.status, refused.value.code) == (status, code)
    assert says in refused.value.detail


@pytest.fixture
def stage(tools_for: Callable[..., Tools], simulator: ReplicateSimulator) -> Stage:
    """A stage on which Gemini's models can be chosen too."""
    return make_stage(tools_for, simulator, gemini_api_key="test")


def _image(stage: Stage, **more: object) -> str:
    values = {"kind": "image", "mime": "image/png", "width": 1000, "height": 1000}
    return an_asset(stage.tools.db, stage.user, **(values | more)).id


def test_a_last_picture_needs_a_first_one(stage: Stage) -> None:
    with pytest.raises(Problem) as refused:
        plan(stage.tools, stage.user, Wish(prompt="abc", model="local", last_image_id=_image(stage)))
    assert (refused.value.status, refused.value.code) == (422, "last_image_needs_image")
    both = Wish(prompt="abc", model="local", image_id=_image(stage), last_image_id=_image(stage))
    assert plan(stage.tools, stage.user, both).params["last_image_id"] == both.last_image_id


@pytest.mark.parametrize("flaw", [{"kind": "video"}, {"deleted_at": 1.0}])
def test_a_picture_that_is_none_or_in_the_trash_is_not_there(stage: Stage, flaw: dict[str, object]) -> None:
    with pytest.raises(Problem) as refused:
        plan(stage.tools, stage.user, Wish(prompt="abc", image_id=_image(stage, **flaw)))
    assert (refused.value.code, refused.value.param) == ("unknown_image", "image_id")


def test_somebody_else_s_picture_is_not_there_either(stage: Stage) -> None:
    with pytest.raises(Problem) as refused:
        plan(stage.tools, make_user(stage.tools), Wish(prompt="abc", image_id=_image(stage)))
    assert refused.value.code == "unknown_image"


def test_without_a_shape_the_clip_takes_the_one_nearest_to_the_picture(stage: Stage) -> None:
    tall = _image(stage, width=600, height=1000)
    assert plan(stage.tools, stage.user, Wish(prompt="abc", image_id=tall)).params["aspect_ratio"] == "9:16"
    unknown = _image(stage, width=None, height=None)
    assert plan(stage.tools, stage.user, Wish(prompt="abc", image_id=unknown)).params["aspect_ratio"] == "16:9"


def test_a_picture_that_fits_is_not_cropped(stage: Stage) -> None:
    wide = plan(stage.tools, stage.user, Wish(prompt="abc", image_id=_image(stage, width=1600, height=900)))
    assert ("crop" in wide.params, wide.warnings) == (False, ())
    square = plan(stage.tools, stage.user, Wish(prompt="abc", image_id=_image(stage), aspect_ratio="16:9"))
    assert (square.params["crop"], len(square.warnings)) == (True, 1)


@pytest.mark.parametrize(
    ("route", "picture", "needs"),
    [({"text": {}}, False, "a start image"), ({"image": {}}, True, "a prompt without a start image")],
)
def test_a_model_that_needs_a_picture_or_takes_none_says_so(
    stage: Stage, route: dict[str, object], picture: bool, needs: str
) -> None:
    models = tuple(
        replace(each, routes=tuple(replace(route_, **route) for route_ in each.routes)) if each.id == "wan2.2" else each
        for each in stage.tools.registry.models
    )
    tools = replace(stage.tools, registry=replace(stage.tools.registry, models=models))
    wish = Wish(prompt="abc", model="wan2.2", image_id=_image(stage) if picture else None)
    with pytest.raises(Problem) as refused:
        plan(tools, stage.user, wish)
    assert refused.value.code == "image_required"
    assert needs in refused.value.detail


def test_everything_that_was_asked_for_is_in_the_plan(stage: Stage) -> None:
    wish = Wish(
        prompt="abc", model="local", cfg=7.5, steps=20, seed=4, negative_prompt="rain", audio=True,
        quality_levels=("1080p", "480p"),
    )  # fmt: skip
    made = plan(stage.tools, stage.user, wish)
    assert made.params == {
        "duration": 4, "resolution": "720p", "aspect_ratio": "16:9", "cfg": 7.5, "seed": 4, "negative_prompt": "rain",
        "audio": True, "steps": 20, "quality_levels": ["1080p", "480p"],
    }  # fmt: skip


def test_a_model_without_seeds_gets_none(stage: Stage) -> None:
    models = tuple(
        replace(each, takes=frozenset({"image"})) if each.id == "wan2.2" else each
        for each in stage.tools.registry.models
    )
    tools = replace(stage.tools, registry=replace(stage.tools.registry, models=models))
    assert "seed" not in plan(tools, stage.user, Wish(prompt="abc", model="wan2.2")).params


def test_a_model_without_its_key_is_refused_and_names_the_variable(tools: Tools) -> None:
    with pytest.raises(Problem) as refused:
        plan(tools, make_user(tools), Wish(prompt="a lighthouse", model="wan2.2"))
    assert refused.value.code == "model_unavailable"
    assert "REPLICATE_API_TOKEN" in refused.value.detail


def test_the_default_is_the_first_usable_model_and_local_without_any_key(stage: Stage, tools: Tools) -> None:
    assert plan(stage.tools, stage.user, Wish(prompt="a lighthouse")).model.id == "wan2.2"
    local = plan(tools, make_user(tools), Wish(prompt="a lighthouse"))
    assert (local.model.id, local.params["duration"], local.params["resolution"]) == ("local", 4, "720p")
    assert local.params["aspect_ratio"] == "16:9"


def test_guidance_above_what_the_model_takes_is_sent_lower_and_said_so(stage: Stage) -> None:
    made = plan(stage.tools, stage.user, Wish(prompt="a lighthouse", model="wan2.1", cfg=15.0))
    assert (made.params["cfg"], made.params["cfg_sent"]) == (15.0, 10.0)
    assert "10" in made.warnings[0]


def test_a_seed_is_given_when_none_was_asked_for(stage: Stage) -> None:
    one = plan(stage.tools, stage.user, Wish(prompt="a lighthouse"))
    other = plan(stage.tools, stage.user, Wish(prompt="a lighthouse"))
    assert one.params["seed"] != other.params["seed"]


def test_a_rehearsed_fault_is_read_when_the_operator_allows_it(tools_for: Callable[..., Tools]) -> None:
    tools = tools_for(local_faults_header=True)
    user = make_user(tools)
    assert plan(tools, user, Wish(prompt="abc", model="local", fault="stall")).params["fault"] == "stall"
    with pytest.raises(Problem) as refused:
        plan(tools, user, Wish(prompt="abc", model="local", fault="explode"))
    assert refused.value.code == "invalid_fault"


def test_mock_mode_sends_every_model_to_the_local_renderer_for_free(tools_for: Callable[..., Tools]) -> None:
    tools = tools_for(mock_vid_gens=True)
    made = plan(tools, make_user(tools), Wish(prompt="a lighthouse", model="wan2.2"))
    assert (made.route.provider, made.quoted) == ("local", 0)


def test_an_estimate_is_the_quote_and_creates_nothing(stage: Stage) -> None:
    told = estimate(stage.tools, stage.user, Wish(prompt="a lighthouse", model="wan2.2", resolution="480p"))
    made = plan(stage.tools, stage.user, Wish(prompt="a lighthouse", model="wan2.2", resolution="480p"))
    assert told["estimated_cost"] == (made.quoted or 0) / 1_000_000 > 0
    assert told["price_date"]
    with pytest.raises(Problem) as refused:
        estimate(stage.tools, stage.user, Wish(prompt="a lighthouse", model="wan2.2", max_cost=0.001))
    assert (refused.value.status, refused.value.code) == (402, "over_max_cost")
