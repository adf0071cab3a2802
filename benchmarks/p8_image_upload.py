"""P8: a picture of 10 MB is sent: the time it takes, and by how much server and child grow, beside a bare Pillow decode."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from benchmarks.report import report
from benchmarks.serving import ours

TIMES = 5
SIDE = 4096
MOST_BYTES = 10 * 1024 * 1024
GOAL_MB = 150
BARE = """
import resource, sys, time
from PIL import Image
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began = time.perf_counter()
with Image.open(sys.argv[1]) as image:
    image.load()
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


class Watch(threading.Thread):
    """Looks every few milliseconds at how much memory a process and its children hold together (private and shared)."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._ending = pid, threading.Event()
        self.most = 0

    def run(self) -> None:
        """Until told to stop."""
        while not self._ending.wait(0.003):
            self.most = max(self.most, held(self._pid))

    def stop(self) -> int:
        """The most that was held, in kB."""
        self._ending.set()
        self.join()
        return self.most


def held(pid: int) -> int:
    """Resident kB of a process and of all its living descendants."""
    total, left = 0, [pid]
    while left:
        one = left.pop()
        try:
            status = Path(f"/proc/{one}/status").read_text()
            for task in Path(f"/proc/{one}/task").iterdir():
                left += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
        total += next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")), 0)
    return total


def photo(path: Path) -> int:
    """A noisy JPEG of 16.8 million pixels just under 10 MB, made by another process; its size in bytes."""
    program = (
        "import sys\nfrom PIL import Image\n"
        f"image = Image.effect_noise(({SIDE}, {SIDE}), 60).convert('RGB')\n"
        f"for quality in range(95, 20, -1):\n    image.save(sys.argv[1], 'JPEG', quality=quality, subsampling=0)\n"
        f"    import os\n    if os.path.getsize(sys.argv[1]) < {MOST_BYTES} - 100: break\n"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True)
    return path.stat().st_size


def send(url: str, key: str, data: bytes) -> float:
    """Seconds that one upload takes."""
    head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    request = urllib.request.Request(f"{url}/api/v1/images", data=head + data + b"\r\n--b--\r\n", method="POST")
    request.add_header("Content-Type", "multipart/form-data; boundary=b")
    request.add_header("X-API-Key", key)
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=120) as answer:
        answer.read()
    return time.perf_counter() - began


def main() -> None:
    """The first upload starts the child; each is another file, because equal ones are known."""
    with tempfile.TemporaryDirectory(prefix="vf-photo-") as folder:
        path = Path(folder) / "photo.jpg"
        size = photo(path)
        data = path.read_bytes()
        bare = [
            [
                float(word)
                for word in subprocess.check_output([sys.executable, "-c", BARE, str(path)], text=True).split()
            ]
            for _ in range(TIMES)
        ]
    with ours(LIMIT_UPLOADS="off") as (server, key):
        assert server.process is not None
        server.call("GET", "/api/v1/images", key=key)
        time.sleep(0.5)
        before = held(server.process.pid)
        watch = Watch(server.process.pid)
        watch.start()
        first = send(server.url, key, data)
        later = [send(server.url, key, data + bytes([number])) for number in range(TIMES)]
        grown = (watch.stop() - before) / 1024
    decode, decode_kb = (statistics.median(column) for column in zip(*bare, strict=True))
    report(
        f"P8 a picture of {size / 1e6:.1f} MB, {SIDE} × {SIDE}",
        [
            ("first upload, the child starts", f"{first:.2f} s", None),
            (f"median of {TIMES} more", f"{statistics.median(later):.2f} s", None),
            ("bare Pillow, decoded and nothing else", f"{decode:.2f} s", None),
            (f"server and child grow by (goal ≤ {GOAL_MB} MB)", f"{grown:.0f} MB", grown <= GOAL_MB),
            ("bare Pillow grows by", f"{decode_kb / 1024:.0f} MB", None),
        ],
    )


if __name__ == "__main__":
    main()
