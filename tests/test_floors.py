"""Imports only go down the floors; siblings outside and ways never import each other; the server loads nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# The floors of docs/architecture.md section 2, longest prefix first.
FLOORS = {
    "vividflow.errors": 0,
    "vividflow.timing": 0,
    "vividflow.config": 0,
    "vividflow.logs": 0,
    "vividflow.passwords": 0,
    "vividflow.db": 1,
    "vividflow.outbound": 1,
    "vividflow.media": 1,
    "vividflow.storage": 1,
    "vividflow.records": 2,
    "vividflow.providers": 3,
    "vividflow.notify": 3,
    "vividflow.lifecycle": 4,
    "vividflow.health": 5,
    "job_queue": 5,
    "monitor": 5,
    "vividflow.api": 6,
    "vividflow.pages": 6,
    "vividflow.commands": 6,
    "api_router": 7,
    "web_app": 8,
}
STRANGERS = {1, 3}  # on these floors rooms do not import each other
TOP = ("job_queue", "monitor", "api_router", "web_app")
MODULES = [*sorted((ROOT / "vividflow").rglob("*.py")), *(ROOT / f"{name}.py" for name in TOP)]


def _room(module: str) -> str | None:
    return next((room for room in FLOORS if module == room or module.startswith(f"{room}.")), None)


def _imports(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_only_go_down(file: Path) -> None:
    own = _room(".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    if own is None:
        assert file == ROOT / "vividflow" / "__init__.py", f"{file} stands on no floor"
        return
    for module in _imports(file):
        other = _room(module)
        if other is None or other == own:
            continue
        if own == "vividflow.commands" and other in ("web_app", "api_router"):
            continue  # serving names the door by its import path
        assert FLOORS[other] <= FLOORS[own], f"{file.name} imports {module}, which is higher up"
        assert not (FLOORS[other] == FLOORS[own] and FLOORS[own] in STRANGERS), (
            f"{file.name} imports its sibling {module}"
        )


def test_the_server_process_loads_no_decoder_no_cloud_and_no_alembic() -> None:
    heavy = ("PIL", "av", "alembic", "google.genai", "google.cloud", "boto3", "replicate", "rich", "playwright")
    question = f"import sys, web_app; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", question], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_door_starts_nothing_and_makes_no_file(tmp_path: Path) -> None:
    import os

    question = "import threading, web_app; print(web_app.app.name, threading.active_count())"
    environment = {**os.environ, "DATA_DIR": str(tmp_path / "data")}
    done = subprocess.run(
        [sys.executable, "-c", question], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-1] == "1"
    assert list(tmp_path.iterdir()) == []
