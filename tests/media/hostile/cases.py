"""The table: every file with the verdict it must get from `POST /api/v1/images`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.media.hostile import bombs, broken, hard, liars

TEN_MB = 10 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Case:
    """One file: how it is made, the status it must get, and one of these codes (none: it is kept)."""

    name: str
    make: Callable[[], bytes]
    status: int
    codes: tuple[str, ...] = ()


def _refused(group: Mapping[str, tuple[Callable[[], bytes], str]]) -> list[Case]:
    return [
        Case(
            name=name, make=make, status=413 if codes == "image_file_too_large" else 422, codes=tuple(codes.split("|"))
        )
        for name, (make, codes) in group.items()
    ]


REFUSED = [*_refused(liars.FILES), *_refused(bombs.FILES), *_refused(broken.FILES)]
KEPT = [Case(name=name, make=make, status=201) for name, make in {**hard.FILES, **liars.POLYGLOTS}.items()]
CASES = [*REFUSED, *KEPT]
