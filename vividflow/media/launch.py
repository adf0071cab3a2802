"""Puts limits on this process and becomes another program: `python -I -S launch.py [--name=value …] -- program argument …`.

It stands between the server and every program that reads files from outside, so that a process with threads never needs
`preexec_fn`. Nothing but the standard library, and no import of the house: it starts in about 12 ms.

Limits: `--parent=<pid>` (die when that process dies), `--cpu=<seconds>`, `--memory=<bytes>` of address space,
`--file=<bytes>` of one written file, `--open=<count>` of descriptors. Always: no core file, own session, no descriptor
above 2, an environment of PATH and LANG alone.
"""

from __future__ import annotations

import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Asks the kernel to kill this process when the thread that started it ends; Linux only, elsewhere nothing."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def limit(kind: int, amount: int) -> None:
    """Sets one rlimit, or the hard limit already in force where that is lower."""
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        amount = min(amount, hard)
    resource.setrlimit(kind, (amount, amount))


def main(arguments: list[str]) -> None:
    """Reads the limits up to `--`, puts them on, and becomes what follows. Ends with 2 when called wrongly."""
    if "--" not in arguments[:-1]:
        sys.stderr.write("launch: limits -- program argument …\n")
        raise SystemExit(2)
    cut = arguments.index("--")
    wishes = dict(word.removeprefix("--").split("=", 1) for word in arguments[:cut])
    program = arguments[cut + 1 :]
    kinds = {
        "cpu": resource.RLIMIT_CPU,
        "memory": resource.RLIMIT_AS,
        "file": resource.RLIMIT_FSIZE,
        "open": resource.RLIMIT_NOFILE,
    }
    if "parent" in wishes:
        die_with_parent(int(wishes["parent"]))
    if os.getpgrp() != os.getpid():
        os.setsid()
    os.closerange(3, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 1 << 20))
    limit(resource.RLIMIT_CORE, 0)
    if sys.platform == "darwin":
        del kinds["memory"]  # it refuses every value
    for name, kind in kinds.items():
        if name in wishes:
            limit(kind, int(wishes[name]))
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
    try:
        os.execve(program[0], program, environment)  # noqa: S606 - becoming another program is what this is for
    except OSError as error:
        sys.stderr.write(f"launch: {error.strerror}\n")
        raise SystemExit(127) from None


if __name__ == "__main__":
    main(sys.argv[1:])
