"""What people need of a result beside the result: renditions, posters, a sheet for scrubbing, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vividflow.errors import Permanent, Transient
from vividflow.lifecycle.clip_checks import Finding, check, reference_of
from vividflow.lifecycle.finishing_plan import USUAL_LEVELS, sizes_for
from vividflow.lifecycle.proof import Proof
from vividflow.lifecycle.tools import Tools
from vividflow.media.facts import MadeFile, Survey
from vividflow.media.finishing import finish_film
from vividflow.records.jobs import Job

# So often ffmpeg may be interrupted or too slow before a film is kept with posters alone.
TRIES = 3


@dataclass(frozen=True, kw_only=True)
class Derived:
    """The files that were made, and what was found; `findings` is None when nobody could look."""

    files: tuple[MadeFile, ...]
    findings: tuple[Finding, ...] | None = None


def derive(job: Job, tools: Tools, file: Path, proof: Proof, folder: Path) -> Derived:
    """Make it all in `folder`. A film of which it cannot be made still has posters: it was paid for, and it plays.

    Raises `Transient` and `OSError` for what may work later.
    """
    if proof.survey is None:
        return Derived(files=tuple(proof.posters))
    try:
        return _film(job, tools, file, proof.survey, folder)
    except Permanent:
        pass
    except Transient as interrupted:
        if not interrupted.counts:
            raise
        if job.failures + 1 < TRIES:  # its code may be one that the file is blamed for
            raise Transient("media_interrupted", interrupted.message) from interrupted
    return Derived(files=tuple(tools.decoder.prove_and_posters(file, folder, "poster")[1]))


def _film(job: Job, tools: Tools, file: Path, survey: Survey, folder: Path) -> Derived:
    reference = reference_of(job, tools, folder)
    begun = job.progress or 0
    made = finish_film(
        file,
        survey,
        sizes_for(job.params.get("quality_levels", USUAL_LEVELS), survey),
        folder,
        first=reference is not None,
        on_progress=lambda percent: tools.report(begun + (99 - begun) * percent // 100),
        keep_going=tools.keep_going,
    )
    findings, frames = check(job, tools, file, survey, made, reference, folder)
    return Derived(files=(*made.files, *frames), findings=findings)
