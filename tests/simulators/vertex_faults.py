"""The faults of the simulated Veo: their names by stage, and the replies that they are."""

from __future__ import annotations

import json
import random
from typing import Any

from tests.simulators.server import Close, Drip, Half, Reply, SimFault, json_reply

# Accepted and paid, but the answer is lost or useless.
ACCEPTED = (
    "accept_then_close",
    "read_then_hang",
    "half_answer",
    "error_after",
    "garbage_200",
    "html_200",
    "empty_200",
    "no_name_200",
    "wrong_type_200",
    "other_name_200",
    "huge_200",
    "slow_answer",
    "trickle",
)
# Refused, or never read.
NOT_ACCEPTED = (
    "read_then_close",
    "hang_unaccepted",
    "rate_limited",
    "error_before",
    "redirect",
    "unauthorized",
    "no_credit",
    "forbidden",
    "retired",
    "unknown_model",
    "invalid",
    "content_refused",
)
FATES = ("filtered", "failed", "failed_busy", "failed_policy", "no_video", "never_done")
OBJECTS = ("object_missing", "object_late", "elsewhere", "traversal")
POLLS = (
    "poll_error",
    "poll_garbage",
    "poll_html",
    "poll_empty",
    "poll_shape",
    "poll_close",
    "poll_half",
    "poll_huge",
    "poll_slow",
    "poll_rate_limited",
    "poll_unauthorized",
    "poll_forbidden",
    "poll_redirect",
    "poll_missing",
    "poll_other",
    "poll_elsewhere",
)
STAGES = {
    "submit": ACCEPTED + NOT_ACCEPTED,
    "fate": FATES,
    "place": OBJECTS,
    "poll": POLLS,
    "list": ("list_error", "list_forbidden", "list_garbage", "list_shape", "list_close"),
    "object": (
        "object_404",
        "object_error",
        "object_short",
        "object_corrupt",
        "object_zero",
        "object_html",
        "object_slow",
    ),
}

HTML = {"Content-Type": "text/html"}
ELSEWHERE = "http://127.0.0.1:9/elsewhere"
FOR_EVER = 3600.0
HUGE = 300 * 1024**2
WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "RESOURCE_EXHAUSTED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
SENTENCES = {
    "no_credit": (402, "Your prepayment credits are depleted."),
    "unauthorized": (401, "Request had invalid authentication credentials."),
    "forbidden": (403, "Permission 'aiplatform.endpoints.predict' denied on resource."),
    "retired": (404, "Publisher Model is no longer available. Please use a newer model."),
    "unknown_model": (404, "Publisher Model was not found or your project does not have access to it."),
    "invalid": (400, "Unsupported output video duration 5 seconds, supported durations are [8,4,6]."),
    "content_refused": (400, "The image violates Google's Responsible AI practices. Support codes: 17301594"),
}


def problem(status: int, message: str, details: list[Any] | None = None, **headers: str) -> Reply:
    """An error as Google words it."""
    error = {"code": status, "message": message, "status": WORDS.get(status, "UNKNOWN")}
    return json_reply({"error": error | ({"details": details} if details else {})}, status, **headers)


def refusal(fault: SimFault) -> Reply:
    """What a submit that was not accepted is answered."""
    more = fault.more
    match fault.name:
        case "read_then_close":
            return Close()
        case "hang_unaccepted":
            return Close(seconds=more.get("seconds", FOR_EVER))
        case "rate_limited":
            return too_many(fault)
        case "redirect":
            return Reply(status=307, headers={"Location": more.get("to", ELSEWHERE)})
        case name if name in SENTENCES:
            status, sentence = SENTENCES[name]
            return problem(status, more.get("message", sentence))
    return problem(more.get("status", 503), "The service is currently unavailable.")


def too_many(fault: SimFault) -> Reply:
    """A 429, with Retry-After (`retry_after`), with Google's own RetryInfo (`retry_delay`), or with neither."""
    more = fault.more
    headers = {"Retry_After": str(more["retry_after"])} if "retry_after" in more else {}
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": more.get("retry_delay")}
    details = [info] if "retry_delay" in more else None
    return problem(429, "Quota exceeded for aiplatform.googleapis.com/online_prediction.", details, **headers)


def spoiled(fault: SimFault, answer: Reply, other: str) -> Reply:
    """The answer to an accepted submit, on its way to nobody; `other` is the name of somebody else's operation."""
    more = fault.more
    match fault.name:
        case "accept_then_close":
            return Close()
        case "read_then_hang":
            return Close(seconds=more.get("seconds", FOR_EVER))
        case "half_answer":
            return Half(body=answer.body, headers=answer.headers)
        case "error_after":
            return problem(more.get("status", 503), "The service is currently unavailable.")
        case "no_name_200":
            return json_reply({"metadata": {}})
        case "wrong_type_200":
            return json_reply({"name": 17, "done": "perhaps"})
        case "other_name_200":
            return json_reply({"name": other})
        case "slow_answer":
            answer.seconds = more.get("seconds", 1)
            return answer
        case "trickle":
            return Drip(body=answer.body, headers=answer.headers, seconds=more.get("seconds", 5))
    return nonsense(fault.name.removesuffix("_200"))


def bad_look(fault: SimFault, answer: Reply, operation: dict[str, Any], other: str) -> Reply:
    """What a look is answered instead of `answer`."""
    more = fault.more
    match fault.name.removeprefix("poll_"):
        case "close":
            return Close()
        case "half":
            return Half(body=answer.body, headers=answer.headers)
        case "slow":
            answer.seconds = more.get("seconds", 1)
            return answer
        case "rate_limited":
            return too_many(fault)
        case "redirect":
            return Reply(status=307, headers={"Location": more.get("to", ELSEWHERE)})
        case "unauthorized" | "forbidden" as name:
            status, sentence = SENTENCES[name]
            return problem(status, sentence)
        case "missing":
            return problem(404, "Operation was not found.")
        case "shape":
            return json_reply(more.get("value", {"name": operation["name"], "done": True, "response": {"videos": [7]}}))
        case "other":
            return json_reply(operation | {"name": other})
        case "elsewhere":
            video = {"gcsUri": more.get("uri", "gs://somebody-else/film.mp4"), "mimeType": "video/mp4"}
            return json_reply({"name": operation["name"], "done": True, "response": {"videos": [video]}})
        case "garbage" | "html" | "empty" | "huge" as name:
            return nonsense(name)
    return problem(more.get("status", 500), "Internal error encountered.")


def bad_object(fault: SimFault, film: bytes, headers: dict[str, str]) -> Reply:
    """What a result is answered instead of `film`."""
    match fault.name:
        case "object_error":
            return problem(fault.more.get("status", 503), "Backend Error")
        case "object_short":
            return Half(body=film, headers=headers)
        case "object_corrupt":
            return Reply(body=film[:32] + random.randbytes(len(film)))
        case "object_html":
            return Reply(body=b"<html>Sign in</html>", headers=HTML)
        case "object_zero":
            return Reply(headers={"Content-Type": "video/mp4"})
        case "object_slow":
            return Drip(body=film, headers=headers, seconds=fault.more.get("seconds", 2))
    return problem(404, "No such object")


def bad_list(fault: SimFault) -> Reply:
    """What a list of a place is answered."""
    match fault.name:
        case "list_close":
            return Close()
        case "list_garbage":
            return nonsense("garbage")
        case "list_shape":
            return json_reply(fault.more.get("value"))
        case "list_forbidden":
            return problem(403, "storage.objects.list denied")
    return problem(fault.more.get("status", 503), "Backend Error")


def nonsense(kind: str) -> Reply:
    """A 200 that says nothing: half a JSON text, a page, nothing at all, or far too much."""
    match kind:
        case "html":
            return Reply(body=b"<html><body>OK</body></html>", headers=HTML)
        case "empty":
            return Reply()
        case "huge":
            return _Huge(headers={"Content-Type": "application/json"}, length=HUGE)
    return Reply(body=json.dumps({"name": "projects/p/operations/x"}).encode()[:-5], headers=HTML)


class _Huge(Reply):
    """A JSON answer of 300 MB, sent in pieces."""

    def send(self, connection: Any, stopping: Any) -> bool:
        connection.sendall(self.head())
        piece = b" " * 65536
        for _ in range(HUGE // len(piece)):
            if stopping.is_set():
                break
            connection.sendall(piece)
        return False
