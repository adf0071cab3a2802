"""What a job made, proved by the warm child: a film or a picture, in the words of an asset's row."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vividflow.lifecycle.tools import Tools
from vividflow.media.facts import MadeFile, Survey
from vividflow.records import jobs
from vividflow.records.jobs import Job

_FILMS = {"mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm", "avi": "video/x-msvideo"}
_PICTURES = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif", "image/bmp": "bmp"}
# The child's words for a file that is not what was ordered.
NOT_IT = frozenset(
    {
        "not_a_video",
        "not_an_image",
        "image_damaged",
        "image_too_many_pixels",
        "image_too_complex",
        "decoder_crashed",
        "media_timeout",
    }
)


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A file that is what it should be: `kind` video or image, `ending` of its name, `duration` in seconds or None.

    A film has a `survey` for what is made of it next; of a picture the `posters` are there already.
    """

    kind: str
    mime: str
    ending: str
    width: int
    height: int
    duration: float | None
    facts: dict[str, Any]
    survey: Survey | None = None
    posters: tuple[MadeFile, ...] = ()


def prove(job: Job, tools: Tools, file: Path, folder: Path) -> Proof:
    """The proof of a job's file; the posters of a picture are written to `folder`.

    Raises `Outcome` with a code of `NOT_IT`, or `OSError`.
    """
    return _picture(tools, file, folder) if kind_of(job, tools) == "image" else _film(tools, file)


def kind_of(job: Job, tools: Tools) -> str:
    """What a job makes, image or video: a late job the same as the one it came from."""
    if job.kind != "late" or job.parent_id is None:
        return job.kind
    with tools.db.reading() as connection:
        parent = jobs.by_id(connection, job.parent_id)
    return parent.kind if parent else "video"


def _film(tools: Tools, file: Path) -> Proof:
    survey = tools.decoder.survey(file)
    facts = survey.facts
    ending = facts.container if facts.container in _FILMS else "mp4"
    return Proof(
        kind="video",
        mime=_FILMS[ending],
        ending=ending,
        width=facts.width,
        height=facts.height,
        duration=facts.duration,
        facts=asdict(facts),
        survey=survey,
    )


def _picture(tools: Tools, file: Path, folder: Path) -> Proof:
    facts, posters = tools.decoder.prove_image_and_posters(file, folder, "poster")
    ending = _PICTURES.get(facts.mime, "png")
    return Proof(
        kind="image",
        mime=facts.mime,
        ending=ending,
        width=facts.width,
        height=facts.height,
        duration=None,
        facts={"container": ending, "codec": None, "width": facts.width, "height": facts.height},
        posters=tuple(posters),
    )
