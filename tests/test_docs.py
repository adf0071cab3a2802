"""The documents say what is so: every block of API_DOCS_V2.md that is marked to run runs, and nothing there is goes unnamed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from api_router import ADDRESSES
from tests.crash.server import ROOT, Server
from vividflow.api.answers import Image, Metrics, Placed, Status, Upload
from vividflow.api.bodies import IMAGES, GenerateVideo, UploadBegin
from vividflow.api.queries import ImagesQuery, ListQuery, PurgeQuery, ThumbnailQuery, WaitQuery
from vividflow.config import Settings
from vividflow.lifecycle.diagram import BEGIN, END, diagram
from vividflow.notify.webhooks import new_secret, signed_headers

API = ROOT / "API_DOCS_V2.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
PAGES = ("README.md", "SECURITY.md", "DEPLOYMENT_CHECKLIST.md", "CONTRIBUTING.md", "CHANGELOG.md", "API_DOCS_V2.md")
MARK = re.compile(r"# run(?:, answers (?P<status>\d{3}))?\n")
SAME = (
    "status",
    "stage",
    "code",
    "param",
    "kind",
    "model",
    "provider",
)  # words that are compared, of jobs and refusals
ALL_WITHIN = 90.0  # seconds; it takes under 20 on two idle cores


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block of a page, and the line that it begins on."""

    language: str
    text: str
    line: int

    @property
    def runs(self) -> bool:
        """Whether it is marked to be run."""
        return self.language == "sh" and MARK.match(self.text) is not None

    @property
    def refusal(self) -> int | None:
        """The status that it must be refused with, or None when all of it must succeed."""
        found = MARK.match(self.text)
        return int(found["status"]) if found and found["status"] else None


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [
        Block(language=each["language"], text=each["text"], line=text.count("\n", 0, each.start()) + 1)
        for each in found
    ]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(environment={"LOCAL_FAULTS_HEADER": "true", "LOG_FORMAT": "json"}, folder=tmp_path)
    made.start()
    yield made
    code, _ = made.term()
    assert code == 0


def test_every_block_that_is_marked_runs_and_answers_what_is_printed_under_it(server: Server, tmp_path: Path) -> None:
    blocks = blocks_of(API)
    marked = [block for block in blocks if block.runs]
    assert len(marked) > 25

    said = _said_by(marked, server, tmp_path)

    printed = {first.line: second for first, second in pairwise(blocks) if first.runs and second.language == "json"}
    assert len(printed) > 15
    for block in marked:
        answer = _last_object(said[block.line])
        if block.refusal is not None:
            assert answer is not None, f"line {block.line} answered no JSON: {said[block.line]}"
            assert answer["status"] == block.refusal, f"line {block.line}: {answer}"
        if block.line in printed:
            sample = json.loads(printed[block.line].text)
            assert list(_unlike(sample, answer, f"line {printed[block.line].line}")) == []


def test_every_address_is_named() -> None:
    text = API.read_text(encoding="utf-8")
    paths = [(address.method, address.path.replace("{key:path}", "{key}")) for address in ADDRESSES]
    assert [f"{method} {path}" for method, path in paths if f"`{method} {path}`" not in text] == []


def test_every_field_that_is_taken_or_answered_is_named() -> None:
    text = API.read_text(encoding="utf-8")
    models = (
        GenerateVideo,
        WaitQuery,
        ListQuery,
        ImagesQuery,
        PurgeQuery,
        ThumbnailQuery,
        Placed,
        Status,
        Metrics,
        Image,
        UploadBegin,
        Upload,
    )
    names = {*IMAGES, *(name for model in models for name in model.model_fields)}
    assert {name for name in names if not re.search(rf"`\??{name}\b", text)} == set()


def test_the_sample_that_verifies_webhooks_takes_the_genuine_and_nothing_else() -> None:
    (sample,) = [block.text for block in blocks_of(API) if block.language == "python"]
    room: dict[str, Any] = {}
    exec(sample, room)  # noqa: S102 - the very lines that readers copy
    verify, secret, body = room["verify"], new_secret(), b'{"type":"job.completed"}'

    headers = signed_headers("msg_1", body, [new_secret(), secret], at=time.time())

    assert verify(headers, body, secret)
    assert not verify(headers, body + b" ", secret)
    assert not verify(headers, body, new_secret())
    assert not verify(headers | {"webhook-id": "msg_2"}, body, secret)
    assert not verify(signed_headers("msg_1", body, [secret], at=time.time() - 301), body, secret)


@pytest.mark.parametrize("page", [ROOT / ".env.example", ARCHITECTURE], ids=lambda page: page.name)
def test_every_setting_is_named(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    names = [name.upper() for name in Settings.model_fields]
    assert [name for name in names if not re.search(rf"(?:^#|`){name}(?:=|`)", text, re.MULTILINE)] == []


def test_the_state_diagrams_are_the_tables_of_today() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")
    drawn = text.partition(BEGIN)[2].partition(END)[0]
    assert drawn.strip() == diagram(), "run `.venv/bin/python -m vividflow.lifecycle.diagram`"


def test_every_link_within_the_repository_leads_somewhere() -> None:
    pages = [*(ROOT / name for name in PAGES), *(ROOT / "docs").rglob("*.md")]
    dead = [(page.name, link) for page in pages for link in _links(page) if not _leads_somewhere(page, link)]
    assert dead == []


def _said_by(blocks: list[Block], server: Server, folder: Path) -> dict[int, str]:
    """What each block printed, by its line: all run in one shell, in a folder that looks like a checkout."""
    room = folder / "checkout"
    for name in ("strict", "plain", "said"):
        (room / name).mkdir(parents=True)
    (room / "strict" / ".curlrc").write_text('fail-with-body\nmax-time = 60\nnoproxy = "*"\n')
    (room / "plain" / ".curlrc").write_text('max-time = 60\nnoproxy = "*"\n')
    (room / ".venv").symlink_to(sys.prefix)
    (room / "examples").symlink_to(ROOT / "examples")
    script = ["set -euo pipefail"]
    for block in blocks:
        script += [f"exec >said/{block.line}", f"export CURL_HOME={'plain' if block.refusal else 'strict'}", block.text]
    own = {
        "BASE": server.url,
        "DATA_DIR": str(folder / "data"),
        "PASSWORD_MEMORY_KIB": "8",
        "PORT": str(server.port),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=room,
        env=os.environ | own,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=ALL_WITHIN,
        check=False,
    )
    said = {int(file.name): file.read_text() for file in (room / "said").iterdir()}
    assert done.returncode == 0, f"line {max(said)}: {said[max(said)]} {done.stderr}"
    return said


def _last_object(printed: str) -> dict[str, Any] | None:
    objects = [line for line in printed.splitlines() if line.startswith("{")]
    return json.loads(objects[-1]) if objects else None


def _unlike(sample: Any, answer: Any, where: str) -> Iterator[str]:
    """Where an answer is not of the shape of the sample; it may have more members."""
    match sample, answer:
        case dict(), dict():
            compared = SAME if {"job_id", "code"} & set(sample) else ()
            for name, value in sample.items():
                if name not in answer:
                    yield f"{where}: {name} is missing"
                elif name in compared and value != answer[name]:
                    yield f"{where}: {name} is {answer[name]!r}, not {value!r}"
                else:
                    yield from _unlike(value, answer[name], f"{where}: {name}")
        case list(), list():
            if len(answer) < len(sample):
                yield f"{where}: {len(answer)} items, not {len(sample)}"
            for number, (one, other) in enumerate(zip(sample, answer, strict=False)):
                yield from _unlike(one, other, f"{where}[{number}]")
        case int() | float(), int() | float() if isinstance(sample, bool) is isinstance(answer, bool):
            return
        case _ if type(sample) is not type(answer):
            yield f"{where}: {answer!r} where {sample!r} is printed"


def _links(page: Path) -> list[str]:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]


def _leads_somewhere(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = page if not name else (page.parent / name)
    if not target.exists():
        return False
    return not anchor or anchor in _anchors(target)


def _anchors(page: Path) -> set[str]:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
