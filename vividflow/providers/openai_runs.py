"""Reading one job object of `/v1/videos`: whose it is, and what has become of it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from vividflow.providers import outcomes
from vividflow.providers.answer import id_of, number_of
from vividflow.providers.base import Operation, OperationStatus, Order, Output
from vividflow.providers.openai_servers import VideoServer

Job = dict[str, Any]
_LINK = re.compile(r"https?://\S+").fullmatch


def vendor_of(server: VideoServer) -> str:
    """What the server is called in sentences for people."""
    return f"The server “{server.name}”"


def identity(job: Job) -> str:
    """The server's id of the job, kept as it is, or "" when there is none."""
    return id_of(job.get("id"))


def operation_id(server: VideoServer, job: Job) -> str:
    """The id that our rows keep: with the server's name before it, because two servers may count alike."""
    return f"{server.name}/{identity(job)}"


def path_of(operation_id: str) -> str:
    """The address of a job below the base URL."""
    return f"/videos/{quote(operation_id.partition('/')[2], safe='')}"


def made_at(job: Job) -> float | None:
    """When the server says that it was created, in seconds since 1970, or None when that cannot be read."""
    return number_of(job.get("created_at"))


def may_belong(job: Job, server: VideoServer, order: Order) -> bool:
    """Whether no other order owns it and its prompt, if it shows one, is the order's."""
    prompt = job.get("prompt")
    if operation_id(server, job) in order.bound:
        return False
    return not isinstance(prompt, str) or prompt.strip() == str(order.request["fields"]["prompt"]).strip()


def is_it(job: Job, order: Order) -> bool:
    """Whether what it shows is the order's: the prompt certainly, model, size and seconds where they are shown."""
    fields, prompt = order.request["fields"], job.get("prompt")
    return isinstance(prompt, str) and all(
        job.get(name) is None or str(job[name]) == str(fields[name]) for name in ("model", "size", "seconds")
    )


def tells_all(job: Job, server: VideoServer) -> bool:
    """Whether an entry of a list shows as much as the job itself would: an end that says nothing of errors does not."""
    word, dialect = job.get("status"), server.dialect
    if not isinstance(word, str):
        return False
    return bool(job.get("error")) if word in dialect.failed else word not in dialect.done or "error" in job


def read_job(job: Job, server: VideoServer) -> Operation:
    """The operation that a job object tells of. Words that are new count as running: only the deadline ends those."""
    name, word, dialect = operation_id(server, job), str(job.get("status")), server.dialect
    if word in dialect.failed or (word in dialect.done and job.get("error")):
        code, sentence = outcomes.failure_words(vendor_of(server), _reason(job.get("error")))
        return Operation(id=name, status=OperationStatus.FAILED, error_code=code, error_message=sentence)
    if word in dialect.done:
        where = Output(url=_result(job, server, name))
        done = OperationStatus.SUCCEEDED
        return Operation(id=name, status=done, progress=100, outputs=(where,), took=_took(job))
    if word in dialect.stopped:
        sentence = f"{vendor_of(server)} stopped the run."
        return Operation(
            id=name,
            status=OperationStatus.FAILED,
            error_code="provider_cancelled",
            error_message=sentence,
            cancelled=True,
        )
    return Operation(id=name, status=OperationStatus.RUNNING, progress=_progress(job.get("progress")))


def _result(job: Job, server: VideoServer, name: str) -> str:
    link = job.get("url") if server.dialect.linked else None
    return link if isinstance(link, str) and _LINK(link) else f"{server.url}{path_of(name)}/content"


def _took(job: Job) -> float | None:
    """Seconds from its making to its end; None where the server does not say."""
    made, ended = made_at(job), number_of(job.get("completed_at"))
    return None if made is None or ended is None else ended - made


def _reason(error: object) -> str:
    """`{code, message}` as one text; servers leave either out, or answer a plain text."""
    if isinstance(error, dict):
        return " ".join(str(error[name]) for name in ("code", "message") if error.get(name) is not None)
    return str(error or "")


def _progress(told: object) -> int | None:
    share = number_of(told)
    return min(int(share), 99) if share is not None and 0 <= share <= 100 else None
