"""The service addresses: is the process up, can it serve, how are its dependencies, and the figures for Prometheus."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from ipaddress import ip_address
from typing import Any
from weakref import WeakKeyDictionary

from flask import Request, Response

import monitor
from vividflow import __version__
from vividflow.api.address import Call
from vividflow.api.auth import require_admin
from vividflow.api.house import House
from vividflow.api.proxies import PEER
from vividflow.errors import Problem
from vividflow.health.findings import Health, State
from vividflow.timing import monotonic

NEEDED = ("database", "storage", "worker")
MEASURED = ("database", "storage", "worker", "queue", "disk")
READY_KEPT_SECONDS, SERVICES_KEPT_SECONDS, FIGURES_KEPT_SECONDS = 1.0, 5.0, 5.0


def healthz(_call: Call) -> tuple[int, Mapping[str, Any]]:
    """200 as long as the process answers at all."""
    return 200, {"status": "ok", "version": __version__}


def readyz(call: Call) -> tuple[int, Mapping[str, Any]]:
    """200 when database, storage and worker answer. Raises `Problem` 503 `not_ready` with the reason."""
    found = _looks.at(call.house, NEEDED, READY_KEPT_SECONDS)
    checks = {check.name: check.state.value for check in found.checks}
    missing = [check.sentence for check in found.checks if check.state is State.DOWN]
    if missing:
        raise Problem(503, "not_ready", " ".join(missing), retry_after=5, extra={"checks": checks})
    return 200, {"status": "ready", "checks": checks}


def services(call: Call) -> tuple[int, Mapping[str, Any]]:
    """Each dependency with its state and a sentence; paths, versions and errors are for `python monitor.py` alone."""
    found = _looks.at(call.house, None, SERVICES_KEPT_SECONDS)
    each: dict[str, dict[str, Any]] = {
        check.name: {"state": check.state.value, "message": check.sentence} for check in found.checks
    }
    if check := found.check("providers"):
        named = {
            name: {"state": one["state"], "message": one["message"]}
            for name, one in check.facts.items()
            if name != "error"
        }
        each["providers"]["providers"] = named
    return 200, {"status": found.status, "version": __version__, "services": each}


def metrics(call: Call) -> Response:
    """The figures in Prometheus' text format, for an administrator's key or for a peer on this machine.

    Raises `Problem` 403 for somebody else's key and 404 for anybody else.
    """
    if call.known is not None:
        require_admin(call.known)
    elif not came_from_here(call.request):
        raise Problem(404, "not_found", "There is nothing at this address.")
    found = _looks.at(call.house, MEASURED, FIGURES_KEPT_SECONDS)
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
    from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(found, call.house))  # pyright: ignore[reportArgumentType]
    ProcessCollector(registry=registry)
    return Response(generate_latest(registry), 200, content_type=CONTENT_TYPE_PLAIN_0_0_4)


def came_from_here(request: Request) -> bool:
    """Whether the very peer is on this machine and nobody forwarded the request."""
    environ = request.environ
    if any(name == "HTTP_FORWARDED" or name.startswith("HTTP_X_FORWARDED") for name in environ):
        return False
    try:
        peer = ip_address(environ.get(PEER) or environ.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return (getattr(peer, "ipv4_mapped", None) or peer).is_loopback


class _Looks:
    """The last look of each sort, shared by all who ask soon after: asking for health must not become a load."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: WeakKeyDictionary[House, dict[Collection[str] | None, tuple[float, Health]]] = WeakKeyDictionary()

    def at(self, house: House, only: tuple[str, ...] | None, kept_seconds: float) -> Health:
        with self._lock:
            kept = self._kept.setdefault(house, {})
            until, found = kept.get(only, (0.0, None))
            if found is None or monotonic() >= until:
                found = self._look(house, only)
                kept[only] = (monotonic() + kept_seconds, found)
            return found

    def _look(self, house: House, only: tuple[str, ...] | None) -> Health:
        tools = house.tools
        return monitor.health(
            house.settings, db=tools.db, storage=lambda: tools.storage, provider=tools.provider, only=only
        )


_looks = _Looks()


class _Figures:
    """One scrape: what was found, in the words of Prometheus."""

    def __init__(self, found: Health, house: House) -> None:
        self._found = found
        self._commits = house.tools.db.commits

    def collect(self) -> Iterator[Any]:
        """The families of figures."""
        from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily

        def gauge(name: str, text: str, labels: list[str], rows: Mapping[tuple[str, ...], float]) -> Any:
            family = GaugeMetricFamily(f"vividflow_{name}", text, labels=labels)
            for values, number in rows.items():
                family.add_metric(values, number)
            return family

        found, figures = self._found, self._found.figures
        states = list(State)
        yield InfoMetricFamily("vividflow", "This installation.", {"version": __version__})
        checks = {(check.name,): float(states.index(check.state)) for check in found.checks}
        yield gauge("check_state", "How a dependency is: 0 ok, 1 degraded, 2 down.", ["check"], checks)
        if (queue := found.check("queue")) and "figures" in queue.facts:
            by_status = {(status,): float(number) for status, number in figures.by_status.items()}
            yield gauge("jobs", "Jobs by status, without the trash.", ["status"], by_status)
            deliveries = {(status,): float(number) for status, number in figures.deliveries.items()}
            yield gauge("deliveries", "Webhook messages by status.", ["status"], deliveries)
            oldest = {(): figures.oldest_due_seconds or 0.0}
            yield gauge("oldest_due_seconds", "How long the longest waiting job has been due.", [], oldest)
            yield gauge("stuck_leases", "Leases past their end.", [], {(): float(figures.stuck)})
        ended: dict[tuple[str, ...], float] = {}
        took: dict[tuple[str, ...], float] = {}
        for model, spans in found.models.items():
            for window, row in spans.items():
                for status in ("completed", "failed", "cancelled"):
                    ended[model, status, window] = getattr(row, status)
                for phase in ("queue", "generation", "processing", "total"):
                    if (seconds := getattr(row, f"{phase}_seconds")) is not None:
                        took[model, phase, window] = seconds
        yield gauge("jobs_ended", "Jobs that ended within a window.", ["model", "status", "window"], ended)
        yield gauge("job_seconds_mean", "Mean seconds of completed jobs.", ["model", "phase", "window"], took)
        if disk := found.check("disk"):
            yield gauge("disk_free_bytes", "Free room at the data folder.", [], {(): disk.facts.get("free_bytes", 0.0)})
        yield CounterMetricFamily("vividflow_database_commits", "Commits of this process.", value=self._commits)
