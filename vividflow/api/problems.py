"""Refusals as answers: RFC 9457 bodies, the same for the API's handlers, the framework's own errors and our mistakes."""

from __future__ import annotations

import errno
import json
import logging
from http import HTTPStatus
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from vividflow.api.codes import title_of
from vividflow.errors import Problem, Transient
from vividflow.storage.base import StorageFull, StorageGone

log = logging.getLogger(__name__)

PROBLEM_TYPE = "application/problem+json"
NO_ROOM = "There is no room left on the server's disk. Nothing was done or charged. Try again later."
OURS = "Something went wrong on our side. Quote the request id when you ask about it."
BUSY = "The database is busy. Nothing was done or charged. Try again in a moment."
# What the framework refuses by itself, in our words.
_FRAMEWORK = {
    400: ("malformed_request", "The request could not be read. Send a well-formed HTTP request."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take that method. Allowed: {allow}."),
    413: ("body_too_large", "The request is larger than this address takes."),
    414: ("malformed_request", "The address is too long."),
    415: ("unsupported_media_type", "This address does not take that content type."),
    416: ("range_not_satisfiable", "That range lies outside the file."),
    429: ("rate_limited", "Too many requests. Try again in a moment."),
    431: ("malformed_request", "The request's headers are too large."),
}


def body_of(problem: Problem, *, public: str, request_id: str) -> dict[str, Any]:
    """The members of a problem answer. `public` is the address of this installation, where its code is explained."""
    body: dict[str, Any] = {
        "type": f"{public}/docs/errors#{problem.code}",
        "title": title_of(problem.code),
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
    }
    if problem.param is not None:
        body["param"] = problem.param
    if problem.errors:
        body["errors"] = [{"param": e.param, "code": e.code, "detail": e.detail} for e in problem.errors]
    return body | problem.extra | {"request_id": request_id}


def headers_of(problem: Problem) -> dict[str, str]:
    """The headers of a problem answer, without those that every answer has."""
    headers = {"Content-Type": PROBLEM_TYPE, "Cache-Control": "no-store"}
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="Vivid Flow"'
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    elif problem.status in (429, 503, 507):
        headers["Retry-After"] = "5"
    return headers | problem.headers


def answer_of(problem: Problem, *, public: str, request_id: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a problem answer."""
    body = json.dumps(body_of(problem, public=public, request_id=request_id)).encode()
    return problem.status, headers_of(problem), body


def problem_of(error: Exception) -> Problem:
    """Any exception as a `Problem`; what is neither a refusal nor a known trouble is logged whole and told as a 500."""
    match error:
        case Problem():
            return error
        case HTTPException():
            return _of_framework(error)
        case StorageGone():
            log.warning("storage gone: %s", error)
            return Problem(503, "storage_gone", "The storage does not answer. Try again in a minute.", retry_after=60)
        case StorageFull():
            return Problem(507, "disk_full", NO_ROOM, retry_after=300)
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            log.error("disk full: %s", error)
            return Problem(507, "disk_full", NO_ROOM, retry_after=300)
        case Transient(message=message):
            return Problem(503, "busy", message, retry_after=5)
        case PoolTimeout():
            return Problem(503, "busy", BUSY, retry_after=2)
        case DBAPIError():
            return _of_database(error)
        case _ if type(error).__module__.split(".")[0] in ("sqlite3", "pysqlite3", "psycopg"):
            return _of_database(error)
    log.error("request broke", exc_info=error)
    return Problem(
        500, "internal_error", "Something went wrong on our side. Quote the request id when you ask about it."
    )


def _of_framework(error: HTTPException) -> Problem:
    status = error.code or 500
    allow = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
    headers = {"Allow": allow} if allow else {}
    if status == 416 and getattr(error, "length", None) is not None:
        headers["Content-Range"] = f"bytes */{error.length}"  # pyright: ignore[reportAttributeAccessIssue]
    if status in _FRAMEWORK:
        code, detail = _FRAMEWORK[status]
        return Problem(status, code, detail.format(allow=allow), headers=headers)
    if status >= 500:
        log.error("request broke", exc_info=error)
        return Problem(status, "internal_error", "Something went wrong on our side.")
    return Problem(status, "malformed_request", f"{HTTPStatus(status).phrase}.", headers=headers)


def _of_database(error: Exception) -> Problem:
    text = str(error).lower()
    if "disk is full" in text or "no space" in text:
        log.error("disk full: %s", error)
        return Problem(507, "disk_full", NO_ROOM, retry_after=300)
    known = (
        "locked",
        "busy",
        "lock timeout",
        "statement timeout",
        "connection",
        "closed",
        "terminat",
        "unable to open",
    )
    if any(word in text for word in known):
        log.warning("database in trouble: %s", error)
        return Problem(503, "busy", BUSY, retry_after=2)
    log.error("database refused", exc_info=error)
    return Problem(
        500, "internal_error", "Something went wrong on our side. Quote the request id when you ask about it."
    )
