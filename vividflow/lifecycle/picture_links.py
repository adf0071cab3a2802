"""Pictures by address: which addresses are read at all, which of them with the server's own credentials, and by what way.

The server's credentials reach every bucket they were given for; a person may use them for their own prefix of our
bucket, and for what the operator listed (GCS_READ_ALLOW). Everything else is asked like a stranger would ask it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

from vividflow.config import Settings
from vividflow.errors import Permanent, Problem, Transient
from vividflow.lifecycle.tools import Tools
from vividflow.outbound import DoorRefused, LinkGone, pair, parse
from vividflow.storage.base import StorageGone

MOST_BYTES = 10 * 1024 * 1024
GOOGLE = "storage.googleapis.com"
WOULD_DO = "Send the picture as a file, or as gs://bucket/path or https://storage.googleapis.com/bucket/path."
_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,220}[a-z0-9])", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Address:
    """An address that may be asked: `object_uri` (gs://…) is read with the server's credentials, else `url` without any."""

    url: str
    object_uri: str | None = None


def read_address(settings: Settings, user_id: str, url: str, *, param: str) -> Address:
    """How a picture's address is read, asking nobody.

    Raises `Problem` 422: image_url_not_allowed, and image_not_found for what is another's in our own bucket.
    """
    if url[:5].lower() == "gs://":
        found = _split(url[5:])
        if found is None:
            raise _refused(param, "That is no address in Google's storage.")
        address = _in_google(settings, user_id, *found, param=param)
        if address is None:
            raise _refused(param, "This bucket is not yours and not on this server's list.")
        return address
    try:
        _, host, port, path = parse(url)
    except DoorRefused as refused:
        raise _refused(param, refused.message) from None
    if host != GOOGLE:
        if pair(host, port) not in hosts(settings):
            raise _refused(param, "Pictures are not read from that host.")
        return Address(url=url)
    if port != 443 or url[:8].lower() != "https://":
        raise _refused(param, f"{GOOGLE} is read over https, on its usual port.")
    found = None if "?" in path else _split(_decoded(path[1:]))
    return (found and _in_google(settings, user_id, *found, param=param)) or Address(url=url)


def fetch(tools: Tools, address: Address, sink: Path, *, seconds: float, param: str) -> None:
    """Read it into `sink` (a scratch file, removed on every failure) within `seconds`.

    Raises `Problem` 422 image_not_found, image_url_too_large, image_url_unreachable, image_url_not_allowed, or 503
    when our own storage is away.
    """
    try:
        if address.object_uri is not None:
            _from_google(tools, address.object_uri, sink, seconds, param)
        else:
            listed = {pair(GOOGLE, 443)} | hosts(tools.settings)
            tools.door.fetch(
                address.url,
                sink=sink,
                max_bytes=MOST_BYTES,
                total_seconds=seconds,
                first_byte_seconds=min(15, seconds),
                only=frozenset(listed),
            )
    except DoorRefused as refused:
        raise _refused(param, refused.message) from None
    except LinkGone:
        raise _not_found(param) from None
    except (Permanent, Transient) as failed:
        if failed.code == "too_large":
            raise _too_large(param) from None
        detail = f"The picture's address could not be read: {failed.message} Nothing was charged. {WOULD_DO}"
        raise Problem(422, "image_url_unreachable", detail, param=param) from None


def hosts(settings: Settings) -> frozenset[str]:
    """IMAGE_URL_HOSTS as `host:port`, 443 where none is said."""
    return frozenset(_with_port(each) for each in settings.image_url_hosts)


def _with_port(entry: str) -> str:
    host, colon, port = entry.rpartition(":")
    if colon and port.isdigit() and (":" not in host or host.startswith("[")):
        return pair(host, int(port))
    return pair(entry, 443)


def _split(text: str) -> tuple[str, str] | None:
    """Bucket and object name, or None for what has several readings."""
    bucket, _, name = text.partition("/")
    if not _BUCKET.fullmatch(bucket) or not name or len(name.encode()) > 1024 or not name.isprintable():
        return None
    return None if {"", ".", ".."} & set(name.split("/")) else (bucket, name)


def _decoded(path: str) -> str:
    try:
        return unquote_to_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        return ""


def _in_google(settings: Settings, user_id: str, bucket: str, name: str, *, param: str) -> Address | None:
    """The object to be read with our credentials, or None when it is a stranger's; our own bucket answers by itself."""
    uri = f"gs://{bucket}/{name}"
    own = settings.storage.rstrip("/") + "/users/" if settings.storage.startswith("gs://") else None
    if own is not None and uri.startswith(own):
        if uri.startswith(f"{own}{user_id}/"):
            return Address(url=uri, object_uri=uri)
        raise _not_found(param)
    if any(uri.startswith(f"{allowed.rstrip('/')}/") for allowed in settings.gcs_read_allow):
        return Address(url=uri, object_uri=uri)
    if own is not None and uri.startswith(f"gs://{own[5:].partition('/')[0]}/"):
        raise _not_found(param)
    return None


def _from_google(tools: Tools, uri: str, sink: Path, seconds: float, param: str) -> None:
    from vividflow.storage.google import ObjectTooLarge

    try:
        tools.google_objects.fetch(uri, sink, max_bytes=MOST_BYTES, total_seconds=seconds, keep_going=tools.keep_going)
    except (FileNotFoundError, PermissionError):
        raise _not_found(param) from None
    except ObjectTooLarge:
        raise _too_large(param) from None
    except StorageGone as away:
        detail = "Google's storage does not answer. Nothing was charged. Try again in a minute."
        raise Problem(503, "storage_gone", detail, param=param, retry_after=60) from away


def _refused(param: str, why: str) -> Problem:
    return Problem(422, "image_url_not_allowed", f"{why} {WOULD_DO}", param=param)


def _not_found(param: str) -> Problem:
    detail = (
        "There is no picture at this address, or it may not be read. Check the address, or send the picture as a file."
    )
    return Problem(422, "image_not_found", detail, param=param)


def _too_large(param: str) -> Problem:
    detail = "The picture is larger than 10 MB (10,485,760 bytes). Use a smaller one."
    return Problem(422, "image_url_too_large", detail, param=param)
