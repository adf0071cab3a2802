"""Prepares `.venv` from the hashed locks: `python3 scripts/setup.py runtime` or `… dev`. Run by `make setup`.

It needs Python 3.11 and nothing else. A pinned uv, installed by pip, does the work; where uv is not to be had, pip
does the same with the same lock. What pip was told about indexes, proxies and certificates holds for uv too. A copy of
the lock inside `.venv` says that it is installed; the Makefile compares it and does not even come here.
"""

import sys

if sys.version_info < (3, 11):
    # Everything below this block is only parsed by an old Python, never run: it may be no newer than 3.6 in its grammar.
    import os
    import shutil

    for newer in ("python3.14", "python3.13", "python3.12", "python3.11"):
        if shutil.which(newer):
            os.execvp(newer, [newer] + sys.argv)  # noqa: RUF005, S606
    sys.exit(
        "Vivid Flow needs Python 3.11 or newer; this is Python {}.{}. "
        "Install a newer python3, or name one: make setup PYTHON=/path/to/python3.13".format(*sys.version_info[:2])
    )

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = {"runtime": ROOT / "requirements.txt", "dev": ROOT / "requirements-dev.txt"}
UV_LOCK = ROOT / "scripts" / "uv.txt"


def main() -> None:
    """Brings `.venv` to the lock named on the command line (`runtime` or `dev`); exits with a sentence on failure."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else "dev"
    if wanted not in LOCKS:
        sys.exit(f"Say one of {', '.join(LOCKS)}, not {wanted!r}.")
    if is_ready(wanted):
        return
    os.chdir(ROOT)
    with one_at_a_time():
        if not is_ready(wanted):
            make_venv()
            install(LOCKS[wanted])
            # The development lock holds every runtime pin, so it fills both.
            for done in LOCKS if wanted == "dev" else [wanted]:
                shutil.copyfile(LOCKS[done], stamp(done))


def stamp(wanted: str) -> Path:
    """The copy of the lock that `.venv` holds."""
    return VENV / f".installed-{wanted}.txt"


def is_ready(wanted: str) -> bool:
    """Whether `.venv` has a living Python and this very lock."""
    try:
        return PYTHON.exists() and stamp(wanted).read_bytes() == LOCKS[wanted].read_bytes()
    except FileNotFoundError:
        return False


def one_at_a_time():
    """A lock on the checkout's own folder, so that two `make` at once do not build one `.venv` together."""
    import contextlib
    import fcntl

    @contextlib.contextmanager
    def held():
        folder = os.open(ROOT, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    return held()


def make_venv() -> None:
    """Makes `.venv` with pip in it, afresh when the one there is broken or older than Python 3.11."""
    probe = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    if PYTHON.exists() and run(PYTHON, "-c", probe, quiet=True) == 0:
        return
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        sys.exit(
            f"This Python {version} comes without venv, which Debian and Ubuntu pack apart. Install it with\n"
            f"    sudo apt-get install python{version}-venv\nand run the same command again."
        )
    say(f"Making .venv with Python {sys.version.split()[0]}")
    if run(sys.executable, "-m", "venv", "--clear", VENV) != 0:
        sys.exit("The virtual environment .venv could not be made; the lines above say why.")


def install(lock: Path) -> None:
    """Installs every package of `lock`, hashes checked, by uv or else by pip."""
    say(f"Installing {lock.name}")
    for stale in LOCKS:
        stamp(stale).unlink(missing_ok=True)
    pip = (PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--require-hashes", "--quiet")
    if run(*pip, "-r", UV_LOCK, quiet=True) == 0:
        uv = (PYTHON, "-m", "uv", "pip", "install", "--python", PYTHON, "--require-hashes", "--quiet")
        # Bytecode comes by itself as modules are imported, unless Python was told not to write any.
        compiled = ("--compile-bytecode",) if sys.dont_write_bytecode else ()
        if run(*uv, *compiled, "-r", lock, environment=uv_environment()) == 0:
            return
        say("uv did not manage; trying the same lock with pip")
    else:
        say("uv is not to be had here; pip does the same, only slower")
    if run(*pip, "-r", lock) != 0:
        sys.exit(f"The packages of {lock.name} could not be installed; the lines above say why.")


def uv_environment() -> dict[str, str]:
    """The environment for uv: what pip was told, in uv's own words, wherever uv was told nothing itself.

    uv reads neither pip's variables nor its files. Hashes are always required, so an index that pip would look into
    may be looked into here as well (`unsafe-best-match`).
    """
    import ast
    import subprocess

    answer = subprocess.run([PYTHON, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    told: dict[str, str] = {}
    for line in sorted(answer.stdout.splitlines(), key=lambda line: line.startswith(":env:")):
        name, _, value = line.partition("=")
        section, _, option = name.rpartition(".")
        if section in ("global", "install", ":env:"):
            told[option] = " ".join(ast.literal_eval(value).split())

    spoken = {
        "UV_DEFAULT_INDEX": told.get("index-url"),
        "UV_INDEX": told.get("extra-index-url"),
        "UV_FIND_LINKS": ",".join(told.get("find-links", "").split()),
        "UV_NO_INDEX": told.get("no-index"),
        "UV_INSECURE_HOST": told.get("trusted-host"),
        "UV_HTTP_TIMEOUT": told.get("timeout") or told.get("default-timeout"),
        "SSL_CERT_FILE": told.get("cert"),
        "HTTPS_PROXY": told.get("proxy"),
        "HTTP_PROXY": told.get("proxy"),
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_NO_PROGRESS": None if sys.stderr.isatty() else "1",
    }
    return {name: value for name, value in spoken.items() if value} | dict(os.environ)


def run(*command: object, quiet: bool = False, environment: "dict[str, str] | None" = None) -> int:
    """The exit code of `command`; `quiet` hides what it says."""
    import subprocess

    out = subprocess.DEVNULL if quiet else None
    return subprocess.run(
        [str(part) for part in command], stdout=out, stderr=out, env=environment, check=False
    ).returncode


def say(text: str) -> None:
    """One line of progress, on stderr: stdout belongs to the command that comes after."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
