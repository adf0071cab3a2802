"""A lost order is looked for in the server's list: found when it is certain, given up only when that is certain too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.providers.contract import openai_settings, order_for
from tests.providers.openai_orders import film, lost, pointed_at, served, submitted
from tests.simulators.openai_dialects import Sent
from vividflow.errors import Transient
from vividflow.providers.base import CannotAsk, Operation
from vividflow.providers.openai_compatible import OpenAIProvider

ACCEPTED = ("accept_then_close", "half_answer", "error_after", "html_200", "empty_200", "no_id_200")


@pytest.mark.parametrize("dialect", ["openai", "vllm_omni"])
@pytest.mark.parametrize("fault", ACCEPTED)
def test_a_lost_answer_is_found_by_list(tmp_path: Path, dialect: str, fault: str) -> None:
    with served(dialect, generation_seconds=60) as server, pointed_at(tmp_path, server) as provider:
        order = lost(provider, server, fault)
        found = provider.find(order)
        assert isinstance(found, Operation)
        assert found.id == f"default/{next(iter(server.jobs))}"
        assert server.requests["submit"] == server.paid == 1


def test_an_absence_is_believed_where_the_list_is_whole_and_only_after_a_rest(tmp_path: Path) -> None:
    for dialect, certain in (("vllm_omni", True), ("sglang", True), ("openai", False)):
        with served(dialect) as server, pointed_at(tmp_path, server) as provider:
            order = lost(provider, server, "read_then_close")
            assert provider.find(order) is (None if certain else CannotAsk.NOT_YET)
    with served("vllm_omni") as server:
        patient = OpenAIProvider(openai_settings(tmp_path, server))
        assert patient.find(lost(patient, server, "read_then_close")) is CannotAsk.NOT_YET
        patient.close()


def test_a_proxy_is_not_asked(tmp_path: Path) -> None:
    with served("litellm") as server, pointed_at(tmp_path, server) as provider:
        assert provider.find(lost(provider, server, "accept_then_close")) is CannotAsk.NEVER
        assert server.requests["list"] == 0


def test_a_server_without_a_list_cannot_be_asked(tmp_path: Path) -> None:
    with served("vllm_omni") as server, pointed_at(tmp_path, server) as provider:
        order = lost(provider, server, "accept_then_close")
        server.faults.add("list_missing")
        assert provider.find(order) is CannotAsk.NEVER


@pytest.mark.parametrize("fault", ["list_error", "list_close", "list_garbage", "list_rate_limited"])
def test_a_list_that_does_not_come_is_no_answer(tmp_path: Path, fault: str) -> None:
    with served("vllm_omni") as server, pointed_at(tmp_path, server) as provider:
        order = lost(provider, server, "read_then_close")
        server.faults.add(fault)
        with pytest.raises(Transient):
            provider.find(order)


def test_what_another_order_owns_is_not_adopted(tmp_path: Path) -> None:
    with served("vllm_omni") as server, pointed_at(tmp_path, server) as provider:
        owned, _ = submitted(provider)
        order = lost(provider, server, "read_then_close")
        assert provider.find(replace(order, bound=frozenset({owned.id}))) is None


def test_nothing_is_adopted_while_another_order_with_the_prompt_is_in_the_air(tmp_path: Path) -> None:
    with served("vllm_omni") as server, pointed_at(tmp_path, server) as provider:
        order = lost(provider, server, "accept_then_close")
        for waiting in ({"siblings_submitting": True}, {"namesakes_submitting": True}):
            assert provider.find(replace(order, **waiting)) is CannotAsk.NOT_YET


def test_of_two_that_look_alike_neither_is_adopted(tmp_path: Path) -> None:
    with served("vllm_omni") as server, pointed_at(tmp_path, server) as provider:
        order = lost(provider, server, "accept_then_close")
        submitted(provider)
        assert provider.find(order) is CannotAsk.NOT_YET


@pytest.mark.parametrize("other", [{"resolution": "720p"}, {"duration": 9}, {"provider_model": "default/another"}])
def test_what_differs_in_what_is_shown_is_neither_adopted_nor_taken_for_an_absence(
    tmp_path: Path, other: dict[str, object]
) -> None:
    with served("vllm_omni") as server, pointed_at(tmp_path, server) as provider:
        order = lost(provider, server, "read_then_close")
        submitted(provider, **other)
        assert provider.find(order) is CannotAsk.NOT_YET


def test_another_prompt_is_another_order(tmp_path: Path) -> None:
    with served("vllm_omni") as server, pointed_at(tmp_path, server) as provider:
        order = lost(provider, server, "read_then_close")
        submitted(provider, prompt="a harbour at noon")
        assert provider.find(order) is None


@pytest.mark.parametrize("dialect", ["sglang", "vllm_omni"])
def test_a_list_without_prompts_proves_no_find(tmp_path: Path, dialect: str) -> None:
    with served(dialect) as server, pointed_at(tmp_path, server) as provider:
        order = lost(provider, server, "accept_then_close")
        if dialect == "vllm_omni":
            server.faults.add("list_without_prompts")
        assert provider.find(order) is CannotAsk.NOT_YET


def test_old_jobs_are_out_of_question(tmp_path: Path) -> None:
    with served("vllm_omni") as server, pointed_at(tmp_path, server) as provider:
        operation, _ = submitted(provider)
        server.jobs[operation.id.partition("/")[2]].made_at -= 200
        assert provider.find(lost(provider, server, "read_then_close")) is None


def test_a_server_whose_clock_is_late_is_believed_by_its_own_clock(tmp_path: Path) -> None:
    with served("vllm_omni", behind=600) as server, pointed_at(tmp_path, server) as provider:
        assert isinstance(provider.find(lost(provider, server, "accept_then_close")), Operation)


@pytest.mark.parametrize("dialect", ["vllm_omni", "sglang"])
def test_the_list_is_read_to_its_end(tmp_path: Path, dialect: str) -> None:
    with served(dialect) as server, pointed_at(tmp_path, server) as provider:
        order = order_for(provider, film())
        for _ in range(250):
            server._buy(sent_with("another prompt"))
        mine = server._buy(sent_with(film().prompt, size="848x480", model="wan"))
        mine.made_at -= 1
        found = provider.find(order)
        assert server.requests["list"] == 3
        if dialect == "vllm_omni":
            assert isinstance(found, Operation)
            assert found.id == f"default/{mine.id}"
        else:
            assert found is CannotAsk.NOT_YET


def test_a_list_that_turns_in_a_circle_proves_nothing(tmp_path: Path) -> None:
    with served("vllm_omni") as server, pointed_at(tmp_path, server) as provider:
        order = order_for(provider, film())
        for _ in range(101):
            server._buy(sent_with("another prompt"))
        server.faults.add("list_stuck", times=None)
        assert provider.find(order) is CannotAsk.NOT_YET


def test_after_a_restart_that_lost_all_jobs_the_order_is_certainly_gone(tmp_path: Path) -> None:
    with served("vllm_omni", generation_seconds=60) as server, pointed_at(tmp_path, server) as provider:
        order = lost(provider, server, "accept_then_close")
        server.forget()
        assert provider.find(order) is None


def sent_with(prompt: str, **fields: object) -> Sent:
    """A body that somebody else sent."""
    return Sent(fields={"prompt": prompt, "seconds": "5", **fields})
