"""The key to Google Cloud: which variables make Vertex usable, without a look at the network, and what a bad key becomes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.providers.contract import order_for, settings, veo, vertex_settings
from tests.simulators.vertex import TOKEN, VertexSimulator
from vividflow.errors import Refused, Transient
from vividflow.providers import vertex_key
from vividflow.providers.catalog import PROVIDERS
from vividflow.providers.vertex import VertexProvider


@pytest.fixture(autouse=True)
def signed_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is signed in on this machine, and it is not Google's."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setattr(vertex_key, "MACHINE", tmp_path / "no-such-file")


def missing(tmp_path: Path, **given: Any) -> str | None:
    """What the catalog says is missing."""
    return PROVIDERS["vertex"].missing(settings(tmp_path, **given))


def test_without_a_project_it_says_so(tmp_path: Path) -> None:
    assert "GOOGLE_CLOUD_PROJECT" in (missing(tmp_path, google_oauth_access_token=TOKEN) or "")


def test_without_credentials_it_names_the_ways_to_give_them(tmp_path: Path) -> None:
    sentence = missing(tmp_path, google_cloud_project="p") or ""
    assert "GOOGLE_APPLICATION_CREDENTIALS" in sentence
    assert "GOOGLE_OAUTH_ACCESS_TOKEN" in sentence


def test_a_ready_token_is_enough(tmp_path: Path) -> None:
    assert missing(tmp_path, google_cloud_project="p", google_oauth_access_token=TOKEN) is None


@pytest.mark.parametrize("token", ["ya29 x", "ya29\nx", "ya29ä"])
def test_a_token_that_cannot_be_one_is_named_and_not_shown(tmp_path: Path, token: str) -> None:
    sentence = missing(tmp_path, google_cloud_project="p", google_oauth_access_token=token)
    assert sentence
    assert token not in sentence


def test_a_key_file_must_be_there(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    given = {"google_cloud_project": "p", "google_application_credentials": file}
    assert "not there" in (missing(tmp_path, **given) or "")
    file.write_text("{}")
    assert missing(tmp_path, **given) is None


@pytest.mark.parametrize("moved", [False, True])
def test_a_signed_in_machine_is_enough(tmp_path: Path, moved: bool) -> None:
    folder = tmp_path / "elsewhere" if moved else tmp_path / ".config" / "gcloud"
    folder.mkdir(parents=True)
    (folder / "application_default_credentials.json").write_text("{}")
    given = {"cloudsdk_config": folder} if moved else {}
    assert missing(tmp_path, google_cloud_project="p", **given) is None


def test_googles_own_machines_have_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = tmp_path / "product_name"
    board.write_text("Google Compute Engine\n")
    monkeypatch.setattr(vertex_key, "MACHINE", board)
    assert missing(tmp_path, google_cloud_project="p") is None


def _key_file(folder: Path, token_uri: str) -> Path:
    file = folder / "key.json"
    person = {"type": "authorized_user", "client_id": "id", "client_secret": "hidden", "refresh_token": "rt"}
    file.write_text(json.dumps(person | {"token_uri": token_uri}))
    return file


def test_a_key_file_that_is_none_is_a_refusal_and_nothing_is_ordered(
    veo_simulator: VertexSimulator, tmp_path: Path
) -> None:
    file = tmp_path / "key.json"
    file.write_text("this is no key")
    given = {"google_oauth_access_token": None, "google_application_credentials": file}
    provider = VertexProvider(vertex_settings(veo_simulator.url, tmp_path, **given))
    with pytest.raises(Refused) as refused:
        provider.submit(veo(), order_for(provider, veo()))
    assert (refused.value.code, refused.value.pauses) == ("provider_key_refused", True)
    with pytest.raises(Transient):
        provider.poll("projects/p/operations/x", order_for(provider, veo()))
    assert veo_simulator.requests["predictLongRunning"] == 0
    provider.close()


def test_a_sign_in_that_does_not_answer_means_later(veo_simulator: VertexSimulator, tmp_path: Path) -> None:
    file = _key_file(tmp_path, "http://127.0.0.1:9/token")
    given = {"google_oauth_access_token": None, "google_application_credentials": file}
    provider = VertexProvider(vertex_settings(veo_simulator.url, tmp_path, **given))
    provider._line._key.credentials()._token_uri = "http://127.0.0.1:9/token"
    with pytest.raises(Transient) as later:
        provider.submit(veo(), order_for(provider, veo()))
    assert later.value.code == "provider_unreachable"
    assert veo_simulator.requests["predictLongRunning"] == 0
    provider.close()
