"""What the simulated servers of `/v1/videos` take, each as its source has it (providers.md 4.1 and 4.3)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from tests.simulators.server import Request

WHOLE, POSITIVE = re.compile(r"\d+").fullmatch, re.compile(r"[1-9]\d*").fullmatch
SIZE = re.compile(r"[1-9]\d*x[1-9]\d*").fullmatch
NUMBER = re.compile(r"\d+(\.\d+)?").fullmatch
PICTURES = ("image/png", "image/jpeg", "image/webp")
MOST_PROMPT = 32_000

STANDARD = {"model": str, "prompt": str, "size": SIZE, "seconds": POSITIVE}
DIFFUSION = STANDARD | {
    "num_frames": POSITIVE,
    "fps": POSITIVE,
    "seed": WHOLE,
    "negative_prompt": str,
    "num_inference_steps": POSITIVE,
    "guidance_scale": NUMBER,
}


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How strict one kind of server is: fields, bodies, and what its answers look like."""

    fields: Mapping[str, Any]
    json: bool = True
    form: bool = True
    form_needs_picture: bool = False
    sides_of: int = 1
    prompts_listed: bool = True
    has_more: bool = True
    delete_stops: bool = False
    lists: bool = True


RULES = {
    "openai": Rules(fields=STANDARD),
    "sglang": Rules(fields=DIFFUSION, form_needs_picture=True, sides_of=16, prompts_listed=False, has_more=False),
    "vllm_omni": Rules(
        fields=DIFFUSION | {"generate_sound": re.compile("true|false").fullmatch},
        json=False,
        sides_of=16,
        delete_stops=True,
    ),
    "litellm": Rules(fields=STANDARD, lists=False),
}


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A body that was read: plain fields as they came, and the picture as (file name, type, bytes)."""

    fields: dict[str, Any]
    picture: tuple[str, str, bytes] | None = None
    as_form: bool = False


def read_body(request: Request) -> Sent | None:
    """The fields of a POST, or None when it is neither JSON nor a form."""
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        parsed = request.json()
        return Sent(fields=parsed) if isinstance(parsed, dict) else None
    if not kind.startswith("multipart/form-data"):
        return None
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + request.body)
    fields: dict[str, Any] = {}
    picture = None
    for part in message.iter_parts():
        name, content = str(part.get_param("name", header="content-disposition")), part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if part.get_filename():
            picture = (str(part.get_filename()), part.get_content_type(), content)
            if name != "input_reference":
                fields[name] = "(a file)"
        else:
            fields[name] = content.decode()
    return Sent(fields=fields, picture=picture, as_form=True)


def complaints(sent: Sent | None, rules: Rules) -> list[str]:
    """Everything that a server of this kind would refuse about a body."""
    if sent is None or (sent.as_form and not rules.form) or (not sent.as_form and not rules.json):
        return ["the body must be " + ("multipart/form-data" if rules.form and not rules.json else "JSON or a form")]
    found = [f"Unknown parameter: '{name}'." for name in sent.fields.keys() - rules.fields.keys()]
    for name, rule in rules.fields.items():
        value = sent.fields.get(name)
        if value is None:
            continue
        if rule is str and not isinstance(value, str):
            found.append(f"{name}: must be a string")
        elif rule is not str and (isinstance(value, bool) or not rule(str(value))):
            found.append(f"{name}: has the wrong form")
    prompt = sent.fields.get("prompt")
    if not isinstance(prompt, str) or not 1 <= len(prompt) <= MOST_PROMPT:
        found.append("prompt: is required")
    if not found and (size := sent.fields.get("size")):
        found += [f"size: {size} is not of {rules.sides_of}" for side in size.split("x") if int(side) % rules.sides_of]
    if sent.as_form and rules.form_needs_picture and sent.picture is None:
        found.append("input_reference file is required")
    if sent.picture and (sent.picture[1] not in PICTURES or not sent.picture[2]):
        found.append("input_reference: must be a picture")
    return found


def canonical(sent: Sent) -> str:
    """A body as one text: what is equal is one wish."""
    return json.dumps([sent.fields, sent.picture and len(sent.picture[2])], sort_keys=True)
