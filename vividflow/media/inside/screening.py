"""Picture files before any decoder sees them: which format by content, whole or cut, and whether they ask for too much.

Only the outer structure is walked, in one pass and without unpacking pixels; what is judged here is what makes decoders
work long or grow (scans, chunks, unpacked text and profiles) or what they would silently make up for (missing ends).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Mapping

from vividflow.media.inside.refusal import Refusal

MOST_SCANS = 100
MOST_SEGMENTS = 2_000
MOST_CHUNKS = 20_000
MOST_ASIDE = 1_000
UNPACKED_BYTES = 1 << 20
HEAVY_BYTES = 4 << 20
WORDS = {
    "PNG": "PNG",
    "JPEG": "JPEG",
    "WEBP": "WebP",
    "BMP": "BMP",
    "GIF": "GIF",
    "HEIF": "HEIC",
    "AVIF": "AVIF",
}

Bytes = memoryview
_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)
_HEIF = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"})
_AVIF = frozenset({b"avif", b"avis"})
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_PIECE = 1 << 20
_PACKED = {b"zTXt": 0, b"iTXt": 0, b"iCCP": 0}


def accepted(formats: tuple[str, ...]) -> str:
    """The sentence that says what would do."""
    words = [WORDS[each] for each in formats]
    return f"{', '.join(words[:-1])} and {words[-1]} pictures are accepted"


def format_of(data: Bytes) -> str | None:
    """The format that the first bytes announce, by our own table; None for everything that is not one of ours."""
    head = bytes(data[:32])
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if head[:2] == b"BM":
        return "BMP"
    if head[4:8] == b"ftyp":
        return _boxed(data)
    return None


def screen(data: Bytes, format: str) -> None:
    """Walk a file of that format. Raises `Refusal` "image_damaged" or "image_too_complex"."""
    walk = _WALKS.get(format)
    if walk is not None:
        walk(data)


def check_pixels(data: Bytes) -> None:
    """Unpack a PNG's rows, in pieces that are thrown away, and see that they are whole and no more than the head says.

    For after the size was judged: the decoder itself takes a broken stream and leaves the rest black. Raises `Refusal`.
    """
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", data[16:29])
    bits = depth * _CHANNELS.get(kind, 1)
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    sizes = [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in passes]
    expected = sum(high * (1 + -(-wide * bits // 8)) for wide, high in sizes if wide > 0 and high > 0)
    unpacker, found, at = zlib.decompressobj(), 0, 8
    try:
        while at + 12 <= len(data) and found <= expected and not unpacker.eof:
            length, name = struct.unpack(">I4s", data[at : at + 8])
            piece: bytes | Bytes = data[at + 8 : at + 8 + length] if name == b"IDAT" else b""
            while piece and found <= expected:
                found += len(unpacker.decompress(piece, _PIECE))
                piece = unpacker.unconsumed_tail
            at += 12 + length
    except zlib.error:
        raise damaged("PNG") from None
    if found != expected or not unpacker.eof:
        raise damaged("PNG")


def damaged(format: str) -> Refusal:
    """The refusal of a file that is cut short or broken."""
    return Refusal("image_damaged", f"The {WORDS[format]} picture is cut short or damaged. Send it whole.")


def too_complex(what: str) -> Refusal:
    """The refusal of a file that asks for too much, for the reason that completes the sentence."""
    return Refusal("image_too_complex", f"The picture {what}. Save it again plainly.")


def _boxed(data: Bytes) -> str | None:
    """HEIF or AVIF by the brands of the `ftyp` box."""
    size = struct.unpack(">I", data[:4])[0]
    brands = {bytes(data[at : at + 4]) for at in range(8, min(size, 256), 4) if at != 12}
    if bytes(data[8:12]) in _AVIF or (brands & _AVIF and bytes(data[8:12]) in (b"mif1", b"msf1")):
        return "AVIF"
    return "HEIF" if brands & _HEIF else None


def _jpeg(data: Bytes) -> None:
    at, end, scans, segments, profile = 2, len(data), 0, 0, 0
    while True:
        found = _MARKER.search(data, at)
        if found is None:
            raise damaged("JPEG")
        marker, at = data[found.end() - 1], found.end()
        if marker == 0xD9:
            break
        if marker in (0x01, 0xD8):
            continue
        length = struct.unpack(">H", data[at : at + 2])[0] if at + 2 <= end else 0
        if length < 2 or at + length > end:
            raise damaged("JPEG")
        segments += 1
        scans += marker == 0xDA
        if marker == 0xE2 and bytes(data[at + 2 : at + 13]) == b"ICC_PROFILE":
            profile += length
        if scans > MOST_SCANS:
            raise too_complex(f"has more than {MOST_SCANS} scans")
        if segments > MOST_SEGMENTS or profile > HEAVY_BYTES:
            raise too_complex("carries too much beside its pixels")
        at += length
    if not scans:
        raise damaged("JPEG")


def _png(data: Bytes) -> None:
    at, chunks, aside, unpacked, kind = 8, 0, 0, 0, b""
    while kind != b"IEND":
        if at + 12 > len(data):
            raise damaged("PNG")
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if at + 12 + length > len(data):
            raise damaged("PNG")
        body = data[at + 8 : at + 8 + length]
        if (
            zlib.crc32(data[at + 4 : at + 8 + length])
            != struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0]
        ):
            raise damaged("PNG")
        chunks += 1
        aside += kind not in (b"IDAT", b"fdAT", b"fcTL")
        if kind in (b"tEXt", b"eXIf"):
            unpacked += length
        elif kind in _PACKED:
            unpacked += _unpacked(body, kind)
        if chunks > MOST_CHUNKS or aside > MOST_ASIDE or unpacked > HEAVY_BYTES:
            raise too_complex("carries too much beside its pixels")
        at += 12 + length


def _unpacked(body: Bytes, kind: bytes) -> int:
    """How many bytes a chunk's packed text or profile becomes, as far as it matters."""
    raw = bytes(body)
    packed = raw.partition(b"\0")[2]
    if kind == b"iTXt":
        if packed[:1] != b"\x01":
            return len(raw)
        packed = packed[2:].partition(b"\0")[2].partition(b"\0")[2]
    else:
        packed = packed[1:]
    try:
        size = len(zlib.decompressobj().decompress(packed, UNPACKED_BYTES + 1))
    except zlib.error:
        return len(raw)
    if size > UNPACKED_BYTES:
        raise too_complex("unpacks to far more text or profile than a picture needs")
    return size


def _webp(data: Bytes) -> None:
    size = struct.unpack("<I", data[4:8])[0]
    if size + 8 > len(data):
        raise damaged("WEBP")
    at, end, chunks = 12, size + 8, 0
    while at + 8 <= end:
        kind, length = struct.unpack("<4sI", data[at : at + 8])
        chunks += 1
        if at + 8 + length > end:
            raise damaged("WEBP")
        if chunks > MOST_CHUNKS or (kind in (b"ICCP", b"EXIF", b"XMP ") and length > HEAVY_BYTES):
            raise too_complex("carries too much beside its pixels")
        at += 8 + length + length % 2


def _boxes(data: Bytes) -> None:
    """The top boxes of HEIF and AVIF: every one whole, and none after the end."""
    at, boxes = 0, 0
    while at < len(data):
        if at + 8 > len(data):
            raise damaged("HEIF")
        length, head = struct.unpack(">I", data[at : at + 4])[0], 8
        if length == 1 and at + 16 <= len(data):
            length, head = struct.unpack(">Q", data[at + 8 : at + 16])[0], 16
        length = length or len(data) - at
        boxes += 1
        if length < head or at + length > len(data):
            raise damaged("HEIF")
        if boxes > MOST_ASIDE:
            raise too_complex("carries too much beside its pixels")
        at += length


_WALKS: Mapping[str, Callable[[Bytes], None]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "WEBP": _webp,
    "HEIF": _boxes,
    "AVIF": _boxes,
}
