"""A ledger in trouble is left alone for a while, and that is said once."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from edge.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable

REST_S = 5.0

_log = logging.getLogger(__name__)


class LedgerRest:
    """Around what reads the ledger."""

    def __init__(self) -> None:
        self._works = True
        self._until = 0.0

    def guarded(self, action: Callable[[], None]) -> None:
        """Do it, unless the ledger failed a moment ago."""
        now = time.monotonic()
        if now < self._until:
            return
        try:
            action()
        except LedgerError as error:
            if self._works:
                _log.error("%s Events wait until it works again", error)
            self._works = False
            self._until = now + REST_S
        else:
            self._works = True
