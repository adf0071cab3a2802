"""Addresses that lead inside, or nowhere, in every spelling; and our own DNS to look their names up in."""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from tests.test_outbound import INSIDE_4, INSIDE_6, NAMES, SPELLINGS, WHOLE

# Spellings beyond those of the door's own tests.
MORE = [
    *("https://0x7f.0x0.0x0.0x1/", "https://0177.0x0.0.1/", "https://127.0.0.1.nip.io/", "https://①27.0.0.1/"),
    *(
        "https://[::ffff:a9fe:a9fe]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[::127.0.0.1]/",
    ),
    *("https://[2001:0:53aa:64c:0:fbff:80ff:fffe]/", "https://[64:ff9b:1::a00:1]/", "https://[fd00:ec2::254]/latest/"),
    *("https://storage.googleapis.com@127.0.0.1/", "https://127.0.0.1#storage.googleapis.com/b/p", "https://evil.com/"),
    *("https://storage.googleapis.com.evil.com/b/p", "https://storage。googleapis.com/b/p", "https://localhost../"),
    *("https://storage.googleapis.com:22/b/p", "http://storage.googleapis.com/b/p", "https://xn--localhost-/"),
    *("https://storage.googleapis.com\\@127.0.0.1/", "https://storage.googleapis.com%00.evil.com/b/p"),
    *("https://storage.googleapis.com%2f@127.0.0.1/", "https://storage.cloud.google.com/b/p", "gs:/b/p", "gs:b/p"),
    *("gs://", "gs://b", "gs://bucket", "gs://bucket/", "gs://../etc/passwd", "gs://bucket/../other/x", "gs:///p"),
    *(
        "gs://user@bucket/p",
        "gs://bucket:443/p",
        "gs://BUCKET/p",
        "gs://bucket/a//b",
        "gs://bücket/p",
        "gs://127.0.0.1/p",
    ),
    *("file:///etc/passwd", "gopher://127.0.0.1:6379/_INFO", "data:image/png;base64,iVBORw0KGgo=", "ftp://127.0.0.1/x"),
    *(
        "jar:https://127.0.0.1!/x",
        "dict://127.0.0.1:11211/stat",
        "ldap://127.0.0.1/x",
        "sftp://127.0.0.1/x",
        "about:blank",
    ),
    *(
        "https://metadata.google.internal/computeMetadata/v1/",
        "https://metadata/computeMetadata/v1/",
        "https://metadata.goog/",
    ),
    *("https://169.254.169.254/latest/meta-data/", "https://100.100.100.200/latest/", "https://instance-data/latest/"),
    *("https://kubernetes.default.svc/", "https://host.docker.internal/", "https://ip6-localhost/", "https://0/"),
]
INSIDE_NAMES = [name for name in NAMES if name != "example.com"]


def all_urls(port: int) -> list[str]:
    """Every address, each once; `port` is the canary's."""
    hosts = [*INSIDE_4, *(f"[{literal}]" for literal in INSIDE_6), *SPELLINGS]
    urls = [f"https://{host}{tail}" for host in hosts for tail in ("/photo.png", f":{port}/photo.png")]
    urls += [f"http://{host}:{port}/photo.png" for host in (*INSIDE_NAMES, "127.0.0.1", "[::1]", "2130706433", "127.1")]
    return [url for url in dict.fromkeys([*urls, *WHOLE, *MORE]) if url]


def listed(port: int) -> tuple[str, ...]:
    """All the inside hosts, as if an operator had listed them as hosts of pictures."""
    hosts = [*INSIDE_4, *(f"[{literal}]" for literal in INSIDE_6), *INSIDE_NAMES, "evil.com"]
    return tuple(each for host in hosts for each in (host, f"{host}:{port}"))


def answering(known: dict[str, list[str]]) -> Callable[..., Any]:
    """A `getaddrinfo` that knows literals, these names, and nothing else."""
    real = socket.getaddrinfo

    def answer(host: str, port: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            ip_address(host)
        except ValueError:
            if host not in known:
                raise socket.gaierror(socket.EAI_NONAME, "unknown") from None
            return [entry for literal in known[host] for entry in real(literal, port, *args, **kwargs)]
        return real(host, port, *args, **kwargs)

    return answer
