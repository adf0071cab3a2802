"""Every kind of range, over a real socket and compared with the file; `python -m tests.api.ranges` prints the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.ranges import play


@pytest.mark.timeout(180)
def test_every_range_brings_exactly_those_bytes(tmp_path: Path) -> None:
    tables = play(tmp_path)
    assert {name: len(rows) for name, rows in tables.items()} == {"download": 41, "signed link": 41}
    assert [str(row) for rows in tables.values() for row in rows if not row.right] == []
