"""Forwarding headers: believed from the peers named in TRUSTED_PROXIES, ignored from everybody else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from wsgiref.types import WSGIEnvironment

PEER = "vividflow.peer"
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?").fullmatch
_PAIR = re.compile(r'\s*([A-Za-z]+)\s*=\s*(?:"([^"]*)"|([^;,"\s]*))\s*').fullmatch


class TrustedProxies:
    """Rewrites the peer address, scheme and host of a request that came through a trusted proxy.

    `environ["vividflow.peer"]` keeps the address that really connected.
    """

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks: list[IPv4Network | IPv6Network] = [ip_network(each, strict=False) for each in networks]

    def apply(self, environ: WSGIEnvironment) -> None:
        """Put the client's own address, scheme and host in place if the peer may speak for it."""
        peer = environ.get("REMOTE_ADDR", "")
        environ[PEER] = peer
        if not self._networks or not self._trusts(peer):
            return
        hops = self._hops(environ)
        # From the right: each trusted hop vouches for the one before it; the first that is not trusted is the client.
        for hop in reversed(hops):
            if hop.address is None:
                break
            environ["REMOTE_ADDR"] = hop.address
            if hop.scheme in ("http", "https"):
                environ["wsgi.url_scheme"] = hop.scheme
            if hop.host and _HOST(hop.host):
                environ["HTTP_HOST"] = hop.host
            if not self._trusts(hop.address):
                break

    def _trusts(self, address: str) -> bool:
        found = _address(address)
        return found is not None and any(found in network for network in self._networks)

    def _hops(self, environ: WSGIEnvironment) -> list[_Hop]:
        forwarded = environ.get("HTTP_FORWARDED")
        if forwarded:
            return [_hop(element) for element in forwarded.split(",")]
        hops = [_Hop(_clean(part)) for part in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
        if hops:
            # One value a header is what proxies send; it is the word of the last one, and so the one we trust.
            hops[-1].scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").split(",")[-1].strip().lower()
            hops[-1].host = environ.get("HTTP_X_FORWARDED_HOST", "").split(",")[-1].strip()
        return hops


class _Hop:
    """One step of the way: who connected, by which scheme, asking for which host."""

    __slots__ = ("address", "host", "scheme")

    def __init__(self, address: str | None, scheme: str = "", host: str = "") -> None:
        self.address = address
        self.scheme = scheme
        self.host = host


def _hop(element: str) -> _Hop:
    """One element of a `Forwarded` header (RFC 7239)."""
    pairs: dict[str, str] = {}
    for part in element.split(";"):
        found = _PAIR(part)
        if found:
            pairs[found[1].lower()] = found[2] if found[2] is not None else found[3]
    return _Hop(_clean(pairs.get("for", "")), pairs.get("proto", "").lower(), pairs.get("host", ""))


def _clean(text: str) -> str | None:
    """An address without port and brackets; None for anything else (`unknown`, `_hidden`, garbage)."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    found = _address(text)
    return str(found) if found is not None else None


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
