"""Signing in by password or by a one-time link, and signing out."""

from __future__ import annotations

from flask import Response, request
from markupsafe import Markup

from vividflow.pages import keep, links, session, words
from vividflow.pages.accounts import known_zone
from vividflow.pages.keep import Kept
from vividflow.pages.patience import Patience
from vividflow.pages.shell import house, keep_theme, own_path, render, to
from vividflow.passwords import check_password
from vividflow.records import users
from vividflow.records.users import User

ENDED = "Your session has ended. Sign in, and what you sent is still there."
NO_MATCH = "That email and password do not match."
FORGOT = Markup('<a class="hint" href="/reset">Forgot it?</a>')
patience = Patience()


def show() -> Response:
    """The form; whoever is signed in already goes on."""
    goal = own_path(request.args.get("next"), "/create")
    if session.current_session_user() is not None:
        return to(goal)
    return _form(goal)


def submit() -> Response:
    """Sign in. Unknown addresses, wrong passwords and accounts without one get the same answer in the same time."""
    email, password = request.form.get("email", "").strip(), request.form.get("password", "")
    goal = own_path(request.form.get("next"), "/create")
    rest = patience.rest(email)
    if rest is not None:
        return _form(goal, email, {"password": f"Too many tries. Try again in {words.wait_words(rest)}."}, 429)
    tools = house().tools
    with tools.db.reading() as connection:
        user = users.by_email(connection, email)
    if not check_password(tools.settings, password, user.password_hash if user else None) or user is None:
        patience.wrong(email)
        return _form(goal, email, {"password": NO_MATCH}, 422)
    if user.suspended_at is not None:
        return _form(goal, email, {"form": "This account is suspended. Ask an administrator."}, 403)
    patience.forget(email)
    kept = keep.of_sign_in()
    return enter(user, goal) if kept is None else _resume(user, kept)


def ask_again(kept: Kept) -> Response:
    """The form for somebody whose session ended while they typed another one, which it carries along."""
    return _form("/create", status=401, kept=kept)


def enter(user: User, goal: str) -> Response:
    """Open a session and go on, in the person's own theme."""
    session.begin(user)
    return keep_theme(to(goal), user.theme)


def show_link(secret: str) -> Response:
    """A button: opening the link changes nothing, pressing the button does."""
    good = links.owner(house().tools, secret, links.SIGN_IN) is not None
    again = {"again": "/login", "again_word": "Sign in another way"}
    return render("account/link.html", 200 if good else 410, good=good, secret=secret, **again)


def use_link(secret: str) -> Response:
    """Sign in by the link, once."""
    tools = house().tools
    user = links.use(tools, secret, links.SIGN_IN)
    if user is None:
        return show_link(secret)
    zone = known_zone(request.form.get("time_zone", ""))
    if user.time_zone == "UTC" != zone:
        with tools.db.transaction() as connection:
            users.change(connection, user.id, time_zone=zone)
    return enter(user, "/create")


def leave() -> Response:
    """Sign out, and have the browser forget what it kept of us."""
    session.end()
    answer = to("/login")
    answer.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    return answer


def _resume(user: User, kept: Kept) -> Response:
    session.begin(user)
    return keep_theme(render("account/resume.html", kept=kept), user.theme)


def _form(
    goal: str, email: str = "", errors: dict[str, str] | None = None, status: int = 200, *, kept: Kept | None = None
) -> Response:
    if kept is None:
        kept = keep.of_sign_in() if request.method == "POST" else None
    values = {
        "next": goal if goal != "/create" else "",
        "email": email,
        "errors": errors or {},
        "forgot": FORGOT,
        "said": ENDED if kept else None,
        "kept": kept,
    }
    return render("account/login.html", status, **values)
