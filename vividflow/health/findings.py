"""What a look at the installation brings: findings, and the whole of them. Sentences are fit for strangers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from vividflow import __version__
from vividflow.config import Settings
from vividflow.db.database import Database
from vividflow.providers.base import Provider
from vividflow.records.queue_figures import QueueFigures
from vividflow.storage.base import Storage


class State(StrEnum):
    """How one thing is; the worst of them is how all is."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, kw_only=True)
class Site:
    """What a check may look at. `db` is None when there is none yet; `deep` allows to read a small database through.

    `storage` opens the storage, or gives the one a server has open; `clean` takes the secrets out of a text.
    """

    settings: Settings
    db: Database | None
    storage: Callable[[], Storage]
    provider: Callable[[str], Provider]
    deep: bool
    clean: Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at. Paths, versions and errors are in `facts`, for the operator alone."""

    name: str
    state: State
    sentence: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Health:
    """What was found, in the order of the table in monitor.py."""

    checks: tuple[Check, ...]

    @property
    def exit_code(self) -> int:
        """0 healthy, 1 degraded, 2 down: the worst of the checks."""
        return max((list(State).index(check.state) for check in self.checks), default=0)

    @property
    def status(self) -> str:
        """healthy, degraded or down."""
        return ("healthy", "degraded", "down")[self.exit_code]

    @property
    def figures(self) -> QueueFigures:
        """The queue; empty when it could not be read."""
        check = self.check("queue")
        return check.facts.get("figures", QueueFigures()) if check else QueueFigures()

    @property
    def models(self) -> dict[str, dict[str, Any]]:
        """Model to `1h` and `24h` to its `ModelFigures`; only what had jobs that ended."""
        check = self.check("queue")
        return check.facts.get("models", {}) if check else {}

    def check(self, name: str) -> Check | None:
        """The check of that name, if it was made."""
        return next((check for check in self.checks if check.name == name), None)

    def as_dict(self) -> dict[str, Any]:
        """The answer of `python monitor.py --json`."""
        return {
            "status": self.status,
            "version": __version__,
            "queue": self.figures.by_status,
            "oldest_due_seconds": self.figures.oldest_due_seconds,
            "stuck": self.figures.stuck,
            "models": {name: {span: asdict(row) for span, row in spans.items()} for name, spans in self.models.items()},
            "database": self._section("database"),
            "storage": self._section("storage"),
            "providers": dict(check.facts) if (check := self.check("providers")) else {},
            "registry": self._section("registry"),
            "costs": self._section("costs"),
            "disk": self._section("disk"),
            "environment": self._section("environment"),
            "worker": self._section("worker") | {"deliveries": self.figures.deliveries},
        }

    def _section(self, name: str) -> dict[str, Any]:
        check = self.check(name)
        return {"state": check.state.value, "message": check.sentence, **check.facts} if check else {}


Finding = tuple[State, str, dict[str, Any]]


def span(seconds: float | None) -> str:
    """A stretch of time for people: 0.4 s, 12 s, 3 min, 5 h."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.0f} h"
    )
