"""What a manifest store says, read into plain facts: who signed what, whether it holds, and what it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from vividflow.media.provenance import IPTC, ORIGIN, Source

MOST_DEPTH = 12
_OF_TRUST = frozenset({"signingCredential.untrusted"})
_AI = frozenset({Source.AI, Source.PARTLY_AI})

State = Literal["valid", "invalid", "none", "unread"]


@dataclass(frozen=True, kw_only=True)
class Signer:
    """Whose certificate signed. `ours`: it follows from a certificate of this installation, proved by signature."""

    name: str | None
    organisation: str | None
    algorithm: str | None
    serial: str | None
    ours: bool


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What can be said of a file. `state` "none": no manifest; "unread": it could not be looked at, `problems` say why.

    `trusted` is whether the signer is on a trust list: False for one that is home-made, None where nobody here can
    know. `source` is IPTC's word for how it came to be. `problems` are C2PA's codes. Times are ISO 8601.
    """

    state: State
    trusted: bool | None = None
    signer: Signer | None = None
    generator: str | None = None
    title: str | None = None
    source: str | None = None
    model: str | None = None
    provider: str | None = None
    provider_model: str | None = None
    prompt: str | None = None
    note: str | None = None
    made_at: str | None = None
    actions: tuple[dict[str, Any], ...] = ()
    ingredients: tuple[dict[str, Any], ...] = ()
    problems: tuple[str, ...] = field(default_factory=tuple)

    @property
    def valid(self) -> bool:
        """Whether signature and content hold."""
        return self.state == "valid"

    @property
    def ai_generated(self) -> bool | None:
        """Whether it says that AI made it, or a part of it; None where it says nothing."""
        return None if self.source is None else self.source in _AI


def facts_of(store: Mapping[str, Any], state: str, *, home_made: bool, forgiven: frozenset[str] = frozenset()) -> Facts:
    """The facts of a manifest store as C2PA's reader tells it; `state` its word: Trusted (ours), Valid or Invalid.

    `home_made` says whether our certificate is; failures in `forgiven` do not count.
    """
    manifests: Mapping[str, Any] = store.get("manifests", {})
    active = manifests.get(store.get("active_manifest", ""), {})
    failures = store.get("validation_results", {}).get("activeManifest", {}).get("failure", [])
    codes = {str(each.get("code")) for each in failures} - forgiven
    # The reader leaves the code of an unknown signer out when it knows him; what else fails makes it invalid.
    wrong = tuple(sorted(codes - _OF_TRUST))
    ours = state == "Trusted" or (state == "Invalid" and bool(forgiven) and not codes)
    held = state in ("Trusted", "Valid") or (bool(forgiven) and not wrong)
    signature, origin = active.get("signature_info", {}), _assertion(active, ORIGIN)
    actions = tuple(_action(each) for each in _assertion(active, "c2pa.actions").get("actions", []))
    ingredients = _ingredients(manifests, active, MOST_DEPTH)
    agent = next((act["agent"] for act in actions if act["action"] == "c2pa.created" and act["agent"]), None)
    return Facts(
        state="valid" if held else "invalid",
        trusted=False if ours and home_made else None,
        signer=Signer(
            name=signature.get("common_name"),
            organisation=signature.get("issuer"),
            algorithm=signature.get("alg"),
            serial=signature.get("cert_serial_number"),
            ours=ours,
        ),
        generator=_generator(active),
        title=active.get("title"),
        source=_source(actions, origin, ingredients),
        model=origin.get("model") or agent,
        provider=origin.get("provider"),
        provider_model=origin.get("providerModel"),
        prompt=origin.get("prompt"),
        note=origin.get("note"),
        made_at=origin.get("madeAt") or next((act["when"] for act in actions if act["when"]), None),
        actions=actions,
        ingredients=ingredients,
        problems=wrong,
    )


def _ingredients(manifests: Mapping[str, Any], manifest: Mapping[str, Any], depth: int) -> tuple[dict[str, Any], ...]:
    """The parents of a manifest, each with its own parents."""
    found = []
    for each in manifest.get("ingredients", []) if depth else []:
        own = manifests.get(each.get("active_manifest") or "", {})
        origin = _assertion(own, ORIGIN)
        actions = tuple(_action(act) for act in _assertion(own, "c2pa.actions").get("actions", []))
        parents = _ingredients(manifests, own, depth - 1)
        failures = each.get("validation_results", {}).get("activeManifest", {}).get("failure", [])
        codes = {str(failure.get("code")) for failure in failures} - _OF_TRUST
        found.append(
            {
                "title": each.get("title"),
                "format": each.get("format"),
                "relationship": each.get("relationship"),
                "instance_id": each.get("instance_id"),
                "state": "none" if not own else "invalid" if codes else "valid",
                "claim_generator": _generator(own),
                "signer": own.get("signature_info", {}).get("common_name"),
                "model": origin.get("model"),
                "digital_source_type": _source(actions, origin, parents),
                "ingredients": list(parents),
            }
        )
    return tuple(found)


def _source(actions: tuple[dict[str, Any], ...], origin: Mapping[str, Any], parents: tuple[dict[str, Any], ...]) -> Any:
    """How it came to be: as it says itself, else as the file says that it was before."""
    said = next((act["digital_source_type"] for act in actions if act["digital_source_type"]), None)
    before = (each["digital_source_type"] for each in parents if each["relationship"] == "parentOf")
    return said or _short(origin.get("digitalSourceType")) or next(before, None)


def _assertion(manifest: Mapping[str, Any], label: str) -> Mapping[str, Any]:
    for each in manifest.get("assertions", []):
        name, data = str(each.get("label")), each.get("data")
        if isinstance(data, dict) and (name == label or name.startswith(f"{label}.v")):
            return data
    return {}


def _action(act: Mapping[str, Any]) -> dict[str, Any]:
    agent = act.get("softwareAgent")
    return {
        "action": act.get("action"),
        "when": act.get("when"),
        "agent": agent.get("name") if isinstance(agent, dict) else agent,
        "digital_source_type": _short(act.get("digitalSourceType")),
    }


def _short(source: Any) -> str | None:
    return str(source).removeprefix(IPTC) if source else None


def _generator(manifest: Mapping[str, Any]) -> str | None:
    info = manifest.get("claim_generator_info") or [{}]
    words = (info[0].get("name"), info[0].get("version"))
    return " ".join(str(word) for word in words if word) or manifest.get("claim_generator")
