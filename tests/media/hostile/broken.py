"""Files that are cut short or damaged, in every place where it could go unnoticed."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

from tests.media.hostile.parts import after_start, box, chunk, png, saved, segment

DAMAGED = "image_damaged"


def _cut(format: str, share: float) -> Callable[[], bytes]:
    def make() -> bytes:
        whole = saved(format)
        return whole[: max(30, int(len(whole) * share))]

    return make


def _flipped(data: bytes, at: int, count: int = 40) -> bytes:
    return data[:at] + bytes(byte ^ 0x5A for byte in data[at : at + count]) + data[at + count :]


def _wrong_crc() -> bytes:
    data = saved("PNG")
    at = data.index(b"IDAT")
    length = struct.unpack(">I", data[at - 4 : at])[0]
    return data[: at + 4 + length] + b"\0\0\0\0" + data[at + 8 + length :]


def _wrong_stream() -> bytes:
    return png(300, 300, _flipped(zlib.compress(bytes(901 * 300), 9), 20))


FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    **{
        f"{format} cut at {share:.1%}": (_cut(format, share), DAMAGED)
        for format in ("JPEG", "PNG", "WEBP", "HEIF", "AVIF")
        for share in (0.1, 0.5, 0.995)
    },
    "JPEG without its end": (lambda: saved("JPEG")[:-2], DAMAGED),
    "JPEG that is only a head": (lambda: b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xd9", DAMAGED),
    "JPEG segment longer than the file": (lambda: after_start(saved("JPEG"), b"\xff\xe1\xff\xff")[:2000], DAMAGED),
    "JPEG segment shorter than its length": (lambda: after_start(saved("JPEG"), b"\xff\xe1\0\1"), DAMAGED),
    "JPEG of 12 bits": (lambda: saved("JPEG").replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c"), DAMAGED),
    "PNG with a wrong CRC": (_wrong_crc, DAMAGED),
    "PNG with a corrupt stream": (_wrong_stream, DAMAGED),
    "PNG with a stream that ends early": (lambda: png(300, 300, zlib.compress(bytes(901 * 20), 9)), DAMAGED),
    "PNG without pixels": (lambda: png(300, 300, b""), DAMAGED),
    "PNG that begins with its end": (lambda: b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b""), DAMAGED),
    "PNG chunk of 4 GB": (lambda: b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR" + bytes(100), DAMAGED),
    "PNG of an unknown colour type": (lambda: png(300, 300, b"x", kind=5), DAMAGED),
    "WebP with a corrupt frame": (lambda: _flipped(saved("WEBP"), 40, 60), DAMAGED),
    "WebP chunk longer than the file": (lambda: saved("WEBP").replace(b"VP8 ", b"VP8 \xff\xff\xff\x0f", 1), DAMAGED),
    "HEIC with corrupt boxes": (lambda: _flipped(saved("HEIF"), 60, 60), DAMAGED),
    "HEIC box longer than the file": (lambda: saved("HEIF") + struct.pack(">I4s", 1 << 30, b"mdat"), DAMAGED),
    "AVIF with corrupt pixels": (lambda: _flipped(saved("AVIF"), len(saved("AVIF")) - 900, 800), DAMAGED),
    "HEIC whose meta is empty": (lambda: box(b"ftyp", b"heic\0\0\0\0mif1heic") + box(b"meta", b"\0\0\0\0"), DAMAGED),
    "JPEG of arithmetic nonsense": (
        lambda: b"\xff\xd8" + segment(0xC9, bytes(15)) + segment(0xDA, bytes(10)) + b"\xff\xd9",
        DAMAGED,
    ),
}
