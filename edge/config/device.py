"""`[device]`, `[paths]`, `[vault]`, `[log]`: which door this is, and where its own things lie."""

import re
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from edge.config.section import Section
from edge.names import prints

DEVICE_ID = "[a-zA-Z0-9_-]{1,64}"
"""A part of a topic, and the name in a certificate."""


def _topic_part(value: str) -> str:
    if not re.fullmatch(DEVICE_ID, value):
        raise ValueError("use 1-64 of the characters a-z A-Z 0-9 _ -")
    return value


def _printable(value: str) -> str:
    if not value.strip() or not prints(value):
        raise ValueError("use characters that show: other people's pages carry it")
    return value


Identifier = Annotated[str, AfterValidator(_topic_part)]


class DeviceSection(Section):
    """Which door this is."""

    id: Identifier = "door1"
    """Short name in topics and events: a-z A-Z 0-9 _ - only."""
    name: Annotated[str, AfterValidator(_printable)] = Field(
        "Front door", min_length=1, max_length=80
    )
    """What people call it."""


class PathsSection(Section):
    """Where things are kept."""

    state: Path = Path("/var/lib/edge-door")
    """People, templates, key and event ledger. Survives restarts; back it up."""
    key: Path | None = None
    """The device key, where it is not to lie beside what it encrypts: a file on another card, or in
    memory, put there at boot from a TPM or a passphrase. Unset: `vault.key` in the state."""
    run: Path = Path("/run/edge-door")
    """Sockets. Empty after a restart."""
    models: Path | None = None
    """Folder with manifest.toml and the .tflite files. Unset: the release's, else those that came
    with edge-door."""
    release: Path = Path("/opt/edge-door/release")
    """A link to the update that is in force, which `edge-door update` makes."""


class KeySource(str, Enum):
    """Where the device key comes from."""

    FILE = "file"
    CREDENTIAL = "credential"
    WORDS = "passphrase"
    TPM = "tpm"

    @property
    def locked(self) -> bool:
        """Whether the key lies encrypted, and in clear in memory alone."""
        return self in (KeySource.WORDS, KeySource.TPM)


class VaultSection(Section):
    """The key that people and templates are encrypted under."""

    key: KeySource = KeySource.FILE
    """`file`: `[paths] key`. `credential`: systemd's `edge-door.key`. `passphrase`, `tpm`: it lies
    encrypted in the state, and `edge-door vault unlock` opens it after each boot. `edge-door vault
    rekey` makes a new key and keeps it so."""


class LogSection(Section):
    """What the programs say on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """`debug` names every decision."""
