"""What a person's library finds, and in which order; alike on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from tests.people import make_user
from vividflow.lifecycle.tools import Tools
from vividflow.records import assets, jobs, library, renditions
from vividflow.records.assets import Asset
from vividflow.records.jobs import Job
from vividflow.records.library import Wanted
from vividflow.records.renditions import Rendition
from vividflow.records.users import User
from vividflow.timing import new_id

NOW = 1_800_000_000.0


def keep(tools: Tools, user: User, name: str, age: float = 0.0, **more: Any) -> Job:
    """A finished video whose id is in the order of making, called `name` by its prompt."""
    values: dict[str, Any] = {
        "id": new_id(),
        "user_id": user.id,
        "kind": "video",
        "state": "completed",
        "status": "completed",
        "stage": "completed",
        "lane": "loop",
        "created_at": NOW - age,
        "updated_at": NOW - age,
        "model": "local",
        "prompt": name,
        "params": {"aspect_ratio": "16:9"},
    }
    job = Job(**(values | more))
    with tools.db.transaction() as connection:
        jobs.insert(connection, job)
    return job


def names(tools: Tools, user: User, wanted: Wanted, **more: Any) -> list[str]:
    with tools.db.reading() as connection:
        given: dict[str, Any] = {"limit": 100} | more
        found = library.page(connection, user.id, wanted, **given)
        assert library.count(connection, user.id, wanted, 1000) >= len(found)
    return [str(job.prompt) for job in found]


@pytest.fixture
def shelf(tools: Tools, user: User) -> dict[str, Job]:
    """Things of every sort."""
    other = make_user(tools)
    keep(tools, other, "storm of somebody else", title="Storm")
    return {
        "storm": keep(tools, user, "A STORM over the harbour", 1, favourite_at=NOW, params={"seed": 4711}),
        "café": keep(tools, user, "Ein Café im Regen", 2, model="wan2.2", params={"aspect_ratio": "9:16", "seed": 11}),
        "odd": keep(tools, user, "100% of _what_ was asked", 3, kind="image", params={"aspect_ratio": "1:1"}),
        "named": keep(tools, user, "zebra", 4, title="The storm and Ännchen"),
        "queued": keep(tools, user, "still waiting", 5, state="queued", status="queued", stage="queued"),
        "failed": keep(tools, user, "went wrong", 6, state="failed", status="failed", stage="failed"),
        "gone": keep(tools, user, "thrown away", 7, deleted_at=NOW - 100),
        "old": keep(tools, user, "thrown away long ago", 8, deleted_at=NOW - 9_000),
        "hidden": keep(tools, user, "nobody's business", 9, kind="late"),
    }


FOUND: list[tuple[Wanted, list[str]]] = [
    (Wanted(), ["storm", "café", "odd", "named", "queued"]),
    (Wanted(sort="oldest"), ["queued", "named", "odd", "café", "storm"]),
    (Wanted(sort="name"), ["odd", "storm", "café", "queued", "named"]),
    (Wanted(words=("storm",)), ["storm", "named"]),
    (Wanted(words=("storm", "harbour")), ["storm"]),
    (Wanted(words=("CAFÉ",)), ["café"]),
    (Wanted(words=("café", "regen")), ["café"]),
    (Wanted(words=("ännchen",)), ["named"]),
    (Wanted(words=("4711",)), ["storm"]),
    (Wanted(words=("47",)), []),
    (Wanted(words=("%",)), ["odd"]),
    (Wanted(words=("_what_",)), ["odd"]),
    (Wanted(words=("100",)), ["odd"]),
    (Wanted(words=("else",)), []),
    (Wanted(kind="image"), ["odd"]),
    (Wanted(favourite=True), ["storm"]),
    (Wanted(model="wan2.2"), ["café"]),
    (Wanted(shapes=("9:16", "2:3")), ["café"]),
    (Wanted(shapes=("16:9",)), ["storm", "named", "queued"]),
    (Wanted(since=NOW - 2), ["storm", "café"]),
    (Wanted(until=NOW - 2, since=NOW - 4), ["odd", "named"]),
    (Wanted(trashed_since=NOW - 1000), ["gone"]),
    (Wanted(trashed_since=1.0), ["gone", "old"]),
    (Wanted(trashed_since=1.0, sort="oldest"), ["old", "gone"]),
    (Wanted(trashed_since=1.0, words=("long",)), ["old"]),
    (Wanted(trashed_since=1.0, until=NOW - 1000), ["old"]),
]


@pytest.mark.parametrize(("wanted", "found"), FOUND)
def test_what_is_wanted_is_found_in_order(
    tools: Tools, user: User, shelf: dict[str, Job], wanted: Wanted, found: list[str]
) -> None:
    assert names(tools, user, wanted) == [shelf[name].prompt for name in found]


@pytest.mark.parametrize("sort", library.SORTS)
@pytest.mark.parametrize("trashed", [None, 1.0])
def test_pages_hold_everything_once_even_when_times_are_equal(
    tools: Tools, user: User, sort: str, trashed: float | None
) -> None:
    more = {} if trashed is None else {"deleted_at": NOW}
    all_of_them = {keep(tools, user, f"item {number}", number // 3, **more).id for number in range(10)}
    wanted, seen, after = Wanted(sort=sort, trashed_since=trashed), [], None
    while True:
        with tools.db.reading() as connection:
            found = library.page(connection, user.id, wanted, limit=4, after=after, skip=len(seen))
        if not found:
            break
        seen += [job.id for job in found]
        after = found[-1]
    assert len(seen) == 10
    assert set(seen) == all_of_them


def test_what_went_away_before_makes_no_gap_in_the_next_page(tools: Tools, user: User) -> None:
    made = [keep(tools, user, f"item {number}", number) for number in range(6)]
    with tools.db.transaction() as connection:
        library.to_trash(connection, user.id, [made[0].id, made[1].id], NOW)
    assert names(tools, user, Wanted(), limit=3, after=made[2], skip=3) == ["item 3", "item 4", "item 5"]


def test_counting_stops_where_it_may(tools: Tools, user: User) -> None:
    for number in range(5):
        keep(tools, user, f"item {number}")
    with tools.db.reading() as connection:
        assert library.count(connection, user.id, Wanted(), 3) == 3
        assert library.count(connection, user.id, Wanted(), 30) == 5


def test_only_ones_own_named_things_are_given(tools: Tools, user: User, shelf: dict[str, Job]) -> None:
    theirs = keep(tools, make_user(tools), "not yours")
    ids = [theirs.id, shelf["storm"].id, shelf["gone"].id, new_id()]
    with tools.db.reading() as connection:
        assert [job.id for job in library.named(connection, user.id, Wanted(), ids)] == [shelf["storm"].id]


def test_the_models_that_were_used(tools: Tools, user: User, shelf: dict[str, Job]) -> None:
    assert shelf
    with tools.db.reading() as connection:
        assert library.models(connection, user.id) == ["local", "wan2.2"]


def test_files_and_posters_come_in_one_go_and_only_ones_own(tools: Tools, user: User) -> None:
    other = make_user(tools)
    kept = [_asset(tools, person) for person in (user, user, other)]
    with tools.db.reading() as connection:
        files = library.files(connection, user.id, [each.id for each in kept])
        made = library.posters(connection, [kept[0].id, kept[1].id])
    assert set(files) == {kept[0].id, kept[1].id}
    assert {asset_id: [each.name for each in some] for asset_id, some in made.items()} == {
        kept[0].id: ["poster_480"],
        kept[1].id: ["poster_480"],
    }


def test_into_the_trash_go_things_that_are_over_and_ones_own(tools: Tools, user: User, shelf: dict[str, Job]) -> None:
    theirs = keep(tools, make_user(tools), "not yours")
    ids = [theirs.id, *(shelf[name].id for name in ("storm", "queued", "gone", "failed", "hidden"))]
    with tools.db.transaction() as connection:
        assert library.to_trash(connection, user.id, ids, NOW + 1) == 2
        assert set(library.trashed_at(connection, user.id, NOW + 1)) == {shelf["storm"].id, shelf["failed"].id}
        assert library.trashed_at(connection, theirs.user_id, NOW + 1) == []
        assert library.from_trash(connection, theirs.user_id, ids, 1.0, NOW) == 0
        assert library.from_trash(connection, user.id, ids, NOW - 50, NOW) == 2
        assert library.from_trash(connection, user.id, ids, NOW - 1000, NOW) == 1
    assert names(tools, user, Wanted(words=("thrown",))) == ["thrown away"]


def test_an_emptied_trash_is_seen_no_more(tools: Tools, user: User, shelf: dict[str, Job]) -> None:
    keep(tools, make_user(tools), "not yours", deleted_at=NOW)
    with tools.db.transaction() as connection:
        ids = [shelf["gone"].id, shelf["storm"].id]
        assert [job.id for job in library.in_trash(connection, user.id, ids, 9)] == [shelf["gone"].id]
        assert library.in_trash(connection, user.id, None, 9) == []
        assert library.expire(connection, user.id) == 2
        assert library.expire(connection, user.id) == 0
        assert {job.id for job in library.in_trash(connection, user.id, None, 9)} == {shelf["gone"].id, shelf["old"].id}
        assert len(library.in_trash(connection, user.id, None, 1)) == 1
    assert names(tools, user, Wanted(trashed_since=1.0)) == []


def test_a_list_of_jobs_can_be_of_favourites_or_of_the_trash(tools: Tools, user: User, shelf: dict[str, Job]) -> None:
    with tools.db.transaction() as connection:
        marked = jobs.page(connection, user.id, limit=9, favourite=True)
        plain = jobs.page(connection, user.id, limit=9, favourite=False)
        gone = jobs.page(connection, user.id, limit=9, trash=True)
    assert [job.id for job in marked] == [shelf["storm"].id]
    assert {job.id for job in plain} == {shelf[name].id for name in ("café", "odd", "named", "queued", "failed")}
    assert [job.id for job in gone] == [shelf["gone"].id, shelf["old"].id]


def _asset(tools: Tools, user: User) -> Asset:
    asset = Asset(
        id=new_id(),
        user_id=user.id,
        kind="video",
        storage_key=new_id(),
        mime="video/mp4",
        size=1,
        sha256="",
        created_at=NOW,
    )
    poster = Rendition(
        id=new_id(),
        asset_id=asset.id,
        name="poster_480",
        storage_key=new_id(),
        mime="",
        size=1,
        sha256="",
        created_at=NOW,
    )
    with tools.db.transaction() as connection:
        assets.insert(connection, asset)
        renditions.insert(connection, poster)
    return asset
