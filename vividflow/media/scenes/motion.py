"""A planned scene as a filter graph: every layer drawn by the child, laid over the others and moved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vividflow.media.child import Decoder
from vividflow.media.graph import Graph
from vividflow.media.scenes.layer import Layer
from vividflow.media.scenes.plan import Scene

# Nobody else's file is read here, so nothing is gained by giving up early on a busy machine.
DRAW_SECONDS = 120.0


def compose(scene: Scene, graph: Graph, folder: Path, decoder: Decoder, drawn: Callable[[int, int], None]) -> str:
    """Has every layer drawn into `folder` and adds them to `graph`; the name of the picture they make together.

    `drawn` hears after each layer how many of how many are done, and may raise to stop.
    """
    picture = ""
    for number, layer in enumerate(scene.layers):
        path = folder / f"layer{number}.raw"
        _draw(layer, path, decoder)
        above = graph.pixels(
            path, layer.width, layer.height, alpha=number > 0, frames=layer.drawn, rate=layer.rate or graph.fps
        )
        picture = graph.over(picture, above, *_place(layer, graph.fps)) if picture else above
        drawn(number + 1, len(scene.layers))
    return picture


def _draw(layer: Layer, path: Path, decoder: Decoder) -> None:
    decoder.ask(
        "scenery",
        seconds=DRAW_SECONDS,
        what=layer.draw,
        out=str(path),
        width=layer.width,
        height=layer.height,
        seed=layer.seed,
        shifts=list(layer.shifts),
        frames=layer.frames,
        look=layer.look,
    )


def _place(layer: Layer, fps: int) -> tuple[str, str]:
    # By the time and not by overlay's own count, which does not begin at 0 in every version.
    now = f"round(t*{fps})"
    x = f"-2*floor(({layer.start}+({layer.step})*{now})/2)" if layer.step else f"-{layer.start}"
    y = f"{layer.top}+mod({layer.fall}*{now},{layer.height // 2})" if layer.fall else str(layer.top)
    return x, y
