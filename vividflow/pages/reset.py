"""A new password for who forgot theirs, by a one-time link."""

from __future__ import annotations

from flask import Response, request

from vividflow.pages import links
from vividflow.pages.accounts import check_password_rule, set_password
from vividflow.pages.shell import house, render
from vividflow.pages.sign_in import enter, patience


def show() -> Response:
    """The form."""
    return render("account/reset.html", sent=False, email="", errors={})


def submit() -> Response:
    """Send a link if there is an account; the answer is the same if there is none."""
    links.send_reset(house().tools, request.form.get("email", ""))
    return render("account/reset.html", sent=True)


def show_new(secret: str) -> Response:
    """The form for the new password, while the link holds."""
    return _form(secret)


def submit_new(secret: str) -> Response:
    """Keep the new password, end every session, sign in here."""
    tools, password = house().tools, request.form.get("password", "")
    wrong = check_password_rule(password)
    if wrong:
        return _form(secret, {"password": wrong[0].detail}, 422)
    user = links.use(tools, secret, links.RESET)
    if user is None:
        return _form(secret)
    set_password(tools, user.id, password)
    patience.forget(user.email)
    return enter(user, "/create")


def _form(secret: str, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    user = links.owner(house().tools, secret, links.RESET)
    if user is None:
        again = {"again": "/reset", "again_word": "Ask for a new link"}
        return render("account/link.html", 410, good=False, secret=secret, **again)
    return render("account/reset_new.html", status, secret=secret, email=user.email, errors=errors or {})
