"""Request limits: named groups of the settings, counted for each key, session or address."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from flask import Flask, g, has_request_context
from flask_limiter import Limiter
from limits import RateLimitItem, parse_many

from vividflow.api import quiet_counts as _registered  # noqa: F401 - its import makes the scheme "quiet" known
from vividflow.config import Settings
from vividflow.errors import Complaints, Problem

GROUPS = {
    "api": "limit_api",
    "web": "limit_web",
    "reads": "limit_reads",
    "sign_in": "limit_sign_in",
    "enhance": "limit_enhance",
    "storyboard": "limit_storyboard",
    "uploads": "limit_uploads",
    "anonymous": "limit_anonymous",
}
WORDS = {
    "api": "requests that create or change something",
    "web": "requests that create or change something",
    "reads": "reading requests",
    "sign_in": "sign-in, sign-up and reset requests from this address",
    "enhance": "enhanced prompts",
    "storyboard": "storyboards",
    "uploads": "uploads",
    "anonymous": "requests from this address without a valid key",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """One window of a group for one caller: `quota` in `seconds`, `left` of it, `reset` seconds until it ends."""

    name: str
    quota: int
    seconds: int
    left: int
    reset: int

    @property
    def policy(self) -> str:
        """Its item of `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers)."""
        return f'"{self.name}";q={self.quota};w={self.seconds}'

    @property
    def state(self) -> str:
        """Its item of `RateLimit`."""
        return f'"{self.name}";r={self.left};t={self.reset}'


class Limits:
    """The groups of one app. Flask-Limiter holds counters and strategy (`limiter`); who is counted is known only to us."""

    def __init__(self, settings: Settings) -> None:
        """Reads the groups. Raises `Complaints` naming each LIMIT_ variable that cannot be read."""
        self.limiter = Limiter(_nobody, storage_uri="quiet://", strategy="fixed-window", headers_enabled=False)
        complaints: list[str] = []
        self._groups: dict[str, list[tuple[str, RateLimitItem]]] = {}
        for group, name in GROUPS.items():
            try:
                self._groups[group] = _read(group, getattr(settings, name))
            except ValueError:
                complaints.append(f"{name.upper()}: {getattr(settings, name)!r} is not like 500/hour;2000/day, or off")
        if complaints:
            raise Complaints(complaints)

    def init_app(self, app: Flask) -> None:
        """Count in this app."""
        # What is registered already gets no hooks of its own: they look for decorated views at every request (30 µs), and
        # there are none, because whom to count is known only after the key was read.
        app.extensions["limiter"] = {self.limiter}
        self.limiter.init_app(app)

    def spend(self, group: str, who: str) -> Mapping[str, str]:
        """Count one request of `who` in a group; the rate headers for the answer (none when the group is off).

        Within a request of Flask they are also kept for the answer. Raises `Problem` 429 with the same headers.
        """
        items = self._groups[group]
        if not items:
            return {}
        counts, now = self.limiter.limiter, time.time()
        windows: list[Window] = []
        broken: Window | None = None
        for name, item in items:
            # The shortest window comes first, and what it refuses does not count in the longer ones.
            if broken is None and not counts.hit(item, group, who):
                broken = _window(name, item, 0, counts.get_window_stats(item, group, who).reset_time, now)
                windows.append(broken)
                continue
            stats = counts.get_window_stats(item, group, who)
            windows.append(_window(name, item, stats.remaining, stats.reset_time, now))
        headers = _headers(windows, broken, now)
        if has_request_context():
            g.rate_headers = headers
        if broken is not None:
            raise Problem(
                429,
                "rate_limited",
                f"You have used all {broken.quota:,} {WORDS[group]} of {_span(broken.seconds)}. "
                f"Try again in {broken.reset} s.",
                retry_after=broken.reset,
                headers=dict(headers),
            )
        return headers


def _nobody() -> str:
    raise RuntimeError("every limit names who it counts")


def _read(group: str, text: str) -> list[tuple[str, RateLimitItem]]:
    if text.strip().lower() == "off":
        return []
    items = sorted(parse_many(text), key=lambda item: item.get_expiry())
    return [(f"{group}-{item.get_expiry()}" if len(items) > 1 else group, item) for item in items]


def _window(name: str, item: RateLimitItem, left: int, ends: float, now: float) -> Window:
    reset = min(item.get_expiry(), max(1, math.ceil(ends - now)))
    return Window(name=name, quota=item.amount, seconds=item.get_expiry(), left=max(0, left), reset=reset)


def _headers(windows: list[Window], broken: Window | None, now: float) -> dict[str, str]:
    tightest = broken or min(windows, key=lambda window: window.left)
    return {
        "RateLimit-Policy": ", ".join(window.policy for window in windows),
        "RateLimit": ", ".join(window.state for window in windows),
        "X-RateLimit-Limit": str(tightest.quota),
        "X-RateLimit-Remaining": str(tightest.left),
        "X-RateLimit-Reset": str(math.ceil(now) + tightest.reset),
    }


def _span(seconds: int) -> str:
    for unit, name in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds % unit == 0:
            count = seconds // unit
            return f"one {name}" if count == 1 else f"{count} {name}s"
    return f"{seconds} seconds"
