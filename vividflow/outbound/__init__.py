"""The one door for every URL that a user or a provider gave.

A name is resolved once, every address it has is checked against our own table, and the connection goes to a checked
address: nothing is looked up twice, so nothing can change in between. Redirects come back to the same check.
"""

from vividflow.outbound.address import DoorRefused, Target, is_public, netloc, pair, parse
from vividflow.outbound.door import Door, Posted
from vividflow.outbound.download import Fetched, LinkGone

__all__ = ["Door", "DoorRefused", "Fetched", "LinkGone", "Posted", "Target", "is_public", "netloc", "pair", "parse"]
