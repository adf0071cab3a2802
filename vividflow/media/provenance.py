"""What is claimed about a file, in our words and in those of C2PA (the manifest that `provenance_seal` signs)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from vividflow import __version__

GENERATOR = {"name": "Vivid Flow", "version": __version__}
MIME = "application/c2pa"
# Our own assertion: what no word of C2PA's says.
ORIGIN = "org.vividflow.generation"
IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"


class Source(StrEnum):
    """How the pixels came to be, by IPTC's list of digital source types."""

    AI = "trainedAlgorithmicMedia"
    PARTLY_AI = "compositeWithTrainedAlgorithmicMedia"
    DRAWN = "algorithmicMedia"
    COMPOSED = "compositeSynthetic"


class Relation(StrEnum):
    """What a parent is to the new file: the very thing before it was changed, a part of it, or what a model was given."""

    CHANGED = "parentOf"
    PART = "componentOf"
    GIVEN = "inputTo"


@dataclass(frozen=True, kw_only=True)
class Maker:
    """Who made the pixels. `prompt` only with its author's leave; `note` is a sentence for people."""

    model: str | None
    provider: str | None
    provider_model: str | None = None
    prompt: str | None = None
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Parent:
    """A file that the new one came from. `path` is read for the manifest in it, unless `manifest` is its sidecar.

    Without a path it is named alone: `title` (never a person's words), `mime`, `sha256` of its bytes.
    """

    title: str
    mime: str
    relation: Relation = Relation.CHANGED
    path: Path | None = None
    manifest: bytes | None = None
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a manifest says. `made_at` is seconds since 1970, `acts` what was done, in C2PA's names of actions.

    With one `CHANGED` parent the file is that parent, changed; else it is new, and `source` must say how it came to be.
    Raises `ValueError` for what is neither.
    """

    title: str
    made_at: float
    source: Source | None = None
    maker: Maker | None = None
    parents: tuple[Parent, ...] = ()
    acts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        changed = sum(parent.relation is Relation.CHANGED for parent in self.parents)
        if changed > 1 or (not changed and self.source is None):
            raise ValueError("a claim has one changed parent, or a source and no changed parent")


def definition(claim: Claim, mime: str) -> dict[str, Any]:
    """The manifest of a claim about a file of type `mime`; parents are named by `label_of`, and added by the caller."""
    assertions: list[dict[str, Any]] = [{"label": "c2pa.actions.v2", "data": {"actions": _actions(claim)}}]
    if claim.maker is not None:
        assertions.append({"label": ORIGIN, "data": _origin(claim, claim.maker)})
    return {
        "claim_generator_info": [GENERATOR],
        "title": claim.title,
        "format": mime,
        "assertions": assertions,
        "ingredients": [],
    }


def ingredient(parent: Parent, place: int) -> dict[str, Any]:
    """A parent as an ingredient that is named alone."""
    found = {"title": parent.title, "format": parent.mime, "relationship": parent.relation.value}
    if parent.sha256:
        found["instance_id"] = f"urn:sha256:{parent.sha256}"
    return found | {"label": label_of(place)}


def label_of(place: int) -> str:
    """The name by which the actions of a manifest point to its parent number `place`."""
    return f"parent-{place}"


def _actions(claim: Claim) -> list[dict[str, Any]]:
    when = _when(claim.made_at)
    places = {
        relation: [label_of(place) for place, parent in enumerate(claim.parents) if parent.relation is relation]
        for relation in Relation
    }
    if places[Relation.CHANGED]:
        first: dict[str, Any] = {"action": "c2pa.opened", "parameters": {"ingredientIds": places[Relation.CHANGED]}}
    else:
        first = {"action": "c2pa.created", "when": when, "digitalSourceType": f"{IPTC}{claim.source}"}
        if claim.maker is not None and claim.maker.model:
            first["softwareAgent"] = {"name": claim.maker.model}
        if places[Relation.GIVEN]:
            first["parameters"] = {"ingredientIds": places[Relation.GIVEN]}
    placed = [{"action": "c2pa.placed", "parameters": {"ingredientIds": [each]}} for each in places[Relation.PART]]
    return [first, *placed, *({"action": act, "when": when} for act in claim.acts)]


def _origin(claim: Claim, maker: Maker) -> dict[str, Any]:
    told = {
        "model": maker.model,
        "provider": maker.provider,
        "providerModel": maker.provider_model,
        "prompt": maker.prompt,
        "note": maker.note,
        "digitalSourceType": f"{IPTC}{claim.source}" if claim.source else None,
        "madeAt": _when(claim.made_at),
    }
    return {name: value for name, value in told.items() if value is not None}


def _when(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
