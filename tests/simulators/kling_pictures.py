"""Pictures as Kling looks at them: type and size by their first bytes. And small ones to send."""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from typing import Any
from urllib.parse import urlsplit

MOST_BYTES = 10 * 1024 * 1024
LEAST_SIDE = 300
WIDEST = 2.5


def complaint(value: Any) -> str | None:
    """What is wrong with a picture as it was sent: a link or bare base64."""
    if not isinstance(value, str) or not value:
        return "must be a link or base64"
    if value.startswith("data:"):
        return "must be bare base64, without a data: prefix"
    if urlsplit(value[:200]).scheme in ("http", "https"):
        return None
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return "is no base64"
    if len(data) > MOST_BYTES:
        return "is larger than 10 MB"
    size = size_of(data)
    if size is None:
        return "must be jpg, jpeg or png"
    if min(size) < LEAST_SIDE:
        return "must be at least 300 px a side"
    return None if 1 / WIDEST <= size[0] / size[1] <= WIDEST else "must have a ratio from 1:2.5 to 2.5:1"


def size_of(data: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG or a JPEG, None for anything else."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR":
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    place = 2
    while data[:2] == b"\xff\xd8" and place + 9 < len(data) and data[place] == 0xFF:
        if 0xC0 <= data[place + 1] <= 0xC2:
            height, width = struct.unpack(">HH", data[place + 5 : place + 9])
            return width, height
        place += 2 + struct.unpack(">H", data[place + 2 : place + 4])[0]
    return None


def png(width: int, height: int, shade: int = 128) -> bytes:
    """A grey PNG of that size."""
    rows = zlib.compress((b"\0" + bytes([shade]) * width) * height)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
