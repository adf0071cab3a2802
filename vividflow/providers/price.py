"""The one price function: the button, the estimate, the reserve and the settlement all ask here.

Amounts are whole micro-dollars; 1 credit is 1 US cent.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from vividflow.providers.model import Model, Route

MICRO = 1_000_000
MICRO_PER_CREDIT = 10_000
# No run takes this long: a larger figure is a mistake and not believed.
LONGEST_RUN_SECONDS = 86_400.0


def quote(
    model: Model, route: Route, *, duration: float, resolution: str, audio: bool | None = None, has_image: bool = False
) -> int:
    """Micro-dollars for one order of `model` by `route`, rounded up.

    The length is priced as it is ordered: where the vendor counts frames, all frames that are sent. `audio` None means
    what the model does unless it is told. Raises `LookupError` when the price list has no line for it (a checked registry
    always has one).
    """
    sound = model.sounds if audio is None else audio
    for price in route.prices:
        if not price.fits(resolution=resolution, audio=sound, has_image=has_image):
            continue
        amount = price.usd
        if price.per_frames:
            amount = amount * (route.frames(duration) or 0) / price.per_frames
        elif price.per_seconds:
            amount = amount * Decimal(str(duration)) / Decimal(str(price.per_seconds))
        return int((amount * MICRO).to_integral_value(ROUND_CEILING))
    raise LookupError(f"{model.id} has no price for {resolution} by {route.provider}")


def timed(route: Route, seconds: float | None) -> int | None:
    """Micro-dollars for a run of `seconds` where the vendor charges for the machine's time; None elsewhere, or untold."""
    if route.run_second_usd is None or seconds is None or not 0 <= seconds <= LONGEST_RUN_SECONDS:
        return None
    return int((route.run_second_usd * Decimal(str(seconds)) * MICRO).to_integral_value(ROUND_CEILING))


def unit_prices(model: Model, route: Route) -> dict[str, float]:
    """US dollars for one second (of a picture: for one) by resolution, with sound if the model makes it untold.

    A second is the default clip over its length. Sizes that the route does not make are left out; empty when its price
    is not known.
    """
    return {
        resolution: _unit_price(model, route, resolution)
        for resolution in (model.limits.resolutions if route.prices else ())
        if any(route.provider_model(has_image=each, resolution=resolution) for each in (False, True))
    }


def _unit_price(model: Model, route: Route, resolution: str) -> float:
    length = model.limits.default_duration
    has_image = route.provider_model(has_image=False, resolution=resolution) is None
    amount = quote(model, route, duration=length, resolution=resolution, has_image=has_image)
    return usd(round(amount / (length or 1)))


def usd(micro: int) -> float:
    """Micro-dollars as US dollars."""
    return micro / MICRO


def micro(dollars: float | Decimal) -> int:
    """US dollars as micro-dollars, rounded up."""
    return int((Decimal(str(dollars)) * MICRO).to_integral_value(ROUND_CEILING))


def credits(micro: int) -> int:
    """Micro-dollars as credits (cents), rounded up."""
    return -(-micro // MICRO_PER_CREDIT)
