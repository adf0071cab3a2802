"""The web application: assembles addresses, pages, commands, headers and errors around one house.

`app` exists on import, and importing starts nothing: no thread, no file, no migration. `python web_app.py` serves.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":  # before all else: the process that only minds the server carries nothing of what serves
    from vividflow.commands.serve import run
    from vividflow.config import Settings as _Settings
    from vividflow.errors import Complaints as _Complaints
    from vividflow.logs import set_up

    try:
        _settings = _Settings.from_environment()
        if _settings.models_file:  # a server whose app cannot start would be started again and again
            from vividflow.providers.registry import load_registry

            load_registry(_settings.models_file)
        if _settings.c2pa_certificate or _settings.c2pa_private_key:
            from vividflow.media.provenance_certificate import check

            check(_settings)
    except _Complaints as _wrong:
        sys.exit(f"Vivid Flow cannot start:\n{_wrong}")
    set_up(_settings)
    run(_settings)

import logging
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from secrets import token_urlsafe

from flask import Flask, Response, g, render_template, request
from jinja2 import TemplateNotFound
from werkzeug.exceptions import HTTPException

import api_router
from vividflow.api.entrance import LEARNED, Entrance, Learned
from vividflow.api.house import House
from vividflow.api.limits import Limits
from vividflow.api.problems import answer_of, headers_of, problem_of
from vividflow.api.request_id import request_id_of
from vividflow.config import Settings
from vividflow.errors import Complaints, Problem
from vividflow.lifecycle.tools import build_tools

log = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parent
MOST_FORM_BYTES = 12 * 1024 * 1024
# Answered with problems; everything else is for people, and so are its errors.
PROGRAMS = ("/api/", "/media/", "/health", "/readyz", "/metrics", "/openapi.json")


def create_app(settings: Settings | None = None) -> Flask:
    """The application for `settings` (default: the environment's). Starts nothing; `House.start` does.

    Raises `Complaints` for settings or a registry that cannot be.
    """
    settings = settings or Settings.from_environment()
    app = Flask("web_app", root_path=str(ROOT), static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=MOST_FORM_BYTES, PROPAGATE_EXCEPTIONS=False)
    limits = Limits(settings)
    house = House(settings, build_tools(settings), limits)
    app.extensions["vividflow"] = house
    limits.init_app(app)
    api_router.register(app, house)
    for package in ("vividflow.pages", "vividflow.commands"):
        if find_spec(package) is not None and hasattr(module := import_module(package), "register"):
            module.register(app)
    app.register_error_handler(Exception, lambda error: _refusal(house, error))
    app.after_request(_noted)
    app.context_processor(lambda: {"csp_nonce": _nonce})
    statuses, videos = api_router.STATUS_PREFIX, api_router.VIDEOS_PREFIX
    app.wsgi_app = Entrance(app.wsgi_app, house, statuses=statuses, videos=videos)  # pyright: ignore[reportAttributeAccessIssue]
    return app


def _nonce() -> str:
    """What the page's own inline scripts carry; made when a template asks for it."""
    if "csp_nonce" not in g:
        g.csp_nonce = token_urlsafe(16)
    return g.csp_nonce


def _refusal(house: House, error: Exception) -> Response:
    """Any error as an answer: a problem for programs, a page for people."""
    if isinstance(error, HTTPException) and (error.code is None or error.code < 400):
        return Response.force_type(error.get_response(), request.environ)  # pyright: ignore[reportReturnType]
    problem = problem_of(error)
    request_id = request_id_of(request.environ)
    if _for_program():
        status, headers, body = answer_of(problem, public=house.settings.public, request_id=request_id)
        return Response(body, status, headers)
    return _error_page(problem, request_id)


def _for_program() -> bool:
    if request.path.startswith(PROGRAMS):
        return True
    wanted = request.accept_mimetypes
    return bool(wanted) and wanted.best_match(["text/html", "application/json"]) == "application/json"


def _error_page(problem: Problem, request_id: str) -> Response:
    headers = {name: value for name, value in headers_of(problem).items() if name != "Content-Type"}
    for name in (f"errors/{problem.status}.html", "errors/error.html"):
        try:
            html = render_template(name, problem=problem, request_id=request_id)
        except TemplateNotFound:
            continue
        except Exception:  # the page asks the database who is signed in, and that may be the very trouble
            log.warning("the error page broke", exc_info=True)
            break
        return Response(html, problem.status, headers, mimetype="text/html")
    text = f"{problem.detail}\n\nRequest {request_id}\n"
    return Response(text, problem.status, headers, mimetype="text/plain")


def _noted(response: Response) -> Response:
    """Leave what was learned on the way where the entrance finds it when it dresses the answer and logs it."""
    request.environ[LEARNED] = Learned(
        nonce=g.get("csp_nonce"), rate=g.get("rate_headers") or {}, caller=g.get("caller")
    )
    return response


try:
    app = create_app()
except Complaints as wrong:
    sys.exit(f"Vivid Flow cannot start:\n{wrong}")
