"""The providers as an operator sees them, and what is done about one while everything runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse

from vividflow.errors import Problem
from vividflow.lifecycle import provider_acts
from vividflow.pages import session
from vividflow.pages.provider_view import provider_views
from vividflow.pages.shell import house, render, to
from vividflow.records import audit
from vividflow.records.audit import Who, who_of
from vividflow.timing import now

ADDRESS = "/admin/providers"
LAST_ACTS = 10
ACTS = {"pause": "Paused", "resume": "Resumed", "limit": "Limit set", "revive": "Model revived"}


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """What could not be done, to which provider, for which field, and what stood in it."""

    name: str
    text: str
    param: str | None
    typed: str


def show() -> Response:
    """The page."""
    return _page()


def pause(name: str) -> AnyResponse:
    """No orders go there until it is resumed."""
    reason = request.form.get("reason", "")
    return _done(name, "paused", reason, lambda by: provider_acts.pause(house().tools, name, reason, by=by))


def resume(name: str) -> AnyResponse:
    """Orders may go there again at once."""
    return _done(name, "resumed", "", lambda by: provider_acts.resume(house().tools, name, by=by))


def limit(name: str) -> AnyResponse:
    """How many jobs may be under way there at once; an empty field goes back to the registry's word."""
    given = request.form.get("most", "").strip()
    return _done(name, "limited", given, lambda by: provider_acts.limit(house().tools, name, _number(given), by=by))


def revive(name: str) -> AnyResponse:
    """A model that the provider had no longer is ordered again."""
    model = request.form.get("model", "")
    return _done(name, "revived", "", lambda by: provider_acts.revive(house().tools, name, model, by=by))


def _done(name: str, said: str, typed: str, act: Callable[[Who], object]) -> AnyResponse:
    try:
        act(who_of(session.signed_in()))
    except Problem as problem:
        if problem.status == 404:
            raise
        return _page(Refusal(name=name, text=problem.detail, param=problem.param, typed=typed), problem.status)
    return to(ADDRESS, said=said)


def _number(given: str) -> int | None:
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and len(given) <= 5):
        raise provider_acts.not_a_limit()
    return int(given)


def _page(refused: Refusal | None = None, status: int = 200) -> Response:
    tools, moment = house().tools, now()
    with tools.db.reading() as connection:
        found = provider_views(tools, connection, session.signed_in().id, moment)
        done = audit.newest(connection, audit.PROVIDER, LAST_ACTS)
    return render("admin/providers.html", status, providers=found, done=done, acts=ACTS, refused=refused)
