"""Every fault in every phase for every vendor that can be paid: `python -m tests.lifecycle.chaos_matrix` runs all cells.

A cell is three jobs and one fault, with the end that they must have (reliability.md 2.1): paid once at most, none lost,
and no answer, however strange, may break a step or write something wrong. `--vendor kling`, `--only look` run some.
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from tests.databases import fresh
from tests.lifecycle.chaos import COMPLETED, FETCH, FIND, LOOK, REVIEW, SUBMIT, Cell, Row, paid_in_all, run
from tests.lifecycle.chaos_vendors import FATES, LINKS, REFUSALS, Own
from tests.paid_vendors import PAID_VENDORS, Asked, PaidVendor
from tests.simulators.meddler import How, Meeting
from tests.simulators.server import Close, Reply
from tests.simulators.strange import SPOILED_FILMS, STATUSES, STRANGE, TEN_MB, Strange, status, with_fields
from vividflow.config import Settings
from vividflow.lifecycle.tools import Tools, build_tools

RESULT = "result"
ID_FIELD = {"kling": "task_id", "vertex": "name"}
# Statuses that say nothing certain of a paid request; the others are refusals, and a vendor's own faults below.
OPEN_STATUSES = (300, 307, 408, 409, 418, 425, 451, 500, 501, 502, 503, 504)
HANG_SECONDS = 3.0
ASKED_STRANGELY = (
    "closed", "half", "empty", "html", "null", "list", "number", "not JSON", "deep", "endless", "wrong types", "odd numbers",
    "odd text",
)  # fmt: skip
_WRONG_IDS: dict[str, Any] = {
    "none": None,
    "nothing": "",
    "a number": 17,
    "a list": ["x"],
    "10 MB": "x" * TEN_MB,
    "a NUL": "x\x00y",
    "half a pair": "x\ud800",
}

_LINK = re.compile(rb'"(?:https?|gs)://[^"]+"')


def instead(strange: Strange) -> How:
    """The request is handled, and something else answered."""
    return lambda meeting: strange(meeting.answer())


def untaken(strange: Strange) -> How:
    """The request is read, and not handled."""
    return lambda _: strange(Reply())


def cells() -> Iterator[Cell]:
    """All of them, vendor by vendor."""
    for vendor in PAID_VENDORS.values():
        yield from chain(_submit(vendor), _look(vendor), _result(vendor), _fetch(vendor), _find(vendor))


def _submit(vendor: PaidVendor) -> Iterator[Cell]:
    lost = {name: instead(strange) for name, strange in STRANGE.items()}
    lost |= {str(code): instead(status(code, Location="http://127.0.0.1:9/")) for code in OPEN_STATUSES}
    lost |= {name: instead(_identified(vendor, value)) for name, value in _WRONG_IDS.items()}
    lost["hangs"] = lambda meeting: (meeting.answer(), Close(seconds=HANG_SECONDS))[1]
    for name, how in lost.items():
        yield Cell(vendor=vendor.name, phase=SUBMIT, fault=f"taken, {name}", spoiled={SUBMIT: how})
    others = {SUBMIT: _others_id(vendor)}
    yield Cell(vendor=vendor.name, phase=SUBMIT, fault="taken, another job's id", spoiled=others, before=True)
    end, paid = (COMPLETED, 1) if vendor.asked is Asked.YES_AND_NO else (REVIEW, 0)
    never: dict[str, How] = {name: untaken(STRANGE[name]) for name in ("closed", "html", "empty", "null", "deep")}
    never |= {
        str(code): untaken(status(code, Location="http://127.0.0.1:9/")) for code in (307, 408, 500, 502, 503, 504)
    }
    never["hangs"] = lambda _: Close(seconds=HANG_SECONDS)
    for name, how in never.items():
        yield Cell(
            vendor=vendor.name, phase=SUBMIT, fault=f"not taken, {name}", spoiled={SUBMIT: how}, end=end, paid=paid
        )
    yield from _own(vendor, SUBMIT, REFUSALS)


def _look(vendor: PaidVendor) -> Iterator[Cell]:
    strange = {name: instead(each) for name, each in STRANGE.items()}
    strange |= {
        str(code): instead(status(code, Location="http://127.0.0.1:9/", **{"Retry-After": "0"})) for code in STATUSES
    }
    strange |= {f"id: {name}": instead(_identified(vendor, value)) for name, value in _WRONG_IDS.items()}
    strange |= {
        "another job's id": _others_id(vendor),
        "another job's answer": lambda meeting: meeting.others[-1] if meeting.others else Close(),
        "backwards in status": lambda meeting: _running(
            vendor, meeting, begun=meeting.number % 2 == 1, percent=80 // meeting.number
        ),
        "more than 100 %": lambda meeting: _running(vendor, meeting, begun=True, percent=140),
        "100 % and running": lambda meeting: _running(vendor, meeting, begun=True, percent=100),
        "less than 0 %": lambda meeting: _running(vendor, meeting, begun=True, percent=-20),
    }
    for name, how in strange.items():
        times = 3 if "%" in name or "backwards" in name else 2
        yield Cell(
            vendor=vendor.name, phase=LOOK, fault=name, spoiled={LOOK: how}, times=times, before="another" in name
        )


def _result(vendor: PaidVendor) -> Iterator[Cell]:
    yield from _own(vendor, RESULT, FATES)
    if vendor.name == "openai":  # a result is always asked of the server itself
        return
    for name, link in LINKS.items():
        how = instead(lambda answer, link=link: _linked(answer, link))
        yield Cell(vendor=vendor.name, phase=RESULT, fault=f"link: {name}", spoiled={LOOK: how})


def _fetch(vendor: PaidVendor) -> Iterator[Cell]:
    for name, strange in SPOILED_FILMS.items():
        yield Cell(vendor=vendor.name, phase=FETCH, fault=name, spoiled={FETCH: instead(strange)}, times=2)
    for name, end in {"corrupt": "bad_result", "endless": "too_large", "sent elsewhere": "scheme_not_allowed"}.items():
        if (
            vendor.name == "vertex"
        ):  # what its bucket serves carries a checksum, and is waited for as long as it is kept
            continue
        never = {FETCH: instead(SPOILED_FILMS[name])}
        fault = f"{name} for ever"
        yield Cell(vendor=vendor.name, phase=FETCH, fault=fault, spoiled=never, times=None, end=end)


def _find(vendor: PaidVendor) -> Iterator[Cell]:
    lost = {SUBMIT: instead(STRANGE["closed"])}
    if vendor.asked is Asked.CALLBACK:
        for fault, end in {"dropped": REVIEW, "forged": REVIEW, "old": REVIEW, "duplicate": COMPLETED}.items():
            own = ((f"webhook_{fault}", {}),)
            yield Cell(vendor=vendor.name, phase=FIND, fault=f"callback {fault}", spoiled=lost, own=own, end=end)
        return
    strange = {name: STRANGE[name] for name in ASKED_STRANGELY} | {
        str(code): status(code) for code in (401, 403, 429, 500, 503)
    }
    for name, each in strange.items():
        yield Cell(vendor=vendor.name, phase=FIND, fault=name, spoiled=lost | {FIND: instead(each)})


def _own(vendor: PaidVendor, phase: str, table: Mapping[str, Own]) -> Iterator[Cell]:
    for fault, (more, end, paid) in table[vendor.name].items():
        own = ((fault.split()[0], more),)
        yield Cell(vendor=vendor.name, phase=phase, fault=fault, own=own, end=end, paid=paid)


def _identified(vendor: PaidVendor, value: Any) -> Strange:
    return lambda answer: with_fields(answer, {ID_FIELD.get(vendor.name, "id"): value})


def _others_id(vendor: PaidVendor) -> How:
    """The id of a run that was paid for another job, in an answer that is right but for that."""

    def how(meeting: Meeting) -> Reply:
        answer = meeting.answer()
        runs = vendor.ids(meeting.simulator)
        return _identified(vendor, runs[0])(answer)

    return how


def _running(vendor: PaidVendor, meeting: Meeting, *, begun: bool, percent: int) -> Reply:
    return with_fields(meeting.answer(), vendor.running(begun, percent))


def _linked(answer: Reply, link: str) -> Reply:
    return Reply(
        status=answer.status, body=_LINK.sub(lambda _: f'"{link}"'.encode(), answer.body), headers=answer.headers
    )


@contextmanager
def own_tools() -> Iterator[Any]:
    """Makes tools on a SQLite database of their own, and closes them."""
    folder = Path(tempfile.mkdtemp(prefix="vf-chaos-"))
    made: list[Tools] = []

    def tools_for(**given: Any) -> Tools:
        values = {"data_dir": folder, "database_url": fresh("sqlite", folder)} | given
        made.append(build_tools(Settings.from_environment(None, **values)))
        return made[-1]

    try:
        yield tools_for
    finally:
        for tools in made:
            for name, built in tools._built.items():
                if name.startswith("provider:") and hasattr(built, "close"):
                    built.close()  # type: ignore[attr-defined]
            tools.ears.watch.close()
            tools.decoder.close()
            tools.db.close()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Run the cells asked for and print what became of each; 1 when one of them ended otherwise than it must."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--vendor", choices=PAID_VENDORS)
    words.add_argument("--only", default="", help="a part of a cell's name, such as 'look: 10 MB'")
    asked = words.parse_args()
    rows: list[Row] = []
    bad = 0
    print(f"{'vendor, phase: fault':46} {'expected':24} {'ended':36} paid   lost seconds")
    for cell in cells():
        if asked.vendor not in (None, cell.vendor) or asked.only not in str(cell):
            continue
        with own_tools() as tools_for:
            row = run(cell, tools_for)
        rows.append(row)
        good = row.as_expected(cell)
        bad += not good
        ends = ", ".join(sorted(set(row.ends)))
        said = "" if good else f"  WRONG {'; '.join(row.wrong)[:400]} {' '.join(row.states)}"
        shown = f"{cell!s:46} {f'{cell.end}, paid {cell.paid}':24} {ends:36} {'+'.join(map(str, row.paid)):6}"
        print(f"{shown} {row.lost:4} {row.seconds:7.1f}{said}", flush=True)
    jobs, paid = sum(len(row.ends) for row in rows), paid_in_all(rows)
    twice = sum(count for times, count in paid.items() if times > 1)
    print(f"{len(rows)} cells, {jobs} jobs, {sum(k * v for k, v in paid.items())} paid, {twice} paid twice, "
          f"{sum(row.lost for row in rows)} lost, {bad} cells not as expected")  # fmt: skip
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
