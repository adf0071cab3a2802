"""What came, held against what an address takes: the model filled, or one `Problem` 422 that tells all that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Request
from pydantic import BaseModel, ValidationError

from vividflow.api.bodies import IMAGES, Generate, files_needed, files_of, list_fields
from vividflow.api.queries import AnyQuery, NoQuery
from vividflow.api.reading import Parsed, read_body, read_query, shown
from vividflow.api.uploads import Scratch, Upload
from vividflow.errors import FieldError, Problem


def query_of(request: Request, model: type[BaseModel] | None) -> Any:
    """The query parameters as the row's model; None where the row takes none, or leaves them to the handler."""
    if model is AnyQuery:
        return None
    given = read_query(request)
    if not given:
        return model() if model else None
    return _validated(model or NoQuery, given, (), query=True)


def body_of(request: Request, model: type[BaseModel], scratch: Scratch) -> tuple[Parsed, BaseModel]:
    """The body as it came (its files in `scratch`), and as the row's model."""
    files = files_of(model)
    aliases = {"Image": "image"} if files else {}
    parsed = read_body(request, scratch, lists=list_fields(model), aliases=aliases)
    errors = [*parsed.errors, *_file_errors(model, parsed)]
    fields = {name: value for name, value in parsed.fields.items() if name not in files}
    body = _validated(model, fields, tuple(errors))
    if isinstance(body, Generate):
        _check_one_picture_each(body, parsed.files)
    return parsed, body


def _file_errors(model: type[BaseModel], parsed: Parsed) -> list[FieldError]:
    found: list[FieldError] = []
    images = files_of(model)
    for name in images:
        if name in parsed.fields:
            detail = f"{name} is a file in multipart/form-data."
            if f"{name}_id" in model.model_fields:
                detail += f" To name a picture that you uploaded before use {name}_id."
            found.append(FieldError(param=name, code="invalid_image", detail=detail))
        elif name in files_needed(model) and name not in parsed.files:
            detail = f"{name} is required: a file in multipart/form-data."
            found.append(FieldError(param=name, code="missing_field", detail=detail))
    for name, upload in parsed.files.items():
        if name in images:
            if not upload.size:
                found.append(FieldError(param=name, code="empty_image", detail=f"The file {name} is empty."))
        elif name in model.model_fields:
            found.append(FieldError(param=name, code="unexpected_file", detail=f"{name} is text, not a file."))
        else:
            found.append(_unknown(model, name, "field"))
    return found


def _check_one_picture_each(body: Generate, files: Mapping[str, Upload]) -> None:
    errors: list[FieldError] = []
    for name in IMAGES:
        ways = [name] * (name in files) + [
            f"{name}_{way}" for way in ("url", "id") if getattr(body, f"{name}_{way}") is not None
        ]
        if len(ways) > 1:
            detail = f"Send one of {name} (a file), {name}_url and {name}_id; this request has {' and '.join(ways)}."
            errors.append(FieldError(param=name, code="image_conflict", detail=detail))
    if errors:
        raise _refused(errors)


def _validated(
    model: type[BaseModel], fields: Mapping[str, Any], before: tuple[FieldError, ...], *, query: bool = False
) -> BaseModel:
    errors = list(before)
    try:
        made = model.model_validate(fields)
    except ValidationError as error:
        sent_twice = {each.param for each in before}
        for each in error.errors(include_url=False, include_context=False, include_input=False):
            name = str(each["loc"][0]) if each["loc"] else ""
            if not (each["type"] == "missing" and name in sent_twice):
                errors.append(_field_error(model, name, each["type"], each["msg"], query))
        raise _refused(errors) from None
    if errors:
        raise _refused(errors)
    return made


def _field_error(model: type[BaseModel], name: str, kind: str, message: str, query: bool) -> FieldError:
    match kind:
        case "missing":
            return FieldError(param=name, code="missing_field", detail=f"{name} is required.")
        case "extra_forbidden":
            return _unknown(model, name, "parameter" if query else "field")
        case _:
            return FieldError(param=name, code=kind, detail=message)


def _unknown(model: type[BaseModel], name: str, what: str) -> FieldError:
    known = [*(field.alias or name for name, field in model.model_fields.items()), *files_of(model)]
    takes = f"It takes {', '.join(sorted(known))}." if known else f"It takes no {what}s."
    return FieldError(
        param=shown(name), code=f"unknown_{what}", detail=f"There is no {what} “{shown(name)}” here. {takes}"
    )


def _refused(errors: list[FieldError]) -> Problem:
    first = errors[0]
    return Problem(422, first.code, first.detail, param=first.param, errors=tuple(errors))
