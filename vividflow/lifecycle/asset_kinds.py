"""What a person may keep here besides what jobs make: each kind with its types and its size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class AssetKind:
    """One kind of file. `types` are media types with the endings of their names; what counts in the end is the content.

    `too_large` is the sentence that refuses more than `most_bytes`, under `too_large_code`.
    """

    name: str
    words: str
    types: Mapping[str, tuple[str, ...]]
    most_bytes: int
    too_large_code: str
    too_large: str


IMAGE = AssetKind(
    name="image",
    words="JPEG, PNG, WebP, HEIC or AVIF",
    types={
        "image/jpeg": ("jpg", "jpeg"),
        "image/png": ("png",),
        "image/webp": ("webp",),
        "image/heic": ("heic",),
        "image/heif": ("heif",),
        "image/avif": ("avif",),
    },
    most_bytes=10 * 1024 * 1024,
    too_large_code="image_file_too_large",
    too_large="The picture is larger than 10 MB (10,485,760 bytes). Send a smaller file.",
)
KINDS: tuple[AssetKind, ...] = (IMAGE,)


def kind_of(name: str) -> AssetKind:
    """The kind of a file by the ending of its name; a picture where the name does not say."""
    ending = name.rpartition(".")[2].lower()
    return next((kind for kind in KINDS for endings in kind.types.values() if ending in endings), IMAGE)
