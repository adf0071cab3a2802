"""Reading one prediction object of Replicate (providers.md 3.1): whose it is, and what has become of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from vividflow.providers import outcomes
from vividflow.providers.answer import id_of, number_of
from vividflow.providers.base import Operation, OperationStatus, Order, Output

VENDOR = "Replicate"
LOG_TAIL = 2000

Run = dict[str, Any]


def identity(run: Run) -> str:
    """The prediction's id, or "" when there is none."""
    return id_of(run.get("id"))


def made_at(run: Run) -> float | None:
    """When it was created, in seconds since 1970, or None when that cannot be read."""
    return _moment(run, "created_at")


def may_belong(run: Run, order: Order) -> bool:
    """Whether nobody owns it and nothing rules out that it is this order's.

    Its input may be gone (deleted after an hour) or rewritten by the service (a data URL moved to a file); prompt and
    seed stay.
    """
    if identity(run) in order.bound or run.get("model") not in (None, order.provider_model.partition(":")[0]):
        return False
    theirs, ours = run.get("input"), order.request["input"]
    if run.get("data_removed") or not isinstance(theirs, dict) or not theirs:
        return True
    return all(theirs.get(name) == ours.get(name) for name in ("prompt", "seed"))


def tells_all(run: Run) -> bool:
    """Whether an entry of a list shows as much as the prediction itself would: an end without what it brought does not."""
    word = run.get("status")
    if word == "succeeded":
        return isinstance(run.get("output"), str | list) and bool(run["output"])
    return isinstance(word, str) and (word != "failed" or isinstance(run.get("error"), str))


def read_run(run: Run, headers_for: Callable[[str], dict[str, str]]) -> Operation:
    """The operation that a prediction object tells of; `headers_for` gives the headers to fetch an address with.

    Words that are new count as running: only the deadline ends what is not understood.
    """
    name, metrics = identity(run), run.get("metrics")
    seconds = number_of(metrics.get("predict_time")) if isinstance(metrics, dict) else None
    match run.get("status"):
        case "succeeded":
            return _succeeded(name, run, seconds, headers_for)
        case "failed":
            code, sentence = outcomes.failure_words(VENDOR, str(run.get("error") or ""))
            return _ended(name, code, sentence, charged=None, seconds=seconds)
        case "canceled":
            sentence = f"The run was stopped at {VENDOR}."
            return _ended(name, "provider_cancelled", sentence, charged=True, cancelled=True, seconds=seconds)
        case "aborted":
            sentence = f"{VENDOR} gave the run up before it began. Nothing was charged."
            return _ended(name, "provider_cancelled", sentence, charged=False, cancelled=True, seconds=seconds)
    return Operation(id=name, status=OperationStatus.RUNNING, progress=_progress(run.get("logs")))


def _succeeded(name: str, run: Run, seconds: float | None, headers_for: Callable[[str], dict[str, str]]) -> Operation:
    output = run.get("output")
    listed = output if isinstance(output, list) else [output]
    outputs = tuple(Output(url=url, headers=headers_for(url)) for url in listed if isinstance(url, str) and url)
    if outputs:
        done = OperationStatus.SUCCEEDED
        return Operation(id=name, status=done, progress=100, outputs=outputs, seconds=seconds, took=_took(run))
    if run.get("data_removed"):
        sentence = f"The clip was made, but {VENDOR} deleted it (one hour after the end) before it could be fetched."
        return _ended(name, "result_gone", sentence, charged=True, seconds=seconds)
    return _ended(name, "no_result", f"{VENDOR} finished without a clip.", charged=True, seconds=seconds)


def _ended(
    name: str, code: str, sentence: str, *, charged: bool | None, cancelled: bool = False, seconds: float | None = None
) -> Operation:
    return Operation(
        id=name,
        status=OperationStatus.FAILED,
        error_code=code,
        error_message=sentence,
        charged=charged,
        cancelled=cancelled,
        seconds=seconds,
    )


def _took(run: Run) -> float | None:
    """Seconds from its making to its end, or None when that cannot be read."""
    made, ended = made_at(run), _moment(run, "completed_at")
    return None if made is None or ended is None else ended - made


def _moment(run: Run, name: str) -> float | None:
    try:
        return datetime.fromisoformat(run[name]).timestamp()
    except (KeyError, TypeError, ValueError):
        return None


def _progress(logs: object) -> int | None:
    """The last percentage of a progress bar in the logs ("45%|####"), or None."""
    if not isinstance(logs, str):
        return None
    bars = re.findall(r"(\d{1,3})%\|", logs[-LOG_TAIL:])
    return min(int(bars[-1]), 99) if bars else None
