"""A small sample of `python -m tests.media.clip_checks`: every fault is found in a clip that has it, none in a good one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.media.clip_checks import run
from vividflow.config import CLIP_CHECKS


@pytest.mark.timeout(300)
def test_each_fault_is_found_and_good_clips_have_none(tmp_path: Path) -> None:
    counts, wrong = run(tmp_path, few=True)
    assert wrong == []
    assert all(counts[kind] for kind in (*CLIP_CHECKS, "good"))
