"""OPENAI_BASE_URL and OPENAI_SERVERS: read as one table, every mistake told at once, each key for its own server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.providers.contract import settings
from vividflow.errors import Complaints
from vividflow.lifecycle.tools import build_tools
from vividflow.logs.redaction import secrets_of
from vividflow.providers.catalog import PROVIDERS
from vividflow.providers.openai_dialects import DIALECTS
from vividflow.providers.openai_servers import read_servers


def refusals(folder: Path, **given: str) -> list[str]:
    with pytest.raises(Complaints) as caught:
        read_servers(settings(folder, **given))
    return caught.value.complaints


def test_one_by_the_sdks_own_variables_and_any_number_by_name(tmp_path: Path) -> None:
    given = settings(
        tmp_path,
        openai_base_url="https://video.example.org/v1/",
        openai_api_key="sk-own",
        openai_servers=" den = sglang+http://10.0.0.5:30000/v1 ; studio=vllm_omni+https://studio.example.org/v1;",
        openai_server_keys="studio=sk-studio==",
    )
    servers = read_servers(given)
    assert list(servers) == ["default", "den", "studio"]
    assert servers["default"].url == "https://video.example.org/v1"
    assert servers["default"].netloc == "video.example.org:443"
    assert servers["den"].url == "http://10.0.0.5:30000/v1"
    dialects = [each.dialect for each in servers.values()]
    assert dialects == [DIALECTS["openai"], DIALECTS["sglang"], DIALECTS["vllm_omni"]]
    assert [each.key for each in servers.values()] == ["sk-own", None, "sk-studio=="]


def test_a_server_without_a_key_of_its_own_is_sent_none(tmp_path: Path) -> None:
    given = settings(tmp_path, openai_api_key="sk-own", openai_servers="den=http://10.0.0.5:8000/v1")
    assert read_servers(given)["den"].headers == {}


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    told = refusals(
        tmp_path,
        openai_base_url="ftp://a.example/v1",
        openai_servers="den=http://a:1/v1;den=http://b:1/v1;default=http://c:1/v1;Den=http://d:1/v1;no;x=klingon+http://e/v1;"
        "y=http://me:sk-hidden@f/v1;z=http://g/v1?key=1;q=",
        openai_server_keys="ghost=sk-hidden2",
    )
    assert [each.partition(": ")[0] for each in told] == [
        "OPENAI_BASE_URL",
        *["OPENAI_SERVERS"] * 8,
        "OPENAI_SERVER_KEYS",
    ]
    wanted = ["default", "den: is there", "default: this", "Den: an", "no: an", "x: speaks", "y: an", "z: an", "q: an"]
    for part, sentence in zip(wanted[1:], told[1:], strict=False):
        assert part in sentence
    assert "ghost: there is no such server" in told[-1]
    assert "sk-hidden" not in "".join(told)


def test_a_key_that_cannot_be_one_is_named_and_not_shown(tmp_path: Path) -> None:
    told = refusals(tmp_path, openai_servers="den=http://a:1/v1", openai_server_keys="den=sk a")
    assert told == ["OPENAI_SERVERS: den: its key holds characters that no key has"]


@pytest.mark.parametrize("keys", ["den", "=sk", "den=", "den=a;den=b"])
def test_keys_are_written_by_name(tmp_path: Path, keys: str) -> None:
    with pytest.raises(Complaints, match=r"OPENAI_SERVER_KEYS: .*name=key"):
        settings(tmp_path, openai_servers="den=http://a:1/v1", openai_server_keys=keys)


def test_an_installation_with_a_mistake_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(Complaints, match="speaks none of openai, sglang, vllm_omni, litellm"):
        build_tools(settings(tmp_path, openai_servers="den=klingon+http://a:1/v1"))


def test_the_catalog_says_what_is_missing_and_what_is_there(tmp_path: Path) -> None:
    row = PROVIDERS["openai"]
    assert "OPENAI_BASE_URL or OPENAI_SERVERS" in (row.missing(settings(tmp_path)) or "")
    assert "twice" in (row.missing(settings(tmp_path, openai_servers="a=http://b/v1;a=http://b/v1")) or "")
    here = settings(tmp_path, openai_servers="den=sglang+http://a:1/v1;lab=vllm_omni+http://b:1/v1")
    assert row.missing(here) is None
    assert row.patterns(here) == ("openai/den/<name>", "openai/lab/<name>")
    assert row.unserved(here, "den/wan") is None
    assert "attic" in (row.unserved(here, "attic/wan") or "")
    assert [row.stops(here, each) for each in ("den/wan", "lab/wan", "attic/wan")] == [False, True, False]


def test_keys_are_secrets_of_the_log(tmp_path: Path) -> None:
    given = settings(tmp_path, openai_servers="den=http://a:1/v1", openai_server_keys="den=sk-secret-of-den")
    assert "sk-secret-of-den" in set(secrets_of(given))
    assert "sk-secret" not in repr(given) + repr(read_servers(given))
