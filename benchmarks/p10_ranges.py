"""P10: a 200 MB film by `download` and by a signed link, whole and in random ranges, beside nginx and nginx behind Flask."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.film import put_film
from benchmarks.report import Row, middle, report
from benchmarks.serving import bare, get, ours, wrk
from tests.crash.server import Server, free_port

SIZE, LARGE = 200 << 20, 2 << 30
ROUNDS, SECONDS, CLIENTS = 3, 3.0, 16
EMAIL = "bench@example.com"


def main() -> None:
    """Full reads by curl, ranges by wrk; rounds in turn, medians."""
    if shutil.which("nginx") is None:
        raise SystemExit("This benchmark needs nginx: apt-get install nginx-light")
    with ours() as (server, key):
        data = server.folder / "data"
        film, large = (put_film(data, EMAIL, size, sparse=size == LARGE) for size in (SIZE, LARGE))
        path = next((data / "media").rglob(f"{film}/original.mp4"))
        download = f"{server.url}/api/v1/videos/jobs/{film}/download"
        link = str(get(f"{server.url}/api/v1/status/{film}", key)["result_url"])
        link = link.replace(link[: link.index("/media/")], server.url)
        with _nginx(path.parent) as plain, bare(FILES=str(path.parent)) as flask, _nginx(path.parent, flask) as accel:
            rows = _rows(
                {"download": (download, key), "signed link": (link, "")},
                f"{plain}/files/original.mp4",
                f"{accel}/accel/original.mp4",
                server,
            )
        rows += _anywhere(f"{server.url}/api/v1/videos/jobs/{large}/download", key)
    report("P10 ranges", rows)


def _rows(mine: dict[str, tuple[str, str]], plain: str, accel: str, server: Server) -> list[Row]:
    places = {"nginx": (plain, ""), "X-Accel behind Flask": (accel, ""), **mine}
    full: dict[str, list[float]] = {name: [] for name in places}
    ranged: dict[tuple[str, int], list[float]] = {(name, size): [] for name in places for size in (1 << 20, 1 << 16)}
    for _ in range(ROUNDS):
        for name, (url, key) in places.items():
            full[name].append(_whole(url, key))
            for size in (1 << 20, 1 << 16):
                load = wrk(url, CLIENTS, SECONDS, key=key, ranges=(SIZE, size))
                assert load.errors == 0, (name, load)
                ranged[name, size].append(load.rate)
    rows: list[Row] = []
    for name in places:
        mb, large, small = middle(full[name]), middle(ranged[name, 1 << 20]), middle(ranged[name, 1 << 16])
        rows.append((name, f"{mb:,.0f} MB/s; 1 MiB {large:,.0f}/s; 64 KiB {small:,.0f}/s", None))
    for name in mine:
        ratio = middle(full[name]) / middle(full["nginx"])
        rows.append((f"{name}: whole ÷ nginx (goal ≥ 0.9)", f"{ratio:.2f}×", ratio >= 0.9))
        for size, goal, words in ((1 << 20, 0.9, "1 MiB"), (1 << 16, 0.8, "64 KiB")):
            ratio = middle(ranged[name, size]) / middle(ranged["X-Accel behind Flask", size])
            rows.append((f"{name}: {words} ranges ÷ X-Accel (goal ≥ {goal})", f"{ratio:.2f}×", ratio >= goal))
    return rows


def _anywhere(url: str, key: str) -> list[Row]:
    """The first and the last 64 KiB of a film of 2 GiB."""

    def part(first: int) -> float:
        request = urllib.request.Request(url, headers={"X-API-Key": key, "Range": f"bytes={first}-{first + 65535}"})
        began = time.perf_counter()
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 206
            assert len(answer.read()) == 65536
        return 1000 * (time.perf_counter() - began)

    pairs = [(part(0), part(LARGE - 65536)) for _ in range(60)]
    first, last = middle([each[0] for each in pairs]), middle([each[1] for each in pairs])
    goal = last <= 1.1 * first
    return [
        (
            "last 64 KiB of 2 GiB against the first (goal ≤ 1.1×)",
            f"{last:.1f} / {first:.1f} ms = {last / first:.2f}×",
            goal,
        )
    ]


def _whole(url: str, key: str) -> float:
    """MB a second of one curl."""
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{speed_download} %{http_code}", "-H", f"X-API-Key: {key}", url]
    speed, status = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert status == "200", status
    return float(speed) / 1e6


@contextmanager
def _nginx(files: Path, flask: str = "") -> Iterator[str]:
    """nginx with one worker and sendfile; with `flask` it asks there and takes X-Accel-Redirect to `files`."""
    folder, port = Path(tempfile.mkdtemp(prefix="vf-nginx-")), free_port()
    place = f"location /files/ {{ {'internal;' if flask else ''} alias {files}/; }}"
    asked = f"location /accel/ {{ proxy_pass {flask}; proxy_http_version 1.1; proxy_set_header Connection ''; }}"
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{ worker_connections 512; }}\n"
        f"http {{ access_log off; sendfile on; tcp_nopush off; client_body_temp_path {folder}/body;\n"
        f"proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n"
        f"server {{ listen 127.0.0.1:{port}; keepalive_requests 1000000; {place} {asked if flask else ''} }} }}\n"
    )
    process = subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)])
    try:
        time.sleep(0.5)
        assert process.poll() is None, (folder / "error.log").read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
