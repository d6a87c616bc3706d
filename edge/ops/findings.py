"""Everything that can be wrong with the record, one sentence each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.errors import EdgeDoorError, LedgerError
from edge.link.outbox import Outbox
from edge.ops.owner import acting_as_owner
from edge.sight.changes import objection
from edge.sight.sealed_ledger import open_ledger
from edge.vault.vault import open_vault

if TYPE_CHECKING:
    from edge.config import Config


def findings(config: Config) -> list[str]:
    """What is wrong: file, schema, chain, signatures, age, people of the same time, outbox.

    Raises:
        LedgerError: there is no ledger, or it cannot be opened at all.
    """
    with acting_as_owner(config.paths.state), open_ledger(config, read_only=True) as ledger:
        problems = ledger.verify(thorough=True) or ledger.older()
        written = ledger.written()
        if not problems and config.people_db.exists():
            with open_vault(config, begin=False, read_only=True) as vault:
                try:
                    found = objection(ledger, vault)
                except EdgeDoorError as error:
                    found = error
            problems += [str(found)] if found else []
    return problems + _outbox(config, written)


def _outbox(config: Config, written: int) -> list[str]:
    if not config.outbox_db.exists():
        return []
    try:
        with (
            acting_as_owner(config.outbox_db.parent),
            Outbox.open(config.outbox_db, read_only=True) as outbox,
        ):
            marks = outbox.watermarks()
    except (LedgerError, PermissionError) as error:
        return [str(error)]
    if marks.delivered > written or marks.confirmed > marks.delivered:
        says = f"{marks.delivered} events were delivered and {marks.confirmed} confirmed"
        return [f"The outbox says that {says}, and {written} were written: it was changed."]
    return []
