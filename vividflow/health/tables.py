"""Health for a terminal, with rich."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table

from vividflow import __version__, timing
from vividflow.health.findings import Check, Health, State, span

_COLOUR = {State.OK: "green", State.DEGRADED: "yellow", State.DOWN: "red"}
_STATUS_COLOUR = {"healthy": "green", "degraded": "yellow", "down": "red"}


def print_health(health: Health, *, clear: bool = False) -> None:
    """Print everything that was found to stdout; `clear` empties a terminal first."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=140)
    if clear and console.is_terminal:
        console.clear()
    colour = _STATUS_COLOUR[health.status]
    when = (timing.iso(timing.now()) or "")[:19].replace("T", " ")
    console.print(f"[bold]Vivid Flow {__version__}[/]  [bold {colour}]{health.status}[/]  [dim]{when} UTC[/]\n")
    for part in _parts(health):
        console.print(part)
        console.print()


def _parts(health: Health) -> Iterator[RenderableType]:
    yield _checks(health)
    if health.check("queue"):
        yield _queue(health)
    if health.models:
        yield _models(health)
    if check := health.check("providers"):
        yield _providers(check)
    if (check := health.check("environment")) and "set" in check.facts:
        given, missing = ", ".join(check.facts["set"]) or "–", ", ".join(check.facts["missing"])
        yield f"[bold]Set[/]      {given}\n[bold]Missing[/]  [dim]{missing}[/]"


def _checks(health: Health) -> Table:
    table = _table("Check", "State", "Finding")
    for check in health.checks:
        table.add_row(check.name, _state(check.state), escape(check.sentence) + _detail(check))
    return table


def _detail(check: Check) -> str:
    shown = ("error", "file", "path", "address", "wal_bytes", "touched_seconds_ago", "workers")
    facts = [f"{name} {check.facts[name]}" for name in shown if check.facts.get(name)]
    return f" [dim]{escape('; '.join(facts))}[/]" if facts else ""


def _queue(health: Health) -> Table:
    figures = health.figures
    table = _table("Queue", *figures.by_status, "oldest due", "stuck leases", numbers=True)
    counts = [str(number) for number in figures.by_status.values()]
    table.add_row("jobs", *counts, span(figures.oldest_due_seconds), str(figures.stuck))
    table.add_row("deliveries", *(str(number) for number in figures.deliveries.values()), "", "")
    return table


def _models(health: Health) -> Table:
    columns = ("last", "done", "failed", "cancelled", "success", "in queue", "generating", "processing", "in total")
    table = _table("Model", *columns, numbers=True)
    for name, spans in health.models.items():
        for each, row in spans.items():
            rate = "–" if row.success_rate is None else f"{row.success_rate:.0%}"
            times = (row.queue_seconds, row.generation_seconds, row.processing_seconds, row.total_seconds)
            counts = (row.completed, row.failed, row.cancelled)
            table.add_row(escape(name), each.replace("h", " h"), *map(str, counts), rate, *map(span, times))
    return table


def _providers(check: Check) -> Table:
    table = _table("Provider", "State", "Finding")
    for name, one in check.facts.items():
        if isinstance(one, dict):
            state = _state(State(one["state"])) if one["configured"] else "[dim]unset[/]"
            table.add_row(name, state, escape(one["message"]))
    return table


def _table(*columns: str, numbers: bool = False) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, column in enumerate(columns):
        options: dict[str, Any] = {"justify": "right"} if numbers and place else {"overflow": "fold"}
        table.add_column(column, **options)
    return table


def _state(state: State) -> str:
    return f"[{_COLOUR[state]}]{state.value}[/]"
