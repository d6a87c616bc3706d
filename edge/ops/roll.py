"""Who is enrolled, for who may read it, and whom the rules name who is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.names import folded, nobodys
from edge.ops.owner import acting_as_owner
from edge.sight.meant import STATE, Meant
from edge.sight.sealed_ledger import open_ledger
from edge.vault.vault import open_vault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edge.config import Config


@dataclass(frozen=True, slots=True)
class Roll:
    """The people of this device, as its rules ask for them."""

    people: Sequence[str] = ()
    moved: Mapping[str, str] = field(default_factory=dict)
    """Names in the rules that the people office has made nobody's: what each is called now."""


def roll(config: Config) -> Roll:
    """Read it; nobody before the device was set up.

    Raises:
        VaultError, LedgerError: what is read or its key is damaged.
    """
    with acting_as_owner(config.paths.state):
        if not config.people_db.exists():
            return Roll()
        with open_vault(config, begin=False, read_only=True) as vault:
            people, held = [person.name for person in vault.people()], vault.members.held()
        lost = nobodys(config.access.named, people)
        if not lost or not config.ledger_db.exists():
            return Roll(people)
        with open_ledger(config, read_only=True) as ledger:
            meant = Meant.from_json(ledger.sealed().get(STATE, "")).called(held)
    return Roll(people, {name: meant[folded(name)] for name in lost if folded(name) in meant})


def require_known(config: Config) -> Roll:
    """See that the rules name nobody who never was; who is enrolled.

    Raises:
        ConfigError: they do.
        VaultError, LedgerError: as `roll`.
    """
    if not config.access.named:
        return Roll()
    found = roll(config)
    config.access.require_known(found.people, found.moved)
    return found
