"""Picking orders out of a list: an entry is believed only when it is the one entry of that id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from vividflow.providers.base import Operation, Order

Entry = dict[str, Any]
# Longer than an answer takes, shorter than anybody should wait for many at once.
LIST_SECONDS = 10.0
PAGE = 100


def picked(
    entries: Iterable[Entry],
    orders: Sequence[Order],
    *,
    identity: Callable[[Entry], str],
    believed: Callable[[Entry, Order], bool],
    read: Callable[[Entry], Operation],
) -> Mapping[str, Operation]:
    """The operations of those `orders` that one entry alone has the id of, where it is `believed`; by operation id."""
    wanted = {order.operation_id: order for order in orders if order.operation_id}
    ours = [entry for entry in entries if identity(entry) in wanted]
    shown = Counter(map(identity, ours))
    return {
        name: read(entry) for entry in ours if shown[name := identity(entry)] == 1 and believed(entry, wanted[name])
    }
