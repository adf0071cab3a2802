"""Copy as API call: exactly this form, or exactly this job, in curl, Python and JavaScript; never with a real key."""

from __future__ import annotations

import json
import shlex
from typing import Any

from flask import Response, request

from vividflow.api.values import is_id
from vividflow.lifecycle.orders import missing
from vividflow.pages import session
from vividflow.pages.composer import chosen_of
from vividflow.pages.model_choice import choices
from vividflow.pages.shell import house, render
from vividflow.pages.values import Values, values_from, values_of
from vividflow.records import jobs
from vividflow.timing import new_id

KEY = "VIVID_FLOW_KEY"
_TAKEN = ("cfg", "seed", "steps", "negative_prompt")
_NUMBERS = ("duration", "cfg", "seed", "steps")


def of_form() -> Response:
    """The call for the form that was sent here."""
    values = values_from(request.form)
    loose = any(request.form.get(name) for name in ("image", "last_image"))
    return _page(values, loose=loose)


def of_job(job_id: str) -> Response:
    """The call that makes one's own job again."""
    user = session.signed_in()
    with house().tools.db.reading() as connection:
        job = jobs.own(connection, user.id, job_id) if is_id(job_id) else None
    if job is None:
        raise missing()
    return _page(values_of(job), loose=False)


def body_of(values: Values, takes: frozenset[str]) -> dict[str, Any]:
    """The JSON body of `POST /api/v1/generate` for these values; what was left empty, or is not taken, is left out."""
    body: dict[str, Any] = {"prompt": values.prompt.strip(), "model": values.model}
    for name in ("duration", "aspect_ratio", "resolution", *_TAKEN):
        given = getattr(values, name).strip()
        if given and (name not in _TAKEN or name in takes):
            body[name] = _number(given) if name in _NUMBERS else given
    for name in ("image", "last_image"):
        if name in takes and (given := getattr(values, f"{name}_id")):
            body[f"{name}_id"] = given
    if "audio" in takes:
        body["audio"] = values.audio
    if values.webhook_url.strip():
        body["webhook_url"] = values.webhook_url.strip()
    return body


def samples(public: str, body: dict[str, Any], once: str) -> dict[str, str]:
    """The call in each language. `once` is the idempotency key, so that sending it twice makes one video."""
    url = f"{public}/api/v1/generate"
    curl = " \\\n".join(
        (
            f"curl -X POST {shlex.quote(url)}",
            f'  -H "X-API-Key: ${KEY}"',
            f'  -H "Idempotency-Key: {once}"',
            '  -H "Content-Type: application/json"',
            f"  -d {shlex.quote(json.dumps(body, ensure_ascii=False, indent=2))}",
        )
    )
    lines = "".join(f"        {name!r}: {value!r},\n" for name, value in body.items())
    python = (
        "import os\n\nimport requests\n\n"
        f"answer = requests.post(\n    {url!r},\n"
        f'    headers={{"X-API-Key": os.environ["{KEY}"], "Idempotency-Key": "{once}"}},\n'
        f"    json={{\n{lines}    }},\n)\n"
        'answer.raise_for_status()\nprint(answer.json()["job_id"])'
    )
    script = (
        f"const answer = await fetch({json.dumps(url)}, {{\n"
        '  method: "POST",\n'
        f'  headers: {{ "X-API-Key": process.env.{KEY}, "Idempotency-Key": "{once}", "Content-Type": "application/json" }},\n'
        f"  body: JSON.stringify({json.dumps(body, ensure_ascii=False, indent=2)}),\n"
        "});\n"
        "if (!answer.ok) throw new Error((await answer.json()).detail);\n"
        "console.log((await answer.json()).job_id);"
    )
    return {"curl": curl, "python": python, "javascript": script}


def _page(values: Values, *, loose: bool) -> Response:
    models = choices(house().tools)
    named = next((each for each in models if each.id == values.model), None) or chosen_of(models, values)
    notes: list[str] = []
    if loose:
        notes.append("The picture is not part of this call: send it with POST /api/v1/images, and its id as image_id.")
    if values.enhance:
        notes.append("The prompt is sent as it stands. Preview and use the enhanced one to send that.")
    if values.count > 1:
        notes.append(f"It makes one of the {values.count} variations: send it again with the next seed for another.")
    texts = samples(house().settings.public, body_of(values, named.model.takes), new_id())
    return render("create/call.html", texts=texts, notes=notes)


def _number(text: str) -> float | int | str:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number
