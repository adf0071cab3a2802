"""Whole lives at servers of one's own that misbehave: accepted once at most, the right end, books that balance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.api.desk import png
from tests.lifecycle.stage import FAST, Stage
from tests.lifecycle.test_pictures import keep_picture
from tests.people import make_user
from tests.providers.contract import openai_settings
from tests.simulators.clips import clip
from tests.simulators.openai_dialects import Sent
from tests.simulators.openai_videos import KEY, VideosSimulator
from vividflow.errors import Problem
from vividflow.lifecycle.orders import estimate
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.wish import Wish
from vividflow.providers.openai_compatible import OpenAIProvider
from vividflow.records import assets, pauses
from vividflow.records.jobs import Job

WISH = {"model": "openai/default/wan", "resolution": "480p", "duration": 2}
LOST = ("accept_then_close", "half_answer", "error_after", "html_200", "empty_200", "no_id_200")
NOT_TAKEN = ("read_then_close", "error_before", "redirect")
REFUSED = {
    "forbidden": "provider_forbidden",
    "retired": "model_retired",
    "invalid": "provider_refused_input",
    "content_refused": "content_policy",
}
# What the list of a server is worth decides how a lost answer ends: (dialect, accepted?) → state, orders accepted.
MATRIX = {
    ("vllm_omni", True): ("completed", 1),
    ("vllm_omni", False): ("completed", 1),
    ("openai", True): ("completed", 1),
    ("openai", False): ("needs_review", 0),
    ("sglang", True): ("needs_review", 1),
    ("sglang", False): ("completed", 1),
    ("litellm", True): ("needs_review", 1),
    ("litellm", False): ("needs_review", 0),
}
CELLS = [
    *[("vllm_omni", fault, fault in LOST) for fault in (*LOST, *NOT_TAKEN)],
    *[
        (dialect, fault, fault in LOST)
        for dialect in ("openai", "sglang", "litellm")
        for fault in (LOST[0], NOT_TAKEN[0])
    ],
]
POLL_FAULTS = ("poll_error", "poll_garbage", "poll_close", "poll_rate_limited", "poll_other", "poll_unauthorized")
FETCH_FAULTS = ("output_short", "output_404", "output_expired")
FATES = {
    "failed": "provider_failed",
    "failed_without_code": "provider_failed",
    "nsfw_failed": "content_policy",
    "oom_failed": "out_of_memory",
    "completed_with_error": "provider_failed",
}

Staged = Callable[..., tuple[Stage, list[VideosSimulator]]]


@pytest.fixture
def staged(tools_for: Callable[..., Tools], tmp_path: Path) -> Iterator[Staged]:
    """A stage whose servers speak the given dialects: the first is `default`, the others go by their dialect's name."""
    with ExitStack() as closing:

        def make(*dialects: str, **given: object) -> tuple[Stage, list[VideosSimulator]]:
            servers = [
                VideosSimulator(dialect=each, movie=clip(), generation_seconds=0.1, key=f"{KEY}-{n}").start()
                for n, each in enumerate(dialects)
            ]
            for server in servers:
                closing.callback(server.stop)
            pointed = openai_settings(tmp_path, *servers)
            names = ("openai_base_url", "openai_api_key", "openai_servers", "openai_server_keys")
            tools = tools_for(**FAST | {name: getattr(pointed, name) for name in names} | {"media_hands": 2} | given)
            tools._built["provider:openai"] = OpenAIProvider(tools.settings, certain_no_seconds=0.0)
            return Stage(tools=tools, user=make_user(tools), simulator=servers[0]), servers  # type: ignore[arg-type]

        yield make


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vividflow.lifecycle.reconcile.PATIENCE_SECONDS", 0.5)


def lived(stage: Stage, **wish: object) -> Job:
    with stage.worker():
        return stage.until(stage.place(**WISH | wish))


@pytest.mark.parametrize("dialect", ["openai", "sglang", "vllm_omni", "litellm"])
def test_a_film_is_made_by_every_kind_of_server_and_stored(staged: Staged, tmp_path: Path, dialect: str) -> None:
    stage, (server,) = staged(dialect)
    given = tmp_path / "given.png"
    given.write_bytes(png(640, 640))
    picture = keep_picture(stage.tools, stage.user.id, given)
    job = lived(stage, image_id=picture.id, aspect_ratio="16:9")
    assert job.status == "completed", job
    assert stage.states(job.id) == ["queued", "submitting", "generating", "downloading", "finishing", "completed"]
    assert (server.paid, job.cost, job.charged) == (1, 0, False)
    assert server.sent[0].picture
    with stage.tools.db.reading() as connection:
        asset = assets.of_job(connection, job.id)
    assert asset is not None
    assert b"".join(stage.tools.storage.open_range(asset.storage_key)) == server.film(next(iter(server.jobs.values())))
    assert set(server.authorizations) == {f"Bearer {KEY}-0"}
    (order,) = stage.orders(job.id)
    assert (order.state, order.operation_id) == ("done", f"default/{next(iter(server.jobs))}")


@pytest.mark.parametrize(("dialect", "fault", "accepted"), CELLS)
def test_an_answer_that_was_lost_never_orders_twice(
    staged: Staged, impatient: None, dialect: str, fault: str, accepted: bool
) -> None:
    stage, (server,) = staged(dialect)
    server.faults.add(fault)
    job = lived(stage)
    state, paid = MATRIX[dialect, accepted]
    assert (job.state, server.paid) == (state, paid), (job.error_code, stage.states(job.id))
    assert stage.books() == (0, 0, None)


@pytest.mark.parametrize("fault", REFUSED)
def test_a_refusal_fails_free_with_its_reason(staged: Staged, fault: str) -> None:
    stage, (server,) = staged("vllm_omni")
    server.faults.add(fault)
    job = lived(stage)
    assert (job.status, job.error_code, job.charged, server.paid) == ("failed", REFUSED[fault], False, 0)
    with stage.tools.db.reading() as connection:
        assert pauses.now_paused(connection, job.updated_at) == {}


@pytest.mark.parametrize("fault", ["unauthorized", "no_credit"])
def test_one_servers_refused_key_holds_up_its_own_jobs_alone(staged: Staged, fault: str) -> None:
    stage, (first, second) = staged("vllm_omni", "sglang")
    first.faults.add(fault)
    with stage.worker():
        held = stage.until(stage.place(**WISH), lambda job: job.attempts == 1 and job.status == "queued")
        again = stage.place(**WISH)
        other = stage.until(stage.place(**WISH | {"model": "openai/sglang/wan"}))
        waiting = stage.until(again, lambda job: job.note is not None)
    assert (other.status, first.paid, second.paid) == ("completed", 0, 1)
    assert {held.status, waiting.status} == {"queued"}
    assert "Waiting for" in (waiting.note or "")
    assert first.requests["submit"] == 1


def test_a_busy_server_is_waited_for(staged: Staged) -> None:
    stage, (server,) = staged("vllm_omni")
    server.faults.add("rate_limited", times=2, retry_after=0)
    job = lived(stage)
    assert (job.status, server.paid, server.requests["submit"]) == ("completed", 1, 3)


@pytest.mark.parametrize("fault", POLL_FAULTS)
def test_a_fault_at_a_look_is_only_no_news(staged: Staged, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vividflow.providers.openai_place.KEY_REFUSED_SECONDS", 0.1)
    stage, (server,) = staged("vllm_omni")
    server.faults.add(fault, **({"times": 2} if fault != "poll_rate_limited" else {}))
    job = lived(stage)
    assert (job.status, server.paid) == ("completed", 1)


@pytest.mark.parametrize("fault", FETCH_FAULTS)
def test_a_fault_at_the_fetch_is_tried_again_with_the_same_order(staged: Staged, fault: str) -> None:
    stage, (server,) = staged("sglang")
    server.faults.add(fault)
    job = lived(stage)
    assert (job.status, server.paid, len(stage.orders(job.id))) == ("completed", 1, 1)


@pytest.mark.parametrize("fate", FATES)
def test_a_run_that_failed_is_told_as_such_and_free(staged: Staged, fate: str) -> None:
    stage, (server,) = staged("vllm_omni")
    server.faults.add(fate)
    job = lived(stage)
    assert (job.status, job.error_code, job.charged, server.paid) == ("failed", FATES[fate], False, 1)
    assert "sk-secret" not in (job.error_message or "")


def test_processing_is_a_word_for_running(staged: Staged) -> None:
    stage, (server,) = staged("litellm")
    server.generation_seconds = 0.6
    server.faults.add("processing_word")
    assert lived(stage).status == "completed"
    assert server.requests["poll"] > 2


def test_progress_that_makes_no_sense_is_not_shown(staged: Staged) -> None:
    stage, (server,) = staged("vllm_omni")
    server.generation_seconds = 1.5
    server.faults.add("strange_progress")
    job = lived(stage)
    assert (job.status, job.progress) == ("completed", 100)


@pytest.mark.parametrize("dialect", ["sglang", "vllm_omni"])
def test_a_server_that_forgets_its_jobs_in_a_restart_fails_them_free(staged: Staged, dialect: str) -> None:
    stage, (server,) = staged(dialect)
    server.generation_seconds = 60
    provider = stage.tools.provider("openai")
    assert isinstance(provider, OpenAIProvider)
    place = provider.at("default/wan")
    place.server = replace(place.server, dialect=replace(place.server.dialect, lost_after=0.0))
    with stage.worker():
        job_id = stage.place(**WISH)
        stage.until(job_id, lambda job: job.state == "generating")
        server.forget()
        job = stage.until(job_id)
    assert (job.status, job.error_code, job.charged, server.paid) == ("failed", "operation_lost", False, 1)
    assert "was probably restarted. You were not charged. Try again." in (job.error_message or "")
    assert stage.books() == (0, 0, None)


def test_a_server_that_comes_back_is_asked_again(staged: Staged) -> None:
    stage, (server,) = staged("vllm_omni")
    port = server.port
    server.stop()
    with stage.worker():
        job_id = stage.place(**WISH)
        stage.until(job_id, lambda job: job.failures > 0)
        again = VideosSimulator(dialect="vllm_omni", movie=clip(), key=f"{KEY}-0", port=port).start()
        try:
            assert stage.until(job_id).status == "completed"
        finally:
            again.stop()
    assert again.paid == 1


def test_a_lost_order_is_told_apart_from_one_with_the_same_prompt_that_went_well(staged: Staged) -> None:
    stage, (server,) = staged("vllm_omni")
    server.generation_seconds = 0.5
    server.faults.add("accept_then_close")
    with stage.worker():
        ids = [stage.place(**WISH, seed=seed) for seed in (1, 2)]
        jobs = [stage.until(job_id) for job_id in ids]
    assert [job.status for job in jobs] == ["completed", "completed"], jobs
    seeds = {job.params["seed"]: stage.orders(job.id)[0].operation_id for job in jobs}
    theirs = {int(each.fields["seed"]): f"default/{name}" for name, each in server.jobs.items()}
    assert seeds == theirs
    assert server.paid == 2


def test_of_two_lost_orders_with_the_same_prompt_neither_gets_the_others_film(staged: Staged, impatient: None) -> None:
    stage, (server,) = staged("vllm_omni")
    server.faults.add("accept_then_close", times=2)
    ids = [stage.place(**WISH, seed=seed) for seed in (1, 2)]
    with stage.worker():
        jobs = [stage.until(job_id) for job_id in ids]
    assert server.paid == 2
    done = [job for job in jobs if job.status == "completed"]
    theirs = {int(each.fields["seed"]): f"default/{name}" for name, each in server.jobs.items()}
    assert all(stage.orders(job.id)[0].operation_id == theirs[job.params["seed"]] for job in done)
    assert {job.state for job in jobs} <= {"completed", "needs_review"}


# ---- several servers


def test_two_servers_work_side_by_side_each_with_its_own_key(staged: Staged) -> None:
    stage, (first, second) = staged("openai", "sglang")
    with stage.worker():
        here, there = stage.place(**WISH), stage.place(**WISH | {"model": "openai/sglang/wan"})
        assert [stage.until(each).status for each in (here, there)] == ["completed", "completed"]
    assert (first.paid, second.paid) == (1, 1)
    assert set(first.authorizations) == {f"Bearer {KEY}-0"}
    assert set(second.authorizations) == {f"Bearer {KEY}-1"}
    assert [each.requests["output"] for each in (first, second)] == [1, 1]


def test_a_result_that_leads_to_another_server_is_not_fetched_and_no_key_goes_there(staged: Staged) -> None:
    stage, (first, second) = staged("openai", "sglang")
    first.faults.add("output_redirect", times=None, to=f"{second.base}/videos/stolen/content")
    job = lived(stage)
    assert (job.status, job.charged) == ("failed", False)
    assert second.authorizations == {}


def test_a_link_to_the_servers_own_host_is_fetched_over_http(staged: Staged) -> None:
    stage, (server,) = staged("sglang")
    server.faults.add("linked")
    server.link = f"{server.base}/videos/elsewhere/content"
    elsewhere = server._buy(_somebody_elses())
    elsewhere.id, server.jobs["elsewhere"] = "elsewhere", elsewhere
    server.faults.add("linked")
    job = lived(stage)
    assert job.status == "completed", job


def test_a_link_into_the_house_is_refused(staged: Staged) -> None:
    stage, (server,) = staged("sglang")
    server.link = "http://127.0.0.1:9/film.mp4"
    server.faults.add("linked")
    job = lived(stage)
    assert (job.status, job.charged) == ("failed", False)


# ---- stopping


def test_a_run_is_stopped_where_the_server_can(staged: Staged) -> None:
    stage, (server,) = staged("vllm_omni")
    server.generation_seconds = 60
    with stage.worker():
        job_id = stage.place(**WISH)
        stage.until(job_id, lambda job: job.state == "generating")
        code, body = stage.queue().cancel(stage.user, job_id)
        assert (code, body["cancel"]["possible"]) == (202, True)
        job = stage.until(job_id)
    assert (job.status, job.charged, server.jobs) == ("cancelled", False, {})


def test_where_it_cannot_a_person_is_told_before(staged: Staged) -> None:
    stage, (server,) = staged("sglang")
    server.generation_seconds = 1.5
    with stage.worker():
        job_id = stage.place(**WISH)
        stage.until(job_id, lambda job: job.state == "generating")
        with pytest.raises(Problem) as refused:
            stage.queue().cancel(stage.user, job_id)
        assert (refused.value.status, refused.value.code) == (409, "cannot_cancel")
        assert stage.until(job_id).status == "completed"
    assert server.requests["delete"] == 0


# ---- names


@pytest.mark.parametrize(
    ("model", "status", "code"),
    [
        ("openai/attic/wan", 404, "model_not_found"),
        ("openai/default", 404, "model_not_found"),
        ("openai/", 422, "unknown_model"),
        ("klingon/default/wan", 422, "unknown_model"),
        ("sora-2", 410, "model_shut_down"),
        ("sora-2-pro", 410, "model_shut_down"),
    ],
)
def test_names_that_lead_nowhere_say_so(staged: Staged, model: str, status: int, code: str) -> None:
    stage, (server,) = staged("openai")
    with pytest.raises(Problem) as refused:
        stage.place(**WISH | {"model": model})
    assert (refused.value.status, refused.value.code, server.requests) == (status, code, {})


def test_without_any_server_it_is_said_which_variables_are_missing(tools: Tools) -> None:
    with pytest.raises(Problem, match="OPENAI_BASE_URL or OPENAI_SERVERS") as refused:
        estimate(tools, make_user(tools), Wish(prompt="a lighthouse", model="openai/den/wan"))
    assert refused.value.code == "model_unavailable"


def test_what_a_dialect_does_not_take_is_refused_before_anything_is_ordered(staged: Staged) -> None:
    stage, _ = staged("openai")
    for wish in ({"seed": 3}, {"cfg": 5.0}, {"duration": 61}, {"negative_prompt": "fog"}):
        with pytest.raises(Problem) as refused:
            stage.place(**WISH | wish)
        assert refused.value.status == 422


def test_mock_mode_plays_it_here(staged: Staged) -> None:
    stage, (server,) = staged("openai", mock_vid_gens=True)
    job = lived(stage)
    assert (job.status, job.provider, job.model, server.requests) == ("completed", "local", "openai/default/wan", {})


def test_a_row_of_the_operators_gives_a_price_and_a_name(staged: Staged, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    row = """
        [[models]]
        id = "{id}"
        title = "{id}"
        kind = "video"
        durations = [2]
        default_duration = 2
        resolutions = ["480p"]
        aspect_ratios = ["16:9"]
        [[models.routes]]
        provider = "openai"
        text = "{text}"
        price_date = 2026-11-01
        price_source = "the reseller's bill"
        prices = [{{ usd = 0.02, per_seconds = 1 }}]
        """
    own.write_text(row.format(id="house-film", text="default/wan") + row.format(id="gone", text="attic/wan"))
    stage, (server,) = staged("openai", models_file=own)
    job = lived(stage, model="house-film")
    assert (job.status, job.cost, server.sent[0].fields["model"]) == ("completed", 40_000, "wan")
    with pytest.raises(Problem, match="The server “attic” is not in OPENAI_SERVERS"):
        stage.place(**WISH | {"model": "gone"})


def _somebody_elses() -> Sent:
    return Sent(fields={"prompt": "a harbour"})
