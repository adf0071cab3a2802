"""A lost Veo order is asked for by its place in the bucket: a yes is certain, a no never is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.providers.conftest import Clock
from tests.providers.contract import order_for, veo, vertex_settings
from tests.simulators.vertex import VertexSimulator
from vividflow.errors import Transient, Unknown
from vividflow.providers.base import CannotAsk, Operation, OperationStatus, Order
from vividflow.providers.vertex import VertexProvider


def lost(provider: VertexProvider, simulator: VertexSimulator, fault: str = "accept_then_close") -> Order:
    """An order whose answer never came."""
    simulator.faults.add(fault)
    order = order_for(provider, veo())
    with pytest.raises(Unknown):
        provider.submit(veo(), order)
    return order


def test_an_object_in_its_place_proves_that_an_order_ran(
    vertex: VertexProvider, veo_simulator: VertexSimulator
) -> None:
    order = lost(vertex, veo_simulator)
    found = vertex.find(order)
    assert isinstance(found, Operation)
    assert found.status is OperationStatus.SUCCEEDED
    assert found.id == found.outputs[0].gs_uri == veo_simulator.bucket.names()[0]
    assert vertex.poll(found.id, order) == found
    assert veo_simulator.paid == 1


def test_no_object_is_not_yet_for_as_long_as_a_clip_takes_and_then_never(
    vertex: VertexProvider, veo_simulator: VertexSimulator, clock: Clock
) -> None:
    order = lost(vertex, veo_simulator, "read_then_close")
    assert vertex.find(order) is CannotAsk.NOT_YET
    clock.ahead = 890
    assert vertex.find(order) is CannotAsk.NOT_YET
    clock.ahead = 910
    assert vertex.find(order) is CannotAsk.NEVER


def test_the_object_of_another_order_is_not_taken(vertex: VertexProvider, veo_simulator: VertexSimulator) -> None:
    lost(vertex, veo_simulator)
    other = order_for(vertex, veo())
    veo_simulator.bucket.put("films", f"veo/{other.id}0/1/sample_0.mp4", b"of a longer id")
    veo_simulator.bucket.put("films", f"veo/{other.id}/1/notes.json", b"no video")
    veo_simulator.bucket.put("films", f"veo/{other.id}/1/empty.mp4", b"")
    assert vertex.find(other) is CannotAsk.NOT_YET


def test_what_is_bound_to_another_order_is_not_adopted(vertex: VertexProvider, veo_simulator: VertexSimulator) -> None:
    order = lost(vertex, veo_simulator)
    assert isinstance(vertex.find(order), Operation)
    bound = order_for(vertex, veo(), id=order.id, bound=frozenset(veo_simulator.bucket.names()))
    assert vertex.find(bound) is CannotAsk.NOT_YET


def test_without_a_bucket_nothing_can_be_asked(inline_vertex: VertexProvider, veo_simulator: VertexSimulator) -> None:
    assert inline_vertex.find(lost(inline_vertex, veo_simulator)) is CannotAsk.NEVER


@pytest.mark.parametrize("fault", ["list_error", "list_forbidden", "list_garbage", "list_close"])
def test_a_bucket_that_does_not_answer_is_asked_again(
    vertex: VertexProvider, veo_simulator: VertexSimulator, fault: str
) -> None:
    order = lost(vertex, veo_simulator)
    veo_simulator.faults.add(fault)
    with pytest.raises(Transient):
        vertex.find(order)
    assert isinstance(vertex.find(order), Operation)


@pytest.mark.parametrize("value", [None, 17, [], "a text", {"items": 7}, {"items": [7]}, {"items": [{}]}])
def test_a_bucket_whose_list_makes_no_sense_is_asked_again(
    vertex: VertexProvider, veo_simulator: VertexSimulator, value: object
) -> None:
    order = lost(vertex, veo_simulator)
    veo_simulator.faults.add("list_shape", value=value)
    with pytest.raises(Transient):
        vertex.find(order)
    assert isinstance(vertex.find(order), Operation)


def test_an_order_is_looked_for_where_it_was_sent_even_if_the_setting_changed(
    vertex: VertexProvider, veo_simulator: VertexSimulator, tmp_path: Path
) -> None:
    order = lost(vertex, veo_simulator)
    moved = VertexProvider(vertex_settings(veo_simulator.url, tmp_path, vertex_output_uri="gs://elsewhere/new"))
    assert isinstance(moved.find(order), Operation)
    moved.close()


def test_the_bucket_of_the_storage_serves_when_no_other_is_named(tmp_path: Path) -> None:
    settings = vertex_settings("http://127.0.0.1:9", tmp_path, vertex_output_uri="", storage_url="gs://mine/media/")
    body = VertexProvider(settings).prepare(veo())
    assert body["output"] == "gs://mine/media"
