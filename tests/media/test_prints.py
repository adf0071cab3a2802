"""Pictures that were made: proved, and made smaller."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from vividflow.media.inside import prints
from vividflow.media.inside.refusal import Refusal


def outs(folder: Path) -> dict[str, str]:
    return {name: str(folder / name) for name in ("poster_480", "poster_960", "poster_jpeg")}


@pytest.mark.parametrize(("format", "mime"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
def test_a_picture_is_told_what_it_is_and_shown_in_three_sizes(tmp_path: Path, format: str, mime: str) -> None:
    Image.linear_gradient("L").resize((1600, 900)).convert("RGB").save(tmp_path / "made", format=format)
    answer = prints.prove_and_posters(str(tmp_path / "made"), outs(tmp_path))
    assert {name: answer["facts"][name] for name in ("mime", "width", "height")} == {
        "mime": mime,
        "width": 1600,
        "height": 900,
    }
    sizes = {each["name"]: (each["width"], each["height"]) for each in answer["posters"]}
    assert sizes == {"poster_480": (480, 270), "poster_960": (960, 540), "poster_jpeg": (1280, 720)}
    for name, size in sizes.items():
        with Image.open(tmp_path / name) as small:
            assert small.size == size
            assert small.format == ("JPEG" if name == "poster_jpeg" else "WEBP")


def test_a_small_picture_is_never_made_larger(tmp_path: Path) -> None:
    Image.new("RGBA", (300, 500), (10, 200, 30, 128)).save(tmp_path / "made", format="PNG")
    answer = prints.prove_and_posters(str(tmp_path / "made"), outs(tmp_path))
    assert {(each["width"], each["height"]) for each in answer["posters"]} == {(300, 500)}


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"\x89PNG\r\n\x1a\n" + bytes(50), b"\0\0\0\x18ftypmp42" + bytes(99)]
)
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "made").write_bytes(content)
    with pytest.raises(Refusal):
        prints.prove_and_posters(str(tmp_path / "made"), outs(tmp_path))
    assert not (tmp_path / "poster_480").exists()
