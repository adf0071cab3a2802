"""What picture files are made of: chunks, segments, boxes, and a few honest pictures to put them into."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache
from typing import Any

from PIL import Image

SIDE = 300
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
RED, BLUE = (220, 20, 20), (20, 20, 220)


@cache
def drawing(width: int = SIDE, height: int = SIDE, mode: str = "RGB") -> Image.Image:
    """Red on the left, blue on the right, with a pattern so that it does not pack to nothing."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    image.paste(Image.effect_noise((width // 4, height // 4), 60).convert("RGB"), (width // 3, height // 3))
    return image.convert(mode)


def saved(format: str, image: Image.Image | None = None, **options: Any) -> bytes:
    """The picture (a drawing if none is given) in a format of Pillow's, or HEIF."""
    if format == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    buffer = io.BytesIO()
    (image or drawing()).save(buffer, format, **options)
    return buffer.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    """One PNG chunk with the right CRC."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(
    width: int, height: int, packed: bytes | None = None, *, extra: bytes = b"", depth: int = 8, kind: int = 2
) -> bytes:
    """A PNG put together by hand; `extra` chunks come before the pixels, which are black unless given packed."""
    if packed is None:
        packed = zlib.compress(bytes((width * {0: 1, 2: 3, 6: 4}[kind] * depth // 8 + 1) * height), 9)
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def interlaced(image: Image.Image) -> bytes:
    """An Adam7 PNG of an RGB picture, which Pillow reads and does not write."""
    rows = b""
    for x, y, across, down in ADAM7:
        for row in range(y, image.height, down):
            line = image.crop((0, row, image.width, row + 1)).tobytes()
            rows += b"\0" + b"".join(line[3 * at : 3 * at + 3] for at in range(x, image.width, across))
    head = struct.pack(">IIBBBBB", image.width, image.height, 8, 2, 0, 0, 1)
    packed = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + packed + chunk(b"IEND", b"")


def segment(marker: int, data: bytes) -> bytes:
    """One JPEG segment."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


def after_start(jpeg: bytes, *segments: bytes) -> bytes:
    """A JPEG with further segments at its beginning."""
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def sized(jpeg: bytes, width: int, height: int) -> bytes:
    """A JPEG that claims another size in its frame header."""
    at = next(at for at in range(len(jpeg) - 1) if jpeg[at] == 0xFF and jpeg[at + 1] in (0xC0, 0xC2))
    return jpeg[: at + 5] + struct.pack(">HH", height, width) + jpeg[at + 9 :]


def exif(orientation: int = 1, *, gps: bool = False, secret: bytes = b"") -> bytes:
    """An EXIF block as Pillow writes it."""
    block = Image.Exif()
    block[0x0112] = orientation
    if secret:
        block[0x010E] = secret.decode()
        block[0x013B] = secret.decode()
        block.get_ifd(0x8769)[0x9286] = secret
    if gps:
        block.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.0), 3: "E", 4: (2.0, 17.0, 40.0)})
    return block.tobytes()


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WebP container."""
    body = b"WEBP" + b"".join(
        name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def box(name: bytes, data: bytes) -> bytes:
    """One box of an ISO file."""
    return struct.pack(">I", len(data) + 8) + name + data
