"""The server's side of the warm child: starts it when needed, asks one thing at a time, ends it when it hangs or rests.

A thread of its own starts the child and outlives it, because the kernel ends the child when the thread that started it
ends (see `launch.py`), and request threads come and go.
"""

from __future__ import annotations

import errno
import logging
import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from vividflow import timing
from vividflow.errors import Outcome, Permanent, Transient
from vividflow.media.decoder_process import DecoderProcess, Gone, Hung
from vividflow.media.facts import (
    ImageFacts,
    MadeFile,
    Survey,
    TakenFacts,
    VideoFacts,
    image_facts,
    poster_files,
    survey,
    taken_facts,
    video_facts,
)

MEMORY = 1536 << 20

log = logging.getLogger(__name__)


class Decoder:
    """Decodes files from outside in a child process with limits. May be shared by all threads of a process.

    The child is started by the first request, replaced after `most_files` requests or a crash, killed when a request
    takes longer than `request_seconds`, and ended after `rest_seconds` without a request. All requests raise
    `Permanent` with the child's code and sentence when the file is at fault, `Permanent` ("media_timeout",
    "decoder_crashed") when it hangs or kills the child, `Transient` ("decoder_closed") once closed, and `OSError`
    when the disk is full or the file is missing.
    """

    def __init__(
        self,
        *,
        rest_seconds: float = 30.0,
        request_seconds: float = 20.0,
        most_files: int = 200,
        memory: int = MEMORY,
    ) -> None:
        self._rest_seconds = rest_seconds
        self._request_seconds = request_seconds
        self._most_files = most_files
        self._memory = memory
        self._turn = threading.Lock()
        self._state = threading.Condition()
        self._child: DecoderProcess | None = None
        self._keeper: threading.Thread | None = None
        self._busy = False
        self._used = 0.0
        self._closed = False

    # ---- what can be asked

    def image_facts(self, path: Path) -> ImageFacts:
        """What the picture at `path` is; its first frame was decoded. `Permanent` "not_an_image" and the like."""
        return image_facts(self.ask("image_facts", path=str(path)))

    def take_picture(
        self, path: Path, out: Path, thumbnail: Path, *, formats: Sequence[str], least_side: int, most_side: int
    ) -> TakenFacts:
        """Decodes a picture that somebody sent once: a clean copy of its pixels to `out`, 512 × 512 of its middle to
        `thumbnail` (JPEG). Refuses what is none of `formats`, or not `least_side` to `most_side` px a side."""
        wishes = {"formats": list(formats), "least_side": least_side, "most_side": most_side}
        return taken_facts(self.ask("take_picture", path=str(path), out=str(out), thumbnail=str(thumbnail), **wishes))

    def normalise_image(
        self,
        path: Path,
        out: Path,
        format: Literal["PNG", "JPEG", "WEBP"],
        *,
        shape: float | None = None,
        most_side: int | None = None,
        most_bytes: int | None = None,
    ) -> ImageFacts:
        """Writes the first frame to `out`, upright, RGB, without metadata; the facts of what was written.

        With `shape` (width divided by height) it is cropped to that around its centre, with `most_side` scaled down to
        that many pixels, with `most_bytes` packed tighter (as a JPEG) until it fits.
        """
        wishes = {"format": format, "shape": shape, "most_side": most_side, "most_bytes": most_bytes}
        return image_facts(self.ask("normalise_image", path=str(path), out=str(out), **wishes))

    def prove_video(self, path: Path) -> VideoFacts:
        """The technical facts of a whole, decodable film; `Transient` ("not_a_video") for anything else."""
        return video_facts(self.ask("prove_video", path=str(path)))

    def survey(self, path: Path) -> Survey:
        """`prove_video`, and what has to be known before something is made of the film."""
        return survey(self.ask("survey", path=str(path)))

    def frame(self, path: Path, at: float, out: Path) -> tuple[int, int]:
        """Writes the frame shown `at` seconds to `out` as JPEG of at most 480 px; its width and height."""
        answer = self.ask("frame", path=str(path), at=at, out=str(out))
        return int(answer["width"]), int(answer["height"])

    def likeness(self, picture: Path, frame: Path) -> float:
        """How much `frame` looks like `picture` however it was cropped: 1 the same, about 0 anything."""
        return float(self.ask("likeness", picture=str(picture), frame=str(frame)))

    def prove_and_posters(self, path: Path, folder: Path, stem: str) -> tuple[VideoFacts, list[MadeFile]]:
        """`prove_video`, and three stills as `<folder>/<stem>.480.webp`, `.960.webp` and `.jpg`."""
        outs = _posters(folder, stem)
        answer = self.ask("prove_and_posters", path=str(path), outs={name: str(out) for name, out in outs.items()})
        return video_facts(answer["facts"]), poster_files(answer["posters"], outs)

    def last_frame(self, path: Path, out: Path) -> None:
        """Writes the last frame of the film at `path` to `out` as PNG, as large as it is; `Transient` "not_a_video"."""
        self.ask("last_frame", path=str(path), out=str(out))

    def prove_image_and_posters(self, path: Path, folder: Path, stem: str) -> tuple[ImageFacts, list[MadeFile]]:
        """`image_facts`, and the picture in the same three sizes, never larger than it is."""
        outs = _posters(folder, stem)
        words = {name: str(out) for name, out in outs.items()}
        answer = self.ask("prove_image_and_posters", path=str(path), outs=words)
        return image_facts(answer["facts"]), poster_files(answer["posters"], outs)

    def ask(self, act: str, *, seconds: float | None = None, **wishes: Any) -> Any:
        """What the child answers to `act` (an operation of `decoder.py`) within `seconds`, else `request_seconds`."""
        with self._turn:
            try:
                answer = self._asked({"do": act, **wishes}, seconds or self._request_seconds)
            except Hung:
                self._drop()
                raise _too_slow() from None
            except Gone:
                closed = self._closed
                code = self._drop(kill=False)
                if closed:
                    raise _closing() from None
                log.warning("the decoder ended with %s during %s", code, act)
                if code == -signal.SIGPROF:
                    raise _too_slow() from None
                raise Permanent("decoder_crashed", "The file could not be decoded safely.") from None
        if "error" in answer:
            raise _failure(answer, act)
        return answer["done"]

    def close(self) -> None:
        """Ends the child now, whatever it is doing; later requests are refused with "decoder_closed"."""
        with self._state:
            self._closed = True
            child, keeper = self._child, self._keeper
            self._state.notify_all()
        if child:
            child.process.kill()
        if keeper:
            keeper.join()

    @property
    def pid(self) -> int | None:
        """The process id of the child, or None while there is none."""
        with self._state:
            return self._child.process.pid if self._child else None

    @property
    def busy(self) -> bool:
        """Whether the child is working on a request."""
        with self._state:
            return self._busy

    # ---- the child's life

    def _asked(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        child = self._ready()
        try:
            answer = child.ask(request, seconds)
        finally:
            with self._state:
                self._busy = False
                self._used = timing.monotonic()
                self._state.notify_all()
        if child.files >= self._most_files:
            self._drop(kill=False)
        return answer

    def _ready(self) -> DecoderProcess:
        with self._state:
            if self._closed:
                raise _closing()
            if self._child and self._child.process.poll() is None:
                self._busy = True
                return self._child
        self._drop()
        started: list[DecoderProcess | Exception] = []
        with self._state:
            self._keeper = threading.Thread(target=self._keep, args=(started,), name="decoder-keeper", daemon=True)
            self._keeper.start()
            self._state.wait_for(lambda: started)
            if isinstance(started[0], Exception):
                raise started[0]
            return started[0]

    def _keep(self, started: list[DecoderProcess | Exception]) -> None:
        """The keeper thread: starts a child, tells, and ends it when it has rested long enough or is not wanted."""
        try:
            child = DecoderProcess(self._memory)
        except OSError as error:
            with self._state:
                started.append(error)
                self._state.notify_all()
            return
        with self._state:
            started.append(child)
            self._child = child
            self._busy = True
            self._state.notify_all()
            while self._child is child and not self._closed:
                left = self._used + self._rest_seconds - timing.monotonic()
                if self._busy:
                    left = self._rest_seconds
                elif left <= 0:
                    break
                self._state.wait(left)
            if self._child is child:
                self._child = None
            if self._closed:
                child.process.kill()
            # Its pipes are closed next, so nobody may still be reading from them.
            self._state.wait_for(lambda: not self._busy)
        child.end(patience=1.0)

    def _drop(self, kill: bool = True) -> int | None:
        """Lets go of the child, which the keeper then buries; its exit code if it had ended by itself."""
        with self._state:
            child, keeper = self._child, self._keeper
            self._child = None
            self._state.notify_all()
        if child is None or keeper is None:
            return None
        if kill:
            child.process.kill()
        keeper.join()
        return child.process.returncode


def _posters(folder: Path, stem: str) -> dict[str, Path]:
    return {
        "poster_480": folder / f"{stem}.480.webp",
        "poster_960": folder / f"{stem}.960.webp",
        "poster_jpeg": folder / f"{stem}.jpg",
    }


def _too_slow() -> Outcome:
    return Permanent("media_timeout", "The file took too long to decode. Save it again plainly.")


def _closing() -> Outcome:
    return Transient("decoder_closed", "The server is stopping; it is tried again.", counts=False)


def _failure(answer: dict[str, Any], act: str) -> Exception:
    code, message = str(answer["error"]), str(answer["message"])
    if "trace" in answer:
        log.warning("the decoder could not do %s: %s", act, answer["trace"])
    match code:
        case "os_error":
            number = int(answer.get("errno") or errno.EIO)
            return OSError(number, os.strerror(number))
        case "not_a_video":
            return Transient(code, message)
        case _:
            return Permanent(code, message)
