"""The server is killed for real while a vendor takes its order: found again, and paid once. By hand it is 25 kills each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import databases
from tests.crash.worst_moments import play
from tests.paid_vendors import PAID_VENDORS

# Replicate is killed in test_rounds.py. Each vendor meets another moment here, and both databases are met.
ONE_KILL = {
    "kling": ("accepted_unanswered", "postgresql"),
    "vertex": ("half_answer", "sqlite"),
    "gemini": ("callback", "postgresql"),
    "openai": ("before_store", "sqlite"),
}


@pytest.mark.timeout(180)
@pytest.mark.parametrize("vendor", ONE_KILL)
def test_a_kill_at_a_worst_moment_is_paid_once_and_loses_nothing(vendor: str, tmp_path: Path) -> None:
    moment, database = ONE_KILL[vendor]
    assert database in databases.KINDS
    figures = play(PAID_VENDORS[vendor], kills=1, jobs_a_kill=1, moments=(moment,), database=database, folder=tmp_path)
    assert (figures["completed"], figures["paid"], figures["paid_twice"], figures["needs_review"]) == (1, 1, 0, 0)
