"""Going on from a finished video as such, not from its last frame: whose it is, whether the model takes it, and its bytes."""

from __future__ import annotations

from vividflow.errors import Permanent, Problem, Transient
from vividflow.lifecycle.tools import Tools
from vividflow.media.shapes import SHORTER_SIDES, nearest_shape, ratio_of
from vividflow.providers.base import Film
from vividflow.providers.registry import Model, Route
from vividflow.records import assets, jobs
from vividflow.records.assets import Asset
from vividflow.records.jobs import COMPLETED, Job
from vividflow.storage.base import StorageGone

# What a decoder measures is a frame or two off what was ordered.
SLACK_SECONDS = 0.25
_GONE = "The video that it was to go on from was deleted before it could be ordered. You were not charged."


def film_of(tools: Tools, user_id: str, job_id: str) -> Asset:
    """The video that a person's own finished job made.

    Raises `Problem`: 422 unknown_video for a job that is not theirs or in the trash, 409 not_a_finished_video.
    """
    with tools.db.reading() as connection:
        job = jobs.own(connection, user_id, job_id)
        made = assets.by_id(connection, user_id, job.result["asset_id"]) if job and job.status == COMPLETED else None
    if job is None or job.deleted_at is not None:
        raise Problem(422, "unknown_video", "You have no video of a job with this id.", param="extend_id")
    if made is None or made.kind != "video":
        detail = "Only a finished video can be extended. This job has none (yet)."
        raise Problem(409, "not_a_finished_video", detail, param="extend_id")
    return made


def check_film(tools: Tools, model: Model, film: Asset) -> None:
    """Hold a video against what the model goes on from. Raises `Problem` 422 video_does_not_fit, with what would do."""
    extend = model.limits.extend
    assert extend is not None
    low, high = extend.takes
    seconds, width, height = film.duration or 0.0, film.width or 1, film.height or 1
    short = min(width, height)
    sides = [SHORTER_SIDES[each] for each in extend.resolutions]
    at_hand = tools.storage.gs_uri(film.storage_key) is not None
    if not low - SLACK_SECONDS <= seconds <= high + SLACK_SECONDS:
        raise _misfit(model, f"of {low:g} to {high:g} seconds; this one has {seconds:.1f}")
    if short not in sides:
        raise _misfit(model, f"in {' or '.join(extend.resolutions)}; this one is {width} × {height}")
    if shape_of(model, film) is None:
        raise _misfit(model, f"in {' or '.join(model.limits.aspect_ratios)}; this one is {width} × {height}")
    if film.size > extend.max_bytes and not at_hand:
        raise _misfit(
            model,
            f"of at most {extend.max_bytes // 10**6} MB; this one has {film.size / 1e6:.1f}",
            code="video_too_large",
        )


def shape_of(model: Model, film: Asset) -> str | None:
    """The shape of a video among those that the model makes, or None when it is none of them."""
    width, height = film.width or 1, film.height or 1
    nearest = nearest_shape(width, height, model.limits.aspect_ratios)
    return nearest if abs(width / height - ratio_of(nearest)) < 0.02 else None


def added(model: Model, asked: float | None) -> float:
    """How many seconds are added to the video. Raises `Problem` 422 invalid_duration."""
    assert model.limits.extend is not None
    adds = model.limits.extend.adds
    if asked is None:
        return adds[0]
    if asked in adds:
        return asked
    takes = " or ".join(f"{each:g}" for each in adds)
    detail = f"{model.title} adds {takes} seconds to a video, not {asked:g}. Leave duration out."
    raise Problem(422, "invalid_duration", detail, param="duration")


def check_route(model: Model, route: Route) -> None:
    """Raises `Problem` 422 unsupported_parameter where the route that is used here cannot extend."""
    if "extend" in route.lacks:
        detail = f"{model.title} extends videos, but not by the route that is used here ({route.provider})."
        raise Problem(422, "unsupported_parameter", detail, param="extend_id")


def load_film(job: Job, tools: Tools, *, asking: bool = False) -> Film | None:
    """The video that a job goes on from, read when it is sent; `asking` is for orders that may have been sent already.

    Raises `Permanent` video_gone.
    """
    source = job.params.get("extend_id")
    if source is None:
        return None
    with tools.db.reading() as connection:
        made = jobs.own(connection, job.user_id, source)
        film = (
            assets.by_id(connection, job.user_id, made.result["asset_id"])
            if made and "asset_id" in made.result
            else None
        )
    if made is None or film is None or (made.deleted_at is not None and not asking):
        raise Permanent("video_gone", _GONE)
    return Film(
        sha256=film.sha256,
        mime=film.mime,
        size=film.size,
        gs_uri=tools.storage.gs_uri(film.storage_key),
        read=lambda: _read(tools, film),
    )


def _read(tools: Tools, film: Asset) -> bytes:
    try:
        return b"".join(tools.storage.open_range(film.storage_key))
    except FileNotFoundError as gone:
        raise Permanent("video_gone", "The video is no longer in the storage. You were not charged.") from gone
    except StorageGone as away:  # told here, because after this the request may have left
        raise Transient("storage_gone", "The storage does not answer.") from away


def _misfit(model: Model, what: str, *, code: str = "video_does_not_fit") -> Problem:
    return Problem(422, code, f"{model.title} extends videos {what}.", param="extend_id")
