"""Another route for a job that has one already: taken only when the first one certainly took no order, or cannot."""

from __future__ import annotations

from typing import Any

from vividflow.errors import Outcome, Refused, Transient
from vividflow.lifecycle.answers import Answer, Wait
from vividflow.lifecycle.routes import Needs, Way, cost_of, ways
from vividflow.lifecycle.standing import LONG_REST_SECONDS, Gate, Stand
from vividflow.lifecycle.tools import Tools
from vividflow.providers.registry import Model
from vividflow.records import assets, orders
from vividflow.records.jobs import QUEUED, Job
from vividflow.records.orders import OrderRow
from vividflow.timing import iso, now

# So often a job is asked to come later before it goes elsewhere.
RESTS_BORNE = 3
LEAST_WAIT_SECONDS, MOST_WAIT_SECONDS = 1.0, 30.0
# Refusals that say something of the account or the route and nothing of the wish: another route may well take it.
_OF_THE_ROUTE = frozenset({"provider_forbidden", "server_not_set_up"})
_SAID_NO = frozenset({"model_retired", "provider_forbidden", "server_not_set_up"})


def leaves_room(outcome: Outcome) -> bool:
    """Whether a certain refusal leaves room for another route: the key, the credit, the model or the rights, not the wish."""
    return isinstance(outcome, Refused) and (outcome.pauses or outcome.retired or outcome.code in _OF_THE_ROUTE)


def tired_of(tools: Tools, order: OrderRow, outcome: Transient) -> bool:
    """Whether a provider that is busy has asked this job to wait too long or too often."""
    if outcome.counts:
        return False
    if (outcome.retry_after or 0.0) > LONG_REST_SECONDS:
        return True
    with tools.db.reading() as connection:
        placed = orders.all_of(connection, order.job_id)
    rests = [each for each in placed if each.provider == order.provider and each.error_code == outcome.code]
    return len(rests) + 1 >= RESTS_BORNE


def others(tools: Tools, job: Job) -> list[Way]:
    """The other routes that would do for a job within what it may cost, the best first.

    A route that said no to this job for good is not offered again.
    """
    model = tools.registry.model(job.model or "")
    if model is None or len(model.routes) < 2 or tools.settings.mock_vid_gens:
        return []
    no: set[str] = set()
    if job.attempts:
        with tools.db.reading() as connection:
            placed = orders.all_of(connection, job.id)
        no |= {each.provider for each in placed if each.state == orders.REFUSED and each.error_code in _SAID_NO}
    found = ways(tools, model, needs_of(tools, job, model, frozenset(no)))
    return [
        way for way in found if way.unfit is None and way.provider != job.provider and _treats_alike(model, job, way)
    ]


def first_open(found: list[Way]) -> Way | None:
    """The best of them by which an order may go now."""
    return next((way for way in found if way.stand.gate is Gate.OPEN), None)


def onto(job: Job, way: Way, *, code: str, reason: str) -> dict[str, Any]:
    """The columns of a job that goes by another route from now on, with the one it leaves in its history."""
    left = {"provider": job.provider, "code": code, "reason": reason, "at": iso(now())}
    return {
        "provider": way.provider,
        "provider_model": way.provider_model,
        "usual_seconds": way.usual,
        "result": job.result | {"routes": [*job.result.get("routes", ()), left]},
        "failures": 0,
    }


def held_up(job: Job, tools: Tools, stand: Stand) -> Answer:
    """What becomes of a queued job whose account takes no order now: another route at once, or a wait that says why."""
    if (answer := diverted(job, tools)) is not None:
        return answer
    left = (stand.until if stand.until is not None else now() + MOST_WAIT_SECONDS) - now()
    wait = min(max(left, LEAST_WAIT_SECONDS), MOST_WAIT_SECONDS)
    return Wait(seconds=wait, changes={"note": waiting(tools, job.provider or "local", stand)})


def diverted(job: Job, tools: Tools) -> Wait | None:
    """Another route for a queued job whose provider is shut, or None: it stays where it is."""
    stand = tools.standing.of(job.provider or "local", job.provider_model or "local")
    if stand.gate is not Gate.SHUT or stand.brief or job.cancel_requested_at is not None:
        return None
    if (way := first_open(others(tools, job))) is None:
        return None
    note = f"{stand.reason} {trying(tools, way)}"
    return Wait(seconds=0.0, changes=onto(job, way, code=stand.code, reason=stand.reason) | {"note": note})


def has_others(tools: Tools, provider: str) -> bool:
    """Whether any model of a provider has a route by somebody else."""
    own = (model.routes for model in tools.registry.models if not model.retired())
    return any(len(routes) > 1 and provider in {route.provider for route in routes} for routes in own)


def trying(tools: Tools, way: Way) -> str:
    """The sentence that another route is taken."""
    return f"Ordering from {tools.registry.vendors[way.provider].title} instead."


def waiting(tools: Tools, provider: str, stand: Stand) -> str:
    """Why a queued job waits, as a sentence."""
    return f"Waiting for {tools.registry.vendors[provider].title}: {stand.reason} You are not charged while it waits."


def why_it_waits(tools: Tools, job: Job) -> str | None:
    """Why a queued job waits for its provider, or None: it only waits for its turn. Asks no database."""
    if job.status != QUEUED or job.provider is None or job.provider not in tools.registry.vendors:
        return None
    stand = tools.standing.of(job.provider, job.provider_model or "")
    return waiting(tools, job.provider, stand) if stand.gate is Gate.SHUT else None


def price_by(tools: Tools, job: Job) -> int:
    """What the order of a job costs by the route that it goes by now, in micro-dollars: never more than was reserved."""
    if not job.result.get("routes"):
        return job.params.get("estimate", job.quoted)
    model = tools.registry.model(job.model or "")
    route = next((each for each in model.routes if each.provider == job.provider), None) if model else None
    if model is None or route is None:
        return job.quoted
    cost = cost_of(model, route, needs_of(tools, job, model, frozenset(), pictures=False))
    return job.quoted if cost is None else min(cost, job.quoted)


def needs_of(tools: Tools, job: Job, model: Model, passed_over: frozenset[str], *, pictures: bool = True) -> Needs:
    """What a job needs of a route, within its reserve."""
    params = job.params
    named = {name: params[f"{name}_id"] for name in ("image", "last_image") if params.get(f"{name}_id")}
    wants = {name for name in ("seed", "negative_prompt", "cfg", "steps", "audio") if params.get(name)} | set(named)
    if params.get("reference_ids"):
        wants.add("references")
    if params.get("extend_id"):
        wants.add("extend")
    found: dict[str, assets.Asset] = {}
    if named and pictures:
        with tools.db.reading() as connection:
            read = {name: assets.by_id(connection, job.user_id, asset_id) for name, asset_id in named.items()}
        found = {name: asset for name, asset in read.items() if asset is not None}
    return Needs(
        resolution=params.get("resolution", ""),
        shape=params.get("aspect_ratio", ""),
        duration=params.get("duration", 0.0),
        audio=params.get("audio", model.sounds),
        wants=frozenset(wants),
        pictures=found,
        provider=params.get("provider"),
        ceiling=job.quoted,
        passed_over=passed_over,
    )


def _treats_alike(model: Model, job: Job, way: Way) -> bool:
    """Whether a route treats a start image as the first one does: it was cropped, or not, when the job was placed."""
    if not job.params.get("image_id"):
        return True
    first = next((route for route in model.routes if route.provider == job.provider), None)
    return first is None or way.route.shape_from_picture <= first.shape_from_picture
