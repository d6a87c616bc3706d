"""Whether this door was restored from a backup and waits for the people office's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.records import EventKind, Reason
from edge.sight.changes import RESTORED
from edge.sight.journal import Entry

if TYPE_CHECKING:
    from edge.ledger.ledger import Ledger
    from edge.sight.journal import Journal


class Restored:
    """The mark that `edge.sight.changes.accept_backup` leaves, as a running door knows it."""

    def __init__(self, ledger: Ledger, journal: Journal) -> None:
        self._ledger = ledger
        self._journal = journal
        self.asks = self._read()
        """What a list must repeat to be obeyed; empty: nothing."""

    def changed(self) -> bool:
        """Whether an operator has just said that this door was restored, or need not ask."""
        if not self._ledger.changed():
            return False
        before, self.asks = self.asks, self._read()
        return self.asks != before

    def answered(self) -> bool:
        """A list that answers is obeyed; True when people may pass by it who might not before.

        Raises:
            LedgerError: that cannot be written; the door goes on asking.
        """
        if not self.asks:
            return False
        states = {RESTORED: ""}
        self._journal.write(Entry(EventKind.PEOPLE, Reason.OFFICE_ANSWERED), states)
        self.asks = ""
        return True

    def _read(self) -> str:
        return self._ledger.sealed().get(RESTORED, "")
