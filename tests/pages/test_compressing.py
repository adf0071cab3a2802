"""Pages are compressed for whoever takes it, and are the same page then."""

from __future__ import annotations

import gzip

from tests.pages.browser import Browser


def test_a_page_travels_compressed_to_who_takes_it(mina: Browser) -> None:
    plain = mina.get("/settings")
    packed = mina.client.get("/settings", headers={"Accept-Encoding": "br, gzip", "User-Agent": mina.agent})
    assert plain.headers["Vary"].count("Accept-Encoding") == 1
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(plain.data) / 2
    assert int(packed.headers["Content-Length"]) == len(packed.data)
    assert b"<h1>Settings</h1>" in gzip.decompress(packed.data)
