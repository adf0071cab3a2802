"""From whatever colours a file has to plain sRGB, upright, with or without what is transparent."""

from __future__ import annotations

import contextlib
import io
import struct

from PIL import Image, ImageCms, ImageOps

BROKEN_EXIF = (OSError, ValueError, SyntaxError, KeyError, TypeError, struct.error)
WHITE = (255, 255, 255)
_PROFILED = {"RGB": ("RGB",), "RGBA": ("RGB",), "CMYK": ("CMYK",), "L": ("GRAY", "RGB"), "LA": ("GRAY", "RGB")}


def upright_rgb(image: Image.Image) -> Image.Image:
    """The picture turned as EXIF says, in sRGB, with white behind what is transparent, as RGB without metadata.

    `image` is used up: of 40 million pixels no copy is held longer than it must be.
    """
    return flat(upright(image))


def upright(image: Image.Image) -> Image.Image:
    """The same, but what is transparent stays so: RGB, or RGBA when some of it is. `image` is used up."""
    profile = image.info.get("icc_profile")
    with contextlib.suppress(*BROKEN_EXIF):
        ImageOps.exif_transpose(image, in_place=True)
    if image.mode.startswith("I;16") or image.mode == "I":
        image = image.convert("I").point(lambda level: level * (1 / 256)).convert("L")
    clear = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
    if clear and image.mode not in ("RGBA", "LA"):
        image = image.convert("RGBA")
    if image.mode in ("P", "1"):
        image = image.convert("RGB")
    image = _in_srgb(image, profile) if profile else image
    if clear and image.mode != "RGBA":
        image = image.convert("RGBA")
    elif not clear and image.mode != "RGB":
        image = image.convert("RGB")
    if clear and image.getchannel("A").getextrema()[0] == 255:
        image = image.convert("RGB")
    image.info = {}
    return image


def flat(image: Image.Image) -> Image.Image:
    """White behind what is transparent."""
    if image.mode != "RGBA":
        return image
    below = Image.new("RGB", image.size, WHITE)
    below.paste(image, mask=image.getchannel("A"))
    return below


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Colours by the file's own profile where it fits the pixels; a broken or foreign profile is left aside."""
    fits = _PROFILED.get(image.mode)
    if fits is None or profile[16:20].strip().decode("ascii", "replace") not in fits:
        return image
    alpha = image.getchannel("A") if image.mode in ("RGBA", "LA") else None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        plain = image if alpha is None and image.mode != "LA" else image.convert("RGB" if image.mode == "RGBA" else "L")
        same = plain.mode == "RGB" and plain is image
        ours = ImageCms.createProfile("sRGB")
        changed = ImageCms.profileToProfile(plain, source, ours, outputMode=None if same else "RGB", inPlace=same)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    changed = changed or image
    if alpha is not None:
        changed.putalpha(alpha)
    return changed
