"""The built-in renderer: real files of exactly what was asked, the same again for the same wish."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import pytest
from PIL import Image

from tests.media.films import boxes, decoded
from vividflow.errors import LeaseLost, Permanent
from vividflow.media.child import Decoder
from vividflow.media.preview import render_still

Render = Callable[..., Path]


def frame(film: Path, number: int) -> Image.Image:
    with av.open(str(film)) as opened:
        for index, shown in enumerate(opened.decode(video=0)):
            if index == number:
                return shown.to_image()
    raise AssertionError(f"the film has no frame {number}")


def red_and_blue(shown: Image.Image) -> tuple[int, int]:
    red, _, blue = shown.resize((1, 1)).split()
    first, second = red.getpixel((0, 0)), blue.getpixel((0, 0))
    assert isinstance(first, int)
    assert isinstance(second, int)
    return first, second


@pytest.mark.parametrize("prompt", ["waves at sunset", "rain over a city at night"])
def test_the_same_wish_gives_the_same_frames(prompt: str, preview: Render) -> None:
    first = decoded(preview("a.mp4", prompt=prompt))
    assert first == decoded(preview("b.mp4", prompt=prompt))
    assert first != decoded(preview("c.mp4", prompt=prompt, seed=6))


def test_the_same_pictures_give_the_same_frames_and_sound(preview: Render, photo: Path) -> None:
    one = preview("a.mp4", image=photo, last_image=photo, audio=True)
    two = preview("b.mp4", image=photo, last_image=photo, audio=True)
    assert decoded(one) == decoded(two)
    assert one.read_bytes() == two.read_bytes()


def test_other_words_give_another_film(preview: Render) -> None:
    assert decoded(preview("a.mp4", prompt="a hill")) != decoded(preview("b.mp4", prompt="the hill"))


@pytest.mark.parametrize(
    ("duration", "width", "height", "frames"),
    [(1.0, 256, 144, 30), (1.5, 144, 256, 45), (2.033, 128, 128, 61), (1.0, 1366, 768, 24)],
)
def test_length_and_size_are_exact(duration: float, width: int, height: int, frames: int, preview: Render) -> None:
    made = preview(duration=duration, width=width, height=height, audio=True)
    assert len(decoded(made)) == frames
    with av.open(str(made)) as film:
        video, sound = film.streams.video[0], film.streams.audio[0]
        assert (video.width, video.height, video.codec_context.name) == (width, height, "h264")
        assert video.codec_context.pix_fmt == "yuv420p"
        assert video.average_rate
        assert video.duration is not None
        assert video.time_base
        assert video.duration * video.time_base == frames / video.average_rate
        assert (sound.codec_context.name, sound.channels, sound.rate) == ("aac", 2, 48000)
        assert sound.duration is not None
        assert sound.time_base
        length = float(frames / video.average_rate)
        assert float(sound.duration * sound.time_base) == pytest.approx(length, abs=0.001)
        assert film.duration is not None
        assert film.duration / 1e6 == pytest.approx(length, abs=0.001)


def test_it_says_what_it_is_and_begins_to_play_at_once(preview: Render) -> None:
    made = preview()
    assert boxes(made).index("moov") < boxes(made).index("mdat")
    with av.open(str(made)) as film:
        assert film.metadata["title"] == film.metadata["comment"] == "Vivid Flow preview, not AI"
        assert not film.streams.audio
        assert film.streams.video[0].codec_context.colorspace == 1  # BT.709, as players expect


def test_the_sound_is_heard_and_fades(preview: Render) -> None:
    with av.open(str(preview(duration=3.0, audio=True, prompt="an ocean"))) as film:
        parts: list[float] = []
        for sound in film.decode(audio=0):
            samples = memoryview(bytes(sound.planes[0])[: sound.samples * 4]).cast("f")
            parts.append(max(abs(sample) for sample in samples))
    assert 0.03 < max(parts) < 0.99
    assert parts[1] < max(parts) / 2
    assert parts[-1] < max(parts) / 2


def test_a_picture_fills_the_frame_and_the_camera_moves(preview: Render, photo: Path) -> None:
    made = preview(image=photo, prompt="pan right", seed=1)
    first, last = frame(made, 0), frame(made, 29)
    assert first.size == (256, 144)
    edge_first = next(x for x in range(256) if first.getpixel((x, 60))[2] > 120)  # pyright: ignore
    edge_last = next(x for x in range(256) if last.getpixel((x, 60))[2] > 120)  # pyright: ignore
    assert edge_last < edge_first - 4
    assert first.getpixel((10, 60))[0] > 180  # pyright: ignore[reportIndexIssue, reportOptionalSubscript, reportOperatorIssue]


def test_the_last_picture_is_reached(preview: Render, tmp_path: Path) -> None:
    Image.new("RGB", (320, 320), (230, 10, 10)).save(tmp_path / "red.png")
    Image.new("RGB", (100, 400), (10, 10, 230)).save(tmp_path / "blue.png")
    made = preview(image=tmp_path / "red.png", last_image=tmp_path / "blue.png", duration=1.5)
    assert len(decoded(made)) == 45
    start, end = red_and_blue(frame(made, 0)), red_and_blue(frame(made, 44))
    middle = red_and_blue(frame(made, 22))
    assert start[0] > 180 > 60 > start[1]
    assert end[1] > 180 > 60 > end[0]
    assert 60 < middle[0] < 180
    assert red_and_blue(frame(preview("b.mp4", last_image=tmp_path / "blue.png"), 29))[1] > 180


def test_the_sign_is_in_the_corner(preview: Render, tmp_path: Path) -> None:
    Image.new("RGB", (320, 180), (255, 255, 255)).save(tmp_path / "white.png")
    shown = frame(preview(image=tmp_path / "white.png", width=640, height=360), 10).convert("L")
    corner = shown.crop((14, 330, 80, 346))
    assert min(corner.tobytes()) < 190
    assert min(shown.crop((330, 0, 640, 360)).tobytes()) > 240


def test_progress_is_told_from_the_drawing_to_the_end(preview: Render) -> None:
    heard: list[int] = []
    preview(on_progress=heard.append)
    assert heard == sorted(heard)
    assert 0 < heard[0] < 20
    assert heard[-1] == 100


@pytest.mark.parametrize("after", [0, 3, 12])
def test_nothing_is_left_when_the_lease_is_lost(after: int, preview: Render, tmp_path: Path) -> None:
    left = iter(range(after))
    with pytest.raises(LeaseLost):
        preview(keep_going=lambda: next(left, None) is not None, duration=60.0)
    assert not (tmp_path / "out.mp4").exists()
    assert list((tmp_path / "scratch").iterdir()) == []


def test_nothing_is_left_when_the_picture_is_none(preview: Render, tmp_path: Path) -> None:
    (tmp_path / "no.png").write_text("no")
    with pytest.raises(Permanent) as refused:
        preview(image=tmp_path / "no.png")
    assert refused.value.code == "not_an_image"
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.parametrize("wish", [{"duration": 0.5}, {"duration": 61}, {"width": 255}, {"height": 8}])
def test_what_cannot_be_is_refused_before_anything_is_done(wish: dict[str, float], preview: Render) -> None:
    with pytest.raises(ValueError, match="a preview"):
        preview(**wish)


def test_a_success_leaves_the_film_alone(preview: Render, tmp_path: Path, decoder: Decoder) -> None:
    made = preview()
    assert list((tmp_path / "scratch").iterdir()) == []
    assert decoder.prove_video(made).duration == 1.0


def test_a_still_has_the_size_asked_for_and_leaves_nothing_behind(tmp_path: Path, decoder: Decoder) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    for prompt in ("waves at sunset", "a city at night in the rain"):
        out = tmp_path / "still.png"
        render_still(
            out=out, scratch=scratch, prompt=prompt, image=None, width=640, height=360, seed=3, decoder=decoder
        )
        facts = decoder.image_facts(out)
        assert (facts.mime, facts.width, facts.height) == ("image/png", 640, 360)
    assert list(scratch.iterdir()) == []
    with pytest.raises(ValueError, match="even sides"):
        render_still(out=out, scratch=scratch, prompt="x", image=None, width=641, height=360, seed=3, decoder=decoder)
