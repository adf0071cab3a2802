"""What Vertex's answers mean: to a paid request, to a look, and an operation that is over (providers.md 2.3).

An operation says `done` and nothing else of its state. Done with an error comes as HTTP 200; done without a video is
Google's way to say that its safety check took it away, charged or not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from vividflow.errors import Outcome, Refused, Transient
from vividflow.providers import outcomes
from vividflow.providers.base import Operation, OperationStatus, Output
from vividflow.providers.vertex_line import Told

if TYPE_CHECKING:
    from google.genai import types

VENDOR = "Google Cloud"
KEY_REFUSED_SECONDS = 30.0
POLICY = re.compile(r"violat|usage guideline|responsible ai|support code|safety|sensitive|blocked", re.IGNORECASE)
NO_LONGER = re.compile(r"no longer|retired|shut ?down|discontinued|deprecated", re.IGNORECASE)
RETRY_DELAY = re.compile(r"(\d+(?:\.\d+)?)s")
BUSY = (8, 14)  # RESOURCE_EXHAUSTED, UNAVAILABLE of google.rpc.Code


def meaning(told: Told) -> Outcome:
    """What an answer other than 200 says of a paid request."""
    match told.status:
        case 400 if POLICY.search(told.message):
            return Refused("content_policy", outcomes.CONTENT_SENTENCE)
        case 400 if NO_LONGER.search(told.message) and "model" in told.message.lower():
            return outcomes.submit_outcome(404, vendor=VENDOR)
        case 403:
            sentence = (
                f"{VENDOR} does not let this project use Veo. The operator has to look at its rights and billing."
            )
            return Refused("provider_forbidden", sentence, pauses=True)
    wait = outcomes.retry_after_seconds(told.retry_after)
    if wait is None:
        wait = _retry_delay(told.details)
    return outcomes.submit_outcome(told.status, vendor=VENDOR, detail=told.message, retry_after=wait)


def for_now(told: Told) -> Transient:
    """What it says of a look: always that it may be repeated."""
    found = meaning(told)
    if isinstance(found, Transient):
        return found
    if isinstance(found, Refused) and found.pauses:
        return key_refused_for_now(found)
    return outcomes.unreachable(VENDOR)


def key_refused() -> Refused:
    """There are no credentials, or Google does not take them."""
    return Refused("provider_key_refused", f"{VENDOR} does not accept the configured credentials.", pauses=True)


def key_refused_for_now(refused: Refused) -> Transient:
    """The same, of a look: the operator may set it right before the deadline."""
    return Transient(refused.code, refused.message, retry_after=KEY_REFUSED_SECONDS, counts=False)


def unreadable() -> Transient:
    """An answer that makes no sense: no news."""
    return Transient("bad_answer", f"{VENDOR} gave an answer that cannot be read; asking again.")


def read(found: types.GenerateVideosOperation, operation_id: str, prefix: str | None) -> Operation:
    """The operation as it is now. `prefix` is the order's own place in the bucket, None when results come inline.

    Raises `Transient` for another operation's answer, and for a result that lies outside the order's own place.
    """
    if found.name != operation_id:
        raise unreadable()
    if not found.done:
        return Operation(id=operation_id, status=OperationStatus.RUNNING)
    if found.error:
        return _failed(operation_id, found.error)
    made = found.response
    if made is None:
        raise unreadable()
    if not made.generated_videos:
        return _filtered(operation_id, made.rai_media_filtered_reasons or [])
    first = made.generated_videos[0].video
    if first is None:
        raise unreadable()
    if first.uri is not None:
        if prefix is None or not lies_under(first.uri, prefix):
            raise unreadable()
        return succeeded(operation_id, Output(gs_uri=first.uri))
    if not first.video_bytes:
        raise unreadable()
    return succeeded(operation_id, Output(data=first.video_bytes))


def succeeded(operation_id: str, output: Output) -> Operation:
    """An operation that is over and has this result."""
    return Operation(id=operation_id, status=OperationStatus.SUCCEEDED, outputs=(output,))


def lies_under(uri: str, prefix: str) -> bool:
    """Whether an object is in the place that was given to its order, and nowhere else."""
    rest = uri.removeprefix(prefix)
    return rest != uri and rest.isprintable() and not {"", ".", ".."} & set(rest.split("/"))


def _failed(operation_id: str, error: dict[str, Any]) -> Operation:
    told, number = str(error.get("message") or ""), error.get("code")
    code, sentence = outcomes.failure_words(VENDOR, told)
    if code == "provider_failed" and POLICY.search(told):
        code, sentence = "content_policy", outcomes.CONTENT_SENTENCE
    elif code == "provider_failed" and number in BUSY:
        code, sentence = "provider_overloaded", f"{VENDOR} had too much to do for this clip. Try again in a while."
    return Operation(id=operation_id, status=OperationStatus.FAILED, error_code=code, error_message=sentence)


def _filtered(operation_id: str, reasons: list[str]) -> Operation:
    codes = ", ".join(re.findall(r"[Ss]upport codes?:\s*([\d, ]+\d)", " ".join(str(each) for each in reasons)))
    sentence = f"{outcomes.CONTENT_SENTENCE} (Google's support code: {codes})" if codes else outcomes.CONTENT_SENTENCE
    return Operation(
        id=operation_id, status=OperationStatus.FAILED, error_code="content_policy", error_message=sentence
    )


def _retry_delay(details: list[dict[str, Any]]) -> float | None:
    """The delay of a google.rpc.RetryInfo, in seconds."""
    for each in details:
        found = RETRY_DELAY.fullmatch(str(each.get("retryDelay", "")))
        if found:
            return float(found[1])
    return None
