"""The model registry: can it be read, and is a model that is used here about to be shut down."""

from __future__ import annotations

from vividflow.errors import Complaints
from vividflow.health.findings import Finding, Site, State
from vividflow.providers.catalog import PROVIDERS
from vividflow.providers.registry import Model, load_registry


def check_registry(site: Site) -> Finding:
    """Degraded when MODELS_FILE has mistakes, or when a model that has its key here is shut down within 30 days."""
    try:
        registry = load_registry(site.settings.models_file)
    except Complaints as wrong:
        return State.DEGRADED, f"The model registry cannot be used: {site.clean('; '.join(wrong.complaints))}", {}
    living = [model for model in registry.models if not model.retired()]
    usable = {model.id for model in living if _usable(site, model)}
    notices = {
        model.id: said
        for model in living
        if model.id in usable and (said := registry.notice(model, lambda each: each.id in usable))
    }
    facts = {"dated": str(registry.dated), "usable": sorted(usable), "ending": notices}
    if notices:
        return State.DEGRADED, " ".join(notices.values()), facts
    return State.OK, f"{len(usable)} of {len(living)} models can be used here.", facts


def _usable(site: Site, model: Model) -> bool:
    return any(PROVIDERS[route.provider].missing(site.settings) is None for route in model.routes)
