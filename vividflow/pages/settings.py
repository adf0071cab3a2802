"""One's own account: name, theme, time zone, keys, room in the storage, password, signed-in browsers."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from flask import Response, request

from vividflow.errors import Problem
from vividflow.lifecycle import quota, retention
from vividflow.pages import session, words
from vividflow.pages.accounts import check_name, check_password_rule, known_zone, set_password
from vividflow.pages.patience import Patience
from vividflow.pages.shell import THEMES, house, keep_theme, own_path, render, to
from vividflow.passwords import check_password
from vividflow.records import sessions, users
from vividflow.records.retention_rules import FOR_EVER
from vividflow.timing import now

# Aliases of aliases and zones that no person lives in.
_STRANGE = ("posix/", "right/", "Etc/", "SystemV/", "US/", "Brazil/", "Canada/", "Chile/", "Mexico/")
_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)
_KIND_NAMES = {"video": "Videos", "image": "Images", "export": "Exports", "upload": "Uploads"}
_patience = Patience()


def show() -> Response:
    """The page."""
    return _page()


def theme() -> Response:
    """Remember the theme: in this browser, and on the account of whoever is signed in."""
    chosen = request.form.get("theme", "")
    chosen = chosen if chosen in THEMES else "system"
    user = session.current_session_user()
    if user is not None and user.theme != chosen:
        with house().tools.db.transaction() as connection:
            users.change(connection, user.id, theme=chosen)
    return keep_theme(to(own_path(request.form.get("back"), "/settings")), chosen)


def profile() -> Response:
    """Keep a new name."""
    name = request.form.get("name", "").strip()
    wrong = check_name(name)
    if wrong:
        return _page({"name": wrong[0].detail}, name=name)
    _change(name=name)
    return to("/settings", said="profile")


def keyboard() -> Response:
    """Whether single keys act in the pages."""
    _change(shortcuts=request.form.get("shortcuts") == "on")
    return to("/settings", said="keyboard")


def provenance() -> Response:
    """Whether the files that are signed from now on carry the prompt."""
    _change(sign_prompts=request.form.get("sign_prompts") == "on")
    return to("/settings", said="provenance")


def time_zone() -> Response:
    """Keep the zone that pages show times in."""
    name = request.form.get("time_zone", "")
    if known_zone(name) != name:
        return _page({"time_zone": "Choose a time zone from the list."})
    _change(time_zone=name)
    return to("/settings", said="zone")


def password() -> Response:
    """A new password; this browser gets a new session, all others end."""
    user, tools = session.signed_in(), house().tools
    wrong = check_password_rule(request.form.get("password", ""))
    if wrong:
        return _page({"password": wrong[0].detail})
    if user.password_hash is not None:
        rest = _patience.rest(user.id)
        if rest is not None:
            return _page({"current": f"Too many tries. Try again in {words.wait_words(rest)}."}, 429)
        if not check_password(tools.settings, request.form.get("current", ""), user.password_hash):
            _patience.wrong(user.id)
            return _page({"current": "That is not your present password."})
        _patience.forget(user.id)
    set_password(tools, user.id, request.form["password"])
    session.begin(user)
    return to("/settings", said="password")


def end_sessions() -> Response:
    """Sign out everywhere but here."""
    session.end_others(session.signed_in())
    return to("/settings", said="sessions")


def end_session(session_id: str) -> Response:
    """Sign one browser out."""
    with house().tools.db.transaction() as connection:
        ended = sessions.end_one(connection, session.signed_in().id, session_id)
    if not ended:
        raise Problem(404, "not_found", "There is no such signed-in browser. It may be signed out already.")
    return to("/settings", said="session")


def agent_words(agent: str) -> str:
    """A browser's long name for itself in two words: "Chrome on Linux"."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "A program")
    system = next((name for mark, name in _SYSTEMS if mark in agent), None)
    return f"{browser} on {system}" if system else browser


def _change(**columns: object) -> None:
    with house().tools.db.transaction() as connection:
        users.change(connection, session.signed_in().id, **columns)


def _page(errors: dict[str, str] | None = None, status: int = 422, *, name: str | None = None) -> Response:
    user, seat, settings = session.signed_in(), session.current_seat(), house().tools.settings
    with house().tools.db.reading() as connection:
        found = [each for each in sessions.of_user(connection, user.id) if each.alive(now())]
        share = quota.share_of(connection, settings, user.id)
        rules = retention.rules_of(connection, settings, user.id)
    shown = [
        {
            "id": each.hash,
            "agent": agent_words(each.agent),
            "here": seat is not None and each.hash == seat.session.hash,
            "created_at": each.created_at,
            "seen_at": each.seen_at,
        }
        for each in found
    ]
    return render(
        "settings/page.html",
        status if errors else 200,
        errors=errors or {},
        name=name,
        sessions=shown,
        zones=_zones(user.time_zone),
        room=words.room(share.used, share.most),
        percent=None if share.most is None else min(100, 100 * share.used // max(1, share.most)),
        rules=[(_KIND_NAMES[kind], days) for kind, days in rules.items() if days != FOR_EVER],
    )


def _zones(own: str) -> list[str]:
    return sorted({*_all_zones(), own})


@cache
def _all_zones() -> frozenset[str]:
    return frozenset(name for name in available_timezones() if "/" in name and not name.startswith(_STRANGE)) | {"UTC"}
