"""One video, start to finish: `make demo` starts the server, makes a user and a key, submits a photograph, shows progress.

It goes in by the front door only: commands and the HTTP API, as a stranger would. DATA_DIR, HOST and PORT are honoured.
The last line on stdout is `Video: <absolute path>`. The server goes on until Ctrl-C, or ends at once with DEMO_EXIT=1.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import requests
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from vividflow.config import Settings  # noqa: E402
from vividflow.errors import Complaints  # noqa: E402

PHOTO = ROOT / "examples" / "photo.jpg"
PROMPT = "A slow push over a mountain lake at dusk, mist on the far shore, the last sun on the water"
EMAIL = "demo@example.com"
SECONDS = 4
READY_WITHIN = 90.0  # a first start on a slow disk, bytecode and migrations included
DONE_WITHIN = 600.0
STOP_WITHIN = 30.0

console = Console(highlight=False)


class Failure(Exception):
    """The demo cannot go on; the message says why and is all that is printed."""


def main() -> int:
    """Exit code 0 when there is a video, else 1 with a sentence on stderr."""
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _interrupted)
    try:
        demo()
    except KeyboardInterrupt:
        print("Stopped before there was a video.", file=sys.stderr)
        return 130
    except (Failure, Complaints, OSError) as reason:
        print(f"The demo failed. {reason}", file=sys.stderr)
        return 1
    return 0


def demo() -> None:
    """Start, make, show, serve. Raises `Failure`."""
    settings = _settings()
    environment = _environment(settings)
    folder = settings.data_dir / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    with serving(environment, folder / "server.log") as server:
        address = f"http://{_reachable(settings.host)}:{environment['PORT']}"
        wait_until_ready(server, address, folder / "server.log")
        console.print(
            f"[bold]Vivid Flow[/] is up at {address}, its data in {escape(str(settings.data_dir))}", soft_wrap=True
        )
        client = Client(address, make_key(environment))
        video = make_video(client, folder)
        link = flask(environment, "sign-in-link", EMAIL)
        if link.returncode:
            raise Failure(f"No sign-in link could be made: {_last_line(link.stderr)}")
        leaving = os.environ.get("DEMO_EXIT", "") not in ("", "0")
        console.print("\nThe studio, signed in by this link (once, within 15 minutes):", soft_wrap=True)
        console.print(f"  [link]{link.stdout.strip()}[/]", soft_wrap=True)
        if not leaving:
            console.print("Serving until Ctrl-C.", style="dim")
        print(f"Video: {video}", flush=True)
        if not leaving:
            serve_on(server)


# ---- the server


def _settings() -> Settings:
    """The settings the server will have; `.env` is read as the server reads it."""
    os.chdir(ROOT)
    return Settings.from_environment()


def _environment(settings: Settings) -> dict[str, str]:
    """The environment of the server and the commands: ours, with a port that is free."""
    port = settings.port
    asked_for = "port" in settings.model_fields_set and port != 0
    if not asked_for and not _is_free(settings.host, port):
        port = _free_port(settings.host)
    elif asked_for and not _is_free(settings.host, port):
        raise Failure(f"Port {port} on {settings.host} is taken. Stop what listens there, or choose another PORT.")
    return os.environ | {"DATA_DIR": str(settings.data_dir), "PORT": str(port), "PYTHONUNBUFFERED": "1"}


def _is_free(host: str, port: int) -> bool:
    return port != 0 and _listen(host, port) is not None


def _free_port(host: str) -> int:
    port = _listen(host, 0)
    if port is None:
        raise Failure(f"Nothing can listen on HOST={host} here.")
    return port


def _listen(host: str, port: int) -> int | None:
    """The port when `host:port` can be listened on, else None; let go again at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe, suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        return probe.getsockname()[1]
    return None


def _reachable(host: str) -> str:
    """`host` as an address to call: any-addresses are called on the loopback."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"[{host}]" if ":" in host else host


@contextmanager
def serving(environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`python web_app.py` in a session of its own, so that Ctrl-C reaches it through us; stopped by SIGTERM."""
    with log.open("ab") as out:
        server = subprocess.Popen(
            [sys.executable, "web_app.py"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield server
    finally:
        stop(server)


def stop(server: subprocess.Popen[bytes]) -> None:
    """SIGTERM, then patience; SIGKILL for the whole session when it does not end. A second Ctrl-C changes nothing."""
    with suppress(ProcessLookupError):
        server.terminate()
    end = time.monotonic() + STOP_WITHIN
    while server.poll() is None and time.monotonic() < end:
        with suppress(KeyboardInterrupt, subprocess.TimeoutExpired):
            server.wait(end - time.monotonic())
    if server.poll() is None:
        print(f"The server did not stop within {STOP_WITHIN:.0f} s and was killed.", file=sys.stderr)
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def wait_until_ready(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    """Returns when /readyz answers 200. Raises `Failure` with what the server said last."""
    end = time.monotonic() + READY_WITHIN
    answer, pause = "It did not answer.", 0.1
    while time.monotonic() < end:
        if server.poll() is not None:
            raise Failure(f"The server ended with exit code {server.returncode}. {_tail(log)}")
        with suppress(requests.RequestException):
            reply = requests.get(f"{address}/readyz", timeout=5)
            if reply.status_code == 200:
                return
            answer = _detail(reply)
        time.sleep(pause)
        pause = min(1.0, pause * 1.2)
    raise Failure(f"The server was not ready within {READY_WITHIN:.0f} s. {answer} {_tail(log)}")


def serve_on(server: subprocess.Popen[bytes]) -> None:
    """Waits for Ctrl-C. Raises `Failure` when the server ends by itself."""
    try:
        code = server.wait()
    except KeyboardInterrupt:
        print("\nStopping.", file=sys.stderr)
        return
    raise Failure(f"The server ended by itself with exit code {code}.")


def _interrupted(signum: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


# ---- user and key


def make_key(environment: dict[str, str]) -> str:
    """A fresh API key of the demo's own user, who is made when missing. Raises `Failure`."""
    made = flask(environment, "create-user", EMAIL, "--generate")
    key = flask(environment, "create-key", EMAIL, "--name", "demo")
    if key.returncode:
        # The first refusal is the cause when the user neither existed nor could be made.
        raise Failure(f"No API key could be made: {_last_line(made.stderr if made.returncode else key.stderr)}")
    return key.stdout.strip()


def flask(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """What one `flask --app web_app …` command said."""
    command = [sys.executable, "-m", "flask", "--app", "web_app", *words]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


# ---- the video


class Client:
    """The few addresses of the API that the demo calls. Every method raises `Failure` for an error answer."""

    def __init__(self, address: str, key: str) -> None:
        self._address = address
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy has no business between us and our own server
        self._session.headers["X-API-Key"] = key

    def submit(self) -> dict[str, Any]:
        """The answer of POST /api/v1/generate for the photograph."""
        fields = {"prompt": PROMPT, "model": "local", "duration": str(SECONDS)}
        with PHOTO.open("rb") as photo:
            return self._call("POST", "/api/v1/generate", data=fields, files={"image": (PHOTO.name, photo)}).json()

    def status(self, job_id: str) -> dict[str, Any]:
        """The status object, held back up to a second while nothing changes."""
        return self._call("GET", f"/api/v1/status/{job_id}", params={"wait": 1}).json()

    def metadata(self, job_id: str) -> dict[str, Any]:
        """The technical facts of a finished video."""
        return self._call("GET", f"/api/v1/videos/jobs/{job_id}/metadata").json()

    def download(self, job_id: str, path: Path) -> int:
        """Saves the original as `path`, whole or not at all; its size in bytes."""
        half = path.with_suffix(".part")
        with self._call("GET", f"/api/v1/videos/jobs/{job_id}/download", stream=True) as reply, half.open("wb") as out:
            for piece in reply.iter_content(1 << 16):
                out.write(piece)
            expected = int(reply.headers.get("Content-Length", out.tell()))
            if out.tell() != expected:
                raise Failure(f"The download ended after {out.tell()} of {expected} bytes.")
        half.replace(path)
        return expected

    def _call(self, method: str, path: str, **more: Any) -> requests.Response:
        try:
            reply = self._session.request(method, self._address + path, timeout=60, **more)
        except requests.RequestException as trouble:
            raise Failure(f"{method} {path}: {trouble}") from trouble
        if not reply.ok:
            raise Failure(f"{method} {path} answered {reply.status_code}: {_detail(reply)}")
        return reply


def make_video(client: Client, folder: Path) -> Path:
    """Submits, follows, downloads; the absolute path of the video. Raises `Failure`."""
    job = client.submit()
    job_id = job["job_id"]
    console.print(f'"{PROMPT}"', style="italic", soft_wrap=True)
    started = time.monotonic()
    status = follow(client, job_id)
    if status["status"] != "completed":
        raise Failure(f"The job ended {status['status']}: {status.get('error_message') or status.get('message')}")
    path = folder / f"{job_id}.mp4"
    size = client.download(job_id, path)
    facts = client.metadata(job_id)["technical_metadata"]
    console.print(
        f"[green]Made in {time.monotonic() - started:.1f} s:[/] {facts['codec']}, {facts['width']}×{facts['height']}, "
        f"{facts['duration']:.2f} s, {size / 1e6:.1f} MB (a preview by the local renderer, not AI)",
        soft_wrap=True,
    )
    return path.resolve()


def follow(client: Client, job_id: str) -> dict[str, Any]:
    """The final status; meanwhile a progress bar, or on no terminal a line for each new stage."""
    end = time.monotonic() + DONE_WITHIN
    columns = (TextColumn("{task.description:<12}"), BarColumn(40), TextColumn("{task.percentage:>3.0f} %"))
    stage = said = None
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("queued", total=100)
        while time.monotonic() < end:
            status = client.status(job_id)
            stage = status.get("stage") or status["status"]
            bar.update(task, description=stage, completed=status.get("progress") or 0)
            if not console.is_terminal and stage != said:
                console.print(f"{status.get('progress') or 0:>3} % {stage}")
                said = stage
            if status["status"] in ("completed", "failed", "cancelled"):
                return status
            time.sleep(0.1)
    raise Failure(f"There was no video after {DONE_WITHIN:.0f} s; the job is still {stage}.")


# ---- words


def _detail(reply: requests.Response) -> str:
    try:
        return str(reply.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return reply.text.strip()[:300]


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("Error: ") if lines else "nothing was said."


def _tail(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if "/readyz" not in line]
    return "\n".join([f"The last lines of {log}:", *lines[-8:]])


if __name__ == "__main__":
    sys.exit(main())
