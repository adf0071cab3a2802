"""Films inside the child: proof, facts and stills."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest
from PIL import Image, ImageStat

from tests.media.films import make_film
from tests.simulators.clips import clip
from vividflow.media.ffmpeg import ffmpeg_path
from vividflow.media.inside import footage
from vividflow.media.inside.refusal import Refusal
from vividflow.media.inside.stills import DARK


def stills(path: Path, folder: Path) -> dict[str, Image.Image]:
    outs = {name: str(folder / name) for name in ("poster_480", "poster_960", "poster_jpeg")}
    footage.posters(str(path), outs)
    return {name: Image.open(out).copy() for name, out in outs.items()}


@pytest.mark.parametrize(
    ("name", "codec", "container"), [("a.mp4", "h264", "mp4"), ("a.webm", "vp8", "webm"), ("a.avi", "mpeg4", "avi")]
)
def test_every_container_is_known_by_its_bytes(name: str, codec: str, container: str, tmp_path: Path) -> None:
    made = make_film(tmp_path / name, size="320x180")
    facts = footage.prove_video(str(made.rename(tmp_path / "a.bin")))
    assert (facts["container"], facts["codec"], facts["width"], facts["height"]) == (container, codec, 320, 180)
    assert facts["fps"] == 25
    assert facts["duration"] == pytest.approx(1.0, abs=0.06)
    assert facts["audio"] is None
    assert facts["bitrate"] == pytest.approx((tmp_path / "a.bin").stat().st_size * 8, rel=0.1)


def test_a_fragmented_film_is_whole(tmp_path: Path) -> None:
    whole = make_film(tmp_path / "a.mp4")
    words = [ffmpeg_path(), "-v", "error", "-i", str(whole), "-c", "copy", "-movflags", "frag_keyframe+empty_moov"]
    subprocess.run([*words, str(tmp_path / "frag.mp4")], check=True, stdin=subprocess.DEVNULL, timeout=60)
    assert footage.prove_video(str(tmp_path / "frag.mp4"))["duration"] == pytest.approx(1.0, abs=0.06)


def test_a_film_that_tells_no_length_is_measured(tmp_path: Path) -> None:
    whole = make_film(tmp_path / "a.webm", size="320x180")
    words = [ffmpeg_path(), "-v", "error", "-i", str(whole), "-c", "copy", "-live", "1", "-f", "webm", "-"]
    live = subprocess.run(words, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60).stdout
    (tmp_path / "live.webm").write_bytes(live)
    outs = {"poster_480": str(tmp_path / "p.webp")}
    answer = footage.prove_and_posters(str(tmp_path / "live.webm"), outs)
    assert answer["facts"]["duration"] == pytest.approx(1.0, abs=0.06)
    assert answer["posters"] == [{"name": "poster_480", "width": 320, "height": 180}]


@pytest.mark.parametrize("part", [0.02, 0.5, 0.8])
@pytest.mark.parametrize("front", [True, False])
def test_half_a_download_is_no_film(part: float, front: bool, tmp_path: Path) -> None:
    whole = make_film(tmp_path / "a.mp4", seconds=4)
    if front:
        words = [ffmpeg_path(), "-v", "error", "-i", str(whole), "-c", "copy", "-movflags", "+faststart", "-y"]
        subprocess.run([*words, str(tmp_path / "f.mp4")], check=True, stdin=subprocess.DEVNULL, timeout=60)
        whole = tmp_path / "f.mp4"
    data = whole.read_bytes()
    (tmp_path / "half.mp4").write_bytes(data[: int(len(data) * part)])
    with pytest.raises(Refusal) as refused:
        footage.prove_video(str(tmp_path / "half.mp4"))
    assert refused.value.code == "not_a_video"


def test_sound_alone_is_no_film(tmp_path: Path) -> None:
    words = [ffmpeg_path(), "-v", "error", "-f", "lavfi", "-i", "sine=duration=1", str(tmp_path / "a.mp4")]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, timeout=60)
    with pytest.raises(Refusal, match="no video stream"):
        footage.prove_video(str(tmp_path / "a.mp4"))


@pytest.mark.parametrize("data", [b"", b"#EXTM3U\nfile:///etc/passwd\n", b"ffconcat version 1.0\nfile '/etc/passwd'\n"])
def test_playlists_and_scraps_are_no_film(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(data)
    with pytest.raises(Refusal, match="first bytes"):
        footage.prove_video(str(tmp_path / "a.mp4"))


def test_noise_behind_a_films_head_is_no_film(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(range(256)) * 40)
    with pytest.raises(Refusal):
        footage.prove_video(str(tmp_path / "a.mp4"))


def test_a_still_is_not_black_when_the_film_begins_black(tmp_path: Path) -> None:
    made = make_film(tmp_path / "a.mp4", seconds=2, filters="fade=in:0:30")
    grey = stills(made, tmp_path)["poster_jpeg"].convert("L")
    assert ImageStat.Stat(grey).mean[0] > DARK


def test_a_film_that_is_black_all_through_still_has_a_still(tmp_path: Path) -> None:
    made = make_film(tmp_path / "a.mp4", filters="drawbox=c=black:t=fill")
    assert stills(made, tmp_path)["poster_480"].size == (480, 270)


def test_stills_are_never_larger_than_the_film(tmp_path: Path) -> None:
    found = stills(make_film(tmp_path / "a.mp4", size="320x180"), tmp_path)
    assert {name: still.size for name, still in found.items()} == dict.fromkeys(found, (320, 180))


def test_stills_of_a_large_film_have_their_sizes(tmp_path: Path) -> None:
    found = stills(make_film(tmp_path / "a.mp4", size="1920x1080", seconds=0.2), tmp_path)
    assert {name: still.size for name, still in found.items()} == {
        "poster_480": (480, 270),
        "poster_960": (960, 540),
        "poster_jpeg": (1280, 720),
    }


def test_a_turned_film_is_shown_upright(tmp_path: Path) -> None:
    made = make_film(tmp_path / "a.mp4", filters="drawbox=c=white:t=fill,drawbox=w=iw/4:c=red:t=fill")
    data = bytearray(made.read_bytes())
    turn = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    at = data.index(b"tkhd") + 44  # where the track's matrix lies
    data[at : at + 36] = turn
    (tmp_path / "turned.mp4").write_bytes(data)
    facts = footage.prove_video(str(tmp_path / "turned.mp4"))
    assert (facts["width"], facts["height"]) == (360, 640)
    shown = stills(tmp_path / "turned.mp4", tmp_path)["poster_jpeg"]
    assert shown.size == (360, 640)
    top, bottom = shown.getpixel((180, 40)), shown.getpixel((180, 600))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert top[1] < 80 < bottom[1]  # turned clockwise, the red left edge is on top


def test_a_film_of_a_second_that_broke_off_within_it_is_no_film(tmp_path: Path) -> None:
    (tmp_path / "more.mp4").write_bytes(clip(1.0) + b" " * 1000)
    assert footage.prove_video(str(tmp_path / "more.mp4"))["duration"] == pytest.approx(1.0, abs=0.1)
    (tmp_path / "less.mp4").write_bytes(clip(1.0)[: len(clip(1.0)) // 2])
    with pytest.raises(Refusal, match="its end is missing"):
        footage.prove_video(str(tmp_path / "less.mp4"))
