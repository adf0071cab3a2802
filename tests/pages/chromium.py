"""A real Chromium before a real server on loopback."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page, sync_playwright

ROOT = Path(__file__).parents[2]
SOON_MS = 15_000
START_SECONDS = 30.0
STOP_SECONDS = 15.0
PASSWORD = "correct horse battery"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SHORT: dict[str, Any] = {"prompt": "A quiet lake", "duration": 1, "resolution": "480p"}
DONE_MS = 60_000
MISSING = "These tests drive a browser: install Chromium (apt-get install chromium)."
# What a browser says about an answer that a test asked for on purpose.
EXPECTED = re.compile(r"Failed to load resource: the server responded with a status of (?:40[1-4]|409|410|422|429|507)")


@contextmanager
def open_chromium() -> Iterator[Chromium]:
    """The system's Chromium, or a skip that says what to install."""
    path = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )
    if path is None:
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield chromium
        chromium.close()


class Studio:
    """`python web_app.py` on a data folder of its own and a port that the system chose, until the block is left."""

    def __init__(self, folder: Path, chromium: Chromium, **settings: str) -> None:
        self.folder = folder
        self._settings = settings
        self._chromium = chromium
        self._port = "0"
        self._process: subprocess.Popen[str] | None = None
        self.address = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Serve; again on the same port when it served before."""
        self._process = subprocess.Popen(
            [sys.executable, "web_app.py"],
            cwd=ROOT,
            env=self._environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        said, lines = threading.Event(), list[str]()
        threading.Thread(target=self._listen, args=(self._process, said, lines), daemon=True).start()
        assert said.wait(START_SECONDS), "".join(lines)

    def stop(self) -> None:
        """Ask it to end, and wait."""
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """End it without a word, it and all it began."""
        process = self._process
        if process is not None and process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(STOP_SECONDS)

    def context(self, **options: Any) -> BrowserContext:
        """A browser profile of its own."""
        settings: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}} | options
        made = self._chromium.new_context(base_url=self.address, **settings)
        made.set_default_timeout(SOON_MS)
        return made

    def command(self, *arguments: str) -> None:
        """Run a command of its operator beside it."""
        words = [sys.executable, "-m", "flask", "--app", "web_app", *arguments]
        subprocess.run(words, cwd=ROOT, env=self._environment(), check=True, capture_output=True, timeout=START_SECONDS)

    def _environment(self) -> dict[str, str]:
        own = {
            "DATA_DIR": str(self.folder / "data"),
            "PORT": self._port,
            "PASSWORD_MEMORY_KIB": "64",
            "LOCAL_FAULTS_HEADER": "true",
            "MV_DEBUG_MODE": "true",
            **self._settings,
        }
        limits = {f"LIMIT_{name}": "off" for name in ("WEB", "READS", "SIGN_IN", "ANONYMOUS")}
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
        return kept | own | limits | {"LOG_FORMAT": "json"}

    def _listen(self, process: subprocess.Popen[str], said: threading.Event, lines: list[str]) -> None:
        assert process.stderr
        for line in process.stderr:
            lines.append(line)
            found = re.search(r"Listening at: (http://127\.0\.0\.1:(\d+))", line)
            if found:
                self.address, self._port = found[1], found[2]
                said.set()
        process.stderr.close()


class Watched:
    """A page and whatever its browser complained about; a broken connection only where nobody broke it on purpose."""

    def __init__(self, context: BrowserContext, *, broken: bool = False) -> None:
        self._broken = broken
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, kind: str, text: str) -> None:
        if self._broken and ("net::ERR_" in text or "Failed to fetch" in text):
            return
        if kind in ("error", "warning") and not EXPECTED.search(text):
            self.complaints.append(text)


def sign_up(page: Page, email: str) -> None:
    """Make an account by hand, and be on Create."""
    page.goto("/signup")
    page.fill("#email", email)
    page.fill("#name", "Mina Okafor")
    page.fill("#password", PASSWORD)
    page.click("button:has-text('Sign up')")
    page.wait_for_url("**/create")


def headers(page: Page) -> dict[str, str]:
    """What the page's own script sends with a call."""
    token = page.get_attribute("meta[name=csrf-token]", "content")
    assert token
    return {"X-CSRF-Token": token}


def place(page: Page, *, fault: str | None = None, **fields: Any) -> str:
    """Place a job beside the page; its id."""
    more = {"X-Local-Fault": fault} if fault else {}
    answer = page.request.post("/api/v1/generate", headers=headers(page) | more, data=SHORT | fields)
    assert answer.status == 202, answer.text()
    return answer.json()["job_id"]


def ended(page: Page, job: str) -> str:
    """Wait until a job is over; its status. An answer that was held comes at every change, not only at the last."""
    while True:
        status = page.request.get(f"/api/v1/status/{job}?wait=60").json()["status"]
        if status not in ("queued", "processing"):
            return status
