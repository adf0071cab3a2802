"""What a fresh clone leans on: the locks, the set-up script, the list of settings, the bundled photograph."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from scripts import setup
from scripts.test import follow
from vividflow.config import Settings

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.txt", "requirements-dev.txt", "scripts/uv.txt")


def pins(lock: str) -> dict[str, str]:
    """Name to version of every package in a lock."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE)
    return dict(found)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_index_and_no_path(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert not re.search(r"://|^-|file:|(?<![\w])/\w", text, re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_of_a_lock_carries_hashes(lock: str) -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", (ROOT / lock).read_text().split("make lock\n", 1)[1])
    assert len(entries) == len(pins(lock))
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in entries)


def test_the_development_lock_holds_every_runtime_pin_unchanged() -> None:
    assert pins("requirements.txt").items() <= pins("requirements-dev.txt").items()


def test_every_direct_requirement_is_in_its_lock() -> None:
    for stem in ("requirements", "requirements-dev"):
        asked = re.findall(r"^([a-z0-9-]+)", (ROOT / f"{stem}.in").read_text(), re.MULTILINE)
        assert set(asked) <= pins(f"{stem}.txt").keys() | {"-r", "-c"}


def test_this_environment_is_the_lock() -> None:
    from importlib.metadata import version

    for name in ("flask", "sqlalchemy", "pydantic", "google-genai", "replicate", "pytest"):
        assert version(name) == pins("requirements.txt")[name]


def test_every_setting_is_in_the_example_file() -> None:
    named = set(re.findall(r"^#([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert {field.upper() for field in Settings.model_fields} <= named


def test_the_example_values_are_values_that_settings_take(tmp_path: Path) -> None:
    written = re.sub(r"^#([A-Z0-9_]+=)", r"\1", (ROOT / ".env.example").read_text(), flags=re.MULTILINE)
    (tmp_path / ".env").write_text(written)
    settings = Settings.from_environment(tmp_path / ".env")
    assert settings.model_fields_set


def test_set_up_is_ready_only_with_this_very_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, python = tmp_path / "lock.txt", tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    monkeypatch.setattr(setup, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(setup, "PYTHON", python)
    monkeypatch.setattr(setup, "LOCKS", {"runtime": lock})
    lock.write_text("flask==1\n")
    assert not setup.is_ready("runtime")
    setup.stamp("runtime").write_text("flask==1\n")
    assert not setup.is_ready("runtime"), "a stamp without a Python is worth nothing"
    python.touch()
    assert setup.is_ready("runtime")
    lock.write_text("flask==2\n")
    assert not setup.is_ready("runtime")


def test_what_pip_was_told_holds_for_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    for name in ("SSL_CERT_FILE", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "pip.conf"
    config.write_text(
        "[global]\nindex-url = https://packages.example/simple\nproxy = http://proxy.example:3128\n"
        "[install]\nextra-index-url = https://one.example/simple\n    https://two.example/simple\n"
        "[freeze]\nindex-url = https://elsewhere.example/simple\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels")
    monkeypatch.setenv("PIP_CERT", "/etc/ssl/own.pem")
    monkeypatch.setattr(setup, "PYTHON", Path(sys.executable))
    told = setup.uv_environment()
    assert told["UV_DEFAULT_INDEX"] == "https://packages.example/simple"
    assert told["UV_INDEX"].split() == ["https://one.example/simple", "https://two.example/simple"]
    assert told["UV_FIND_LINKS"] == "/wheels"
    assert told["SSL_CERT_FILE"] == "/etc/ssl/own.pem"
    assert told["HTTPS_PROXY"] == "http://proxy.example:3128"


def test_what_uv_was_told_itself_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://pip.example/simple")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://uv.example/simple")
    monkeypatch.setattr(setup, "PYTHON", Path(sys.executable))
    assert setup.uv_environment()["UV_DEFAULT_INDEX"] == "https://uv.example/simple"


def test_the_closing_line_is_held_back_and_the_rest_passed_on(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    said = ".... [100%]\n3 files were looked at\n12 passed, 1 warning in 3.21s\n"
    code, closing = follow([sys.executable, "-c", f"print({said!r}, end='')"])
    assert (code, closing) == (0, "12 passed, 1 warning in 3.21s\n")
    assert capfdbinary.readouterr().out == b".... [100%]\n3 files were looked at\n"


def test_a_failing_run_keeps_its_exit_code_and_its_last_words(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    code, closing = follow([sys.executable, "-c", "print('no line end', end=''); raise SystemExit(3)"])
    assert (code, closing) == (3, "")
    assert capfdbinary.readouterr().out == b"no line end"


def test_help_names_every_target_that_people_use() -> None:
    said = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    targets = re.findall(r"^  make (\w+) +\S", said.stdout, re.MULTILINE)
    assert set(targets) == {"help", "setup", "demo", "run", "test", "check", "crash", "bench", "lock", "clean"}


def test_the_photograph_is_one_that_every_model_takes() -> None:
    photo = ROOT / "examples" / "photo.jpg"
    assert photo.stat().st_size < 300_000
    with Image.open(photo) as image:
        assert (image.format, image.size, image.mode) == ("JPEG", (1600, 900), "RGB")
        assert not image.getexif()
