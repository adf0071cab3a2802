"""Every REST address of Vivid Flow in one table: what it is called, who may ask, how often, what it takes and answers.

Handlers live in vividflow/api/ and hold no addresses. Paths, methods and field names are promises to clients.
"""

from __future__ import annotations

from functools import partial

from flask import Blueprint, Flask

from vividflow.api import (
    callbacks,
    chunks,
    documents,
    enhance,
    events,
    generate,
    images,
    jobs,
    media,
    models,
    provenance,
    service,
    shares,
    status,
    usage,
    videos,
    webhooks,
)
from vividflow.api.address import CHANGES, READS, UPLOADS, Address, Answers, Auth, view_of
from vividflow.api.bodies import (
    Enhance,
    Generate,
    GenerateVideo,
    ImageUpload,
    JobChanges,
    Nothing,
    ShareTerms,
    UploadBegin,
)
from vividflow.api.documents import ADDRESSES as ADDRESSES_KEY
from vividflow.api.house import House
from vividflow.api.queries import (
    AnyQuery,
    ImagesQuery,
    ListQuery,
    ProvenanceQuery,
    PurgeQuery,
    StreamQuery,
    ThumbnailQuery,
    UsageQuery,
    WaitQuery,
)

GET = partial(Address, method="GET")
POST = partial(Address, method="POST", limit=CHANGES)
DELETE = partial(Address, method="DELETE", limit=CHANGES)
PATCH = partial(Address, method="PATCH", limit=CHANGES)
STATUS_PREFIX = "/api/v1/status/"
VIDEOS_PREFIX = "/api/v1/videos/jobs/"
_PLACED = {202: Answers(text="Accepted: the job is on disk.", model="Placed", headers=("Idempotent-Replayed",))}
_STATUS = Answers(text="The job as it is now.", model="Status")
_TAGGED = Answers(text="The job as it is now.", model="Status", headers=("ETag",))
_STREAM = Answers(
    text="Events `status`, `progress` and `done`, each with a status object as its data and a rising id.",
    content="text/event-stream",
)
_FILE = ("ETag", "Accept-Ranges", "Content-Disposition")

ADDRESSES: tuple[Address, ...] = (
    # ---- making videos
    POST(
        name="generate",
        path="/api/v1/generate",
        handler=generate.create,
        body=Generate,
        once=True,
        answers=_PLACED,
        problems=(402, 404, 410, 503, 507),
        summary="Make a video",
        tag="Videos",
        text="Places a job and answers at once. Send the same `Idempotency-Key` again whenever an answer did not arrive: "
        "the job is placed once. Follow it with `status` (and `wait`), with events, or with a `webhook_url`.",
    ),
    GET(
        name="status",
        path=f"{STATUS_PREFIX}{{job_id}}",
        handler=status.show,
        query=WaitQuery,
        answers={200: _TAGGED, 304: Answers(text="Nothing changed since that ETag.", headers=("ETag",))},
        summary="Status of a job",
        tag="Videos",
        text="The job as it is now. `wait=30` holds the answer until the status changes, 60 seconds at most.",
    ),
    POST(
        name="cancel",
        path="/api/v1/cancel/{job_id}",
        handler=jobs.cancel,
        body=Nothing,
        answers={
            200: Answers(text="Cancelled; nothing was charged.", model="Cancelled"),
            202: Answers(text="The provider is being asked to stop.", model="Cancelled"),
        },
        problems=(409,),
        summary="Cancel a job",
        tag="Videos",
        text="A queued job is cancelled at once and costs nothing. One that is at work is stopped where the provider can "
        "stop it; else 409 says why, and what it will cost.",
    ),
    POST(
        name="estimate",
        path="/api/v1/estimate",
        handler=generate.estimate,
        limit=READS,
        body=Generate,
        answers={200: Answers(text="Price and expected time.", model="Estimate")},
        problems=(402, 404, 410, 503, 507),
        summary="Price of a video",
        tag="Videos",
        text="Takes the body of `generate` and says what it would cost and how long it would take. Creates no job.",
    ),
    POST(
        name="enhance",
        path="/api/v1/enhance",
        handler=enhance.create,
        limit="enhance",
        body=Enhance,
        answers={200: Answers(text="The richer prompt, and the original.", model="Enhanced")},
        summary="Make a prompt richer",
        tag="Videos",
        text="Adds the shot, the light and the movement that a prompt lacks, and keeps its words and its language: by Gemini "
        "where the installation has a key, else by rules (`source` says which). It takes 20 seconds at most and costs "
        "nothing. A job placed with the answer's `prompt` keeps the original as `params.original_prompt`.",
    ),
    GET(
        name="models",
        path="/api/v1/models",
        handler=models.listing,
        answers={200: Answers(text="All models, in order of preference.", model="ModelList")},
        summary="Models",
        tag="Videos",
        text="What each model takes and costs, and whether it can be used here; if not, what is missing.",
    ),
    # ---- pictures
    POST(
        name="upload_image",
        path="/api/v1/images",
        handler=images.create,
        limit=UPLOADS,
        body=ImageUpload,
        once=True,
        answers={
            200: Answers(text="The same bytes were there already.", model="Image", headers=("Idempotent-Replayed",)),
            201: Answers(text="It is kept.", model="Image", headers=("Idempotent-Replayed",)),
        },
        problems=(503, 507),
        summary="Send a picture",
        tag="Images",
        text="Keeps a picture, to be named by `image_id`. It is turned upright, brought to sRGB, and stripped of EXIF, "
        "places and everything else but its pixels. Equal bytes are kept once.",
    ),
    GET(
        name="images",
        path="/api/v1/images",
        handler=images.listing,
        query=ImagesQuery,
        answers={200: Answers(text="A page of pictures, newest first.", model="ImageList")},
        problems=(404,),
        summary="Own pictures",
        tag="Images",
        text="Newest first. Give the `next` of one page as `after` of the next one.",
    ),
    GET(
        name="image",
        path="/api/v1/images/{image_id}",
        handler=images.show,
        answers={200: Answers(text="The picture, with links.", model="Image")},
        summary="One picture",
        tag="Images",
    ),
    DELETE(
        name="delete_image",
        path="/api/v1/images/{image_id}",
        handler=images.remove,
        query=PurgeQuery,
        answers={204: Answers(text="It is in the trash, or gone.")},
        problems=(409,),
        summary="Delete a picture",
        tag="Images",
        text="To the trash for 30 days, with `purge=true` away for good. A job that was not ordered yet and needs it fails "
        "with `picture_gone`, free. Sending the same file again takes it back.",
    ),
    GET(
        name="image_thumbnail",
        path="/api/v1/images/{image_id}/thumbnail",
        handler=images.thumbnail,
        answers={
            200: Answers(text="512 × 512, from its middle.", content="image/jpeg", headers=_FILE),
            206: Answers(text="The range that was asked for.", content="image/jpeg", headers=(*_FILE, "Content-Range")),
            304: Answers(text="Nothing changed since that ETag.", headers=("ETag",)),
        },
        problems=(416, 503),
        head=True,
        summary="Thumbnail of a picture",
        tag="Images",
    ),
    POST(
        name="begin_upload",
        path="/api/v1/uploads",
        handler=chunks.begin,
        limit=UPLOADS,
        body=UploadBegin,
        once=True,
        answers={201: Answers(text="Send the pieces.", model="Upload", headers=("Idempotent-Replayed",))},
        problems=(503, 507),
        summary="Begin an upload in pieces",
        tag="Images",
        text="For files on a line that breaks. Send pieces of at most `chunk_bytes` bytes to the upload's own address, in "
        "order; what is told as `received` is on disk. Forgotten 24 hours after the last piece.",
    ),
    GET(
        name="upload",
        path="/api/v1/uploads/{upload_id}",
        handler=chunks.show,
        answers={200: Answers(text="How much is here.", model="Upload")},
        summary="How far an upload is",
        tag="Images",
    ),
    Address(
        name="upload_piece",
        method="PUT",
        path="/api/v1/uploads/{upload_id}",
        handler=chunks.add,
        raw="application/octet-stream",
        answers={
            200: Answers(text="It is on disk (with the last piece: the picture was there already).", model="Piece"),
            201: Answers(text="It was the last piece: the picture is kept.", model="Image"),
        },
        problems=(409, 503, 507),
        summary="Send a piece",
        tag="Images",
        text="The bytes, with `Content-Range: bytes 0-8388607/9100000` (or `Upload-Offset: 0`). A piece that is here already "
        "changes nothing. 409 `upload_offset` says in `received` where to go on. The last piece answers the picture, or "
        "422 with the reason why it cannot be one.",
    ),
    POST(
        name="complete_upload",
        path="/api/v1/uploads/{upload_id}/complete",
        handler=chunks.complete,
        limit=READS,
        body=Nothing,
        answers={
            200: Answers(text="The same bytes were there already.", model="Image"),
            201: Answers(text="It is kept.", model="Image"),
        },
        problems=(409, 503, 507),
        summary="Make a picture of an upload",
        tag="Images",
        text="The last piece does this by itself; ask for it when that answer was lost, or was a 503 or 507.",
    ),
    DELETE(
        name="give_up_upload",
        path="/api/v1/uploads/{upload_id}",
        handler=chunks.give_up,
        limit=READS,
        answers={204: Answers(text="It is forgotten; a picture that was made of it stays.")},
        summary="Give an upload up",
        tag="Images",
    ),
    # ---- jobs
    GET(
        name="jobs",
        path="/api/v1/jobs",
        handler=jobs.listing,
        query=ListQuery,
        answers={200: Answers(text="A page of jobs, newest first.", model="JobList")},
        problems=(404,),
        summary="Own jobs",
        tag="Jobs",
        text="Newest first. Give the `next` of one page as `after` of the next one.",
    ),
    PATCH(
        name="change",
        path="/api/v1/jobs/{job_id}",
        handler=jobs.change,
        body=JobChanges,
        answers={200: _STATUS},
        summary="Name a job, mark a favourite",
        tag="Jobs",
        text="`title` is its owner's name for it (null takes it away), `favourite` a mark to find it by. What is left out "
        "stays as it is.",
    ),
    GET(
        name="events",
        path="/api/v1/events",
        handler=events.of_all,
        answers={200: _STREAM},
        problems=(503,),
        summary="Events of all own jobs",
        tag="Jobs",
        text="Server-Sent Events: first the present state of every active job, then every change. A comment every 15 "
        "seconds keeps the connection open; `Last-Event-ID` replays what was missed.",
    ),
    GET(
        name="job_events",
        path="/api/v1/jobs/{job_id}/events",
        handler=events.of_job,
        answers={200: _STREAM},
        problems=(503,),
        summary="Events of one job",
        tag="Jobs",
        text="Server-Sent Events of one job: first its present state; the stream ends after `done`.",
    ),
    POST(
        name="front",
        path="/api/v1/jobs/{job_id}/front",
        handler=jobs.front,
        body=Nothing,
        answers={200: Answers(text="It is first among your queued jobs.", model="Fronted")},
        problems=(409,),
        summary="Move a job to the front",
        tag="Jobs",
        text="Before one's own other queued jobs; nobody else's wait becomes longer.",
    ),
    POST(
        name="retry",
        path="/api/v1/jobs/{job_id}/retry",
        handler=jobs.retry,
        body=Nothing,
        once=True,
        answers=_PLACED,
        problems=(402, 410, 503),
        summary="Try a failed job again",
        tag="Jobs",
        text="Places the same wish as a new job.",
    ),
    DELETE(
        name="delete",
        path="/api/v1/jobs/{job_id}",
        handler=jobs.remove,
        query=PurgeQuery,
        answers={204: Answers(text="It is in the trash, or gone.")},
        problems=(409,),
        summary="Delete a job",
        tag="Jobs",
        text="A finished job and its files go to the trash for 30 days, with `purge=true` away for good.",
    ),
    POST(
        name="restore",
        path="/api/v1/jobs/{job_id}/restore",
        handler=jobs.restore,
        body=Nothing,
        answers={200: _STATUS},
        problems=(409,),
        summary="Take a job back from the trash",
        tag="Jobs",
    ),
    # ---- delivery
    POST(
        name="generate_video",
        path="/api/v1/videos/generate",
        handler=generate.create,
        body=GenerateVideo,
        once=True,
        answers=_PLACED,
        problems=(402, 404, 410, 503, 507),
        summary="Make a video for streaming",
        tag="Delivery",
        text="As `generate`, plus the sizes that are made for streaming.",
    ),
    GET(
        name="video_status",
        path="/api/v1/videos/jobs/{job_id}/status",
        handler=videos.status,
        answers={200: Answers(text="The job with every stage.", model="StatusWithStages")},
        summary="Status with stages",
        tag="Delivery",
    ),
    GET(
        name="download",
        path="/api/v1/videos/jobs/{job_id}/download",
        handler=videos.download,
        answers={
            200: Answers(text="The whole file.", content="video/mp4", headers=_FILE),
            206: Answers(text="The range that was asked for.", content="video/mp4", headers=(*_FILE, "Content-Range")),
            304: Answers(text="Nothing changed since that ETag.", headers=("ETag",)),
        },
        problems=(416, 503),
        head=True,
        summary="Download the original",
        tag="Delivery",
        text="The provider's own bytes, untouched. Takes `Range`, `If-Range` and `If-None-Match`.",
    ),
    GET(
        name="metadata",
        path="/api/v1/videos/jobs/{job_id}/metadata",
        handler=videos.metadata,
        answers={200: Answers(text="Technical facts, sizes, links, origin.", model="Metadata")},
        summary="Facts of a video",
        tag="Delivery",
    ),
    GET(
        name="provenance",
        path="/api/v1/videos/jobs/{job_id}/provenance",
        handler=provenance.show,
        query=ProvenanceQuery,
        answers={
            200: Answers(
                text="What the manifest says, or the manifest.", model="Provenance", also=("application/c2pa",)
            ),
            206: Answers(text="A part of the manifest.", content="application/c2pa", headers=(*_FILE, "Content-Range")),
            304: Answers(text="The manifest is the one of that ETag.", headers=("ETag",)),
        },
        problems=(409, 416, 503),
        summary="Where a video came from",
        tag="Delivery",
        text="Facts by default; with `Accept: application/c2pa` or `format=c2pa` the signed manifest, a sidecar of the "
        "untouched original.",
    ),
    GET(
        name="thumbnail",
        path="/api/v1/videos/jobs/{job_id}/thumbnail",
        handler=videos.thumbnail,
        query=ThumbnailQuery,
        answers={
            200: Answers(text="The poster.", content="image/jpeg", headers=_FILE),
            206: Answers(text="The range that was asked for.", content="image/jpeg", headers=(*_FILE, "Content-Range")),
            304: Answers(text="Nothing changed since that ETag.", headers=("ETag",)),
        },
        problems=(416, 503),
        head=True,
        summary="Poster of a video",
        tag="Delivery",
    ),
    GET(
        name="stream",
        path="/api/v1/videos/jobs/{job_id}/stream",
        handler=videos.stream,
        query=StreamQuery,
        answers={
            200: Answers(text="The whole file.", content="video/mp4", headers=_FILE),
            206: Answers(text="The range that was asked for.", content="video/mp4", headers=(*_FILE, "Content-Range")),
            304: Answers(text="Nothing changed since that ETag.", headers=("ETag",)),
        },
        problems=(416, 503),
        head=True,
        summary="Stream a video",
        tag="Delivery",
        text="The size named by `quality`, without it the best there is, to be shown and not saved. Takes `Range` as "
        "`download` does; a 404 lists the `qualities` there are.",
    ),
    POST(
        name="share",
        path="/api/v1/videos/jobs/{job_id}/share",
        handler=shares.switch_on,
        body=ShareTerms,
        once=True,
        answers={
            200: Answers(text="It was shared already: the same link, under these terms.", model="Share"),
            201: Answers(text="The new link.", model="Share", headers=("Idempotent-Replayed",)),
        },
        summary="Share a video",
        tag="Delivery",
        text="Makes a public link. Whoever has it can watch the video and read its title; the name of its maker and the "
        "prompt only where you allow it.",
    ),
    GET(
        name="shared",
        path="/api/v1/videos/jobs/{job_id}/share",
        handler=shares.show,
        answers={200: Answers(text="The link as it is.", model="Share")},
        summary="The public link of a video",
        tag="Delivery",
        text="404 `not_shared` when it is off or has ended.",
    ),
    DELETE(
        name="unshare",
        path="/api/v1/videos/jobs/{job_id}/share",
        handler=shares.switch_off,
        answers={204: Answers(text="The link is dead.")},
        summary="Stop sharing a video",
        tag="Delivery",
        text="At once and for good: sharing again makes another link. What a browser is just playing ends within five minutes.",
    ),
    # ---- usage
    GET(
        name="usage",
        path="/api/v1/usage",
        handler=usage.show,
        query=UsageQuery,
        answers={200: Answers(text="Figures by group, and in all.", model="Usage", also=("text/csv",))},
        summary="Usage and costs",
        tag="Usage",
        text="What was ordered in a period and what it cost, the estimate beside what providers took, by UTC day, model, "
        "provider or key; this month when no day is named. `variance_alert` marks what is more than 20 % apart. Deleted "
        "jobs stay in it. With `Accept: text/csv` or `format=csv` the rows are a table.",
    ),
    # ---- webhooks
    GET(
        name="webhook_secret",
        path="/api/v1/webhooks/secret",
        handler=webhooks.secret,
        answers={200: Answers(text="The secret.", model="WebhookSecret")},
        summary="Secret of your webhooks",
        tag="Webhooks",
        text="Messages to a `webhook_url` are signed with it (Standard Webhooks): verify `webhook-signature` over the raw body.",
    ),
    POST(
        name="callback",
        path="/api/callbacks/{provider}/{token}",
        handler=callbacks.take,
        auth=Auth.NONE,
        limit=None,
        answers={200: Answers(text="Taken in.", model="Received")},
        problems=(401, 413, 429),
        summary="Callback of a provider",
        tag="Service",
        text="For providers: the signature is verified, and then the job is looked at.",
    ),
    GET(
        name="media",
        path="/media/{key:path}",
        handler=media.fetch,
        auth=Auth.NONE,
        limit=None,
        query=AnyQuery,
        hidden=True,
        summary="A file behind a signed link",
        tag="Delivery",
    ),
    # ---- the service itself
    GET(
        name="healthz",
        path="/healthz",
        handler=service.healthz,
        auth=Auth.NONE,
        limit=None,
        answers={200: Answers(text="It is up.", model="Alive")},
        summary="Is the process up?",
        tag="Service",
    ),
    GET(
        name="readyz",
        path="/readyz",
        handler=service.readyz,
        auth=Auth.NONE,
        limit=None,
        answers={200: Answers(text="It can serve.", model="Ready")},
        problems=(503,),
        summary="Can it serve?",
        tag="Service",
    ),
    GET(
        name="services",
        path="/health/services",
        handler=service.services,
        auth=Auth.NONE,
        limit=None,
        answers={200: Answers(text="Each dependency with its state.", model="Services")},
        summary="How are its dependencies?",
        tag="Service",
    ),
    GET(
        name="metrics",
        path="/metrics",
        handler=service.metrics,
        auth=Auth.OWN,
        limit=None,
        answers={200: Answers(text="Figures for Prometheus.", content="text/plain")},
        problems=(401, 403, 404),
        summary="Figures",
        tag="Service",
        text="For an administrator's key, or a peer on the same machine whose request nobody forwarded.",
    ),
    GET(
        name="openapi",
        path="/openapi.json",
        handler=documents.openapi,
        auth=Auth.NONE,
        answers={200: Answers(text="This document.", content="application/json")},
        summary="This document",
        tag="Service",
    ),
    GET(
        name="docs",
        path="/docs",
        handler=documents.page,
        auth=Auth.NONE,
        hidden=True,
        summary="How to use the API",
        tag="Service",
    ),
    GET(
        name="docs_errors",
        path="/docs/errors",
        handler=documents.errors,
        auth=Auth.NONE,
        hidden=True,
        summary="Every code a refusal may carry",
        tag="Service",
    ),
)


def register(app: Flask, house: House) -> None:
    """Give `app` every address of the table."""
    blueprint = Blueprint("api", __name__)
    for address in ADDRESSES:
        blueprint.add_url_rule(address.rule, address.name, view_of(address, house), methods=[address.method])
    app.register_blueprint(blueprint)
    app.extensions[ADDRESSES_KEY] = ADDRESSES
