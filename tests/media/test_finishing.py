"""Everything that is made of a film by one ffmpeg: sizes, posters, the sheet with its index, and what the detectors saw."""

from __future__ import annotations

import subprocess
from pathlib import Path

import av
import pytest
from PIL import Image

from tests.media.films import boxes, decoded, make_film
from vividflow.errors import Permanent
from vividflow.media import finishing
from vividflow.media.child import Decoder
from vividflow.media.ffmpeg import ffmpeg_path
from vividflow.media.finishing import Finished, finish_film
from vividflow.media.finishing_graph import Size
from vividflow.media.seen import BLACK, spans
from vividflow.media.sprite import index_of, sheet_of

HALF = Size(name="180p", width=320, height=180)


def made(decoder: Decoder, film: Path, folder: Path, *sizes: Size, first: bool = False) -> Finished:
    folder.mkdir()
    return finish_film(film, decoder.survey(film), sizes, folder, first=first)


def test_one_process_makes_all_of_it(
    decoder: Decoder, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[list[str]] = []
    really = finishing.run_ffmpeg
    monkeypatch.setattr(finishing, "run_ffmpeg", lambda words, **more: (runs.append(words), really(words, **more)))
    smaller = Size(name="90p", width=160, height=90)
    answer = made(decoder, film, tmp_path / "out", smaller, HALF, first=True)
    assert [words.count("-i") for words in runs] == [1]
    assert {each.name: (each.mime, each.width, each.height) for each in answer.files} == {
        "180p": ("video/mp4", 320, 180),
        "90p": ("video/mp4", 160, 90),
        "poster_960": ("image/webp", 640, 360),
        "poster_jpeg": ("image/jpeg", 640, 360),
        "poster_480": ("image/webp", 480, 270),
        "poster_480_jpeg": ("image/jpeg", 480, 270),
        "spritesheet": ("image/jpeg", 640, 90),
        "vtt": ("text/vtt", None, None),
    }
    for each in answer.files:
        if each.mime.startswith("image/"):
            with Image.open(each.path) as picture:
                assert (picture.format, picture.size) == (each.mime[6:].upper(), (each.width, each.height))
        if each.mime.startswith("video/"):
            assert boxes(each.path)[:2] == ["ftyp", "moov"]
            with av.open(str(each.path)) as opened:
                picture, sound = opened.streams.video[0], opened.streams.audio[0]
                assert (picture.width, picture.height) == (each.width, each.height)
                assert (picture.codec_context.name, sound.codec_context.name) == ("h264", "aac")
            assert len(decoded(each.path)) == 25
    assert answer.first is not None
    assert (answer.black, answer.frozen, answer.silent) == ((), (), ())


def test_what_lies_upright_stretched_and_without_sound_comes_out_as_it_is_shown(
    decoder: Decoder, tmp_path: Path
) -> None:
    film = make_film(tmp_path / "flat.avi", size="320x240", filters="transpose,setsar=3/4")
    survey = decoder.survey(film)
    assert (survey.width, survey.height) == (180, 320)
    answer = made(decoder, film, tmp_path / "out", Size(name="90p", width=90, height=160))
    rendition = next(each for each in answer.files if each.name == "90p")
    with av.open(str(rendition.path)) as opened:
        assert (opened.streams.video[0].sample_aspect_ratio or 1) == 1
        assert not opened.streams.audio
    poster = next(each for each in answer.files if each.name == "poster_jpeg")
    assert (poster.width, poster.height) == (180, 320)


def test_odd_sides_become_even(decoder: Decoder, tmp_path: Path) -> None:
    film = make_film(tmp_path / "odd.avi", size="321x181")
    answer = made(decoder, film, tmp_path / "out", Size(name="90p", width=160, height=90))
    sizes = {each.name: (each.width, each.height) for each in answer.files}
    assert (sizes["poster_jpeg"], sizes["90p"]) == ((320, 180), (160, 90))
    with Image.open(next(each.path for each in answer.files if each.name == "poster_jpeg")) as picture:
        assert picture.size == (320, 180)


def test_a_turned_film_stands_upright_in_everything(decoder: Decoder, film: Path, tmp_path: Path) -> None:
    turned = tmp_path / "turned.mp4"
    words = [ffmpeg_path(), "-v", "error", "-display_rotation", "90", "-i", str(film), "-c", "copy", str(turned)]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, timeout=60)
    answer = made(decoder, turned, tmp_path / "out", Size(name="180p", width=180, height=320))
    for each in answer.files:
        assert (each.width or 0) <= (each.height or 1) or each.name == "spritesheet", each


def test_a_film_that_breaks_on_the_way_is_told(decoder: Decoder, film: Path, tmp_path: Path) -> None:
    survey = decoder.survey(film)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(film.read_bytes()[:200])
    (tmp_path / "out").mkdir()
    with pytest.raises(Permanent) as told:
        finish_film(broken, survey, (HALF,), tmp_path / "out")
    assert told.value.code == "media_failed"


def test_the_index_covers_the_film_without_a_gap() -> None:
    for seconds in (0.1, 1.0, 7.3, 8.0, 59.9, 600.0):
        sheet = sheet_of(seconds, 1920, 1080)
        assert 1 <= sheet.count <= sheet.columns * sheet.rows <= 100
        cues = [line for line in index_of(sheet, seconds, "a?b=c").splitlines() if "-->" in line]
        ends = [cue.split(" --> ") for cue in cues]
        assert [begin for begin, _ in ends[1:]] == [end for _, end in ends[:-1]]
        assert (ends[0][0], len(cues)) == ("00:00:00.000", sheet.count)
    assert index_of(sheet_of(8, 1920, 1080), 8, "a?b=c").endswith("00:00:08.000\na?b=c#xywh=160,270,160,90\n")


def test_a_span_without_an_end_lasts_until_the_end(tmp_path: Path) -> None:
    seen = tmp_path / "seen.txt"
    seen.write_text("frame:0\nlavfi.black_start=0\nframe:9\nlavfi.black_end=0.3\nlavfi.black_start=2.5\n")
    assert [(each.begin, each.end) for each in spans(seen, BLACK, duration=4.0, least=1.0)] == [(2.5, 4.0)]
    assert spans(tmp_path / "none.txt", BLACK, duration=4.0, least=1.0) == ()
