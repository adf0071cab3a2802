from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vividflow.storage.signed_links import (
    PREFIX,
    Grant,
    LinkRefused,
    expiry_for_api,
    expiry_for_pages,
    sign,
    verify,
)

SECRET = "installation secret"
KEY = "users/u-1/a-1/original.mp4"
ENDS = 1_800_000_000


def _opened(link: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(link)
    assert parts.path.startswith(PREFIX)
    return parts.path.removeprefix(PREFIX), {name: values[0] for name, values in parse_qs(parts.query).items()}


def test_a_link_opens_what_it_was_made_for_until_it_ends() -> None:
    key, query = _opened(sign(SECRET, KEY, ENDS, "attachment"))
    for method in ("GET", "HEAD"):
        grant = verify(SECRET, key, query, now=ENDS - 1, method=method)
        assert grant == Grant(key=KEY, disposition="attachment", expires_at=ENDS)
    with pytest.raises(LinkRefused) as refusal:
        verify(SECRET, key, query, now=ENDS)
    assert refusal.value.expired


def test_the_same_link_is_the_same_text() -> None:
    assert sign(SECRET, KEY, ENDS + 0.9) == sign(SECRET, KEY, ENDS)
    assert sign(SECRET, KEY, ENDS) != sign("another", KEY, ENDS)


@pytest.mark.parametrize(
    "change",
    [
        {"expires": str(ENDS + 1)},
        {"expires": f"0{ENDS}"},
        {"expires": f"{ENDS} "},
        {"expires": f"+{ENDS}"},
        {"expires": ""},
        {"expires": "soon"},
        {"expires": "9" * 5000},
        {"disposition": "attachment"},
        {"disposition": ""},
        {"signature": ""},
        {"signature": "ä"},
        {"signature": "\udc80"},
        {"key": "users/u-1/a-1/original.mp3"},
        {"key": "users/u-1/a-1/original.mp4/"},
        {"key": "\udc80"},
        {"secret": "another"},
        {"method": "POST"},
        {"method": "DELETE"},
    ],
)
def test_nothing_in_a_link_can_be_altered(change: dict[str, str]) -> None:
    key, query = _opened(sign(SECRET, KEY, ENDS, "inline"))
    secret, key, method = change.get("secret", SECRET), change.get("key", key), change.get("method", "GET")
    query |= {name: value for name, value in change.items() if name in query}
    with pytest.raises(LinkRefused) as refusal:
        verify(secret, key, query, now=0, method=method)
    assert not refusal.value.expired


@pytest.mark.parametrize("missing", ["expires", "disposition", "signature"])
def test_a_link_without_a_part_is_none(missing: str) -> None:
    key, query = _opened(sign(SECRET, KEY, ENDS))
    del query[missing]
    with pytest.raises(LinkRefused):
        verify(SECRET, key, query, now=0)


def test_every_changed_character_of_the_signature_is_seen() -> None:
    key, query = _opened(sign(SECRET, KEY, ENDS))
    signature = query["signature"]
    # The last character carries two bits that base64 does not use; it is compared as text all the same.
    for at, old in enumerate(signature):
        for new in "AB_":
            if new != old:
                query["signature"] = signature[:at] + new + signature[at + 1 :]
                with pytest.raises(LinkRefused):
                    verify(SECRET, key, query, now=0)


def test_only_plain_keys_and_known_dispositions_are_signed() -> None:
    for key in ("../x", "/x", "users/a b", ""):
        with pytest.raises(ValueError, match="not a storage key"):
            sign(SECRET, key, ENDS)
    with pytest.raises(ValueError, match="inline, attachment"):
        sign(SECRET, KEY, ENDS, 'inline; filename="x"')


@settings(deadline=None)
@given(st.floats(1_600_000_000, 2_000_000_000))
def test_links_of_answers_live_one_to_two_hours_and_change_with_the_hour(now: float) -> None:
    ends = expiry_for_api(now)
    assert ends % 3600 == 0
    assert 3600 < ends - now <= 7200
    assert expiry_for_api(now // 3600 * 3600) == ends == expiry_for_api(now // 3600 * 3600 + 3599.99)


@settings(deadline=None)
@given(st.floats(1_600_000_000, 2_000_000_000))
def test_links_of_pages_live_at_most_a_quarter_of_an_hour(now: float) -> None:
    assert 600 < expiry_for_pages(now) - now <= 900
