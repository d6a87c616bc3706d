"""Whose templates are compared: the vault's people, read again when something changes them."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from edge.access.gallery import Gallery
from edge.access.lookalikes import Lookalikes
from edge.errors import VaultError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.access.calibration import Calibration
    from edge.sight.likeness import Network
    from edge.sight.roster import Roster
    from edge.sight.rulebook import Rulebook
    from edge.vault.vault import Vault

log = logging.getLogger(__name__)

RECHECK_S = 5.0
"""Between two looks at the people database as it lies on the disk, sixteen people at a time."""


class Known:
    """The people who may be let in, as the vault and the centre's list have them now."""

    def __init__(
        self,
        vault: Vault,
        calibration: Calibration,
        network: Network,
        *,
        roster: Roster,
        rulebook: Rulebook,
    ) -> None:
        """Read them.

        Raises:
            VaultError: they cannot be read.
        """
        self._vault = vault
        self._model = network.model
        self._cohort = calibration.rule.cohort
        self._roster = roster
        self._rulebook = rulebook
        self._lookalikes = Lookalikes(network.threshold)
        self._sound, self._recheck_at = True, 0.0
        self._read()

    @property
    def floors(self) -> Mapping[str, float]:
        """What a probe must reach to be one of two who match each other, by the person's name."""
        return self._lookalikes.floors

    def renew(self) -> None:
        """Look whether something changed.

        Raises:
            VaultError: the people database was removed or replaced. That ends this process: the
                next one checks it against the ledger.
        """
        self._vault.stand()
        self._recheck()
        if self._roster.tend() or self._vault.changed():
            self.load()

    def load(self) -> None:
        """Read everybody again; who cannot be read is not let in."""
        try:
            self._read()
        except VaultError as error:
            self.gallery = Gallery((), self._cohort)
            log.error("nobody is enrolled until this is mended: %s", error)

    def _read(self) -> None:
        self.gallery = Gallery(self._vault.templates(self._model), self._cohort)
        self._lookalikes.know(self.gallery)
        people = [template.person for template in self.gallery]
        self._rulebook.know(people, self._roster.meant())
        self._rulebook.schedule = self._roster.schedule(self._rulebook.schedule)

    def _recheck(self) -> None:
        """Find what was changed beneath SQLite, of which nothing tells."""
        if time.monotonic() < self._recheck_at:
            return
        self._recheck_at = time.monotonic() + RECHECK_S
        try:
            self._vault.recheck()
            sound = True
        except VaultError:
            sound = False
        if sound is not self._sound:
            self._sound = sound
            self.load()
