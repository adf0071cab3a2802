"""Is this installation well? The only judge of health; reads only, so it answers when nothing else does.

`python monitor.py [--json] [--watch [SECONDS]]` prints it and exits with 0 (healthy), 1 (degraded) or 2 (down);
/readyz, /health/services and /metrics ask `health`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Collection, Mapping

from sqlalchemy.exc import ArgumentError

from vividflow.config import Settings
from vividflow.db.database import Database
from vividflow.errors import Complaints
from vividflow.health.at_once import all_within
from vividflow.health.costs import check_costs
from vividflow.health.database import check_database, check_queue, open_for_reading
from vividflow.health.findings import Check, Finding, Health, Site, State
from vividflow.health.machine import check_disk, check_environment, check_worker
from vividflow.health.outside import check_providers, check_storage
from vividflow.health.registry import check_registry
from vividflow.logs.redaction import Redactor, secrets_of
from vividflow.providers.base import Provider
from vividflow.providers.catalog import PROVIDERS
from vividflow.storage.base import Storage
from vividflow.storage.catalog import open_storage

PATIENCE_SECONDS = 5.0
WATCH_SECONDS = 2.0

CHECKS: Mapping[str, tuple[Callable[[Site], Finding], str]] = {  # and what is said when looking itself breaks
    "database": (check_database, "The database does not answer."),
    "storage": (check_storage, "The storage does not answer."),
    "worker": (check_worker, "Whether a worker runs could not be seen."),
    "queue": (check_queue, "The queue cannot be read."),
    "providers": (check_providers, "The providers could not be looked at."),
    "registry": (check_registry, "The model registry could not be looked at."),
    "costs": (check_costs, "What orders cost could not be seen."),
    "disk": (check_disk, "The disk does not answer."),
    "environment": (check_environment, "The settings could not be looked at."),
}


def health(
    settings: Settings,
    *,
    db: Database | None = None,
    storage: Callable[[], Storage] | None = None,
    provider: Callable[[str], Provider] | None = None,
    only: Collection[str] | None = None,
    deep: bool = False,
) -> Health:
    """Look at everything, or at the checks named in `only`; takes at most 5 s, changes nothing and raises nothing.

    A server passes what it has open (`db`, `storage`, `provider`). `deep` also reads a small SQLite file through.
    """
    opened = None if db is not None else _open(settings)
    site = Site(
        settings=settings,
        db=db or opened,
        storage=storage or (lambda: open_storage(settings)),
        provider=provider or (lambda name: PROVIDERS[name].build(settings)),
        deep=deep,
        clean=Redactor(secrets_of(settings)).text,
    )
    wanted = [name for name in CHECKS if only is None or name in only]
    try:
        found = all_within(PATIENCE_SECONDS, {name: _question(site, name) for name in wanted})
    finally:
        if opened is not None:
            opened.close()
    late = {name: Check(name=name, state=State.DOWN, sentence=CHECKS[name][1]) for name in wanted}
    return Health(checks=tuple((late | found)[name] for name in wanted))


def print_queue_stats() -> None:
    """Print how this installation is, as `python monitor.py` does."""
    main([])


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="monitor.py", description="Is this installation well?")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument(
        "--watch", nargs="?", const=WATCH_SECONDS, type=float, metavar="SECONDS", help="look again and again"
    )
    asked = parser.parse_args(arguments)
    while True:
        found = _look()
        if asked.json:
            print(json.dumps(found.as_dict()), flush=True)
        else:
            from vividflow.health.tables import print_health

            print_health(found, clear=asked.watch is not None)
        if asked.watch is None:
            return found.exit_code
        try:
            time.sleep(max(0.2, asked.watch))
        except KeyboardInterrupt:
            return found.exit_code


def _look() -> Health:
    try:
        return health(Settings.from_environment(), deep=True)
    except Complaints as wrong:
        sentence = "The settings cannot be read. " + "; ".join(wrong.complaints)
        return Health(checks=(Check(name="environment", state=State.DOWN, sentence=sentence),))


def _open(settings: Settings) -> Database | None:
    try:
        return open_for_reading(settings)
    except (ArgumentError, OSError):  # the check of the database meets the same, and says so
        return None


def _question(site: Site, name: str) -> Callable[[], Check]:
    look, broken = CHECKS[name]

    def ask() -> Check:
        try:
            state, sentence, facts = look(site)
        except Exception as error:  # noqa: BLE001 - whatever breaks here is the very thing the operator must be told
            trouble = site.clean(f"{type(error).__name__}: {error}").partition("\n")[0]
            return Check(name=name, state=State.DOWN, sentence=broken, facts={"error": trouble})
        return Check(name=name, state=state, sentence=sentence, facts=facts)

    return ask


if __name__ == "__main__":
    raise SystemExit(main())
