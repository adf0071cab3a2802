"""Looks at a Veo operation: running, done, done with an error, taken away by the safety check, and all that makes no sense."""

from __future__ import annotations

from typing import Any

import pytest

from tests.providers.conftest import Clock
from tests.providers.contract import order_for, veo
from tests.simulators.vertex import VertexSimulator
from vividflow.errors import Permanent, Transient
from vividflow.providers import vertex_line
from vividflow.providers.base import Operation, OperationStatus, Order
from vividflow.providers.vertex import VertexProvider

NO_NEWS = {
    "poll_error": {},
    "poll_garbage": {},
    "poll_html": {},
    "poll_empty": {},
    "poll_close": {},
    "poll_half": {},
    "poll_huge": {},
    "poll_redirect": {},
    "poll_missing": {},
    "poll_other": {},
    "poll_elsewhere": {},
}
SHAPES: list[Any] = [
    {"done": True, "response": {"videos": [7]}},
    {"done": True, "response": {"videos": "abc"}},
    {"done": True, "response": {"videos": [None]}},
    {"done": True, "response": {"videos": [{}]}},
    {"done": True, "response": {"videos": [{"gcsUri": 5}]}},
    {"done": True, "response": {"videos": [{"bytesBase64Encoded": "!"}]}},
    {"done": True, "response": {"videos": [{"gcsUri": ""}]}},
    {"done": True},
    {"done": "soon"},
    {"done": True, "error": "boom"},
    {"name": None},
    [],
    "done",
    17,
    None,
]
FATES = {
    "failed": "provider_failed",
    "failed_busy": "provider_overloaded",
    "failed_policy": "content_policy",
    "filtered": "content_policy",
    "no_video": "content_policy",
}


def submitted(provider: VertexProvider) -> tuple[Operation, Order]:
    """An order that went well."""
    order = order_for(provider, veo())
    return provider.submit(veo(), order), order


def test_an_operation_runs_until_it_is_done_and_its_result_lies_in_its_own_place(
    vertex: VertexProvider, veo_simulator: VertexSimulator
) -> None:
    veo_simulator.generation_seconds = 60
    operation, order = submitted(vertex)
    assert vertex.poll(operation.id, order) == operation
    veo_simulator.operations[operation.id].seconds = 0
    done = vertex.poll(operation.id, order)
    assert done.status is OperationStatus.SUCCEEDED
    (output,) = done.outputs
    assert (output.gs_uri or "").startswith(f"gs://films/veo/{order.id}/")
    assert output.gs_uri in veo_simulator.bucket.names()


def test_without_a_bucket_the_film_comes_in_the_answer(
    inline_vertex: VertexProvider, veo_simulator: VertexSimulator
) -> None:
    operation, order = submitted(inline_vertex)
    assert "storageUri" not in veo_simulator.submitted[0]["parameters"]
    done = inline_vertex.poll(operation.id, order)
    assert [output.data for output in done.outputs] == [veo_simulator.film(operation.id)]


def test_a_large_inline_film_is_taken(inline_vertex: VertexProvider, veo_simulator: VertexSimulator) -> None:
    veo_simulator.movie = bytes(20_000_000)
    operation, order = submitted(inline_vertex)
    (output,) = inline_vertex.poll(operation.id, order).outputs
    assert len(output.data or b"") > 20_000_000


@pytest.mark.parametrize("fate", FATES)
def test_an_end_without_a_film_is_told_in_our_words(
    vertex: VertexProvider, veo_simulator: VertexSimulator, fate: str
) -> None:
    veo_simulator.faults.add(fate)
    operation, order = submitted(vertex)
    ended = vertex.poll(operation.id, order)
    assert (ended.status, ended.error_code) == (OperationStatus.FAILED, FATES[fate])
    assert ended.error_message
    assert ended.charged is None


def test_a_filtered_clip_names_googles_support_code(vertex: VertexProvider, veo_simulator: VertexSimulator) -> None:
    veo_simulator.faults.add("filtered")
    operation, order = submitted(vertex)
    assert "17301594" in (vertex.poll(operation.id, order).error_message or "")


@pytest.mark.parametrize("fault", NO_NEWS)
def test_an_answer_that_says_nothing_is_no_news(
    vertex: VertexProvider, veo_simulator: VertexSimulator, fault: str
) -> None:
    veo_simulator.generation_seconds = 60
    operation, order = submitted(vertex)
    veo_simulator.faults.add(fault)
    with pytest.raises(Transient):
        vertex.poll(operation.id, order)
    assert vertex.poll(operation.id, order).status is OperationStatus.RUNNING


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_shape_that_is_new_to_us_never_ends_an_order(
    vertex: VertexProvider, veo_simulator: VertexSimulator, shape: Any
) -> None:
    operation, order = submitted(vertex)
    value = {"name": operation.id} | shape if isinstance(shape, dict) else shape
    veo_simulator.faults.add("poll_shape", value=value)
    with pytest.raises(Transient):
        vertex.poll(operation.id, order)


@pytest.mark.parametrize(
    "uri",
    [
        "gs://films/veo/another-order/1/sample_0.mp4",
        "gs://films/veo/{order}",
        "gs://films/veo/{order}/",
        "gs://films/veo/{order}/../another-order/sample_0.mp4",
        "gs://films/veo/{order}/./x.mp4",
        "gs://films/veo/{order}//x.mp4",
        "gs://films-veo/{order}/x.mp4",
        "https://example.com/veo/{order}/x.mp4",
        "file:///etc/passwd",
        "gs://films/veo/{order}/x\x00.mp4",
        "gs://films/veo/{order}/x\ud800.mp4",
    ],
)
def test_a_result_outside_the_orders_own_place_is_not_taken(
    vertex: VertexProvider, veo_simulator: VertexSimulator, uri: str
) -> None:
    operation, order = submitted(vertex)
    veo_simulator.faults.add("poll_elsewhere", uri=uri.format(order=order.id))
    with pytest.raises(Transient):
        vertex.poll(operation.id, order)


def test_without_a_bucket_no_address_is_taken(inline_vertex: VertexProvider, veo_simulator: VertexSimulator) -> None:
    operation, order = submitted(inline_vertex)
    veo_simulator.faults.add("poll_elsewhere", uri="gs://films/veo/x.mp4")
    with pytest.raises(Transient):
        inline_vertex.poll(operation.id, order)


@pytest.mark.parametrize("fault", ["poll_unauthorized", "poll_forbidden", "poll_rate_limited"])
def test_a_look_that_is_refused_is_made_later_and_costs_no_patience(
    vertex: VertexProvider, veo_simulator: VertexSimulator, fault: str
) -> None:
    operation, order = submitted(vertex)
    veo_simulator.faults.add(fault)
    with pytest.raises(Transient) as later:
        vertex.poll(operation.id, order)
    assert later.value.retry_after
    assert not later.value.counts


def test_a_look_that_takes_too_long_is_no_news(
    vertex: VertexProvider, veo_simulator: VertexSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vertex._line, "_look_seconds", 0.4)
    operation, order = submitted(vertex)
    veo_simulator.faults.add("poll_slow", seconds=30)
    with pytest.raises(Transient):
        vertex.poll(operation.id, order)


def test_an_operation_that_was_forgotten_may_have_left_its_film(
    vertex: VertexProvider, veo_simulator: VertexSimulator
) -> None:
    operation, order = submitted(vertex)
    veo_simulator.faults.add("poll_missing")
    found = vertex.poll(operation.id, order)
    assert found.status is OperationStatus.SUCCEEDED
    assert (found.id, found.outputs[0].gs_uri) == (operation.id, veo_simulator.bucket.names()[0])


def test_an_operation_that_stays_forgotten_is_lost(
    vertex: VertexProvider, veo_simulator: VertexSimulator, clock: Clock
) -> None:
    veo_simulator.faults.add("object_missing")
    operation, order = submitted(vertex)
    veo_simulator.faults.add("poll_missing", times=None)
    with pytest.raises(Transient):
        vertex.poll(operation.id, order)
    clock.ahead = 1000
    with pytest.raises(Permanent) as lost:
        vertex.poll(operation.id, order)
    assert lost.value.code == "operation_lost"


def test_an_answer_beyond_every_size_is_cut_off(
    vertex: VertexProvider, veo_simulator: VertexSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert vertex_line.MOST_BYTES <= 8 * 1024**2
    operation, order = submitted(vertex)
    veo_simulator.faults.add("poll_huge")
    with pytest.raises(Transient) as cut:
        vertex.poll(operation.id, order)
    assert cut.value.code == "bad_answer"
