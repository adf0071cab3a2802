"""A person's jobs: lists, cancelling, order, trying again, the trash."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.api.desk import LIGHTHOUSE, Desk

JOBS = "/api/v1/jobs"


def test_a_list_goes_from_page_to_page_newest_first_and_misses_nothing(desk: Desk) -> None:
    placed = [desk.placed() for _ in range(5)]
    seen: list[str] = []
    path = f"{JOBS}?limit=2"
    while path:
        page = desk.get(path).get_json()
        seen += [item["job_id"] for item in page["data"]]
        assert page["has_more"] == (page["next"] is not None)
        path = f"{JOBS}?limit=2&after={page['next']}" if page["has_more"] else ""
    assert seen == placed[::-1]


def test_a_list_item_is_the_object_of_its_own_address(desk: Desk) -> None:
    job = desk.finished()
    (item,) = desk.get(JOBS).get_json()["data"]
    assert item == desk.get(f"/api/v1/status/{job.id}").get_json()


def test_an_empty_list(desk: Desk) -> None:
    assert desk.get(JOBS).get_json() == {"data": [], "has_more": False, "next": None}


def test_a_list_is_filtered(desk: Desk) -> None:
    queued, done = desk.placed(prompt="A RED boat, 100%"), desk.finished().id
    for query, found in [
        ("status=queued", [queued]),
        ("status=completed", [done]),
        ("model=local", [done, queued]),
        ("model=wan2.2", []),
        ("kind=video", [done, queued]),
        ("kind=film", []),
        ("q=red", [queued]),
        ("q=100%25", [queued]),
        ("q=%25", [queued]),
        ("q=_", []),
    ]:
        data = desk.get(f"{JOBS}?{query}").get_json()["data"]
        assert {item["job_id"] for item in data} == set(found), query


def test_a_queued_job_is_cancelled_at_once_and_only_once(desk: Desk) -> None:
    job_id = desk.placed()
    answer = desk.post(f"/api/v1/cancel/{job_id}")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "cancelled")
    again = desk.post(f"/api/v1/cancel/{job_id}")
    assert (again.status_code, again.get_json()["code"]) == (409, "job_finished")


def test_a_finished_job_can_neither_be_cancelled_nor_moved_nor_tried_again(desk: Desk) -> None:
    job_id = desk.finished().id
    answers = [
        desk.post(path) for path in (f"/api/v1/cancel/{job_id}", f"{JOBS}/{job_id}/front", f"{JOBS}/{job_id}/retry")
    ]
    assert [(a.status_code, a.get_json()["code"]) for a in answers] == [
        (409, "job_finished"),
        (409, "not_queued"),
        (409, "not_failed"),
    ]


def test_a_job_moves_before_ones_own_others(desk: Desk) -> None:
    first, second = desk.placed(), desk.placed()
    assert desk.post(f"{JOBS}/{second}/front").get_json()["job_id"] == second
    positions = [desk.get(f"/api/v1/status/{job_id}").get_json()["queue_position"] for job_id in (first, second)]
    assert positions == [2, 1]


def test_a_failed_job_is_tried_again_as_a_new_one_once(desk: Desk) -> None:
    failed = desk.finished(
        status="failed", params={"duration": 4.0, "resolution": "480p", "aspect_ratio": "16:9", "seed": 5}
    )
    once = {"Idempotency-Key": "retry"}
    first = desk.post(f"{JOBS}/{failed.id}/retry", headers=once)
    again = desk.post(f"{JOBS}/{failed.id}/retry", headers=once)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.get_json() == again.get_json()
    assert again.headers["Idempotent-Replayed"] == "true"
    body = desk.get(f"/api/v1/status/{first.get_json()['job_id']}").get_json()
    assert (body["prompt"], body["params"]["seed"]) == ("A finished lighthouse", 5)


def test_an_administrator_may_try_anybodys_failed_job_again(desk: Desk) -> None:
    failed = desk.finished(status="failed", params={"duration": 4.0, "resolution": "480p", "aspect_ratio": "16:9"})
    _, boss = desk.someone(admin=True)
    assert desk.post(f"{JOBS}/{failed.id}/retry", key=boss).status_code == 202


def test_a_job_goes_to_the_trash_and_comes_back(desk: Desk) -> None:
    job_id = desk.finished(b"film").id
    assert desk.delete(f"{JOBS}/{job_id}").status_code == 204
    assert desk.get(JOBS).get_json()["data"] == []
    for path in ("status/{}", "jobs/{}/events", "videos/jobs/{}/download", "videos/jobs/{}/metadata"):
        assert desk.get(f"/api/v1/{path.format(job_id)}").status_code == 404
    assert desk.delete(f"{JOBS}/{job_id}").status_code == 404
    restored = desk.post(f"{JOBS}/{job_id}/restore")
    assert (restored.status_code, restored.get_json()["job_id"]) == (200, job_id)
    assert desk.get(f"/api/v1/videos/jobs/{job_id}/download").data == b"film"
    assert desk.post(f"{JOBS}/{job_id}/restore").status_code == 409


def test_a_purge_takes_the_files_with_it(desk: Desk) -> None:
    job_id = desk.finished().id
    stored = [path for path in (desk.settings.data_dir / "media").rglob("*") if path.is_file()]
    assert len(stored) == 4
    assert desk.delete(f"{JOBS}/{job_id}?purge=true").status_code == 204
    assert [path for path in (desk.settings.data_dir / "media").rglob("*") if path.is_file()] == []
    assert desk.post(f"{JOBS}/{job_id}/restore").status_code == 404


def test_the_trash_can_be_purged(desk: Desk) -> None:
    job_id = desk.finished().id
    assert desk.delete(f"{JOBS}/{job_id}").status_code == 204
    assert desk.delete(f"{JOBS}/{job_id}?purge=1").status_code == 204
    assert desk.post(f"{JOBS}/{job_id}/restore").status_code == 404


def test_a_job_at_work_is_not_deleted(desk: Desk) -> None:
    answer = desk.delete(f"{JOBS}/{desk.placed()}")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "job_not_finished")


def test_servers_of_ones_own_are_listed_as_patterns_and_their_rows_as_models(
    desk_for: Callable[..., Desk], tmp_path: Path
) -> None:
    own = tmp_path / "own.toml"
    row = """
        [[models]]
        id = "{name}"
        title = "{name}"
        kind = "video"
        durations = [5]
        default_duration = 5
        resolutions = ["720p"]
        aspect_ratios = ["16:9"]
        [[models.routes]]
        provider = "openai"
        text = "{server}/wan"
        price_date = 2026-11-01
        price_source = "our own machine"
        prices = [{{ usd = 0 }}]
        """
    own.write_text(row.format(name="home", server="den") + row.format(name="gone", server="attic"))
    desk = desk_for(openai_servers="den=sglang+http://127.0.0.1:9/v1", models_file=own)
    listed = desk.get("/api/v1/models").get_json()
    models = {model["id"]: model for model in listed["data"]}
    assert listed["patterns"] == [{"pattern": "openai/den/<name>", "provider": "openai"}]
    assert (models["home"]["usable"], models["gone"]["usable"]) == (True, False)
    assert (
        models["gone"]["reason"]
        == models["gone"]["routes"][0]["reason"]
        == "The server “attic” is not in OPENAI_SERVERS."
    )
    told = desk.post("/api/v1/estimate", json={"prompt": "A lighthouse", "model": "openai/den/wan", "duration": 33})
    assert (told.status_code, told.get_json()["estimated_cost"]) == (200, 0.0)
    missing = desk.post("/api/v1/estimate", json={"prompt": "A lighthouse", "model": "openai/attic/wan"})
    assert (missing.status_code, missing.get_json()["code"]) == (404, "model_not_found")


def test_without_servers_there_are_no_patterns(desk: Desk) -> None:
    assert desk.get("/api/v1/models").get_json()["patterns"] == []


def test_models_say_what_they_take_and_why_one_cannot_be_used(desk: Desk) -> None:
    models = {model["id"]: model for model in desk.get("/api/v1/models").get_json()["data"]}
    assert models["local"]["usable"]
    assert models["local"]["price_per_second"]["720p"] == 0
    assert models["local"]["limits"]["duration_range"] == [1, 60]
    assert not models["wan2.2"]["usable"]
    assert "REPLICATE_API_TOKEN" in models["wan2.2"]["reason"]
    assert 0 < models["wan2.2"]["price_per_second"]["480p"] < models["wan2.2"]["price_per_second"]["720p"]
    assert models["sora-2"]["shutdown_date"] == "2026-09-24"
    assert models["sora-2"]["successor"] in models
    assert set(models["local"]) == {
        "id", "title", "kind", "note", "usable", "reason", "routes", "takes", "limits", "price_per_second",
        "price_per_image", "price_date", "price_source", "price_verified", "shutdown_date", "successor", "warnings",
        "state", "state_reason", "state_until",
    }  # fmt: skip
    assert LIGHTHOUSE
