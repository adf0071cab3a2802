"""What the answer to a paid request means, and what a vendor's words for a failed run mean: the same for every vendor.

Three classes (reliability.md 2.1): refused for certain, refused for now, unknown. What is not listed is unknown,
because a wrong "unknown" costs a question and a wrong "refused" costs a clip.
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

from vividflow import timing
from vividflow.errors import Outcome, Refused, Transient, Unknown

MOST_RETRY_AFTER_SECONDS = 600.0
SOME_RETRY_AFTER_SECONDS = 5.0
PAUSED_RETRY_SECONDS = 30.0

CONTENT = re.compile(r"nsfw|\bE005\b|sensitive|safety|content.?policy|moderat|prohibited|inappropriate", re.IGNORECASE)
MEMORY = re.compile(r"out of memory|\bE1001\b|\bOOM\b", re.IGNORECASE)
SECRET = re.compile(r"\b(?:r8_|sk-|whsec_|AIza|eyJ|Bearer\s+)\S+|https?://\S+", re.IGNORECASE)

CONTENT_SENTENCE = "The provider's content check refused this prompt or picture. Change it and try again."
MEMORY_SENTENCE = "The model ran out of memory. Try a lower resolution or a shorter clip."


def submit_outcome(status: int, *, vendor: str, detail: str = "", retry_after: float | None = None) -> Outcome:
    """What an HTTP `status` other than a good 2xx says of a paid POST: `Refused`, `Transient` or `Unknown`, not raised.

    `detail` is the vendor's own sentence, if any; `retry_after` seconds.
    """
    match status:
        case 400 | 413 | 422 if CONTENT.search(detail):
            return Refused("content_policy", CONTENT_SENTENCE)
        case 400 | 413 | 422:
            return Refused("provider_refused_input", f"{vendor} refused the input. {clean(detail)}".strip())
        case 401:
            return Refused("provider_key_refused", f"{vendor} does not accept the configured key.", pauses=True)
        case 402:
            return Refused("provider_credit_exhausted", f"The account at {vendor} has no credit left.", pauses=True)
        case 403:
            return Refused("provider_forbidden", f"{vendor} does not let this account use the model.")
        case 404 | 410:
            return Refused("model_retired", f"{vendor} no longer offers this model.", retired=True)
        case 429:
            return rate_limited(vendor, detail=detail, retry_after=retry_after)
    return Unknown("outcome_unknown", f"{vendor} answered with status {status}; asking whether the order arrived.")


def rate_limited(vendor: str, *, detail: str = "", retry_after: float | None = None) -> Transient:
    """A 429: later, and it uses up no patience."""
    told = re.search(r"resets in ~?(\d+)\s*s", detail)
    wait = retry_after if retry_after is not None else float(told[1]) if told else SOME_RETRY_AFTER_SECONDS
    wait = min(max(wait, 0.0), MOST_RETRY_AFTER_SECONDS)
    return Transient("rate_limited", f"{vendor} is busy; trying again soon.", retry_after=wait, counts=False)


def unreachable(vendor: str) -> Transient:
    """No answer to a request that may be repeated, or one that certainly never left."""
    return Transient("provider_unreachable", f"{vendor} cannot be reached just now.")


def for_now(found: Outcome, vendor: str) -> Transient:
    """What `found` (the meaning of an answer) says of a request that changes nothing: always that it may be repeated."""
    if isinstance(found, Transient):
        return found
    if isinstance(found, Refused) and found.pauses:
        return Transient(found.code, found.message, retry_after=PAUSED_RETRY_SECONDS, counts=False)
    return unreachable(vendor)


def failure_words(vendor: str, error: str) -> tuple[str, str]:
    """Code and sentence for a run that the vendor says has failed with the text `error`."""
    if CONTENT.search(error):
        return "content_policy", CONTENT_SENTENCE
    if MEMORY.search(error):
        return "out_of_memory", MEMORY_SENTENCE
    return "provider_failed", f"{vendor} could not make this clip. Trying again may help."


def retry_after_seconds(header: str | None) -> float | None:
    """A Retry-After header, seconds or a date, as seconds from now; None when there is none that can be read."""
    if not header:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - timing.now())
    except (ValueError, TypeError):
        return None


def clean(text: str, most: int = 200) -> str:
    """A vendor's sentence fit for a person: one line that prints, no links, nothing like a key, `most` characters at most."""
    printed = "".join(each if each.isprintable() else " " for each in SECRET.sub("…", text))
    line = " ".join(printed.split())
    return line if len(line) <= most else line[: most - 1] + "…"
