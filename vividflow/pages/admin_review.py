"""The jobs of which nobody could learn whether their order ran, and what an operator says is so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse

from vividflow.errors import Problem
from vividflow.lifecycle import review
from vividflow.pages import session, words
from vividflow.pages.job_view import vendor_title
from vividflow.pages.shell import house, render, to
from vividflow.records import audit
from vividflow.records.audit import Who, who_of
from vividflow.records.queue_figures import InReview, count_in_review, in_review

ADDRESS = "/admin/review"
MOST = 50
LAST_ACTS = 10
ACTS = {"adopt": "Adopted", "lost": "Declared lost", "retry": "Placed again"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One job in words. `known` is what is certain of its order, `why` why the rest is not."""

    row: InReview
    title: str
    provider: str
    model: str
    price: str
    known: str
    why: str
    console: str | None


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """What could not be done, to which job, and what stood in its field."""

    job_id: str
    text: str
    param: str | None
    typed: str


def show() -> Response:
    """The page."""
    return _page()


def adopt(job_id: str) -> AnyResponse:
    """The order ran: this is the provider's id of it."""
    given = request.form.get("operation", "")
    return _settled(job_id, "adopted", lambda by: review.adopt(house().tools, job_id, given, by=by))


def lost(job_id: str) -> AnyResponse:
    """The order never ran, or nobody wants to wait any longer."""
    return _settled(job_id, "lost", lambda by: review.declare_lost(house().tools, job_id, by=by))


def retry(job_id: str) -> AnyResponse:
    """Lost, and the same wish placed anew for the same person."""
    return _settled(job_id, "placed_again", lambda by: review.place_again(house().tools, job_id, by=by))


def _settled(job_id: str, said: str, act: Callable[[Who], object]) -> AnyResponse:
    try:
        act(who_of(session.signed_in()))
    except Problem as problem:
        if problem.status == 404:
            raise
        typed = request.form.get("operation", "")
        return _page(Refusal(job_id=job_id, text=problem.detail, param=problem.param, typed=typed), problem.status)
    return to(ADDRESS, said=said)


def _page(refused: Refusal | None = None, status: int = 200) -> Response:
    with house().tools.db.reading() as connection:
        found = in_review(connection, MOST)
        count = count_in_review(connection)
        done = audit.newest(connection, audit.JOB, LAST_ACTS)
    cases = [_case(each) for each in found]
    return render("admin/review.html", status, cases=cases, count=count, done=done, acts=ACTS, refused=refused)


def _case(row: InReview) -> Case:
    tools = house().tools
    model, facts = tools.registry.model(row.model or ""), tools.registry.vendors.get(row.provider or "")
    return Case(
        row=row,
        title=row.title or words.title(row.prompt),
        provider=vendor_title(tools, row.provider),
        model=model.title if model else row.model or "",
        price=f"{words.dollars(row.quoted)} · {words.credits(row.quoted)}",
        known=_known(row),
        why=_why(row),
        console=facts.console if facts else None,
    )


def _known(row: InReview) -> str:
    if row.order_id is None:
        return "No order is on record. Nothing was sent as far as this installation knows."
    seed = row.params.get("seed")
    by = f"by its time, its prompt and the seed {seed}" if seed is not None else "by its time and its prompt"
    if row.operation_id is not None:
        return f"The provider named it {row.operation_id}."
    return f"It was meant to be sent as {row.provider_model}. The provider named no id, so look for it {by}."


def _why(row: InReview) -> str:
    heard = (row.why or "No answer came to the order.").strip()
    times = "once" if row.asked == 1 else f"{row.asked} times"
    asked = f" The provider was asked {times} and could not tell." if row.asked else " The provider could not be asked."
    return heard + asked
