"""The OpenAPI 3.1 document, made from the table of addresses and the models of bodies, queries and answers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from vividflow import __version__
from vividflow.api.address import CHANGES, Address, Answers, Auth
from vividflow.api.bodies import Nothing, files_needed, files_of
from vividflow.api.queries import AnyQuery

REF = "#/components/schemas/{model}"
UUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
IDS = ("job_id", "image_id", "upload_id")
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
SECURITY = {
    "ApiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "`vf_…`, from the page Developers.",
    },
    "Bearer": {"type": "http", "scheme": "bearer", "description": "The same key as a bearer token."},
}
WORDS = {
    400: "The request could not be read.",
    401: "No key, or one that does not open.",
    402: "Not enough credit, or over a budget.",
    403: "Known, but not allowed.",
    404: "Not there, or not yours.",
    409: "The job is in the wrong state, or the same idempotency key is still running.",
    410: "The model was shut down, or the link has ended.",
    413: "Too large.",
    415: "Another content type is needed.",
    416: "The range lies outside the file.",
    422: "Well-formed, and refused: `code`, `param` and `errors` say why.",
    429: "Too many requests; `Retry-After` says when to come again.",
    503: "Out of order for a moment; `Retry-After` says when to come again.",
}
RATE_HEADERS = ("RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def document(addresses: Iterable[Address], *, public: str) -> dict[str, Any]:
    """The whole document; `public` is where this installation is reached."""
    rows = [address for address in addresses if not address.hidden]
    paths: dict[str, dict[str, Any]] = {}
    for row in rows:
        methods = paths.setdefault(row.path, {})
        methods[row.method.lower()] = _operation(row)
        if row.head:
            methods["head"] = _operation(row, head=True)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Vivid Flow",
            "version": __version__,
            "description": "Make videos from words and pictures. Every slow thing is a job: place it, look at it, fetch it.",
        },
        "servers": [{"url": public}],
        "tags": [{"name": name} for name in dict.fromkeys(row.tag for row in rows)],
        "paths": paths,
        "components": {"schemas": _schemas(rows), "securitySchemes": SECURITY, "headers": _headers()},
    }


def _operation(row: Address, *, head: bool = False) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{row.name}_head" if head else row.name,
        "summary": row.summary,
        "description": row.text or (row.handler.__doc__ or "").strip(),
        "tags": [row.tag],
        "parameters": [*_path_parameters(row), *_query_parameters(row), *_header_parameters(row)],
        "responses": _responses(row, head),
    }
    if row.auth is Auth.KEY:
        operation["security"] = [{name: []} for name in SECURITY]
    elif row.auth is Auth.OWN:
        operation["security"] = [{}, *({name: []} for name in SECURITY)]
    if row.body is not None:
        operation["requestBody"] = _request_body(row.body)
    elif row.raw is not None:
        operation["requestBody"] = {"required": True, "content": {row.raw: {"schema": {}}}}
    return operation


def _path_parameters(row: Address) -> list[dict[str, Any]]:
    found = []
    for name in re.findall(r"{(\w+)", row.path):
        schema = {"type": "string", "pattern": UUID} if name in IDS else {"type": "string", "minLength": 1}
        if name in IDS:
            schema["examples"] = ["0b6c7a52-6f0e-4a53-9a3c-0d3f1f1b9a10"]  # pyright: ignore[reportArgumentType]
        found.append({"name": name, "in": "path", "required": True, "schema": schema})
    return found


def _query_parameters(row: Address) -> list[dict[str, Any]]:
    if row.query is None or row.query is AnyQuery:
        return []
    found = []
    for name, schema in row.query.model_json_schema()["properties"].items():
        kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
        # In a query everything is text; of a number and its text form the number says more.
        own = dict(kinds[0])
        description = schema.get("description", "")
        found.append({"name": name, "in": "query", "required": False, "description": description, "schema": own})
    return found


def _header_parameters(row: Address) -> list[dict[str, Any]]:
    found = []
    if row.once:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "Any text of your own: the same key and content within 24 hours answer the first reply again.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
            }
        )
    if row.raw is not None:
        found.append(
            {
                "name": "Content-Range",
                "in": "header",
                "required": True,
                "description": "Which bytes of the file these are.",
                "schema": {"type": "string", "pattern": "^bytes [0-9]{1,15}-[0-9]{1,15}/([0-9]{1,15}|[*])$"},
            }
        )
    return found


def _request_body(model: type[BaseModel]) -> dict[str, Any]:
    ref = {"$ref": REF.format(model=model.__name__)}
    form = {"$ref": REF.format(model=f"{model.__name__}Form")}
    if files_needed(model):
        return {"required": True, "content": {FORMS[1]: {"schema": form}}}
    content: dict[str, Any] = {"application/json": {"schema": ref}}
    if model is not Nothing:
        content[FORMS[0]] = {"schema": ref}
        content[FORMS[1]] = {"schema": form if files_of(model) else ref}
        content["application/json"]["example"] = _example(model)
    return {"required": any(field.is_required() for field in model.model_fields.values()), "content": content}


def _example(model: type[BaseModel]) -> dict[str, Any]:
    given = {name: field.examples[0] for name, field in model.model_fields.items() if field.examples}
    if "prompt" in model.model_fields:
        return {"prompt": "A lighthouse at dawn, slow push in", "model": "local", "duration": 4}
    return given


def _responses(row: Address, head: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, answers in sorted(row.answers.items()):
        found[str(status)] = _answer(row, answers, head=head or status in (204, 304))
    for status in sorted(_problem_statuses(row) - set(row.answers)):
        found[str(status)] = _problem(status, head)
    found["default"] = _problem(None, head)
    return found


def _answer(row: Address, answers: Answers, *, head: bool) -> dict[str, Any]:
    names = ["X-Request-ID", *(RATE_HEADERS if row.limit else ()), *answers.headers]
    made: dict[str, Any] = {"description": answers.text, "headers": {name: _header_ref(name) for name in names}}
    if not head:
        schema = {"$ref": REF.format(model=answers.model)} if answers.model else _raw(answers.content)
        made["content"] = {answers.content: {"schema": schema}}
        if answers.also:
            made["content"][answers.also] = {"schema": _raw(answers.also)}
    return made


def _raw(content: str) -> dict[str, Any]:
    return {"type": "string"} if content == "text/plain" else {}


def _problem(status: int | None, head: bool) -> dict[str, Any]:
    made: dict[str, Any] = {"description": WORDS.get(status or 0, "Any other refusal.")}
    headers = {401: ("WWW-Authenticate",), 429: ("Retry-After", *RATE_HEADERS), 503: ("Retry-After",)}.get(
        status or 0, ()
    )
    if headers:
        made["headers"] = {name: _header_ref(name) for name in headers}
    if not head:
        made["content"] = {"application/problem+json": {"schema": {"$ref": REF.format(model="Problem")}}}
    return made


def _problem_statuses(row: Address) -> set[int]:
    statuses = {400, 422, *row.problems}
    if row.auth is Auth.KEY:
        statuses |= {401, 403}
    if row.limit is not None:
        statuses.add(429)
    if row.raw is not None:
        statuses |= {413}
    if row.body is not None:
        statuses |= {413, 415}
    if "{" in row.path:
        statuses.add(404)
    if row.once:
        statuses.add(409)
    if row.limit == CHANGES:
        statuses.add(503)
    return statuses


def _schemas(rows: list[Address]) -> dict[str, Any]:
    from vividflow.api.answers import MODELS

    bodies = list(dict.fromkeys(row.body for row in rows if row.body is not None))
    _, answers = models_json_schema([(model, "serialization") for model in MODELS], ref_template=REF)
    found: dict[str, Any] = dict(answers["$defs"])
    for body in bodies:
        schema = body.model_json_schema(ref_template=REF)
        if not files_needed(body):
            found[body.__name__] = schema
        if files_of(body):
            found[f"{body.__name__}Form"] = _with_files(schema, body)
    return found


def _with_files(schema: dict[str, Any], body: type[BaseModel]) -> dict[str, Any]:
    form = deepcopy(schema)
    kinds = "JPEG, PNG, WebP, HEIC or AVIF" if files_needed(body) else "PNG, JPEG, WebP, BMP, GIF, HEIC or AVIF"
    for name in files_of(body):
        form["properties"][name] = {
            "type": "string",
            "format": "binary",
            "description": f"{kinds}, at most 10,485,760 bytes, 256 to 4096 px a side.",
        }
    if needed := files_needed(body):
        form["required"] = [*form.get("required", ()), *needed]
    return form | {"title": f"{body.__name__}Form"}


def _headers() -> dict[str, Any]:
    text = {
        "X-Request-ID": "The id of this request, in every log line of it and of the job it starts.",
        "RateLimit": "What is left, by policy: `r` requests, `t` seconds until the window ends.",
        "RateLimit-Policy": "The windows that count this request: `q` requests in `w` seconds.",
        "X-RateLimit-Limit": "The quota of the tightest window.",
        "X-RateLimit-Remaining": "What is left of it.",
        "X-RateLimit-Reset": "When it ends, in seconds since 1970.",
        "Retry-After": "Seconds to wait.",
        "WWW-Authenticate": "How to send a key.",
        "ETag": "A tag for If-None-Match.",
        "Idempotent-Replayed": "`true` when this is the first reply, given again.",
        "Accept-Ranges": "`bytes`.",
        "Content-Range": "Which bytes of how many.",
        "Content-Disposition": "A name to save the file under.",
    }
    return {name: {"description": said, "schema": {"type": "string"}} for name, said in text.items()}


def _header_ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}
