"""The record as evidence: is all of it there and signed, and a copy for others to read."""

from __future__ import annotations

import csv
import json as js
import sys
from contextlib import contextmanager
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from edge.cells import harmless
from edge.cli.base import ConfigOption, JsonOption, app, read_config, seconds_of, show
from edge.cli.places import to_make
from edge.errors import UsageError, reason_of
from edge.files import made_whole
from edge.ledger.seal import key_name
from edge.names import folded
from edge.ops.findings import findings
from edge.ops.owner import acting_as_owner
from edge.records import EventKind
from edge.sight.sealed_ledger import open_ledger
from edge.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.ledger.ledger import Ledger
    from edge.records import StoredEvent

    Writer = Callable[[StoredEvent], None]

audit_app = typer.Typer(help="What happened, as evidence.", no_args_is_help=True)
app.add_typer(audit_app, name="audit")

_PAGE = 1000
_COLUMNS = ("seq", "time", "time_trusted", "kind", "reason", "person", "detail", "chain", "head")


class Form(str, Enum):
    """What an export looks like."""

    CSV = "csv"
    JSONL = "jsonl"


@audit_app.command()
def verify(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Check rows, chain, signatures, schema and outbox; says what is wrong, or that all is well."""
    settings = read_config(config)
    problems = findings(settings)
    with acting_as_owner(settings.paths.state), open_ledger(settings, read_only=True) as ledger:
        written, key = ledger.written(), key_name(ledger.public_key())
        first = ledger.dropped() + 1
    held = f"events {first} to {written}" if first <= written else "no event yet"
    verdict = f"All is well: {held}, one chain, signed by the key {key}."
    result = {"ok": not problems, "events": written, "key": key, "problems": problems}
    show(result, as_json=json, text="\n".join(problems) or verdict)
    if problems:
        raise typer.Exit(1)


@audit_app.command()
def export(
    file: Annotated[
        Path | None, typer.Argument(help="A new file; none: standard output.", callback=to_make)
    ] = None,
    *,
    form: Annotated[Form, typer.Option("--format", help="CSV, or one JSON object a line.")] = (
        Form.JSONL
    ),
    person: Annotated[str | None, typer.Option(help="Of this person alone.")] = None,
    kind: Annotated[EventKind | None, typer.Option(help="Of this kind alone.")] = None,
    since: Annotated[datetime | None, typer.Option(help="From this time on, local.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Up to this time, local.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Write events out, each with its chain and signature, so that the copy can be checked."""
    settings = read_config(config)
    begin = float("-inf") if since is None else seconds_of(since)
    end = float("inf") if until is None else seconds_of(until)
    count = 0
    with acting_as_owner(settings.paths.state):
        ledger = open_ledger(settings, read_only=True)
    with ledger, _sheet(file, form) as write:
        for stored in _all(ledger):
            event = stored.event
            fits = person is None or folded(event.person or "") == folded(person)
            fits = fits and (kind is None or event.kind is kind)
            if fits and begin <= event.wall <= end:
                write(stored)
                count += 1
    if file is not None:
        result = {"file": str(file), "events": count}
        show(result, as_json=json, text=f"{file} holds {counted(count, 'event')}.")


@contextmanager
def _sheet(file: Path | None, form: Form) -> Iterator[Writer]:
    if file is None:
        yield _writer(sys.stdout, form)
        return
    try:
        with made_whole(file) as sheet:
            yield _writer(sheet, form)
    except OSError as error:
        raise UsageError(f"{file} cannot be made: {reason_of(error)}.") from error


def _writer(sheet: TextIO, form: Form) -> Writer:
    if form is Form.JSONL:
        return lambda stored: print(js.dumps(_row(stored), ensure_ascii=False), file=sheet)
    # Quoted, a `;` stays text where spreadsheets part columns by it.
    table = csv.DictWriter(sheet, _COLUMNS, quoting=csv.QUOTE_NONNUMERIC)
    table.writeheader()

    def write(stored: StoredEvent) -> None:
        row = _row(stored)
        table.writerow({name: _cell(value) for name, value in row.items() if name in _COLUMNS})

    return write


def _row(stored: StoredEvent) -> dict[str, object]:
    event = stored.event
    return {
        "seq": stored.sequence,
        "time": datetime.fromtimestamp(event.wall, timezone.utc).isoformat(),
        "time_trusted": event.wall_trusted,
        "kind": event.kind.value,
        "reason": event.reason.value,
        "person": event.person,
        "detail": dict(event.detail),
        "chain": stored.chain,
        "head": stored.head.signature if stored.head else "",
        "boot": stored.boot,
        "body": stored.body,
    }


def _cell(value: object) -> object:
    text = js.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
    return harmless(text)


def _all(ledger: Ledger) -> Iterator[StoredEvent]:
    after = 0
    while page := ledger.events(after, _PAGE):
        yield from page
        after = page[-1].sequence
