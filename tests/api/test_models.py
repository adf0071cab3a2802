"""The list of models, with one vendor set up and others not, and pictures through the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.api.desk import GENERATE, LIGHTHOUSE, Desk
from vividflow.providers.registry import load_registry
from vividflow.records import dead_routes, pauses
from vividflow.timing import now


def listed(desk: Desk) -> dict[str, dict[str, Any]]:
    answer = desk.get("/api/v1/models")
    assert answer.status_code == 200
    return {model["id"]: model for model in answer.get_json()["data"]}


@pytest.fixture
def keyed(desk_for: Callable[..., Desk]) -> Desk:
    return desk_for(replicate_api_token="r8_simulated", replicate_base_url="http://127.0.0.1:9")


def test_models_with_a_key_are_usable_and_have_dated_prices(keyed: Desk) -> None:
    models = listed(keyed)
    for name in ("wan2.1", "wan2.2", "wan2.5", "veo3.1", "flux-schnell", "nano-banana-pro", "local", "local-still"):
        model = models[name]
        assert (model["usable"], model["reason"]) == (True, None), name
        prices = model["price_per_second"] if model["kind"] == "video" else model["price_per_image"]
        assert prices.keys() <= set(model["limits"]["resolutions"]), name
        assert {"720p"} <= prices.keys(), name
        assert all(price > 0 for price in prices.values()) == (not name.startswith("local"))
        assert model["price_date"]
    assert models["flux-schnell"]["price_per_second"] is None
    assert models["flux-schnell"]["price_per_image"] == {"720p": 0.003}
    assert models["wan2.2"]["price_per_image"] is None


def test_every_route_says_whether_it_is_usable_and_what_it_costs_by_whose_word(keyed: Desk) -> None:
    (route,) = (each for each in listed(keyed)["veo3.1"]["routes"] if each["provider"] == "replicate")
    assert (route["usable"], route["reason"], route["price_verified"]) == (True, None, False)
    assert route["unit_prices"] == {"720p": 0.4, "1080p": 0.4}
    assert {(line["usd"], line["audio"], line["per_seconds"]) for line in route["prices"]} == {
        (0.4, True, 1),
        (0.2, False, 1),
    }
    assert route["price_source"]
    assert datetime.fromisoformat(route["price_date"])


def test_without_a_key_the_reason_names_the_variable_and_the_prices_stay(desk: Desk) -> None:
    model = listed(desk)["wan2.2"]
    assert not model["usable"]
    assert "REPLICATE_API_TOKEN" in model["reason"]
    assert "REPLICATE_API_TOKEN" in model["routes"][0]["reason"]
    assert model["price_per_second"]["480p"] == 0.01


def test_the_dead_come_last_and_name_one_that_can_be_used(keyed: Desk) -> None:
    names = [model["id"] for model in keyed.get("/api/v1/models").get_json()["data"]]
    registry, models = load_registry(), listed(keyed)
    dead = [model.id for model in registry.models if model.retired()]
    assert names[-len(dead) :] == dead
    for name in dead:
        assert not models[name]["usable"]
        assert models[models[name]["successor"]]["usable"], name
        answer = keyed.post(GENERATE, json=LIGHTHOUSE | {"model": name})
        assert (answer.status_code, answer.get_json()["successor"]) == (410, models[name]["successor"])


def test_a_shutdown_to_come_is_told_wherever_the_model_is_named(desk_for: Callable[..., Desk], tmp_path: Path) -> None:
    day = datetime.now(UTC).date() + timedelta(days=20)
    own = tmp_path / "own.toml"
    own.write_text(f'[[models]]\nid = "wan2.1"\nshutdown_date = {day}\nsuccessors = ["wan2.2"]\n')
    desk = desk_for(models_file=own, replicate_api_token="r8_simulated", replicate_base_url="http://127.0.0.1:9")
    told = f"Wan 2.1 is shut down on {day}. Use wan2.2 from then on."
    model = listed(desk)["wan2.1"]
    assert (model["warnings"], model["successor"], model["shutdown_date"]) == ([told], "wan2.2", str(day))
    body = LIGHTHOUSE | {"model": "wan2.1"}
    assert told in desk.post("/api/v1/estimate", json=body).get_json()["warnings"]
    placed = desk.post(GENERATE, json=body).get_json()
    assert told in placed["warnings"]
    assert told in desk.get(placed["status_url"]).get_json()["warnings"]


def test_a_model_that_makes_pictures_makes_a_job_of_kind_image(desk: Desk) -> None:
    body = {"prompt": "A lighthouse", "model": "local-still", "aspect_ratio": "3:2"}
    told = desk.post("/api/v1/estimate", json=body).get_json()
    assert (told["model"], told["estimated_cost"]) == ("local-still", 0)
    for path in (GENERATE, "/api/v1/videos/generate"):
        answer = desk.post(path, json=body)
        assert answer.status_code == 202, answer.text
        status = desk.get(answer.get_json()["status_url"]).get_json()
        assert (status["kind"], status["params"]["aspect_ratio"]) == ("image", "3:2")
        assert "duration" not in status["params"]
        assert "quality_levels" not in status["params"]
    assert len(desk.get("/api/v1/jobs?kind=image").get_json()["data"]) == 2
    refused = desk.post(GENERATE, json=body | {"duration": 4})
    assert (refused.status_code, refused.get_json()["param"]) == (422, "duration")


def test_an_unknown_model_is_told_what_there_is(desk: Desk) -> None:
    answer = desk.post(GENERATE, json=LIGHTHOUSE | {"model": "wan3"})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "unknown_model")
    assert "flux-schnell" in answer.get_json()["detail"]
    answer = desk.post(GENERATE, json=LIGHTHOUSE | {"model": "replicate/house/dream"})
    assert "REPLICATE_API_TOKEN" in answer.get_json()["detail"]


def test_a_route_says_whether_orders_go_there_just_now_and_what_is_gone(keyed: Desk) -> None:
    tools = keyed.tools
    account = tools.standing.account("replicate", "")
    moment = now()
    shut = pauses.Pause(
        provider="replicate", account=account, reason="It is away.", since=moment, until=moment + 60, trips=1
    )
    dead = dead_routes.DeadRoute(account=account, provider_model="google/veo-3.1", reason="Gone.", since=moment)
    before = listed(keyed)["wan2.2"]["routes"][0]
    with tools.db.transaction() as connection:
        pauses.pause(connection, shut)
        dead_routes.bury(connection, dead)
    tools.standing.forget()
    after = listed(keyed)
    route = after["wan2.2"]["routes"][0]
    (veo,) = (each for each in after["veo3.1"]["routes"] if each["provider"] == "replicate")
    assert (before["state"], before["state_reason"]) == ("open", None)
    assert (route["usable"], route["state"], route["state_reason"]) == (True, "shut", "It is away.")
    assert datetime.fromisoformat(route["state_until"]).timestamp() == pytest.approx(moment + 60, abs=1)
    assert [after[name]["state"] for name in ("wan2.2", "veo3.1", "kling3", "local", "sora-2")] == [
        "resting",
        "gone",
        "not_set_up",
        "usable",
        "shut_down",
    ]
    assert (after["wan2.2"]["state_reason"], after["wan2.2"]["price_source"][:5]) == ("It is away.", "about")
    assert after["wan2.2"]["state_until"] == route["state_until"]
    assert (veo["usable"], veo["reason"], veo["state"]) == (False, "Gone.", "open")
    assert (after["wan2.2"]["usable"], after["veo3.1"]["usable"]) == (True, False)
    assert "Gone." in after["veo3.1"]["reason"]
