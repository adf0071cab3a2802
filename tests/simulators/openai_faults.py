"""The faults of the simulated servers of `/v1/videos`: their names by stage, and the replies that they are."""

from __future__ import annotations

from tests.simulators.list_faults import LIST_FAULTS, wrong_answer
from tests.simulators.openai_job import FATES
from tests.simulators.replicate_faults import ACCEPTED, ELSEWHERE, FOR_EVER, HTML, bad_output
from tests.simulators.replicate_faults import NOT_ACCEPTED as REFUSED
from tests.simulators.server import Close, Half, Reply, SimFault, json_reply

__all__ = ["ACCEPTED", "NOT_ACCEPTED", "STAGES", "bad_look", "bad_output", "refusal", "spoiled", "trouble"]

NOT_ACCEPTED = REFUSED
STAGES = {
    "submit": ACCEPTED + NOT_ACCEPTED,
    "fate": FATES,
    "poll": (
        "poll_error",
        "poll_garbage",
        "poll_close",
        "poll_rate_limited",
        "poll_missing",
        "poll_gateway_404",
        "poll_other",
        "poll_unauthorized",
    ),
    "list": (
        "list_error",
        "list_close",
        "list_garbage",
        "list_missing",
        "list_rate_limited",
        "list_stuck",
        "list_without_prompts",
        *LIST_FAULTS,
    ),
    "delete": ("delete_busy", "delete_error", "delete_unknown"),
    "output": (
        "output_404",
        "output_expired",
        "output_short",
        "output_html",
        "output_corrupt",
        "output_zero",
        "output_slow",
        "output_redirect",
    ),
}


def trouble(status: int, message: str, code: str | None = None, **headers: str) -> Reply:
    """An error as OpenAI words it."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    return json_reply({"error": {"message": message, "type": kind, "code": code, "param": None}}, status, **headers)


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
            return trouble(429, "Too many requests", "rate_limit_exceeded", **wait)
        case "redirect":
            return Reply(status=307, headers={"Location": more.get("to", ELSEWHERE)})
        case "unauthorized":
            return trouble(401, "Incorrect API key provided: sk-sim*******ated", "invalid_api_key")
        case "no_credit":
            return trouble(402, "You exceeded your current quota", "insufficient_quota")
        case "forbidden":
            return trouble(403, "Project does not have access", "permission_denied")
        case "retired":
            return trouble(404, "The model `wan` does not exist", "model_not_found")
        case "invalid":
            detail = [{"loc": ["body", "num_frames"], "msg": "Input should be less than or equal to 100"}]
            return json_reply({"detail": detail}, 422)
        case "content_refused":
            return trouble(400, "Your request was blocked by our moderation system.", "moderation_blocked")
    return trouble(more.get("status", 503), "The server is overloaded")


def spoiled(fault: SimFault, answer: Reply) -> Reply:
    """The answer to an accepted submit, on its way to nobody."""
    more = fault.more
    match fault.name:
        case "accept_then_close":
            return Close()
        case "read_then_hang":
            return Close(seconds=more.get("seconds", FOR_EVER))
        case "half_answer":
            return Half(body=answer.body, headers=answer.headers)
        case "error_after":
            return trouble(more.get("status", 502), "Bad gateway")
        case "html_200":
            return Reply(body=b"<html><body>OK</body></html>", headers=HTML)
        case "empty_200":
            return Reply()
        case "no_id_200":
            return json_reply({"status": "queued"})
    answer.seconds = more.get("seconds", 1)
    return answer


def bad_look(fault: SimFault, answer: Reply) -> Reply:
    """What a GET of a job or of the list is answered instead of `answer`."""
    if (wrong := wrong_answer(fault, answer, lambda: json_reply({"detail": "Not Found"}, 404))) is not None:
        return wrong
    match fault.name.partition("_")[2]:
        case "garbage":
            return Reply(body=b"<html>bad gateway</html>", headers=HTML)
        case "close":
            return Close()
        case "rate_limited":
            return trouble(429, "Too many requests", Retry_After="7")
        case "missing":
            return json_reply({"detail": "Video not found"}, 404)
        case "gateway_404":
            return Reply(status=404, body=b"404 page not found", headers={"Content-Type": "text/plain"})
        case "unauthorized":
            return trouble(401, "Incorrect API key provided", "invalid_api_key")
        case "other":
            return Reply(body=answer.body.replace(b'"id": "', b'"id": "x', 1), headers=answer.headers)
    return trouble(fault.more.get("status", 500), "Internal error")
