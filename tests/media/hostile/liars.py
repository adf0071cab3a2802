"""Files that are something else than they say, and files that are two things at once."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from tests.media.hostile.parts import after_start, box, chunk, drawing, png, saved, segment

SCRIPT = b"<script>alert('secret-payload')</script>"
PAYLOAD = b"secret-payload"


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("secret-payload.txt", "secret-payload")
    return buffer.getvalue()


def _tiff() -> bytes:
    return saved("TIFF")


FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing at all": (lambda: b"", "empty_image"),
    "one byte": (lambda: b"\xff", "not_an_image"),
    "words": (lambda: b"this is a picture, honestly\n" * 50, "not_an_image"),
    "zeros": (lambda: bytes(5000), "not_an_image"),
    "HTML": (lambda: b"<!doctype html>" + SCRIPT, "not_an_image"),
    "SVG": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "not_an_image"),
    "SVG with an entity bomb": (
        lambda: b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]><svg>&b;</svg>',
        "not_an_image",
    ),
    "EPS": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 400 400\n(id) run\n", "not_an_image"),
    "EPS from DOS": (
        lambda: b"\xc5\xd0\xd3\xc6" + struct.pack("<7I", 32, 90, 0, 0, 0, 0, 0xFFFF) + b"%!PS",
        "not_an_image",
    ),
    "PDF": (lambda: b"%PDF-1.7\n1 0 obj<</Type/Catalog/OpenAction 2 0 R>>endobj\n%%EOF", "not_an_image"),
    "TIFF": (_tiff, "not_an_image"),
    "BigTIFF": (lambda: saved("TIFF", big_tiff=True), "not_an_image"),
    "ICO": (lambda: saved("ICO", drawing(256, 256)), "not_an_image"),
    "ICNS": (lambda: saved("ICNS", drawing(512, 512)), "not_an_image"),
    "PSD": (lambda: b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 300, 300, 8, 3) + bytes(900), "not_an_image"),
    "PPM": (lambda: saved("PPM"), "not_an_image"),
    "TGA": (lambda: saved("TGA"), "not_an_image"),
    "JPEG 2000": (lambda: saved("JPEG2000"), "not_an_image"),
    "DDS": (lambda: saved("DDS"), "not_an_image"),
    "GIF, which the library does not take": (lambda: saved("GIF"), "not_an_image"),
    "BMP, which the library does not take": (lambda: saved("BMP"), "not_an_image"),
    "MP4": (lambda: box(b"ftyp", b"isom\0\0\2\0isomiso2avc1mp41") + box(b"mdat", bytes(500)), "not_an_image"),
    "MP4 that says HEIC": (lambda: box(b"ftyp", b"heic\0\0\0\0mif1heic") + box(b"mdat", bytes(500)), "image_damaged"),
    "AVIF without a picture": (lambda: box(b"ftyp", b"avif\0\0\0\0mif1avif") + box(b"meta", bytes(4)), "image_damaged"),
    "ELF": (lambda: Path("/proc/self/exe").read_bytes()[:4096], "not_an_image"),
    "ZIP": (_zip, "not_an_image"),
    "gzip": (lambda: b"\x1f\x8b\x08" + bytes(200), "not_an_image"),
    "WAV": (lambda: b"RIFF" + struct.pack("<I", 200) + b"WAVE" + bytes(196), "not_an_image"),
    "PNG after a blank": (lambda: b" " + saved("PNG"), "not_an_image"),
    "JPEG head on a PNG": (lambda: b"\xff\xd8\xff" + saved("PNG"), "image_damaged"),
    "PNG head on a JPEG": (lambda: b"\x89PNG\r\n\x1a\n" + saved("JPEG"), "image_damaged"),
    "WebP head and nothing": (lambda: b"RIFF\x04\0\0\0WEBP", "image_damaged"),
    "GIF and script at once": (lambda: b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)//", "not_an_image"),
}

# Real pictures with something behind, before or inside: kept, and nothing but pixels survives.
POLYGLOTS: dict[str, Callable[[], bytes]] = {
    "JPEG and ZIP": lambda: saved("JPEG") + _zip(),
    "JPEG and HTML in a comment": lambda: after_start(saved("JPEG"), segment(0xFE, SCRIPT)),
    "JPEG and JavaScript": lambda: after_start(saved("JPEG"), segment(0xFE, b"*/=0;alert('secret-payload')/*")),
    "JPEG and PDF": lambda: after_start(saved("JPEG"), segment(0xFE, b"%PDF-1.4 secret-payload")),
    "JPEG and PHP": lambda: saved("JPEG") + b"<?php system('secret-payload'); ?>",
    "PNG and HTML behind": lambda: saved("PNG") + SCRIPT,
    "PNG and HTML in text": lambda: png(300, 300, extra=chunk(b"tEXt", b"Comment\0" + SCRIPT)),
    "PNG with private chunks": lambda: png(300, 300, extra=chunk(b"prVt", SCRIPT * 20)),
    "PNG and MP4": lambda: saved("PNG") + box(b"ftyp", b"isom") + box(b"free", PAYLOAD),
    "WebP and ZIP": lambda: saved("WEBP") + _zip(),
    "WebP with XMP": lambda: saved("WEBP", xmp=b"<x:xmpmeta>secret-payload</x:xmpmeta>"),
    "AVIF with EXIF": lambda: saved(
        "AVIF", Image.new("RGB", (300, 300), "teal"), exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0" + PAYLOAD
    ),
}
