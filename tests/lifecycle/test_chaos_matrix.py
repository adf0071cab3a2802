"""A few cells of the chaos matrix, for every vendor that can be paid, on both databases; all of them run by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.lifecycle.chaos import FETCH, LOOK, SUBMIT, Cell, run
from tests.lifecycle.chaos_matrix import RESULT, cells
from tests.paid_vendors import PAID_VENDORS
from vividflow.lifecycle.tools import Tools
from vividflow.providers.catalog import PROVIDERS
from vividflow.providers.registry import load_registry

ALL = {str(cell): cell for cell in cells()}
SAMPLE = (
    "vertex look: odd text",
    "gemini submit: taken, deep",
    "kling result: link: half a surrogate pair",
)


@pytest.mark.parametrize("name", SAMPLE)
def test_a_strange_answer_breaks_nothing_and_each_job_ends_as_it_should(
    name: str, tools_for: Callable[..., Tools]
) -> None:
    row = run(ALL[name], tools_for)
    assert row.as_expected(ALL[name]), row


def test_every_vendor_that_can_be_paid_has_cells_in_every_phase() -> None:
    elsewhere = {name for name, facts in load_registry().vendors.items() if facts.lane != "media"}
    assert PAID_VENDORS.keys() == elsewhere == PROVIDERS.keys() - {"local"}
    found: set[tuple[str, str]] = {(cell.vendor, cell.phase) for cell in ALL.values()}
    assert found >= {(vendor, phase) for vendor in PAID_VENDORS for phase in (SUBMIT, LOOK, RESULT, FETCH)}
    assert len(ALL) == len(list(cells()))


def test_a_cell_that_ends_otherwise_is_told(tools_for: Callable[..., Tools]) -> None:
    wrong = Cell(vendor="replicate", phase=SUBMIT, fault="invalid", own=(("invalid", {}),))
    row = run(wrong, tools_for)
    assert not row.as_expected(wrong)
    assert (set(row.ends), set(row.paid), row.lost) == ({"provider_refused_input"}, {0}, 0)
