"""Numbers, times and amounts as the pages write them (docs: sentence case, short, `1 min 04 s`, `1280 × 720`)."""

from __future__ import annotations

import math
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MICRO_PER_CREDIT = 10_000
MICRO = 1_000_000
MINUTE, HOUR, DAY = 60, 3600, 86400
RELATIVE_DAYS = 7


def credits(micro: int) -> str:
    """Micro-dollars as credits, rounded up: "40 credits", "1 credit", "Free"."""
    count = -(-micro // MICRO_PER_CREDIT)
    return "Free" if count == 0 else f"{count:,} credit" + ("" if count == 1 else "s")


def dollars(micro: int) -> str:
    """Micro-dollars as "$0.40", rounded up like credits; less than a cent is "under $0.01"."""
    if 0 < micro < MICRO_PER_CREDIT:
        return "under $0.01"
    return f"${-(-micro // MICRO_PER_CREDIT) / 100:,.2f}"


def span(seconds: float) -> str:
    """How long something took: "under 1 s", "48 s", "1 min 04 s", "2 h 05 min"."""
    if seconds < 1:
        return "under 1 s"
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE:02d} s"
    return f"{whole // HOUR} h {whole % HOUR // MINUTE:02d} min"


def about(seconds: float) -> str:
    """A time that is only roughly known: to 5 s under a minute, then to minutes."""
    if seconds < MINUTE - 2.5:
        return f"{max(5, 5 * round(seconds / 5))} s"
    if seconds < HOUR:
        return f"{max(1, round(seconds / MINUTE))} min"
    return f"{round(seconds / HOUR)} h"


def wait_words(seconds: float) -> str:
    """How long somebody has to wait, never too short: "40 s", "4 min"."""
    return f"{math.ceil(seconds)} s" if seconds <= MINUTE else f"{math.ceil(seconds / MINUTE)} min"


def size(count: int) -> str:
    """Bytes for people: "820 kB", "9.4 MB"."""
    for unit, name in ((1_000_000_000, "GB"), (1_000_000, "MB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{max(1, round(count / 1000))} kB"


def room(used: int, most: int | None) -> str:
    """How much of a room is taken, in the unit of the whole: "2.1 of 5.0 GB used", "820 kB used"."""
    if most is None:
        return f"{size(used) if used else '0 kB'} used"
    unit, name = next((pair for pair in ((10**9, "GB"), (10**6, "MB")) if most >= pair[0]), (1000, "kB"))
    return f"{used / unit:.1f} of {most / unit:.1f} {name} used"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th …"""
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def length(seconds: float) -> str:
    """A clip's length: "8 s", "4.5 s"."""
    return f"{seconds:g} s"


def clock(seconds: float) -> str:
    """A clip's length on its picture: "0:06"."""
    whole = max(1, round(seconds))
    return f"{whole // MINUTE}:{whole % MINUTE:02d}"


def title(prompt: str | None, longest: int = 60) -> str:
    """The first words of a prompt, cut at a word."""
    text = " ".join((prompt or "Untitled").split())
    if len(text) <= longest:
        return text
    cut = text[: longest + 1].rsplit(" ", 1)[0][:longest]
    return cut.rstrip(" ,.;:–-") + "…"


def zone(name: str) -> tzinfo:
    """The account's time zone; UTC for a name that is not known here."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def day_and_time(moment: float, where: tzinfo, now: float) -> str:
    """ "Today, 09:41", "Yesterday, 17:02", "3 Nov, 11:20", "3 Nov 2025, 11:20"."""
    then, today = datetime.fromtimestamp(moment, where), datetime.fromtimestamp(now, where)
    days = (today.date() - then.date()).days
    if days in (0, 1):
        day = "Yesterday" if days else "Today"
    else:
        day = f"{then.day} {then:%b}" + ("" if then.year == today.year else f" {then.year}")
    return f"{day}, {then:%H:%M}"


def ago(moment: float, where: tzinfo, now: float) -> str:
    """Relative under 7 days ("just now", "12 min ago", "3 h ago", "2 days ago"), then the day."""
    past = max(0, now - moment)
    if past < MINUTE:
        return "just now"
    for unit, most, name in ((MINUTE, HOUR, "min"), (HOUR, DAY, "h")):
        if past < most:
            return f"{int(past // unit)} {name} ago"
    days = int(past // DAY)
    if days < RELATIVE_DAYS:
        return "1 day ago" if days == 1 else f"{days} days ago"
    return day_and_time(moment, where, now)


def full_time(moment: float, where: tzinfo) -> str:
    """The whole of it, for a tooltip: "21 November 2026, 09:41:07 (UTC)"."""
    then = datetime.fromtimestamp(moment, where)
    return f"{then.day} {then:%B %Y, %H:%M:%S} ({then.tzname()})"
