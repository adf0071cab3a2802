"""What becomes of a job whose first route refuses, is shut or loses the answer: `python -m tests.lifecycle.failover_matrix`.

A cell is one job with two routes. Only what was certainly refused goes by the second one, within what the job may cost;
whatever happens, one payment at most (reliability.md 2.1, docs/adr/0018).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.databases import fresh
from tests.lifecycle.failover import TwoRoutes, make_two_routes
from tests.simulators.clips import clip
from tests.simulators.replicate import ReplicateSimulator
from tests.simulators.vertex import VertexSimulator
from vividflow.config import Settings
from vividflow.lifecycle.tools import Tools, build_tools
from vividflow.records import pauses
from vividflow.timing import now

COMPLETED, REVIEW = "completed", "needs_review"
FIRST, SECOND = "vertex", "replicate"
NOBODY_LISTENS = "http://127.0.0.1:9"
QUICK: dict[str, Any] = {
    "vividflow.lifecycle.submit.backoff": lambda *_: 0.02,
    "vividflow.lifecycle.reconcile.backoff": lambda *_: 0.1,
    "vividflow.lifecycle.breaker.PAUSE_SECONDS": 0.05,
    "vividflow.lifecycle.standing.REFRESH_SECONDS": 0.05,
    "vividflow.lifecycle.diversions.DIVERT_SECONDS": 0.05,
}
HASTY = {"vividflow.lifecycle.reconcile.PATIENCE_SECONDS": 0.5}
IMPATIENT = {"vividflow.providers.vertex_line.SUBMIT_SECONDS": 0.5}
PATIENT = {"vividflow.lifecycle.breaker.PAUSE_SECONDS": 60.0}


def shut(stage: TwoRoutes) -> None:
    """The first route's account as five failures leave it."""
    account = stage.tools.standing.account(FIRST, "")
    row = pauses.Pause(
        provider=FIRST, account=account, code="provider_unreachable", reason="Google Cloud cannot be reached just now.",
        since=now(), until=now() + 60, failures=5, trips=1,
    )  # fmt: skip
    with stage.tools.db.transaction() as connection:
        pauses.pause(connection, row)


def paused(stage: TwoRoutes) -> None:
    """The first route as an operator pauses it."""
    with stage.tools.db.transaction() as connection:
        pauses.pause(connection, pauses.Pause(provider=FIRST, reason="The bill is being looked at.", since=now()))


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Faults of both routes, what is wished, and how it must end: state or code, whose clip, payments by each route.

    `left` are the codes of the routes that the job left, in order.
    """

    first: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    second: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    before: Callable[[TwoRoutes], None] | None = None
    wish: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    clock: Mapping[str, Any] = field(default_factory=dict)
    end: str = COMPLETED
    by: str = SECOND
    paid: tuple[int, int] = (0, 1)
    left: tuple[str, ...] = ()


def _fault(name: str, **more: Any) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    return ((name, more),)


NO_CREDIT, FIRSTS_OWN = _fault("no_credit"), {"by": FIRST, "paid": (1, 0)}
CELLS: dict[str, Cell] = {
    # certainly refused: the second route, one payment
    "402 no credit": Cell(first=NO_CREDIT, left=("provider_credit_exhausted",)),
    "401 key refused": Cell(first=_fault("unauthorized"), left=("provider_key_refused",)),
    "403 no rights": Cell(first=_fault("forbidden"), left=("provider_forbidden",)),
    "404 retired": Cell(first=_fault("retired"), left=("model_retired",)),
    "404 unknown model": Cell(first=_fault("unknown_model"), left=("model_retired",)),
    "429 for a minute": Cell(first=_fault("rate_limited", retry_after=60), left=("rate_limited",)),
    "429 three times": Cell(first=_fault("rate_limited", retry_after=0, times=3), left=("rate_limited",)),
    "nobody listens": Cell(settings={"google_vertex_base_url": NOBODY_LISTENS}, left=("provider_unreachable",)),
    "breaker open": Cell(before=shut, left=("provider_unreachable",)),
    "paused by the operator": Cell(before=paused, left=("provider_paused",)),
    # not known: never the second route
    "accepted, then timed out": Cell(first=_fault("read_then_hang"), clock=IMPATIENT, **FIRSTS_OWN),
    "accepted, then cut off": Cell(first=_fault("accept_then_close"), **FIRSTS_OWN),
    "accepted, then 503": Cell(first=_fault("error_after", status=503), **FIRSTS_OWN),
    "accepted, then HTML": Cell(first=_fault("html_200"), **FIRSTS_OWN),
    "never read": Cell(first=_fault("read_then_close"), clock=HASTY, end=REVIEW, by=FIRST, paid=(0, 0)),
    "503 before it was read": Cell(
        first=_fault("error_before", status=503), clock=HASTY, end=REVIEW, by=FIRST, paid=(0, 0)
    ),
    # refused for what it asks: nobody else is asked
    "400 invalid": Cell(first=_fault("invalid"), end="provider_refused_input", by=FIRST, paid=(0, 0)),
    "400 content": Cell(first=_fault("content_refused"), end="content_policy", by=FIRST, paid=(0, 0)),
    # one busy moment is waited out
    "429 once": Cell(first=_fault("rate_limited", retry_after=0), **FIRSTS_OWN),
    # no other route will do: it waits, and is tried again
    "402, only this provider asked for": Cell(first=NO_CREDIT, wish={"provider": FIRST}, **FIRSTS_OWN),
    "402, the other does not make 4k": Cell(first=NO_CREDIT, wish={"resolution": "4k"}, **FIRSTS_OWN),
    "402, the other is dearer": Cell(first=NO_CREDIT, wish={"model": "veo3.1-fast"}, **FIRSTS_OWN),
    "402, the other is dearer and max_cost allows it": Cell(
        first=NO_CREDIT,
        wish={"model": "veo3.1-fast", "max_cost": 1.0},
        clock=PATIENT,
        left=("provider_credit_exhausted",),
    ),
    # both
    "402, then the second is retired": Cell(
        first=NO_CREDIT, second=_fault("retired"), by=FIRST, paid=(1, 0),
        left=("provider_credit_exhausted", "model_retired"),
    ),
    "404 by both": Cell(
        first=_fault("retired"), second=_fault("retired"), end="model_retired", paid=(0, 0), left=("model_retired",)
    ),
    "402, then the second loses the answer": Cell(
        first=NO_CREDIT, second=_fault("accept_then_close"), clock=PATIENT, left=("provider_credit_exhausted",)
    ),
    "402, then the second times out": Cell(
        first=NO_CREDIT, second=_fault("error_after"), clock=PATIENT, left=("provider_credit_exhausted",)
    ),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Row:
    """What became of one cell."""

    end: str
    by: str | None
    paid: tuple[int, int]
    left: tuple[str, ...]
    orders: list[str]
    balanced: bool
    cost: int
    quoted: int


def run(make: Callable[..., TwoRoutes], cell: Cell) -> Row:
    """One job, to its end."""
    with ExitStack() as patches:
        for name, value in (QUICK | dict(cell.clock)).items():
            patches.enter_context(patch(name, value))
        stage = make(**cell.settings)
        for server, faults in ((stage.first, cell.first), (stage.second, cell.second)):
            for name, more in faults:
                server.faults.add(name, **more)
        if cell.before is not None:
            cell.before(stage)
        with stage.worker():
            job = stage.until(stage.place(**cell.wish), seconds=60)
        total, held, _ = stage.books()
    return Row(
        end=COMPLETED if job.status == COMPLETED else REVIEW if job.state == REVIEW else str(job.error_code),
        by=job.provider,
        paid=stage.paid,
        left=tuple(each["code"] for each in job.result.get("routes", ())),
        orders=[f"{each.provider}:{each.state}" for each in stage.orders(job.id)],
        balanced=total == held == 0,
        cost=job.cost or 0,
        quoted=job.quoted,
    )


def main() -> None:
    """Run every cell on SQLite and print what became of it."""
    print(f"{'first route':50} {'end':24} {'by':10} paid   orders")
    bad = 0
    for name, cell in CELLS.items():
        folder = Path(tempfile.mkdtemp(prefix="vf-failover-"))
        first = VertexSimulator(movie=clip(), generation_seconds=0.02).start()
        second = ReplicateSimulator(movie=clip(), generation_seconds=0.02).start()
        made: list[Tools] = []

        def tools_for(folder: Path = folder, made: list[Tools] = made, **given: Any) -> Tools:
            values = {"data_dir": folder, "database_url": fresh("sqlite", folder)} | given
            made.append(build_tools(Settings.from_environment(None, **values)))
            return made[0]

        def make(
            first: VertexSimulator = first, second: ReplicateSimulator = second, tools_for: Any = tools_for, **more: Any
        ) -> TwoRoutes:
            return make_two_routes(tools_for, first, second, **more)

        row = run(make, cell)
        wrong = sum(row.paid) > 1 or not row.balanced or (row.end, row.by, row.paid) != (cell.end, cell.by, cell.paid)
        bad += wrong
        shown = f"{name:50} {row.end:24} {row.by or '':10} {row.paid[0]}+{row.paid[1]}    {' '.join(row.orders)}"
        print(shown, "  WRONG" if wrong else "", flush=True)
        for provider in ("vertex", "replicate"):
            made[0].provider(provider).close()  # type: ignore[attr-defined]
        made[0].ears.watch.close()
        made[0].decoder.close()
        made[0].db.close()
        first.stop()
        second.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(CELLS)} cells, {bad} wrong: each was paid once at most, by the route that is named")


if __name__ == "__main__":
    main()
