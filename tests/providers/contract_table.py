"""The contract at a glance: `python -m tests.providers.contract_table` prints what each vendor offers and whether it holds.

Each cell runs through the vendor's own client over real HTTP. "not offered" is the registry's word.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pytest

from tests.providers.contract import RIGS
from tests.providers.contract_cells import CELLS
from vividflow.providers.catalog import PROVIDERS

NOT_OFFERED, PASS, FAIL = "not offered", "pass", "FAIL"


def outcome(vendor: str, name: str) -> tuple[str, str]:
    """One cell: its word, and why where it failed."""
    cell = CELLS[name]
    if not cell.offered(vendor):
        return NOT_OFFERED, ""
    with tempfile.TemporaryDirectory(prefix="vf-contract-") as folder, RIGS[vendor](Path(folder)) as rig:
        try:
            cell.check(rig)
        except (Exception, pytest.fail.Exception) as wrong:  # noqa: BLE001 -- whatever it is, the table tells it and goes on
            return FAIL, f"{vendor}, {name}: {type(wrong).__name__}: {wrong}"
    return PASS, ""


def main() -> int:
    """Print the table; 1 when a cell failed."""
    width = max(len(NOT_OFFERED), *map(len, CELLS)) + 2
    print(" " * 11 + "".join(f"{name:{width}}" for name in CELLS))
    reasons, counts = [], Counter[str]()
    for vendor in PROVIDERS:
        print(f"{vendor:11}", end="", flush=True)
        for name in CELLS:
            word, reason = outcome(vendor, name)
            counts[word] += 1
            reasons += [reason] if reason else []
            print(f"{word:{width}}", end="", flush=True)
        print()
    print(", ".join(f"{counts[word]} {word}" for word in (PASS, NOT_OFFERED, FAIL)))
    print("\n".join(reasons))
    return 1 if reasons else 0


if __name__ == "__main__":
    raise SystemExit(main())
