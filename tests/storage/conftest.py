"""Fixtures of buckets: other people's emulators once a session, our strict ones for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from tests.simulators.buckets import BUCKET, CREDENTIALS, AmazonBucket, BucketSimulator, GoogleBucket
from tests.storage import emulators
from vividflow.config import Settings
from vividflow.storage import tries
from vividflow.storage.bucket import Bucket
from vividflow.storage.gcs import GcsStorage
from vividflow.storage.s3 import S3Storage

B = TypeVar("B", bound=Bucket)

_NOWHERE = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "GOOGLE_APPLICATION_CREDENTIALS")
SCHEMES = {"gs": (GoogleBucket, GcsStorage), "s3": (AmazonBucket, S3Storage)}


@pytest.fixture(autouse=True)
def _only_the_tests_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    for name in _NOWHERE:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses between tries are noted, not slept."""
    pauses: list[float] = []
    monkeypatch.setattr(tries.time, "sleep", pauses.append)
    return pauses


@pytest.fixture(scope="session")
def google_emulator() -> Iterator[str]:
    with emulators.google_emulator() as url:
        yield url


@pytest.fixture(scope="session")
def amazon_emulator() -> Iterator[str]:
    with emulators.amazon_emulator() as url:
        yield url


@pytest.fixture
def settings_of(tmp_path: Path) -> Callable[..., Settings]:
    """Settings of a bucket at an address, with a prefix of the test's own."""

    def make(scheme: str, url: str, **more: object) -> Settings:
        name = "storage_emulator_host" if scheme == "gs" else "aws_endpoint_url_s3"
        values = {
            "data_dir": tmp_path / "data",
            "storage_url": f"{scheme}://{BUCKET}/{tmp_path.name}",
            name: url,
        } | more
        return Settings.from_environment(None, **values)

    return make


@pytest.fixture
def opened() -> Iterator[Callable[[B], B]]:
    """Whatever is given to it is closed at the end."""
    held: list[Bucket] = []

    def keep(bucket: B) -> B:
        held.append(bucket)
        return bucket

    yield keep
    for bucket in held:
        bucket.close()


@pytest.fixture(params=SCHEMES)
def simulator(request: pytest.FixtureRequest) -> Iterator[BucketSimulator]:
    """A strict bucket: of Google, then of Amazon."""
    server = SCHEMES[request.param][0]().start()
    yield server
    server.stop()


@pytest.fixture
def bucket(
    simulator: BucketSimulator, settings_of: Callable[..., Settings], opened: Callable[[Bucket], Bucket]
) -> Bucket:
    """Our storage on the strict bucket."""
    scheme = "gs" if isinstance(simulator, GoogleBucket) else "s3"
    return opened(SCHEMES[scheme][1](settings_of(scheme, simulator.url)))
