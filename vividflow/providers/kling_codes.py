"""What Kling's service codes mean for an order (providers.md 5.4). A 429 may be arrears, a full queue or a closed door.

The code decides; the HTTP status only where there is no code that is listed here, or where it leaves the outcome open.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from vividflow.errors import Outcome, Refused, Transient, Unknown
from vividflow.providers import outcomes
from vividflow.providers.answer import Answer

VENDOR = "Kling"
OK = 0
NO_SUCH_THING = 1203
STALE_TOKEN = (1003, 1004)
# The queue of the account's pack is full until a clip of ours ends; a rate recovers sooner.
BUSY_SECONDS, QUEUE_FULL_SECONDS = 5.0, 30.0
# Statuses that leave open whether the order was taken, whatever the body says.
OPEN = frozenset({408, 409, 425})
DUPLICATE = re.compile(r"external.?task.?id|duplicat|already (?:exist|used|submitted)|not unique", re.IGNORECASE)


class Says(StrEnum):
    """The three classes of docs/adr/0004."""

    REFUSED = "refused"
    LATER = "later"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """One row: the class, our code, a sentence; `detail` adds the vendor's own words, `wait` is seconds."""

    says: Says = Says.REFUSED
    code: str
    sentence: str
    detail: bool = False
    pauses: bool = False
    retired: bool = False
    wait: float = 0


_KEY = Meaning(code="provider_key_refused", sentence="Kling does not accept the configured key.", pauses=True)
_CLOCK = Meaning(
    code="provider_key_refused",
    sentence="Kling does not accept the times in our token. Check the clock of this machine.",
    pauses=True,
)
_ACCOUNT = Meaning(
    code="provider_forbidden", sentence="Kling has closed the account for now. Look into its console.", pauses=True
)
_CREDIT = Meaning(
    code="provider_credit_exhausted", sentence="The account at Kling has no credit or resource pack left.", pauses=True
)
_RIGHT = Meaning(code="provider_forbidden", sentence="Kling does not let this account use the model.", pauses=True)
_INPUT = Meaning(code="provider_refused_input", sentence="Kling refused the input.", detail=True)
_CONTENT = Meaning(code="content_policy", sentence=outcomes.CONTENT_SENTENCE)
_GONE = Meaning(code="model_retired", sentence="Kling no longer offers this model.", retired=True)
_METHOD = Meaning(code="provider_refused_input", sentence="Kling does not know this kind of request.")
_BUSY = Meaning(says=Says.LATER, code="rate_limited", sentence="Kling is busy; trying again soon.", wait=BUSY_SECONDS)
_FULL = Meaning(
    says=Says.LATER,
    code="rate_limited",
    sentence="All places of the account at Kling are taken; waiting for one.",
    wait=QUEUE_FULL_SECONDS,
)
_ADDRESS = Meaning(
    code="provider_forbidden", sentence="Kling does not take orders from this machine's address.", pauses=True
)
_BROKEN = Meaning(
    says=Says.UNKNOWN, code="outcome_unknown", sentence="Kling had trouble; asking whether the order arrived."
)

CODES: dict[int, Meaning] = {
    1000: _KEY,
    1001: _KEY,
    1002: _KEY,
    1003: _CLOCK,
    1004: _CLOCK,
    1100: _ACCOUNT,
    1101: _CREDIT,
    1102: _CREDIT,
    1103: _RIGHT,
    1200: _INPUT,
    1201: _INPUT,
    1202: _METHOD,
    1203: _GONE,
    1300: _CONTENT,
    1301: _CONTENT,
    1302: _BUSY,
    1303: _FULL,
    1304: _ADDRESS,
    5000: _BROKEN,
    5001: _BROKEN,
    5002: _BROKEN,
}


def told(answer: Answer) -> dict[str, Any]:
    """The body as a JSON object; empty when it is none."""
    return answer.object()


def code_of(answer: Answer) -> int | None:
    """The service code of an answer, or None when it carries none."""
    found = told(answer).get("code")
    if isinstance(found, str) and re.fullmatch(r"[0-9]{1,6}", found):
        return int(found)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def is_open(answer: Answer) -> bool:
    """Whether the HTTP status alone says that nobody knows what became of the request."""
    return answer.status >= 500 or 300 <= answer.status < 400 or answer.status in OPEN


def meaning(answer: Answer, detail: str = "") -> Outcome:
    """What an answer without an order in it says of the paid POST: `Refused`, `Transient` or `Unknown`, not raised.

    `detail` is the vendor's sentence, without keys. A refusal because our own `external_task_id` is there already means
    that the order was taken before: the provider is asked, never told that it failed.
    """
    row = CODES.get(code_of(answer) or OK)
    wait = outcomes.retry_after_seconds(answer.headers.get("retry-after"))
    if is_open(answer):
        return outcomes.submit_outcome(answer.status, vendor=VENDOR)
    if row is None and answer.good:
        return Unknown("outcome_unknown", f"{VENDOR} gave no order number; asking whether the order arrived.")
    if row is None:
        return outcomes.submit_outcome(answer.status, vendor=VENDOR, detail=detail, retry_after=wait)
    if row is _INPUT and DUPLICATE.search(detail):
        return Unknown("outcome_unknown", f"{VENDOR} has an order with this number already; asking for it.")
    return _as(row, detail, wait)


def _as(row: Meaning, detail: str, wait: float | None) -> Outcome:
    match row.says:
        case Says.REFUSED:
            more = f" {outcomes.clean(detail)}" if row.detail and detail else ""
            return Refused(row.code, row.sentence + more, pauses=row.pauses, retired=row.retired)
        case Says.LATER:
            seconds = min(max(row.wait, wait or 0.0), outcomes.MOST_RETRY_AFTER_SECONDS)
            return Transient(row.code, row.sentence, retry_after=seconds, counts=False)
        case Says.UNKNOWN:
            return Unknown(row.code, row.sentence)
