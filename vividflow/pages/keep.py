"""A form that was sent after its session had ended goes through sign-in and comes out again: nothing typed is lost."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from flask import request

from vividflow.errors import Problem
from vividflow.pages import session
from vividflow.pages.shell import own_path

# Tokens end with the session, passwords are never written into a page.
_LEFT_OUT = ("csrf_token", "password", "current")
# What a page says to itself is sent on, but nobody typed it.
_UNSEEN = ("once", "back", "max_cost", "image_id", "last_image_id", "original", "time_zone", "refit")


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Where the form wanted to go, and its fields."""

    path: str
    fields: tuple[tuple[str, str], ...]

    @property
    def body(self) -> str:
        """The fields as one text, for a hidden field."""
        return urlencode(self.fields)

    @property
    def typed(self) -> list[tuple[str, str]]:
        """What a person would want to see again, with names in words."""
        seen = [(name, value) for name, value in self.fields if value.strip() and name not in _UNSEEN]
        return [(name.replace("_", " ").capitalize(), value) for name, value in seen]


def of_request() -> Kept | None:
    """The form of this request, if one of our own pages sent it; anything else is not worth keeping."""
    try:
        session.check_csrf(request.form.get("csrf_token"))
    except Problem:
        return None
    fields = tuple((name, value) for name, value in request.form.items(multi=True) if name not in _LEFT_OUT)
    return Kept(path=request.path, fields=fields)


def of_sign_in() -> Kept | None:
    """The form that the sign-in form carries along, if any."""
    path = own_path(request.form.get("kept_path"), "")
    if not path:
        return None
    return Kept(path=path, fields=tuple(parse_qsl(request.form.get("kept_body", ""), keep_blank_values=True)))
