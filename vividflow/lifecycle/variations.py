"""Several clips of one wish: the same plan with seeds that follow on each other, so that each can be asked for again."""

from __future__ import annotations

from dataclasses import replace

from vividflow.lifecycle.wish import SEED_MAX, Plan


def seeded(made: Plan, count: int) -> list[Plan]:
    """`count` plans with different seeds, the first with its own; equal ones where the model takes no seed."""
    first = made.params.get("seed")
    if first is None or count == 1:
        return [made] * count
    seeds = (made.model.limits.seed_max or SEED_MAX) + 1
    return [replace(made, params=made.params | {"seed": (first + number) % seeds}) for number in range(count)]
