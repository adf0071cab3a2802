"""One word for what can be had of a model, by the best of its routes; the list of the API and the dialog of Create say it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.lifecycle.veo import BUCKET
from vividflow.lifecycle.model_state import ModelState, Word, state_of
from vividflow.lifecycle.tools import Tools
from vividflow.records import dead_routes, pauses
from vividflow.records.pauses import Pause
from vividflow.timing import now

KEYS: dict[str, Any] = {
    "replicate_api_token": "r8_simulated",
    "google_cloud_project": "studio",
    "google_oauth_access_token": "ya29.x",
    "vertex_output_uri": BUCKET,
}


@pytest.fixture
def keyed(tools_for: Callable[..., Tools]) -> Tools:
    return tools_for(**KEYS)


def _of(tools: Tools, name: str) -> ModelState:
    model = tools.registry.model(name)
    assert model is not None
    tools.standing.forget()
    return state_of(tools, model)


def _shut(tools: Tools, provider: str, code: str, seconds: float = 300) -> float:
    moment = now()
    account = tools.standing.account(provider, "")
    row = Pause(
        provider=provider, account=account, code=code, reason="Away.", since=moment, until=moment + seconds, trips=1
    )
    with tools.db.transaction() as connection:
        pauses.pause(connection, row)
    return moment + seconds


def _bury(tools: Tools, provider: str, model: str) -> None:
    registered = tools.registry.model(model)
    assert registered is not None
    (route,) = (each for each in registered.routes if each.provider == provider)
    with tools.db.transaction() as connection:
        for name in route.provider_models():
            account = tools.standing.account(provider, name)
            dead = dead_routes.DeadRoute(account=account, provider_model=name, reason="Gone.", since=now())
            dead_routes.bury(connection, dead)


def test_with_a_key_it_is_usable_and_without_one_it_says_which(keyed: Tools) -> None:
    assert _of(keyed, "wan2.2") == ModelState(word=Word.USABLE)
    state = _of(keyed, "kling3")
    assert state.word is Word.NOT_SET_UP
    assert "KLING_API_KEY" in (state.reason or "")


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("provider_credit_exhausted", Word.STOPPED),
        ("provider_key_refused", Word.STOPPED),
        ("provider_error", Word.RESTING),
    ],
)
def test_an_account_that_is_shut_says_why_and_until_when(keyed: Tools, code: str, word: Word) -> None:
    until = _shut(keyed, "replicate", code)
    assert _of(keyed, "wan2.2") == ModelState(word=word, reason="Away.", until=until)


def test_an_operators_pause_is_told_before_anything_else(keyed: Tools) -> None:
    _shut(keyed, "replicate", "provider_error")
    with keyed.db.transaction() as connection:
        pauses.pause(connection, Pause(provider="replicate", reason="The bill is looked at.", since=now()))
    assert _of(keyed, "wan2.2") == ModelState(word=Word.PAUSED, reason="The bill is looked at.")


def test_as_long_as_one_route_is_open_it_is_usable(keyed: Tools) -> None:
    _shut(keyed, "vertex", "provider_credit_exhausted", 900)
    assert _of(keyed, "veo3.1").word is Word.USABLE
    soonest = _shut(keyed, "replicate", "provider_error")
    assert _of(keyed, "veo3.1") == ModelState(word=Word.RESTING, reason="Away.", until=soonest)


def test_what_its_providers_no_longer_have_is_gone(keyed: Tools) -> None:
    _bury(keyed, "replicate", "veo3.1")
    assert _of(keyed, "veo3.1").word is Word.USABLE
    _bury(keyed, "vertex", "veo3.1")
    state = _of(keyed, "veo3.1")
    assert (state.word, "Gone." in (state.reason or "")) == (Word.GONE, True)


def test_a_shutdown_is_told_thirty_days_before_and_for_ever_after(
    tools_for: Callable[..., Tools], tmp_path: Path
) -> None:
    day = datetime.now(UTC).date()
    own = tmp_path / "own.toml"
    own.write_text(
        f'[[models]]\nid = "wan2.1"\nshutdown_date = {day + timedelta(days=20)}\nsuccessors = ["wan2.2"]\n'
        f'[[models]]\nid = "wan2.5"\nshutdown_date = {day + timedelta(days=31)}\nsuccessors = ["wan2.2"]\n'
    )
    tools = tools_for(**KEYS, models_file=own)
    ending = f"Wan 2.1 is shut down on {day + timedelta(days=20)}. Use wan2.2 from then on."
    assert _of(tools, "wan2.1") == ModelState(word=Word.ENDING, reason=ending)
    assert _of(tools, "wan2.5").word is Word.USABLE
    assert _of(tools, "sora-2").word is Word.SHUT_DOWN
    assert (_of(tools, "sora-2").reason or "").startswith("It was shut down on 2026-09-24. Use ")


def test_where_everything_is_rehearsed_nobody_waits(tools_for: Callable[..., Tools]) -> None:
    tools = tools_for(**KEYS, mock_vid_gens=True)
    _shut(tools, "replicate", "provider_error")
    assert _of(tools, "wan2.2").word is Word.USABLE
