"""Outbox to broker: in order, a few at a time, until the broker has acknowledged each.

At least once: after a lost connection whatever was not acknowledged goes out again, marked as
replayed, and the reader drops by `chain` what it has already. A broker may lose what it
acknowledged; a reader that must not miss anything confirms what it has stored, and asks for the
rest with `resend_from` whenever `availability` turns `online` or it finds a gap in `seq`. A reader
that was restored from an older copy gets what it had confirmed once more too: only what is to be
sent goes back for it, and the watermarks stay.

An event that the broker cannot take for its size is left out with a warning, and those after it go.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from edge.access.bucket import TokenBucket
from edge.errors import BrokerError, CommandError

if TYPE_CHECKING:
    from edge.ledger.ledger import Ledger
    from edge.link.arrivals import Acknowledged
    from edge.link.client import Connection
    from edge.link.commands import Confirmation
    from edge.link.outbox import Outbox
    from edge.link.topics import Topics

WINDOW = 16
"""Unacknowledged at once: below the 20 that brokers usually take."""
ACKNOWLEDGE_TIMEOUT_S = 30.0
"""A broker that acknowledges no event for so long is left, and another connection begins clean."""
REFUSED_RETRY_S = 30.0
"""A refused event goes again after so long: access lists are mended while one waits."""
UNCONFIRMED_S = 20.0
"""A broker whose queue for the reader was full has dropped the newest events, and nothing shows
it: what a reader that is there has not confirmed for so long goes again, ever more rarely."""
_RAREST_S = 3600.0
FAR_BACK = 500
"""Events; who wants more than these once more waits for a turn."""
_FAR_BACK_AGAIN = 1 / 60, 3

_log = logging.getLogger(__name__)


class Shipper:
    """What of the ledger is on its way. `begin` with every new connection."""

    def __init__(self, ledger: Ledger, outbox: Outbox, topics: Topics) -> None:
        self._ledger = ledger
        self._outbox = outbox
        self._topics = topics
        self._flying: dict[int, int] = {}  # ticket -> sequence, in order
        self._acknowledged: set[int] = set()  # tickets among them
        self._sent = self._done = self._marked = self._late = 0
        self._progress_at = self._rest_until = 0.0
        self._confirmed = 0
        self._again_at: float | None = None  # None: no reader has confirmed anything yet
        self._again_after_s = UNCONFIRMED_S
        self._begun = False
        self._more = True  # the ledger may hold events that were not sent
        self._far_back: int | None = None  # from where a reader wants very much once more
        self._far_turns = TokenBucket(*_FAR_BACK_AGAIN)

    def wake(self) -> None:
        """The ledger was written to."""
        self._more = True

    def begin(self) -> None:
        """Nothing is on its way; go on from the watermark at the next `pump`."""
        self._flying.clear()
        self._acknowledged.clear()
        self._rest_until = 0.0
        self._begun = False

    def pump(self, connection: Connection) -> None:
        """Move the watermark, and fill the window.

        Raises:
            BrokerError: the connection is lost, or the broker does not acknowledge any more.
            LedgerError: the ledger cannot be read or written now.
        """
        if self._done > self._marked:
            self._outbox.mark_delivered(self._done)
            self._marked = self._done
        now = time.monotonic()
        if now < self._rest_until:
            return
        if not self._begun:
            self._take_up()
        if self._far_back is not None and self._far_turns.take(now):
            self._go_back(self._far_back)
            self._far_back = None
        if not self._flying:
            self._progress_at = now
            self._send_again(now)
        elif now - self._progress_at > ACKNOWLEDGE_TIMEOUT_S:
            raise BrokerError("the broker has stopped acknowledging events; connecting anew.")
        if self._more:
            self._fill(connection, min(WINDOW - len(self._flying), connection.room))

    def _send_again(self, now: float) -> None:
        if self._again_at is None or now < self._again_at or self._more:
            return
        if self._confirmed < self._sent:
            self._sent, self._more = self._confirmed, True
            self._again_after_s = min(2 * self._again_after_s, _RAREST_S)
        self._again_at = now + self._again_after_s

    def _fill(self, connection: Connection, room: int) -> None:
        events = self._ledger.events(after=self._sent, limit=room)
        self._more = len(events) == room
        for stored in events:
            message = self._topics.event(stored, replayed=stored.sequence <= self._late)
            self._sent = stored.sequence
            if connection.takes(message):
                self._flying[connection.publish(message)] = stored.sequence
            else:
                self._leave_out(stored.sequence)

    def acknowledged(self, answer: Acknowledged) -> None:
        """Take the broker's answer; one that is not about an event in flight changes nothing."""
        if answer.ticket not in self._flying:
            return
        self._progress_at = time.monotonic()
        if answer.too_large:
            self._warn(self._flying[answer.ticket])
            self._settle(answer.ticket)
        elif answer.refused:
            self._rest()
        else:
            self._settle(answer.ticket)

    def _warn(self, sequence: int) -> None:
        _log.warning("event %d is left out: it is over the broker's limit", sequence)

    def _leave_out(self, sequence: int) -> None:
        self._warn(sequence)
        ticket = -sequence  # none of the broker's
        self._flying[ticket] = sequence
        self._settle(ticket)

    def _settle(self, ticket: int) -> None:
        self._acknowledged.add(ticket)
        while self._flying and (first := next(iter(self._flying))) in self._acknowledged:
            self._acknowledged.remove(first)
            self._done = self._flying.pop(first)

    def confirm(self, confirmation: Confirmation) -> None:
        """The reader has everything up to a sequence, and may want the rest once more.

        Raises:
            CommandError: the reader's history is not this ledger's.
            LedgerError: the ledger cannot be read or written now.
        """
        if confirmation.sequence:
            self._check(confirmation)
        if confirmation.sequence > self._confirmed:
            self._confirmed = confirmation.sequence
            self._again_after_s = UNCONFIRMED_S
            self._again_at = time.monotonic() + UNCONFIRMED_S
        if confirmation.resend_from is not None:
            self._want(confirmation.resend_from)

    def _want(self, first: int) -> None:
        """A reader wants all from this number on; from far back it gets it only now and then.

        Nobody knows who publishes on a broker: else a few small messages cost the whole ledger.
        What a reader that confirms has not confirmed yet it gets at once.
        """
        news = 0 < self._confirmed < first
        if self._sent - first > FAR_BACK and not news:
            self._far_back = min(first, self._far_back or first)
        else:
            self._go_back(first)

    def _go_back(self, first: int) -> None:
        self.begin()
        self._take_up()
        self._sent = min(self._sent, max(first - 1, 0))

    def _take_up(self) -> None:
        marks, written = self._outbox.watermarks(), self._ledger.written()
        if marks.delivered > written:  # the ledger was begun anew, or an older one was put back
            self._outbox.begin_again()
            marks = self._outbox.watermarks()
        self._late = written  # all that is in the ledger by now
        self._sent = self._done = self._marked = marks.delivered
        self._begun = self._more = True

    def _check(self, confirmation: Confirmation) -> None:
        found = self._ledger.events(after=confirmation.sequence - 1, limit=1)
        if not found:
            raise CommandError(
                f"the reader has event {confirmation.sequence}, which this ledger has not: "
                "the ledger may be an older copy of itself"
            )
        if found[0].sequence > confirmation.sequence:
            return  # cut from the ledger since: nothing to compare, nothing to mark
        if found[0].chain != confirmation.chain:
            raise CommandError(
                f"the reader's event {confirmation.sequence} is not this ledger's: one of the two "
                "was altered or begun anew. Run `edge-door events --verify`"
            )
        self._outbox.mark_confirmed(confirmation.sequence)

    def _rest(self) -> None:
        """A refused event holds back all after it: their order counts more than their speed."""
        self.begin()
        self._rest_until = time.monotonic() + REFUSED_RETRY_S
