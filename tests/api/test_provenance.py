"""Where a video came from, asked over the API: facts or the manifest, for its owner alone, when there is one."""

from __future__ import annotations

import pytest

from tests.api.desk import Desk
from vividflow.media.provenance import MIME, Claim, Maker, Source
from vividflow.records import assets, renditions
from vividflow.records.jobs import Job
from vividflow.records.renditions import Rendition
from vividflow.timing import new_id, now

FILM = bytes(range(256)) * 40


def path_of(job_id: str) -> str:
    return f"/api/v1/videos/jobs/{job_id}/provenance"


@pytest.fixture
def signed(desk: Desk) -> Job:
    """A finished job with a sidecar."""
    return sign(desk, desk.finished(FILM))


def sign(desk: Desk, job: Job) -> Job:
    """Keep a sidecar of what the job made, as its end would."""
    made = Maker(model="veo", provider="vertex")
    claim = Claim(title="A video", made_at=now(), source=Source.AI, maker=made)
    film = desk.settings.scratch / new_id()
    film.write_bytes(FILM)
    manifest = desk.tools.seal.over(film, "video/mp4", claim).manifest
    assert manifest is not None
    film.write_bytes(manifest)
    key = f"users/{job.user_id}/{job.id}/provenance.c2pa"
    stored = desk.tools.storage.put(key, film, mime=MIME, sha256=_sha256(manifest))
    film.unlink()
    row = Rendition(
        id=new_id(), asset_id=job.result["asset_id"], name="provenance", storage_key=key, mime=MIME,
        size=stored.size, sha256=_sha256(manifest), created_at=now(),
    )  # fmt: skip
    with desk.tools.db.transaction() as connection:
        renditions.insert(connection, row)
        facts = {"fps": 25.0, "provenance": {"signed": True, "home_made": True}}
        assets.change(connection, job.result["asset_id"], facts=facts)
    return job


def _sha256(data: bytes) -> str:
    from hashlib import sha256

    return sha256(data).hexdigest()


def test_facts_come_by_default_and_the_manifest_for_whom_prefers_it(desk: Desk, signed: Job) -> None:
    facts = desk.get(path_of(signed.id))
    body = facts.get_json()
    assert (facts.status_code, body["state"], body["valid"], body["trusted"]) == (200, "valid", True, False)
    assert (body["model"], body["ai_generated"], body["checked"]) == ("veo", True, "file")
    assert body["claim_generator"].startswith("Vivid Flow ")
    assert body["signer"]["ours"] is True
    assert body["manifest_url"].endswith(f"{path_of(signed.id)}?format=c2pa")
    by_header = desk.get(path_of(signed.id), headers={"Accept": MIME})
    by_query = desk.get(f"{path_of(signed.id)}?format=c2pa")
    assert by_header.data == by_query.data
    assert by_query.content_type == MIME
    assert f"{signed.id}.c2pa" in by_query.headers["Content-Disposition"]
    assert "Accept" in by_header.headers["Vary"]
    again = desk.get(f"{path_of(signed.id)}?format=c2pa", headers={"If-None-Match": by_query.headers["ETag"]})
    assert again.status_code == 304
    assert desk.get(f"{path_of(signed.id)}?format=json", headers={"Accept": MIME}).get_json() == body
    assert desk.get(path_of(signed.id), headers={"Accept": "*/*"}).is_json
    wrong = desk.get(f"{path_of(signed.id)}?format=xml")
    assert (wrong.status_code, wrong.get_json()["code"]) == (422, "invalid_format")


def test_metadata_tells_it_in_a_few_words_and_apart_from_technical_facts(desk: Desk, signed: Job) -> None:
    body = desk.get(f"/api/v1/videos/jobs/{signed.id}/metadata").get_json()
    assert body["technical_metadata"] == {"fps": 25.0}
    assert (body["provenance"]["signed"], body["provenance"]["trusted"]) == (True, False)
    assert body["provenance"]["ai_generated"] is False  # the job's own provider is the local one
    assert desk.get(f"/api/v1/videos/jobs/{signed.id}/thumbnail?variant=provenance").status_code == 404


def test_anothers_job_looks_like_a_missing_one(desk: Desk, signed: Job) -> None:
    _, key = desk.someone()
    theirs, none = desk.get(path_of(signed.id), key=key), desk.get(path_of(new_id()), key=key)
    assert (theirs.status_code, none.status_code) == (404, 404)
    for answer in (theirs, none):
        assert answer.get_json()["code"] == "job_not_found"
    assert desk.client.get(path_of(signed.id)).status_code == 401


def test_a_job_under_way_has_none_yet_and_a_failed_one_never(desk: Desk) -> None:
    waiting = desk.get(path_of(desk.placed()))
    assert (waiting.status_code, waiting.get_json()["code"]) == (409, "job_not_finished")
    failed = desk.get(path_of(desk.finished(status="failed").id))
    assert (failed.status_code, failed.get_json()["code"]) == (404, "no_result")


def test_a_video_that_was_never_signed_says_so(desk: Desk) -> None:
    job = desk.finished(FILM)
    body = desk.get(path_of(job.id)).get_json()
    assert (body["state"], body["valid"], body["signer"], body["manifest_url"]) == ("none", False, None, None)
    raw = desk.get(f"{path_of(job.id)}?format=c2pa")
    assert (raw.status_code, raw.get_json()["code"]) == (404, "no_manifest")
    assert "made before files were signed" in raw.get_json()["detail"]
