"""What a process gathers once: the secret, the adapters, and what of it can be used here."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from vividflow.config import Settings
from vividflow.lifecycle import tools as module
from vividflow.lifecycle.tools import Tools, build_tools

SettingsFor = Callable[..., Settings]


def test_the_secret_is_made_once_and_is_nobody_else_s_to_read(tools_for: Callable[..., Tools]) -> None:
    first, second = tools_for(), tools_for()
    file = first.settings.data_dir / "secret_key"
    assert len(first.secret) > 40
    assert second.secret == first.secret == first.secret
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(each.name for each in file.parent.iterdir() if "secret" in each.name) == ["secret_key"]


def test_of_two_first_starts_at_once_both_have_the_winner_s_secret(
    tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def too_late(source: Path, target: Path) -> None:
        target.write_text("the winner's secret\n")
        link(source, target)

    monkeypatch.setattr(module.os, "link", too_late)
    assert tools.secret == "the winner's secret"
    assert [each.name for each in tools.settings.data_dir.glob("secret*")] == ["secret_key"]


def test_a_secret_that_was_given_is_not_written_down(tools_for: Callable[..., Tools]) -> None:
    tools = tools_for(secret_key="given by the operator, long enough to sign")
    assert tools.secret == "given by the operator, long enough to sign"
    assert not (tools.settings.data_dir / "secret_key").exists()


def test_an_adapter_is_built_once_however_many_ask_at_once(tools: Tools) -> None:
    class Watched(dict[str, object]):
        """Tells when somebody has looked for what is being built."""

        def __init__(self) -> None:
            super().__init__()
            self.looked = threading.Semaphore(0)

        def __contains__(self, name: object) -> bool:
            found = super().__contains__(name)
            self.looked.release()
            return found

    built = Watched()
    shared = replace(tools, _built=built)
    with shared._lock:  # one is about to build it
        threads = [threading.Thread(target=shared.provider, args=("local",)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in threads:
            assert built.looked.acquire(timeout=10)
    for thread in threads:
        thread.join()
    assert list(built) == ["provider:local"]
    assert shared.provider("local") is shared.provider("local")


def test_what_cannot_be_used_here_says_which_variable_is_missing(tools_for: Callable[..., Tools]) -> None:
    bare, keyed = tools_for(), tools_for(replicate_api_token="r8_test")
    model = bare.registry.model("wan2.2")
    assert model is not None
    assert (bare.route(model), bare.usable(model)) == (None, "Set REPLICATE_API_TOKEN to use Replicate.")
    route = keyed.route(model)
    assert route is not None
    assert (route.provider, keyed.usable(model)) == ("replicate", None)


def test_tools_outside_a_worker_go_on_and_tell_nobody(tools: Tools) -> None:
    assert tools.keep_going()
    tools.report(50)
    tools.changed("somebody", "a job")


def test_building_touches_neither_disk_nor_network(settings_for: SettingsFor, tmp_path: Path) -> None:
    tools = build_tools(settings_for(data_dir=tmp_path / "nothing"))
    assert not (tmp_path / "nothing").exists()
    assert "replicate" in tools.registry.vendors
    tools.db.close()
