"""Pictures on their way in: proved in the child, cleaned of everything but pixels, judged, and kept once for equal bytes."""

from __future__ import annotations

import hashlib
import shutil
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from sqlalchemy import Connection

from vividflow.errors import Permanent, Problem
from vividflow.lifecycle import moderation, quota
from vividflow.lifecycle.picture_links import Address, fetch
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.trash import drop
from vividflow.media.facts import TakenFacts
from vividflow.records import assets, renditions
from vividflow.records.assets import Asset
from vividflow.records.renditions import Rendition
from vividflow.storage.base import StorageFull, StorageGone
from vividflow.timing import monotonic, new_id, now

LEAST_SIDE, MOST_SIDE = 256, 4096
LINK_SECONDS = 60.0
THUMBNAIL, THUMBNAIL_SIDE = "thumbnail", 512
# What api.md names for the library, and for a picture that a video starts from.
LIBRARY = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF")
STARTS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "HEIF", "AVIF")
ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


@dataclass(frozen=True, kw_only=True)
class _New:
    """A picture that is not kept yet: its rows to be, and its clean files in scratch."""

    asset: Asset
    thumbnail: Rendition
    picture_file: Path
    thumbnail_file: Path


class Intake:
    """The pictures of one request by the name of their field (`image`, `last_image`), in scratch until the block ends.

    `prove` and `fetch` keep nothing. `upload` puts the bytes into the storage, `write` the rows into somebody's
    transaction; bytes whose rows were not committed are removed again at the end. Equal bytes of a person are one asset.
    """

    def __init__(self, tools: Tools, user_id: str, formats: tuple[str, ...] = STARTS) -> None:
        self.proved: dict[str, Asset] = {}
        self._tools, self._user_id, self._formats = tools, user_id, formats
        self._new: dict[str, _New] = {}
        self._folder = tools.settings.scratch / "uploads" / f"{new_id()}.intake"
        self._until = monotonic() + LINK_SECONDS
        self._stack = ExitStack()

    def __enter__(self) -> Intake:
        """Raises `Problem` 503 busy when too many are at it."""
        self._stack.enter_context(self._tools.room.place(self._user_id))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            shutil.rmtree(self._folder, ignore_errors=True)
            for new in self._new.values():
                self._drop_unless_kept(new)

    @property
    def new(self) -> bool:
        """Whether any of them was not there before."""
        return bool(self._new)

    def fetch(self, name: str, address: Address) -> Asset:
        """Read a picture from an address, within what is left of a minute, and prove it. Raises `Problem`."""
        sink, param = self._path(name, "given"), f"{name}_url"
        fetch(self._tools, address, sink, seconds=max(0.1, self._until - monotonic()), param=param)
        return self.prove(name, sink, param=param)

    def prove(self, name: str, path: Path, *, param: str | None = None) -> Asset:
        """The asset that the file at `path` will be, or is already. Raises `Problem` 422 or 503."""
        given = _hash(path)
        known = self._known(given)
        if known is None:
            self._new[name] = self._cleaned(name, path, given, param or name)
            known = self._new[name].asset
        self.proved[name] = known
        return known

    def upload(self) -> None:
        """Put the bytes of what is new into the storage. Raises `Problem` 413 over_quota, 503 or 507."""
        if self._new:
            with self._tools.db.reading() as connection:
                quota.check_upload(connection, self._tools.settings, self._user_id, self._size)
        for new in self._new.values():
            for row, file in ((new.asset, new.picture_file), (new.thumbnail, new.thumbnail_file)):
                put(self._tools, row.storage_key, file, row.mime, row.sha256)

    def write(self, connection: Connection) -> None:
        """Write the rows, and take back from the trash what was sent again.

        Raises `IntegrityError` when an equal upload was faster; then `overtaken` finds it; `Problem` 413 over_quota.
        """
        moment = now()
        if self._new:
            quota.check_upload(connection, self._tools.settings, self._user_id, self._size, hold=True)
        new = {each.asset.id: each for each in self._new.values()}
        for asset_id in {asset.id for asset in self.proved.values()}:
            if asset_id in new:
                assets.insert(connection, new[asset_id].asset)
                renditions.insert(connection, new[asset_id].thumbnail)
            else:
                assets.change(connection, asset_id, deleted_at=None, restored_at=moment)

    def overtaken(self) -> bool:
        """Put the assets of faster equal uploads in the place of ours; whether there were any."""
        faster = {name: known for name, new in self._new.items() if (known := self._known(new.asset.given_sha256))}
        for name in faster:
            self._drop_unless_kept(self._new.pop(name))
        self.proved |= faster
        return bool(faster)

    @property
    def _size(self) -> int:
        rows = {new.asset.id: new.asset.size + new.thumbnail.size for new in self._new.values()}
        return sum(rows.values())

    def _known(self, given: str | None) -> Asset | None:
        with self._tools.db.reading() as connection:
            found = assets.by_given(connection, self._user_id, given or "", "image")
        return None if found is None else replace(found, deleted_at=None)

    def _cleaned(self, name: str, path: Path, given: str, param: str) -> _New:
        twin = next((new for new in self._new.values() if new.asset.given_sha256 == given), None)
        if twin is not None:  # the same file as first and as last picture
            return twin
        picture, thumbnail = self._path(name, "clean"), self._path(name, "thumbnail")
        facts = self._taken(path, picture, thumbnail, param)
        look = moderation.Look(
            path=picture, mime=facts.mime, width=facts.width, height=facts.height, user_id=self._user_id
        )
        about = {"given_mime": facts.given_mime, "orientation": facts.orientation, "location": facts.location}
        about |= {"alpha": facts.alpha, "moderation": moderation.judge(self._tools, look, param=param)}
        asset_id, moment = new_id(), now()
        folder = f"users/{self._user_id}/{asset_id}"
        asset = Asset(
            id=asset_id,
            user_id=self._user_id,
            kind="image",
            storage_key=f"{folder}/original.{ENDINGS[facts.mime]}",
            mime=facts.mime,
            size=picture.stat().st_size,
            sha256=_hash(picture),
            given_sha256=given,
            width=facts.width,
            height=facts.height,
            facts=about,
            created_at=moment,
        )
        small = Rendition(
            id=new_id(),
            asset_id=asset_id,
            name=THUMBNAIL,
            storage_key=f"{folder}/{THUMBNAIL}.jpg",
            mime="image/jpeg",
            size=thumbnail.stat().st_size,
            sha256=_hash(thumbnail),
            width=THUMBNAIL_SIDE,
            height=THUMBNAIL_SIDE,
            created_at=moment,
        )
        return _New(asset=asset, thumbnail=small, picture_file=picture, thumbnail_file=thumbnail)

    def _taken(self, path: Path, picture: Path, thumbnail: Path, param: str) -> TakenFacts:
        try:
            return self._tools.decoder.take_picture(
                path, picture, thumbnail, formats=self._formats, least_side=LEAST_SIDE, most_side=MOST_SIDE
            )
        except Permanent as refused:
            raise Problem(422, refused.code, refused.message, param=param) from refused

    def _path(self, name: str, what: str) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder / f"{name}.{what}"

    def _drop_unless_kept(self, new: _New) -> None:
        with self._tools.db.reading() as connection:
            if assets.by_id(connection, self._user_id, new.asset.id) is not None:
                return
        drop(self._tools, [new.asset.storage_key, new.thumbnail.storage_key])


def put(tools: Tools, key: str, source: Path, mime: str, sha256: str) -> None:
    """Store a file for a request. Raises `Problem` 503 (storage away) or 507 (no room)."""
    try:
        tools.storage.put(key, source, mime=mime, sha256=sha256)
    except StorageGone as away:
        detail = "The storage does not answer. Try again in a minute."
        raise Problem(503, "storage_gone", detail, retry_after=60) from away
    except StorageFull as full:
        detail = "There is no room for the picture. Nothing was charged."
        raise Problem(507, "disk_full", detail, retry_after=300) from full


def _hash(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()
