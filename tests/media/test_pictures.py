"""Pictures inside the child: upright, plain, in sRGB, without anything private."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageCms

from vividflow.media.inside import pictures

RED, BLUE = (220, 20, 20), (20, 20, 220)


def near(one: object, other: tuple[int, int, int]) -> bool:
    assert isinstance(one, tuple)
    return all(abs(a - b) < 24 for a, b in zip(one, other, strict=True))


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "bmp", "gif"])
def test_every_accepted_format_is_read(ending: str, tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), RED).save(tmp_path / f"a.{ending}")
    facts = pictures.image_facts(str(tmp_path / f"a.{ending}"))
    assert (facts["width"], facts["height"], facts["frames"]) == (40, 30, 1)
    assert facts["mime"] == {"jpg": "image/jpeg"}.get(ending, f"image/{ending}")


@pytest.mark.parametrize("ending", ["tiff", "ico", "ppm", "tga"])
def test_other_formats_are_refused(ending: str, tmp_path: Path) -> None:
    Image.new("RGB", (32, 32), RED).save(tmp_path / f"a.{ending}")
    with pytest.raises(pictures.Refusal):
        pictures.image_facts(str(tmp_path / f"a.{ending}"))


def test_a_picture_is_turned_as_its_exif_says_and_loses_it(photo: Path, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a private remark"
    exif.get_ifd(0x8825)[2] = (48.0, 12.0, 30.0)
    opened(photo).save(tmp_path / "turned.jpg", exif=exif, quality=95, comment=b"secret", icc_profile=b"")
    assert pictures.image_facts(str(tmp_path / "turned.jpg"))["width"] == 300
    for kind in ("PNG", "JPEG"):
        out = tmp_path / f"out.{kind}"
        facts = pictures.normalise_image(str(tmp_path / "turned.jpg"), str(out), kind)
        assert (facts["width"], facts["height"]) == (300, 400)
        clean = opened(out)
        assert clean.format == kind
        assert (clean.mode, clean.size) == ("RGB", (300, 400))
        assert near(clean.getpixel((150, 40)), RED)
        assert near(clean.getpixel((150, 360)), BLUE)
        assert not clean.getexif()
        assert not set(clean.info) & {"exif", "icc_profile", "comment", "xmp"}
        assert b"private" not in out.read_bytes()
        assert b"secret" not in out.read_bytes()


def test_white_is_behind_what_is_transparent(tmp_path: Path) -> None:
    image = Image.new("RGBA", (20, 10), (0, 0, 0, 0))
    image.paste((*RED, 255), (0, 0, 10, 10))
    image.save(tmp_path / "a.png")
    image.convert("P").save(tmp_path / "a.gif", transparency=image.convert("P").getpixel((15, 5)))
    for name in ("a.png", "a.gif"):
        pictures.normalise_image(str(tmp_path / name), str(tmp_path / "out.png"), "PNG")
        clean = opened(tmp_path / "out.png")
        assert near(clean.getpixel((15, 5)), (255, 255, 255))
        assert near(clean.getpixel((5, 5)), RED)


def test_the_first_of_many_frames_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (20, 10), colour) for colour in (RED, BLUE, (0, 200, 0))]
    for ending in ("gif", "webp", "png"):
        path = tmp_path / f"a.{ending}"
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
        assert pictures.image_facts(str(path))["frames"] == 3
        pictures.normalise_image(str(path), str(tmp_path / "out.png"), "PNG")
        assert near(opened(tmp_path / "out.png").getpixel((5, 5)), RED)


def test_a_gif_without_end_is_not_walked_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_FRAMES", 4)
    frames = [Image.new("L", (8, 8), number * 20) for number in range(12)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert pictures.image_facts(str(tmp_path / "a.gif"))["frames"] == 4


@pytest.mark.parametrize(("mode", "colour"), [("I;16", 32768), ("L", 128), ("CMYK", (127, 127, 127, 0)), ("1", 1)])
def test_every_kind_of_colour_becomes_rgb(mode: str, colour: int | tuple[int, ...], tmp_path: Path) -> None:
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    Image.new(mode, (16, 16), colour).save(path)
    pictures.normalise_image(str(path), str(tmp_path / "out.png"), "PNG")
    level = 255 if mode == "1" else 128
    assert near(opened(tmp_path / "out.png").getpixel((8, 8)), (level, level, level))


def test_colours_of_another_space_are_brought_to_srgb(tmp_path: Path) -> None:
    image = Image.new("RGB", (16, 16), (120, 60, 200))
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image.save(tmp_path / "same.png", icc_profile=lab)
    image.save(tmp_path / "broken.png", icc_profile=b"no profile at all" * 20)
    for name in ("same.png", "broken.png"):
        pictures.normalise_image(str(tmp_path / name), str(tmp_path / "out.png"), "PNG")
        assert near(opened(tmp_path / "out.png").getpixel((8, 8)), (120, 60, 200))
        assert "icc_profile" not in opened(tmp_path / "out.png").info


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_a_broken_exif_block_is_no_reason_to_refuse(photo: Path, tmp_path: Path) -> None:
    opened(photo).save(tmp_path / "a.jpg", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff" + b"\xff" * 40)
    assert pictures.image_facts(str(tmp_path / "a.jpg"))["width"] == 400
    assert pictures.normalise_image(str(tmp_path / "a.jpg"), str(tmp_path / "out.jpg"), "JPEG")["width"] == 400


def test_covering_crops_the_middle_and_fills_the_frame(photo: Path, tmp_path: Path) -> None:
    pictures.cover(str(photo), str(tmp_path / "a.raw"), 100, 200)
    frame = Image.frombytes("RGB", (100, 200), (tmp_path / "a.raw").read_bytes())
    assert near(frame.getpixel((20, 100)), RED)
    assert near(frame.getpixel((80, 100)), BLUE)


def test_a_large_jpeg_is_covered_from_a_smaller_decoding(tmp_path: Path) -> None:
    image = Image.new("RGB", (1600, 1200), RED)
    image.paste(BLUE, (800, 0, 1600, 1200))
    image.save(tmp_path / "a.jpg", quality=95)
    pictures.cover(str(tmp_path / "a.jpg"), str(tmp_path / "a.raw"), 160, 90)
    frame = Image.frombytes("RGB", (160, 90), (tmp_path / "a.raw").read_bytes())
    assert near(frame.getpixel((40, 45)), RED)
    assert near(frame.getpixel((120, 45)), BLUE)
