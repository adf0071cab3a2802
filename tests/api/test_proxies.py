"""Whose word counts about the client: only a trusted proxy's."""

from __future__ import annotations

from typing import Any

import pytest

from vividflow.api.proxies import PEER, TrustedProxies

TRUSTED = ("10.0.0.0/8", "::1")


def seen(peer: str, /, trusted: tuple[str, ...] = TRUSTED, **headers: Any) -> tuple[str, str, str]:
    """Address, scheme and host that the application sees."""
    environ = {"REMOTE_ADDR": peer, "wsgi.url_scheme": "http", "HTTP_HOST": "inside"} | headers
    TrustedProxies(trusted).apply(environ)
    assert environ[PEER] == peer
    return environ["REMOTE_ADDR"], environ["wsgi.url_scheme"], environ["HTTP_HOST"]


def test_strangers_say_nothing_about_themselves() -> None:
    forged: dict[str, Any] = {
        "HTTP_X_FORWARDED_FOR": "9.9.9.9",
        "HTTP_FORWARDED": "for=9.9.9.9;proto=https",
        "HTTP_X_FORWARDED_PROTO": "https",
    }
    assert seen("203.0.113.5", **forged) == ("203.0.113.5", "http", "inside")
    assert seen("10.0.0.1", trusted=(), **forged) == ("10.0.0.1", "http", "inside")


def test_a_trusted_proxy_names_client_scheme_and_host() -> None:
    told: dict[str, Any] = {
        "HTTP_X_FORWARDED_FOR": "203.0.113.5",
        "HTTP_X_FORWARDED_PROTO": "https",
        "HTTP_X_FORWARDED_HOST": "video.example",
    }
    assert seen("10.0.0.1", **told) == ("203.0.113.5", "https", "video.example")


def test_what_a_client_put_before_the_proxys_word_does_not_count() -> None:
    assert seen("10.0.0.1", HTTP_X_FORWARDED_FOR="1.2.3.4, 203.0.113.5")[0] == "203.0.113.5"
    assert seen("10.0.0.1", HTTP_FORWARDED="for=1.2.3.4, for=203.0.113.5")[0] == "203.0.113.5"


def test_a_chain_of_trusted_proxies_is_followed_to_its_end() -> None:
    assert seen("10.0.0.1", HTTP_X_FORWARDED_FOR="9.9.9.9, 203.0.113.5, 10.0.0.7, 10.0.0.2")[0] == "203.0.113.5"
    assert seen("10.0.0.1", HTTP_X_FORWARDED_FOR="10.0.0.7, 10.0.0.2")[0] == "10.0.0.7"


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ('for="[2001:db8::1]:4711";proto=https', "2001:db8::1"),
        ("For=203.0.113.5:1234", "203.0.113.5"),
        ("for=unknown", "10.0.0.1"),
        ("for=_hidden", "10.0.0.1"),
        ("nonsense", "10.0.0.1"),
        ("for=", "10.0.0.1"),
        (";;,=,", "10.0.0.1"),
    ],
)
def test_forwarded_is_read_as_its_standard_writes_it(header: str, address: str) -> None:
    assert seen("10.0.0.1", HTTP_FORWARDED=header)[0] == address


def test_an_embedded_address_is_the_plain_one() -> None:
    assert seen("::ffff:10.0.0.1", HTTP_X_FORWARDED_FOR="::ffff:203.0.113.5")[0] == "203.0.113.5"


def test_a_host_that_is_none_is_not_taken_over() -> None:
    assert seen("::1", HTTP_X_FORWARDED_FOR="203.0.113.5", HTTP_X_FORWARDED_HOST="evil host/<x>")[2] == "inside"
    assert seen("::1", HTTP_X_FORWARDED_FOR="203.0.113.5", HTTP_X_FORWARDED_PROTO="gopher")[1] == "http"


def test_a_peer_without_an_address_is_nobodys_proxy() -> None:
    assert seen("", HTTP_X_FORWARDED_FOR="203.0.113.5")[0] == ""
