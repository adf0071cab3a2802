"""The warm child: what it refuses, and how it lives, hangs, crashes, rests and ends."""

from __future__ import annotations

import errno
import io
import os
import signal
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.media.waiting import children, ended, until
from vividflow.errors import Outcome, Permanent, Transient
from vividflow.media import decoder_process
from vividflow.media.child import Decoder
from vividflow.media.facts import ImageFacts

ROOT = Path(__file__).parents[2]


@pytest.fixture
def own() -> Iterator[Decoder]:
    """A decoder of the test's own, with little patience."""
    decoder = Decoder(request_seconds=30)
    yield decoder
    decoder.close()


def picture(path: Path) -> Path:
    Image.new("RGB", (64, 48), (1, 2, 3)).save(path)
    return path


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bomb(width: int, height: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def hostile() -> dict[str, tuple[bytes, str]]:
    buffer = io.BytesIO()
    Image.effect_mandelbrot((300, 200), (-3, -2.5, 2, 2.5), 100).convert("RGB").save(buffer, "JPEG")
    jpeg = buffer.getvalue()
    buffer = io.BytesIO()
    Image.effect_mandelbrot((300, 200), (-3, -2.5, 2, 2.5), 100).save(buffer, "PNG")
    png = buffer.getvalue()
    return {
        "empty": (b"", "not_an_image"),
        "text": (b"this is a picture, honestly\n" * 50, "not_an_image"),
        "html": (b"<!doctype html><script>alert(1)</script>", "not_an_image"),
        "svg": (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "not_an_image"),
        "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n(id) run\n", "not_an_image"),
        "elf": (Path("/proc/self/exe").read_bytes()[:4096], "not_an_image"),
        "zip": (b"PK\x03\x04" + bytes(200), "not_an_image"),
        "half a jpeg": (jpeg[: len(jpeg) // 2], "image_damaged"),
        "half a png": (png[: len(png) // 2], "image_damaged"),
        "broken png": (png[:60] + bytes(50) + png[110:], "image_damaged"),
        "only a head": (png[:33], "image_damaged"),
        "bomb": (bomb(30_000, 30_000), "image_too_many_pixels"),
        "just too many": (bomb(6_330, 6_330), "image_too_many_pixels"),
        "scans": (jpeg[:-2] + b"\xff\xda\0\x08\1\1\0\0\x3f\0" * 101 + jpeg[-2:], "image_too_complex"),
    }


@pytest.mark.parametrize("name", hostile())
def test_a_file_that_is_no_good_picture_is_refused_with_its_own_code(
    name: str, tmp_path: Path, decoder: Decoder
) -> None:
    data, code = hostile()[name]
    path = tmp_path / "innocent.png"
    path.write_bytes(data)
    with pytest.raises(Permanent) as refused:
        decoder.image_facts(path)
    assert refused.value.code == code
    assert refused.value.message.endswith(".")
    assert str(tmp_path) not in refused.value.message
    if code == "not_an_image":
        assert "PNG, JPEG, WebP, BMP, GIF, HEIC and AVIF" in refused.value.message


def test_a_picture_is_told_by_its_content_and_not_by_its_name(tmp_path: Path, decoder: Decoder) -> None:
    Image.new("RGB", (30, 20)).save(tmp_path / "a.webp")
    (tmp_path / "a.webp").rename(tmp_path / "a.png")
    assert decoder.image_facts(tmp_path / "a.png") == ImageFacts(mime="image/webp", width=30, height=20, frames=1)


def test_a_file_that_is_missing_is_an_oserror(tmp_path: Path, decoder: Decoder) -> None:
    with pytest.raises(FileNotFoundError):
        decoder.image_facts(tmp_path / "none.png")


def test_a_full_disk_is_an_oserror(tmp_path: Path, decoder: Decoder) -> None:
    with pytest.raises(OSError, match="No space") as full:
        decoder.normalise_image(picture(tmp_path / "a.png"), Path("/dev/full"), "PNG")
    assert full.value.errno == errno.ENOSPC


def test_no_film_is_worth_another_fetch(tmp_path: Path, decoder: Decoder) -> None:
    (tmp_path / "a.mp4").write_bytes(b"404 not found")
    with pytest.raises(Transient) as refused:
        decoder.prove_and_posters(tmp_path / "a.mp4", tmp_path, "poster")
    assert refused.value.code == "not_a_video"


def test_a_film_gives_facts_and_three_stills(film: Path, tmp_path: Path, decoder: Decoder) -> None:
    facts, posters = decoder.prove_and_posters(film, tmp_path, "poster")
    assert (facts.container, facts.codec, facts.width, facts.height, facts.fps) == ("mp4", "h264", 640, 360, 25)
    assert facts.audio == {"codec": "aac", "channels": 1, "rate": 44100}
    assert facts.duration == pytest.approx(1.0, abs=0.05)
    assert facts == decoder.prove_video(film)
    found = {poster.name: (poster.mime, poster.width, poster.height) for poster in posters}
    assert found == {
        "poster_480": ("image/webp", 480, 270),
        "poster_960": ("image/webp", 640, 360),
        "poster_jpeg": ("image/jpeg", 640, 360),
    }
    for poster in posters:
        seen = decoder.image_facts(poster.path)
        assert (seen.mime, seen.width, seen.height) == (poster.mime, poster.width, poster.height)


def test_the_child_starts_late_and_is_kept(tmp_path: Path, own: Decoder) -> None:
    assert own.pid is None
    own.image_facts(picture(tmp_path / "a.png"))
    pid = own.pid
    assert pid
    own.image_facts(tmp_path / "a.png")
    assert own.pid == pid


def test_the_child_has_no_descriptor_and_no_environment_of_ours(
    tmp_path: Path, own: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_secret")
    with (tmp_path / "held").open("w") as held:
        os.set_inheritable(held.fileno(), True)
        own.image_facts(picture(tmp_path / "a.png"))
        process = Path(f"/proc/{own.pid}")
        names = {os.readlink(link) for link in (process / "fd").iterdir()}
        assert str(tmp_path / "held") not in names
        assert {name.split(":")[0] for name in names} <= {"pipe", "/dev/null"}
        words = (process / "environ").read_bytes().split(b"\0")
        assert {word.split(b"=")[0] for word in words if word} <= {b"PATH", b"LANG"}
        assert "Max address space         1610612736" in (process / "limits").read_text()


def test_a_child_that_is_killed_mid_request_fails_that_request_alone(tmp_path: Path, own: Decoder) -> None:
    path = picture(tmp_path / "a.png")
    own.image_facts(path)
    pid = own.pid
    assert pid
    os.kill(pid, signal.SIGSTOP)
    failed: list[Outcome] = []

    def ask() -> None:
        try:
            own.image_facts(path)
        except Outcome as outcome:
            failed.append(outcome)

    asking = threading.Thread(target=ask)
    asking.start()
    until(lambda: own.busy)
    os.kill(pid, signal.SIGKILL)
    asking.join()
    assert [type(outcome) for outcome in failed] == [Permanent]
    assert failed[0].code == "decoder_crashed"
    assert own.image_facts(path).width == 64
    assert own.pid != pid


def test_a_child_that_died_while_idle_costs_nobody_anything(tmp_path: Path, own: Decoder) -> None:
    own.image_facts(picture(tmp_path / "a.png"))
    pid = own.pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    assert ended(pid)
    assert own.image_facts(tmp_path / "a.png").width == 64


def test_a_request_that_hangs_is_ended(tmp_path: Path) -> None:
    own = Decoder(request_seconds=0.5)
    try:
        own.ask("badge", seconds=30, out=str(tmp_path / "badge"), text="x", tall=20)  # warm
        pid = own.pid
        assert pid
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(Permanent) as late:
            own.image_facts(picture(tmp_path / "a.png"))
        assert late.value.code == "media_timeout"
        assert ended(pid)
        assert own.ask("badge", seconds=30, out=str(tmp_path / "badge"), text="x", tall=20)["height"] == 20
    finally:
        own.close()


def test_the_child_ends_after_its_rest_and_comes_back(tmp_path: Path) -> None:
    own = Decoder(rest_seconds=0.2)
    try:
        own.image_facts(picture(tmp_path / "a.png"))
        pid = own.pid
        assert pid
        assert ended(pid)
        assert own.pid is None
        assert own.image_facts(tmp_path / "a.png").width == 64
    finally:
        own.close()


def test_the_child_is_replaced_after_its_share_of_files(tmp_path: Path) -> None:
    own = Decoder(most_files=2)
    try:
        pids = []
        for _ in range(4):
            own.image_facts(picture(tmp_path / "a.png"))
            pids.append(own.pid)
        assert pids[0] is not None
        assert pids[1] is None
        assert pids[2] not in (None, pids[0])
        assert ended(pids[0], 0)
    finally:
        own.close()


def test_requests_of_many_threads_take_turns(tmp_path: Path, own: Decoder) -> None:
    path = picture(tmp_path / "a.png")
    seen: list[int] = []
    threads = [threading.Thread(target=lambda: seen.append(own.image_facts(path).width)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [64] * 8
    assert own.pid in {pid for pid, line in children(os.getpid()) if "decoder.py" in line}


def test_the_child_outlives_the_thread_that_asked_first(tmp_path: Path, own: Decoder) -> None:
    path = picture(tmp_path / "a.png")
    first = threading.Thread(target=lambda: own.image_facts(path))
    first.start()
    first.join()
    pid = own.pid
    assert pid
    assert not ended(pid, 0.3)
    own.image_facts(path)
    assert own.pid == pid


def test_close_ends_even_a_busy_child(tmp_path: Path, own: Decoder) -> None:
    path = picture(tmp_path / "a.png")
    own.image_facts(path)
    pid = own.pid
    assert pid
    os.kill(pid, signal.SIGSTOP)
    failed: list[Outcome] = []

    def ask() -> None:
        try:
            own.image_facts(path)
        except Outcome as outcome:
            failed.append(outcome)

    asking = threading.Thread(target=ask)
    asking.start()
    until(lambda: own.busy)
    own.close()
    asking.join()
    assert [outcome.code for outcome in failed] == ["decoder_closed"]
    assert ended(pid)
    with pytest.raises(Transient) as closed:
        own.image_facts(path)
    assert closed.value.code == "decoder_closed"


def test_no_child_outlives_a_killed_server(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    program = (
        "from pathlib import Path\nfrom vividflow.media.child import Decoder\nimport sys\n"
        f"decoder = Decoder()\ndecoder.image_facts(Path({str(tmp_path / 'a.png')!r}))\n"
        "print(decoder.pid, flush=True)\nsys.stdin.read()"
    )
    words = [sys.executable, "-c", program]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        pid = int(server.stdout.readline())
        server.kill()
    assert ended(pid)


def test_a_child_that_cannot_start_is_told(tmp_path: Path, own: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder_process.sys, "executable", str(tmp_path / "no-python"))
    with pytest.raises(FileNotFoundError):
        own.image_facts(picture(tmp_path / "a.png"))
    monkeypatch.undo()
    assert own.image_facts(tmp_path / "a.png").width == 64


def test_the_server_never_imports_pillow_or_pyav(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    program = (
        "import sys\nfrom pathlib import Path\nfrom vividflow.media.child import Decoder\n"
        "from vividflow.media.preview import render_preview\nfrom vividflow.media import shapes\n"
        f"here = Path({str(tmp_path)!r})\ndecoder = Decoder()\n"
        "render_preview(out=here / 'o.mp4', scratch=here, prompt='', image=here / 'a.png', last_image=None, duration=1,\n"
        "    width=64, height=48, seed=1, audio=False, decoder=decoder)\n"
        "decoder.prove_and_posters(here / 'o.mp4', here, 'p')\ndecoder.close()\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'PIL', 'av', 'numpy', 'alembic'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr
