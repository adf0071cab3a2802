"""The stream hub: event streams and held answers off the request threads, on the server's own port.

A view makes every check that needs Flask and then hands its connection over; from then on a client costs about 2 KB
and no thread. What the hub writes does not go through Flask's `after_request`: the headers a client needs are given
with `head` and `render`.
"""

from vividflow.api.hub.hub import Hub
from vividflow.api.hub.streams import Event, Subscription
from vividflow.api.hub.waits import Answer

__all__ = ["Answer", "Event", "Hub", "Subscription"]
