"""What everybody with a public link sees: the video and its title, and only what its owner allows beside them."""

from __future__ import annotations

from flask import Response, redirect

from vividflow.lifecycle import sharing
from vividflow.lifecycle.sharing import Shown, open_link
from vividflow.pages import words
from vividflow.pages.one_video import USUAL_FPS
from vividflow.pages.shell import house, render
from vividflow.timing import now

_POSTERS = ("poster_jpeg", "poster_960", "poster_480")


def show(token: str) -> Response:
    """The page."""
    shown = open_link(house().tools, token)
    if shown is None:
        return _nothing()
    address = sharing.address(house().tools, shown.share)
    page = render(
        "share/page.html",
        title=_title(shown),
        maker=shown.maker,
        prompt=shown.prompt,
        pictured=shown.job.kind == "image",
        asset=shown.asset,
        fps=shown.asset.facts.get("fps") or USUAL_FPS,
        path=f"/s/{token}",
        address=address,
        poster=_poster_key(shown) is not None,
    )
    return _dressed(page)


def file(token: str) -> Response:
    """On to the video itself, by a link that ends within minutes."""
    shown = open_link(house().tools, token)
    return _nothing() if shown is None else _on_to(shown, shown.asset.storage_key)


def poster(token: str) -> Response:
    """On to its poster, for the player and for whoever shows a preview of the link."""
    shown = open_link(house().tools, token)
    key = None if shown is None else _poster_key(shown)
    return _nothing() if shown is None or key is None else _on_to(shown, key)


def _title(shown: Shown) -> str:
    # The words of a prompt that is not to be seen are no title either.
    if shown.job.title or shown.prompt is None:
        return shown.job.title or ("A picture" if shown.job.kind == "image" else "A video")
    return words.title(shown.prompt)


def _poster_key(shown: Shown) -> str | None:
    return next((shown.posters[name].storage_key for name in _POSTERS if name in shown.posters), None)


def _on_to(shown: Shown, key: str) -> Response:
    answer = redirect(sharing.file_link(house().tools, shown.share, key, now()), 302)
    answer.headers["Cache-Control"] = "no-store"
    return _dressed(answer)  # pyright: ignore[reportArgumentType]


def _nothing() -> Response:
    """The same for a link that never was, has ended, was switched off, or whose video is gone."""
    return _dressed(render("share/gone.html", 404))


def _dressed(answer: Response) -> Response:
    # Whoever has the address has the video: no other host may learn it, no search engine list it.
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer
