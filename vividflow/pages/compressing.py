"""Pages travel compressed: a library of sixty tiles is 18 kB instead of 164."""

from __future__ import annotations

import gzip

from flask import Response, request

# Measured with that page: 1.0 ms; level 9 takes 2.2 ms for 4 % less.
LEVEL = 4


def compress(answer: Response) -> None:
    """Compress the body of `answer` for a client that takes gzip.

    A size could betray a secret only to a site that makes the browser ask with its cookie; `SameSite` keeps the cookie
    from such requests.
    """
    answer.headers["Vary"] = "Accept-Encoding"
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        answer.set_data(gzip.compress(answer.get_data(), LEVEL, mtime=0))
        answer.headers["Content-Encoding"] = "gzip"
