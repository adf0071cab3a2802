"""Small files that ask for a lot: pixels, scans, chunks, text, profiles, segments."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

from PIL import Image

from tests.media.hostile.parts import after_start, box, chunk, drawing, png, riff, saved, segment, sized

SCAN = b"\xff\xda\0\x08\1\1\0\0\x3f\0"
PACKED = zlib.compress(bytes(80_000_000), 9)


def _webp_of(width: int, height: int) -> bytes:
    canvas = bytes((2, 0, 0, 0)) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return riff((b"VP8X", canvas), (b"ANIM", bytes(6)), (b"ANMF", bytes(24)))


def _gif_frame() -> bytes:
    """A GIF whose screen is small and whose first frame is not."""
    screen = b"GIF89a" + struct.pack("<HHBBB", 300, 300, 0x80, 0, 0) + bytes(6)
    return screen + b"," + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0) + b"\x02\x02\x4c\x01\0;"


def _big_jpeg() -> bytes:
    return saved("JPEG", Image.effect_noise((3000, 3000), 90).convert("RGB"), quality=92) + bytes(10 * 1024 * 1024)


FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "PNG of 30,000 × 30,000": (lambda: png(30_000, 30_000, b"x"), "image_too_many_pixels"),
    "PNG of 2,147,483,647 px a side": (lambda: png(2**31 - 1, 2**31 - 1, b"x"), "image_too_many_pixels"),
    "PNG of 6,330 × 6,330": (lambda: png(6_330, 6_330, PACKED[:100_000]), "image_too_many_pixels"),
    "PNG of 65,535 × 300": (lambda: png(65_535, 300, b"x"), "image_too_large"),
    "PNG without a side": (lambda: png(0, 300, b"x"), "image_damaged|image_too_small"),
    "PNG of 4,097 px": (lambda: png(4_097, 300), "image_too_large"),
    "PNG of 255 px": (lambda: png(255, 300), "image_too_small"),
    "JPEG of 255 px": (lambda: saved("JPEG", drawing(255, 400)), "image_too_small"),
    "JPEG of 4,097 px": (lambda: saved("JPEG", drawing(4_097, 400)), "image_too_large"),
    "WebP of one pixel": (lambda: saved("WEBP", drawing(1, 1)), "image_too_small"),
    "a strip of 21:1": (lambda: saved("JPEG", drawing(4_095, 195)), "image_too_small|image_too_narrow"),
    "a strip of 21:1, long enough": (lambda: saved("PNG", drawing(5_376, 256)), "image_too_large|image_too_narrow"),
    "JPEG that claims 65,535 × 65,535": (lambda: sized(saved("JPEG"), 65_500, 65_500), "image_too_many_pixels"),
    "WebP that claims 16,384 × 16,384": (lambda: _webp_of(16_384, 16_384), "image_too_many_pixels|image_damaged"),
    "PNG that unpacks to more rows": (lambda: png(300, 300, PACKED), "image_damaged"),
    "JPEG of 101 scans": (lambda: saved("JPEG")[:-2] + SCAN * 101 + b"\xff\xd9", "image_too_complex"),
    "JPEG of 5,000 scans": (
        lambda: sized(saved("JPEG", progressive=True), 4_000, 4_000)[:-2] + SCAN * 5_000 + b"\xff\xd9",
        "image_too_complex",
    ),
    "JPEG of 200,000 empty segments": (
        lambda: after_start(saved("JPEG"), segment(0xEF, b"") * 200_000),
        "image_too_complex",
    ),
    "JPEG with a profile of 8 MB": (
        lambda: after_start(saved("JPEG"), segment(0xE2, b"ICC_PROFILE\0\1\xff" + bytes(65_000)) * 125),
        "image_too_complex",
    ),
    "PNG of 100,000 chunks": (lambda: png(300, 300, extra=chunk(b"tEXt", b"a\0b") * 100_000), "image_too_complex"),
    "PNG of 30,000 empty pixel chunks": (
        lambda: png(300, 300, extra=chunk(b"IDAT", b"") * 30_000),
        "image_too_complex",
    ),
    "PNG with a text bomb": (
        lambda: png(300, 300, extra=chunk(b"zTXt", b"a\0\0" + PACKED)),
        "image_too_complex",
    ),
    "PNG with many text bombs": (
        lambda: png(300, 300, extra=chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(900_000), 9)) * 50),
        "image_too_complex",
    ),
    "PNG with an international text bomb": (
        lambda: png(300, 300, extra=chunk(b"iTXt", b"a\0\1\0en\0b\0" + PACKED)),
        "image_too_complex",
    ),
    "PNG with a profile bomb": (
        lambda: png(300, 300, extra=chunk(b"iCCP", b"a\0\0" + PACKED)),
        "image_too_complex",
    ),
    "WebP with 8 MB of XMP": (
        lambda: riff((b"VP8X", bytes((4, 0, 0, 0)) + b"\x2b\1\0\x2b\1\0"), (b"VP8 ", b"x"), (b"XMP ", bytes(8 << 20))),
        "image_too_complex",
    ),
    "HEIC of 5,000 boxes": (
        lambda: box(b"ftyp", b"heic\0\0\0\0mif1heic") + box(b"free", b"") * 5_000,
        "image_too_complex",
    ),
    "GIF frame larger than its screen": (_gif_frame, "not_an_image"),
    "10 MB and one byte": (lambda: saved("JPEG").ljust(10 * 1024 * 1024 + 1, b"\0"), "image_file_too_large"),
    "far more than 10 MB": (_big_jpeg, "image_file_too_large"),
}
