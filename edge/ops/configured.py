"""The configuration of whoever acts for a door: as its state's owner, with its seals in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.config import config_path, read_config
from edge.ops.owner import acting_as_owner, become_owner
from edge.owner import known_owner

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config import Config


def own_config(given: Path | None, *, reading: bool = False) -> Config:
    """The configuration, for commands that touch the state: as root, become its owner first.

    `reading`: they read a file of whoever types, too; see `become_owner`.

    Raises:
        ConfigError: as `read_config`.
    """
    config = read_config(given)
    become_owner(config.paths.state, reading=reading)
    return config


def believed_config(
    given: Path | None, *, required: bool = False, own: bool = False, reading: bool = False
) -> Config:
    """The configuration, with the owner's seals in force: for whoever judges or holds the door.

    `own`: as root, become the state's owner first; a newer seal is noted then. `reading`: see
    `become_owner`.

    Raises:
        ConfigError: as `read_config`.
        SealError: it, or a file that was read already, is not what was sealed.
    """
    from edge.sight.seals import take_up_seal  # brings the ledger, which few commands need

    config = read_config(given, required=required)
    if own:
        become_owner(config.paths.state, reading=reading)
    with acting_as_owner(config.paths.state):
        take_up_seal(config, config_path(given), note=own)
    return config


def pinned_config(given: Path | None, *, required: bool = True) -> Config:
    """The configuration, as sealed where this machine knows its owner: no ledger is opened.

    Raises:
        ConfigError, SealError: as `believed_config`.
    """
    read = read_config if known_owner() is None else believed_config
    return read(given, required=required)
