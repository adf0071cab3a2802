"""Signing files and reading what was signed. The only file that knows the C2PA library.

The seam for whoever makes a file from another, after the last byte was written:

    sealed = tools.seal.sign(path, "video/mp4", Claim(title=…, made_at=now(), acts=("c2pa.transcoded",),
                             parents=(Parent(title=…, mime=…, path=original, manifest=its_sidecar),)))

The manifest is then in the file, or beside it (`sealed.sidecar`), or `sealed.trouble` says why it is not. It never raises.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vividflow.config import Settings
from vividflow.errors import Complaints
from vividflow.media.provenance import Claim, Parent, definition, ingredient
from vividflow.media.provenance_certificate import Certificate, anchors_of, certificate_of
from vividflow.media.provenance_facts import Facts, facts_of

if TYPE_CHECKING:
    pass

log = logging.getLogger(__name__)

# Types that the library can put a manifest into; beside all others it lies in a file of its own.
EMBEDS = frozenset({"video/mp4", "video/quicktime", "image/webp", "image/jpeg", "image/png", "image/gif"})
# The library holds twice the file in memory to write into it, and once to read it.
EMBED_MOST_BYTES = 192 << 20
READ_MOST_BYTES = 384 << 20
_ANY = "application/octet-stream"
# What it says of a file without a manifest, with one that lies elsewhere, and of one that could not carry any.
_NOTHING = ("ManifestNotFound", "RemoteManifest", "NotSupported", "Other: asset could not be parsed")
_UNSEEN = frozenset({"assertion.dataHash.mismatch"})
# No word to anybody outside: no remote manifests, no revocation lists. No thumbnails, which cost 100 ms and show too much.
_MANNERS: Mapping[str, Any] = {
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": True},
}


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """What became of a signing: in the file, `manifest` beside it (in `sidecar`, where one was written), or `trouble`."""

    embedded: bool = False
    manifest: bytes | None = None
    sidecar: Path | None = None
    trouble: str | None = None


class Seal:
    """Signs and reads with the certificate of this installation. May be shared by all threads of a process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._certificate: Certificate | None = None
        self._anchors = b""

    @property
    def certificate(self) -> Certificate:
        """The certificate, made or read at first use. Raises `Complaints`, `OSError`."""
        with self._lock:
            if self._certificate is None:
                self._anchors = anchors_of(self._settings)
                self._certificate = certificate_of(self._settings)
            return self._certificate

    # ---- signing

    def sign(self, path: Path, mime: str, claim: Claim) -> Sealed:
        """Put a manifest into the file, or, where none fits in or it is very large, into `<path>.c2pa` beside it.

        The file is replaced whole or left as it is. Never raises: `trouble` is a sentence, and the log has the trace.
        """
        try:
            if mime in EMBEDS and path.stat().st_size <= EMBED_MOST_BYTES:
                return self._embed(path, mime, claim)
            sealed = self.over(path, mime, claim)
            if sealed.manifest is None:
                return sealed
            beside = path.with_name(f"{path.name}.c2pa")
            beside.write_bytes(sealed.manifest)
            return Sealed(manifest=sealed.manifest, sidecar=beside)
        except Exception as error:  # noqa: BLE001 - a signature is never worth a paid video
            return _unsigned(error)

    def over(self, path: Path, mime: str, claim: Claim, *, sha256: str | None = None) -> Sealed:
        """A manifest over every byte of a file that stays untouched; `sha256` saves reading it once more. Never raises."""
        try:
            if sha256 is None:
                with path.open("rb") as data:
                    sha256 = hashlib.file_digest(data, "sha256").hexdigest()
            wanted = definition(claim, mime)
            # The hash is ours, so the library never sees the file: no memory, and nothing of a stranger's is parsed.
            whole = {"name": "whole file", "alg": "sha256", "hash": list(bytes.fromhex(sha256)), "pad": []}
            wanted["assertions"].append({"label": "c2pa.hash.data", "data": whole})
            nothing = io.BytesIO()
            return Sealed(manifest=self._signed(wanted, claim, _ANY, io.BytesIO(), nothing, embed=False))
        except Exception as error:  # noqa: BLE001 - a signature is never worth a paid video
            return _unsigned(error)

    # ---- reading

    def read(self, path: Path, mime: str | None = None, manifest: bytes | None = None) -> Facts:
        """What a file's own manifest says, or `manifest`, its sidecar, and whether both hold. `mime` None: it is guessed.

        Never raises: `state` "unread" is a file that cannot be looked at.
        """
        try:
            if path.stat().st_size > READ_MOST_BYTES:
                return Facts(state="unread", problems=("file.tooLarge",))
            with path.open("rb") as stream:
                return self._read(stream, mime, manifest)
        except (Complaints, OSError) as error:
            log.warning("could not look for a manifest: %s", error)
            return Facts(state="unread", problems=("file.unreadable",))

    def read_alone(self, manifest: bytes) -> Facts:
        """What a sidecar made by `over` says, and whether its signature holds; its file is not looked at. Never raises."""
        try:
            return self._read(io.BytesIO(), _ANY, manifest, forgiven=_UNSEEN)
        except (Complaints, OSError) as error:
            log.warning("could not read a manifest: %s", error)
            return Facts(state="unread", problems=("manifest.unreadable",))

    # ---- the library

    def _embed(self, path: Path, mime: str, claim: Claim) -> Sealed:
        fresh = path.with_name(f"{path.name}.signing")
        try:
            with path.open("rb") as source, fresh.open("w+b") as made:
                manifest = self._signed(definition(claim, mime), claim, mime, source, made, embed=True)
            os.replace(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)
        return Sealed(embedded=True, manifest=manifest)

    def _signed(self, wanted: dict[str, Any], claim: Claim, mime: str, source: Any, made: Any, *, embed: bool) -> bytes:
        import c2pa

        certificate = self.certificate
        files: list[tuple[dict[str, Any], Parent]] = []
        resources: list[tuple[str, bytes]] = []
        for place, parent in enumerate(claim.parents):
            named = ingredient(parent, place)
            if parent.path is None or parent.path.stat().st_size > READ_MOST_BYTES:
                wanted["ingredients"].append(named)
            elif parent.manifest is not None:
                wanted["ingredients"].append(named | self._proved(parent, named["label"]))
                resources.append((f"{named['label']}.c2pa", parent.manifest))
            else:
                files.append((named, parent))
        # The library checks what it signed against the file, which it was not shown when the manifest stays outside.
        manners = {**_MANNERS, "verify": {**_MANNERS["verify"], "verify_after_sign": embed}}
        info = c2pa.C2paSignerInfo(certificate.algorithm.encode(), certificate.chain, certificate.key, None)
        with ExitStack() as opened:
            context = opened.enter_context(c2pa.Context.from_dict(manners))
            builder = opened.enter_context(c2pa.Builder(json.dumps(wanted), context=context))
            if not embed:
                builder.set_no_embed()
            for name, data in resources:
                builder.add_resource(name, io.BytesIO(data))
            for named, parent in files:
                assert parent.path is not None
                with parent.path.open("rb") as stream:
                    builder.add_ingredient(json.dumps(named), parent.mime, stream)
            signer = opened.enter_context(c2pa.Signer.from_info(info))
            return builder.sign(signer, mime, source, made)

    def _proved(self, parent: Parent, label: str) -> dict[str, Any]:
        """How a parent with a sidecar stands, as its child's manifest tells it."""
        import c2pa

        assert parent.path is not None
        with (
            parent.path.open("rb") as stream,
            c2pa.Context.from_dict(dict(_MANNERS)) as context,
            c2pa.Reader(parent.mime, stream, parent.manifest, context=context) as reader,
        ):
            store = json.loads(reader.json())
        return {
            "active_manifest": store["active_manifest"],
            "validation_results": store["validation_results"],
            "manifest_data": {"format": "application/c2pa", "identifier": f"{label}.c2pa"},
        }

    def _read(
        self, stream: Any, mime: str | None, manifest: bytes | None, forgiven: frozenset[str] = frozenset()
    ) -> Facts:
        import c2pa

        home_made = self.certificate.home_made
        manners = {**_MANNERS, "trust": {"user_anchors": self._anchors.decode()}}
        try:
            with (
                c2pa.Context.from_dict(manners) as context,
                c2pa.Reader(mime, stream, manifest, context=context) as reader,
            ):
                state = reader.get_validation_state() or "Invalid"
                return facts_of(json.loads(reader.json()), state, home_made=home_made, forgiven=forgiven)
        except c2pa.C2paError as error:
            # The library names what went wrong at the head of its message; its classes are not all public.
            log.debug("no manifest was read: %s", error)
            if manifest is None and str(error).startswith(_NOTHING):
                return Facts(state="none")
            return Facts(state="invalid", problems=("manifest.unreadable",))


def _unsigned(error: Exception) -> Sealed:
    log.warning("a file was not signed", exc_info=error)
    match error:
        case Complaints():
            reason = f"the certificate cannot be used ({error.complaints[0]})"
        case OSError():
            reason = f"this machine had trouble ({error.strerror or 'unreadable'})"
        case _:
            reason = "the signing library refused it"
    return Sealed(trouble=f"It was not signed: {reason}.")
