"""The tables of states: every edge leads somewhere, every end is an end, and the diagram in the docs is theirs."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vividflow.lifecycle.diagram import BEGIN, END, diagram, write
from vividflow.lifecycle.kinds import KINDS
from vividflow.lifecycle.states import Lane
from vividflow.records.jobs import CANCELLED, COMPLETED, FAILED, PROCESSING, QUEUED

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("kind", KINDS)
def test_every_edge_leads_to_a_state_of_the_same_table(kind: str) -> None:
    table = KINDS[kind]
    for name, state in table.items():
        assert state.next <= set(table), name
        assert state.end == (not state.next), name
        assert name not in state.next or not state.end


@pytest.mark.parametrize("kind", KINDS)
def test_from_every_state_an_end_can_be_reached(kind: str) -> None:
    table = KINDS[kind]
    reaching = {name for name, state in table.items() if state.end}
    for _ in table:
        reaching |= {name for name, state in table.items() if state.next & reaching}
    assert reaching == set(table)


@pytest.mark.parametrize("kind", KINDS)
def test_giving_up_leads_along_an_edge_to_an_end(kind: str) -> None:
    table = KINDS[kind]
    for name, state in table.items():
        if not state.end and state.decide is None:
            assert state.gives_up in state.next, name
            assert table[state.gives_up].end, name


@pytest.mark.parametrize("kind", KINDS)
def test_public_words_are_the_five_and_ends_are_over(kind: str) -> None:
    for state in KINDS[kind].values():
        assert state.status in (QUEUED, PROCESSING, COMPLETED, FAILED, CANCELLED)
        assert state.end == (state.status in (COMPLETED, FAILED, CANCELLED))
        assert (state.decide is not None) == (not state.end and state.lane is Lane.LOOP)


@given(st.data())
def test_no_walk_through_a_generation_leaves_an_end_or_submits_without_an_intent(data: st.DataObject) -> None:
    table, at, seen = KINDS["video"], "queued", ["queued"]
    for _ in range(30):
        if table[at].end:
            break
        at = data.draw(st.sampled_from(sorted(table[at].next)))
        seen.append(at)
    for before, after in pairwise(seen):
        assert not table[before].end
        if after == "submitting":
            assert before == "queued"
        if after == "completed":
            assert before == "finishing"


def test_the_diagram_in_the_docs_is_the_tables_own() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert text.split(BEGIN)[1].split(END)[0].strip() == diagram().strip()


def test_drawing_it_again_changes_nothing_but_the_diagram(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"Before.\n{BEGIN}\nan old diagram\n{END}\nAfter.\n", encoding="utf-8")
    write(page)
    drawn = page.read_text(encoding="utf-8")
    assert drawn.startswith(f"Before.\n{BEGIN}\n\n**generation")
    assert drawn.endswith(f"{END}\nAfter.\n")
    assert "old" not in drawn
    write(page)
    assert page.read_text(encoding="utf-8") == drawn
