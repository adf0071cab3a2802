"""What every page has around it: who is signed in, the theme, the jobs under way, times in the reader's zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, current_app, make_response, redirect, render_template, request
from sqlalchemy.exc import SQLAlchemyError

from vividflow import timing
from vividflow.api.request_id import request_id_of
from vividflow.lifecycle.usage import over_alert
from vividflow.pages import session, static_files, words
from vividflow.pages.compressing import compress
from vividflow.pages.job_view import STEPS
from vividflow.pages.navigation import Navigation
from vividflow.records import jobs, ledger, library
from vividflow.records.jobs import QUEUED, Job
from vividflow.records.queue_figures import count_in_review
from vividflow.records.users import User

if TYPE_CHECKING:
    from vividflow.api.house import House

THEMES = ("system", "light", "dark")
THEME_COOKIE = "vf_theme"
THEME_SECONDS = 365 * 86400


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A prompt to begin with, and the few words it is offered under."""

    name: str
    prompt: str


SAMPLES = (
    Sample(
        name="Lighthouse at dusk",
        prompt="A lone lighthouse at dusk, beam sweeping through thin fog. Slow aerial push-in, long lens, calm sea, "
        "warm window light.",
    ),
    Sample(
        name="Caravan in the dunes",
        prompt="Camel caravan crossing tall dunes at golden hour, wide static shot, drifting sand, long shadows.",
    ),
    Sample(
        name="Turquoise wave",
        prompt="Turquoise wave curling in slow motion, backlit spray, camera level with the water, bright morning.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Tray:
    """The jobs button: how many are under way, how far they are on average, and what the page title starts with."""

    count: int
    percent: int
    prefix: str

    @property
    def label(self) -> str:
        """Its name for people who do not see it."""
        return f"Jobs: {self.count} in progress, {self.percent} percent" if self.count else "Jobs: none in progress"


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A sentence about what just happened; `undo` is the job, `moment` when the jobs were put away, to be taken back."""

    text: str
    undo: str | None = None
    moment: float | None = None


SAID = {
    "password": "Password changed. You are signed out everywhere else.",
    "zone": "Time zone saved.",
    "profile": "Name saved.",
    "keyboard": "Keyboard saved.",
    "provenance": "Saved, for what is made from now on.",
    "session": "That browser is signed out.",
    "sessions": "Signed out everywhere else.",
    "added": "Added to your assets.",
    "revoked": "Key revoked.",
    "restored": "Taken back from the trash.",
    "cancelled": "Cancelled.",
    "cancelling": "Stopping. The provider was asked.",
    "retried": "Queued again as a new job.",
    "front": "Moved to the front of your queue.",
    "nothing": "Nothing was queued.",
    "purged": "Deleted for good.",
    "emptied": "The trash is empty.",
    "choose": "Choose something first.",
    "choose_one": "Choose one video to share.",
    "renamed": "Title saved.",
    "favourite": "Added to favourites.",
    "no_favourite": "No longer a favourite.",
    "shared": "Anyone with the link can watch now.",
    "share_saved": "The link is changed.",
    "unshared": "The link works no more.",
    "alert": "You will be told above that level.",
    "no_alert": "You will not be told.",
    "adopted": "Adopted. A worker fetches what it made; nobody is charged.",
    "lost": "Declared lost. The person was not charged.",
    "placed_again": "Declared lost, and placed again for the same person.",
    "paused": "Paused. No orders go there until you resume it.",
    "resumed": "Resumed. Orders may go there again.",
    "limited": "Limit saved.",
    "revived": "That model is ordered again.",
}


def set_up(app: Flask) -> None:
    """Teach the templates our words: static addresses, times, samples."""
    app.jinja_env.globals.update(
        static=static_files.address,
        csrf_token=session.csrf_token,
        new_key=timing.new_id,
        samples=SAMPLES,
        step_names=STEPS,
        script=static_files.script,
    )
    app.context_processor(lambda: {"frame": Frame(), "csrf_token": session.csrf_token})
    app.jinja_env.filters.update(
        iso=timing.iso,
        clock=words.clock,
        ago=lambda moment: words.ago(moment, zone(), timing.now()),
        day=lambda moment: words.day_and_time(moment, zone(), timing.now()),
        dollars=lambda micro: words.dollars(micro) if micro >= 0 else f"−{words.dollars(-micro)}",
        credits=lambda micro: f"{max(0, micro) // words.MICRO_PER_CREDIT:,}",
        short=lambda prompt: words.title(prompt, 40),
        month_name=lambda moment: f"{datetime.fromtimestamp(moment, UTC):%B %Y}",
        hour=lambda moment: f"{datetime.fromtimestamp(moment, zone()):%H:%M}",
        full_time=lambda moment: words.full_time(moment, zone()),
    )


def house() -> House:
    """What this server process has open."""
    return current_app.extensions["vividflow"]


def zone() -> tzinfo:
    """The reader's time zone."""
    user = session.current_session_user()
    return words.zone(user.time_zone if user else "UTC")


class Frame:
    """What surrounds a page; each part is looked up when a template asks for it, once a request."""

    @cached_property
    def user(self) -> User | None:
        """Who is signed in; nobody when the database cannot be asked, so that the page that says so can be made."""
        try:
            return session.current_session_user()
        except SQLAlchemyError:
            return None

    @cached_property
    def theme(self) -> str:
        """The theme that the first paint needs: the account's, else the cookie's."""
        chosen = self.user.theme if self.user else request.cookies.get(THEME_COOKIE, "system")
        return chosen if chosen in THEMES else "system"

    @cached_property
    def tray(self) -> Tray:
        """The person's jobs under way."""
        if self.user is None:
            return tray_of([])
        with house().tools.db.reading() as connection:
            return tray_of(jobs.active(connection, self.user.id))

    @cached_property
    def credits(self) -> dict[str, str] | None:
        """Balances, where this installation counts credits."""
        if self.user is None or not house().settings.credits:
            return None
        with house().tools.db.reading() as connection:
            found = ledger.account(connection, self.user.id)
        micro = words.MICRO_PER_CREDIT
        return {"available": f"{max(0, found.available) // micro:,}", "held": f"{found.held // micro:,}"}

    @cached_property
    def spending(self) -> str | None:
        """That this month's spending is above the level at which the person wants to be told; None while it is not."""
        try:
            spent = over_alert(house().tools, self.user, timing.now()) if self.user else None
        except SQLAlchemyError:
            return None
        if spent is None or self.user is None or self.user.usage_alert is None:
            return None
        return f"You have spent {words.dollars(spent)} this month, above your {words.dollars(self.user.usage_alert)}."

    @cached_property
    def places(self) -> Navigation:
        """Where one can go from here."""
        places: Navigation = current_app.jinja_env.globals["navigation"]  # pyright: ignore[reportAssignmentType]
        return places.seen_by(self.user is not None and self.user.is_admin)

    @cached_property
    def counts(self) -> dict[str, int]:
        """What waits for an administrator, by the path of its place."""
        if self.user is None or not self.user.is_admin:
            return {}
        with house().tools.db.reading() as connection:
            return {"/admin/review": count_in_review(connection)}

    @property
    def initials(self) -> str:
        """Two letters for the account button."""
        parts = self.user.name.split() if self.user else []
        return ((parts[0][:1] + parts[-1][:1]) if len(parts) > 1 else "".join(parts)[:2]).upper() or "?"

    @property
    def here(self) -> str:
        """The path of this page."""
        return request.path

    @property
    def back(self) -> str:
        """Path and query of this page, for forms that come back to it."""
        return here()

    @property
    def registration(self) -> str:
        """Who may sign up: open, invite or closed."""
        return house().settings.registration

    @cached_property
    def notice(self) -> Notice | None:
        """A sentence about what just happened, from the address that the last form led to."""
        return _notice(self.user)


def render(template: str, status: int = 200, **values: Any) -> Response:
    """A page from its template."""
    answer = make_response(render_template(template, now=timing.now(), **values), status)
    answer.headers["Cache-Control"] = "no-store"
    compress(answer)
    # Our own forms say where they come from, other hosts never learn an address with a secret in it.
    answer.headers["Referrer-Policy"] = "same-origin"
    return answer


def to(path: str, **query: str) -> Response:
    """Go on to one of our own pages with GET (303), saying what happened: `said="password"`, `undo=<job id>`."""
    if query:
        joint = "&" if "?" in path else "?"
        path += joint + urlencode(query)
    return redirect(path, 303)  # pyright: ignore[reportReturnType]


def own_path(given: str | None, otherwise: str) -> str:
    """`given` if it is a path on this host, without what was said there before; else `otherwise`."""
    if not given or not given.startswith("/") or given.startswith(("//", "/\\")) or not given.isprintable():
        return otherwise
    parts = urlsplit(given)
    if parts.scheme or parts.netloc:
        return otherwise
    kept = "&".join(pair for pair in parts.query.split("&") if pair and pair.partition("=")[0] not in ("said", "undo"))
    return parts.path + (f"?{kept}" if kept else "")


def here() -> str:
    """The path and query of this page, for forms that come back to it."""
    return own_path(request.full_path.rstrip("?"), "/create")


def keep_theme(answer: Response, chosen: str) -> Response:
    """Remember a theme in this browser, so that pages before sign-in have it too."""
    answer.set_cookie(
        THEME_COOKIE,
        chosen,
        max_age=THEME_SECONDS,
        secure=house().settings.public.startswith("https://"),
        samesite="Lax",
        httponly=True,
    )
    return answer


def tray_of(active: list[Job]) -> Tray:
    """The jobs button for a person's active jobs."""
    running = [0 if job.status == QUEUED else min(99, job.progress or 0) for job in active]
    percent = round(sum(running) / len(running)) if running else 0
    prefix = "" if not active else f"({percent}%) " if len(active) == 1 else f"({len(active)}) "
    return Tray(count=len(active), percent=percent, prefix=prefix)


def request_id() -> str:
    """The id of this request, as the log has it."""
    return request_id_of(request.environ)


def said(code: str | None) -> str | None:
    """The sentence behind a code in the address; other words in an address are never shown."""
    return SAID.get(code or "")


def _notice(user: User | None) -> Notice | None:
    undo = request.args.get("undo")
    if undo and undo.startswith("@") and user is not None:
        return _notice_of_many(user, undo[1:])
    if undo and user is not None:
        with house().tools.db.reading() as connection:
            job = jobs.own(connection, user.id, undo)
        if job is not None and job.deleted_at is not None:
            return Notice(
                text="1 video moved to the trash" if job.status == "completed" else "1 job moved to the trash",
                undo=job.id,
            )
    text = said(request.args.get("said"))
    return Notice(text=text) if text else None


def _notice_of_many(user: User, moment: str) -> Notice | None:
    try:
        then = float(moment)
        with house().tools.db.reading() as connection:
            count = len(library.trashed_at(connection, user.id, then))
    except ValueError:
        return None
    text = "1 item moved to the trash" if count == 1 else f"{count:,} items moved to the trash"
    return Notice(text=text, moment=then) if count else None


def fields(*names: str) -> Mapping[str, str]:
    """The named fields of a small form, trimmed; missing ones are empty."""
    return {name: request.form.get(name, "").strip() for name in names}
