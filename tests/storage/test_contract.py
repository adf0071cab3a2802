"""The contract, kept by every bucket: on emulators, on strict simulators, and with the waiting room before them."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.storage.contract import StorageContract, read, stored
from vividflow.config import Settings
from vividflow.storage.base import Storage
from vividflow.storage.bucket import Bucket
from vividflow.storage.gcs import GcsStorage
from vividflow.storage.s3 import S3Storage
from vividflow.storage.waiting_room import WaitingRoom

Settle = Callable[..., Settings]
Opened = Callable[[Bucket], Bucket]
LARGE = random.Random(4).randbytes(20_000_000)


class BucketContract(StorageContract):
    """And what goes up in pieces."""

    def test_a_large_file_goes_up_in_pieces_and_comes_back_whole(self, storage: Storage, tmp_path: Path) -> None:
        stored(storage, tmp_path, body=LARGE)
        assert read(storage) == LARGE
        assert read(storage, start=8 * 1024 * 1024 - 3, length=7) == LARGE[8 * 1024 * 1024 - 3 :][:7]
        assert stored(storage, tmp_path, body=LARGE).size == len(LARGE)

    def test_there_is_nothing_to_sweep_in_a_storage_that_is_in_use(self, storage: Storage, tmp_path: Path) -> None:
        stored(storage, tmp_path)
        assert storage.sweep() == 0
        assert read(storage)


class TestGoogleEmulator(BucketContract):
    """gcp-storage-emulator knows no preconditions; the strict bucket below keeps those promises."""

    @pytest.fixture
    def storage(self, google_emulator: str, settings_of: Settle, opened: Opened) -> Storage:
        return opened(GcsStorage(settings_of("gs", google_emulator)))

    test_nothing_is_ever_overwritten = None  # type: ignore[assignment]
    test_of_many_at_once_one_wins_whole = None  # type: ignore[assignment]


class TestAmazonEmulator(BucketContract):
    """moto looks and writes in two acts, so its race has no winner; the strict bucket below has one."""

    @pytest.fixture
    def storage(self, amazon_emulator: str, settings_of: Settle, opened: Opened) -> Storage:
        return opened(S3Storage(settings_of("s3", amazon_emulator)))

    test_of_many_at_once_one_wins_whole = None  # type: ignore[assignment]


class TestStrictBuckets(BucketContract):
    """Every promise, on buckets that enforce every precondition."""

    @pytest.fixture
    def storage(self, bucket: Bucket) -> Storage:
        return bucket


class TestWaitingRoom(BucketContract):
    """A bucket that answers, behind the folder."""

    @pytest.fixture
    def storage(self, bucket: Bucket, tmp_path: Path) -> Storage:
        return WaitingRoom(bucket, tmp_path / "outgoing")


class TestWaitingRoomAlone(BucketContract):
    """What waits is served as the bucket would serve it."""

    @pytest.fixture
    def storage(self, bucket: Bucket, tmp_path: Path, simulator: object, quick: object) -> Storage:
        room = WaitingRoom(bucket, tmp_path / "outgoing")
        room._away_until = float("inf")
        return room

    test_what_is_not_there = None  # type: ignore[assignment] - whether the bucket has it is for the bucket to say
