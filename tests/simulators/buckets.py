"""Buckets of Google and Amazon that really enforce what the emulators of others wave through, and that go away at will.

Enforced: `ifGenerationMatch=0`, `If-None-Match: *` (also at the end of a multipart upload), CRC32C and Content-MD5, the
order of the pieces of a resumable upload. `away` closes every connection without an answer; `asked` counts requests.
"""

from __future__ import annotations

import base64
import hashlib
import re
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.parser import BytesParser
from itertools import count
from typing import Any
from xml.sax.saxutils import escape

import google_crc32c

from tests.simulators.server import Close, FaultBox, Half, Reply, Request, Server, json_reply, ranged

STAGES = ("upload", "read", "look", "delete", "list")
BUCKET = "films"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIATEST",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "NO_GCE_CHECK": "true",
}
"""Of nobody, so that no library looks for those of the machine."""


@dataclass(kw_only=True)
class Held:
    """One object."""

    body: bytes
    mime: str
    metadata: dict[str, str]
    generation: int
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def crc32c(self) -> str:
        """As Google writes it."""
        return base64.b64encode(google_crc32c.Checksum(self.body).digest()).decode()

    @property
    def md5(self) -> bytes:
        """Sixteen bytes."""
        return hashlib.md5(self.body, usedforsecurity=False).digest()


class BucketSimulator(Server):
    """What both share. Faults: `refuse` (`status`), `slow` (`seconds`), `cut`, and of uploads `lost` and `spoilt`."""

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[str, Held] = {}
        self.asked: Counter[str] = Counter()
        self.seen: list[Request] = []
        self.away = False
        self.page = 1000
        self.faults = {stage: FaultBox({stage: ("refuse", "slow", "cut", "lost", "spoilt")}) for stage in STAGES}
        self.lock = threading.RLock()
        self.unfinished: dict[str, tuple[Held, dict[int, bytes], str]] = {}
        self._numbers = count(1_700_000_000_000_001)

    def handle(self, request: Request) -> Reply:
        """Answer, or misbehave as ordered."""
        stage = self.stage(request)
        with self.lock:
            self.asked[stage] += 1
            self.seen.append(request)
        if self.away:
            return Close()
        fault = self.faults[stage].take(stage)
        if fault is None:
            return self.answer(stage, request)
        if fault.name == "refuse":
            return self.refusal(int(fault.more.get("status", 503)))
        if fault.name == "slow":
            self.stopping.wait(float(fault.more["seconds"]))
            return self.answer(stage, request)
        if fault.name == "cut":
            whole = self.answer(stage, request)
            return Half(status=whole.status, body=whole.body, headers=whole.headers)
        answer = self.answer(stage, request)
        if fault.name == "lost":
            return Close()
        for held in self.held.values():  # spoilt: the disk of the service lies
            held.body = b"spoilt" + held.body
        return self.answer_about(next(reversed(self.held)), answer)

    def keep(self, name: str, body: bytes, mime: str, metadata: dict[str, str], create_only: bool) -> Held | None:
        """Keep it; None when it must not replace what is there."""
        with self.lock:
            if create_only and name in self.held:
                return None
            self.held[name] = Held(body=body, mime=mime, metadata=metadata, generation=next(self._numbers))
            return self.held[name]

    def part(self, wanted: str, after: str | None, most: int) -> tuple[list[str], str | None]:
        """A page of the names that begin with `wanted`, and what the next one is asked for with."""
        with self.lock:
            names = sorted(each for each in self.held if each.startswith(wanted) and each > (after or ""))
        most = min(most, self.page)
        return names[:most], names[most - 1] if len(names) > most else None

    def stage(self, request: Request) -> str:
        """Which of the stages a request belongs to."""
        raise NotImplementedError

    def answer(self, stage: str, request: Request) -> Reply:
        """The good answer."""
        raise NotImplementedError

    def answer_about(self, name: str, before: Reply) -> Reply:
        """The answer to an upload, made anew from what is held now."""
        raise NotImplementedError

    def refusal(self, status: int) -> Reply:
        """An error as the service words it."""
        raise NotImplementedError


class GoogleBucket(BucketSimulator):
    """The JSON API, as far as it is used."""

    def stage(self, request: Request) -> str:
        if request.path.startswith("/upload/"):
            return "upload"
        if request.path.startswith("/download/"):
            return "read"
        if request.path.endswith("/o"):
            return "list"
        return "delete" if request.method == "DELETE" else "look"

    def answer(self, stage: str, request: Request) -> Reply:
        match = re.fullmatch(r"/(?:upload/|download/)?storage/v1/b/([^/]+)(?:/o(?:/(.*))?)?", request.path)
        if match is None or match[1] != BUCKET:
            return self.refusal(404)
        name = match[2] or ""
        match stage:
            case "upload":
                return self._upload(request)
            case "list":
                wanted, most = request.query.get("prefix", ""), int(request.query.get("maxResults", 1000))
                names, last = self.part(wanted, request.query.get("pageToken"), most)
                body = {"kind": "storage#objects", "items": [self._about(each) for each in names]}
                return json_reply(body | ({"nextPageToken": last} if last else {}))
        if name not in self.held:
            return self.refusal(404)
        held = self.held[name]
        match stage:
            case "read":
                if request.query.get("generation", str(held.generation)) != str(held.generation):
                    return self.refusal(404)
                return ranged(request, held.body, {"Content-Type": held.mime, "X-Goog-Hash": f"crc32c={held.crc32c}"})
            case "delete":
                with self.lock:
                    self.held.pop(name, None)
                return Reply(status=204)
        return json_reply(self._about(name))

    def answer_about(self, name: str, before: Reply) -> Reply:
        return json_reply(self._about(name)) if before.status == 200 else before

    def refusal(self, status: int) -> Reply:
        return json_reply({"error": {"code": status, "message": f"refused with {status}"}}, status)

    def _upload(self, request: Request) -> Reply:
        create_only = request.query.get("ifGenerationMatch") == "0"
        if request.query.get("upload_id"):
            return self._piece(request, create_only)
        if request.query["uploadType"] == "resumable":
            about = request.json()
            if create_only and about["name"] in self.held:
                return self.refusal(412)
            token = str(next(self._numbers))
            mime = request.headers["x-upload-content-type"]
            held = Held(body=b"", mime=mime, metadata=about.get("metadata", {}), generation=0)
            self.unfinished[token] = (held, {}, about["name"])
            query = "&".join(f"{name}={value}" for name, value in request.query.items())
            return Reply(headers={"Location": f"{self.url}/upload/storage/v1/b/{BUCKET}/o?{query}&upload_id={token}"})
        head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
        first, second = BytesParser().parsebytes(head + request.body).get_payload()  # type: ignore[misc]
        about, mime = Request(method="", path="", query={}, headers={}, body=first.get_payload(decode=True)).json(), ""  # type: ignore[union-attr,arg-type]
        mime = second.get_content_type()  # type: ignore[union-attr]
        # A mail parser turns line ends around; the body is cut out by its boundary instead.
        boundary = re.search(r'boundary="?([^";]+)', request.headers["content-type"])
        assert boundary
        part = request.body.split(b"--" + boundary[1].encode(), 2)[2].rpartition(b"\r\n--" + boundary[1].encode())[0]
        return self._store(about["name"], part.partition(b"\r\n\r\n")[2], mime, about, create_only)

    def _piece(self, request: Request, create_only: bool) -> Reply:
        held, _, name = self.unfinished[request.query["upload_id"]]
        match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", request.headers["content-range"])
        if match is None or int(match[1]) != len(held.body):
            return self.refusal(400)
        held.body += request.body
        if match[3] == "*" or len(held.body) < int(match[3]):
            return Reply(status=308, headers={"Range": f"bytes=0-{len(held.body) - 1}"})
        return self._store(name, held.body, held.mime, {"metadata": held.metadata}, create_only)

    def _store(self, name: str, body: bytes, mime: str, about: dict[str, Any], create_only: bool) -> Reply:
        sum_given = about.get("crc32c")
        if sum_given and sum_given != Held(body=body, mime="", metadata={}, generation=0).crc32c:
            return self.refusal(400)
        kept = self.keep(name, body, mime, about.get("metadata") or {}, create_only)
        return json_reply(self._about(name)) if kept else self.refusal(412)

    def _about(self, name: str) -> dict[str, Any]:
        held = self.held[name]
        return {
            "kind": "storage#object",
            "name": name,
            "bucket": BUCKET,
            "size": str(len(held.body)),
            "contentType": held.mime,
            "metadata": held.metadata,
            "generation": str(held.generation),
            "crc32c": held.crc32c,
            "updated": held.updated.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }


class AmazonBucket(BucketSimulator):
    """The REST API with the bucket in the path, as far as it is used."""

    def stage(self, request: Request) -> str:
        if request.path.strip("/") == BUCKET:
            return "list"
        upload = request.method in ("PUT", "POST") or "uploadId" in request.query
        named = {"GET": "read", "HEAD": "look", "DELETE": "delete"}
        return "upload" if upload else named[request.method]

    def answer(self, stage: str, request: Request) -> Reply:
        bucket, _, name = request.path.lstrip("/").partition("/")
        if bucket != BUCKET:
            return self.refusal(404, "NoSuchBucket")
        match stage:
            case "upload":
                return self._upload(name, request)
            case "list":
                return self._list(request)
            case "delete":
                with self.lock:
                    self.held.pop(name, None)
                return Reply(status=204)
        if name not in self.held:
            return self.refusal(404, "NoSuchKey")
        held = self.held[name]
        about = {"ETag": f'"{held.md5.hex()}"', "Content-Type": held.mime}
        about |= {f"x-amz-meta-{key}": value for key, value in held.metadata.items()}
        about["Last-Modified"] = held.updated.strftime("%a, %d %b %Y %H:%M:%S GMT")
        found = ranged(request, held.body, about)
        return self.refusal(416, "InvalidRange") if found.status == 416 else found

    def answer_about(self, name: str, before: Reply) -> Reply:
        before.headers["ETag"] = f'"{self.held[name].md5.hex()}"'
        return before

    def refusal(self, status: int, code: str = "") -> Reply:
        code = code or {403: "AccessDenied", 412: "PreconditionFailed", 503: "SlowDown"}.get(status, "InternalError")
        return _xml(f"<Error><Code>{code}</Code><Message>refused</Message></Error>", status)

    def _upload(self, name: str, request: Request) -> Reply:
        create_only = request.headers.get("if-none-match") == "*"
        given = request.headers.get("content-md5")
        if given and base64.b64decode(given) != hashlib.md5(request.body, usedforsecurity=False).digest():
            return self.refusal(400, "BadDigest")
        token = request.query.get("uploadId")
        metadata = {
            key.removeprefix("x-amz-meta-"): value for key, value in request.headers.items() if "x-amz-meta" in key
        }
        mime = request.headers.get("content-type", "binary/octet-stream")
        if token is None and request.method == "POST":
            token = str(next(self._numbers))
            self.unfinished[token] = (Held(body=b"", mime=mime, metadata=metadata, generation=0), {}, name)
            return _xml(f"<InitiateMultipartUploadResult><UploadId>{token}</UploadId></InitiateMultipartUploadResult>")
        if token is None:
            kept = self.keep(name, request.body, mime, metadata, create_only)
            return Reply(headers={"ETag": f'"{kept.md5.hex()}"'}) if kept else self.refusal(412)
        if token not in self.unfinished:
            return self.refusal(404, "NoSuchUpload")
        held, parts, name = self.unfinished[token]
        if request.method == "DELETE":
            del self.unfinished[token]
            return Reply(status=204)
        if request.method == "PUT":
            parts[int(request.query["partNumber"])] = request.body
            return Reply(headers={"ETag": f'"{hashlib.md5(request.body, usedforsecurity=False).hexdigest()}"'})
        body = b"".join(parts[number] for number in sorted(parts))
        if self.keep(name, body, held.mime, held.metadata, create_only) is None:
            return self.refusal(412)
        del self.unfinished[token]
        result = f"<CompleteMultipartUploadResult><Key>{escape(name)}</Key></CompleteMultipartUploadResult>"
        return _xml(result)

    def _list(self, request: Request) -> Reply:
        wanted = request.query.get("prefix", "")
        if "list-type" not in request.query:
            found = "".join(
                f"<Upload><Key>{escape(name)}</Key><UploadId>{token}</UploadId>"
                f"<Initiated>{held.updated.isoformat()}</Initiated></Upload>"
                for token, (held, _, name) in self.unfinished.items()
                if name.startswith(wanted)
            )
            return _xml(f"<ListMultipartUploadsResult>{found}</ListMultipartUploadsResult>")
        names, last = self.part(wanted, request.query.get("continuation-token"), 1000)
        found = "".join(
            f"<Contents><Key>{escape(name)}</Key><LastModified>{held.updated.isoformat()}</LastModified>"
            f"<Size>{len(held.body)}</Size></Contents>"
            for name, held in ((name, self.held[name]) for name in names)
        )
        more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{escape(last or '')}</NextContinuationToken>"
        return _xml(f"<ListBucketResult>{more if last else ''}{found}</ListBucketResult>")


def _xml(text: str, status: int = 200) -> Reply:
    return Reply(status=status, body=text.encode(), headers={"Content-Type": "application/xml"})


def settings_of(simulator: BucketSimulator) -> dict[str, str]:
    """The settings that lead to it."""
    if isinstance(simulator, GoogleBucket):
        return {"storage_url": f"gs://{BUCKET}/ours", "storage_emulator_host": simulator.url}
    return {"storage_url": f"s3://{BUCKET}/ours", "aws_endpoint_url_s3": simulator.url}
