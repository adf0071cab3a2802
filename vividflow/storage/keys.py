"""What a storage key may look like, and what its last part says of the file."""

from __future__ import annotations

import re
from collections.abc import Mapping

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,199}){0,15}", re.ASCII)
_MIMES: Mapping[str, str] = {
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "avi": "video/x-msvideo",
    "webp": "image/webp",
    "jpg": "image/jpeg",
    "png": "image/png",
}


def checked_key(key: str) -> str:
    """The key itself. Raises `ValueError` if it is anything but a plain relative path of at most 900 characters."""
    if not is_key(key):
        raise ValueError("not a storage key")
    return key


def is_key(name: str) -> bool:
    """Whether a name that was found in a storage could be a key of ours."""
    return len(name) <= 900 and _KEY.fullmatch(name) is not None


def shown_as(key: str, disposition: str) -> tuple[str, str]:
    """Content-Disposition (`inline` or `attachment`, with the file's name) and Content-Type of a key, for signed links."""
    name = key.rpartition("/")[2]
    return f'{disposition}; filename="{name}"', _MIMES.get(name.rpartition(".")[2], "application/octet-stream")
