"""Looking at many orders of one account by one request, where the vendor has a list (docs/adr/0020).

What the list says goes through the very step that a look of its own would take; what it does not say is polled alone.
"""

from __future__ import annotations

import logging
from collections import defaultdict

from vividflow.errors import Outcome, Transient
from vividflow.lifecycle.ordering import owner_of, shown
from vividflow.lifecycle.tools import Seen, Tools
from vividflow.providers.base import ManyAtOnce, Order
from vividflow.providers.catalog import PROVIDERS
from vividflow.records import orders
from vividflow.records.due import Due
from vividflow.records.jobs import Job

log = logging.getLogger(__name__)
# Fewer than these are not worth a page of a hundred; more than these would not fit on it beside what is not due yet.
FEWEST, MOST = 8, 50


def gathered(tools: Tools, found: list[Due]) -> list[list[Due]]:
    """The due jobs, each alone or with those that one request may answer for; in the order of the first of each."""
    names: dict[tuple[str | None, str | None, str], str | None] = {}
    by_list: defaultdict[str, list[Due]] = defaultdict(list)
    for job in found:
        key = (job.provider, job.provider_model, job.state)
        if key not in names:
            names[key] = _list_of(tools, *key)
        if (name := names[key]) is not None and tools.lists.shows(job.id):
            by_list[name].append(job)
    cut = [group for jobs in by_list.values() if len(jobs) >= FEWEST for group in _cut(jobs)]
    group_of = {job.id: group for group in cut for job in group}
    told: set[str] = set()
    whole: list[list[Due]] = []
    for job in found:
        if job.id not in told:
            whole.append(group_of.get(job.id, [job]))
            told.update(each.id for each in whole[-1])
    return whole


def look_through(jobs: list[Job], tools: Tools) -> dict[str, Seen]:
    """What one list call says of these jobs of one list, by job id; who is not in it needs a look of its own.

    Whatever goes wrong with the list leaves all to that; only a provider that wants no more questions for now (429) is
    believed.
    """
    first = jobs[0]
    name = _list_of(tools, first.provider, first.provider_model, first.state)
    adapter = tools.provider(first.provider or "local")
    asked = _orders_of(jobs, tools)
    if name is None or not asked or not isinstance(adapter, ManyAtOnce):
        return {}
    found: Seen = {}
    try:
        found = adapter.look_through([order for order, _ in asked.values()])
        for job_id, (_, operation) in asked.items():
            if operation not in found:
                tools.lists.missed(job_id)
    except Outcome as trouble:
        if isinstance(trouble, Transient) and not trouble.counts:
            found = dict.fromkeys((operation for _, operation in asked.values()), trouble)
        else:
            log.info("the list %s told nothing: %s", name, trouble.message)
            tools.lists.rest(name)
    except Exception:  # a list that cannot be read must not keep anybody from being looked at
        log.exception("the list %s could not be read", name)
        tools.lists.rest(name)
    return {job_id: {operation: found[operation]} for job_id, (_, operation) in asked.items() if operation in found}


def _list_of(tools: Tools, provider: str | None, provider_model: str | None, state: str) -> str | None:
    """The list that a job in this state can be seen in, if it may be asked now."""
    if state != "generating" or provider not in PROVIDERS or provider_model is None:
        return None
    name = PROVIDERS[provider].lists(tools.settings, provider_model)
    full = f"{provider}/{name}"
    return full if name is not None and tools.lists.useful(full) else None


def _cut(jobs: list[Due]) -> list[list[Due]]:
    """As few groups as hold no more than `MOST`, about equally large, each of orders that were placed one after another."""
    ordered = sorted(jobs, key=lambda job: job.generating_at or 0.0)
    count = -(-len(ordered) // MOST)
    return [ordered[len(ordered) * n // count : len(ordered) * (n + 1) // count] for n in range(count)]


def _orders_of(jobs: list[Job], tools: Tools) -> dict[str, tuple[Order, str]]:
    """Order and operation id of those that have one, by job id."""
    with tools.db.reading() as connection:
        rows = [(job, orders.newest_of(connection, owner_of(job))) for job in jobs]
    return {
        job.id: (shown(row, tools, job), row.operation_id)
        for job, row in rows
        if row is not None and row.operation_id is not None
    }
