"""What can be done with what was chosen in the library: fetch it, share it, mark it, put it away, take it back."""

from __future__ import annotations

from datetime import datetime

from flask import Response, jsonify, request
from werkzeug.wrappers import Response as AnyResponse

from vividflow.api.values import is_id
from vividflow.lifecycle import bulk, naming
from vividflow.lifecycle.orders import missing
from vividflow.pages import session
from vividflow.pages.library_filters import ADDRESS
from vividflow.pages.library_zip import send_zip
from vividflow.pages.shell import house, own_path, render, to, zone
from vividflow.records import library
from vividflow.records.jobs import COMPLETED
from vividflow.records.library import Wanted
from vividflow.timing import now

TRASH = f"{ADDRESS}?trash=1"
MOST_COUNTED = 10_000


def download() -> AnyResponse:
    """One video as it is, several as a zip; what is not one's own, or not done, is left out."""
    user, tools, ids = session.signed_in(), house().tools, chosen()
    with tools.db.reading() as connection:
        named = {job.id: job for job in library.named(connection, user.id, Wanted(), ids) if job.status == COMPLETED}
        files = library.files(connection, user.id, [str(job.result.get("asset_id")) for job in named.values()])
    mine = [named[each] for each in ids if each in named]
    found = [(job, files[asset_id]) for job in mine if (asset_id := str(job.result.get("asset_id"))) in files]
    if not found:
        return to(_back(), said="choose")
    if len(found) == 1:
        return to(f"/api/v1/videos/jobs/{found[0][0].id}/download")
    return send_zip(tools, found, f"vivid-flow-{datetime.fromtimestamp(now(), zone()):%Y-%m-%d}.zip")


def share() -> AnyResponse:
    """To the page of the one that was chosen, where its link is made."""
    session.signed_in()
    ids = chosen()
    return to(f"{ADDRESS}/{ids[0]}#share") if len(ids) == 1 else to(_back(), said="choose_one")


def favourite() -> AnyResponse:
    """Mark one, or with `?on=` empty no longer."""
    ids = chosen()
    if len(ids) != 1:
        raise missing()
    naming.favour(house().tools, session.signed_in(), ids[0], bool(request.args.get("on")))
    return _done(count=1)


def delete() -> AnyResponse:
    """To the trash, for thirty days; the next page offers to take all of it back."""
    gone = bulk.remove(house().tools, session.signed_in(), chosen())
    said = {"undo": f"@{gone.moment!r}"} if gone.count else {"said": "choose"}
    return _done(count=gone.count, moment=gone.moment, **said)


def restore() -> AnyResponse:
    """Back from the trash: the chosen ones, or all that went there at one `moment`."""
    user, tools, given = session.signed_in(), house().tools, request.form.get("moment", "")
    try:
        count = bulk.undo(tools, user, float(given)) if given else bulk.restore(tools, user, chosen())
    except ValueError:
        raise missing() from None
    return _done(count=count, said="restored" if count else "choose")


def purge() -> AnyResponse:
    """Away for good, from the trash."""
    count = bulk.purge(house().tools, session.signed_in(), chosen())
    return _done(count=count, said="purged" if count else "choose")


def ask_to_empty() -> Response:
    """Ask before the trash is emptied, and say how much is in it."""
    user, tools = session.signed_in(), house().tools
    wanted = Wanted(trashed_since=now() - bulk.KEPT_SECONDS)
    with tools.db.reading() as connection:
        count = library.count(connection, user.id, wanted, MOST_COUNTED)
    return render("library/empty_trash.html", count=count)


def empty() -> AnyResponse:
    """Everything in the trash away for good."""
    count = bulk.empty(house().tools, session.signed_in())
    return _done(count=count, path=TRASH, said="emptied")


def chosen() -> list[str]:
    """The ids that a form names: the one of the pressed button, else all that are ticked."""
    given = request.form.getlist("id") or request.form.getlist("ids")
    return [each for each in dict.fromkeys(given) if is_id(each)][: bulk.MOST]


def _done(*, count: int, path: str | None = None, moment: float | None = None, **said: str) -> AnyResponse:
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
        return jsonify({"count": count, "moment": moment})
    return to(path or _back(), **said)


def _back() -> str:
    return own_path(request.form.get("back"), ADDRESS)
