"""Storage that goes away and disks that run full, for real: the long versions are commands of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash import full_disk, outage


@pytest.mark.timeout(240)
def test_videos_that_finish_while_the_bucket_is_away_are_all_in_it_afterwards(tmp_path: Path) -> None:
    figures = outage.play(jobs=6, seconds=4.0, folder=tmp_path)
    assert figures["ended"] == {"completed": 6}
    assert figures["storage_while_away"] == {"waiting": 6}
    assert (figures["hashes_equal"], figures["paid"], figures["paid_twice"]) == (6, 6, 0)


@pytest.mark.timeout(240)
@pytest.mark.skipif(
    not full_disk.able(), reason="This test mounts small disks: run it as root on Linux, where mounting is allowed."
)
def test_a_full_disk_is_told_and_everything_goes_on_after_relief(tmp_path: Path) -> None:
    assert [row["full"] for row in full_disk.play(tmp_path)] == [507, 507, "processing", "processing"]
