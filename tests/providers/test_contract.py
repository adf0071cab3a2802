"""The contract, for every row of the catalog."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.providers.contract import CHECKS, RIGS, Rig, settings
from tests.providers.contract_cells import CELLS, offered
from vividflow.providers.catalog import PROVIDERS
from vividflow.providers.registry import load_registry


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_keeps_the_contract(name: str, check: Callable[[Rig], None], tmp_path: Path) -> None:
    with RIGS[name](tmp_path) as rig:
        assert rig.provider.name == name
        check(rig)


@pytest.mark.parametrize(("name", "cell"), [*offered()])
def test_what_a_provider_offers_it_does_and_what_it_refuses_is_understood(name: str, cell: str, tmp_path: Path) -> None:
    with RIGS[name](tmp_path) as rig:
        CELLS[cell].check(rig)


def test_the_catalog_the_registry_and_the_rigs_name_the_same_providers() -> None:
    assert PROVIDERS.keys() == RIGS.keys() == load_registry().vendors.keys()
    assert all(vendor.name == name for name, vendor in PROVIDERS.items())


def test_local_is_always_usable_and_replicate_says_which_variable_it_lacks(tmp_path: Path) -> None:
    bare = settings(tmp_path, replicate_api_token=None, replicate_api_key=None)
    assert PROVIDERS["local"].missing(bare) is None
    assert "REPLICATE_API_TOKEN" in (PROVIDERS["replicate"].missing(bare) or "")


@pytest.mark.parametrize("name", ["replicate_api_token", "replicate_api_key"])
def test_replicate_takes_its_key_under_either_name(name: str, tmp_path: Path) -> None:
    assert PROVIDERS["replicate"].missing(settings(tmp_path, **{name: "r8_x"})) is None


@pytest.mark.parametrize("key", ["r8_a b", "r8_a\nb", "r8_ä"])
def test_a_key_that_cannot_be_one_is_named_and_not_shown(key: str, tmp_path: Path) -> None:
    sentence = PROVIDERS["replicate"].missing(settings(tmp_path, replicate_api_token=key))
    assert sentence
    assert key not in sentence
