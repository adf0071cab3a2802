"""Everything a step needs from outside its row, gathered once for each process."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from vividflow.config import Settings
from vividflow.db.database import Database, Watch
from vividflow.errors import Outcome
from vividflow.lifecycle.lists import Lists
from vividflow.lifecycle.room import Room
from vividflow.lifecycle.standing import Standing
from vividflow.media.child import Decoder
from vividflow.media.provenance_certificate import check as check_certificate
from vividflow.media.provenance_seal import Seal
from vividflow.outbound import Door
from vividflow.providers.base import ManyPlaces, OpenProvider, Operation, Provider
from vividflow.providers.catalog import PROVIDERS
from vividflow.providers.registry import Model, Registry, Route, load_registry
from vividflow.storage.base import Storage
from vividflow.storage.catalog import open_storage
from vividflow.storage.google import GoogleObjects

if TYPE_CHECKING:
    from vividflow.providers.gemini_text import GeminiText

# By operation id: what a list said of it, or what the vendor answered instead of a list.
Seen = Mapping[str, Operation | Outcome]


def _deaf(_user_id: str, _job_id: str) -> None:
    """Nobody listens yet."""


def _always() -> bool:
    return True


def _silent(_percent: int) -> None:
    """Nobody wants to know."""


@dataclass
class Ears:
    """Who is told, in this process, that something changed: the worker (`watch`) and the event streams (`changed`)."""

    watch: Watch
    changed: Callable[[str, str], None] = _deaf


@dataclass(frozen=True, kw_only=True)
class Tools:
    """Settings, database, registry, storage, the outbound door, the decoder, the providers.

    `keep_going` says whether the caller still holds its lease, `report` takes a percent; a worker gives each step its own.
    `seen` is what a list has just said of operations: they are not asked for again.
    """

    settings: Settings
    db: Database
    registry: Registry
    door: Door
    decoder: Decoder
    ears: Ears
    keep_going: Callable[[], bool] = _always
    report: Callable[[int], None] = _silent
    seen: Seen = field(default_factory=dict)
    _built: dict[str, object] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @property
    def storage(self) -> Storage:
        """The storage of STORAGE_URL, opened at first use."""
        return self._once("storage", lambda: open_storage(self.settings))  # pyright: ignore[reportReturnType]

    @property
    def room(self) -> Room:
        """Who is busy with pictures in this process."""
        return self._once("room", Room)  # pyright: ignore[reportReturnType]

    @property
    def lists(self) -> Lists:
        """What this process remembers of the vendors' lists."""
        return self._once("lists", Lists)  # pyright: ignore[reportReturnType]

    @property
    def seal(self) -> Seal:
        """What signs and reads manifests of provenance."""
        return self._once("seal", lambda: Seal(self.settings))  # pyright: ignore[reportReturnType]

    @property
    def google_objects(self) -> GoogleObjects:
        """The reader of gs:// objects that are not ours: a provider's results, pictures by address."""
        return self._once("google_objects", lambda: GoogleObjects(self.settings))  # pyright: ignore[reportReturnType]

    @property
    def secret(self) -> str:
        """The installation's secret: SECRET_KEY, else one made in DATA_DIR at first use (mode 0600)."""
        return self._once("secret", lambda: _installation_secret(self.settings))  # pyright: ignore[reportReturnType]

    @property
    def standing(self) -> Standing:
        """How each provider stands just now."""
        return self._once("standing", lambda: Standing(self.settings, self.db))  # pyright: ignore[reportReturnType]

    def provider(self, name: str) -> Provider:
        """The adapter of a vendor, built at first use."""
        return self._once(f"provider:{name}", lambda: PROVIDERS[name].build(self.settings))  # pyright: ignore[reportReturnType]

    @property
    def text(self) -> GeminiText:
        """What writes text here, built at first use; only where `missing("gemini")` is None."""
        return self._once("provider:text", self._text_writer)  # pyright: ignore[reportReturnType]

    def provider_at(self, name: str, provider_model: str) -> Provider:
        """The adapter as it deals with one order: of a vendor with several servers, the one of that order alone.

        Raises `Transient` when that server is not set up just now.
        """
        adapter = self.provider(name)
        return adapter.at(provider_model) if isinstance(adapter, ManyPlaces) else adapter

    def can_stop(self, name: str, provider_model: str) -> bool:
        """Whether an order can be stopped once it was placed."""
        return self.registry.vendors[name].cancel and PROVIDERS[name].stops(self.settings, provider_model)

    def missing(self, provider: str) -> str | None:
        """Why a vendor cannot be used here (which variable is absent), or None."""
        return PROVIDERS[provider].missing(self.settings)

    def open_model(self, vendor: str, name: str) -> Model:
        """A model as its vendor describes it (a vendor that `opens`). Raises `Refused` or `Transient`."""
        adapter: OpenProvider = self.provider(vendor)  # pyright: ignore[reportAssignmentType]
        return adapter.model(name)

    def successor(self, model: Model) -> str | None:
        """What to use instead of a model that is shut down: one that can be used here, if there is one."""
        return self.registry.successor(model, lambda each: self.usable(each) is None)

    def obstacle(self, route: Route) -> str | None:
        """Why a route cannot be taken here, or None: its vendor is not set up, the server that it names is not, or it is dead."""
        if (missing := self.missing(route.provider)) is not None:
            return missing
        vendor, names = PROVIDERS[route.provider], sorted(route.provider_models())
        if unserved := next(filter(None, (vendor.unserved(self.settings, name) for name in names)), None):
            return unserved
        dead = [self.standing.dead(route.provider, name) for name in names]
        return dead[0] if all(dead) else None

    def stand_in(self, model: Model) -> str:
        """The model that is made instead under MOCK_VID_GENS."""
        return "local-still" if model.kind == "image" else "local"

    def route(self, model: Model, provider: str | None = None) -> Route | None:
        """The first route of a model (by `provider`) that can be used here; the local renderer for all under MOCK_VID_GENS."""
        if self.settings.mock_vid_gens and (local := self.registry.model(self.stand_in(model))) is not None:
            return local.routes[0]
        wanted = (route for route in model.routes if provider in (None, route.provider))
        return next((route for route in wanted if self.obstacle(route) is None), None)

    def usable(self, model: Model) -> str | None:
        """Why a model cannot be used here, as a sentence, or None when it can."""
        if self.route(model) is not None:
            return None
        return " ".join(filter(None, (self.obstacle(route) for route in model.routes)))

    def nudge(self) -> None:
        """Wake the worker of this process; workers elsewhere notice by themselves."""
        self.ears.watch.nudge()

    def changed(self, user_id: str, job_id: str) -> None:
        """Tell the event streams of this process that a job changed."""
        self.ears.changed(user_id, job_id)

    def _text_writer(self) -> GeminiText:
        from vividflow.providers.gemini_text import GeminiText

        return GeminiText(self.settings, self.registry.text)

    def _once(self, name: str, make: Callable[[], object]) -> object:
        if name not in self._built:
            with self._lock:
                if name not in self._built:
                    self._built[name] = make()
        return self._built[name]


def build_tools(settings: Settings) -> Tools:
    """The tools of one process; reads what settings name, no network. Raises `Complaints` for a wrong file or server."""
    for vendor in PROVIDERS.values():
        vendor.check(settings)
    check_certificate(settings)
    database = Database(settings.database)
    return Tools(
        settings=settings,
        db=database,
        registry=load_registry(settings.models_file),
        door=Door(frozenset(settings.outbound_allow)),
        decoder=Decoder(),
        ears=Ears(watch=Watch(database)),
    )


def _installation_secret(settings: Settings) -> str:
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    file = settings.data_dir / "secret_key"
    try:
        return _read_secret(file)
    except FileNotFoundError:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        fresh = settings.data_dir / f"secret_key.{os.getpid()}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as out:
            out.write(secrets.token_urlsafe(48))
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(fresh, file)  # create-only: of two first starts one wins, and both read the winner's
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        return _read_secret(file)


def _read_secret(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip()
