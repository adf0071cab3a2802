"""Everything that is made of a fetched film, by one ffmpeg process that decodes it once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vividflow.errors import Permanent
from vividflow.media.facts import MadeFile, Survey
from vividflow.media.ffmpeg import run_ffmpeg
from vividflow.media.finishing_graph import FIRST, HEARD, POSTERS, SEEN, Film, Size, fitted, stills_of, words_for
from vividflow.media.seen import BLACK, FROZEN, SILENT, Span, spans
from vividflow.media.sprite import index_of, sheet_of

# Address space; three renditions of a 4k film took 2.3 GB of it on two cores.
MEMORY = 4 << 30
INDEX, SHEET = "vtt", "spritesheet"
# Where the index finds its sheet: beside itself, as the API names them.
SHEET_ADDRESS = "thumbnail?variant=spritesheet"
BLACK_SECONDS, FROZEN_SECONDS, SILENT_SECONDS = 1.0, 1.5, 2.0


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The files that were made, the spans that were found, and the first frame if it was wanted."""

    files: tuple[MadeFile, ...]
    black: tuple[Span, ...]
    frozen: tuple[Span, ...]
    silent: tuple[Span, ...]
    first: MadeFile | None


def finish_film(
    path: Path,
    survey: Survey,
    sizes: Sequence[Size],
    folder: Path,
    *,
    first: bool = False,
    on_progress: Callable[[int], None] | None = None,
    keep_going: Callable[[], bool] | None = None,
) -> Finished:
    """Makes renditions in `sizes`, posters, a sheet with its index and what the detectors find, all in `folder`.

    Spans count from 1 s (black), 1.5 s (frozen) and 2 s (silent), in short films from half their length. Raises what `run_ffmpeg`
    raises, `Permanent` ("media_failed") also when a file is missing afterwards.
    """
    facts = survey.facts
    sheet = sheet_of(facts.duration, survey.width, survey.height)
    black, frozen, silent = (min(each, facts.duration / 2) for each in (BLACK_SECONDS, FROZEN_SECONDS, SILENT_SECONDS))
    film = Film(
        path=path.absolute(),
        container=facts.container,
        width=survey.width,
        height=survey.height,
        fps=facts.fps,
        sound=facts.audio["codec"] if facts.audio else None,
        still_at=survey.still_at,
        matrix=survey.matrix,
        frozen=frozen,
        silent=silent,
    )
    ordered = sorted(sizes, key=lambda size: -size.width)
    run_ffmpeg(
        words_for(film, ordered, sheet, first=first),
        seconds_limit=_limit(survey, len(ordered)),
        duration=facts.duration,
        frames=max(1, round(facts.duration * (facts.fps or 25))) if ordered else None,
        on_progress=on_progress,
        keep_going=keep_going,
        folder=folder,
        memory=MEMORY,
    )
    index = folder / "spritesheet.vtt"
    index.write_text(index_of(sheet, facts.duration, SHEET_ADDRESS), "utf-8")
    files = [
        *(MadeFile(path=folder / f"{one.name}.mp4", name=one.name, mime="video/mp4", width=one.width, height=one.height)
          for one in ordered),
        *(MadeFile(path=folder / one.file, name=one.name, mime=one.mime, width=one.width, height=one.height)
          for one in stills_of(survey.width, survey.height)),
        MadeFile(path=folder / "spritesheet.jpg", name=SHEET, mime="image/jpeg", width=sheet.size[0], height=sheet.size[1]),
        MadeFile(path=index, name=INDEX, mime="text/vtt"),
    ]  # fmt: skip
    if not all(one.path.exists() and one.path.stat().st_size for one in files):
        raise Permanent("media_failed", "The video could not be made from what was given.")
    seen, heard, whole = folder / SEEN, folder / HEARD, facts.duration
    return Finished(
        files=tuple(files),
        black=spans(seen, BLACK, duration=whole, least=black),
        frozen=spans(seen, FROZEN, duration=whole, least=frozen),
        silent=spans(heard, SILENT, duration=whole, least=silent),
        first=_first(survey, folder / FIRST),
    )


def _first(survey: Survey, file: Path) -> MadeFile | None:
    if not file.exists():
        return None
    width, height = fitted(survey.width, survey.height, min(POSTERS))
    return MadeFile(path=file, name="first", mime="image/jpeg", width=width, height=height)


def _limit(survey: Survey, sizes: int) -> float:
    """Seconds that it may take: far more than a busy small machine needs."""
    frames = survey.facts.duration * max(25.0, survey.facts.fps)
    return 120 + frames * survey.width * survey.height * (1 + sizes) / 1_000_000
