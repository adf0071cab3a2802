"""The request id: taken from the caller when it is harmless, made otherwise, the same for the whole request."""

from __future__ import annotations

import re
import uuid
from wsgiref.types import WSGIEnvironment

_KEPT = "vividflow.request_id"
_HARMLESS = re.compile(r"[A-Za-z0-9._-]{1,128}").fullmatch


def request_id_of(environ: WSGIEnvironment) -> str:
    """The id of this request: `X-Request-ID` if it is 1-128 letters, digits, dots, dashes or underscores, else a new one."""
    kept = environ.get(_KEPT)
    if kept is None:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        kept = environ[_KEPT] = given if given and _HARMLESS(given) else str(uuid.uuid4())
    return kept
