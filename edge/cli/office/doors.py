"""The people office's doors: which it trusts, and the lists that are published for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli.base import ConfigOption, JsonOption, own_config, progress, show, waiting
from edge.cli.office.base import Groups, at_broker, office_app, places
from edge.cli.office.shown import show_doors
from edge.cli.places import to_read
from edge.errors import RosterError, UsageError
from edge.names import listed
from edge.office.belonging import is_behind, returning
from edge.office.book import Book
from edge.office.keys import OfficeKeys
from edge.roster.desired import add_signature, sign

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.office.post import Post

_REPORT_S = 20.0


@office_app.command()
def init(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Make the people key and the book, once."""
    settings = own_config(config)
    key_file, book = places(settings)
    if not key_file.exists():
        OfficeKeys.create(key_file)
    keys = OfficeKeys(key_file)
    Book(book, keys.book).close()
    text = (
        "Put this into the configuration of each door, the last line where people are enrolled at "
        f"a door for this office:\n\n[people]\nkeys = ['{keys.public}']\n"
        f"office = '{keys.offers.public}'"
    )
    result = {"key": keys.public, "office": keys.offers.public}
    show(result, as_json=json, text=text)


@office_app.command()
def trust(
    door: str,
    group: Groups,
    said: Annotated[
        str, typer.Option("--fingerprint", help="As `edge-door people key` shows it at the door.")
    ],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Take a door in, after its key's fingerprint was compared with the door itself."""
    settings = own_config(config)
    with at_broker(settings) as (book, _, post):
        if not post.listen(lambda: door in post.reports):
            raise UsageError(
                f"{door} has reported nothing at {settings.mqtt.host}: is its [people] keys set, "
                "and is it connected?"
            )
        book.doors.trust(post.reports[door], group, said)
    show({"door": door, "groups": group}, as_json=json, text=f"{door} is trusted.")


@office_app.command()
def distrust(door: str, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Seal nothing more for a door that was stolen or taken away."""
    settings = own_config(config)
    with at_broker(settings) as (book, _, post):
        book.doors.distrust(door)
        post.take_back(door, [*book.shelf.to_post(door, every=True), *book.shelf.to_clear(door)])
        book.shelf_gone(door)
    text = f"{door} gets nothing more. Revoke its certificate too: `edge-door pki revoke {door}`"
    show({"door": door}, as_json=json, text=text)


@office_app.command()
def publish(
    *,
    door: Annotated[list[str] | None, typer.Option(help="Only these doors.")] = None,
    lease_days: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=3660,
            help="A door that hears nothing for so long lets these people lapse.",
        ),
    ] = None,
    second_key: Annotated[
        Path | None,
        typer.Option(help="Another office's key file, where two must sign.", callback=to_read),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Send everything, to a broker that has lost it.")
    ] = False,
    from_backup: Annotated[
        bool,
        typer.Option(
            "--from-backup", help="The book was restored, and whoever is in it is to be known."
        ),
    ] = False,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for what the doors say.")
    ] = _REPORT_S,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Sign a new list for each door, publish it, and wait for what the doors say.

    Exit code 0: each door is as it should be; 1: one is not in time, refuses or lacks somebody.
    """
    settings = own_config(config)
    second = () if second_key is None else (OfficeKeys(second_key).signing,)
    with at_broker(settings) as (book, keys, post):
        post.listen(lambda: False)
        known = [one.device for one in book.doors.all()]
        devices = [book.doors.find(one).device for one in door or known]
        if not from_backup:
            _require_nobody_returns(book, post, devices)
        sent: set[str] = set()
        failed: dict[str, str] = {}
        with progress("doors", len(devices)) as advance:
            for device in devices:
                _hear(book, post, [device])
                advance(advance=1)
                lease_s = None if lease_days is None else lease_days * 86_400
                said = post.reports.get(device)
                try:
                    made = book.make(device, lease_s, answers=said.restored if said else "")
                except RosterError as error:  # the other doors get theirs
                    failed[device] = str(error)
                    continue
                message = sign(made.desired, [keys.signing])
                for key in second:
                    message = add_signature(message, key)
                pieces = book.shelf.to_post(device, every=again)
                post.publish(device, message, pieces)
                book.posted(device)
                sent |= {piece.hashed for piece in pieces}
        devices = [device for device in devices if device not in failed]
        _await(book, post, devices, sent, wait)
        _hear(book, post, devices)
        for device in set(devices) - set(_behind(book, post, devices, sent)):
            post.clear(device, book.shelf.to_clear(device))
            book.cleared(device)
        only = (*devices, *failed)
        show_doors(settings, book, post, keys.public, as_json=json, only=only, failed=failed)


@office_app.command()
def status(config: ConfigOption = None, json: JsonOption = False) -> None:
    """What each door has of what it should have.

    Exit code 0: each is as it should be; 1: one is not.
    """
    settings = own_config(config)
    with at_broker(settings) as (book, keys, post):
        devices = [one.device for one in book.doors.all()]
        post.listen(lambda: set(devices) <= set(post.reports))
        _hear(book, post, devices, all_of_them=False)
        show_doors(settings, book, post, keys.public, as_json=json)


def _returning(book: Book, post: Post, device: str) -> list[str]:
    said, door = post.reports.get(device), book.doors.find(device)
    if said is None or not is_behind(door, said):
        return []
    return [one.name for one in returning(door, said, book.people())]


def _require_nobody_returns(book: Book, post: Post, devices: Iterable[str]) -> None:
    for device in devices:
        names = _returning(book, post, device)
        if names:
            raise UsageError(
                f"{device} has obeyed newer lists than this book knows of: the book was restored "
                "from a backup, or the door was distrusted for a while. "
                f"{listed(names)} had been forgotten there since. Remove them again with "
                "`edge-door office remove`, or say --from-backup if they are to be known"
            )


def _hear(book: Book, post: Post, devices: Iterable[str], *, all_of_them: bool = True) -> None:
    """`all_of_them`: also a door that is ahead of a restored book and has forgotten people."""
    for device in devices:
        try:
            if device in post.reports and (all_of_them or not _returning(book, post, device)):
                book.heard(post.reports[device])
        except RosterError:
            continue  # another key than the trusted one: its row says so


def _await(
    book: Book, post: Post, devices: Iterable[str], sent: set[str], timeout_s: float
) -> None:
    """Until each door has its list, or it is late; meanwhile say whom one waits for."""
    with waiting() as tell:

        def all_have_it() -> bool:
            behind = _behind(book, post, devices, sent)
            if behind:
                tell(listed(behind))
            return not behind

        post.listen(all_have_it, timeout_s)


def _behind(book: Book, post: Post, devices: Iterable[str], sent: set[str]) -> list[str]:
    """Doors that do not have their list; what such a door misses and was not `sent` is sent."""
    made = {one.device: one.digest for one in book.doors.all()}
    behind = []
    for device in devices:
        said = post.reports.get(device)
        if said is None or said.digest != made[device] or said.waiting:
            behind.append(device)
        missed = set() if said is None else {*said.pages, *said.envelopes} - sent
        if missed:
            sent |= missed
            post.supply(device, book.shelf.wanted(device, missed))
    return behind
