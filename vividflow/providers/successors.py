"""Who follows a model that is shut down: a walk along the registry, and what is wrong with the ways in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from vividflow.providers.model import Model


def living_successor(model: Model, known: Mapping[str, Model], usable: Callable[[Model], bool]) -> str | None:
    """The first model of the same kind that lives and is `usable`, on the way from successor to successor, or None."""
    for each in _followers(model, known):
        if not each.retired() and each.kind == model.kind and usable(each):
            return each.id
    return None


def check_successors(known: Mapping[str, Model]) -> list[str]:
    """A complaint for each model that follows itself, over however many others, or that nothing alive follows."""
    found: list[str] = []
    for model in known.values():
        way = _way_back(model, known)
        if way == (model.id,):
            found.append(f"model {model.id}: successors: it cannot be its own successor")
        elif way:
            found.append(f"model {model.id}: successors: they lead in a circle: {' → '.join((model.id, *way))}")
        elif model.successors and living_successor(model, known, lambda _: True) is None:
            named = ", ".join(model.successors)
            found.append(f"model {model.id}: successors: none of them ({named}) is a living {model.kind} model")
    return found


def _followers(model: Model, known: Mapping[str, Model]) -> Iterator[Model]:
    """Every model that can be reached, near ones first; a circle is walked once."""
    row, seen = list(model.successors), {model.id}
    while row:
        name = row.pop(0)
        if name in seen or name not in known:
            continue
        seen.add(name)
        yield known[name]
        row += known[name].successors


def _way_back(model: Model, known: Mapping[str, Model]) -> tuple[str, ...]:
    """The names on the shortest way from a model to itself; empty when there is none."""
    ways = [(name,) for name in model.successors]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        if way[-1] == model.id:
            return way
        if way[-1] in seen or way[-1] not in known:
            continue
        seen.add(way[-1])
        ways += [(*way, after) for after in known[way[-1]].successors]
    return ()
