"""Buttons that change the form on Create instead of sending it: what the script does at once, as a form without script."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import ValidationError

from vividflow.api.bodies import Enhance
from vividflow.errors import Problem
from vividflow.lifecycle.enhance import enhance
from vividflow.pages.composer import chosen_of, fitted
from vividflow.pages.model_choice import choices
from vividflow.pages.quote import quoted
from vividflow.pages.values import Values
from vividflow.records.enhancements import Enhancement
from vividflow.records.users import User

if TYPE_CHECKING:
    from vividflow.api.house import House


def refit(house: House, user: User, values: Values, button: str) -> Values:
    """The form after `button`: "enhance", "revert", "offer", "model" (show what is chosen), else the model to switch to.

    Raises `Problem` for a prompt that cannot be enhanced.
    """
    match button:
        case "enhance":
            made = enhanced(house, user, values.prompt)
            return replace(values, prompt=made.prompt, original=made.original)
        case "revert":
            return replace(values, prompt=values.original or values.prompt, original="")
        case "offer":
            models = choices(house.tools)
            fits = fitted(values, chosen_of(models, values))
            offer = quoted(house.tools, user, fits, models).offer
            return replace(fits, **offer.fields) if offer else fits
        case "model":
            return values
        case model:
            return replace(values, model=model)


def enhanced(house: House, user: User, prompt: str) -> Enhancement:
    """The richer prompt, counted like the API's. Raises `Problem` 422 for one that is too short or is refused, 429."""
    house.limits.spend("enhance", f"user:{user.id}")
    try:
        text = Enhance.model_validate({"prompt": prompt}).prompt
    except ValidationError as error:
        detail = error.errors()[0]["msg"]
        raise Problem(422, "invalid_prompt_length", detail, param="prompt") from None
    return enhance(house.tools, user, text)
