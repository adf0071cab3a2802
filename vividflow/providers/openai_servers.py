"""Which servers that speak `/v1/videos` this installation has: OPENAI_BASE_URL, called `default`, and OPENAI_SERVERS.

`OPENAI_SERVERS` is `name=address` with `;` between; an address may begin with a dialect: `den=sglang+http://10.0.0.5:30000/v1`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from urllib.parse import urlsplit

from vividflow.config import Settings
from vividflow.errors import Complaints
from vividflow.outbound.address import DoorRefused, netloc, parse
from vividflow.providers.openai_dialects import DEFAULT_DIALECT, DIALECTS, Dialect

DEFAULT_SERVER = "default"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}").fullmatch
_KEY = re.compile(r"[\x21-\x7e]+").fullmatch


@dataclass(frozen=True, kw_only=True)
class VideoServer:
    """One server: `url` without a closing slash, mostly with `/v1`; `key` is its own or None, never another one's."""

    name: str
    url: str
    dialect: Dialect
    key: str | None = field(default=None, repr=False)

    @property
    def netloc(self) -> str:
        """Its `host:port`, the port spelt out."""
        return netloc(self.url)

    @property
    def headers(self) -> dict[str, str]:
        """What proves who we are; nothing where the server has no key."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}


def read_servers(settings: Settings) -> Mapping[str, VideoServer]:
    """The servers by name, `default` first. Raises `Complaints` with every mistake at once."""
    own = settings.openai_api_key.get_secret_value() if settings.openai_api_key else None
    keys = tuple((name, secret.get_secret_value()) for name, secret in settings.openai_server_keys.items())
    return _read(settings.openai_base_url, own, settings.openai_servers, keys)


@lru_cache(maxsize=8)  # asked for several times by each request that names such a server
def _read(
    base_url: str | None, own: str | None, servers: str, server_keys: tuple[tuple[str, str], ...]
) -> Mapping[str, VideoServer]:
    complaints: list[str] = []
    keys = dict(server_keys)
    found: dict[str, VideoServer] = {}
    if base_url:
        server = _server("OPENAI_BASE_URL", DEFAULT_SERVER, base_url, own, complaints)
        found |= {server.name: server} if server else {}
    names: list[str] = []
    for entry in filter(None, (part.strip() for part in servers.split(";"))):
        name, equals, address = (part.strip() for part in entry.partition("="))
        names.append(name)
        where = f"OPENAI_SERVERS: {name[:40]}"
        if not equals or not _NAME(name):
            complaints.append(f"{where}: an entry is name=address, its name of small letters, digits, - and _")
        elif name == DEFAULT_SERVER:
            complaints.append(f"{where}: this name belongs to OPENAI_BASE_URL")
        elif names.count(name) == 2:
            complaints.append(f"{where}: is there twice")
        elif server := _server(where, name, address, keys.get(name), complaints):
            found[name] = server
    for name in keys.keys() - set(names):
        complaints.append(f"OPENAI_SERVER_KEYS: {name[:40]}: there is no such server in OPENAI_SERVERS")
    if complaints:
        raise Complaints(complaints)
    return MappingProxyType(found)


def _server(where: str, name: str, address: str, key: str | None, complaints: list[str]) -> VideoServer | None:
    """One entry read, or None and a complaint that repeats neither key nor address."""
    wrong = len(complaints)
    scheme, separator, rest = address.partition("://")
    word, plus, bare = scheme.rpartition("+")
    dialect = DIALECTS.get(word if plus else DEFAULT_DIALECT)
    if dialect is None:
        complaints.append(f"{where}: speaks none of {', '.join(DIALECTS)}")
    url = f"{bare}{separator}{rest}".rstrip("/")
    try:
        parse(url)
        if urlsplit(url).query or "#" in url:
            complaints.append(f"{where}: an address has no ? and no #")
    except (DoorRefused, ValueError) as refused:
        said = "has no password in it" if "@" in rest.partition("/")[0] else "begins with http:// or https://"
        detail = refused.message if isinstance(refused, DoorRefused) else ""
        complaints.append(f"{where}: an address {said}. {detail.replace('The link', 'It')}".strip())
    if key is not None and not _KEY(key):
        complaints.append(f"{where}: its key holds characters that no key has")
    if dialect is None or len(complaints) > wrong:
        return None
    return VideoServer(name=name, url=url, dialect=dialect, key=key)
