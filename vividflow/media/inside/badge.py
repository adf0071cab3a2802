"""The small sign in the corner that says what a preview is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont


def draw(out: str, text: str, tall: int) -> dict[str, Any]:
    """Writes `text` on a dark rounded ground, `tall` pixels high, to `out` as bare RGBA bytes; answers its size."""
    fine = 3
    font = ImageFont.load_default(tall * fine * 0.5)
    left, top, right, bottom = font.getbbox(text)
    high = tall * fine
    wide = round(right - left + high * 0.9)
    wide += -wide % (2 * fine)
    sheet = Image.new("RGBA", (wide, high), (12, 14, 20, 0))
    pen = ImageDraw.Draw(sheet)
    pen.rounded_rectangle((0, 0, wide - 1, high - 1), radius=high / 2, fill=(12, 14, 20, 118))
    ink = Image.new("L", sheet.size, 0)
    ImageDraw.Draw(ink).text(((wide - right - left) / 2, (high - bottom - top) / 2), text, fill=225, font=font)
    sheet = Image.composite(Image.new("RGBA", sheet.size, (255, 255, 255, 225)), sheet, ink)
    small = sheet.reduce(fine)
    Path(out).write_bytes(small.tobytes())
    return {"width": small.width, "height": small.height}
