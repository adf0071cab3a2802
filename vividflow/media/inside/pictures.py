"""Pictures from outside: what they are, a clean copy of nothing but pixels, and crops of it."""

from __future__ import annotations

import contextlib
import io
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from vividflow.media.inside.colours import BROKEN_EXIF, flat, upright, upright_rgb
from vividflow.media.inside.refusal import Refusal
from vividflow.media.inside.screening import accepted, check_pixels, damaged, format_of, screen, too_complex

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "HEIF", "AVIF")
MOST_PIXELS = 40_000_000
MOST_FRAMES = 500
LONGEST_RATIO = 20
THUMBNAIL_SIDE = 512
JPEG_QUALITIES = (92, 85, 75, 60)
# What each format is kept as; everything else becomes a JPEG.
KEPT_AS = {"PNG": "PNG", "GIF": "PNG", "BMP": "PNG", "WEBP": "WEBP"}
MIMES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}

ORIENTATION, GPS = 0x0112, 0x8825

Image.MAX_IMAGE_PIXELS = MOST_PIXELS


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How large a picture may be, in pixels a side as shown; looked at before anything is unpacked."""

    least: int = 1
    most: int = 1 << 20

    def check(self, width: int, height: int) -> None:
        """Raises `Refusal` "image_too_small", "image_too_large" or "image_too_narrow"."""
        size = f"The picture is {width} × {height}."
        if max(width, height) > self.most:
            raise Refusal("image_too_large", f"{size} It may have at most {self.most} px a side. Send a smaller one.")
        if min(width, height) < self.least:
            raise Refusal("image_too_small", f"{size} It needs at least {self.least} px a side. Send a larger one.")
        if max(width, height) > LONGEST_RATIO * min(width, height):
            raise Refusal("image_too_narrow", f"{size} One side may be {LONGEST_RATIO} times the other. Crop it first.")


def image_facts(path: str) -> dict[str, Any]:
    """MIME type, size as shown, frames and format of the picture at `path`, whose first frame was decoded to the end.

    Refuses with `not_an_image`, `image_damaged`, `image_too_many_pixels`, `image_too_narrow` or `image_too_complex`.
    """
    return _opened(path)[1]


def take_picture(
    path: str, out: str, thumbnail: str, formats: list[str], least_side: int, most_side: int
) -> dict[str, Any]:
    """Decode the first frame once; write a clean copy to `out` and a JPEG of 512 × 512 from its middle to `thumbnail`.

    The copy is upright, in sRGB, and holds no metadata and no other frame. PNG, GIF and BMP become PNG, WebP stays
    WebP, the rest becomes JPEG; what is transparent stays so. Answers the facts of the copy, and of what came
    (`given_mime`, `frames`, `orientation` 1–8, `location` whether it told a place). Refuses as `image_facts`, and what
    is not one of `formats` or not within the sides.
    """
    image, given = _opened(path, tuple(formats), Bounds(least=least_side, most=most_side))
    about = {"given_mime": given["mime"], "frames": given["frames"], **_exif(image)}
    clean = upright(image)
    del image
    kept = KEPT_AS.get(given["format"], "JPEG")
    written = _write(clean if kept != "JPEG" else flat(clean), out, kept)
    # Halved first: the filter then works on a fraction of the pixels.
    clean.thumbnail((2048, 2048), Image.Resampling.BOX)
    small = ImageOps.fit(flat(clean), (THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS, bleed=0.0)
    small.save(thumbnail, format="JPEG", quality=85)
    return written | about | {"alpha": kept != "JPEG" and clean.mode == "RGBA"}


def normalise_image(
    path: str,
    out: str,
    format: str,
    shape: float | None = None,
    most_side: int | None = None,
    most_bytes: int | None = None,
) -> dict[str, Any]:
    """Writes the first frame to `out` as plain RGB, turned upright, in sRGB, without any metadata.

    `format` is "PNG", "JPEG" or "WEBP"; with `shape` (width divided by height) the picture is cropped to it around its
    centre; with `most_side` it is scaled down to that; with `most_bytes` a JPEG is packed tighter until it fits, and a
    PNG becomes a JPEG. Answers the facts of what was written. Refuses `image_too_large` when nothing makes it fit.
    """
    clean = upright_rgb(_opened(path)[0])
    if shape is not None:
        wide, high = clean.size
        kept = (min(wide, round(high * shape)), min(high, round(wide / shape)))
        clean = ImageOps.fit(clean, kept, Image.Resampling.LANCZOS, bleed=0.0)
    if most_side is not None and max(clean.size) > most_side:
        clean = ImageOps.contain(clean, (most_side, most_side), Image.Resampling.LANCZOS)
    facts = _write(clean, out, format)
    for quality in JPEG_QUALITIES if most_bytes is not None else ():
        if Path(out).stat().st_size <= (most_bytes or 0):
            return facts
        facts = _write(clean, out, "JPEG", quality)
    if most_bytes is not None and Path(out).stat().st_size > most_bytes:
        raise Refusal("image_too_large", f"The picture does not fit into {most_bytes:,} bytes. Send a smaller one.")
    return facts


def cover(path: str, out: str, width: int, height: int) -> dict[str, Any]:
    """Writes the picture, scaled and centre-cropped to cover `width` × `height`, to `out` as bare RGB bytes."""
    image = upright_rgb(_opened(path, needed=max(width, height))[0])
    fitted = ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS, bleed=0.0)
    Path(out).write_bytes(fitted.tobytes())
    return {}


def _write(image: Image.Image, out: str, format: str, quality: int = JPEG_QUALITIES[0]) -> dict[str, Any]:
    match format:
        case "JPEG":
            image.save(out, format="JPEG", quality=quality, subsampling=0)
        case "WEBP":
            try:
                image.save(out, format="WEBP", quality=95, method=0)
            except ValueError:  # its first partition has a limit that noise of many pixels exceeds
                return _write(image, out, "PNG" if image.mode == "RGBA" else "JPEG")
        case _:
            image.save(out, format="PNG", compress_level=4)
    return {"mime": MIMES[format], "width": image.width, "height": image.height, "frames": 1, "format": format}


def _opened(
    path: str, formats: tuple[str, ...] = FORMATS, bounds: Bounds | None = None, *, needed: int | None = None
) -> tuple[Image.Image, dict[str, Any]]:
    data = Path(path).read_bytes()
    format = format_of(memoryview(data))
    if format is None or format not in formats:
        raise Refusal("not_an_image", f"The file is not a picture that can be read; {accepted(formats)}.")
    screen(memoryview(data), format)
    with _told(format):
        image = _header(data, format)
        whole = _shown(image)
        (bounds or Bounds()).check(*whole)
        if format == "PNG":
            check_pixels(memoryview(data))
        if needed and min(whole) > 2 * needed:
            image.draft(None, (needed, needed))  # a JPEG decodes much faster at a half or a quarter of its size
        image.load()
        frames = _frames(image, data)
    mime = {"HEIF": "image/heic"}.get(format) or Image.MIME[format]
    return image, {"mime": mime, "width": whole[0], "height": whole[1], "frames": frames, "format": format}


@contextlib.contextmanager
def _told(format: str) -> Iterator[None]:
    """Whatever readers throw at files made to confuse them, as a `Refusal`; troubles of our own disk go through."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except UnidentifiedImageError:
        raise damaged(format) from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        most = MOST_PIXELS // 1_000_000
        raise Refusal("image_too_many_pixels", f"The picture has more than {most} million pixels.") from None
    except MemoryError:
        raise too_complex("needs more memory to decode than is allowed") from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise damaged(format) from None
    except (ValueError, SyntaxError, IndexError, KeyError, TypeError, EOFError, ArithmeticError, struct.error):
        raise damaged(format) from None
    except (AttributeError, RuntimeError, AssertionError, NotImplementedError):
        raise damaged(format) from None


def _header(data: bytes, format: str) -> Image.Image:
    names = [format]
    match format:
        case "HEIF":
            import pillow_heif

            pillow_heif.options.DECODE_THREADS = 1
            pillow_heif.options.THUMBNAILS = False
            pillow_heif.register_heif_opener()
        case "AVIF":
            from PIL import AvifImagePlugin

            AvifImagePlugin.DEFAULT_MAX_THREADS = 1
        case "JPEG":
            names.append("MPO")  # what a phone's JPEG with further pictures behind the first calls itself
    return Image.open(io.BytesIO(data), formats=names)


def _shown(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    return (height, width) if _orientation(image) in (5, 6, 7, 8) else (width, height)


def _orientation(image: Image.Image) -> int:
    try:
        found = image.getexif().get(ORIENTATION)
    except BROKEN_EXIF:
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _exif(image: Image.Image) -> dict[str, Any]:
    """What is kept of EXIF: how the picture was turned, and whether (never where) it told a place."""
    # A HEIC is turned by its decoder, which then says 1 in EXIF and the truth here.
    turned = image.info.get("original_orientation") or _orientation(image)
    place = False
    with contextlib.suppress(*BROKEN_EXIF):
        place = bool(image.getexif().get_ifd(GPS))
    return {"orientation": turned, "location": place}


def _frames(image: Image.Image, data: bytes) -> int:
    if image.format != "GIF":
        return int(getattr(image, "n_frames", 1))
    # A GIF has to be walked to be counted, so the walk ends somewhere.
    with Image.open(io.BytesIO(data), formats=["GIF"]) as walked:
        try:
            for number in range(1, MOST_FRAMES):
                walked.seek(number)
        except (EOFError, OSError, ValueError):
            pass
        return walked.tell() + 1
