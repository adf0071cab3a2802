"""What ffmpeg's detectors wrote while the film went by: spans that are black, that stand still, or that are silent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

BLACK = ("lavfi.black_start", "lavfi.black_end")
FROZEN = ("lavfi.freezedetect.freeze_start", "lavfi.freezedetect.freeze_end")
SILENT = ("lavfi.silence_start", "lavfi.silence_end")


@dataclass(frozen=True, kw_only=True)
class Span:
    """From `begin` to `end`, in seconds."""

    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.begin

    @property
    def middle(self) -> float:
        """The moment halfway."""
        return (self.begin + self.end) / 2


def spans(file: Path, names: tuple[str, str], *, duration: float, least: float) -> tuple[Span, ...]:
    """The spans between two names in a file of printed metadata, those of at least `least` seconds.

    One that has no end lasts until the film's. No file: nothing was looked for.
    """
    found: list[Span] = []
    begin: float | None = None
    for line in file.read_text("utf-8", "replace").splitlines() if file.exists() else ():
        name, _, value = line.partition("=")
        if name == names[0] and begin is None:
            begin = max(0.0, float(value))
        elif name == names[1] and begin is not None:
            found.append(Span(begin=begin, end=float(value)))
            begin = None
    if begin is not None:
        found.append(Span(begin=begin, end=duration))
    return tuple(span for span in found if span.seconds >= least - 0.05)
