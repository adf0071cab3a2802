"""Making an account in the browser, where this installation lets people do that."""

from __future__ import annotations

from flask import Response, request

from vividflow.errors import Problem
from vividflow.lifecycle.invites import invited
from vividflow.pages import accounts, session
from vividflow.pages.shell import fields, house, render, to
from vividflow.pages.sign_in import enter
from vividflow.timing import now


def show() -> Response:
    """The form, or why there is none."""
    if session.current_session_user() is not None:
        return to("/create")
    token = request.args.get("invite", "")
    return _form({"email": _invited(token) or "", "name": "", "time_zone": "", "invite": token}, {})


def submit() -> Response:
    """Make the account and sign in; the first one of an installation becomes its admin."""
    tools = house().tools
    given, password = dict(fields("email", "name", "time_zone", "invite")), request.form.get("password", "")
    address = _invited(given["invite"])
    if not _open(address):
        return _form(given, {}, 403)
    if address is not None:
        given["email"] = address
    try:
        email = accounts.check(given["email"], given["name"], password)
        user = accounts.make(tools, email=email, name=given["name"], password=password, time_zone=given["time_zone"])
    except Problem as problem:
        errors = {each.param: each.detail for each in problem.errors} or {problem.param or "form": problem.detail}
        return _form(given, errors, problem.status)
    return enter(user, "/create")


def _open(address: str | None) -> bool:
    registration = house().settings.registration
    return registration == "open" or (registration == "invite" and address is not None)


def _invited(token: str) -> str | None:
    return invited(house().tools.secret, token, now()) if token else None


def _form(values: dict[str, str], errors: dict[str, str], status: int = 200) -> Response:
    address = _invited(values["invite"])
    frame = {
        "closed": not _open(address),
        "ended": bool(values["invite"]) and address is None,
        "invited": address,
        "first": accounts.is_first(house().tools),
        "errors": errors,
    }
    return render("account/signup.html", status, **(values | frame))
