"""Honest pictures that are hard to get right: colours, turns, frames, metadata of every size."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

from PIL import Image, ImageCms

from tests.media.hostile.parts import after_start, chunk, drawing, exif, interlaced, png, saved, segment, sized

SECRET = b"secret-payload"
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _frames() -> list[Image.Image]:
    return [Image.new("RGB", (300, 300), colour) for colour in ("red", "green", "blue")]


def _animated(format: str) -> Callable[[], bytes]:
    return lambda: saved(format, _frames()[0], save_all=True, append_images=_frames()[1:], duration=100)


def _sixteen() -> bytes:
    rows = b"".join(b"\0" + struct.pack(">H", 32768) * 300 for _ in range(300))
    return png(300, 300, zlib.compress(rows), depth=16, kind=0)


def _clear() -> Image.Image:
    image = drawing(mode="RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


def _thumbnail() -> bytes:
    """An EXIF thumbnail that is a JPEG with an EXIF thumbnail."""
    inner = after_start(saved("JPEG", drawing(64, 64)), segment(0xE1, exif(6, secret=SECRET)))
    return after_start(saved("JPEG"), segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0" + inner))


FILES: dict[str, Callable[[], bytes]] = {
    **{
        f"turned by EXIF {turn}": (lambda turn=turn: saved("JPEG", drawing(400, 300), exif=exif(turn)))
        for turn in range(1, 9)
    },
    "turned by EXIF, PNG": lambda: saved("PNG", drawing(400, 300), exif=exif(6)),
    "turned by EXIF, WebP": lambda: saved("WEBP", drawing(400, 300), exif=exif(8)),
    "GPS": lambda: saved("JPEG", exif=exif(1, gps=True, secret=SECRET)),
    "GPS in a HEIC": lambda: saved("HEIF", exif=exif(1, gps=True, secret=SECRET)),
    "GPS in a PNG": lambda: saved("PNG", exif=exif(1, gps=True, secret=SECRET)),
    "EXIF of 64 kB": lambda: saved("JPEG", exif=exif(1, secret=SECRET * 1400)),
    "EXIF a hundred times": lambda: after_start(saved("JPEG"), segment(0xE1, exif(1, secret=SECRET)) * 100),
    "broken EXIF": lambda: after_start(saved("JPEG"), segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff" + b"\xff" * 40)),
    "EXIF that points to itself": lambda: after_start(
        saved("JPEG"),
        segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 0x8769, 4, 1, 8) + struct.pack("<I", 8)),
    ),
    "a thumbnail within a thumbnail": _thumbnail,
    "CMYK": lambda: saved("JPEG", drawing(mode="CMYK")),
    "grey": lambda: saved("JPEG", drawing(mode="L")),
    "black and white": lambda: saved("PNG", drawing(mode="1")),
    "16 bits": _sixteen,
    "palette": lambda: saved("PNG", drawing().quantize(16)),
    "palette with a clear colour": lambda: saved("PNG", drawing().quantize(16), transparency=0),
    "alpha": lambda: saved("PNG", _clear()),
    "alpha in WebP": lambda: saved("WEBP", _clear()),
    "grey with alpha": lambda: saved("PNG", _clear().convert("LA")),
    "interlaced": lambda: interlaced(drawing()),
    "progressive": lambda: saved("JPEG", progressive=True),
    "an sRGB profile": lambda: saved("JPEG", icc_profile=SRGB),
    "a profile of nonsense": lambda: saved("JPEG", icc_profile=b"no profile at all" * 100),
    "a profile of another colour space": lambda: saved("JPEG", drawing(mode="L"), icc_profile=SRGB),
    "a profile cut short": lambda: saved("PNG", icc_profile=SRGB[:200]),
    "a profile with a wild tag": lambda: saved("JPEG", icc_profile=SRGB[:128] + b"\xff" * 64 + SRGB[192:]),
    "animated PNG": _animated("PNG"),
    "animated WebP": _animated("WEBP"),
    "several pictures in a HEIC": lambda: saved("HEIF", _frames()[0], save_all=True, append_images=_frames()[1:]),
    "a phone's MPO": lambda: saved("MPO", _frames()[0], save_all=True, append_images=_frames()[1:]),
    "HEIC": lambda: saved("HEIF"),
    "AVIF": lambda: saved("AVIF"),
    "lossless WebP": lambda: saved("WEBP", lossless=True),
    "text in a PNG": lambda: png(300, 300, extra=chunk(b"tEXt", b"Author\0" + SECRET)),
    "256 px": lambda: saved("PNG", drawing(256, 256)),
    "4,096 × 256": lambda: saved("JPEG", drawing(4_096, 256)),
    "a JPEG that claims 4,000 × 4,000": lambda: sized(saved("JPEG"), 4_000, 4_000),
    "a JPEG with the usual tables left out": lambda: saved("JPEG").replace(b"\xff\xc4", b"\xff\xef"),
    "exactly 10 MB": lambda: saved("JPEG").ljust(10 * 1024 * 1024, b"\0"),
}
