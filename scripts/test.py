"""Runs every test with the coverage gates; `make test` calls it when lint and types are clean.

    .venv/bin/python scripts/test.py [pytest's arguments]

pytest's closing line ("N passed in …") is held back until the gates have spoken, so that it is the last thing printed.
A test that fails beside thousands of others is run once more; one that passes then is named as RERUN, and is to be mended.
With arguments of its own only those tests run, without coverage, gates and second runs.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OVERALL = 85
STRICT = 95
STRICT_PLACES = ("job_queue.py", "vividflow/lifecycle/*", "vividflow/records/*")
CLOSING = re.compile(rb"^(\x1b\[[\d;]*m|=| )*(\d+ \w+|no tests)\b.* in [\d.:]+s\b")
MAY_CLOSE = re.compile(rb"^(\x1b\[[\d;]*m|=| )*(\d|n|\x1b|$)")  # a line that is not whole yet, and may become that one


def main() -> int:
    """Exit code 0 when every test passed and every gate holds, else 1 or pytest's own code."""
    os.chdir(ROOT)
    for each in (signal.SIGINT, signal.SIGHUP):  # nohup and a shell's background have them ignored, and tests send them
        signal.signal(each, signal.SIG_DFL)
    chosen = sys.argv[1:]
    seed = os.environ.get("SEED") or str(random.randrange(2**32))
    command = [sys.executable, "-m", "pytest", "-n", os.environ.get("WORKERS", "auto"), f"--randomly-seed={seed}"]
    command.append(f"--color={'yes' if sys.stdout.isatty() else 'no'}")
    if not chosen:
        command += ["--cov", "--cov-report=", "--reruns=1", "-rfER"]
    print(f"Tests in random order, seed {seed} (SEED={seed} make test runs them in the same order).", flush=True)
    code, closing = follow([*command, *chosen])
    failed_gates = gates() if code == 0 and not chosen else []
    print(closing, end="", flush=True)
    for sentence in failed_gates:
        print(sentence, flush=True)
    return code or len(failed_gates[:1])


def follow(command: list[str]) -> tuple[int, str]:
    """Runs `command`, passing on what it prints as it comes; its exit code, and pytest's closing line unprinted."""
    out = sys.stdout.buffer
    held = line = b""
    shown = 0  # bytes of `line` already passed on
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout
        while piece := os.read(process.stdout.fileno(), 65536):
            for part in piece.splitlines(keepends=True):
                line += part
                ended = line.endswith(b"\n")
                if ended and CLOSING.match(line):
                    held += line
                elif ended or not MAY_CLOSE.match(line):
                    out.write(held + line[shown:])
                    held, shown = b"", len(line)
                if ended:
                    line, shown = b"", 0
            out.flush()
        out.write(line[shown:])
        out.flush()
    return process.returncode, held.decode(errors="replace")


def gates() -> list[str]:
    """A sentence for each gate that does not hold: branch coverage overall, and where jobs and money are."""
    found = [gate("overall", OVERALL), gate("queue, lifecycle and records", STRICT, *STRICT_PLACES)]
    return [sentence for sentence in found if sentence]


def gate(name: str, least: int, *places: str) -> str | None:
    """What to say when coverage of `places` (all when none) is under `least` percent; prints the figure either way."""
    command = [sys.executable, "-m", "coverage", "report"]
    if places:
        command.append(f"--include={','.join(places)}")
    total = subprocess.run([*command, "--format=total"], capture_output=True, text=True, check=False)
    try:
        percent = float(total.stdout)
    except ValueError:
        return f"GATE FAILED: coverage, {name}: nothing was measured. {total.stdout.strip()}{total.stderr.strip()}"
    print(f"Coverage with branches, {name}: {percent:.1f} % (at least {least} % is asked for)", flush=True)
    if percent >= least:
        return None
    subprocess.run(command, check=False)
    return f"GATE FAILED: coverage, {name}: {percent:.1f} %, and at least {least} % is asked for."


if __name__ == "__main__":
    sys.exit(main())
