"""The state diagram of docs/architecture.md, drawn from the tables: `python -m vividflow.lifecycle.diagram` writes it there."""

from __future__ import annotations

from pathlib import Path

from vividflow.lifecycle.kinds import KINDS
from vividflow.lifecycle.states import Table

BEGIN, END = "<!-- states: begin -->", "<!-- states: end -->"
_TITLES = {"video": "generation (videos and pictures)", "late": "late result (hidden)", "delivery": "delivery"}


def diagram() -> str:
    """Mermaid state diagrams of all kinds of jobs."""
    parts: list[str] = []
    drawn = {id(table): kind for kind, table in reversed(KINDS.items())}
    for kind, table in ((kind, KINDS[kind]) for kind in reversed(drawn.values())):
        lines = [f"**{_TITLES.get(kind, kind)}**", "", "```mermaid", "stateDiagram-v2"]
        for name, state in table.items():
            lines += [f"    {name} --> {after}" for after in sorted(state.next)]
        lines += [f"    {name} --> [*]" for name, state in table.items() if state.end and _reached(table, name)]
        lines += ["```", "", "| state | status / stage | lane | tries | gives up to |", "|---|---|---|---|---|"]
        for name, state in table.items():
            if state.end:
                lines.append(f"| {name} | {state.status} / {state.stage} | – | – | – |")
            else:
                tries = "for ever" if state.tries is None else str(state.tries)
                lines.append(f"| {name} | {state.status} / {state.stage} | {state.lane} | {tries} | {state.gives_up} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _reached(table: Table, name: str) -> bool:
    return any(name in state.next for state in table.values())


def write(page: Path) -> None:
    """Put the diagrams between the two marks of a page."""
    text = page.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    page.write_text(f"{before}{BEGIN}\n\n{diagram()}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).resolve().parents[2] / "docs" / "architecture.md")
