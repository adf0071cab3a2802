"""Assets: the pictures that a person brought, how more come, and what was made from each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, jsonify, request
from werkzeug.wrappers import Response as AnyResponse

from vividflow.api.reading import read_files
from vividflow.api.uploads import Scratch, Upload
from vividflow.api.values import is_id
from vividflow.errors import Problem
from vividflow.lifecycle import library, pieces
from vividflow.lifecycle.asset_kinds import IMAGE, KINDS
from vividflow.lifecycle.intake import LEAST_SIDE, MOST_SIDE
from vividflow.pages import session
from vividflow.pages.asset_view import asset_views, unfinished_view
from vividflow.pages.job_view import views
from vividflow.pages.shell import house, render, to
from vividflow.records import assets, jobs, uploads
from vividflow.records.users import User
from vividflow.timing import now

ADDRESS = "/assets"
PER_PAGE = 60
MOST_CARDS = 60
MOST_USES = 60
# Without script many files come in one form.
MOST_FILES = 20
FORM_BYTES = MOST_FILES * IMAGE.most_bytes + 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A file that was not taken, and why."""

    name: str
    detail: str


def listing() -> Response:
    """All pictures, newest first, from behind `?after=`; `?gone=` is one that was just put away."""
    return _page(session.signed_in())


def cards() -> Response:
    """The pictures named in `?ids=` as tiles: what the script puts on top when they have come."""
    user = session.signed_in()
    ids = [part for part in request.args.get("ids", "").split(",") if is_id(part)][:MOST_CARDS]
    with house().tools.db.reading() as connection:
        found = [asset for each in ids if (asset := assets.by_id(connection, user.id, each)) is not None]
        there = [asset for asset in found if asset.deleted_at is None and asset.job_id is None]
        items = asset_views(house().tools, connection, user.id, there, now())
    return render("assets/_items.html", items=items)


def add() -> AnyResponse:
    """Keep each file of the form: back to the page, or the page with what was refused and why."""
    user, scratch = session.signed_in(), Scratch(house().settings.scratch)
    try:
        pairs = read_files(request, scratch, most=FORM_BYTES)
        session.check_csrf(next((text for name, text in pairs if name == "csrf_token" and isinstance(text, str)), None))
        files = [file for name, file in pairs if name == "image" and isinstance(file, Upload)]
        refused = [refusal for file in files if (refusal := _kept(user, file)) is not None]
    finally:
        scratch.close()
    if not files:
        refused = [Refusal(name="", detail="Choose a picture first.")]
    if refused:
        return _page(user, refused=refused, kept=len(files) - len(refused), status=422)
    return to(ADDRESS, said="added")


def show(image_id: str) -> Response:
    """One picture: large, with its facts and the videos that were made from it."""
    user, tools, moment = session.signed_in(), house().tools, now()
    with tools.db.reading() as connection:
        asset = library.own(connection, user.id, _id(image_id))
        (seen,) = asset_views(tools, connection, user.id, [asset], moment)
        found = [jobs.own(connection, user.id, use.job_id) for use in seen.uses[:MOST_USES]]
        made = views(tools, connection, [job for job in found if job is not None], moment)
    return render("assets/one.html", v=seen, items=made, more=len(seen.uses) - len(made))


def delete(image_id: str) -> AnyResponse:
    """To the trash, for thirty days; what is said offers to take it back."""
    user, tools = session.signed_in(), house().tools
    with tools.db.reading() as connection:
        asset = library.own(connection, user.id, _id(image_id))
        (seen,) = asset_views(tools, connection, user.id, [asset], now())
    library.remove(tools, user.id, image_id)
    if _by_script():
        return jsonify({"image_id": image_id, "said": seen.farewell})
    return to(ADDRESS, gone=image_id)


def restore(image_id: str) -> AnyResponse:
    """Back from the trash."""
    library.restore(house().tools, session.signed_in().id, _id(image_id))
    return jsonify({"image_id": image_id}) if _by_script() else to(ADDRESS, said="restored")


def give_up(upload_id: str) -> AnyResponse:
    """Forget an upload that broke off."""
    if not is_id(upload_id):
        raise pieces.missing()
    pieces.give_up(house().tools, session.signed_in().id, upload_id)
    return jsonify({}) if _by_script() else to(ADDRESS)


def _page(user: User, *, status: int = 200, refused: list[Refusal] | None = None, kept: int = 0) -> Response:
    tools, moment = house().tools, now()
    after, gone = request.args.get("after"), request.args.get("gone")
    with tools.db.reading() as connection:
        last = library.own(connection, user.id, _id(after), trashed=True) if after else None
        found = assets.uploads(connection, user.id, "image", limit=PER_PAGE + 1, after=last)
        items = asset_views(tools, connection, user.id, found[:PER_PAGE], moment)
        broken = [unfinished_view(each) for each in uploads.unfinished(connection, user.id)]
        put_away = assets.by_id(connection, user.id, gone) if gone and is_id(gone) else None
        trashed = put_away is not None and put_away.deleted_at is not None
        farewell = asset_views(tools, connection, user.id, [put_away] if put_away and trashed else [], moment)
    return render(
        "assets/page.html",
        status,
        items=items,
        more=f"{ADDRESS}?after={found[PER_PAGE - 1].id}" if len(found) > PER_PAGE else None,
        first=last is None,
        broken=broken,
        gone=next(iter(farewell), None),
        refused=refused or [],
        kept=kept,
        taken=_taken(),
    )


def _taken() -> dict[str, Any]:
    """What the script holds a file against before it is sent."""
    return {
        "types": ",".join(mime for kind in KINDS for mime in kind.types),
        "endings": ",".join(f".{each}" for kind in KINDS for endings in kind.types.values() for each in endings),
        "words": " or ".join(kind.words for kind in KINDS),
        "most_bytes": max(kind.most_bytes for kind in KINDS),
        "least_side": LEAST_SIDE,
        "most_side": MOST_SIDE,
        "most_files": MOST_FILES,
    }


def _kept(user: User, file: Upload) -> Refusal | None:
    try:
        house().limits.spend("uploads", f"user:{user.id}")
        if not file.size:
            raise Problem(422, "empty_image", "The file is empty.")
        if file.size > IMAGE.most_bytes:
            raise Problem(413, IMAGE.too_large_code, IMAGE.too_large)
        library.keep(house().tools, user.id, file.path)
    except Problem as problem:
        return Refusal(name=file.name, detail=problem.detail)
    return None


def _id(image_id: str) -> str:
    if not is_id(image_id):
        raise library.missing()
    return image_id


def _by_script() -> bool:
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
