"""Going on where a video ends: its last frame becomes a picture of the same person's, kept once however often it is asked for."""

from __future__ import annotations

import shutil

from vividflow.errors import Outcome, Permanent, Problem
from vividflow.lifecycle import library
from vividflow.lifecycle.orders import missing
from vividflow.lifecycle.tools import Tools
from vividflow.records import assets, jobs
from vividflow.records.jobs import COMPLETED
from vividflow.storage.base import StorageGone
from vividflow.timing import new_id


def last_frame(tools: Tools, user_id: str, job_id: str) -> str:
    """The id of the picture that is the last frame of a person's own video.

    Raises `Problem`: 404 for a job that is not theirs, 409 without a video, 422 for a video too small to start from or
    that does not decode, 503 while the storage or the decoder is away, 507 without room.
    """
    with tools.db.reading() as connection:
        job = jobs.own(connection, user_id, job_id)
        if job is None:
            raise missing()
        there = job.status == COMPLETED and job.deleted_at is None
        film = assets.by_id(connection, user_id, job.result["asset_id"]) if there else None
    if film is None or film.kind != "video":
        raise Problem(409, "not_a_finished_video", "There is no finished video to continue from.")
    folder = tools.settings.scratch / "uploads" / f"{new_id()}.continue"
    folder.mkdir(parents=True)
    try:
        source, frame = tools.storage.local_path(film.storage_key), folder / "frame"
        if source is None or not source.exists():
            source = folder / "film"
            with source.open("wb") as out:
                out.writelines(tools.storage.open_range(film.storage_key))
        tools.decoder.last_frame(source, frame)
        return library.keep(tools, user_id, frame)[1]["id"]
    except FileNotFoundError as gone:
        raise Problem(
            409, "not_a_finished_video", "The file of this video is gone, so it cannot be continued."
        ) from gone
    except StorageGone as away:
        detail = "The storage does not answer. Try again in a minute."
        raise Problem(503, "storage_gone", detail, retry_after=60) from away
    except Outcome as outcome:
        damaged = isinstance(outcome, Permanent) or outcome.code == "not_a_video"
        raise Problem(
            422 if damaged else 503, outcome.code, f"The last frame cannot be read. {outcome.message}"
        ) from outcome
    finally:
        shutil.rmtree(folder, ignore_errors=True)
