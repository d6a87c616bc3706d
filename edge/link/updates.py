"""The update that is offered to this door: fetched piece by piece, and left for who may apply it.

Link checks that it has what was offered, and nothing else: whether the bundle is signed by whom the
door believes, and works, `edge-door update take` finds out, which runs as root.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import time
from typing import TYPE_CHECKING

from edge.access.bucket import TokenBucket
from edge.believed import read_ordinary
from edge.errors import WireError, reason_of
from edge.link.payloads import UpdateOffer, UpdateReported, UpdateTaken, from_json
from edge.link.people import AGAIN_S

if TYPE_CHECKING:
    from pathlib import Path

    from edge.link.client import Connection
    from edge.link.topics import Topics

PIECE_BYTES = 48 * 1024
_AT_ONCE = 20
_LOOK_S = 2.0
_ROOM_BYTES = 64 * 1024 * 1024
"""Left free for the ledger, whatever is offered."""
_NUMBER = re.compile("[0-9]{1,4}")


class Fetching:
    """One offer, and how much of it is here. The file is whole when it has its name."""

    def __init__(self, offer: UpdateOffer, path: Path) -> None:
        self.offer = offer
        self._path = path
        self._part = path.with_suffix(".part")
        self.missing = set(range(offer.pieces))
        with contextlib.suppress(OSError):  # else it is written over
            self._part.unlink()

    @property
    def done(self) -> bool:
        """Whether all of it is here.

        Raises:
            OSError: it cannot be read.
        """
        return self._path.exists() and _digest(self._path) == self.offer.digest

    @property
    def objection(self) -> str:
        """Why the rest of it cannot be fetched; empty when it can.

        Raises:
            OSError: nobody can tell.
        """
        free = shutil.disk_usage(self._path.parent).free
        needed = len(self.missing) * PIECE_BYTES
        if free < needed + _ROOM_BYTES:
            return f"no room: {free >> 20} MiB are free, and it needs {needed >> 20} more"
        return ""

    def take(self, number: int, piece: bytes) -> bool:
        """Keep a piece; True when the last one is here and all is as offered.

        Raises:
            WireError: what came is not what was offered; it begins anew.
            OSError: it cannot be written.
        """
        if number not in self.missing or len(piece) > PIECE_BYTES:
            return False
        with self._part.open("r+b" if self._part.exists() else "w+b") as file:
            file.seek(number * PIECE_BYTES)
            file.write(piece)
        self.missing.discard(number)
        if self.missing:
            return False
        if _digest(self._part) != self.offer.digest:
            self.missing = set(range(self.offer.pieces))
            self._part.unlink()
            raise WireError("what came is not the update that was offered")
        self._part.replace(self._path)
        return True

    def drop(self) -> None:
        """It is offered no more.

        Raises:
            OSError: it cannot be removed.
        """
        self._path.unlink(missing_ok=True)
        self._part.unlink(missing_ok=True)


class UpdatePost:
    """Fetches what is offered and tells how far it is. For one thread."""

    def __init__(self, topics: Topics, path: Path, taken: Path) -> None:
        """`path`: where the bundle is left; `taken`: what `edge-door update take` says of it."""
        self._topics = topics
        self._path = path
        self._taken = taken
        self._fetching: Fetching | None = None
        self._why = ""
        self._done = False
        self._asked: set[int] = set()
        self._told: UpdateReported | None = None
        self._again_at = self._look_at = 0.0
        # Anybody may publish, and for each the bundle that is here is read through.
        self._offers = TokenBucket(per_second=0.2, burst=5)

    def greet(self) -> None:
        """There is a new connection: ask and tell anew."""
        self._told = None
        self._again_at = self._look_at = 0.0

    def tend(self, connection: Connection) -> None:
        """Ask for the offer and its next pieces; say how far it is."""
        now = time.monotonic()
        if now >= self._again_at:
            self._again_at = now + AGAIN_S
            self._asked.clear()
            connection.subscribe([self._topics.update_offer], retained=True)
        fetching = self._fetching
        if fetching is not None and not self._done and not self._why:
            self._ask(connection, fetching)
        if now >= self._look_at:
            self._look_at = now + _LOOK_S
            self._tell(connection)

    def hear(self, topic: str, payload: bytes) -> bool:
        """Whether this was ours.

        Raises:
            WireError: it is no offer, or not what was offered.
        """
        if topic == self._topics.update_offer:
            if not payload or self._offers.take(time.monotonic()):
                try:
                    self._hear_offer(payload)
                except OSError as error:
                    self._why = f"what is here of it cannot be looked at: {reason_of(error)}"
            return True
        fetching = self._fetching
        place, _, number = topic.rpartition("/")
        if fetching is None or f"{place}/" != self._topics.update_piece(fetching.offer.digest, ""):
            return False
        if _NUMBER.fullmatch(number):  # a broker may send what nobody asked for
            self._take(fetching, int(number), payload)
        return True

    def _hear_offer(self, payload: bytes) -> None:
        if not payload:
            if self._fetching is not None:
                self._fetching.drop()
            self._fetching, self._why, self._done = None, "", False
            return
        offer = from_json(UpdateOffer, payload)
        if offer.pieces != -(-offer.size // PIECE_BYTES):
            raise WireError("an offer whose size and number of pieces do not fit")
        if self._fetching is None or self._fetching.offer != offer:
            self._asked.clear()
            self._fetching = Fetching(offer, self._path)
        self._done = self._fetching.done
        self._why = "" if self._done else self._fetching.objection
        self._look_at = 0.0

    def _take(self, fetching: Fetching, number: int, piece: bytes) -> None:
        self._asked.discard(number)
        try:
            self._done = fetching.take(number, piece) or self._done
        except OSError as error:
            self._why = f"it cannot be written: {reason_of(error)}"
        if self._done:
            self._look_at = 0.0

    def _ask(self, connection: Connection, fetching: Fetching) -> None:
        room = _AT_ONCE - len(self._asked)
        wanted = sorted(fetching.missing - self._asked)[: max(0, room)]
        if wanted:
            self._asked.update(wanted)
            digest = fetching.offer.digest
            connection.subscribe(
                [self._topics.update_piece(digest, str(number)) for number in wanted], retained=True
            )

    def _tell(self, connection: Connection) -> None:
        report = self._report()
        if report != self._told:
            self._told = report
            connection.publish(self._topics.update(report))

    def _report(self) -> UpdateReported:
        offer = self._fetching.offer if self._fetching else None
        taken = _taken(self._taken)
        device = self._topics.device
        version = taken.version if taken and taken.ok else 0
        if offer is None:
            return UpdateReported(device, "", "none", "", version)
        if taken is not None and taken.digest == offer.digest:
            return UpdateReported(
                device, offer.digest, "in force" if taken.ok else "refused", taken.why, version
            )
        if self._why:
            return UpdateReported(device, offer.digest, "refused", self._why, version)
        return UpdateReported(
            device, offer.digest, "fetched" if self._done else "fetching", "", version
        )


def _taken(path: Path) -> UpdateTaken | None:
    try:
        return from_json(UpdateTaken, read_ordinary(path))
    except (OSError, WireError):
        return None


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            found.update(piece)
    return found.hexdigest()
