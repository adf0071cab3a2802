"""Which URLs may be asked at all: one reading of the text, one look-up of the name, one table of closed ranges."""

from __future__ import annotations

import queue
import re
import socket
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import quote, urlsplit

from vividflow.errors import Permanent, Transient

DEFAULT_PORTS = {"https": 443, "http": 80}
DNS_SECONDS = 5.0
VISIBLE = "".join(map(chr, range(0x21, 0x7F)))
_ODD = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ud800-\udfff\\]")

_NETLOC = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{0,5}))?", re.ASCII)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)

# IANA's special-purpose registries, plus multicast, the old 6to4 relay and everything reserved.
_CLOSED_4 = [
    ip_network(block)
    for block in [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    ]
]
# IPv6 is closed but for global unicast, and of that the ranges that are no hosts or carry an IPv4 address inside:
# IETF protocols with Teredo, documentation, 6to4, the old 6bone.
_OPEN_6 = ip_network("2000::/3")
_CLOSED_6 = [ip_network(net) for net in ("2001::/23", "2001:db8::/32", "2002::/16", "3ffe::/16", "3fff::/20")]


class DoorRefused(Permanent):
    """This URL is never asked: `code` says which rule, `message` what would be accepted."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A URL that may be asked, and the checked addresses its name had; `trusted` if the operator's list let it in."""

    scheme: str
    host: str
    port: int
    path: str
    addresses: tuple[str, ...]
    trusted: bool

    @property
    def authority(self) -> str:
        """Host, with the port unless it is the scheme's own: what the `Host` header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The address in its plain form, without a fragment."""
        return f"{self.scheme}://{self.authority}{self.path}"


def is_public(address: str) -> bool:
    """Whether this literal IP address is one of the open internet, by our own table. False for anything else.

    `ipaddress.is_private` is not enough: on 3.11.7 it let 23 of 98 inside addresses through (reliability.md rule 12).
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    match parsed:
        case IPv4Address():
            return not any(parsed in block for block in _CLOSED_4)
        case IPv6Address():
            return parsed.scope_id is None and parsed in _OPEN_6 and not any(parsed in net for net in _CLOSED_6)


def netloc(url: str) -> str:
    """The `host:port` of a URL that the operator configured, port spelt out: for `allow_netlocs`, `header_hosts`."""
    parts = urlsplit(url)
    return pair(parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme, 443))


def pair(host: str, port: int) -> str:
    """`host:port` in the one spelling that is compared (lower case, no brackets, no closing dot)."""
    bare = host.lower().strip("[]").removesuffix(".")
    return f"{ip_address(bare) if ':' in bare else bare}:{port}"


def pairs(entries: Iterable[str]) -> frozenset[str]:
    """The same for a list of `host:port`. Raises `ValueError` for an entry without a port."""
    split = (entry.rpartition(":") for entry in entries)
    return frozenset(pair(host, int(port)) for host, _, port in split)


def parse(url: str) -> tuple[str, str, int, str]:
    """Scheme, host in its one canonical spelling, port and path of `url`; whatever has two readings is refused.

    Not `urlsplit`: it drops control characters and folds full-width ones, and others read the rest differently.
    Raises `DoorRefused`.
    """
    if len(url) > 8192 or _ODD.search(url):
        raise DoorRefused("url_invalid", "The link must be one web address without spaces or control characters.")
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in DEFAULT_PORTS:
        raise DoorRefused("scheme_not_allowed", "The link must begin with https://.")
    end = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    authority, tail = rest[:end], rest[end:].partition("#")[0]
    if "@" in authority:
        raise DoorRefused("userinfo_not_allowed", "The link must not carry a user name or password.")
    if not (match := _NETLOC.fullmatch(authority)):
        raise DoorRefused("host_invalid", "The link must name a host in plain letters, digits, dots and hyphens.")
    port = int(match["port"] or DEFAULT_PORTS[scheme])
    if not 0 < port < 65536:
        raise DoorRefused("port_not_allowed", f"The link must use port {DEFAULT_PORTS[scheme]}.")
    path = quote(tail if tail.startswith("/") else f"/{tail}", safe=VISIBLE)
    return scheme, _host(match["host"]), port, path


def _host(written: str) -> str:
    if written.startswith("["):
        try:
            return str(IPv6Address(written[1:-1]))
        except ValueError:
            raise DoorRefused("host_invalid", "The link has a broken IPv6 address.") from None
    host = written.lower().removesuffix(".")
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(IPv4Address(host))
        except ValueError:
            raise DoorRefused("host_invalid", "An IPv4 address is written as four decimal numbers.") from None
    if len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise DoorRefused("host_invalid", "The link must name a host in plain letters, digits, dots and hyphens.")
    return host


def resolve(host: str, port: int) -> tuple[str, ...]:
    """Every address of `host`, looked up once, within 5 s; a literal is its own answer. Raises `Transient`."""
    if ":" in host or _NUMBER.fullmatch(host.rpartition(".")[2]):
        return (host,)
    answer: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answer.put([str(entry[4][0]) for entry in found])
        except (OSError, UnicodeError) as error:
            answer.put(error)

    # getaddrinfo knows no time-out, so a thread waits for it.
    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        found = answer.get(timeout=DNS_SECONDS)
    except queue.Empty:
        raise Transient("timed_out", "The name of the host could not be looked up in time.") from None
    if isinstance(found, Exception) or not found:
        raise Transient("host_not_found", "The name of the host has no address.")
    return tuple(dict.fromkeys(found))
