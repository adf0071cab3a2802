"""Whether a picture suits the chosen model: what can be made to fit harmlessly is, the rest is refused with what to do."""

from __future__ import annotations

from vividflow.errors import Problem
from vividflow.media.shapes import ratio_of
from vividflow.providers.registry import Model, Route
from vividflow.records.assets import Asset

_NAMES = {"image": "start image", "last_image": "last image"}


def check_fit(model: Model, route: Route, name: str, asset: Asset, *, shape: str | None = None) -> None:
    """Hold one picture against what the route takes, cropped to `shape` before if there is one.

    Format, bytes and a side that is too long are mended when the order is placed (`pictures.py`). Raises `Problem` 422
    image_too_small_for_model or image_wrong_shape.
    """
    limits = route.picture
    given = f"the {_NAMES[name]} is {asset.width} × {asset.height}"
    width, height = float(asset.width or 1), float(asset.height or 1)
    if shape is not None:
        width, height = min(width, height * ratio_of(shape)), min(height, width / ratio_of(shape))
        given += f", cropped to {shape} {width:.0f} × {height:.0f}"
    if limits.ratio is not None and not limits.ratio[0] <= width / height <= limits.ratio[1]:
        low, high = limits.ratio
        detail = (
            f"{model.title} takes pictures whose width is {low:g} to {high:g} times their height; {given}. "
            "Crop it, or choose another model."
        )
        raise Problem(422, "image_wrong_shape", detail, param=name)
    if limits.max_side is not None and max(width, height) > limits.max_side:
        scale = limits.max_side / max(width, height)
        width, height = width * scale, height * scale
        given += f", scaled to its limit {width:.0f} × {height:.0f}"
    if limits.min_side is not None and round(min(width, height)) < limits.min_side:
        detail = (
            f"{model.title} needs pictures of at least {limits.min_side} px a side; {given}. "
            "Send a larger one, or choose another model."
        )
        raise Problem(422, "image_too_small_for_model", detail, param=name)
