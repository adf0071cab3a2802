"""Which route an order goes by: what it needs, what is set up, how the providers stand, what it costs, who was named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.installation import an_asset
from tests.lifecycle.failover import TwoRoutes, make_two_routes
from tests.lifecycle.failover_matrix import paused, shut
from tests.simulators.clips import clip
from tests.simulators.replicate import ReplicateSimulator
from tests.simulators.vertex import VertexSimulator
from vividflow.errors import Problem
from vividflow.lifecycle import diverting
from vividflow.lifecycle.answers import Wait
from vividflow.lifecycle.diversions import Diversions
from vividflow.lifecycle.orders import estimate, wish_of
from vividflow.lifecycle.routes import Needs, ways
from vividflow.lifecycle.standing import Gate
from vividflow.lifecycle.start import start
from vividflow.lifecycle.status import status_object
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.wish import Wish, plan
from vividflow.providers.model import PictureLimits
from vividflow.records import dead_routes, ledger, pauses, provider_limits, rate_tokens
from vividflow.timing import now

CLIP = Needs(resolution="720p", shape="16:9", duration=4.0, audio=True)


@pytest.fixture
def servers() -> Iterator[tuple[VertexSimulator, ReplicateSimulator]]:
    first = VertexSimulator(movie=clip(), generation_seconds=0.02).start()
    second = ReplicateSimulator(movie=clip(), generation_seconds=0.02).start()
    yield first, second
    first.stop()
    second.stop()


@pytest.fixture
def make(
    tools_for: Callable[..., Tools], servers: tuple[VertexSimulator, ReplicateSimulator]
) -> Callable[..., TwoRoutes]:
    return lambda **given: make_two_routes(tools_for, *servers, **given)


@pytest.fixture
def two(make: Callable[..., TwoRoutes]) -> TwoRoutes:
    return make()


def _order(stage: TwoRoutes, model: str = "veo3.1", **needs: Any) -> list[tuple[str, str | None]]:
    known = stage.tools.registry.model(model)
    assert known is not None
    return [(way.provider, way.unfit) for way in ways(stage.tools, known, replace(CLIP, **needs))]


def _bury(stage: TwoRoutes, provider: str, provider_model: str, reason: str) -> None:
    account = stage.tools.standing.account(provider, provider_model)
    dead = dead_routes.DeadRoute(account=account, provider_model=provider_model, reason=reason, since=now())
    with stage.tools.db.transaction() as connection:
        dead_routes.bury(connection, dead)
    stage.tools.standing.forget()


def _change_routes(stage: TwoRoutes, change: Callable[[Any], Any]) -> None:
    registry = stage.tools.registry
    models = tuple(
        replace(model, routes=tuple(change(route) for route in model.routes)) if model.id == "veo3.1" else model
        for model in registry.models
    )
    stage.tools = replace(stage.tools, registry=replace(registry, models=models))


def test_of_equal_prices_the_quicker_route_is_taken_and_else_the_cheaper(two: TwoRoutes) -> None:
    assert _order(two) == [("vertex", None), ("replicate", None)]
    _change_routes(two, lambda route: replace(route, usual_base=0.0) if route.provider == "replicate" else route)
    assert _order(two) == [("replicate", None), ("vertex", None)]
    _change_routes(
        two,
        lambda route: (
            replace(route, prices=tuple(replace(each, usd=each.usd / 2) for each in route.prices))
            if route.provider == "vertex"
            else route
        ),
    )
    assert _order(two) == [("vertex", None), ("replicate", None)]


@pytest.mark.parametrize(
    ("needs", "why"),
    [
        ({"provider": "vertex"}, "Only vertex was asked for."),
        ({"passed_over": frozenset({"replicate"})}, "It refused this order."),
        ({"wants": frozenset({"references"})}, "It does not take references."),
        ({"resolution": "4k"}, "It does not make 4k from text."),
        ({"resolution": "4k", "wants": frozenset({"image"})}, "It does not make 4k from a picture."),
    ],
)
def test_a_route_that_will_not_do_says_why(two: TwoRoutes, needs: dict[str, Any], why: str) -> None:
    assert _order(two, **needs) == [("vertex", None), ("replicate", why)]


def test_a_route_is_too_dear_without_a_key_dead_or_of_the_wrong_shape_of_pictures(
    two: TwoRoutes, make: Callable[..., TwoRoutes]
) -> None:
    assert _order(two, model="veo3.1-fast", ceiling=400_000)[1] == ("replicate", "It costs $0.60, more than $0.40.")
    _bury(two, "vertex", "veo-3.1-generate-001", "Gone.")
    assert _order(two) == [("replicate", None), ("vertex", "Gone.")]
    picture = an_asset(two.tools.db, two.user, kind="image", width=300, height=400)
    wants = {"wants": frozenset({"image"}), "pictures": {"image": picture}}
    _change_routes(two, lambda route: replace(route, picture=PictureLimits(min_side=800)))
    why = dict(_order(two, **wants))["replicate"] or ""
    assert "at least 800 px" in why
    assert "cropped to 16:9" in why


def test_a_model_whose_routes_are_all_dead_is_not_usable_and_says_why(two: TwoRoutes) -> None:
    _bury(two, "vertex", "veo-3.1-generate-001", "Gone there.")
    _bury(two, "replicate", "google/veo-3.1", "Gone here.")
    with pytest.raises(Problem, match=r"Gone there\. Gone here\.") as caught:
        plan(two.tools, two.user, Wish(prompt="a lake", model="veo3.1"))
    assert caught.value.code == "model_unavailable"


def test_one_size_that_is_gone_is_refused_and_the_others_are_made(two: TwoRoutes) -> None:
    _bury(two, "replicate", "wavespeedai/wan-2.1-t2v-480p", "Gone.")
    with pytest.raises(Problem, match="Gone") as caught:
        plan(two.tools, two.user, Wish(prompt="a lake", model="wan2.1", resolution="480p"))
    assert caught.value.code == "model_unavailable"
    assert plan(two.tools, two.user, Wish(prompt="a lake", model="wan2.1", resolution="720p")).quoted


def test_under_mock_every_order_goes_to_the_local_renderer(make: Callable[..., TwoRoutes]) -> None:
    stage = make(mock_vid_gens=True)
    assert _order(stage) == [("local", None)]
    assert plan(stage.tools, stage.user, Wish(prompt="a lake", model="veo3.1", provider="replicate")).quoted == 0
    assert diverting.others(stage.tools, stage.job(stage.place())) == []


# ---- a provider that was named


def test_a_named_provider_is_the_only_one_and_is_kept_for_a_retry(two: TwoRoutes) -> None:
    made = plan(two.tools, two.user, Wish(prompt="a lake", model="veo3.1", provider="replicate"))
    assert (made.route.provider, made.provider_model) == ("replicate", "google/veo-3.1")
    job = two.job(two.place(provider="replicate"))
    assert job.params["provider"] == "replicate"
    assert wish_of(job).provider == "replicate"


def test_a_provider_that_the_model_does_not_have_is_refused_with_those_it_has(two: TwoRoutes) -> None:
    with pytest.raises(Problem) as caught:
        plan(two.tools, two.user, Wish(prompt="a lake", model="veo3.1", provider="kling"))
    problem = caught.value
    assert (problem.status, problem.code, problem.param) == (422, "unknown_provider", "provider")
    assert problem.extra == {"providers": ["vertex", "replicate"]}
    assert "It has vertex and replicate." in problem.detail
    with pytest.raises(Problem) as nobody:
        plan(two.tools, two.user, Wish(prompt="a lake", provider="kling"))
    assert nobody.value.code == "unknown_provider"


def test_a_named_provider_without_a_key_says_what_is_missing(make: Callable[..., TwoRoutes]) -> None:
    stage = make(google_cloud_project="")
    with pytest.raises(Problem, match="GOOGLE_CLOUD_PROJECT") as caught:
        plan(stage.tools, stage.user, Wish(prompt="a lake", model="veo3.1", provider="vertex"))
    assert (caught.value.status, caught.value.code) == (422, "model_unavailable")


def test_without_a_model_the_first_one_of_the_named_provider_is_made(two: TwoRoutes) -> None:
    made = plan(two.tools, two.user, Wish(prompt="a lake", provider="vertex"))
    assert (made.model.id, made.route.provider) == ("veo3.1", "vertex")


# ---- what is reserved


def test_what_is_reserved_covers_the_dearest_route_that_max_cost_allows(two: TwoRoutes) -> None:
    fast = {"prompt": "a lake", "model": "veo3.1-fast", "resolution": "720p", "duration": 4.0}
    for max_cost, held in ((None, 400_000), (0.59, 400_000), (0.6, 600_000), (9.0, 600_000)):
        made = plan(two.tools, two.user, Wish(**fast, max_cost=max_cost))
        assert (made.quoted, made.held) == (400_000, held), max_cost
    job = two.job(two.place(model="veo3.1-fast", max_cost=9.0))
    assert (job.quoted, job.params["estimate"]) == (600_000, 400_000)
    assert two.books()[:2] == (0, 600_000)


@pytest.mark.parametrize(
    "settings", [{"credits": True}, {"user_daily_usd": 0.5}, {"daily_usd": 0.5}, {"max_job_usd": 0.5}]
)
def test_where_there_is_not_enough_for_a_dearer_route_the_estimate_is_reserved(
    make: Callable[..., TwoRoutes], settings: dict[str, Any]
) -> None:
    stage = make(**settings)
    with stage.tools.db.transaction() as connection:
        ledger.grant(connection, stage.user.id, 450_000, "test", now())
    job = stage.job(stage.place(model="veo3.1-fast", max_cost=9.0))
    assert (job.quoted, job.params.get("estimate")) == (400_000, None)
    assert stage.books()[1] == 400_000


def test_too_dear_for_max_cost_is_told_with_the_price_of_the_cheapest_route(two: TwoRoutes) -> None:
    with pytest.raises(Problem) as caught:
        estimate(two.tools, two.user, Wish(prompt="a lake", model="veo3.1-fast", duration=4.0, max_cost=0.1))
    assert (caught.value.code, caught.value.extra["estimated_cost"]) == ("over_max_cost", 0.4)


# ---- how the providers stand


def test_a_route_that_is_shut_is_left_at_once_and_the_job_says_so(two: TwoRoutes) -> None:
    shut(two)
    two.tools.standing.forget()
    job = two.job(two.place())
    assert job.provider == "replicate"
    with two.tools.db.reading() as connection:
        told = status_object(two.tools, connection, job)["metrics"]["routes"]
    assert [(each["provider"], each["code"]) for each in told] == [
        ("vertex", "provider_unreachable"),
        ("replicate", None),
    ]


def test_a_short_rest_is_waited_out_and_a_long_one_is_not(two: TwoRoutes) -> None:
    for seconds, provider in ((10.0, "vertex"), (100.0, "replicate")):
        with two.tools.db.transaction() as connection:
            rate_tokens.hold(connection, "vertex:submits", until=now() + seconds, now=now())
        two.tools.standing.forget()
        assert two.job(two.place()).provider == provider


def test_a_job_is_sent_on_only_while_its_provider_is_shut_and_nobody_wants_it_stopped(two: TwoRoutes) -> None:
    job = two.job(two.place())
    assert diverting.diverted(job, two.tools) is None
    paused(two)
    two.tools.standing.forget()
    assert diverting.diverted(two.change(job.id, cancel_requested_at=now()), two.tools) is None
    answer = diverting.diverted(job, two.tools)
    assert answer is not None
    assert answer.changes["provider"] == "replicate"
    assert diverting.why_it_waits(two.tools, two.change(job.id, status="processing")) is None
    assert diverting.why_it_waits(two.tools, two.change(job.id, status="queued", provider="bygone")) is None


def test_a_claim_of_a_job_whose_account_has_just_shut_makes_it_wait_and_say_why(two: TwoRoutes) -> None:
    job = two.job(two.place(provider="vertex"))
    paused(two)
    two.tools.standing.forget()
    stand = two.tools.standing.of("vertex", "")
    answer = diverting.held_up(job, two.tools, stand)
    assert (answer.seconds, answer.changes["note"]) == (  # type: ignore[union-attr]
        pytest.approx(diverting.MOST_WAIT_SECONDS, abs=1),
        "Waiting for Google Cloud: The bill is being looked at. You are not charged while it waits.",
    )
    either = two.job(two.place(provider=None))
    assert either.provider == "replicate"


def test_the_walks_go_through_all_pages_of_a_shut_provider_and_end_when_it_opens(two: TwoRoutes) -> None:
    pages: list[tuple[str, tuple[float, str]]] = []

    def page(provider: str, after: tuple[float, str]) -> tuple[float, str] | None:
        pages.append((provider, after))
        return (float(len(pages)), "x") if len(pages) < 3 else None

    walks = Diversions(two.tools, page)
    walks.go_on()
    assert pages == []
    paused(two)
    two.tools.standing.forget()
    for _ in range(5):
        walks.go_on()
    assert pages == [("vertex", (0.0, "")), ("vertex", (1.0, "x")), ("vertex", (2.0, "x"))]
    pages.clear()
    walks._walked_at.clear()
    walks.go_on()
    two.tools.standing.note_opened("vertex", "")
    walks.go_on()
    assert len(pages) == 1


def test_a_page_of_jobs_is_sent_on_and_the_next_one_begins_behind_it(
    two: TwoRoutes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("job_queue.DIVERTED_AT_ONCE", 2)
    waiting = [two.place() for _ in range(3)]
    paused(two)
    two.tools.standing.forget()
    behind = two.queue().divert("vertex", (0.0, ""))
    assert behind is not None
    assert behind[1] == waiting[1]
    assert [two.job(each).provider for each in waiting] == ["replicate", "replicate", "vertex"]
    assert two.queue().divert("vertex", behind) is None
    assert two.job(waiting[2]).provider == "replicate"
    assert two.queue().divert("vertex", (0.0, "")) is None
    assert two.job(waiting[0]).note == "The bill is being looked at. Ordering from Replicate instead."


def test_what_an_operator_allows_at_once_counts_while_everything_runs(two: TwoRoutes) -> None:
    for _ in range(3):
        two.place()
    with two.tools.db.transaction() as connection:
        provider_limits.limit(connection, "vertex", 0, now())
    two.tools.standing.forget()
    assert two.queue().claim_starts(5)[0] == []
    with two.tools.db.transaction() as connection:
        provider_limits.limit(connection, "vertex", 2, now())
    two.tools.standing.forget()
    assert len(two.queue().claim_starts(5)[0]) == 2


def test_the_price_of_a_route_that_is_no_longer_there_is_what_was_reserved(two: TwoRoutes) -> None:
    job = two.job(two.place())
    moved = job.but(result={"routes": [{"provider": "vertex"}]}, provider="bygone")
    assert diverting.price_by(two.tools, moved) == job.quoted
    assert diverting.price_by(two.tools, moved.but(model="bygone")) == job.quoted
    assert diverting.price_by(two.tools, moved.but(provider="replicate")) == job.quoted
    assert diverting.others(two.tools, moved.but(model="bygone")) == []


def test_a_job_with_a_picture_goes_by_another_route_that_takes_pictures_alike(two: TwoRoutes) -> None:
    picture = an_asset(two.tools.db, two.user, kind="image", width=1280, height=720, mime="image/png")
    job = two.job(two.place(image_id=picture.id))
    assert [way.provider_model for way in diverting.others(two.tools, job)] == ["google/veo-3.1"]
    _change_routes(two, lambda route: replace(route, picture=PictureLimits(min_side=2000)))
    assert diverting.others(two.tools, job) == []
    _change_routes(
        two,
        lambda route: replace(route, picture=PictureLimits(), shape_from_picture=route.provider == "replicate"),
    )
    assert diverting.others(two.tools, job) == []  # it would have to be cropped, and was not
    with_references = two.job(job.id).but(params=job.params | {"image_id": None, "reference_ids": ["x"]})
    assert diverting.others(two.tools, with_references) == []


def test_of_two_workers_the_one_that_did_not_get_the_probe_lets_its_job_wait(two: TwoRoutes) -> None:
    shut(two)
    with two.tools.db.transaction() as connection:
        kept = pauses.all_of(connection)[0]
        pauses.pause(connection, replace(kept, until=1.0))
    two.tools.standing.forget()
    job = two.job(two.place(provider="vertex"))
    with two.tools.db.transaction() as connection:
        assert two.tools.standing.of("vertex", "").gate is Gate.TRYING
        pauses.pause(connection, replace(kept, until=now() + 90, probing=True))  # by somebody else, just now
        answer = start(job, two.tools, connection)
    assert isinstance(answer, Wait)
    assert (answer.changes["note"] or "").startswith("Waiting for Google Cloud: ")
    assert two.orders(job.id) == []


def test_what_has_no_price_costs_nobody_knows_what_and_is_no_cheaper_for_it(two: TwoRoutes) -> None:
    _change_routes(two, lambda route: replace(route, prices=()) if route.provider == "vertex" else route)
    assert _order(two) == [("replicate", None), ("vertex", None)]
    _change_routes(two, lambda route: replace(route, prices=route.prices[1:]))  # no line for sound any more
    known = two.tools.registry.model("veo3.1")
    assert known is not None
    assert {way.cost for way in ways(two.tools, known, CLIP)} == {None}
