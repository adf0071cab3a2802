"""The table of providers: to see what there is, read this file. Adapters are imported only when one is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vividflow.config import Settings
from vividflow.errors import Complaints
from vividflow.providers.base import Provider

if TYPE_CHECKING:
    from vividflow.providers.openai_servers import VideoServer


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """One row: how to build the adapter, and what is `missing` for it as a sentence (None: usable).

    `opens` says that any of its models can be named as `<vendor>/<its id>`; the adapter is an `OpenProvider` then.
    `patterns` are such names as they are shown, for what is set up here. `unserved` is why one of its ids cannot be asked
    here although the vendor is usable, `stops` whether an order for it can be stopped where the registry says that some can.
    `check` raises `Complaints` for settings that cannot be read. `key` is what proves who we are, and where, for one of its
    ids; `place` the server that the id lies on, where the vendor has several, and `places` are those that are set up. `lists`
    is the name of the list that orders for one of its ids stand in, None where there is none worth asking; an adapter with
    lists is a `ManyAtOnce`.
    """

    name: str
    build: Callable[[Settings], Provider]
    missing: Callable[[Settings], str | None]
    opens: bool = False
    patterns: Callable[[Settings], Sequence[str]] = lambda _: ()
    unserved: Callable[[Settings, str], str | None] = lambda _, __: None
    stops: Callable[[Settings, str], bool] = lambda _, __: True
    check: Callable[[Settings], object] = lambda _: None
    key: Callable[[Settings, str], Sequence[object]] = lambda _, __: ()
    place: Callable[[str], str] = lambda _: ""
    places: Callable[[Settings], Sequence[str]] = lambda _: ()
    lists: Callable[[Settings, str], str | None] = lambda _, __: None


def _local(settings: Settings) -> Provider:
    from vividflow.providers.local import LocalProvider

    return LocalProvider(settings)


def _replicate(settings: Settings) -> Provider:
    from vividflow.providers.replicate import ReplicateProvider

    return ReplicateProvider(settings)


def _replicate_missing(settings: Settings) -> str | None:
    key = settings.replicate_key
    if not key:
        return "Set REPLICATE_API_TOKEN to use Replicate."
    if not key.isascii() or not key.isprintable() or " " in key:
        return "REPLICATE_API_TOKEN holds characters that no key has."
    return None


def _gemini(settings: Settings) -> Provider:
    from vividflow.providers.gemini import GeminiProvider

    return GeminiProvider(settings)


def _gemini_missing(settings: Settings) -> str | None:
    key = settings.gemini_key
    if not key:
        return "Set GEMINI_API_KEY or GOOGLE_API_KEY to use Gemini."
    if not key.isascii() or not key.isprintable() or " " in key:
        return "GEMINI_API_KEY or GOOGLE_API_KEY holds characters that no key has."
    return None


def _vertex(settings: Settings) -> Provider:
    from vividflow.providers.vertex import VertexProvider

    return VertexProvider(settings)


def _vertex_missing(settings: Settings) -> str | None:
    from vividflow.providers.vertex_key import missing

    return missing(settings)


def _kling(settings: Settings) -> Provider:
    from vividflow.providers.kling import KlingProvider

    return KlingProvider(settings)


def _kling_missing(settings: Settings) -> str | None:
    from vividflow.providers.kling_auth import missing

    return missing(settings)


def _openai(settings: Settings) -> Provider:
    from vividflow.providers.openai_compatible import OpenAIProvider

    return OpenAIProvider(settings)


def _openai_servers(settings: Settings) -> Mapping[str, VideoServer]:
    from vividflow.providers.openai_servers import read_servers

    return read_servers(settings)


def _openai_missing(settings: Settings) -> str | None:
    try:
        known = _openai_servers(settings)
    except Complaints as wrong:
        return str(wrong)
    return None if known else "Set OPENAI_BASE_URL or OPENAI_SERVERS to use a server of your own."


def _openai_patterns(settings: Settings) -> Sequence[str]:
    return tuple(f"openai/{name}/<name>" for name in _openai_servers(settings))


def _openai_unserved(settings: Settings, provider_model: str) -> str | None:
    name = provider_model.partition("/")[0]
    return None if name in _openai_servers(settings) else f"The server “{name}” is not in OPENAI_SERVERS."


def _openai_stops(settings: Settings, provider_model: str) -> bool:
    server = _openai_servers(settings).get(provider_model.partition("/")[0])
    return server is not None and server.dialect.stops


def _openai_key(settings: Settings, provider_model: str) -> Sequence[object]:
    server = _openai_servers(settings).get(_openai_place(provider_model))
    return (server.url, server.key) if server else ()


def _openai_place(provider_model: str) -> str:
    return provider_model.partition("/")[0]


def _openai_lists(settings: Settings, provider_model: str) -> str | None:
    from vividflow.providers.openai_dialects import Listing

    server = _openai_servers(settings).get(_openai_place(provider_model))
    return server.name if server and server.dialect.listing is not Listing.NONE else None


PROVIDERS: dict[str, Vendor] = {
    "local": Vendor(name="local", build=_local, missing=lambda _: None),
    "replicate": Vendor(
        name="replicate",
        build=_replicate,
        missing=_replicate_missing,
        opens=True,
        key=lambda given, _: (given.replicate_base_url, given.replicate_key),
        lists=lambda _, __: "predictions",
    ),
    "gemini": Vendor(
        name="gemini",
        build=_gemini,
        missing=_gemini_missing,
        key=lambda given, _: (given.google_gemini_base_url, given.gemini_key),
    ),
    "vertex": Vendor(
        name="vertex",
        build=_vertex,
        missing=_vertex_missing,
        key=lambda given, _: (
            given.google_vertex_base_url,
            given.google_cloud_project,
            given.google_cloud_location,
            given.google_oauth_access_token,
            given.google_application_credentials,
            given.cloudsdk_config,
        ),
    ),
    "kling": Vendor(
        name="kling",
        build=_kling,
        missing=_kling_missing,
        key=lambda given, _: (
            given.kling_base_url,
            given.kling_api_key,
            given.kling_access_key,
            given.kling_secret_key,
        ),
        lists=lambda _, provider_model: provider_model.partition("/")[0],
    ),
    "openai": Vendor(
        name="openai",
        build=_openai,
        missing=_openai_missing,
        opens=True,
        patterns=_openai_patterns,
        unserved=_openai_unserved,
        stops=_openai_stops,
        check=_openai_servers,
        key=_openai_key,
        place=_openai_place,
        places=lambda given: tuple(_openai_servers(given)),
        lists=_openai_lists,
    ),
}
