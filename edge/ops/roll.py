"""Who is enrolled, for who may read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.ops.owner import acting_as_owner
from edge.vault.vault import open_vault

if TYPE_CHECKING:
    from edge.config import Config


def enrolled(config: Config) -> list[str]:
    """The names of the people of this device; nobody before it was set up.

    Raises:
        VaultError: the database or its key is damaged.
    """
    with acting_as_owner(config.paths.state):
        if not config.people_db.exists():
            return []
        with open_vault(config, begin=False, read_only=True) as vault:
            return [person.name for person in vault.people()]
