"""A month as bars, one a day, stacked by model: where each piece stands, for an SVG that the server draws."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SLOT, BAR, HEIGHT = 20, 14, 160
COLOURS = ("--accent", "--v2", "--ok", "--warn", "--v1")
REST, REST_COLOUR = "Others", "--ink-3"


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """One model's share of one day: a rectangle in the chart's own units, and its colour (a token of the stylesheet)."""

    x: float
    y: float
    height: float
    colour: str
    title: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """The pieces in a picture of `width` by `height`; `legend` pairs names with colours, `most` is the highest day."""

    width: int
    height: int
    pieces: tuple[Piece, ...]
    legend: tuple[tuple[str, str], ...]
    most: int


def chart(days: list[str], amounts: Iterable[tuple[str, str, int]]) -> Chart:
    """The chart of (day, model, amount) over `days`; beyond five models the smallest are told together."""
    found = [each for each in amounts if each[2] > 0]
    whole: dict[str, int] = {}
    for _, model, amount in found:
        whole[model] = whole.get(model, 0) + amount
    ranked = sorted(whole, key=lambda model: (-whole[model], model))
    colours: dict[str, str] = dict(zip(ranked, COLOURS, strict=False))
    stacks: dict[str, dict[str, int]] = {day: {} for day in days}
    for day, model, amount in found:
        name = model if model in colours else REST
        stacks[day][name] = stacks[day].get(name, 0) + amount
    most = max((sum(stack.values()) for stack in stacks.values()), default=0)
    order = [*colours, REST]
    pieces = [
        piece for place, day in enumerate(days) for piece in _stack(place, day, stacks[day], order, colours, most)
    ]
    legend = [*colours.items(), *([(REST, REST_COLOUR)] if len(ranked) > len(colours) else [])]
    return Chart(width=SLOT * len(days), height=HEIGHT, pieces=tuple(pieces), legend=tuple(legend), most=most)


def _stack(
    place: int, day: str, stack: dict[str, int], order: list[str], colours: dict[str, str], most: int
) -> list[Piece]:
    made, top = [], float(HEIGHT)
    for name in order:
        if name in stack:
            height = stack[name] / most * HEIGHT
            top -= height
            x = place * SLOT + (SLOT - BAR) / 2
            colour = colours.get(name, REST_COLOUR)
            made.append(Piece(x=x, y=round(top, 2), height=round(height, 2), colour=colour, title=f"{day}: {name}"))
    return made
