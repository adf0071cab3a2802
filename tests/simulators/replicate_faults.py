"""The faults of the simulated Replicate: their names by stage, and the replies that they are."""

from __future__ import annotations

import random

from tests.simulators.list_faults import LIST_FAULTS, wrong_answer
from tests.simulators.replicate_prediction import FATES
from tests.simulators.server import Close, Drip, Endless, Half, Reply, SimFault, json_reply
from tests.simulators.webhooks import FAULTS as WEBHOOK_FAULTS

# Accepted and paid, but the answer is lost or useless.
ACCEPTED = (
    "accept_then_close",
    "read_then_hang",
    "half_answer",
    "error_after",
    "html_200",
    "empty_200",
    "no_id_200",
    "slow_answer",
)
# Refused, never read, or (accept_late) accepted only after the caller has lost patience.
NOT_ACCEPTED = (
    "read_then_close",
    "hang_unaccepted",
    "accept_late",
    "rate_limited",
    "error_before",
    "redirect",
    "unauthorized",
    "no_credit",
    "forbidden",
    "retired",
    "invalid",
    "content_refused",
)
STAGES = {
    "submit": ACCEPTED + NOT_ACCEPTED,
    "fate": FATES,
    "poll": ("poll_error", "poll_garbage", "poll_close", "poll_rate_limited", "poll_missing", "poll_other"),
    "list": ("list_error", "list_close", "list_garbage", "list_rate_limited", *LIST_FAULTS),
    "cancel": ("cancel_error",),
    "files": ("files_error", "files_rate_limited"),
    "secret": ("secret_error",),
    "model": ("model_missing",),
    "output": (
        "output_404",
        "output_expired",
        "output_short",
        "output_html",
        "output_corrupt",
        "output_zero",
        "output_slow",
        "output_endless",
        "output_redirect",
    ),
    "webhook": WEBHOOK_FAULTS,
}

NOT_FOUND = "The requested resource could not be found."
HTML = {"Content-Type": "text/html"}
ELSEWHERE = "http://127.0.0.1:9/elsewhere"
FOR_EVER = 3600.0


def problem(status: int, title: str, detail: str, **headers: str) -> Reply:
    """An error as the service words it."""
    return json_reply({"title": title, "detail": detail, "status": status}, status, **headers)


def refusal(fault: SimFault) -> Reply:
    """What a submit that was not accepted is answered."""
    more = fault.more
    match fault.name:
        case "read_then_close":
            return Close()
        case "hang_unaccepted":
            return Close(seconds=more.get("seconds", FOR_EVER))
        case "rate_limited":
            wait = {"Retry_After": str(more["retry_after"])} if "retry_after" in more else {}
            return problem(429, "Throttled", more.get("detail", "Request was throttled."), **wait)
        case "redirect":
            return Reply(status=307, headers={"Location": more.get("to", ELSEWHERE)})
        case "unauthorized":
            return problem(401, "Unauthenticated", "You did not pass a valid authentication token")
        case "no_credit":
            return problem(402, "Insufficient credit", "You have insufficient credit to run this model.")
        case "forbidden":
            return problem(403, "Forbidden", "You are not allowed to run this model.")
        case "retired":
            return problem(404, "Not found", NOT_FOUND)
        case "invalid":
            return problem(422, "Input validation failed", "- input.num_frames: Must be less than or equal to 100")
        case "content_refused":
            return problem(422, "Input validation failed", "The input was flagged as sensitive (E005).")
    return problem(more.get("status", 503), "Service unavailable", "")


def spoiled(fault: SimFault, answer: Reply) -> Reply:
    """The answer to an accepted submit, on its way to nobody."""
    more = fault.more
    match fault.name:
        case "accept_then_close":
            return Close()
        case "read_then_hang":
            return Close(seconds=more.get("seconds", FOR_EVER))
        case "half_answer":
            return Half(status=201, body=answer.body, headers=answer.headers)
        case "error_after":
            return problem(more.get("status", 502), "Bad gateway", "")
        case "html_200":
            return Reply(body=b"<html><body>OK</body></html>", headers=HTML)
        case "empty_200":
            return Reply()
        case "no_id_200":
            return json_reply({"status": "starting"}, 201)
    answer.seconds = more.get("seconds", 1)
    return answer


def bad_look(fault: SimFault, answer: Reply) -> Reply:
    """What a GET of a prediction or of the list is answered instead of `answer`."""
    if (wrong := wrong_answer(fault, answer, lambda: problem(404, "Not found", NOT_FOUND))) is not None:
        return wrong
    match fault.name.partition("_")[2]:
        case "garbage":
            return Reply(body=b"<html>bad gateway</html>", headers=HTML)
        case "close":
            return Close()
        case "rate_limited":
            return problem(429, "Throttled", "Request was throttled.", Retry_After="7")
        case "missing":
            return problem(404, "Not found", NOT_FOUND)
        case "other":
            return Reply(body=answer.body.replace(b'"id": "', b'"id": "x', 1), headers=answer.headers)
    return problem(fault.more.get("status", 500), "Internal error", "")


def bad_output(fault: SimFault, movie: bytes, headers: dict[str, str]) -> Reply:
    """What a result is answered instead of `movie`."""
    more = fault.more
    match fault.name:
        case "output_expired":
            return Reply(status=403, body=b"<Error>Request has expired</Error>")
        case "output_short":
            return Half(body=movie, headers=headers)
        case "output_html":
            return Reply(body=b"<html>Sign in</html>", headers=HTML)
        case "output_corrupt":
            return Reply(body=movie[:32] + random.randbytes(len(movie)), headers=headers)
        case "output_zero":
            return Reply(headers=headers)
        case "output_slow":
            return Drip(body=movie, headers=headers, seconds=more.get("seconds", 5))
        case "output_endless":
            return Endless(body=movie, headers=headers)
        case "output_redirect":
            return Reply(status=302, headers={"Location": more.get("to", ELSEWHERE)})
    return Reply(status=404)
