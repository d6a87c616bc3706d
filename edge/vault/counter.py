"""How often the people database has changed, in a signed file of its own: yesterday's is refused.

It stops someone who can put back an old database file, and so bring back a person who was removed.
It cannot stop someone who puts back the whole card, this file included, nor someone with the key:
that takes a counter in hardware (`edge.vault.tpm`), which a Raspberry Pi has not got of its own.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from edge.believed import read_ordinary
from edge.errors import VaultError, reason_of
from edge.files import replace_file

if TYPE_CHECKING:
    from pathlib import Path


class Counter:
    """A number in a small signed file, replaced as a whole."""

    def __init__(self, path: Path, key: bytes) -> None:
        self.path = path
        self._key = key

    def read(self) -> int | None:
        """The number, or None when there is no such file.

        Raises:
            VaultError: it cannot be read, or this key has not signed it.
        """
        try:
            number, _, mac = read_ordinary(self.path).decode("ascii").strip().partition(" ")
            if hmac.compare_digest(mac, self._sign(number)):
                return int(number)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise VaultError(f"{self.path} cannot be read: {reason_of(error)}.") from error
        except (ValueError, TypeError):
            pass
        raise VaultError(
            f"{self.path} was changed or damaged, or belongs to another key. Restore it together "
            "with the key and the people database, or remove it and accept the database as it is "
            "with `edge-door people accept-backup`."
        )

    def write(self, number: int) -> None:
        """Replace the number, durably.

        Raises:
            VaultError: it cannot be written; the old number stands then.
        """
        try:
            replace_file(self.path, f"{number} {self._sign(str(number))}\n".encode("ascii"))
        except OSError as error:
            raise VaultError(
                f"{self.path} cannot be written: {error.strerror or error}."
            ) from error

    def _sign(self, number: str) -> str:
        return hmac.new(self._key, b"counter " + number.encode("ascii"), "sha256").hexdigest()
