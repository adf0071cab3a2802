"""One row of the table of addresses, and the view that follows from it: who asks, how often, what came, then the handler."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from flask import Request, Response, g, request
from pydantic import BaseModel

from vividflow.api.auth import caller_of, require
from vividflow.api.bodies import as_plain
from vividflow.api.caller import Caller
from vividflow.api.checking import body_of, query_of
from vividflow.api.house import House
from vividflow.api.jsontext import dump
from vividflow.api.reading import Parsed
from vividflow.api.request_id import request_id_of
from vividflow.api.running import once_of
from vividflow.api.uploads import Scratch, Upload
from vividflow.errors import Problem
from vividflow.lifecycle.orders import Once

CHANGES, READS, UPLOADS = "changes", "reads", "uploads"


class Auth(StrEnum):
    """Who may ask: somebody with a key or a session, anybody, or whoever the handler itself lets in."""

    KEY = "key"
    NONE = "none"
    OWN = "own"


@dataclass(frozen=True, kw_only=True)
class Answers:
    """An answer of an address: what it means, and the model of its JSON body (or its content type; `also` another one)."""

    text: str
    model: str | None = None
    content: str = "application/json"
    also: str | None = None
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request as a handler sees it: who asks, what came, and the house. `caller` is somebody unless the row says otherwise."""

    house: House
    request: Request
    request_id: str
    ids: Mapping[str, str]
    known: Caller | None
    body: BaseModel | None = None
    query: Any = None
    files: Mapping[str, Upload] = field(default_factory=dict)
    once: Once | None = None

    @property
    def caller(self) -> Caller:
        """Who asks. Raises `Problem` 401 for nobody."""
        return require(self.known)


Handler = Callable[[Call], Response | tuple[int, Mapping[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Address:
    """One promise to clients: method and path (`{name}` is one segment, `{name:path}` several), and how it is kept.

    `name` is the operation's id. `limit` is the group that counts it ("changes" is api or web, by who asks; None is
    free), `once` whether an Idempotency-Key is taken, `problems` the statuses it may answer beside those that follow
    from the row, `raw` the content type of a body that the handler reads itself. Every GET answers HEAD too; `head` says
    so in the OpenAPI document. `hidden` rows are not in it at all.
    """

    name: str
    method: str
    path: str
    handler: Handler
    summary: str
    tag: str
    auth: Auth = Auth.KEY
    limit: str | None = READS
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    raw: str | None = None
    once: bool = False
    answers: Mapping[int, Answers] = field(default_factory=dict)
    problems: tuple[int, ...] = ()
    text: str = ""
    head: bool = False
    hidden: bool = False

    @property
    def rule(self) -> str:
        """The path as Flask writes it."""
        return self.path.replace("{key:path}", "<path:key>").replace("{", "<").replace("}", ">")


def view_of(address: Address, house: House) -> Callable[..., Response]:
    """The view function of a row."""

    def view(**ids: str) -> Response:
        scratch = Scratch(house.settings.scratch)
        try:
            return answer(address.handler(_call(address, house, ids, scratch)))
        finally:
            scratch.close()

    view.__name__ = address.name
    return view


def answer(found: Response | tuple[int, Mapping[str, Any]]) -> Response:
    """A handler's answer as a response. A body with `__replayed__` is an earlier answer given again."""
    if isinstance(found, Response):
        return found
    status, body = found
    if status == 204:
        return Response(status=204)
    headers = {}
    if "__replayed__" in body:
        body = {name: value for name, value in body.items() if name != "__replayed__"}
        headers["Idempotent-Replayed"] = "true"
    return Response(dump(body), status, headers, mimetype="application/json")


def count(house: House, address: Address, caller: Caller | None) -> None:
    """Count the request in its group. Raises `Problem` 429."""
    if address.limit is None:
        return
    if caller is None:
        house.limits.spend("anonymous", request.remote_addr or "")
        return
    group = address.limit
    if group == CHANGES:
        group = "web" if caller.session else "api"
    house.limits.spend(group, who(caller))


def who(caller: Caller) -> str:
    """Whom a limit counts: the key, or the person in the browser."""
    return f"key:{caller.key_id}" if caller.key_id else f"user:{caller.user.id}"


def _call(address: Address, house: House, ids: Mapping[str, str], scratch: Scratch) -> Call:
    caller = _identify(address, house)
    count(house, address, caller)
    if address.auth is Auth.KEY:
        require(caller)
    query = query_of(request, address.query)
    parsed, body = Parsed(), None
    if address.body is not None:
        parsed, body = body_of(request, address.body, scratch)
    once = None
    if address.once and body is not None and (key := request.headers.get("Idempotency-Key")) is not None:
        once = once_of(key, f"{address.method} {request.path}", as_plain(body), parsed.files)
    return Call(
        house=house,
        request=request,
        request_id=request_id_of(request.environ),
        ids=ids,
        known=caller,
        body=body,
        query=query,
        files=parsed.files,
        once=once,
    )


def _identify(address: Address, house: House) -> Caller | None:
    if address.auth is Auth.NONE:
        return None
    try:
        caller = caller_of(request, house.keys)
    except Problem as problem:
        if problem.status == 401 and address.limit is not None:
            house.limits.spend("anonymous", request.remote_addr or "")  # guessing keys is limited too
        raise
    g.caller = caller
    return caller
