"""The life of a generation: a state for each promise kept or thing awaited."""

from __future__ import annotations

from vividflow.lifecycle.cancelling import cancel, cancel_error
from vividflow.lifecycle.fetch import fetch, fetch_error
from vividflow.lifecycle.finish import finish, finish_error
from vividflow.lifecycle.look import late_look, look, look_error
from vividflow.lifecycle.reconcile import reconcile, reconcile_error
from vividflow.lifecycle.start import start
from vividflow.lifecycle.states import CANCELLED, COMPLETED, FAILED, PROCESSING, QUEUED, Lane, State, Table
from vividflow.lifecycle.submit import submit, submit_error
from vividflow.lifecycle.waiting import lane_of_generating

ENDS: Table = {
    "completed": State(status=COMPLETED, stage="completed"),
    "failed": State(status=FAILED, stage="failed"),
    "cancelled": State(status=CANCELLED, stage="cancelled"),
    "needs_review": State(status=FAILED, stage="failed"),
}

GENERATION: Table = {
    "queued": State(
        status=QUEUED,
        stage="queued",
        lane=Lane.LOOP,
        decide=start,
        next=frozenset({"submitting", "cancelled", "failed"}),
    ),
    "submitting": State(
        status=PROCESSING,
        stage="submitting",
        step=submit,
        on_error=submit_error,
        next=frozenset({"generating", "queued", "reconciling", "cancelling", "failed"}),
    ),
    "reconciling": State(
        status=PROCESSING,
        stage="checking",
        step=reconcile,
        on_error=reconcile_error,
        tries=None,
        gives_up="needs_review",
        next=frozenset({"generating", "queued", "needs_review", "cancelling", "failed"}),
    ),
    "generating": State(
        status=PROCESSING,
        stage="generating",
        step=look,
        on_error=look_error,
        lane_of=lane_of_generating,
        tries=None,
        next=frozenset({"downloading", "cancelling", "failed"}),
    ),
    "cancelling": State(
        status=PROCESSING,
        stage="cancelling",
        step=cancel,
        on_error=cancel_error,
        tries=None,
        next=frozenset({"cancelled", "downloading", "failed"}),
    ),
    "downloading": State(
        status=PROCESSING,
        stage="downloading",
        step=fetch,
        on_error=fetch_error,
        tries=None,
        next=frozenset({"finishing", "generating", "failed"}),
    ),
    "finishing": State(
        status=PROCESSING,
        stage="finishing",
        lane=Lane.MEDIA,
        step=finish,
        on_error=finish_error,
        tries=None,
        next=frozenset({"completed", "downloading", "failed"}),
    ),
    **ENDS,
}

# After the public story has ended without a result, the order may still bear one: a hidden job keeps looking, and what it
# finds is stored and free.
LATE: Table = {
    "generating": State(
        status=PROCESSING,
        stage="generating",
        step=late_look,
        on_error=look_error,
        lane_of=lane_of_generating,
        tries=None,
        next=frozenset({"downloading", "cancelled", "failed"}),
    ),
    "downloading": GENERATION["downloading"],
    "finishing": GENERATION["finishing"],
    **ENDS,
}
