"""Looking for an order whose answer was lost, among the predictions that the account has (providers.md 3.3)."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from vividflow import timing
from vividflow.providers.absence import CERTAIN_NO_SECONDS, Absences
from vividflow.providers.base import CannotAsk, Order
from vividflow.providers.replicate_runs import Run, identity, made_at, may_belong

Page = dict[str, object]

MOST_PAGES = 100
CLOCK_SKEW_SECONDS = 60.0

__all__ = ["CERTAIN_NO_SECONDS", "Search"]


class Search:
    """`list_page` brings the object at a path (raises `Transient`); a POST may be in the air for `submit_seconds`.

    `certain_no_seconds` is the rest between two looks that find nothing before that is believed.
    """

    def __init__(
        self, list_page: Callable[[str], Page], *, base_path: str, submit_seconds: float, certain_no_seconds: float
    ) -> None:
        self._list_page = list_page
        self._base_path = base_path
        self._absences = Absences(submit_seconds=submit_seconds, rest=certain_no_seconds)

    def find(self, order: Order) -> Run | CannotAsk | None:
        """The order's own run, None for a certain no, NOT_YET for everything between. Raises `Transient`.

        A run that may be ours but cannot be told apart (its input is deleted, or was rewritten by the service) is
        neither adopted nor taken for an absence: the callback or a person decides.
        """
        runs = self._runs_since(order.intent_at - CLOCK_SKEW_SECONDS)
        if runs is None:
            return CannotAsk.NOT_YET
        free = [run for run in runs if may_belong(run, order)]
        same = [run for run in free if run.get("input") == order.request["input"]]
        if same and not order.siblings_submitting:
            return same[-1]
        return CannotAsk.NOT_YET if free or not self._absences.long_enough(order) else None

    def _runs_since(self, moment: float) -> list[Run] | None:
        """All predictions since `moment`, newest first; None when there are too many pages."""
        found: list[Run] = []
        path = f"/v1/predictions?{urlencode({'created_after': timing.iso(moment)})}"
        for _ in range(MOST_PAGES):
            page = self._list_page(path)
            runs, following = page.get("results"), page.get("next")
            known = [run for run in runs if isinstance(run, dict)] if isinstance(runs, list) else []
            recent = [run for run in known if identity(run) and (made_at(run) or moment) >= moment]
            found += recent
            if not isinstance(following, str) or len(recent) < len(known):
                return found
            # Only path and query: the key must not follow a link to another host.
            parts = urlsplit(following)
            path = f"{parts.path.removeprefix(self._base_path)}?{parts.query}"
        return None
