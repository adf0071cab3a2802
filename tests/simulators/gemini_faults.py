"""The faults of the simulated Gemini: their names by stage, and the replies that they are."""

from __future__ import annotations

from typing import Any

from tests.simulators.gemini_interaction import FATES
from tests.simulators.replicate_faults import ACCEPTED, ELSEWHERE, FOR_EVER, HTML, NOT_ACCEPTED
from tests.simulators.replicate_faults import STAGES as REPLICATE_STAGES
from tests.simulators.server import Close, Half, Reply, SimFault, json_reply
from tests.simulators.webhooks import FAULTS as WEBHOOK_FAULTS

REFUSED = (*NOT_ACCEPTED, "wrong_key", "rate_limited_in_body")
TEXT = (
    "text_blocked",
    "text_filtered",
    "text_cut",
    "text_short",
    "text_hollow",
    "text_empty",
    "text_garbage",
    "text_not_json",
    "text_long",
    "text_unauthorized",
    "text_no_credit",
    "text_rate_limited",
    "text_error",
    "text_retired",
    "text_slow",
    "text_close",
)
STAGES = {
    "submit": ACCEPTED + REFUSED,
    "fate": FATES,
    "poll": REPLICATE_STAGES["poll"],
    "cancel": ("cancel_error",),
    "keys": ("keys_error", "keys_garbage"),
    "text": TEXT,
    "output": REPLICATE_STAGES["output"],
    "webhook": WEBHOOK_FAULTS,
}


def error(status: int, word: str, message: str, details: list[Any] | None = None, *, retry_after: str = "") -> Reply:
    """An error as the service words it."""
    body: dict[str, Any] = {"code": status, "message": message, "status": word}
    headers = {"Retry_After": retry_after} if retry_after else {}
    return json_reply({"error": body | ({"details": details} if details else {})}, status, **headers)


def refusal(fault: SimFault) -> Reply:
    """What a submit that was not accepted is answered."""
    more = fault.more
    match fault.name:
        case "read_then_close":
            return Close()
        case "hang_unaccepted":
            return Close(seconds=more.get("seconds", FOR_EVER))
        case "rate_limited":
            wait = str(more.get("retry_after", ""))
            return error(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).", retry_after=wait)
        case "rate_limited_in_body":
            info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": more.get("delay", "37s")}
            return error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", ["odd", info])
        case "redirect":
            return Reply(status=307, headers={"Location": more.get("to", ELSEWHERE)})
        case "unauthorized":
            return error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        case "wrong_key":
            reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
            return error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", [reason])
        case "no_credit":
            return error(402, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted.")
        case "forbidden":
            return error(403, "PERMISSION_DENIED", "The caller does not have permission.")
        case "retired":
            return error(404, "NOT_FOUND", "This model is no longer available.")
        case "invalid":
            return error(400, "INVALID_ARGUMENT", "response_format.duration: must be between 3s and 15s")
        case "content_refused":
            return error(400, "INVALID_ARGUMENT", "The prompt was blocked by the safety filters.")
    return error(more.get("status", 503), "UNAVAILABLE", "The service is currently unavailable.")


def spoiled(fault: SimFault, answer: Reply) -> Reply:
    """The answer to an accepted submit, on its way to nobody."""
    more = fault.more
    match fault.name:
        case "accept_then_close":
            return Close()
        case "read_then_hang":
            return Close(seconds=more.get("seconds", FOR_EVER))
        case "half_answer":
            return Half(status=200, body=answer.body, headers=answer.headers)
        case "error_after":
            return error(more.get("status", 500), "INTERNAL", "Internal error encountered.")
        case "html_200":
            return Reply(body=b"<html><body>OK</body></html>", headers=HTML)
        case "empty_200":
            return Reply()
        case "no_id_200":
            return json_reply({"status": "in_progress"})
    answer.seconds = more.get("seconds", 1)
    return answer


def bad_look(fault: SimFault, answer: Reply) -> Reply:
    """What a look is answered instead of `answer`."""
    match fault.name.partition("_")[2]:
        case "garbage":
            return Reply(body=b"<html>bad gateway</html>", headers=HTML)
        case "close":
            return Close()
        case "rate_limited":
            return error(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", retry_after="7")
        case "missing":
            return error(404, "NOT_FOUND", "Requested entity was not found.")
        case "other":
            return Reply(body=answer.body.replace(b'"id": "', b'"id": "x', 1), headers=answer.headers)
    return error(fault.more.get("status", 500), "INTERNAL", "Internal error encountered.")
