"""Every file of the hostile table through the real address: the right verdict, in time, nothing left behind, never a 5xx."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from PIL import Image

from tests.api.desk import GENERATE, LIGHTHOUSE, Desk, form_of
from tests.media.hostile import hard
from tests.media.hostile.cases import CASES, KEPT, Case
from tests.media.hostile.parts import BLUE, RED, saved

IMAGES = "/api/v1/images"
PICTURE_SECONDS = 60  # of patience; on two idle cores none takes two
PRIVATE = (b"secret-payload", b"Exif", b"ICC_PROFILE", b"iCCP", b"<script", b"%PDF", b"PK\x03\x04", b"xmpmeta")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One application for all files."""
    made = Desk(tmp_path_factory.mktemp("hostile"), limit_uploads="off", limit_api="off", limit_reads="off")
    made.tools.decoder._request_seconds = PICTURE_SECONDS
    yield made
    made.close()


def test_the_table_is_as_long_as_it_should_be() -> None:
    assert len(CASES) > 120
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_hostile_file_gets_its_verdict(desk: Desk, case: Case) -> None:
    _, key = desk.someone()  # who has none of these pictures yet
    answer = desk.post(IMAGES, key=key, **form_of({}, {"image": case.make()}))
    body = answer.get_json()
    assert answer.status_code == case.status, body
    if case.codes:
        assert body["code"] in case.codes, body
        assert body["param"] == "image"
        assert body["detail"].endswith(".")
        assert str(desk.settings.data_dir) not in answer.text
    assert desk.scratch() == []


@pytest.mark.parametrize("case", KEPT, ids=lambda case: case.name)
def test_nothing_but_pixels_survives(desk: Desk, case: Case) -> None:
    body = desk.post(IMAGES, **form_of({}, {"image": case.make()})).get_json()
    for link in (body["url"], body["thumbnail_url"]):
        served = desk.client.get(link.removeprefix(desk.settings.public)).data
        assert [word for word in PRIVATE if word in served] == []
        with Image.open(io.BytesIO(served)) as image:
            image.load()
            assert not set(image.info) & {"exif", "icc_profile", "xmp", "comment", "gps"}
            assert not image.getexif()
            assert getattr(image, "n_frames", 1) == 1
            assert image.mode in ("RGB", "RGBA")
            size = (512, 512) if link == body["thumbnail_url"] else (body["width"], body["height"])
            assert image.size == size
    assert "secret-payload" not in str(body)


@pytest.mark.parametrize("turn", range(1, 9))
def test_all_eight_turns_end_upright(desk: Desk, turn: int) -> None:
    body = desk.post(IMAGES, **form_of({}, {"image": hard.FILES[f"turned by EXIF {turn}"]()})).get_json()
    assert body["exif"]["orientation"] == turn
    assert (body["width"], body["height"]) == ((400, 300) if turn < 5 else (300, 400))
    kept = _kept(desk, body)
    # The given one is red on the left; each turn brings that side elsewhere.
    middle_of_red = {1: (.05, .5), 2: (.95, .5), 3: (.95, .5), 4: (.05, .5), 5: (.5, .05), 6: (.5, .05), 7: (.5, .95),
                     8: (.5, .95)}[turn]  # fmt: skip
    assert _near(kept.getpixel((round(middle_of_red[0] * kept.width), round(middle_of_red[1] * kept.height))), RED)
    assert _near(
        kept.getpixel((round((1 - middle_of_red[0]) * kept.width), round((1 - middle_of_red[1]) * kept.height))), BLUE
    )


@pytest.mark.parametrize(
    "name",
    ["palette", "alpha", "alpha in WebP", "interlaced", "progressive", "an sRGB profile", "HEIC", "AVIF",
     "a profile of nonsense", "a profile cut short", "lossless WebP"],
)  # fmt: skip
def test_colours_stay_what_they_are(desk: Desk, name: str) -> None:
    kept = _kept(desk, desk.post(IMAGES, **form_of({}, {"image": hard.FILES[name]()})).get_json())
    assert _near(kept.convert("RGB").getpixel((10, 280)), RED, within=40)
    assert _near(kept.convert("RGB").getpixel((290, 280)), BLUE, within=40)


def test_cmyk_and_sixteen_bits_become_the_same_colours(desk: Desk) -> None:
    cmyk = _kept(desk, desk.post(IMAGES, **form_of({}, {"image": hard.FILES["CMYK"]()})).get_json())
    assert _near(cmyk.getpixel((10, 280)), RED, within=40)
    grey = _kept(desk, desk.post(IMAGES, **form_of({}, {"image": hard.FILES["16 bits"]()})).get_json())
    assert _near(grey.getpixel((10, 10)), (128, 128, 128))


def test_a_wide_gamut_is_brought_to_srgb(desk: Desk) -> None:
    # A profile whose red and blue primaries are exchanged: what the file calls red is shown as blue.
    profile = bytearray(hard.SRGB)
    tags = {bytes(profile[at : at + 4]): at for at in range(132, 132 + 12 * profile[131], 12)}
    red, blue = (tags[name] + 4 for name in (b"rXYZ", b"bXYZ"))
    profile[red : red + 8], profile[blue : blue + 8] = profile[blue : blue + 8], profile[red : red + 8]
    swapped = saved("JPEG", icc_profile=bytes(profile))
    kept = _kept(desk, desk.post(IMAGES, **form_of({}, {"image": swapped})).get_json())
    assert _near(kept.getpixel((10, 280)), BLUE, within=40)


def test_the_place_is_read_and_forgotten(desk: Desk) -> None:
    for name in ("GPS", "GPS in a HEIC", "GPS in a PNG"):
        body = desk.post(IMAGES, **form_of({}, {"image": hard.FILES[name]()})).get_json()
        assert body["exif"] == {"orientation": 1, "location_removed": True}, name
        assert "48" not in str(body["exif"])
    plain = desk.post(IMAGES, **form_of({}, {"image": hard.FILES["HEIC"]()})).get_json()
    assert plain["exif"]["location_removed"] is False


@pytest.mark.parametrize(
    ("format", "status"), [("GIF", 202), ("BMP", 202), ("HEIF", 202), ("AVIF", 202), ("TIFF", 422)]
)
def test_a_video_starts_from_more_formats_than_the_library_takes(desk: Desk, format: str, status: int) -> None:
    answer = desk.post(GENERATE, **form_of(LIGHTHOUSE, {"image": saved(format)}))
    assert answer.status_code == status, answer.text


def _kept(desk: Desk, body: dict[str, object]) -> Image.Image:
    data = desk.client.get(str(body["url"]).removeprefix(desk.settings.public)).data
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image


def _near(one: object, other: tuple[int, int, int], within: int = 24) -> bool:
    assert isinstance(one, tuple)
    return all(abs(a - b) < within for a, b in zip(one, other, strict=True))
