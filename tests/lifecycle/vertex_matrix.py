"""Every fault of a Veo job in every phase, and what became of it: `python -m tests.lifecycle.vertex_matrix` prints the table.

A cell is one job whose submit, look, clip and fetch misbehave as it says (reliability.md 2.1). `EXPECTED` names the end of
each single fault; the cells of `MIXED` put one fault of each kind on top of another. Paid must be at most 1 in all of them.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.databases import fresh
from tests.lifecycle.veo import VeoStage, make_veo_stage
from tests.simulators.clips import clip
from tests.simulators.vertex import VertexSimulator
from vividflow.config import Settings
from vividflow.lifecycle.tools import Tools, build_tools

COMPLETED, REVIEW = "completed", "needs_review"
MORE: dict[str, dict[str, Any]] = {
    "rate_limited": {"retry_after": 0},
    "rate_limited_bare": {},
    "poll_rate_limited": {"retry_after": 0},
    "poll_slow": {"seconds": 30},
    "slow_answer": {"seconds": 30},
    "trickle": {"seconds": 30},
    "object_slow": {"seconds": 0.5},
}
LOST = ("accept_then_close", "read_then_hang", "half_answer", "garbage_200", "html_200", "empty_200", "no_name_200")
LOST += ("wrong_type_200", "other_name_200", "huge_200", "slow_answer", "trickle", "error_after_408", "error_after_503")
NO_TRACE = ("read_then_close", "hang_unaccepted", "redirect", "error_before_408", "error_before_503")
NO_NEWS = (
    "error",
    "garbage",
    "html",
    "empty",
    "shape",
    "close",
    "half",
    "huge",
    "slow",
    "rate_limited",
    "unauthorized",
)
NO_NEWS += ("forbidden", "redirect", "missing", "other", "elsewhere")

# fault → how the job must end and how many payments there must be
EXPECTED: dict[str, dict[str, tuple[str, int]]] = {
    "submit": {
        **dict.fromkeys(LOST, (COMPLETED, 1)),
        **dict.fromkeys(NO_TRACE, (REVIEW, 0)),
        "rate_limited": (COMPLETED, 1),
        "rate_limited_bare": (COMPLETED, 1),
        "unauthorized": (COMPLETED, 1),
        "no_credit": (COMPLETED, 1),
        "forbidden": (COMPLETED, 1),
        "retired": ("model_retired", 0),
        "unknown_model": ("model_retired", 0),
        "invalid": ("provider_refused_input", 0),
        "content_refused": ("content_policy", 0),
    },
    "look": dict.fromkeys([f"poll_{each}" for each in NO_NEWS], (COMPLETED, 1)),
    "clip": {
        "filtered": ("content_policy", 1),
        "no_video": ("content_policy", 1),
        "failed": ("provider_failed", 1),
        "failed_busy": ("provider_overloaded", 1),
        "failed_policy": ("content_policy", 1),
        "never_done": ("deadline_exceeded", 1),
        "object_late": (COMPLETED, 1),
        "object_missing": ("result_lost", 1),
        "elsewhere": ("deadline_exceeded", 1),
        "traversal": ("deadline_exceeded", 1),
    },
    "fetch": dict.fromkeys(
        ("object_404", "object_error", "object_short", "object_corrupt", "object_zero", "object_html", "object_slow"),
        (COMPLETED, 1),
    ),
    "find": dict.fromkeys(("list_error", "list_forbidden", "list_garbage", "list_shape", "list_close"), (COMPLETED, 1)),
}
SINGLE = [(phase, fault) for phase, faults in EXPECTED.items() for fault in faults]
MIXED = list(
    product(
        ("accept_then_close", "rate_limited", "html_200"),
        ("poll_close", "poll_garbage"),
        ("object_error", "object_short"),
    )
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """What became of one cell: `paid` in all, `twice` payments beyond the first for one order."""

    faults: tuple[str, ...]
    end: str
    paid: int
    twice: int
    submits: int
    balanced: bool
    states: list[str] = field(default_factory=list)
    seconds: float = 0.0


QUICK: dict[str, Any] = {
    "vividflow.lifecycle.reconcile.backoff": lambda *_: 0.1,
    "vividflow.lifecycle.fetch.backoff": lambda *_: 0.1,
    "vividflow.lifecycle.finish.FETCH_AGAIN_AFTER": (0.05, 0.05, 0.05),
    "vividflow.lifecycle.breaker.PAUSE_SECONDS": 0.05,
    "vividflow.providers.outcomes.SOME_RETRY_AFTER_SECONDS": 0.1,
    "vividflow.providers.vertex_outcomes.KEY_REFUSED_SECONDS": 0.1,
}
# Patience is short only where its end is what the cell is about: a busy machine must not change how the others end.
SHORT = {
    REVIEW: {"vividflow.lifecycle.reconcile.PATIENCE_SECONDS": 1.0},
    "result_lost": {"vividflow.lifecycle.fetch.MISSING_SECONDS": 0.5},
    "read_then_hang": {"vividflow.providers.vertex_line.SUBMIT_SECONDS": 1.0},
    "hang_unaccepted": {"vividflow.providers.vertex_line.SUBMIT_SECONDS": 1.0},
    "slow_answer": {"vividflow.providers.vertex_line.SUBMIT_SECONDS": 1.0},
    "trickle": {"vividflow.providers.vertex_line.SUBMIT_SECONDS": 1.0},
    "poll_slow": {"vividflow.providers.vertex_line.LOOK_SECONDS": 1.0},
}


def run(stage: VeoStage, *faults: str) -> Row:
    """One job with these faults, to its end; with patience of seconds where it is minutes."""
    phases = {fault: phase for phase, known in EXPECTED.items() for fault in known}
    ends = [EXPECTED[phases[fault]][fault][0] for fault in faults]
    values = QUICK | {name: value for key in (*faults, *ends) for name, value in SHORT.get(key, {}).items()}
    with ExitStack() as patches:
        for name, value in values.items():
            patches.enter_context(patch(name, value))
        if "deadline_exceeded" in ends:
            shorter = stage.tools.settings.model_copy(update={"job_deadline_seconds": 2.0})
            object.__setattr__(stage.tools, "settings", shorter)
        if any(phases[fault] == "find" for fault in faults):
            stage.simulator.faults.add("accept_then_close")
        return _lived(stage, faults)


def _lived(stage: VeoStage, faults: tuple[str, ...]) -> Row:
    simulator = stage.simulator
    if "other_name_200" in faults:
        with stage.worker():
            stage.until(stage.place())
        simulator.reset_counts()
    for fault in faults:
        _order(simulator, fault)
    begun = time.monotonic()
    with stage.worker():
        job = stage.until(stage.place(), seconds=60)
    total, held, _ = stage.books()
    return Row(
        faults=faults,
        end=COMPLETED if job.status == COMPLETED else REVIEW if job.state == REVIEW else str(job.error_code),
        paid=simulator.paid_since,
        twice=sum(count - 1 for count in simulator.by_place.values()),
        submits=simulator.requests["predictLongRunning"],
        balanced=total == held == 0,
        states=stage.states(job.id),
        seconds=time.monotonic() - begun,
    )


def _order(simulator: VertexSimulator, fault: str) -> None:
    more = dict(MORE.get(fault, {}))
    name = fault.removesuffix("_bare")
    head, _, status = fault.rpartition("_")
    if head in ("error_after", "error_before"):
        name, more = head, {"status": int(status)}
    simulator.faults.add(name, **more)


def main() -> None:
    """Run every cell on SQLite and print what became of it."""
    print(f"{'faults':60} {'end':26} paid twice submits seconds  states")
    bad = 0
    for faults in [(fault,) for _, fault in SINGLE] + [tuple(each) for each in MIXED]:
        folder = Path(tempfile.mkdtemp(prefix="vf-matrix-"))
        simulator = VertexSimulator(movie=clip(), generation_seconds=0.02).start()
        made: list[Tools] = []

        def tools_for(folder: Path = folder, made: list[Tools] = made, **given: Any) -> Tools:
            values = {"data_dir": folder, "database_url": fresh("sqlite", folder)} | given
            made.append(build_tools(Settings.from_environment(None, **values)))
            return made[0]

        row = run(make_veo_stage(tools_for, simulator), *faults)
        bad += row.paid > 1 or row.twice > 0 or not row.balanced
        shown = f"{' + '.join(faults):60} {row.end:26} {row.paid:4} {row.twice:5} {row.submits:7} {row.seconds:7.1f}"
        print(shown, " ", " ".join(row.states), flush=True)
        made[0].provider("vertex").close()  # type: ignore[attr-defined]
        made[0].ears.watch.close()
        made[0].decoder.close()
        made[0].db.close()
        simulator.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(SINGLE) + len(MIXED)} cells, {bad} paid twice or with books that do not balance")


if __name__ == "__main__":
    main()
