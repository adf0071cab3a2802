"""The child's loop, without a child."""

from __future__ import annotations

import io
import json
import resource
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from vividflow.media import decoder
from vividflow.media.decoder import Act

ROOT = Path(__file__).parents[2]


def asked(*requests: dict[str, object]) -> list[dict[str, object]]:
    def framed(value: object) -> bytes:
        body = json.dumps(value).encode()
        return struct.pack(">I", len(body)) + body

    answers = io.BytesIO()
    decoder.serve(io.BytesIO(b"".join(map(framed, requests))), answers)
    data, found = answers.getvalue(), []
    while data:
        (size,) = struct.unpack(">I", data[:4])
        found.append(json.loads(data[4 : 4 + size]))
        data = data[4 + size :]
    return found


def test_requests_are_answered_in_order_until_there_are_no_more(photo: Path) -> None:
    one, two = asked({"do": "image_facts", "path": str(photo)}, {"do": "image_facts", "path": "/dev/null"})
    assert one["done"] == {"mime": "image/jpeg", "width": 400, "height": 300, "frames": 1, "format": "JPEG"}
    assert two["error"] == "not_an_image"


def test_a_refusal_carries_no_trace(tmp_path: Path) -> None:
    assert set(asked({"do": "prove_video", "path": "/dev/null"})[0]) == {"error", "message"}


def test_a_missing_file_carries_its_number(tmp_path: Path) -> None:
    answer = asked({"do": "image_facts", "path": str(tmp_path / "gone")})[0]
    assert (answer["error"], answer["errno"]) == ("os_error", 2)


@pytest.mark.parametrize("request_", [{"do": "format_the_disk"}, {"do": "badge", "colour": "red"}, {}])
def test_what_nobody_foresaw_is_answered_with_a_trace_for_the_log(request_: dict[str, object]) -> None:
    answer = asked(request_)[0]
    assert answer["error"] == "decoder_crashed"
    assert "Traceback" in str(answer["trace"])
    assert "Traceback" not in str(answer["message"])


def test_what_a_picture_may_use_is_counted_for_each_alone() -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    with decoder.limits(Act(run=print, cpu=9.0, memory=before[0] if before[0] > 0 else 1 << 40)):
        assert 0 < signal.getitimer(signal.ITIMER_PROF)[0] <= 9.1
    assert signal.getitimer(signal.ITIMER_PROF)[0] == 0
    assert resource.getrlimit(resource.RLIMIT_AS) == before


@pytest.mark.parametrize(
    ("act", "code"),
    [
        ("Act(run=lambda: [0 for _ in iter(int, 1)], cpu=0.2)", -signal.SIGPROF),
        ("Act(run=lambda: bytearray(300 << 20), memory=200 << 20)", 3),
        ("Act(run=lambda: bytearray(100 << 20), memory=200 << 20)", 0),
    ],
)
def test_the_kernel_keeps_to_it(act: str, code: int) -> None:
    program = (
        f"from vividflow.media.decoder import Act, limits\nact = {act}\n"
        "try:\n    with limits(act):\n        act.run()\nexcept MemoryError:\n    raise SystemExit(3)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=60, check=False).returncode == code


def test_only_pictures_are_held_so_short() -> None:
    for name in ("image_facts", "take_picture", "normalise_image", "cover"):
        assert (decoder.act_of(name).cpu, decoder.act_of(name).memory) == (10.0, 1 << 30)
    assert (decoder.act_of("prove_video").cpu, decoder.act_of("prove_video").memory) == (None, None)
