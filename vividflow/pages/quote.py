"""What stands at the foot of the form: the price of exactly this form, how long it takes, and what to do when it is too dear."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from sqlalchemy import Connection

from vividflow.api.bodies import SHORTEST_PROMPT
from vividflow.errors import Problem
from vividflow.lifecycle.orders import DAY, estimate
from vividflow.lifecycle.routes import Needs, ways
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.wish import Wish
from vividflow.pages import words
from vividflow.pages.model_choice import ModelChoice
from vividflow.pages.values import Values
from vividflow.providers.price import MICRO
from vividflow.records import jobs, ledger
from vividflow.records.users import User
from vividflow.timing import now


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A setting that can be paid: what the button says, and the fields that it changes."""

    label: str
    fields: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Quote:
    """The price as it stands beside the button; `max_cost` US dollars, empty where none is known.

    `short` is why it cannot be paid, and `offer` what could be.
    """

    credits: str
    dollars: str
    ready: str
    max_cost: str
    short: str = ""
    offer: Offer | None = None


def quoted(tools: Tools, user: User, values: Values, models: list[ModelChoice]) -> Quote:
    """The quote for the form with these values, which fit the model that they name."""
    try:
        found = estimate(tools, user, _wish(values, models))
    except Problem as problem:
        cost = problem.extra.get("estimated_cost")
        if problem.code != "over_budget" or not isinstance(cost, float):
            return Quote(credits="–", dollars="", ready=problem.detail, max_cost="")
        return _dear(tools, user, values, models, round(cost * MICRO), "")
    if found["estimated_cost"] is None:
        return Quote(credits="Price not known", dollars="", ready=_ready(tools, found), max_cost="")
    return _dear(tools, user, values, models, round(found["estimated_cost"] * MICRO), _ready(tools, found))


def _dear(tools: Tools, user: User, values: Values, models: list[ModelChoice], each: int, ready: str) -> Quote:
    whole = each * values.count
    made = Quote(
        credits=words.credits(whole),
        dollars=f"· {words.dollars(whole)}" if whole else "",
        ready=ready,
        max_cost=repr(whole / MICRO),
    )
    with tools.db.reading() as connection:
        short, most = _short(connection, tools, user, each, whole)
    return replace(made, short=short, offer=_offer(tools, values, models, most)) if short else made


def _wish(values: Values, models: list[ModelChoice]) -> Wish:
    takes = next(each.model.takes for each in models if each.id == values.model)
    return Wish(
        prompt="x" * SHORTEST_PROMPT,
        model=values.model,
        duration=float(values.duration),
        resolution=values.resolution,
        aspect_ratio=values.aspect_ratio,
        audio=values.audio and "audio" in takes,
        image_id=values.image_id or None if "image" in takes else None,
        last_image_id=values.last_image_id or None if "last_image" in takes and values.image_id else None,
    )


def _ready(tools: Tools, found: dict[str, Any]) -> str:
    with tools.db.reading() as connection:
        ahead = jobs.count_queued(connection)
    waits = f", after {ahead:,} {'job' if ahead == 1 else 'jobs'} in line" if ahead else ""
    return f"Ready in about {words.about(found['estimated_seconds'])}{waits}"


def _short(connection: Connection, tools: Tools, user: User, each: int, whole: int) -> tuple[str, int]:
    """Why `whole` micro-dollars cannot be spent (empty: they can), and what can be spent on one clip."""
    settings = tools.settings
    most, why = whole, ""
    if settings.max_job_usd is not None and each > (cap := round(settings.max_job_usd * MICRO)):
        most, why = cap, f"One video may cost {words.credits(cap)} here."
    if settings.credits and whole > (has := max(0, ledger.account(connection, user.id).available)):
        has -= has % words.MICRO_PER_CREDIT
        most = min(most, has)
        why = f"You have {words.credits(has) if has else 'no credits'}. Ask an administrator for more."
    if settings.user_daily_usd is not None and whole:
        day = now() - now() % DAY
        left = max(0, round(settings.user_daily_usd * MICRO) - ledger.promised_since(connection, day, user.id))
        if whole > left:
            most = min(most, left)
            why = f"Of your ${settings.user_daily_usd:.2f} for today (UTC) {words.dollars(left)} is left."
    return why, most


def _offer(tools: Tools, values: Values, models: list[ModelChoice], most: int) -> Offer | None:
    """The cheapest setting of the same model, or of another one that takes the same pictures, for at most `most`."""
    same = [choice for choice in models if choice.id == values.model]
    others = [choice for choice in models if choice.usable and choice.id != values.model]
    for group in (same, others):
        priced = [found for choice in group for found in _settings(tools, choice, values)]
        cost, fields = min(priced, key=lambda each: each[0], default=(most + 1, {}))
        if cost <= most:
            label = f"Switch to {words.credits(cost)}" if cost else "Switch to a free one"
            return Offer(label=label, fields=fields)
    return None


def _settings(tools: Tools, choice: ModelChoice, values: Values) -> list[tuple[int, dict[str, str]]]:
    limits = choice.model.limits
    wants = frozenset(name for name in ("image", "last_image") if getattr(values, f"{name}_id"))
    if not wants <= choice.model.takes:
        return []
    found: list[tuple[int, dict[str, str]]] = []
    for length, size in product(limits.durations or (limits.duration_range or ())[:1], choice.resolutions):
        best = ways(tools, choice.model, Needs(resolution=size, duration=length, wants=wants))[0]
        if best.unfit is None and best.cost is not None:
            fields = {"model": choice.id, "duration": f"{length:g}", "resolution": size, "variations": "1"}
            found.append((best.cost, fields))
    return found
