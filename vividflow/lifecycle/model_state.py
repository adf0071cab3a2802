"""What can be had of a model here, today: one word, and the sentence behind it. The API and Create say the same."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from vividflow.lifecycle.choosing import notice
from vividflow.lifecycle.standing import Gate, Stand
from vividflow.lifecycle.tools import Tools
from vividflow.providers.registry import Model, Route


class Word(StrEnum):
    """The states of a model, the best first. Up to RESTING it can be ordered, and the order may have to wait."""

    USABLE = "usable"
    ENDING = "ending"
    PAUSED = "paused"
    STOPPED = "stopped"
    RESTING = "resting"
    GONE = "gone"
    NOT_SET_UP = "not_set_up"
    SHUT_DOWN = "shut_down"


@dataclass(frozen=True, kw_only=True)
class ModelState:
    """A word, the sentence for a person (None: nothing to say), and when that may change (seconds since 1970)."""

    word: Word
    reason: str | None = None
    until: float | None = None


# What a provider says of the key, the bill and the rights: waiting alone does not help.
STOPS = frozenset({"provider_key_refused", "provider_credit_exhausted", "provider_forbidden"})
_HELD = {"provider_paused": Word.PAUSED} | dict.fromkeys(STOPS, Word.STOPPED)


def state_of(tools: Tools, model: Model) -> ModelState:
    """How a model stands: by the best of its routes that can be taken here."""
    if model.retired():
        successor = tools.successor(model)
        instead = f" Use {successor} instead." if successor else ""
        return ModelState(word=Word.SHUT_DOWN, reason=f"It was shut down on {model.shutdown_date}.{instead}")
    if (missing := tools.usable(model)) is not None:
        gone = any(_dead(tools, route) for route in model.routes)
        return ModelState(word=Word.GONE if gone else Word.NOT_SET_UP, reason=missing)
    stands = [] if tools.settings.mock_vid_gens else _stands(tools, model)
    if stands and all(stand.gate is Gate.SHUT and not stand.brief for stand in stands):
        soonest = min(stands, key=lambda stand: float("inf") if stand.until is None else stand.until)
        return ModelState(word=held_by(soonest), reason=soonest.reason, until=soonest.until)
    if (ending := notice(tools, model)) is not None:
        return ModelState(word=Word.ENDING, reason=ending)
    return ModelState(word=Word.USABLE)


def held_by(stand: Stand) -> Word:
    """The word for an account that takes no orders."""
    return _HELD.get(stand.code, Word.RESTING)


def _stands(tools: Tools, model: Model) -> list[Stand]:
    usable = (route for route in model.routes if tools.obstacle(route) is None)
    return [tools.standing.of(route.provider, min(route.provider_models(), default="")) for route in usable]


def _dead(tools: Tools, route: Route) -> bool:
    """Whether a route is set up here, and its provider has the model no longer."""
    if tools.missing(route.provider) is not None:
        return False
    names = route.provider_models()
    return bool(names) and all(tools.standing.dead(route.provider, name) for name in names)
