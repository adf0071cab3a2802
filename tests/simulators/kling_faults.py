"""The faults of the simulated Kling: their names by stage, and the replies that they are."""

from __future__ import annotations

import json

from tests.simulators.kling_task import FATES
from tests.simulators.list_faults import LIST_FAULTS, wrong_answer
from tests.simulators.replicate_faults import STAGES as REPLICATE_STAGES
from tests.simulators.server import Close, Endless, Half, Reply, SimFault, json_reply

# Accepted and paid, but the answer is lost, useless or about somebody else.
ACCEPTED = (
    "accept_then_close",
    "read_then_hang",
    "half_answer",
    "error_after",
    "code_after",
    "html_200",
    "empty_200",
    "no_id_200",
    "deep_200",
    "huge_200",
    "endless_200",
    "other_id_200",
    "slow_answer",
    "sent_twice",
    "sent_twice_409",
)
# Refused, never read, or (accept_late) accepted only after the caller has lost patience.
NOT_ACCEPTED = ("read_then_close", "hang_unaccepted", "accept_late", "error_before", "redirect", "html_404", "refused")
LOOKS = (
    "error",
    "garbage",
    "deep",
    "close",
    "huge",
    "endless",
    "busy",
    "missing",
    "html_404",
    "other",
    "others_task",
    "code_200",
)
STAGES = {
    "token": ("token_refused",),
    "submit": ACCEPTED + NOT_ACCEPTED,
    "fate": FATES,
    "poll": tuple(f"poll_{name}" for name in LOOKS),
    "ask": tuple(f"ask_{name}" for name in LOOKS),
    "list": (*(f"list_{name}" for name in ("error", "close", "garbage", "busy", "code_200")), *LIST_FAULTS),
    "output": REPLICATE_STAGES["output"],
    "webhook": ("webhook_dropped", "webhook_duplicate", "webhook_others_task"),
}

STATUS_OF = {
    **dict.fromkeys((1000, 1001, 1002, 1003, 1004), 401),
    **dict.fromkeys((1100, 1101, 1102, 1302, 1303, 1304), 429),
    **dict.fromkeys((1200, 1201, 1300, 1301), 400),
    **dict.fromkeys((1202, 1203), 404),
    1103: 403,
    5000: 500,
    5001: 503,
    5002: 504,
}
MESSAGES = {
    1003: "Authorization is not yet valid",
    1004: "Authorization has expired",
    1101: "Account balance not enough",
    1201: "Invalid request parameters",
    1203: "The requested resource does not exist",
    1301: "Failure to pass the risk control system",
    1303: "parallel task over resource pack limit",
}
HTML = {"Content-Type": "text/html"}
ELSEWHERE = "http://127.0.0.1:9/elsewhere"
FOR_EVER = 3600.0
HUGE = 10 * 1024 * 1024
DEPTH = 200_000


def coded(code: int, message: str = "", status: int | None = None, **headers: str) -> Reply:
    """An error as the service words it."""
    said = {"code": code, "message": message or MESSAGES.get(code, f"Error {code}"), "request_id": "sim"}
    return json_reply(said, STATUS_OF.get(code, 400) if status is None else status, **headers)


def refusal(fault: SimFault) -> Reply:
    """What a submit that was not accepted is answered."""
    more = fault.more
    match fault.name:
        case "read_then_close":
            return Close()
        case "hang_unaccepted":
            return Close(seconds=more.get("seconds", FOR_EVER))
        case "redirect":
            return Reply(status=307, headers={"Location": more.get("to", ELSEWHERE)})
        case "html_404":
            return Reply(status=404, body=b"<html>no such page</html>", headers=HTML)
        case "refused":
            wait = {"Retry_After": str(more["retry_after"])} if "retry_after" in more else {}
            return coded(more["code"], more.get("message", ""), more.get("status"), **wait)
    return Reply(status=more.get("status", 503), body=b"<html>trouble</html>", headers=HTML)


def spoiled(fault: SimFault, answer: Reply) -> Reply:
    """The answer to an accepted submit, on its way to nobody."""
    more = fault.more
    match fault.name:
        case "accept_then_close":
            return Close()
        case "read_then_hang":
            return Close(seconds=more.get("seconds", FOR_EVER))
        case "error_after":
            return Reply(status=more.get("status", 502), body=b"<html>bad gateway</html>", headers=HTML)
        case "code_after":
            return coded(more.get("code", 5000), status=more.get("status"))
        case "sent_twice":
            return coded(1201, more.get("message", "external_task_id has been used"))
        case "sent_twice_409":
            return coded(1200, "conflict", 409)
        case "slow_answer":
            answer.seconds = more.get("seconds", 1)
            return answer
    return bad_body(fault.name.removesuffix("_200"), answer)


def bad_body(name: str, answer: Reply) -> Reply:
    """A good status with a body that is none, or somebody else's."""
    match name:
        case "html" | "garbage":
            return Reply(body=b"<html><body>OK</body></html>", headers=HTML)
        case "empty":
            return Reply()
        case "no_id":
            return json_reply({"code": 0, "message": "SUCCEED", "data": {"task_status": "submitted"}})
        case "deep":
            return Reply(body=b"[" * DEPTH, headers=answer.headers)
        case "huge":
            return Reply(body=answer.body + b" " * HUGE, headers=answer.headers)
        case "endless":
            return Endless(body=answer.body)
        case "other_id" | "others_task":
            return _changed(answer, external_task_id="somebody-elses")
    return Half(body=answer.body, headers=answer.headers)


def bad_look(fault: SimFault, answer: Reply) -> Reply:
    """What a GET of a task is answered instead of `answer`."""
    if (wrong := wrong_answer(fault, answer, lambda: coded(1203))) is not None:
        return wrong
    name = fault.name.partition("_")[2]
    match name:
        case "close":
            return Close()
        case "busy":
            return coded(1302, Retry_After="7")
        case "missing":
            return coded(1203)
        case "html_404":
            return Reply(status=404, body=b"<html>no such page</html>", headers=HTML)
        case "code_200":
            return coded(5000, status=200)
        case "error":
            return coded(5001, status=fault.more.get("status"))
        case "other":
            return _changed(answer, task_id="1")
    return bad_body(name, answer)


def _changed(answer: Reply, *, task_id: str | None = None, external_task_id: str | None = None) -> Reply:
    said = json.loads(answer.body)
    data = said.get("data") or {}
    if task_id:
        data["task_id"] = task_id
    if external_task_id:
        data |= {"task_id": "2", "task_info": {"external_task_id": external_task_id}}
    return json_reply(said | {"data": data}, answer.status)
