"""Hostile pictures on a real server: whoever sends them gets a verdict, and everybody else is served meanwhile."""

from __future__ import annotations

import os
import signal
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.api.desk import Desk, form_of, png
from tests.crash.server import Server
from tests.media.hostile.parts import saved, sized
from vividflow.media.child import Decoder

IMAGES = "/api/v1/images"
REFINING = b"\xff\xda\0\x08\1\1\0\1\x3f\x10"
# A page that is asked for while pictures are decoded; what it takes on a machine that is busy with other things too.
SOON_SECONDS = 8.0


def heavy(number: int) -> bytes:
    """A JPEG of 16 million pixels and 90 scans in six kilobytes: a second or two of work, each with bytes of its own."""
    jpeg = sized(saved("JPEG", progressive=True), 4_096, 4_096)
    return jpeg[:-2] + REFINING * 90 + b"\xff\xd9" + bytes([number])


def test_the_server_answers_everybody_while_hostile_files_are_decoded(tmp_path: Path) -> None:
    server = Server(environment={"LIMIT_UPLOADS": "off", "EMBEDDED_WORKER": "false"}, folder=tmp_path)
    server.command("create-user", "mallory@example.com", "--generate")
    key = server.command("create-key", "mallory@example.com")
    server.start()
    statuses: list[int] = []

    def send(number: int) -> None:
        form = form_of({}, {"image": heavy(number)})
        request = urllib.request.Request(server.url + IMAGES, data=form["data"], method="POST")
        request.add_header("Content-Type", form["content_type"])
        request.add_header("X-API-Key", key)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                statuses.append(answer.status)
        except urllib.error.HTTPError as refused:
            statuses.append(refused.code)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    taken = []
    while any(thread.is_alive() for thread in threads):
        began = time.monotonic()
        assert server.call("GET", "/healthz", timeout=60)[0] == 200
        taken.append(time.monotonic() - began)
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    assert max(taken) < SOON_SECONDS
    assert len(taken) > 5
    assert set(statuses) <= {201, 422, 503}  # kept, refused, or sent away because of the others
    assert {201, 503} & set(statuses)
    assert server.term()[0] == 0


def test_a_file_that_hangs_its_decoder_is_refused_and_the_next_one_is_taken(desk: Desk) -> None:
    decoder = desk.tools.decoder
    assert desk.post(IMAGES, **form_of({}, {"image": png(colour=1)})).status_code == 201
    patience, decoder._request_seconds = decoder._request_seconds, 0.5
    os.kill(_child(decoder), signal.SIGSTOP)
    hung = desk.post(IMAGES, **form_of({}, {"image": png(colour=2)}))
    assert (hung.status_code, hung.get_json()["code"]) == (422, "media_timeout")
    decoder._request_seconds = patience
    assert desk.post(IMAGES, **form_of({}, {"image": png(colour=2)})).status_code == 201
    assert desk.scratch() == []


def test_a_file_that_kills_its_decoder_is_refused_and_the_next_one_is_taken(desk: Desk) -> None:
    decoder = desk.tools.decoder
    assert desk.post(IMAGES, **form_of({}, {"image": png(colour=1)})).status_code == 201
    child = _child(decoder)
    os.kill(child, signal.SIGSTOP)
    answers: list[tuple[int, str]] = []

    def send() -> None:
        answer = desk.app.test_client().post(
            IMAGES, headers={"X-API-Key": desk.key}, **form_of({}, {"image": png(colour=3)})
        )
        answers.append((answer.status_code, answer.get_json()["code"]))

    sending = threading.Thread(target=send)
    sending.start()
    while not decoder.busy:
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    sending.join()
    assert answers == [(422, "decoder_crashed")]
    assert desk.post(IMAGES, **form_of({}, {"image": png(colour=3)})).status_code == 201


def _child(decoder: Decoder) -> int:
    assert decoder.pid is not None
    return decoder.pid
