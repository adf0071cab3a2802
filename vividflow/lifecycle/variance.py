"""How far what a provider took is from what was said beforehand, and when that is too far."""

from __future__ import annotations

TOO_FAR = 0.2


def variance(estimate: int, actual: int | None) -> float | None:
    """The difference as a share of the estimate (0.25: a quarter dearer, -0.5: half the price); None: nothing to compare."""
    return None if actual is None or estimate <= 0 else round(actual / estimate - 1, 4)


def too_far(found: float | None) -> bool:
    """Whether it is over 20 %, dearer or cheaper: then a price list is out of date."""
    return found is not None and abs(found) > TOO_FAR
