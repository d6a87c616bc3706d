"""Changes to who may enter: intent first, then the change, then that it was done.

The people database counts its changes, and the ledger's sealed states keep that number, so that
neither can be put back alone: an older people database is behind the ledger, an older ledger
behind the people database. A power cut between intent and end leaves the two one apart; the next
start says in the ledger which of the two it was.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edge.errors import EdgeDoorError, LedgerError, VaultError
from edge.records import EventKind, Reason
from edge.sight.journal import Entry, Journal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from edge.config import Config
    from edge.ledger.ledger import Ledger
    from edge.vault.vault import Vault

CHANGES, INTENDED = "people_changes", "people_intended"
"""Sealed states: the number of the last change that is known, and of one that was begun."""
RESTORED = "people_restored"
"""Sealed state: what a list of the centre must repeat, once a backup was restored; else empty."""

ASKS = (
    "Nobody from the people office may pass until it has answered: `edge-door office publish` "
    "there. If it cannot be reached, `edge-door people accept-backup --without-office` here takes "
    "them as the backup has them."
)
_NONCE_BYTES = 16


@contextmanager
def recorded(
    ledger: Ledger,
    vault: Vault,
    device: str,
    reason: Reason,
    person: str | None,
    states: Mapping[str, str] | None = None,
    /,
    **detail: str | float,
) -> Iterator[None]:
    """Around one change of the vault; `states` are kept before it is made.

    Raises:
        LedgerError: the intent cannot be written, so nothing is changed; or the change was made
            and its end cannot be written, which the text says.
        VaultError: one of the two databases is older than the other.
    """
    before = settle(ledger, vault, device)
    journal = Journal(ledger, device)
    what: dict[str, str | float | bool] = {"change": reason.value, **detail}
    intended = {CHANGES: str(before), INTENDED: str(before + 1), **(states or {})}
    journal.write(Entry(EventKind.PEOPLE, Reason.INTENDED, person=person, detail=what), intended)
    try:
        yield
    except BaseException as error:
        if vault.changes() == before:
            what["why"] = str(error)[:200]
            undone = {INTENDED: str(before)}
            journal.note(
                EventKind.PEOPLE, Reason.NOT_DONE, person=person, states=undone, detail=what
            )
        else:  # it stands, though something after it failed
            _end(journal, vault, reason, person, detail)
        raise
    _end(journal, vault, reason, person, detail)


def settle(ledger: Ledger, vault: Vault, device: str) -> int:
    """See that people database and ledger are of one time; finish what a power cut left open.

    Returns:
        The number of the last change.

    Raises:
        VaultError: the people database is older than the ledger.
        LedgerError: the ledger is older than the people database, or cannot be written.
    """
    found = vault.changes()  # once: the whole database is checked for it
    known, intended = _known(ledger, found)
    wrong = _objection(vault, known, intended, found)
    if wrong is not None:
        raise wrong
    if found != known or found != intended:
        done = found > known
        accept(ledger, vault, device, Reason.DONE_AFTER_ALL if done else Reason.NOT_DONE)
    return found


def objection(ledger: Ledger, vault: Vault) -> EdgeDoorError | None:
    """Why people database and ledger are not of one time; None: they are.

    Raises:
        LedgerError, VaultError: one of them cannot be read, or another hand wrote there.
    """
    found = vault.changes()
    known, intended = _known(ledger, found)
    return _objection(vault, known, intended, found)


def _objection(vault: Vault, known: int, intended: int, found: int) -> EdgeDoorError | None:
    if found < known:
        return VaultError(
            f"{vault.path} ends at change {found}, and the ledger knows of change {known}: an "
            "older copy was put back, and people who were removed may be in it. If that was you, "
            "restoring a backup, accept it with `edge-door people accept-backup`."
        )
    if found > max(known, intended):
        return LedgerError(
            f"The ledger knows of change {known} to the people, and {vault.path} of change "
            f"{found}: an older ledger was put back. If that was you, restoring a backup, "
            "accept it with `edge-door ledger accept`."
        )
    return None


def _known(ledger: Ledger, found: int) -> tuple[int, int]:
    """The last change that the ledger knows, `found` if none, and one that was begun."""
    sealed = ledger.sealed()
    known = int(sealed.get(CHANGES, found))
    return known, int(sealed.get(INTENDED, known))


def accept(ledger: Ledger, vault: Vault, device: str, reason: Reason) -> None:
    """Take both as they are, as one time.

    Raises:
        LedgerError: that cannot be written.
    """
    _end(Journal(ledger, device), vault, reason, None, {})


def accept_backup(ledger: Ledger, vault: Vault, config: Config, *, ask: bool = True) -> bool:
    """Take both as they are, as one time, and ask the people office what has happened since.

    A list that is newer than the backup may still be older than what this door once obeyed, so
    only one that repeats a fresh number is obeyed, and until then nobody from the centre may pass.

    Args:
        ledger: As it is.
        vault: As it is.
        config: Says whether lists of a people office count here.
        ask: False: an operator vouches for the people in the backup.

    Returns:
        Whether the office is asked.

    Raises:
        LedgerError: that cannot be written.
    """
    asks = ask and bool(config.people.keys or vault.members.held())
    states = {RESTORED: secrets.token_hex(_NONCE_BYTES) if asks else ""}
    _end(Journal(ledger, config.device.id), vault, Reason.BACKUP_ACCEPTED, None, {}, states)
    return asks


def _end(
    journal: Journal,
    vault: Vault,
    reason: Reason,
    person: str | None,
    detail: dict[str, str | float],
    more: Mapping[str, str] | None = None,
) -> None:
    number = str(vault.changes())
    states = {CHANGES: number, INTENDED: number, **(more or {})}
    full = {**detail, "changes": float(number)}
    try:
        journal.write(Entry(EventKind.PEOPLE, reason, person=person, detail=full), states)
    except LedgerError as error:
        raise LedgerError(
            f"The people database was changed ({reason.value}), and the ledger holds the intent "
            f"alone: {error}"
        ) from error
