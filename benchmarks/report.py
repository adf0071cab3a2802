"""The table that every benchmark ends with."""

from __future__ import annotations

import os
import platform
from statistics import median

from rich.console import Console
from rich.table import Table

Row = tuple[str, str, bool | None]


def report(title: str, rows: list[Row]) -> None:
    """Print (what, figure, reached?) rows; None is a figure without a goal."""
    load = os.getloadavg()[0]
    table = Table(title=f"{title} · {os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}")
    for column in ("what", "figure", "goal"):
        table.add_column(column)
    words = {True: "reached", False: "missed", None: ""}
    for what, figure, reached in rows:
        table.add_row(what, figure, words[reached])
    Console(width=150).print(table)


def quantile(values: list[float], share: float) -> float:
    """The value below which `share` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def middle(values: list[float]) -> float:
    """The median."""
    return median(values)
