"""One's own pictures, and the last frames of one's own videos, to start or end a video with."""

from __future__ import annotations

from flask import Response, jsonify

from vividflow.api.values import is_id
from vividflow.lifecycle.continuing import last_frame
from vividflow.pages import session
from vividflow.pages.job_view import views
from vividflow.pages.shell import house, render
from vividflow.records import assets, jobs
from vividflow.records.jobs import COMPLETED
from vividflow.timing import now

MOST = 24


def show() -> Response:
    """The newest of both."""
    user, tools = session.signed_in(), house().tools
    with tools.db.reading() as connection:
        pictures = assets.uploads(connection, user.id, "image", limit=MOST)
        done = jobs.page(connection, user.id, limit=MOST, status=COMPLETED, kind="video")
        videos = views(tools, connection, done, now())
    return render("create/pictures.html", pictures=pictures, videos=videos)


def frame(job_id: str) -> Response:
    """The last frame of one's own video as a picture: its id."""
    user = session.signed_in()
    return jsonify({"image_id": last_frame(house().tools, user.id, job_id if is_id(job_id) else "")})
