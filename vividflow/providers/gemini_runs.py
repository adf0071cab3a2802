"""Reading one interaction object of Gemini (providers.md 2.4): what has become of an order."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from typing import Any

from vividflow.providers import outcomes
from vividflow.providers.answer import id_of
from vividflow.providers.base import Operation, OperationStatus, Output
from vividflow.providers.google_line import VENDOR

Run = dict[str, Any]


def identity(run: Run) -> str:
    """The interaction's id, or "" when there is none."""
    return id_of(run.get("id")).removeprefix("interactions/")


def read_run(run: Run, place: Callable[[str], str]) -> Operation:
    """The operation that an interaction tells of; `place` says where a result's address is really fetched.

    Words that are new count as running, and so does what the service itself goes on with: only the deadline ends what is
    not understood.
    """
    name = identity(run)
    match run.get("status"):
        case "completed":
            outputs = tuple(_outputs(run, place))
            if outputs:
                return Operation(id=name, status=OperationStatus.SUCCEEDED, progress=100, outputs=outputs)
            return _without_a_clip(name, run)
        case "failed":
            code, sentence = outcomes.failure_words(VENDOR, _errors(run))
            return _ended(name, code, sentence)
        case "cancelled":
            return _ended(name, "provider_cancelled", f"The run was stopped at {VENDOR}.", cancelled=True)
        case "incomplete" | "budget_exceeded":
            return _ended(name, "provider_failed", f"{VENDOR} gave this clip up before it was done.")
    return Operation(id=name, status=OperationStatus.RUNNING)


def _outputs(run: Run, place: Callable[[str], str]) -> Iterator[Output]:
    for part in _content(run):
        if part.get("type") != "video":
            continue
        uri, data = part.get("uri"), part.get("data")
        if isinstance(uri, str) and uri:
            yield Output(url=place(uri))
        elif isinstance(data, str) and (film := _decoded(data)):
            yield Output(data=film)


def _content(run: Run) -> Iterator[Run]:
    steps = run.get("steps")
    for step in steps if isinstance(steps, list) else []:
        content = step.get("content") if isinstance(step, dict) and step.get("type") != "user_input" else None
        yield from (part for part in (content if isinstance(content, list) else []) if isinstance(part, dict))


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _without_a_clip(name: str, run: Run) -> Operation:
    # What the filters keep back is left out of a finished run, with or without a reason beside it.
    if outcomes.CONTENT.search(_errors(run)):
        return _ended(name, "content_policy", outcomes.CONTENT_SENTENCE)
    sentence = f"{VENDOR} finished without a clip, as it does when its content check keeps one back. Change the prompt."
    return _ended(name, "no_result", sentence)


def _errors(run: Run) -> str:
    errors = run.get("errors")
    told = [each for each in (errors if isinstance(errors, list) else [run.get("error")]) if isinstance(each, dict)]
    return " ".join(f"{each.get('code') or ''} {each.get('message') or ''}" for each in told)


def _ended(name: str, code: str, sentence: str, *, cancelled: bool = False) -> Operation:
    # Whether a failed or stopped run is charged is not documented.
    return Operation(
        id=name, status=OperationStatus.FAILED, error_code=code, error_message=sentence, cancelled=cancelled
    )
