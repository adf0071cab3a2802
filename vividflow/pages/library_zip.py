"""Several videos as one file: a zip that is sent while it is made."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from threading import BoundedSemaphore

from flask import Response

from vividflow.api.media_answer import content_disposition
from vividflow.api.videos import ENDINGS
from vividflow.api.zip_stream import MOST_BYTES, MOST_FILES, Entry, length, stream
from vividflow.errors import Problem
from vividflow.lifecycle.tools import Tools
from vividflow.pages import words
from vividflow.records.assets import Asset
from vividflow.records.jobs import Job

# Each one keeps a thread of the server for as long as the reader takes.
AT_ONCE = 4
_turns = BoundedSemaphore(AT_ONCE)
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')
LONGEST_NAME = 60


def send_zip(tools: Tools, found: Sequence[tuple[Job, Asset]], name: str) -> Response:
    """The files of these jobs as a zip called `name`.

    Raises `Problem` 413 for more than a zip holds, 503 for a file that is not there, 429 while enough others are packed.
    """
    if len(found) > MOST_FILES:
        raise Problem(413, "too_much_to_pack", f"A zip takes at most {MOST_FILES} files. Choose fewer.")
    entries = entries_of(found)
    whole = length(entries)
    if whole > MOST_BYTES:
        detail = f"That is {words.size(whole)}. A zip takes at most {words.size(MOST_BYTES)}: choose fewer."
        raise Problem(413, "too_much_to_pack", detail)
    _check_there(tools, entries)
    if not _turns.acquire(blocking=False):
        detail = "Other downloads are being packed just now. Try again in a minute."
        raise Problem(429, "too_many_downloads", detail, retry_after=60)
    answer = Response(stream(tools.storage, entries, tools.settings.scratch), mimetype="application/zip")
    answer.call_on_close(_turns.release)
    answer.headers["Content-Length"] = str(whole)
    answer.headers["Content-Disposition"] = content_disposition("attachment", name)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def entries_of(found: Sequence[tuple[Job, Asset]]) -> list[Entry]:
    """Where each file lies and what it is called: by its title, or the words of its prompt, no name twice."""
    taken: set[str] = set()
    entries = []
    for job, asset in found:
        name, ending, number = file_name(job), ENDINGS.get(asset.mime, "bin"), 1
        whole = f"{name}.{ending}"
        while whole.casefold() in taken:
            number += 1
            whole = f"{name} ({number}).{ending}"
        taken.add(whole.casefold())
        entries.append(Entry(name=whole, key=asset.storage_key, size=asset.size, made_at=asset.created_at))
    return entries


def file_name(job: Job) -> str:
    """A name that every system takes: no path, no signs that mean something to one, nothing that turns the reading round."""
    text = words.title(job.title or job.prompt, LONGEST_NAME)
    text = "".join(each for each in _UNSAFE.sub(" ", text) if unicodedata.category(each) not in ("Cc", "Cf", "Cs"))
    return " ".join(text.split()).strip(". ") or job.id


def _check_there(tools: Tools, entries: Sequence[Entry]) -> None:
    for entry in entries:
        path = tools.storage.local_path(entry.key)
        size = entry.size
        if path is not None:
            with suppress(FileNotFoundError):
                size = path.stat().st_size
        if size != entry.size:
            raise Problem(503, "storage_gone", "One of the files cannot be read just now; try again.", retry_after=30)
