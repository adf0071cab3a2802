"""What is wrong with a clip that decodes: black, frozen or silent parts, another length or size than ordered, a first frame
that is not the picture it was to begin with. Findings are told; which of them make a job fail is the operator's to say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vividflow.errors import Outcome, Permanent
from vividflow.lifecycle.pictures import picture_file
from vividflow.lifecycle.tools import Tools
from vividflow.media.facts import MadeFile, Survey
from vividflow.media.finishing import Finished
from vividflow.media.seen import Span
from vividflow.media.shapes import size_of
from vividflow.records.jobs import Job
from vividflow.storage.base import StorageGone

# Providers count frames, not seconds: 5 s ordered come as 5.04 or 4.8.
LENGTH_SECONDS, LENGTH_SHARE = 0.5, 0.1
# 480p comes as 832 × 480, 720p as 1280 × 704.
SIZE_SHARE, SHAPE_SHARE = 0.15, 0.08
LEAST_LIKENESS = 0.4
MOST_EVIDENCE = 6
_VISIBLE = ("black", "frozen")
_WORDS = {"black": "The picture is black", "frozen": "The picture stands still", "silent": "There is no sound to hear"}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing found: `kind` of `config.CLIP_CHECKS`, seconds where it has a place, words for a person, and the name of the
    rendition that shows it."""

    kind: str
    words: str
    begin: float | None = None
    end: float | None = None
    evidence: str | None = None

    def told(self) -> dict[str, Any]:
        """As it is stored and shown: kind, from, to, words, evidence."""
        return {"kind": self.kind, "from": self.begin, "to": self.end, "words": self.words, "evidence": self.evidence}


def reference_of(job: Job, tools: Tools, folder: Path) -> Path | None:
    """The picture that the clip was to begin with, None without one or when it cannot be had any more."""
    try:
        return picture_file(job, tools, "image", folder)
    except (Outcome, StorageGone, OSError):
        return None


def check(
    job: Job, tools: Tools, film: Path, survey: Survey, made: Finished, reference: Path | None, folder: Path
) -> tuple[tuple[Finding, ...], tuple[MadeFile, ...]]:
    """The findings, and the frames that show them, written to `folder`. Raises what the decoder raises."""
    found: list[Finding] = []
    frames: list[MadeFile] = []
    for kind, spans in (("black", made.black), ("frozen", made.frozen), ("silent", made.silent)):
        # Black stands still as well; that is one thing, not two.
        for span in spans if kind != "frozen" else _beside(spans, made.black):
            evidence = None
            if kind in _VISIBLE and len(frames) < MOST_EVIDENCE:
                shown = _frame(tools, film, span.middle, len(frames) + 1, folder)
                frames += shown
                evidence = shown[0].name if shown else None
            found.append(_spanned(kind, span, survey.facts.duration, evidence))
    found += [each for each in (_length(job, survey), _size(job, survey), _muted(job, survey)) if each]
    if reference is not None and made.first is not None and _unlike(tools, reference, made.first.path):
        frames.append(replace(made.first, name=f"evidence_{len(frames) + 1}"))
        words = "The first frame does not look like the picture that it was to begin with."
        found.append(Finding(kind="first_frame", begin=0.0, end=0.0, words=words, evidence=frames[-1].name))
    return tuple(found), tuple(frames)


def failing(tools: Tools, findings: tuple[Finding, ...]) -> str | None:
    """The sentences of those findings that the operator wants to be failures (CHECKS_FAIL), None when there are none."""
    words = [each.words for each in findings if each.kind in tools.settings.checks_fail]
    return " ".join(words) or None


def _beside(spans: tuple[Span, ...], others: tuple[Span, ...]) -> list[Span]:
    def covered(span: Span) -> float:
        return sum(max(0.0, min(span.end, other.end) - max(span.begin, other.begin)) for other in others)

    return [span for span in spans if covered(span) < span.seconds / 2]


def _unlike(tools: Tools, reference: Path, first: Path) -> bool:
    try:
        return tools.decoder.likeness(reference, first) < LEAST_LIKENESS
    except Permanent:  # a picture that cannot be looked at again says nothing about the film
        return False


def _frame(tools: Tools, film: Path, at: float, number: int, folder: Path) -> list[MadeFile]:
    name = f"evidence_{number}"
    out = folder / f"{name}.jpg"
    try:
        width, height = tools.decoder.frame(film, at, out)
    except Permanent:  # the finding stands without it
        return []
    return [MadeFile(path=out, name=name, mime="image/jpeg", width=width, height=height)]


def _spanned(kind: str, span: Span, whole: float, evidence: str | None) -> Finding:
    begin, end = round(span.begin, 2), round(min(span.end, whole), 2)
    where = "throughout" if end - begin > 0.95 * whole else f"from {begin:g} to {end:g} s"
    return Finding(kind=kind, begin=begin, end=end, words=f"{_WORDS[kind]} {where}.", evidence=evidence)


def _length(job: Job, survey: Survey) -> Finding | None:
    ordered, is_ = job.params.get("duration"), survey.facts.duration
    if not ordered or abs(is_ - ordered) <= max(LENGTH_SECONDS, LENGTH_SHARE * ordered):
        return None
    return Finding(kind="length", words=f"It is {is_:.3g} s long; {ordered:g} s were ordered.")


def _size(job: Job, survey: Survey) -> Finding | None:
    try:
        width, height = size_of(job.params.get("resolution", ""), job.params.get("aspect_ratio", ""))
    except ValueError:  # the model has no say in it, or a word of its own for it
        return None
    side = min(survey.width, survey.height) / min(width, height)
    shape = survey.width / survey.height / (width / height)
    if abs(side - 1) <= SIZE_SHARE and abs(shape - 1) <= SHAPE_SHARE:
        return None
    words = f"It is {survey.width} × {survey.height} px; {width} × {height} were ordered."
    return Finding(kind="size", words=words)


def _muted(job: Job, survey: Survey) -> Finding | None:
    if not job.params.get("audio") or survey.facts.audio is not None:
        return None
    return Finding(kind="silent", begin=0.0, end=survey.facts.duration, words="Sound was ordered; it has none.")
