"""Which addresses of pictures are read, and by whose right; what each failure tells the person."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vividflow.config import Settings
from vividflow.errors import Permanent, Problem, Transient
from vividflow.lifecycle.picture_links import Address, fetch, hosts, read_address
from vividflow.lifecycle.tools import Tools
from vividflow.outbound import DoorRefused, LinkGone
from vividflow.storage.base import StorageGone
from vividflow.storage.google import ObjectTooLarge

MINE = "users/u-1/a/original.png"


@pytest.fixture
def settings(settings_for: Callable[..., Settings]) -> Settings:
    """Our files lie in gs://ours/films; two more places may be read."""
    return settings_for(
        storage_url="gs://ours/films",
        gcs_read_allow="gs://press/kit/",
        image_url_hosts="pictures.example.com,cdn.example.com:8443",
    )


def _read(settings: Settings, url: str) -> Address:
    return read_address(settings, "u-1", url, param="image_url")


@pytest.mark.parametrize(
    ("url", "with_our_rights"),
    [
        (f"gs://ours/films/{MINE}", True),
        (f"GS://ours/films/{MINE}", True),
        (f"https://storage.googleapis.com/ours/films/{MINE}", True),
        ("gs://press/kit/logo%20a.png", True),
        ("https://storage.googleapis.com/press/kit/logo%20a.png", True),
        ("https://storage.googleapis.com/anybody/public.png", False),
        (f"https://storage.googleapis.com/ours/films/{MINE}?X-Goog-Signature=abc", False),
        ("https://storage.googleapis.com/press/kit/%ff.png", False),
        ("https://pictures.example.com/a.png", False),
        ("https://cdn.example.com:8443/a.png", False),
    ],
)
def test_the_server_s_own_rights_serve_the_person_s_files_and_what_the_operator_listed(
    settings: Settings, url: str, with_our_rights: bool
) -> None:
    address = _read(settings, url)
    assert (address.object_uri is not None) is with_our_rights
    if address.object_uri is None:
        assert address.url == url


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("gs://ours/films/users/u-2/a/original.png", "image_not_found"),
        ("gs://ours/films/users/u-1", "image_not_found"),
        ("gs://ours/elsewhere.png", "image_not_found"),
        ("https://storage.googleapis.com/ours/films/users/u-2/a/original.png", "image_not_found"),
        ("gs://anybody/public.png", "image_url_not_allowed"),
        ("gs://ours/films/users/u-1/../u-2/a.png", "image_url_not_allowed"),
        ("gs://ours", "image_url_not_allowed"),
        ("gs://A_BUCKET!/a.png", "image_url_not_allowed"),
        ("https://example.com/a.png", "image_url_not_allowed"),
        ("https://pictures.example.com:8443/a.png", "image_url_not_allowed"),
        ("http://storage.googleapis.com/ours/a.png", "image_url_not_allowed"),
        ("https://storage.googleapis.com:8443/ours/a.png", "image_url_not_allowed"),
        ("file:///etc/passwd", "image_url_not_allowed"),
    ],
)
def test_everything_else_is_refused_without_asking_anybody(settings: Settings, url: str, code: str) -> None:
    with pytest.raises(Problem) as refused:
        _read(settings, url)
    assert (refused.value.status, refused.value.code, refused.value.param) == (422, code, "image_url")


def test_without_a_bucket_of_ours_a_bucket_s_files_are_a_stranger_s(settings_for: Callable[..., Settings]) -> None:
    assert _read(settings_for(), f"https://storage.googleapis.com/ours/films/{MINE}").object_uri is None


def test_a_host_is_listed_with_its_port_or_with_the_usual_one(settings_for: Callable[..., Settings]) -> None:
    listed = hosts(settings_for(image_url_hosts="a.example.com,b.example.com:8443"))
    assert listed == {"a.example.com:443", "b.example.com:8443"}


class Google:
    """The reader of objects, as the test wants it."""

    def __init__(self, trouble: Exception | None) -> None:
        self.trouble = trouble

    def fetch(self, uri: str, sink: Path, **_: Any) -> None:
        if self.trouble is not None:
            raise self.trouble
        sink.write_text(uri)


URI = Address(url="gs://ours/a.png", object_uri="gs://ours/a.png")
LINK = Address(url="https://pictures.example.com/a.png")


@pytest.mark.parametrize(
    ("trouble", "status", "code"),
    [
        (FileNotFoundError(), 422, "image_not_found"),
        (PermissionError(), 422, "image_not_found"),
        (ObjectTooLarge(), 422, "image_url_too_large"),
        (StorageGone("away"), 503, "storage_gone"),
    ],
)
def test_an_object_that_cannot_be_had_is_told_in_the_person_s_words(
    tools: Tools, tmp_path: Path, trouble: Exception, status: int, code: str
) -> None:
    tools._built["google_objects"] = Google(trouble)
    with pytest.raises(Problem) as refused:
        fetch(tools, URI, tmp_path / "a", seconds=5, param="image_url")
    assert (refused.value.status, refused.value.code, refused.value.param) == (status, code, "image_url")


def test_an_object_is_read_with_our_rights(tools: Tools, tmp_path: Path) -> None:
    tools._built["google_objects"] = Google(None)
    fetch(tools, URI, tmp_path / "a", seconds=5, param="image_url")
    assert (tmp_path / "a").read_text() == "gs://ours/a.png"


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (
            DoorRefused("address_not_allowed", "The link leads to a network that is not public."),
            "image_url_not_allowed",
        ),
        (LinkGone(404), "image_not_found"),
        (Permanent("too_large", "Too large."), "image_url_too_large"),
        (Permanent("bad_answer", "Odd."), "image_url_unreachable"),
        (Transient("timed_out", "The host took too long."), "image_url_unreachable"),
    ],
)
def test_a_link_that_cannot_be_read_is_told_with_what_would_do(
    tools: Tools, tmp_path: Path, trouble: Exception, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise trouble

    monkeypatch.setattr(tools.door, "fetch", refuse)
    with pytest.raises(Problem) as refused:
        fetch(tools, LINK, tmp_path / "a", seconds=5, param="image_url")
    assert (refused.value.status, refused.value.code) == (422, code)
    if code == "image_url_unreachable":
        assert str(trouble) in refused.value.detail
        assert "Nothing was charged" in refused.value.detail


def test_a_link_is_followed_to_listed_hosts_alone(
    tools_for: Callable[..., Tools], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tools_for(image_url_hosts="pictures.example.com")
    asked: dict[str, Any] = {}
    monkeypatch.setattr(tools.door, "fetch", lambda url, **given: asked.update(given, url=url))
    fetch(tools, LINK, tmp_path / "a", seconds=5, param="image_url")
    assert asked["only"] == {"pictures.example.com:443", "storage.googleapis.com:443"}
    assert (asked["max_bytes"], asked["first_byte_seconds"]) == (10 * 1024 * 1024, 5)
