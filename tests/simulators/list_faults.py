"""How the list of a simulated vendor can be wrong: the same for each of them, whatever its entries are called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.simulators.server import Close, Drip, Endless, Reply, SimFault

Entry = dict[str, Any]

# Faults of what is listed, and of the answer as a whole.
WRONG_ENTRIES = ("list_without", "list_twice", "list_others", "list_types", "list_bare")
WRONG_ANSWERS = ("list_huge", "list_endless", "list_deep", "list_slow", "list_no_list")
LIST_FAULTS = WRONG_ENTRIES + WRONG_ANSWERS
HUGE, DEPTH = 10 * 1024 * 1024, 200_000
STRANGERS: list[Any] = [None, 7, "text", [], {}, True]


def wrong_entries(fault: SimFault, entries: list[Entry], identity: str, status: str, failed: str) -> list[Any]:
    """The entries with the fault: the first left out, said to have failed beside what it is, called otherwise, of other
    types, or shown without more than id and status."""
    match fault.name:
        case "list_without":
            return entries[1:]
        case "list_twice":
            return [*entries, *({**each, status: failed} for each in entries)]
        case "list_others":
            return [{**each, identity: f"x{each[identity]}"} for each in entries]
        case "list_types":
            wrong = (None, 3, ["x"], {"x": 1})
            changed = [{**each, status: wrong[place % len(wrong)]} for place, each in enumerate(entries)]
            nameless = [{**each, identity: value} for each in entries for value in (None, 3, [each[identity]])]
            return [*STRANGERS, *changed, *nameless]
        case "list_bare":
            return [{identity: each[identity], status: each[status]} for each in entries]
    return entries


def wrong_answer(fault: SimFault, answer: Reply, no_list: Callable[[], Reply]) -> Reply | None:
    """The whole answer with the fault, or None when the fault is another one."""
    match fault.name:
        case "list_huge":
            return Reply(body=answer.body + b" " * (fault.more.get("bytes", HUGE)), headers=answer.headers)
        case "list_endless":
            return Endless(body=answer.body, headers=answer.headers)
        case "list_deep":
            return Reply(body=b"[" * DEPTH, headers=answer.headers)
        case "list_slow":
            return Drip(body=answer.body, headers=answer.headers, seconds=fault.more.get("seconds", 5))
        case "list_no_list":
            return no_list()
        case "list_close":
            return Close()
    return None
