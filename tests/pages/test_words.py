"""Numbers, times and amounts in words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from vividflow.pages import words
from vividflow.pages.settings import agent_words


@pytest.mark.parametrize(
    ("micro", "credits", "dollars"),
    [
        (0, "Free", "$0.00"),
        (1, "1 credit", "under $0.01"),
        (400_000, "40 credits", "$0.40"),
        (153_400, "16 credits", "$0.16"),
        (12_400_000_000, "1,240,000 credits", "$12,400.00"),
    ],
)
def test_credits_and_dollars_round_up_together(micro: int, credits: str, dollars: str) -> None:
    assert (words.credits(micro), words.dollars(micro)) == (credits, dollars)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "under 1 s"), (48, "48 s"), (64.4, "1 min 04 s"), (7500, "2 h 05 min")]
)
def test_how_long_it_took(seconds: float, text: str) -> None:
    assert words.span(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "5 s"), (4, "5 s"), (48, "50 s"), (57, "55 s"), (58, "1 min"), (119, "2 min"), (3600, "1 h")],
)
def test_what_is_only_roughly_known_is_rounded(seconds: float, text: str) -> None:
    assert words.about(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (11, "11th"),
        (12, "12th"),
        (21, "21st"),
        (112, "112th"),
        (1002, "1,002nd"),
    ],
)
def test_places_in_line(number: int, text: str) -> None:
    assert words.ordinal(number) == text


@pytest.mark.parametrize(
    ("count", "text"), [(1, "1 kB"), (820_400, "820 kB"), (9_400_000, "9.4 MB"), (2_500_000_000, "2.5 GB")]
)
def test_sizes(count: int, text: str) -> None:
    assert words.size(count) == text


def test_times_are_relative_for_a_week() -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
    past = {
        5: "just now",
        725: "12 min ago",
        7300: "2 h ago",
        90_000: "1 day ago",
        500_000: "5 days ago",
        700_000: "13 Nov, 09:33",
    }
    assert {seconds: words.ago(now - seconds, UTC, now) for seconds in past} == past


def test_days_are_counted_on_the_readers_calendar() -> None:
    now = datetime(2026, 11, 21, 0, 30, tzinfo=UTC).timestamp()
    before = now - 3600
    assert words.day_and_time(before, words.zone("UTC"), now) == "Yesterday, 23:30"
    assert words.day_and_time(before, words.zone("America/New_York"), now) == "Today, 18:30"
    assert words.day_and_time(now - 400 * 86400, UTC, now) == "17 Oct 2025, 00:30"
    assert words.full_time(now, words.zone("Europe/Berlin")) == "21 November 2026, 01:30:00 (CET)"


def test_a_title_is_cut_at_a_word() -> None:
    assert words.title("A quiet lake") == "A quiet lake"
    assert (
        words.title("A lone lighthouse at dusk, beam sweeping through thin fog. Slow aerial")
        == "A lone lighthouse at dusk, beam sweeping through thin fog…"
    )
    assert len(words.title("x" * 500)) == 61
    assert words.title(None) == "Untitled"


@pytest.mark.parametrize(
    ("agent", "text"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/156.0 Safari/537.36 Edg/156.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14) Version/19 Safari/605.1", "Safari on macOS"),
        ("curl/8", "A program"),
    ],
)
def test_browsers_in_two_words(agent: str, text: str) -> None:
    assert agent_words(agent) == text
