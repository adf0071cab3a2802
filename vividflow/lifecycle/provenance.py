"""What is signed over the file that a provider made, what is kept of it on the asset, and what is told of it later."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from vividflow.lifecycle.tools import Tools
from vividflow.media.provenance import MIME, Claim, Maker, Parent, Relation, Source
from vividflow.media.provenance_facts import Facts
from vividflow.media.provenance_seal import READ_MOST_BYTES
from vividflow.records import assets, renditions, users
from vividflow.records.assets import Asset
from vividflow.records.jobs import Job
from vividflow.records.renditions import Rendition
from vividflow.storage.base import StorageGone

NAME = "provenance"
NOTE = "A preview made on this machine, not by AI."
_TITLES = {"image_id": "Start picture", "last_image_id": "Last picture"}
_KINDS = {"video": "A video", "image": "A picture"}


def seal_original(
    job: Job, tools: Tools, file: Path, *, kind: str, mime: str, sha256: str, made_at: float
) -> tuple[bytes | None, dict[str, Any]]:
    """A manifest over the untouched file, and what the asset's facts keep of it. Without a manifest they say why.

    A manifest that came inside the file (the provider's own) is noticed, kept in ours as what the file was before, and
    told in the facts. Never raises for anything about signing.
    """
    found = tools.seal.read(file, mime)
    theirs = found if found.state in ("valid", "invalid") else None
    claim = Claim(
        title=_KINDS.get(kind, "A file"),
        made_at=made_at,
        source=source_of(job),
        maker=_maker(job, tools),
        parents=_parents(job, tools, file, mime, sha256, own=theirs is not None),
    )
    sealed = tools.seal.over(file, mime, claim, sha256=sha256)
    kept: dict[str, Any] = {"signed": sealed.manifest is not None, "trouble": sealed.trouble}
    if sealed.manifest is not None:
        kept["home_made"] = tools.seal.certificate.home_made
    return sealed.manifest, kept | {"provider_manifest": _noticed(theirs) if theirs else None}


def source_of(job: Job) -> Source:
    """How a job's pixels came to be: by a trained model, or drawn here, by a formula or over somebody's picture."""
    if job.provider != "local":
        return Source.AI
    return Source.COMPOSED if job.params.get("image_id") else Source.DRAWN


def provenance(job: Job, asset: Asset | None = None) -> dict[str, Any]:
    """Where a video came from, in a few words, from its rows alone."""
    ai, kept = job.provider != "local", (asset.facts.get(NAME) if asset else None) or {}
    home_made = kept.get("home_made")
    return {
        "ai_generated": ai,
        "model": job.model,
        "provider": job.provider,
        "provider_model": job.provider_model,
        "note": None if ai else NOTE,
        "digital_source_type": source_of(job).value,
        "signed": bool(kept.get("signed")),
        "trusted": False if home_made else None,
        "trouble": kept.get("trouble"),
        "provider_manifest": kept.get("provider_manifest"),
    }


def told(tools: Tools, job: Job, asset: Asset) -> dict[str, Any]:
    """The answer of GET …/provenance: the manifest of a finished file, read and checked now.

    Raises `StorageGone`, `FileNotFoundError`.
    """
    manifest, checked = manifest_of(tools, asset.id), "file"
    here = tools.storage.local_path(asset.storage_key)
    if manifest is None:
        facts, checked = Facts(state="none"), "nothing"
    elif here is not None and asset.size <= READ_MOST_BYTES:
        facts = tools.seal.read(here, asset.mime, manifest)
    else:  # bringing a film from its bucket for this would cost more than it tells
        facts, checked = tools.seal.read_alone(manifest), "manifest"
    known = provenance(job, asset)
    return {
        "job_id": job.id,
        "asset_id": asset.id,
        "sha256": asset.sha256,
        "checked": checked,
        "trouble": known["trouble"],
        "provider_manifest": known["provider_manifest"],
        "manifest_url": f"{tools.settings.public}/api/v1/videos/jobs/{job.id}/provenance?format=c2pa"
        if manifest is not None
        else None,
        **as_json(facts),
        "ai_generated": known["ai_generated"] if facts.ai_generated is None else facts.ai_generated,
    }


def as_json(facts: Facts) -> dict[str, Any]:
    """Facts of a manifest in the members of the API."""
    return {
        "state": facts.state,
        "valid": facts.valid,
        "trusted": facts.trusted,
        "signer": asdict(facts.signer) if facts.signer else None,
        "claim_generator": facts.generator,
        "ai_generated": facts.ai_generated,
        "digital_source_type": facts.source,
        "model": facts.model,
        "provider": facts.provider,
        "provider_model": facts.provider_model,
        "prompt": facts.prompt,
        "note": facts.note,
        "made_at": facts.made_at,
        "actions": list(facts.actions),
        "ingredients": list(facts.ingredients),
        "problems": list(facts.problems),
    }


def verified(tools: Tools, file: Path, manifest: bytes | None = None) -> Facts:
    """What can be said of any file: by `manifest`, else by the sidecar that this installation keeps for these very bytes,
    else by the manifest in the file, else by `<file>.c2pa`. Raises `OSError`, `StorageGone`."""
    if manifest is None:
        with file.open("rb") as data:
            digest = hashlib.file_digest(data, "sha256").hexdigest()
        with tools.db.reading() as connection:
            known = assets.with_sha256(connection, digest)
        manifest = next(filter(None, (manifest_of(tools, asset.id) for asset in known)), None)
    facts = tools.seal.read(file, None, manifest)
    beside = file.with_name(f"{file.name}.c2pa")
    if facts.state == "none" and manifest is None and beside.is_file():
        return tools.seal.read(file, None, beside.read_bytes())
    return facts


def rendition_of(tools: Tools, asset_id: str) -> Rendition | None:
    """The row of an asset's sidecar."""
    with tools.db.reading() as connection:
        made = renditions.of_asset(connection, asset_id)
    return next((each for each in made if each.name == NAME and each.mime == MIME), None)


def manifest_of(tools: Tools, asset_id: str) -> bytes | None:
    """An asset's sidecar. Raises `StorageGone`, `FileNotFoundError`."""
    row = rendition_of(tools, asset_id)
    return None if row is None else b"".join(tools.storage.open_range(row.storage_key))


def _maker(job: Job, tools: Tools) -> Maker:
    with tools.db.reading() as connection:
        user = users.by_id(connection, job.user_id)
    return Maker(
        model=job.model,
        provider=job.provider,
        provider_model=job.provider_model,
        prompt=job.prompt if user is not None and user.sign_prompts else None,
        note=NOTE if job.provider == "local" else None,
    )


def _parents(job: Job, tools: Tools, file: Path, mime: str, sha256: str, *, own: bool) -> tuple[Parent, ...]:
    before = (Parent(title="As the provider made it", mime=mime, path=file, sha256=sha256),) if own else ()
    given = [(title, job.params.get(name)) for name, title in _TITLES.items()]
    given += [(f"Reference {n}", each) for n, each in enumerate(job.params.get("reference_ids", ()), start=1)]
    with tools.db.reading() as connection:
        found = [(title, assets.by_id(connection, job.user_id, each)) for title, each in given if each]
    return (*before, *(_given(tools, title, asset) for title, asset in found if asset is not None))


def _given(tools: Tools, title: str, asset: Asset) -> Parent:
    """A picture that a model was given; one that was made here comes with its own manifest."""
    named = Parent(title=title, mime=asset.mime, relation=Relation.GIVEN, sha256=asset.sha256)
    try:
        here, own = tools.storage.local_path(asset.storage_key), manifest_of(tools, asset.id) if asset.job_id else None
    except (StorageGone, FileNotFoundError):
        return named
    return named if here is None or own is None else replace(named, path=here, manifest=own)


def _noticed(theirs: Facts) -> dict[str, Any]:
    """What is kept of the manifest that a provider put into its file."""
    return {
        "state": theirs.state,
        "claim_generator": theirs.generator,
        "signer": theirs.signer.name if theirs.signer else None,
        "digital_source_type": theirs.source,
    }
