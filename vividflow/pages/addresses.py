"""Every page in one table: its path, who may see it, and the view; and what is done before any of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Flask, request
from werkzeug.wrappers import Response

from vividflow.errors import Problem
from vividflow.pages import (
    admin_providers,
    admin_review,
    api_call,
    assets,
    component_sheet,
    create,
    drafts,
    jobs,
    keep,
    keys,
    library,
    library_acts,
    one_video,
    picking,
    reset,
    session,
    settings,
    share,
    sign_in,
    sign_up,
    static_files,
    usage,
)
from vividflow.pages.shell import here, house, to

SAFE = ("GET", "HEAD", "OPTIONS")
FORM_BYTES = 64 * 1024
SIGNED_OUT = "You are signed out. Sign in again in another tab; what you typed is still here."


@dataclass(frozen=True, kw_only=True)
class Page:
    """One address. `public` pages need nobody signed in; a `streams` view reads its body, and proves its token, itself.

    `quiet` requests come by themselves while somebody types: they count as reading, not against what one may make.
    `admin` pages are for administrators alone.
    """

    method: str
    path: str
    view: Callable[..., Any]
    public: bool = False
    streams: bool = False
    quiet: bool = False
    admin: bool = False

    @property
    def name(self) -> str:
        """Its endpoint."""
        return f"{self.view.__module__.rpartition('.')[2]}_{self.view.__name__}"


PAGES: tuple[Page, ...] = (
    Page(method="GET", path="/", view=create.front_door, public=True),
    # ---- people
    Page(method="GET", path="/login", view=sign_in.show, public=True),
    Page(method="POST", path="/login", view=sign_in.submit, public=True),
    Page(method="GET", path="/login/link/<secret>", view=sign_in.show_link, public=True),
    Page(method="POST", path="/login/link/<secret>", view=sign_in.use_link, public=True),
    Page(method="POST", path="/logout", view=sign_in.leave, public=True),
    Page(method="GET", path="/signup", view=sign_up.show, public=True),
    Page(method="POST", path="/signup", view=sign_up.submit, public=True),
    Page(method="GET", path="/reset", view=reset.show, public=True),
    Page(method="POST", path="/reset", view=reset.submit, public=True),
    Page(method="GET", path="/reset/<secret>", view=reset.show_new, public=True),
    Page(method="POST", path="/reset/<secret>", view=reset.submit_new, public=True),
    # ---- studio
    Page(method="GET", path="/create", view=create.show),
    Page(method="POST", path="/create", view=create.submit, streams=True),
    Page(method="PUT", path="/create/draft", view=drafts.save, quiet=True),
    Page(method="POST", path="/create/quote", view=create.price, quiet=True),
    Page(method="GET", path="/create/pictures", view=picking.show),
    Page(method="POST", path="/create/frame/<job_id>", view=picking.frame),
    Page(method="POST", path="/create/call", view=api_call.of_form, quiet=True),
    Page(method="GET", path="/create/call/<job_id>", view=api_call.of_job),
    Page(method="GET", path="/jobs", view=jobs.listing),
    Page(method="GET", path="/jobs/cards", view=jobs.cards),
    Page(method="GET", path="/jobs/panel", view=jobs.panel),
    Page(method="POST", path="/jobs/cancel-queued", view=jobs.cancel_queued),
    Page(method="GET", path="/jobs/<job_id>", view=jobs.show),
    Page(method="POST", path="/jobs/<job_id>/cancel", view=jobs.cancel),
    Page(method="POST", path="/jobs/<job_id>/front", view=jobs.front),
    Page(method="POST", path="/jobs/<job_id>/retry", view=jobs.retry),
    Page(method="POST", path="/jobs/<job_id>/delete", view=jobs.delete),
    Page(method="POST", path="/jobs/<job_id>/restore", view=jobs.restore),
    # ---- media
    Page(method="GET", path="/library", view=library.show),
    Page(method="GET", path="/library/tiles", view=library.some),
    Page(method="POST", path="/library/download", view=library_acts.download),
    Page(method="POST", path="/library/share", view=library_acts.share),
    Page(method="POST", path="/library/favourite", view=library_acts.favourite),
    Page(method="POST", path="/library/delete", view=library_acts.delete),
    Page(method="POST", path="/library/restore", view=library_acts.restore),
    Page(method="POST", path="/library/purge", view=library_acts.purge),
    Page(method="GET", path="/library/empty-trash", view=library_acts.ask_to_empty),
    Page(method="POST", path="/library/empty-trash", view=library_acts.empty),
    Page(method="GET", path="/assets", view=assets.listing),
    Page(method="POST", path="/assets", view=assets.add, streams=True),
    Page(method="GET", path="/assets/cards", view=assets.cards),
    Page(method="GET", path="/assets/<image_id>", view=assets.show),
    Page(method="POST", path="/assets/<image_id>/delete", view=assets.delete),
    Page(method="POST", path="/assets/<image_id>/restore", view=assets.restore),
    Page(method="POST", path="/assets/uploads/<upload_id>/give-up", view=assets.give_up),
    # ---- one video
    Page(method="GET", path="/library/<job_id>", view=one_video.show),
    Page(method="POST", path="/library/<job_id>/title", view=one_video.rename),
    Page(method="POST", path="/library/<job_id>/favourite", view=one_video.favourite),
    Page(method="POST", path="/library/<job_id>/share", view=one_video.share),
    Page(method="POST", path="/library/<job_id>/share/off", view=one_video.unshare),
    Page(method="GET", path="/s/<token>", view=share.show, public=True),
    Page(method="GET", path="/s/<token>/file", view=share.file, public=True),
    Page(method="GET", path="/s/<token>/poster", view=share.poster, public=True),
    Page(method="GET", path="/_ui", view=component_sheet.show, public=True),
    # ---- account
    Page(method="GET", path="/usage", view=usage.show),
    Page(method="POST", path="/usage/alert", view=usage.alert),
    Page(method="GET", path="/developers/keys", view=keys.listing),
    Page(method="POST", path="/developers/keys", view=keys.make),
    Page(method="GET", path="/developers/keys/<key_id>/revoke", view=keys.ask),
    Page(method="POST", path="/developers/keys/<key_id>/revoke", view=keys.revoke),
    Page(method="GET", path="/settings", view=settings.show),
    Page(method="POST", path="/settings/profile", view=settings.profile),
    Page(method="POST", path="/settings/keyboard", view=settings.keyboard),
    Page(method="POST", path="/settings/provenance", view=settings.provenance),
    Page(method="POST", path="/settings/theme", view=settings.theme, public=True),
    Page(method="POST", path="/settings/time-zone", view=settings.time_zone),
    Page(method="POST", path="/settings/password", view=settings.password),
    Page(method="POST", path="/settings/sessions/end", view=settings.end_sessions),
    Page(method="POST", path="/settings/sessions/<session_id>/end", view=settings.end_session),
    # ---- operators
    Page(method="GET", path="/admin/review", view=admin_review.show, admin=True),
    Page(method="POST", path="/admin/review/<job_id>/adopt", view=admin_review.adopt, admin=True),
    Page(method="POST", path="/admin/review/<job_id>/lost", view=admin_review.lost, admin=True),
    Page(method="POST", path="/admin/review/<job_id>/retry", view=admin_review.retry, admin=True),
    Page(method="GET", path="/admin/providers", view=admin_providers.show, admin=True),
    Page(method="POST", path="/admin/providers/<name>/pause", view=admin_providers.pause, admin=True),
    Page(method="POST", path="/admin/providers/<name>/resume", view=admin_providers.resume, admin=True),
    Page(method="POST", path="/admin/providers/<name>/limit", view=admin_providers.limit, admin=True),
    Page(method="POST", path="/admin/providers/<name>/revive", view=admin_providers.revive, admin=True),
)
_BY_NAME = {f"pages.{page.name}": page for page in PAGES}


def register(app: Flask) -> None:
    """Put every page into `app`, and the static files beside them."""
    pages = Blueprint("pages", __name__)
    for page in PAGES:
        pages.add_url_rule(page.path, page.name, page.view, methods=[page.method])
    pages.before_request(_before)
    app.register_blueprint(pages)
    app.add_url_rule("/static/v-<held>/<path:name>", "static_file", static_files.serve)


def _before() -> Response | None:
    """Count the request, ask who it is, and prove that a form came from one of our own pages."""
    page = _BY_NAME[request.endpoint or ""]
    user = session.current_session_user()
    changes = request.method not in SAFE
    limits = house().limits
    if user is not None:
        limits.spend("web" if changes and not page.quiet else "reads", f"user:{user.id}")
    else:
        limits.spend("sign_in" if changes else "anonymous", request.remote_addr or "")
    if user is None and not page.public:
        return _ask_to_sign_in(changes)
    if user is not None and user.suspended_at is not None and not page.public:
        raise Problem(403, "account_suspended", "This account is suspended. Ask an administrator.")
    if page.admin and (user is None or not user.is_admin):
        raise Problem(403, "admin_only", "Only an administrator may do this.")
    if changes and not page.streams:
        request.max_content_length = FORM_BYTES
        session.check_csrf(request.form.get("csrf_token"))
    return None


def _ask_to_sign_in(changes: bool) -> Response:
    by_script = request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
    if by_script or "HX-Request" in request.headers:
        raise Problem(401, "signed_out", SIGNED_OUT)
    if changes and (request.content_length or 0) <= FORM_BYTES:
        request.max_content_length = FORM_BYTES
        kept = keep.of_request()
        if kept is not None:
            return sign_in.ask_again(kept)
    back = "/create" if changes else here()
    return to("/login") if back == "/create" else to("/login", next=back)
