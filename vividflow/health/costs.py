"""What orders really cost: an alert when a provider took over 20 % more, or less, than its price list here says."""

from __future__ import annotations

from vividflow import timing
from vividflow.health.findings import Finding, Site, State
from vividflow.lifecycle.variance import TOO_FAR
from vividflow.records.order_costs import Apart, apart

LOOKED_BACK_SECONDS = 86400.0


def check_costs(site: Site) -> Finding:
    """Degraded when an order of the last 24 hours cost over 20 % more, or less, than it was quoted at."""
    if site.db is None:
        return State.OK, "Nothing was ever ordered.", {}
    with site.db.reading() as connection:
        found = apart(connection, timing.now() - LOOKED_BACK_SECONDS, TOO_FAR)
    facts = {f"{each.model} by {each.provider}": _figures(each) for each in found}
    if found:
        said = " ".join(map(_sentence, found))
        return State.DEGRADED, f"{said} Correct its price in MODELS_FILE.", {"apart": facts}
    return State.OK, "Orders cost what was quoted.", {"apart": {}}


def _figures(each: Apart) -> dict[str, float]:
    return {"orders": each.orders, "quoted_usd": each.quoted / 1_000_000, "cost_usd": each.cost / 1_000_000}


def _sentence(each: Apart) -> str:
    share = each.cost / each.quoted - 1
    way = "more" if share >= 0 else "less"
    return f"{each.model} by {each.provider} cost {abs(share):.0%} {way} than quoted."
