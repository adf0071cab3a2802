"""Reading one task object of Kling (providers.md 5.3): whose it is, what has become of it, what it cost."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from vividflow.providers import outcomes
from vividflow.providers.answer import Answer, id_of, number_of
from vividflow.providers.base import Operation, OperationStatus, Order, Output
from vividflow.providers.kling_codes import OK, VENDOR, code_of, told

Task = dict[str, Any]

# No clip costs this much: a larger figure is a mistake and not believed.
MOST_UNITS = 100_000
POLICY = re.compile(r"risk.?control|polic|violat|prohibit|sensitive|moderat|inappropriate", re.IGNORECASE)


def task_of(answer: Answer) -> Task:
    """The task that a good answer tells of; empty when it tells of none. The code counts beside the HTTP status."""
    found = told(answer).get("data")
    return found if answer.good and code_of(answer) == OK and isinstance(found, dict) else {}


def tasks_of(answer: Answer) -> list[Task] | None:
    """The tasks that a good answer lists, None when it lists none."""
    found = told(answer).get("data")
    if not answer.good or code_of(answer) != OK or not isinstance(found, list):
        return None
    return [task for task in found if isinstance(task, dict)]


def identity(task: Task) -> str:
    """The vendor's own id, or "" when there is none."""
    return id_of(task.get("task_id"))


def belongs(task: Task, order: Order) -> bool:
    """Whether nothing says that it is another order's: our id comes back with it."""
    info = task.get("task_info")
    named = info.get("external_task_id") if isinstance(info, dict) else None
    return named in (None, "", order.id) and task.get("external_task_id") in (None, "", order.id)


def tells_all(task: Task) -> bool:
    """Whether an entry of a list shows as much as the task itself would: an end without result or cost does not."""
    word = task.get("task_status")
    if word == "succeed" and not _outputs(task):
        return False
    return isinstance(word, str) and (word not in ("succeed", "failed") or "final_unit_deduction" in task)


def read_task(task: Task, unit_usd: Decimal | None) -> Operation:
    """The operation that a task object tells of; `unit_usd` is what a unit costs, in US dollars.

    Words that are new count as running: only the deadline ends what is not understood.
    """
    name, cost, seconds = identity(task), _cost(task, unit_usd), _took(task)
    match task.get("task_status"):
        case "succeed":
            outputs = _outputs(task)
            if outputs:
                # A clip that cost nothing was paid in a way that units do not tell: what was quoted stands.
                return Operation(
                    id=name,
                    status=OperationStatus.SUCCEEDED,
                    progress=100,
                    outputs=outputs,
                    cost_usd=cost or None,
                    seconds=seconds,
                    took=seconds,
                )
            return _failed(name, "no_result", f"{VENDOR} finished without a clip.", cost, seconds)
        case "failed":
            why = str(task.get("task_status_msg") or "")
            code, sentence = outcomes.failure_words(VENDOR, why)
            if POLICY.search(why):
                code, sentence = "content_policy", outcomes.CONTENT_SENTENCE
            return _failed(name, code, sentence, cost, seconds)
    return Operation(id=name, status=OperationStatus.RUNNING)


def _failed(name: str, code: str, sentence: str, cost: float | None, seconds: float | None) -> Operation:
    return Operation(
        id=name,
        status=OperationStatus.FAILED,
        error_code=code,
        error_message=sentence,
        charged=None if cost is None else cost > 0,
        cost_usd=cost,
        seconds=seconds,
    )


def _outputs(task: Task) -> tuple[Output, ...]:
    result = task.get("task_result")
    videos = result.get("videos") if isinstance(result, dict) else None
    urls = [each.get("url") for each in videos if isinstance(each, dict)] if isinstance(videos, list) else []
    return tuple(Output(url=url) for url in urls if isinstance(url, str) and url)


def _cost(task: Task, unit_usd: Decimal | None) -> float | None:
    """US dollars of `final_unit_deduction` ("3.5" units), or None when it is not told or cannot be."""
    said = task.get("final_unit_deduction")
    if unit_usd is None or isinstance(said, bool) or not isinstance(said, str | int | float) or len(str(said)) > 20:
        return None
    try:
        units = Decimal(str(said).strip())
    except InvalidOperation:
        return None
    return float(units * unit_usd) if units.is_finite() and 0 <= units <= MOST_UNITS else None


def _took(task: Task) -> float | None:
    """Seconds from its making to its last change, which both are milliseconds since 1970."""
    made, changed = number_of(task.get("created_at")), number_of(task.get("updated_at"))
    if made is None or changed is None:
        return None
    seconds = (changed - made) / 1000
    return seconds if 0 <= seconds < 1e7 else None
