"""The warm child: reads requests on stdin, decodes, answers on stdout; the only process that imports PIL and av.

Started by path (`python -I decoder.py`) behind `launch.py`, which puts its limits on. A request and an answer are each
four bytes of length (big endian) and that many bytes of JSON: `{"do": "image_facts", …}` in, `{"done": …}` or
`{"error": code, "message": sentence}` out. It ends when stdin does.

Pictures come from anybody, so they get less than films, which a provider made: seconds of processor time and address
space for each file. Who uses up the first is ended by the kernel; who asks for more of the second is refused.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import struct
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from vividflow.media.inside.refusal import Refusal

PICTURE_CPU_SECONDS = 10.0
PICTURE_MEMORY = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Act:
    """One thing that can be asked, and the processor seconds and address space (bytes) it may use; None: the child's own."""

    run: Callable[..., Any]
    cpu: float | None = None
    memory: int | None = None


def act_of(name: str) -> Act:
    """What can be asked of the child, by name; each loads only the library that it needs."""
    match name:
        case "image_facts" | "take_picture" | "normalise_image" | "cover":
            from vividflow.media.inside import pictures

            return Act(run=getattr(pictures, name), cpu=PICTURE_CPU_SECONDS, memory=PICTURE_MEMORY)
        case "prove_image_and_posters":
            from vividflow.media.inside import prints

            return Act(run=prints.prove_and_posters, cpu=PICTURE_CPU_SECONDS, memory=PICTURE_MEMORY)
        case "likeness":
            from vividflow.media.inside import likeness

            return Act(run=likeness.likeness, cpu=PICTURE_CPU_SECONDS, memory=PICTURE_MEMORY)
        case "prove_video" | "posters" | "prove_and_posters" | "survey":
            from vividflow.media.inside import footage

            return Act(run=getattr(footage, name))
        case "last_frame":
            from vividflow.media.inside import last_frame

            return Act(run=last_frame.write_last)
        case "frame":
            from vividflow.media.inside import moment

            return Act(run=moment.write_frame)
        case "badge":
            from vividflow.media.inside import badge

            return Act(run=badge.draw)
        case "scenery":
            from vividflow.media.inside import scenery

            return Act(run=scenery.draw)
        case _:
            raise KeyError(name)


@contextlib.contextmanager
def limits(act: Act) -> Iterator[None]:
    """The act's limits on this process while the block runs; a limit of less than is in force stays."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    try:
        if act.memory is not None and sys.platform.startswith("linux"):
            resource.setrlimit(resource.RLIMIT_AS, (min(act.memory, soft if soft > 0 else act.memory), hard))
        # The default action of SIGPROF is to end the process, whatever it is stuck in.
        signal.setitimer(signal.ITIMER_PROF, act.cpu or 0)
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Does what `request` asks. Every failure becomes an answer; only `trace` is meant for the log."""
    wishes = dict(request)
    try:
        act = act_of(wishes.pop("do"))
        with limits(act):
            return {"done": act.run(**wishes)}
    except Refusal as refusal:
        return {"error": refusal.code, "message": refusal.message}
    except OSError as error:
        return {"error": "os_error", "message": "The file could not be read or written.", "errno": error.errno}
    except Exception:  # noqa: BLE001 - whatever a hostile file provokes is answered, its trace for the log
        message = "The file could not be decoded safely."
        return {"error": "decoder_crashed", "message": message, "trace": traceback.format_exc(limit=-6)}


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answers requests one after the other until there are no more."""
    while len(head := requests.read(4)) == 4:
        request = json.loads(requests.read(struct.unpack(">I", head)[0]))
        body = json.dumps(answer(request)).encode()
        answers.write(struct.pack(">I", len(body)) + body)
        answers.flush()


def main() -> None:
    """Serves on stdin and stdout; whatever a library prints goes nowhere."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
