"""A file that is not what it should be."""

from __future__ import annotations


class Refusal(Exception):
    """`code` and a sentence that says what is wrong and what would be accepted."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def no_video(why: str) -> Refusal:
    """The refusal of a film, for the reason that completes the sentence."""
    return Refusal("not_a_video", f"The file is not a playable MP4, AVI or WebM video: {why}.")
