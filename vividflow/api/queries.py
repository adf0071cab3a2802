"""The query parameters that addresses take."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from vividflow.api.values import choice, decimal, is_id, moment, text, truth, whole
from vividflow.records.usage import GROUPS

STATUSES = ("queued", "processing", "completed", "failed", "cancelled")
KINDS = ("video", "image", "storyboard", "film", "scenes", "character", "merge", "export")
FORMATS = ("json", "csv")
_ID = {"pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}


class NoQuery(BaseModel):
    """No query parameters."""

    model_config = ConfigDict(extra="forbid")


class WaitQuery(NoQuery):
    """Whether the answer is held until the status changes."""

    wait: Annotated[float | None, decimal("invalid_wait", 0, 60, "wait is 0 to 60 seconds.")] = None


class ListQuery(NoQuery):
    """Which of one's own jobs, and from where."""

    limit: Annotated[int | None, whole("invalid_limit", 1, 100, "limit is a whole number from 1 to 100.")] = None
    after: Annotated[
        str | None, text("invalid_after", 36, "after is the id of a job in your list.", check=is_id, schema=_ID)
    ] = None
    status: Annotated[str | None, choice("invalid_status", STATUSES, f"status is one of {', '.join(STATUSES)}.")] = None
    model: Annotated[str | None, text("invalid_model", 200, "model is the id of a model.")] = None
    kind: Annotated[str | None, choice("invalid_kind", KINDS, f"kind is one of {', '.join(KINDS)}.")] = None
    q: Annotated[
        str | None, text("invalid_q", 200, "q is text of at most 200 characters that the prompt contains.")
    ] = None
    favourite: Annotated[bool | None, truth("invalid_favourite", "favourite is true or false.")] = None
    trash: Annotated[bool | None, truth("invalid_trash", "trash is true or false.")] = None


class ImagesQuery(NoQuery):
    """How many of one's own pictures, and from where."""

    limit: Annotated[int | None, whole("invalid_limit", 1, 100, "limit is a whole number from 1 to 100.")] = None
    after: Annotated[
        str | None, text("invalid_after", 36, "after is the id of a picture in your list.", check=is_id, schema=_ID)
    ] = None


class PurgeQuery(NoQuery):
    """Whether the files go at once instead of to the trash."""

    purge: Annotated[bool | None, truth("invalid_purge", "purge is true or false.")] = None


class ThumbnailQuery(NoQuery):
    """Which picture of the video."""

    variant: Annotated[
        str | None, text("invalid_variant", 40, "variant is poster, spritesheet, vtt, or the name of a rendition.")
    ] = None


class ProvenanceQuery(NoQuery):
    """The facts, or the manifest itself."""

    format: Annotated[str | None, choice("invalid_format", ("json", "c2pa"), "format is json or c2pa.")] = None


class StreamQuery(NoQuery):
    """Which size of the video."""

    quality: Annotated[
        str | None, text("invalid_quality", 40, "quality is original, 4k, or a height such as 720p.")
    ] = None


class UsageQuery(NoQuery):
    """Which days of one's usage, and how they are summed."""

    since: Annotated[
        float | None, moment("invalid_from", "from is a day such as 2026-11-01 (UTC), or a time with its zone.")
    ] = Field(None, alias="from")
    until: Annotated[
        float | None,
        moment("invalid_to", "to is the last day, such as 2026-11-30 (UTC), or a time with its zone.", end=True),
    ] = Field(None, alias="to")
    group_by: Annotated[str | None, choice("invalid_group_by", GROUPS, f"group_by is one of {', '.join(GROUPS)}.")] = (
        None
    )
    format: Annotated[str | None, choice("invalid_format", FORMATS, f"format is {' or '.join(FORMATS)}.")] = None


class AnyQuery(BaseModel):
    """Whatever query there is, read by the handler itself (signed links)."""
