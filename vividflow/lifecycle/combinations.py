"""What a model takes alone but not together, or at some resolutions only."""

from __future__ import annotations

from collections.abc import Collection

from vividflow.errors import Problem
from vividflow.providers.registry import Model

_WORDS = {
    "audio": "sound",
    "image": "a start image",
    "last_image": "a last image",
    "references": "reference pictures",
    "extend": "the extension of a video",
}


def check_combination(model: Model, wanted: Collection[str], resolution: str) -> None:
    """Hold what is `wanted` (`audio`, `last_image`, …) against the model's rules. Raises `Problem` 422 unsupported_combination."""
    limits = model.limits
    for name in sorted(wanted):
        if name in limits.only_at and not limits.takes_at(name, resolution):
            detail = (
                f"{model.title} makes {_word(name)} at {' or '.join(limits.only_at[name])} only, not at {resolution}."
            )
            raise Problem(422, "unsupported_combination", detail, param=name)
    for group in limits.apart:
        if set(group) <= set(wanted):
            detail = f"{model.title} does not take {' and '.join(map(_word, group))} together. Leave one of them out."
            raise Problem(422, "unsupported_combination", detail, param=group[0])


def _word(name: str) -> str:
    return _WORDS.get(name, name)
