"""Which table of states a kind of job lives by."""

from __future__ import annotations

from vividflow.lifecycle.delivery import DELIVERY
from vividflow.lifecycle.generation import GENERATION, LATE
from vividflow.lifecycle.states import Table

KINDS: dict[str, Table] = {"video": GENERATION, "image": GENERATION, "late": LATE, "delivery": DELIVERY}


def table_of(kind: str) -> Table:
    """The table of states of a kind of job."""
    return KINDS[kind]
