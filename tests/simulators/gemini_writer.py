"""The writing model of the simulated Gemini: a well-formed answer to `generateContent`, or one that misbehaves."""

from __future__ import annotations

import json
from typing import Any

from tests.simulators.gemini_faults import error, refusal
from tests.simulators.replicate_faults import HTML
from tests.simulators.server import Close, Reply, SimFault, json_reply

REFUSALS = {
    "text_unauthorized": "wrong_key",
    "text_no_credit": "no_credit",
    "text_rate_limited": "rate_limited",
    "text_retired": "retired",
}


def written(body: dict[str, Any]) -> str:
    """What the model makes of a prompt here."""
    return f"{body['contents'][0]['parts'][0]['text']} A wide shot in soft light, the camera drifting."


def fitting_schema(body: dict[str, Any]) -> dict[str, Any]:
    """The schema that was asked for; without one an object with a prompt."""
    given = body.get("generationConfig", {}).get("responseJsonSchema", {})
    return given if given.get("properties") else {"type": "object", "properties": {"prompt": {}}}


def fitting(body: dict[str, Any]) -> Any:
    """An answer of the schema that was asked for: every property there, lists as long as they must be."""
    return _made_of(body, fitting_schema(body))


def _made_of(body: dict[str, Any], schema: dict[str, Any], name: str = "", fill: str | None = None) -> Any:
    match schema.get("type", "string"):
        case "object":
            return {key: _made_of(body, each, key, fill) for key, each in schema["properties"].items()}
        case "array":
            return [
                _made_of(body, schema["items"], f"{name} {number}", fill)
                for number in range(1, schema.get("minItems", 1) + 1)
            ]
        case "integer" | "number":
            return schema.get("minimum", 1)
    if fill is not None:
        return fill
    return written(body) if name == "prompt" else f"{name}: {body['contents'][0]['parts'][0]['text'][:300]}"


def answer(text: str, reason: str = "STOP", **more: Any) -> Reply:
    """A whole answer of one candidate."""
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": reason, "index": 0}
    usage = {"promptTokenCount": 30, "candidatesTokenCount": 40, "totalTokenCount": 70}
    return json_reply({"candidates": [candidate], "usageMetadata": usage, **more})


def reply(body: dict[str, Any], fault: SimFault | None) -> Reply:
    """The answer to an accepted body, with the fault in it."""
    made = fitting(body)
    good = json.dumps(made)
    if fault is None:
        return answer(good)
    match fault.name:
        case "text_blocked":
            return json_reply({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})
        case "text_filtered":
            return json_reply({"candidates": [{"finishReason": "SAFETY", "index": 0}]})
        case "text_short":  # a list with one thing too few, whatever the schema says
            return answer(json.dumps({name: value[:-1] for name, value in made.items()}))
        case "text_hollow":
            return answer(json.dumps(_made_of(body, fitting_schema(body), fill=" ")))
        case "text_cut":
            return answer(good[: len(good) // 2], "MAX_TOKENS")
        case "text_empty":
            return json_reply({"usageMetadata": {}})
        case "text_garbage":
            return Reply(body=b"<html>OK</html>", headers=HTML)
        case "text_not_json":
            return answer("Here is your prompt: a boat")
        case "text_long":
            return answer(json.dumps({"prompt": "A boat drifts over the quiet lake. " * 60}))
        case "text_slow":
            slow = answer(good)
            slow.seconds = fault.more.get("seconds", 60)
            return slow
        case "text_close":
            return Close()
        case "text_error":
            return error(fault.more.get("status", 503), "UNAVAILABLE", "The model is overloaded.")
    return refusal(SimFault(name=REFUSALS[fault.name], more=fault.more))
