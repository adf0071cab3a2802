"""What people and programs read about the API: the OpenAPI document, the page made from it, and the page of errors."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from typing import Any

from flask import Response, current_app, render_template
from markupsafe import Markup, escape

from vividflow.api.address import Address, Call
from vividflow.api.codes import codes
from vividflow.api.docs_view import sections
from vividflow.api.jsontext import dump
from vividflow.api.openapi import document

ADDRESSES = "vividflow.addresses"
_CODE = re.compile("`([^`]+)`")
_FIVE_MINUTES = "public, max-age=300"


def openapi(call: Call) -> Response:
    """The OpenAPI 3.1 document."""
    return _kept(call, "openapi", "application/json", lambda: dump(document(_addresses(), public=_public(call))))


def page(call: Call) -> Response:
    """How to use the API: sections, text, samples; made on the server, readable without script."""

    def make() -> bytes:
        public = _public(call)
        made = sections(document(_addresses(), public=public), public)
        return _html("docs/index.html", sections=made, public=public)

    return _kept(call, "docs", "text/html; charset=utf-8", make)


def errors(call: Call) -> Response:
    """Every code a refusal may carry."""

    def make() -> bytes:
        return _html("docs/errors.html", codes=codes(), public=_public(call))

    return _kept(call, "errors", "text/html; charset=utf-8", make)


def with_code(text: str) -> Markup:
    """`text` as HTML, what stands between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped first


def _kept(call: Call, name: str, mime: str, make: Callable[[], bytes]) -> Response:
    """The same for everybody, so it is made and packed once."""
    kept = current_app.extensions.setdefault("vividflow.documents", {})
    if name not in kept:
        made = make()
        kept[name] = (made, gzip.compress(made, 9, mtime=0))
    plain, packed = kept[name]
    takes = "gzip" in call.request.headers.get("Accept-Encoding", "")
    answer = Response(
        packed if takes else plain,
        headers={"Content-Type": mime, "Cache-Control": _FIVE_MINUTES, "Vary": "Accept-Encoding"},
    )
    if takes:
        answer.headers["Content-Encoding"] = "gzip"
    return answer


def _html(template: str, **values: Any) -> bytes:
    from vividflow.pages.static_files import address

    sheets = [address("app.css"), address("docs.css")]
    return render_template(template, code=with_code, sheets=sheets, icon=address("icon.svg"), **values).encode()


def _public(call: Call) -> str:
    return call.house.settings.public


def _addresses() -> tuple[Address, ...]:
    return current_app.extensions[ADDRESSES]
