"""Every request to a foreign address goes through `Door`.

Built on `http.client`: it follows nothing, reads no proxy and no netrc, and takes a socket that is already connected.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import quote, urljoin

from vividflow import __version__, timing
from vividflow.outbound.address import (
    DEFAULT_PORTS,
    VISIBLE,
    DoorRefused,
    Target,
    is_public,
    pair,
    pairs,
    parse,
    resolve,
)
from vividflow.outbound.download import Download, Fetched
from vividflow.outbound.wire import Line, Patience, told

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ADDRESSES_TRIED = 4


@dataclass(frozen=True, kw_only=True)
class Posted:
    """The answer to a POST: header names in lower case, the beginning of the body, seconds it took."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    seconds: float


class Door:
    """Asks only what passes the check, at the address that was checked. Safe from many threads; holds no connection.

    `allow` holds `host:port` pairs (OUTBOUND_ALLOW) that pass although they are private, by http too; `tls` replaces
    the certificate authorities that are trusted.
    """

    def __init__(self, allow: Iterable[str] = (), *, tls: ssl.SSLContext | None = None) -> None:
        self._allow = pairs(allow)
        self._tls = tls

    def check(
        self,
        url: str,
        *,
        allow_netlocs: Sequence[str] = (),
        schemes: Sequence[str] = ("https",),
        only: frozenset[str] | None = None,
    ) -> Target:
        """Resolve once and judge. With `only` no other `host:port` is asked, and those may use their port.

        Raises `DoorRefused`, or `Transient` when the name has no answer within 5 s.
        """
        scheme, host, port, path = parse(url)
        if only is not None and pair(host, port) not in only:
            raise DoorRefused("host_not_allowed", "The link leads to a host that is not on this server's list.")
        trusted = pair(host, port) in self._allow | pairs(allow_netlocs)
        if not trusted and scheme not in schemes:
            raise DoorRefused("scheme_not_allowed", f"The link must begin with {' or '.join(schemes)}://.")
        if not trusted and only is None and port != DEFAULT_PORTS[scheme]:
            raise DoorRefused("port_not_allowed", f"The link must use port {DEFAULT_PORTS[scheme]}.")
        addresses = resolve(host, port)
        if not trusted and not all(map(is_public, addresses)):
            raise DoorRefused("address_not_allowed", "The link leads to a network that is not public.")
        return Target(scheme=scheme, host=host, port=port, path=path, addresses=addresses, trusted=trusted)

    def fetch(
        self,
        url: str,
        *,
        sink: Path,
        max_bytes: int,
        headers: Mapping[str, str] | None = None,
        header_hosts: Sequence[str] = (),
        allow_netlocs: Sequence[str] = (),
        schemes: Sequence[str] = ("https",),
        only: frozenset[str] | None = None,
        max_redirects: int = 3,
        total_seconds: float = 600,
        first_byte_seconds: float = 15,
        idle_seconds: float = 30,
        connect_seconds: float = 5,
        keep_going: Callable[[], bool | None] | None = None,
        on_progress: Callable[[int, int | None], None] | None = None,
    ) -> Fetched:
        """Stream the file behind `url` into `sink` (made or emptied; removed again on every failure).

        With `only` every hop must lead to one of these `host:port`, which may be no usual port; they are checked like
        any other. `headers` (keys) go to `header_hosts` (a `host` with its subdomains, or an exact `host:port`) and to
        `allow_netlocs`, on the first hop as after a redirect; to nobody else, and never in the clear to a host that
        the operator did not name.
        `keep_going` is called about once a second and may raise, or answer False for `LeaseLost`; `on_progress` gets
        bytes so far and in all. A cut stream goes on where it broke (Range) while a strong ETag agrees.

        Raises `DoorRefused`, `LinkGone`, `Permanent` (too_large, link_refused), `Transient` (cut_short, timed_out,
        connect_failed, tls_failed, host_not_found, no_answer, bad_answer, http_…), `OSError` from writing (ENOSPC).
        """
        patience = Patience(
            total=total_seconds,
            connect=connect_seconds,
            head=first_byte_seconds,
            idle=idle_seconds,
            keep_going=keep_going,
        )
        guard = _Guard(allow_netlocs, schemes, max_redirects, dict(headers or {}), tuple(header_hosts), only)
        try:
            with sink.open("wb") as file:
                download = Download(file, max_bytes=max_bytes, patience=patience, on_progress=on_progress)
                while True:
                    with self._follow(url, guard, patience, download.asks_for()) as (answer, target):
                        if download.take(answer):
                            break
            return Fetched(
                size=download.size,
                sha256=download.hash.hexdigest(),
                mime=answer.getheader("Content-Type", "").partition(";")[0].strip().lower(),
                final_url=target.url,
                status=answer.status,
            )
        except BaseException:
            sink.unlink(missing_ok=True)
            raise

    def post(
        self,
        url: str,
        *,
        body: bytes,
        headers: Mapping[str, str],
        timeout: float = 15,
        allow_netlocs: Sequence[str] = (),
        schemes: Sequence[str] = ("https",),
        limit: int = 16 * 1024,
    ) -> Posted:
        """Send `body` once and follow nothing; `timeout` covers connection and answer together (DNS has its own 5 s).

        Raises `DoorRefused`, or `Transient` when no status line came back. A body that breaks off does not matter.
        """
        started = timing.monotonic()
        target = self.check(url, allow_netlocs=allow_netlocs, schemes=schemes)
        patience = Patience(total=timeout, connect=min(5, timeout), head=timeout, idle=timeout)
        with self._ask("POST", target, headers, patience, body) as answer:
            try:
                beginning = answer.read(limit)
            except (OSError, http.client.HTTPException):
                beginning = b""
            return Posted(
                status=answer.status,
                headers={name.lower(): value for name, value in answer.getheaders()},
                body=beginning,
                seconds=timing.monotonic() - started,
            )

    @contextmanager
    def _follow(
        self, url: str, guard: _Guard, patience: Patience, extra: Mapping[str, str]
    ) -> Iterator[tuple[http.client.HTTPResponse, Target]]:
        for _ in range(guard.max_redirects + 1):
            target = self.check(url, allow_netlocs=guard.allow_netlocs, schemes=guard.schemes, only=guard.only)
            keys = guard.headers if guard.may_know(target) else {}
            with self._ask("GET", target, {**keys, **extra}, patience) as answer:
                location = answer.getheader("Location", "")
                if answer.status not in _REDIRECTS or not location:
                    yield answer, target
                    return
            if re.search(r"[\x00-\x20\\]", location):
                raise DoorRefused("url_invalid", "The link redirects to something that is not a web address.")
            url = urljoin(target.url, quote(location, safe=VISIBLE, encoding="latin-1"))
        raise DoorRefused("too_many_redirects", f"The link redirects more than {guard.max_redirects} times.")

    @contextmanager
    def _ask(
        self, method: str, target: Target, headers: Mapping[str, str], patience: Patience, body: bytes | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        ours = {"Accept": "*/*", "User-Agent": f"VividFlow/{__version__}"}
        forced = {"Host": target.authority, "Accept-Encoding": "identity", "Connection": "close"}
        with self._connect(target, patience) as sock:
            connection = http.client.HTTPConnection(target.host, target.port)
            connection.auto_open = 0
            connection.sock = Line(sock, patience)
            with told("no_answer"):
                patience.expect_head()
                connection.request(method, target.path, body, _merged(ours, headers, forced))
                answer = connection.getresponse()
                patience.expect_body()
            try:
                yield answer
            finally:
                answer.close()

    @contextmanager
    def _connect(self, target: Target, patience: Patience) -> Iterator[socket.socket]:
        with told("connect_failed"):
            sock = _first_that_answers(target, patience)
        try:
            if target.scheme == "https":
                with told("tls_failed"):
                    sock.settimeout(patience.for_connect())
                    sock = (self._tls or _trust()).wrap_socket(sock, server_hostname=target.host)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield sock
        finally:
            sock.close()


@dataclass(frozen=True)
class _Guard:
    """What one fetch may do, and tell, on each of its hops."""

    allow_netlocs: Sequence[str]
    schemes: Sequence[str]
    max_redirects: int
    headers: Mapping[str, str] = field(repr=False)
    header_hosts: tuple[str, ...]
    only: frozenset[str] | None

    def may_know(self, target: Target) -> bool:
        """Whether the keys may go to `target`."""
        if target.scheme != "https" and not target.trusted:
            return False
        with_port = [name for name in self.header_hosts if re.search(r":[0-9]+$", name)]
        if pair(target.host, target.port) in pairs([*with_port, *self.allow_netlocs]):
            return True
        names = [name.lower() for name in self.header_hosts if name not in with_port]
        own_port = target.port == DEFAULT_PORTS[target.scheme]
        return own_port and any(target.host == name or target.host.endswith(f".{name}") for name in names)


def _first_that_answers(target: Target, patience: Patience) -> socket.socket:
    tried = target.addresses[:_ADDRESSES_TRIED]
    for address in tried[:-1]:
        try:
            return socket.create_connection((address, target.port), patience.for_connect())
        except OSError:
            continue
    return socket.create_connection((tried[-1], target.port), patience.for_connect())


def _merged(*layers: Mapping[str, str]) -> dict[str, str]:
    """Headers of all layers, the last one that names a header wins, whatever its case."""
    merged = {name.lower(): (name, value) for layer in layers for name, value in layer.items()}
    return dict(merged.values())


@cache
def _trust() -> ssl.SSLContext:
    """The system's certificate authorities (SSL_CERT_FILE counts), or certifi's where the system has none."""
    import certifi

    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"]:
        context.load_verify_locations(certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
