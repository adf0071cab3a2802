"""Jobs that wait for a provider which is shut, sent by another route: all of them when it shuts, page by page."""

from __future__ import annotations

from collections.abc import Callable

from vividflow.lifecycle.diverting import has_others
from vividflow.lifecycle.standing import Gate
from vividflow.lifecycle.tools import Tools
from vividflow.timing import monotonic

DIVERT_SECONDS = 0.5
# Who came, or whose backoff ended, after the walk; and routes that opened again meanwhile.
AGAIN_SECONDS = 15.0
Divert = Callable[[str, tuple[float, str]], "tuple[float, str] | None"]
_START = (0.0, "")


class Diversions:
    """The walks through the queues of shut providers; `divert` does one page and says where the next one begins."""

    def __init__(self, tools: Tools, divert: Divert) -> None:
        self._tools = tools
        self._divert = divert
        self._walked_at: dict[str, float] = {}
        self._walks: dict[str, tuple[float, str]] = {}

    def go_on(self) -> None:
        """Begin a walk for each provider that has just shut, and do the next page of each walk."""
        standing = self._tools.standing
        shut = {name for name in self._tools.registry.vendors if standing.of_provider(name).gate is Gate.SHUT}
        self._walked_at = {name: at for name, at in self._walked_at.items() if name in shut}
        for name in shut:
            if monotonic() >= self._walked_at.get(name, 0.0) and has_others(self._tools, name):
                self._walked_at[name] = monotonic() + AGAIN_SECONDS
                self._walks.setdefault(name, _START)
        for name, after in list(self._walks.items()):
            behind = self._divert(name, after) if name in shut else None
            if behind is None:
                del self._walks[name]
            else:
                self._walks[name] = behind
