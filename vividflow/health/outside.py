"""What lies outside this process: the storage, and the providers."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from vividflow import timing
from vividflow.errors import Complaints
from vividflow.health.at_once import all_within
from vividflow.health.findings import Finding, Site, State, span
from vividflow.providers.catalog import PROVIDERS
from vividflow.records import dead_routes, pauses
from vividflow.records.queue_figures import newest_file
from vividflow.storage.base import Storage, StorageFull, StorageGone
from vividflow.storage.waiting_room import WaitingRoom

CONNECT_SECONDS = 2.0


def check_storage(site: Site) -> Finding:
    """Write, read and remove a probe; a missing folder is said, not made."""
    address = site.settings.storage
    facts = {"address": site.clean(address)}
    if address.startswith("file://"):
        folder = Path(address.removeprefix("file://"))
        if not folder.is_dir():
            return _without_folder(site, facts)
        if site.db is None:  # nothing ever started here, so not even a probe's own folder is there
            well = os.access(folder, os.W_OK | os.X_OK)
            return (
                (State.OK if well else State.DOWN),
                f"The storage folder {'can' if well else 'cannot'} be used.",
                facts,
            )
    storage = site.storage()
    try:
        storage.check()
        if site.deep and site.db is not None:
            with site.db.reading() as connection:
                newest = newest_file(connection)
            if newest is not None and storage.stat(newest) is None:
                return State.DEGRADED, "What was stored last is not in the storage: was it emptied or replaced?", facts
        sentence = "The storage writes and reads."
    except (StorageFull, StorageGone) as trouble:
        if not isinstance(storage, WaitingRoom):
            return State.DOWN, f"The storage does not work: {site.clean(str(trouble))}.", facts
        sentence, away = "The bucket cannot be used; what is made waits on this machine.", site.clean(str(trouble))
        facts["trouble"] = away
    return _with_those_waiting(storage, sentence, facts)


def check_providers(site: Site) -> Finding:
    """Can each provider that has a key be reached, and does it take orders just now."""
    paused: dict[str, pauses.Pause] = {}
    dead: list[dead_routes.DeadRoute] = []
    if site.db is not None:
        with site.db.reading() as connection:
            paused, dead = pauses.now_paused(connection, timing.now()), dead_routes.all_of(connection)
    missing = {name: why for name, row in PROVIDERS.items() if (why := row.missing(site.settings))}
    ready = [name for name in PROVIDERS if name not in missing]
    reached = all_within(CONNECT_SECONDS + 0.5, {name: _reach(site, name) for name in ready})
    facts: dict[str, Any] = {}
    for name in PROVIDERS:
        trouble = missing[name] if name in missing else reached.get(name, "Cannot be reached (no answer).")
        if name in paused:
            until = timing.iso(paused[name].until) or "somebody resumes it"
            trouble = f"Paused until {until}: {site.clean(paused[name].reason)}"
        ill = name in paused or (name in ready and trouble is not None)
        state = State.DEGRADED if ill else State.OK
        message = " ".join([trouble or "Ready.", *_gone(name, dead)])
        facts[name] = {"state": state.value, "message": message, "configured": name in ready}
    ill = [name for name, one in facts.items() if one["state"] != State.OK]
    if ill:
        return State.DEGRADED, f"Not to be used just now: {', '.join(ill)}.", facts
    return State.OK, f"Ready: {', '.join(ready)}.", facts


def _gone(provider: str, dead: list[dead_routes.DeadRoute]) -> list[str]:
    """What a provider said that it no longer offers: no order goes there, so this alone makes nothing worse."""
    names = [each.provider_model for each in dead if re.match(rf"{provider}[#/]", each.account)]
    return [f"No longer offered: {', '.join(names)}."] if names else []


def _with_those_waiting(storage: Storage, sentence: str, facts: dict[str, Any]) -> Finding:
    if not isinstance(storage, WaitingRoom):
        return State.OK, sentence, facts
    waiting = storage.waiting()
    facts |= {"waiting": waiting.count, "waiting_since": timing.iso(waiting.since)}
    if waiting.count:
        since = span(timing.now() - (waiting.since or 0.0))
        one = waiting.count == 1
        sentence += f" {waiting.count} {'file waits' if one else 'files wait'} to go up, since {since}."
    return (State.DEGRADED if waiting.count or "trouble" in facts else State.OK), sentence, facts


def _without_folder(site: Site, facts: dict[str, Any]) -> Finding:
    if site.db is None:
        return State.DOWN, "The storage folder does not exist yet; it is made with the first file.", facts
    with site.db.reading() as connection:
        gone = newest_file(connection) is not None
    if gone:
        return State.DOWN, "The storage folder does not exist, although files were stored in it.", facts
    return State.OK, "The storage folder is made with the first file.", facts


def _reach(site: Site, name: str) -> Callable[[], str | None]:
    def call() -> str | None:
        """None when a connection could be made (or none is needed), else what is wrong."""
        try:
            for netloc in site.provider(name).own_netlocs():
                where = urlsplit(f"//{netloc}")
                socket.create_connection((where.hostname or "", where.port or 443), CONNECT_SECONDS).close()
        except OSError as error:
            return f"Cannot be reached ({error.strerror or type(error).__name__})."
        except Complaints as wrong:
            return site.clean("; ".join(wrong.complaints))
        return None

    return call
