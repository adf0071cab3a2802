"""`LOCAL_FAULTS`: misbehaviour that the local provider can be told to show, so that clients can rehearse failures.

Grammar: `fault[:key=value,…]` joined by `;`, e.g. `rate_limit:times=2,seconds=1;late:p=0.5,seconds=8`. Keys: `p` the
chance (0-1, default 1), `times` how often at most (default: always), `seconds` what the fault's own time is.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from enum import StrEnum

from vividflow.errors import Complaints

KEYS = ("p", "times", "seconds")
REMEMBERED_ORDERS = 10_000


class FaultName(StrEnum):
    """What can go wrong on purpose."""

    ACCEPT_LOST = "accept_lost"
    RATE_LIMIT = "rate_limit"
    STALL = "stall"
    LATE = "late"
    CORRUPT = "corrupt"
    CONTENT = "content"


DEFAULT_SECONDS = {FaultName.RATE_LIMIT: 1.0, FaultName.LATE: 10.0}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault that an order has drawn; `seconds` is the wait of `rate_limit` and `late`, else 0."""

    name: FaultName
    seconds: float = 0


@dataclass(kw_only=True)
class _Rule:
    fault: Fault
    p: float = 1.0
    left: int | None = None

    def fires(self, draw: str) -> bool:
        """Decided by the hash of `draw`, so that the same order meets the same fate in every process."""
        if self.left == 0 or self.p == 0:
            return False
        share = int.from_bytes(hashlib.sha256(f"{self.fault.name}:{draw}".encode()).digest()[:6]) / 2**48
        return share < self.p


@dataclass
class Faults:
    """A set of rules, the first that fires wins. `draw` may be called from many threads.

    What an order has drawn it keeps, except `rate_limit`: that one is drawn anew at each try, so that `times` ends it.
    `times` is counted in this process.
    """

    _rules: list[_Rule]
    _drawn: dict[str, Fault | None] = field(default_factory=dict)
    _tries: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def parse(cls, text: str, where: str = "LOCAL_FAULTS", *, for_one_job: bool = False) -> Faults:
        """The rules that `text` gives (empty: none). Raises `Complaints`, a line for each mistake, naming `where`.

        Rules `for_one_job` make `rate_limit` end after once unless `times` says otherwise: it would never run.
        """
        complaints: list[str] = []
        parts = [part.strip() for part in text.split(";") if part.strip()]
        rules = [rule for part in parts if (rule := _rule(part, complaints))]
        if complaints:
            raise Complaints([f"{where}: {each}" for each in complaints])
        for rule in rules:
            if for_one_job and rule.fault.name is FaultName.RATE_LIMIT and rule.left is None:
                rule.left = 1
        return cls(rules)

    def draw(self, order_id: str) -> Fault | None:
        """What becomes of this order: a fault, or None. The same answer each time, but for `rate_limit`."""
        if not self._rules:
            return None
        with self._lock:
            if order_id in self._drawn:
                return self._drawn[order_id]
            number = self._tries[order_id] = self._tries.get(order_id, 0) + 1
            drawn = self._first(f"{order_id}:{number}" if number > 1 else order_id)
            if not drawn or drawn.name is not FaultName.RATE_LIMIT:
                self._drawn[order_id] = drawn
            for memory in (self._drawn, self._tries):
                while len(memory) > REMEMBERED_ORDERS:
                    del memory[next(iter(memory))]
            return drawn

    def _first(self, draw: str) -> Fault | None:
        for rule in self._rules:
            if rule.fires(draw):
                rule.left = None if rule.left is None else rule.left - 1
                return rule.fault
        return None


def _rule(part: str, complaints: list[str]) -> _Rule | None:
    word, _, rest = part.partition(":")
    try:
        name = FaultName(word.strip())
    except ValueError:
        complaints.append(f"{word.strip()!r} is no fault; there are {', '.join(FaultName)}")
        return None
    given: dict[str, float] = {}
    for pair in filter(None, (each.strip() for each in rest.split(","))):
        key, _, value = (each.strip() for each in pair.partition("="))
        amount = _amount(value)
        if key not in KEYS or key in given:
            complaints.append(f"{name}: {key!r} is not one of {', '.join(KEYS)}, each once")
        elif amount is None:
            complaints.append(f"{name}: {key} must be a number of at least 0, not {value!r}")
        elif key == "p" and amount > 1:
            complaints.append(f"{name}: p must be from 0 to 1")
        elif key == "times" and amount != int(amount):
            complaints.append(f"{name}: times must be a whole number")
        else:
            given[key] = amount
    times = given.get("times")
    fault = Fault(name=name, seconds=given.get("seconds", DEFAULT_SECONDS.get(name, 0)))
    return _Rule(fault=fault, p=given.get("p", 1), left=None if times is None else int(times))


def _amount(value: str) -> float | None:
    try:
        amount = float(value)
    except ValueError:
        return None
    return amount if 0 <= amount < float("inf") else None
