"""The words a table of states is written in. One table for each kind of job says everything that may become of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from vividflow.errors import Outcome
from vividflow.lifecycle.answers import Answer
from vividflow.records.jobs import CANCELLED, COMPLETED, FAILED, PROCESSING, QUEUED, Job

__all__ = ["CANCELLED", "COMPLETED", "FAILED", "PROCESSING", "QUEUED", "Lane", "State", "Table"]


class Lane(StrEnum):
    """Whose hands do a step: the loop's own inside the claim (rows only), many for calls, as many as cores for media."""

    LOOP = "loop"
    CALLS = "calls"
    MEDIA = "media"


Step = Callable[[Job, Any], Answer]
Decide = Callable[[Job, Any, Connection], Answer]
OnError = Callable[[Job, Any, Outcome], Answer]


@dataclass(frozen=True, kw_only=True)
class State:
    """One state: its public words, the step that leads out of it, and where it may lead.

    `step` works outside any transaction; `decide` works on rows alone, inside the claim (lane LOOP). `tries` is how many
    failures in a row are borne before `gives_up`; None bears them for ever. `on_error` answers outcomes in a way of its own.
    `lane_of` lets a route choose another lane. A state with neither step nor decide is an end.
    """

    status: str
    stage: str
    lane: Lane = Lane.CALLS
    step: Step | None = None
    decide: Decide | None = None
    next: frozenset[str] = field(default_factory=frozenset)
    tries: int | None = 5
    gives_up: str = "failed"
    on_error: OnError | None = None
    lane_of: Callable[[Job, Any], Lane] | None = None

    @property
    def end(self) -> bool:
        """Whether nothing leads out of it."""
        return self.step is None and self.decide is None


Table = Mapping[str, State]
