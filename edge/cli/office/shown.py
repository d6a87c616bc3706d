"""How each of the people office's doors is: what it should have against what it reports."""

from __future__ import annotations

from collections import Counter
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import typer
from rich.table import Table

from edge.cli.base import show
from edge.office.desk import whose
from edge.roster.report import LIST, RESEMBLES, Report
from edge.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from edge.config import Config
    from edge.office.book import Book
    from edge.office.post import Post
    from edge.office.rows import Door

AS_IT_SHOULD = "as it should be"


def state(door: Door, said: Report | None, office: str) -> str:
    """How far a door is, in words; `office` is this office's people key."""
    if said is None:
        return "not heard of yet"
    if said.key != door.key:
        return "has another key than the one that was trusted: compare it, and trust the door again"
    if office not in said.keys:
        return "does not believe this office: its people key is not in [people] keys there"
    if said.restored:
        return "was restored from a backup, and waits for the next list: `edge-door office publish`"
    if said.digest != door.digest:
        pages = f", waits for {counted(len(said.pages), 'page')} of it" if said.pages else ""
        return f"not yet: has list {said.generation} of {door.generation}{pages}"
    waits = f"waits for {counted(said.waiting, 'envelope')}" if said.waiting else ""
    return waits or (f"refuses {len(said.refused)}" if said.refused else AS_IT_SHOULD)


def show_doors(
    settings: Config,
    book: Book,
    post: Post,
    office: str,
    *,
    as_json: bool,
    only: Collection[str] = (),
    failed: Mapping[str, str] | None = None,
) -> None:
    """Each door of the book, or only some: desired against reported.

    `failed`: of which doors no list could be made, and why.

    Raises:
        typer.Exit: with 1, unless each is as it should be.
    """
    doors = [one for one in book.doors.all() if not only or one.device in only]
    names = _numbered(book)
    reports = post.reports
    limit = cache(partial(_threshold, settings))  # read for the first who is refused for it
    rows = [_row(book, one, reports.get(one.device), names, office, limit) for one in doors]
    for row in rows:
        row["state"] = (failed or {}).get(row["door"], row["state"])
        row["ok"] = row["state"] == AS_IT_SHOULD and not row["left_out"]
    table = Table("door", "list", "people", "state")
    for row in rows:
        whys = [f"{name}: {why}" for name, why in row["refused"].items()]
        whys += [f"left out: {why}" for why in row["left_out"].values()]
        told = "\n".join([row["state"], *whys])
        cells = row["door"], str(row["desired"]), str(row["known"]), told
        table.add_row(*cells)
    done = all(row["ok"] for row in rows)
    shown = table if rows else "No door is trusted yet."
    show({"ok": done, "doors": rows}, as_json=as_json, text=shown)
    if not done:
        raise typer.Exit(1)


def _numbered(book: Book) -> dict[str, str]:
    """How each person is called in a report, by number: two of one name with their number."""
    people = book.people()
    often = Counter(one.name for one in people)
    return {
        one.person: one.name if often[one.name] == 1 else f"{one.name} ({one.person})"
        for one in people
    }


def _threshold(settings: Config) -> float:
    from edge.vision.calibrated import threshold  # which sees, as few commands here do

    return threshold(settings)


def _row(
    book: Book,
    door: Door,
    said: Report | None,
    names: Mapping[str, str],
    office: str,
    limit: Callable[[], float],
) -> dict[str, Any]:
    report = said or Report(door.device, 0, "", "", "")
    called = {LIST: "the list", **names}
    refused = {
        who: f"{why}. Of the book it is {whose(book, who, limit())}" if RESEMBLES in why else why
        for who, why in report.refused.items()
    }
    return {
        "door": door.device,
        "desired": door.generation,
        "obeyed": report.generation,
        "known": report.known,
        "waiting": report.waiting,
        "lease": report.lease,
        "refused": {called.get(who, who): why for who, why in refused.items()},
        "left_out": {called.get(who, who): why for who, why in book.left_out(door.device).items()},
        "erased": dict(report.erased),
        "state": state(door, said, office),
    }
