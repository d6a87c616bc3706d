"""What happened: events."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from edge.cli.base import ConfigOption, JsonOption, app, console, own_config, show
from edge.errors import LedgerError, UsageError
from edge.names import folded
from edge.records import EventKind
from edge.sight.sealed_ledger import open_ledger
from edge.words import counted, sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from edge.ledger.ledger import Ledger
    from edge.records import StoredEvent

_PAGE = 500
_LOOK_EVERY_S = 0.5
_DOUBT = (
    "? The clock was not synchronised then: the order is right, the time may not be. "
    "`edge-door doctor` says what to do."
)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@app.command()
def events(
    *,
    last: Annotated[int, typer.Option(min=1, help="How many, newest last.")] = 20,
    person: Annotated[str | None, typer.Option(help="Only what concerns this person.")] = None,
    kind: Annotated[EventKind | None, typer.Option(help="Only events of this kind.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Not before: 30m, 2h, 3d, or 2026-11-26 or 2026-11-26T08:00.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Check the hash chain.")] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """What happened at this door; with --verify, whether the record is whole.

    A `?` after a time: the clock was not synchronised then, and the time may be wrong.
    """
    wanted = _filter(person, kind, None if since is None else _moment(since))
    settings = own_config(config)
    with open_ledger(settings, read_only=True) as ledger:
        problems = ledger.verify() if verify else []
        written = ledger.written()
        found = _newest(ledger, written, last, wanted)
        listed = [_as_json(entry) for entry in found]
        told = {"ok": not problems, "events": listed, "problems": problems}
        show(told, as_json=json, text=_table(found))
        if problems and json:
            raise typer.Exit(1)
        if problems:
            raise LedgerError("the record is not whole: " + " ".join(problems))
        if verify and not json:
            console.print(
                f"The record is whole: {counted(written, 'event')}, each bound to the one before."
            )
        if follow:
            _follow(ledger, written, wanted, as_json=json)


def _filter(
    person: str | None, kind: EventKind | None, since: datetime | None
) -> Callable[[StoredEvent], bool]:
    def wanted(entry: StoredEvent) -> bool:
        event = entry.event
        return (
            (person is None or folded(event.person or "") == folded(person))
            and (kind is None or event.kind is kind)
            and (since is None or event.wall >= since.timestamp())
        )

    return wanted


def _moment(text: str) -> datetime:
    ago = re.fullmatch(r"(\d+)([mhdw])", text)
    try:
        if ago:
            return datetime.now().astimezone() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--since {text}: use 30m, 2h, 3d, a day or a day with a time") from error


def _newest(
    ledger: Ledger, upto: int, count: int, wanted: Callable[[StoredEvent], bool]
) -> list[StoredEvent]:
    """The newest that are wanted of the events up to this one, newest last."""
    found: list[StoredEvent] = []
    for entry in _backwards(ledger, upto):
        if wanted(entry):
            found.append(entry)
        if len(found) == count:
            break
    return found[::-1]


def _backwards(ledger: Ledger, upto: int) -> Iterator[StoredEvent]:
    while upto > ledger.dropped():
        after = max(upto - _PAGE, 0)
        page = ledger.events(after=after, limit=upto - after)
        yield from reversed(page)
        upto = after


def _follow(
    ledger: Ledger, after: int, wanted: Callable[[StoredEvent], bool], *, as_json: bool
) -> None:
    while True:
        for entry in ledger.events(after=after, limit=_PAGE):
            after = entry.sequence
            if wanted(entry):
                show(_as_json(entry), as_json=as_json, text="  ".join(_row(entry)))
        time.sleep(_LOOK_EVERY_S)


def _table(found: Sequence[StoredEvent]) -> Table:
    table = Table("#", "time", "what happened", "detail")
    for entry in found:
        table.add_row(*_row(entry))
    if not all(entry.event.wall_trusted for entry in found):
        table.caption = _DOUBT
    return table


def _row(entry: StoredEvent) -> tuple[str, str, str, str]:
    event = entry.event
    clock = datetime.fromtimestamp(event.wall).astimezone()
    doubt = "" if event.wall_trusted else "?"
    detail = ", ".join(f"{key} {_figure(value)}" for key, value in event.detail.items())
    return str(entry.sequence), f"{clock:%m-%d %H:%M:%S}{doubt}", sentence(event), detail


def _figure(value: object) -> str:
    """Three places are what people read; `--json` has all."""
    return f"{round(value, 3):.15g}" if isinstance(value, float) else str(value)


def _as_json(entry: StoredEvent) -> dict[str, object]:
    event = entry.event
    return {
        "sequence": entry.sequence,
        "kind": event.kind.value,
        "reason": event.reason.value,
        "person": event.person,
        "wall": event.wall,
        "wall_trusted": event.wall_trusted,
        "detail": dict(event.detail),
    }
