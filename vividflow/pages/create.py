"""Create: the form, and the feed of what came of it. With script the same address answers in JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from flask import Response, jsonify, render_template, request
from pydantic import ValidationError

from vividflow.api.bodies import Generate
from vividflow.api.reading import Parsed, read_body
from vividflow.api.uploads import Scratch, Upload
from vividflow.api.values import is_id
from vividflow.errors import FieldError, Problem
from vividflow.lifecycle import bringing, library, orders
from vividflow.lifecycle.bringing import Brought
from vividflow.lifecycle.continuing import last_frame
from vividflow.lifecycle.orders import Once
from vividflow.lifecycle.wish import Wish
from vividflow.pages import drafts, session, words
from vividflow.pages.composer import PICTURES, chosen_of, compose, fitted
from vividflow.pages.feed import feed, named
from vividflow.pages.model_choice import choices
from vividflow.pages.quote import quoted
from vividflow.pages.refit import enhanced, refit
from vividflow.pages.shell import SAMPLES, house, own_path, render, request_id, to
from vividflow.pages.values import Values, values_from, values_of
from vividflow.providers.price import MICRO
from vividflow.records import jobs
from vividflow.records.users import User
from vividflow.timing import new_id

ADDRESS = "/create"
# Fields of the form that are not fields of a job.
OWN_FIELDS = (
    "csrf_token",
    "once",
    "refit",
    "no_image",
    "no_last_image",
    "max_cost",
    "variations",
    "original",
    "enhance",
)
_SHOWN_AT = {"image_id": "image", "last_image_id": "last_image"}
FIELDS = frozenset(
    (
        "prompt",
        "image",
        "last_image",
        "model",
        "duration",
        "aspect_ratio",
        "resolution",
        "cfg",
        "seed",
        "steps",
        "negative_prompt",
        "audio",
        "variations",
        "webhook_url",
    )
)


def front_door() -> Response:
    """Where everybody begins."""
    return to(ADDRESS if session.current_session_user() else "/login")


def show() -> Response:
    """The form as it was left, or as `?from=<job>`, `?continue=<job>`, `?image=` or `?prompt=` want it; and the feed."""
    user = session.signed_in()
    try:
        return _page(user, _beginning(user))
    except Problem as problem:
        if problem.status == 404:
            raise
        return _page(user, _left(user), summary=problem.detail, status=problem.status)


def submit() -> Response:
    """Make a video of the form: back to the page, or with script the new card as JSON."""
    user, scratch = session.signed_in(), Scratch(house().settings.scratch)
    try:
        parsed = read_body(request, scratch)
        session.check_csrf(parsed.fields.get("csrf_token"))
        if "refit" in parsed.fields:
            return _refit(user, parsed)
        return _place(user, parsed)
    finally:
        scratch.close()


def price() -> Response:
    """The foot of the form for the fields that were sent, as JSON."""
    user, tools = session.signed_in(), house().tools
    models, values = choices(tools), values_from(request.form)
    found = quoted(tools, user, fitted(values, chosen_of(models, values)), models)
    return jsonify(asdict(found))


def _refit(user: User, parsed: Parsed) -> Response:
    """A button that changes the form instead of sending it."""
    values = _with_pictures(user, parsed)
    try:
        values = refit(house(), user, values, str(parsed.fields["refit"]))
    except Problem as problem:
        return _refused(user, problem, values)
    drafts.keep(user, values)
    return _page(user, values)


def _place(user: User, parsed: Parsed) -> Response:
    fields = _fields(parsed)
    try:
        body = _checked(fields, parsed)
        aside = {name: parsed.fields.get(name) for name in ("variations", "enhance")}
        once = _once(parsed.fields.get("once", ""), fields | aside, parsed.files)
        with house().running.alone(user.id, once):
            status, answer = _known_or_new(user, body, parsed, once)
    except Problem as problem:
        if _by_script():
            return _refused(user, problem, _values(parsed))
        values = _with_pictures(user, parsed)
        drafts.keep(user, values)
        return _refused(user, problem, values)
    made = _placed(user, answer.get("job_ids", [answer["job_id"]]))
    if _by_script():
        return jsonify(made), status  # pyright: ignore[reportReturnType]
    drafts.keep(user, replace(_values(parsed), image_id=made["image_id"], last_image_id=made["last_image_id"]))
    return to(ADDRESS)


def _known_or_new(user: User, body: Generate, parsed: Parsed, once: Once) -> tuple[int, Mapping[str, Any]]:
    tools = house().tools
    known = orders.replay(tools, user.id, once)
    if known is not None:
        return known
    values = _values(parsed)
    said = body.model_dump(exclude={"image_url", "last_image_url", "priority", "max_cost", "audio"})
    # A switch that is off is not sent, and means off even where the model would make sound untold.
    wish = Wish(**said, audio=bool(body.audio), max_cost=_ceiling(parsed.fields.get("max_cost", "")))
    if values.enhance:
        wish = replace(wish, prompt=enhanced(house(), user, wish.prompt).prompt)
    brought = Brought(files={name: upload.path for name, upload in parsed.files.items() if name in PICTURES})
    return bringing.place(tools, user, wish, brought, request_id=request_id(), once=once, count=values.count)


def _values(parsed: Parsed) -> Values:
    """The form as it was sent; a picture that was taken out or replaced is no longer in it."""
    gone = {f"{name}_id": "" for name in PICTURES if name in parsed.files or f"no_{name}" in parsed.fields}
    return values_from(parsed.fields | gone)


def _with_pictures(user: User, parsed: Parsed) -> Values:
    """The form as it was sent; pictures that came with it are kept, because a page cannot give a file back to its field."""
    values = _values(parsed)
    for name in PICTURES:
        upload = parsed.files.get(name)
        if upload is None or not upload.size:
            continue
        try:
            values = replace(values, **{f"{name}_id": library.keep(house().tools, user.id, upload.path)[1]["id"]})
        except Problem:
            continue  # what is wrong with it is said where it is placed
    return values


def _fields(parsed: Parsed) -> dict[str, Any]:
    """The fields of the job; what was left empty was not said."""
    fields = {name: value for name, value in parsed.fields.items() if name not in OWN_FIELDS and str(value).strip()}
    for name in PICTURES:
        if name in parsed.files or f"no_{name}" in parsed.fields:
            fields.pop(f"{name}_id", None)
    fields.setdefault("prompt", "")
    return fields


def _checked(fields: dict[str, Any], parsed: Parsed) -> Generate:
    errors = list(parsed.errors)
    for name, upload in parsed.files.items():
        if not upload.size:
            detail = "The picture is empty. Choose another one."
            errors.append(FieldError(param=name, code="empty_image", detail=detail))
    count = str(parsed.fields.get("variations") or "1")
    if count not in ("1", "2", "3", "4"):
        errors.append(FieldError(param="variations", code="invalid_variations", detail="Variations are 1 to 4."))
    try:
        body = Generate.model_validate(fields)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_context=False, include_input=False):
            name = str(each["loc"][0])
            detail = each["msg"]
            if each["type"] == "extra_forbidden":
                detail = f"There is no field called “{name[:40]}” here."
            elif name == "prompt" and not fields["prompt"]:
                detail = "Describe the video first."
            errors.append(FieldError(param=name, code=each["type"], detail=detail))
        body = None
    if errors or body is None:
        raise Problem(422, errors[0].code, errors[0].detail, param=errors[0].param, errors=tuple(errors))
    return body


def _once(key: str, fields: Mapping[str, Any], files: Mapping[str, Upload]) -> Once:
    hashes = sorted((name, upload.sha256) for name, upload in files.items())
    content = json.dumps([sorted(fields.items()), hashes], default=str)
    key = key if key.isascii() and key.isprintable() and 0 < len(key) <= 255 else new_id()
    return Once(address=ADDRESS, key=key, fingerprint=hashlib.sha256(content.encode()).hexdigest())


def _ceiling(shown: str) -> float | None:
    """The price that stood beside the button: a higher one must be seen first."""
    try:
        return max(0.0, float(shown)) if shown else None
    except ValueError:
        return None


def _refused(user: User, problem: Problem, given: Values) -> Response:
    errors: dict[str, str] = {}
    for each in problem.errors or (FieldError(param=problem.param or "", code=problem.code, detail=problem.detail),):
        errors.setdefault(_SHOWN_AT.get(each.param, each.param), each.detail)
    max_cost = None
    if problem.code == "over_max_cost":
        cost = float(str(problem.extra["estimated_cost"]))
        micro, max_cost = round(cost * MICRO), repr(cost)
        price = f"{words.credits(micro)} ({words.dollars(micro)})"
        errors = {"": f"This now costs {price}. Nothing was charged. Press Generate again to accept."}
    elif problem.code == "idempotency_key_reused":
        errors = {
            "": "The form as it was before this change was sent already. Press Generate again to make this one too."
        }
    beside = {name: detail for name, detail in errors.items() if name in FIELDS}
    summary = " ".join(detail for name, detail in errors.items() if name not in FIELDS)
    if _by_script():
        shown = [{"param": name, "detail": detail} for name, detail in beside.items()]
        body = {"code": problem.code, "detail": summary, "errors": shown, "key": new_id(), "max_cost": max_cost}
        answer = jsonify(body)
        answer.status_code = problem.status
        return answer
    if beside and not summary:
        summary = "Nothing was made yet. " + (
            "Look at the marked field." if len(beside) == 1 else "Look at the marked fields."
        )
    return _page(user, given, errors=beside, summary=summary, max_cost=max_cost, status=problem.status)


def _placed(user: User, job_ids: list[str]) -> dict[str, Any]:
    tools = house().tools
    items = named(tools, user, job_ids)
    params = items[0].job.params if items else {}
    card = render_template(
        "jobs/_items.html", items=items, back=own_path(request.headers.get("X-Back"), ADDRESS), flat=False
    )
    return {
        "job_id": job_ids[0],
        "job_ids": job_ids,
        "card": card,
        "image_id": params.get("image_id", ""),
        "last_image_id": params.get("last_image_id", ""),
        "seed": params.get("seed"),
        "key": new_id(),
    }


def _beginning(user: User) -> Values:
    args = request.args
    if args.get("continue"):
        job_id = args["continue"]
        image_id = last_frame(house().tools, user.id, job_id if is_id(job_id) else "")
        return replace(_of_job(user, job_id) or Values(), image_id=image_id, last_image_id="", seed="", original="")
    if args.get("from") and (values := _of_job(user, args["from"])):
        return values
    values = _left(user)
    if args.get("image"):
        values = replace(values, image_id=args["image"])
    if args.get("prompt"):
        values = replace(values, prompt=args["prompt"].strip()[:1000], image_id="", last_image_id="", original="")
    return values


def _of_job(user: User, job_id: str) -> Values | None:
    with house().tools.db.reading() as connection:
        job = jobs.own(connection, user.id, job_id)
    return values_of(job) if job else None


def _left(user: User) -> Values:
    """The form as it was left: the draft, else the last video's settings, else a sample."""
    draft = drafts.found(user)
    if draft is not None:
        return drafts.restored(draft)
    with house().tools.db.reading() as connection:
        last = next(iter(jobs.page(connection, user.id, limit=1, kind="video")), None)
    return values_of(last, seed=False) if last else Values(prompt=SAMPLES[0].prompt)


def _page(user: User, values: Values, *, status: int = 200, **more: Any) -> Response:
    draft, shown = drafts.found(user), feed(user, ADDRESS)
    seeds = (each.job.params.get("seed") for each in shown["items"])
    last_seed = next((str(seed) for seed in seeds if seed is not None), "")
    composer = compose(house().tools, user, values, draft=draft.version if draft else 0, last_seed=last_seed, **more)
    return render("create/page.html", status, composer=composer, **shown)


def _by_script() -> bool:
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
