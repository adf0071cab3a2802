"""Honest pictures with a few bytes changed, dropped or added: whatever becomes of them is a picture or a refusal in words."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.media.hostile.parts import drawing, exif, interlaced, saved
from vividflow.errors import Permanent
from vividflow.media.child import Decoder

TIMES = 60
VERDICTS = {"not_an_image", "image_damaged", "image_too_complex", "image_too_many_pixels", "image_too_large",
            "image_too_small", "image_too_narrow"}  # fmt: skip


def changed(data: bytes, source: random.Random) -> bytes:
    """`data` with up to five changes, most of them near its beginning, where the structure is."""
    made = bytearray(data)
    for _ in range(source.randrange(1, 6)):
        at = source.randrange(min(len(made), source.choice((64, 600, len(made)))))
        match source.randrange(3):
            case 0:
                made[at] = source.choice((0, 1, 127, 128, 255, source.randrange(256)))
            case 1:
                del made[at : at + source.randrange(1, 20)]
            case _:
                made[at:at] = source.randbytes(source.randrange(1, 9))
    return bytes(made)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF", "GIF", "BMP"])
def test_a_changed_picture_is_a_picture_or_refused_in_words(format: str, tmp_path: Path, decoder: Decoder) -> None:
    source = random.Random(f"pictures {format}")
    whole = {"GIF": {}, "BMP": {}}.get(format, {"exif": exif(6, gps=True)})
    seeds = [saved(format, **whole), *([interlaced(drawing())] if format == "PNG" else [])]
    path, verdicts = tmp_path / "given", set()
    for _ in range(TIMES):
        path.write_bytes(changed(source.choice(seeds), source))
        try:
            decoder.take_picture(
                path, tmp_path / "out", tmp_path / "small", formats=(format,), least_side=256, most_side=4096
            )
        except Permanent as refused:
            verdicts.add(refused.code)
    assert verdicts <= VERDICTS
    assert verdicts
