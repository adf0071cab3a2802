"""The outermost layer of the server: whose word counts about the client, the request's id, the headers that every answer
carries, and the short ways to a status and to the bytes of a file.

These are asked for far more often than everything else together. A plain request for one (GET, a signed link or a key that
was verified a moment ago, no query where none belongs) is answered here by the same functions that the views use, without
the framework's parsing; whatever is out of the ordinary goes on to Flask.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from vividflow.api.auth import given_key
from vividflow.api.caller import Caller
from vividflow.api.headers import PRIVATE
from vividflow.api.house import House
from vividflow.api.media_answer import REASONS, MediaAnswer
from vividflow.api.proxies import TrustedProxies
from vividflow.api.quick_media import quick_download, quick_link, quick_stream
from vividflow.api.request_id import request_id_of
from vividflow.api.status import quick
from vividflow.logs import bind, log_request
from vividflow.storage.signed_links import PREFIX as LINKS

_ID_LENGTH = 36
_DOWNLOAD = "/download"
_STREAM = "/stream"
LEARNED = "vividflow.learned"
Headers = list[tuple[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Learned:
    """What was learned of a request inside: the nonce of the page's inline scripts, the headers of its limit, who asked."""

    nonce: str | None = None
    rate: Mapping[str, str] = field(default_factory=dict)
    caller: Caller | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Short:
    """An answer that was found without Flask, and who asked."""

    status: int
    headers: Mapping[str, str]
    body: Iterable[bytes]
    caller: Caller | None


_NOTHING = Learned()


class Entrance:
    """A WSGI application around Flask's. `statuses` and `videos` are the paths of those addresses up to the id."""

    def __init__(self, inner: WSGIApplication, house: House, *, statuses: str, videos: str) -> None:
        self._inner = inner
        self._house = house
        self._statuses = statuses
        self._videos = videos
        self._proxies = TrustedProxies(house.settings.trusted_proxies)
        self._fixed = list(house.headers.data.items())

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """One request."""
        began = time.perf_counter()
        self._proxies.apply(environ)
        request_id = request_id_of(environ)
        bind(request_id=request_id, job_id=None)
        path: str = environ.get("PATH_INFO", "")
        if environ["REQUEST_METHOD"] == "GET" and (short := self._short(environ, path)) is not None:
            return self._give(short, environ, start_response, request_id, began)
        noted: list[Any] = ["500 ", None]

        def note(status: str, bare: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
            headers = self._dressed(bare, environ.get(LEARNED, _NOTHING), request_id)
            noted[:] = [status, headers]
            return start_response(status, headers) if exc_info is None else start_response(status, headers, exc_info)

        try:
            return self._inner(environ, note)
        finally:
            self._log(environ, path, noted, time.perf_counter() - began)

    def _dressed(self, bare: Headers, learned: Learned, request_id: str) -> Headers:
        there = {name.lower(): value for name, value in bare}
        kind = there.get("content-type", "").partition(";")[0]
        page = kind == "text/html"
        wanted = [*(self._house.headers.page(learned.nonce).items() if page else self._fixed), *learned.rate.items()]
        if page or kind.endswith("json"):
            wanted += PRIVATE.items()
        missing = [each for each in wanted if each[0].lower() not in there]
        return [*bare, *missing, ("X-Request-ID", request_id)]

    def _short(self, environ: WSGIEnvironment, path: str) -> Short | None:
        """The answer to a plain GET that is asked for often, or None when Flask has to say something about it."""
        try:
            if path.startswith(LINKS):
                return self._file(quick_link(self._house, environ), None)
            if path.startswith(self._videos) and path.endswith(_STREAM):
                caller = self._caller(environ)
                job_id = path[len(self._videos) : -len(_STREAM)]
                return self._file(quick_stream(self._house, caller, environ, job_id), caller) if caller else None
            if environ.get("QUERY_STRING"):
                return None
            if path.startswith(self._statuses) and len(path) == len(self._statuses) + _ID_LENGTH:
                return self._status(environ, path[-_ID_LENGTH:])
            if path.startswith(self._videos) and path.endswith(_DOWNLOAD):
                caller = self._caller(environ)
                job_id = path[len(self._videos) : -len(_DOWNLOAD)]
                return self._file(quick_download(self._house, caller, environ, job_id), caller) if caller else None
        except Exception:  # noqa: BLE001 - whatever it is, Flask meets it too, and tells and logs it properly
            return None
        return None

    def _status(self, environ: WSGIEnvironment, job_id: str) -> Short | None:
        caller = self._caller(environ)
        if caller is None:
            return None
        found = quick(self._house, caller, job_id, environ.get("HTTP_IF_NONE_MATCH"))
        if found is None:
            return None
        status, headers, body = found
        length = {"Content-Length": str(len(body))} if status == 200 else {}
        return Short(status=status, headers={**headers, **self._rate(caller), **length}, body=[body], caller=caller)

    def _file(self, found: MediaAnswer | None, caller: Caller | None) -> Short | None:
        if found is None:
            return None
        rate = self._rate(caller) if caller else {}
        body = found.body if found.body is not None else ()
        return Short(status=found.status, headers={**found.headers, **rate}, body=body, caller=caller)

    def _caller(self, environ: WSGIEnvironment) -> Caller | None:
        """Whose key this is, if it was verified a moment ago."""
        key = given_key(environ)
        caller = self._house.keys.recall(key) if key else None
        return None if caller is None or caller.user.suspended_at is not None else caller

    def _rate(self, caller: Caller) -> Mapping[str, str]:
        return self._house.limits.spend("reads", f"key:{caller.key_id}")

    def _give(
        self,
        short: Short,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        request_id: str,
        began: float,
    ) -> Iterable[bytes]:
        own = short.headers
        headers = [*own.items(), *(each for each in self._fixed if each[0] not in own), ("X-Request-ID", request_id)]
        start_response(f"{short.status} {REASONS[short.status]}", headers)
        size = own.get("Content-Length")
        log_request(
            method="GET",
            path=environ["PATH_INFO"],
            status=short.status,
            seconds=time.perf_counter() - began,
            size=int(size) if size is not None else 0,
            address=environ.get("REMOTE_ADDR"),
            user_id=short.caller.user.id if short.caller else None,
            key_id=short.caller.key_id if short.caller else None,
        )
        return short.body

    def _log(self, environ: WSGIEnvironment, path: str, noted: list[Any], seconds: float) -> None:
        status, headers = noted
        size = next((value for name, value in headers or () if name == "Content-Length"), None)
        caller = environ.get(LEARNED, _NOTHING).caller
        log_request(
            method=environ["REQUEST_METHOD"],
            path=path,
            status=int(status.partition(" ")[0]),
            seconds=seconds,
            size=int(size) if size is not None else None,
            address=environ.get("REMOTE_ADDR"),
            user_id=caller.user.id if caller else None,
            key_id=caller.key_id if caller else None,
        )
