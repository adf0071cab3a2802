"""Signing for what a provider made: beside the untouched file, with what may be told, and never at the job's cost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.installation import settings_in
from tests.lifecycle.stage import Stage
from vividflow.lifecycle.provenance import manifest_of, rendition_of, source_of, told, verified
from vividflow.media.provenance import Claim, Maker, Source
from vividflow.media.provenance_seal import Seal
from vividflow.records import assets, users
from vividflow.records.assets import Asset
from vividflow.records.jobs import Job


@pytest.fixture
def fetched(stage: Stage) -> Job:
    """A job whose video lies on this machine, unproven."""
    stage.simulator.generation_seconds = 0.0
    job = stage.step(stage.step(stage.step(stage.begin())))
    assert job.state == "finishing"
    return job


@pytest.fixture
def finished(stage: Stage, fetched: Job) -> Callable[[], tuple[Job, Asset]]:
    """Ends the job; the job and what it made."""

    def finish() -> tuple[Job, Asset]:
        job = stage.step(fetched)
        assert job.status == "completed", job
        with stage.tools.db.reading() as connection:
            asset = assets.by_id(connection, stage.user.id, job.result["asset_id"])
        assert asset is not None
        return job, asset

    return finish


def _ready(stage: Stage, job: Job) -> Path:
    return stage.tools.settings.scratch / f"{job.id}.ready"


def _file(stage: Stage, asset: Asset) -> Path:
    here = stage.tools.storage.local_path(asset.storage_key)
    assert here is not None
    return here


def test_a_film_is_signed_for_beside_it_and_stays_what_the_provider_made(
    stage: Stage, fetched: Job, finished: Callable[[], tuple[Job, Asset]], tmp_path: Path
) -> None:
    film = _ready(stage, fetched).read_bytes()
    job, asset = finished()
    row = rendition_of(stage.tools, asset.id)
    assert row is not None
    assert (row.name, row.mime) == ("provenance", "application/c2pa")
    assert _file(stage, asset).read_bytes() == film
    facts = told(stage.tools, job, asset)
    assert (facts["state"], facts["checked"], facts["trusted"], facts["signer"]["ours"]) == (
        "valid",
        "file",
        False,
        True,
    )
    assert (facts["ai_generated"], facts["model"], facts["provider"]) == (True, "wan2.2", "replicate")
    assert (facts["digital_source_type"], facts["prompt"]) == ("trainedAlgorithmicMedia", None)
    assert (job.prompt or "").encode() not in (manifest_of(stage.tools, asset.id) or b"")

    copy = tmp_path / "downloaded.mp4"
    copy.write_bytes(film)
    assert verified(stage.tools, copy).model == "wan2.2"
    copy.write_bytes(film[:-1] + bytes([film[-1] ^ 1]))
    assert verified(stage.tools, copy).state == "none"
    assert verified(stage.tools, copy, manifest_of(stage.tools, asset.id)).state == "invalid"
    _file(stage, asset).write_bytes(film + b"\0")
    spoiled = told(stage.tools, job, asset)
    assert (spoiled["valid"], spoiled["problems"]) == (False, ["assertion.dataHash.mismatch"])


def test_the_prompt_is_in_it_only_with_its_authors_leave(
    stage: Stage, finished: Callable[[], tuple[Job, Asset]]
) -> None:
    with stage.tools.db.transaction() as connection:
        users.change(connection, stage.user.id, sign_prompts=True)
    job, asset = finished()
    assert told(stage.tools, job, asset)["prompt"] == "a lighthouse at dusk"


def test_a_manifest_that_the_provider_put_in_is_told_and_kept_in_ours(
    stage: Stage, fetched: Job, finished: Callable[[], tuple[Job, Asset]], tmp_path: Path
) -> None:
    ready, provider = _ready(stage, fetched), Seal(settings_in(tmp_path / "provider"))
    claim = Claim(title="t", made_at=1.8e9, source=Source.AI, maker=Maker(model="wan", provider="them"))
    assert provider.sign(ready, "video/mp4", claim).embedded
    film = ready.read_bytes()
    job, asset = finished()
    assert _file(stage, asset).read_bytes() == film
    facts = told(stage.tools, job, asset)
    assert facts["provider_manifest"]["state"] == "valid"
    assert facts["provider_manifest"]["digital_source_type"] == "trainedAlgorithmicMedia"
    assert (facts["state"], facts["actions"][0]["action"]) == ("valid", "c2pa.opened")
    (before,) = facts["ingredients"]
    assert (before["relationship"], before["state"], before["model"]) == ("parentOf", "valid", "wan")


@pytest.mark.parametrize("broken", ["the library", "the certificate"])
def test_what_cannot_be_signed_is_stored_all_the_same_and_says_why(
    stage: Stage, finished: Callable[[], tuple[Job, Asset]], broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if broken == "the certificate":
        (stage.tools.settings.data_dir / "c2pa.pem").write_text("spoiled")
    else:

        def refuse(*_: Any, **__: Any) -> None:
            raise RuntimeError("it broke")

        monkeypatch.setattr("c2pa.Builder.sign", refuse)
    job, asset = finished()
    assert (job.status, job.charged) == ("completed", True)
    assert rendition_of(stage.tools, asset.id) is None
    facts = told(stage.tools, job, asset)
    assert (facts["state"], facts["valid"], facts["manifest_url"]) == ("none", False, None)
    assert facts["trouble"].startswith("It was not signed: ")
    assert stage.books() == (0, 0, None)


def test_a_film_that_lies_elsewhere_is_told_by_its_manifest_alone(
    stage: Stage, finished: Callable[[], tuple[Job, Asset]], monkeypatch: pytest.MonkeyPatch
) -> None:
    job, asset = finished()
    monkeypatch.setattr(stage.tools.storage, "local_path", lambda _: None)
    facts = told(stage.tools, job, asset)
    assert (facts["state"], facts["checked"], facts["signer"]["ours"]) == ("valid", "manifest", True)


def test_what_is_drawn_here_is_never_said_to_be_ai(stage: Stage, fetched: Job) -> None:
    drawn = fetched.but(provider="local", params={})
    assert source_of(fetched) is Source.AI
    assert source_of(drawn) is Source.DRAWN
    assert source_of(drawn.but(params={"image_id": "x"})) is Source.COMPOSED
