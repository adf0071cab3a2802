"""Making a preview on this machine, a film or a picture: the generating step of the local renderer."""

from __future__ import annotations

from pathlib import Path

from vividflow.errors import Permanent
from vividflow.lifecycle.answers import Advance, Answer, Wait
from vividflow.lifecycle.ordering import order_of
from vividflow.lifecycle.pictures import picture_file
from vividflow.lifecycle.proof import kind_of
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.usual import learned
from vividflow.media.preview import render_preview, render_still
from vividflow.media.shapes import size_of
from vividflow.providers.base import Output
from vividflow.providers.faults import Fault, FaultName
from vividflow.providers.local import LocalProvider
from vividflow.records import orders
from vividflow.records.jobs import Job
from vividflow.timing import now


def render(job: Job, tools: Tools) -> Answer:
    """Render to a name that carries the fence, then put it where the next step finds it. A kill renders again, free."""
    order = order_of(job, tools)
    fault = _fault(tools, order.id, job.params.get("fault"))
    if fault is not None and (waited := _held_back(job, fault)) is not None:
        return waited
    folder = tools.settings.scratch / f"{job.id}.{job.fence}"
    folder.mkdir(parents=True, exist_ok=True)
    made = _picture(job, tools, folder) if kind_of(job, tools) == "image" else _film(job, tools, folder)
    if fault is not None and fault.name is FaultName.CORRUPT:
        made.write_bytes(b"this is neither film nor picture")
    ready = ready_file(tools, job)
    made.replace(ready)
    _empty(folder)
    keep = lambda connection: orders.change(connection, order.id, outputs=[{"path": str(ready)}])  # noqa: E731
    moment = now()
    changes = {"provider_done_at": moment, "note": None}
    return Advance(
        to="downloading", changes=changes, writes=(keep, *learned(job, moment, moment - (job.generating_at or moment)))
    )


def ready_file(tools: Tools, job: Job) -> Path:
    """Where a job's fetched or rendered file waits to be finished."""
    return tools.settings.scratch / f"{job.id}.ready"


def keep_inline(job: Job, tools: Tools, outputs: tuple[Output, ...]) -> None:
    """Put a result that came inside an answer where it waits to be finished: the answer may not be given twice."""
    data = outputs[0].data if outputs else None
    if data is None:
        return
    part = tools.settings.scratch / f"{job.id}.{job.fence}.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        part.write_bytes(data)
        part.replace(ready_file(tools, job))
    finally:
        part.unlink(missing_ok=True)


def _film(job: Job, tools: Tools, folder: Path) -> Path:
    params, made = job.params, folder / "preview.mp4"
    # A model that is only played here (MOCK_VID_GENS) may have named no length, size or shape.
    width, height = size_of(params.get("resolution", "720p"), params.get("aspect_ratio", "16:9"))
    render_preview(
        out=made,
        scratch=folder,
        prompt=job.prompt or "",
        image=picture_file(job, tools, "image", folder),
        last_image=picture_file(job, tools, "last_image", folder),
        duration=params.get("duration", 4.0),
        width=width,
        height=height,
        seed=params.get("seed") or 0,
        audio=bool(params.get("audio")),
        decoder=tools.decoder,
        on_progress=tools.report,
        keep_going=tools.keep_going,
    )
    return made


def _picture(job: Job, tools: Tools, folder: Path) -> Path:
    params, made = job.params, folder / "preview.png"
    width, height = size_of(params.get("resolution", "720p"), params.get("aspect_ratio", "16:9"))
    render_still(
        out=made,
        scratch=folder,
        prompt=job.prompt or "",
        image=picture_file(job, tools, "image", folder),
        width=width,
        height=height,
        seed=params.get("seed") or 0,
        decoder=tools.decoder,
        keep_going=tools.keep_going,
    )
    return made


def _fault(tools: Tools, order_id: str, asked: str | None) -> Fault | None:
    local = tools.provider("local")
    return local.fault_for(order_id, asked) if isinstance(local, LocalProvider) else None


def _held_back(job: Job, fault: Fault) -> Answer | None:
    moment = now()
    late_until = (job.generating_at or moment) + fault.seconds
    if fault.name is not FaultName.STALL and not (fault.name is FaultName.LATE and moment < late_until):
        return None
    if job.deadline_at is not None and moment > job.deadline_at:
        raise Permanent("deadline_exceeded", "It took too long and was stopped. You were not charged.")
    wait = 1.0 if fault.name is FaultName.STALL else max(0.05, late_until - moment)
    return Wait(seconds=min(1.0, wait), changes={"looks": job.looks + 1})


def _empty(folder: Path) -> None:
    for left in folder.iterdir():
        left.unlink(missing_ok=True)
    folder.rmdir()
