"""The only trace of a lost Veo order: the place in the bucket that was given to it alone.

An object there proves that it ran. None proves nothing: it may run still, or may have failed. So the answer is yes, "not
yet" for as long as a clip may take, and then that it cannot be known; never a certain no.
"""

from __future__ import annotations

from vividflow import timing
from vividflow.config import Settings
from vividflow.errors import Transient
from vividflow.providers.base import CannotAsk, Operation, Order, Output
from vividflow.providers.vertex_outcomes import lies_under, succeeded
from vividflow.storage.base import StorageGone
from vividflow.storage.google import GoogleObjects

# Google names six minutes as the most at busy hours; a 4k clip was given twice that and some more.
LONGEST_RUN_SECONDS = 900.0
MOST_LISTED = 20
IN_BUCKET = "gs://"


def place_of(order: Order, output: str | None) -> str | None:
    """`gs://bucket/prefix/<order id>/`, or None when results come inline. What was sent counts, whatever is set now."""
    where = order.request.get("output", output)
    return f"{where}/{order.id}/" if where else None


class Bucket:
    """Looks for results of orders whose answer never came."""

    def __init__(self, settings: Settings) -> None:
        self._objects = GoogleObjects(settings)

    def find(self, order: Order, place: str) -> Operation | CannotAsk:
        """The order's result if it is there, else why it cannot be told. Raises `Transient`."""
        uri = self.result(place)
        if uri is not None and uri not in order.bound:
            return succeeded(uri, Output(gs_uri=uri))
        over = timing.now() - order.intent_at >= LONGEST_RUN_SECONDS
        return CannotAsk.NEVER if over else CannotAsk.NOT_YET

    def result(self, place: str) -> str | None:
        """The address of the first video in a place, or None. Raises `Transient`."""
        try:
            found = self._objects.list(place, MOST_LISTED)
        except (StorageGone, FileNotFoundError, PermissionError) as away:
            raise Transient("bucket_unreachable", "The bucket for Veo's results does not answer.") from away
        videos = sorted(each.uri for each in found if each.size > 0 and _is_video(each.uri))
        return next((uri for uri in videos if lies_under(uri, place)), None)


def _is_video(uri: str) -> bool:
    return uri.lower().endswith(".mp4")
