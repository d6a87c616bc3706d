"""A door that was given another id before anybody was known to it.

The installer starts a door under the example's id; what it has noted by then is nobody's history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.errors import AnotherDoorsError, UsageError
from edge.sight.sealed_ledger import open_ledger
from edge.vault.vault import open_vault

if TYPE_CHECKING:
    from edge.config import Config


def id_before(config: Config) -> str:
    """The id that the people database is bound to, if it is another than the configuration's.

    Raises:
        VaultError: it cannot be opened for another reason.
    """
    if config.people_db.exists():
        try:
            open_vault(config).close()
        except AnotherDoorsError as error:
            return error.device
    return ""


def set_unused_aside(config: Config, before: str) -> None:
    """Put the databases of the id `before` aside, if nobody was ever enrolled under it.

    Raises:
        UsageError: somebody was.
        VaultError, LedgerError: they are not whole.
    """
    device = config.device.model_copy(update={"id": before})
    old = config.model_copy(update={"device": device})
    with open_vault(old) as vault:
        used = vault.changes()
    if used:
        raise UsageError(
            f"people were enrolled here while device.id was {before!r}, and their templates are "
            f"bound to it. Set it back, or move what is in {config.paths.state} away to begin anew."
        )
    if config.ledger_db.exists():
        open_ledger(old).close()  # whole, and this device's own
    config.ledger_anchor.unlink(missing_ok=True)
    for path in (config.ledger_db, config.people_db):  # the second last: by it we would know
        for suffix in ("", "-wal", "-shm"):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(path.with_name(f"{path.name}.{before}{suffix}"))
