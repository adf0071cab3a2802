"""The moderation port: who looks at a picture before it is kept, and what is remembered of it.

A check is a function that is given the clean picture; CHECKS names those that this installation asks, in order. There
are none by default. A check that cannot answer raises `Transient`, and then the picture is not taken: not checked is
not allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from vividflow.errors import Problem, Transient
from vividflow.lifecycle.tools import Tools


class Verdict(StrEnum):
    """What is thought of a picture: fine, kept but marked, or not taken."""

    ALLOWED = "allowed"
    FLAGGED = "flagged"
    REFUSED = "refused"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, kw_only=True)
class Look:
    """A picture as a check sees it: the clean file, its MIME type and size in pixels, whose it is."""

    path: Path
    mime: str
    width: int
    height: int
    user_id: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check answers; `reason` is a few words for the operator, or None."""

    verdict: Verdict
    reason: str | None = None


Check = Callable[[Tools, Look], Finding]

CHECKS: Mapping[str, Check] = {}

_SEVERITY = (Verdict.ALLOWED, Verdict.FLAGGED, Verdict.REFUSED)


def judge(tools: Tools, look: Look, *, param: str = "image") -> dict[str, Any]:
    """What is stored with the picture: `{"verdict", "checks": {name: {"verdict", "reason"}}}`.

    Raises `Problem` 422 image_refused, and 503 moderation_unavailable when a check cannot answer.
    """
    found: dict[str, Finding] = {}
    for name, check in CHECKS.items():
        try:
            found[name] = check(tools, look)
        except Transient as away:
            detail = "The picture could not be checked just now, so it was not taken. Try again in a minute."
            raise Problem(503, "moderation_unavailable", detail, param=param, retry_after=60) from away
    worst = max((each.verdict for each in found.values()), key=_SEVERITY.index, default=Verdict.NOT_CHECKED)
    if worst is Verdict.REFUSED:
        raise Problem(422, "image_refused", "This picture is not allowed here. Use another one.", param=param)
    told = {name: {"verdict": each.verdict.value, "reason": each.reason} for name, each in found.items()}
    return {"verdict": worst.value, "checks": told}
