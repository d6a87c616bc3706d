"""One root, one leaf a cause. Each message says what is wrong, where, and what to do."""

import re
from typing import ClassVar


class EdgeDoorError(Exception):
    """Root of every error this package raises on purpose. Exit code 1: it failed."""

    exit_code: ClassVar[int] = 1


class UsageError(EdgeDoorError):
    """The command line asks for something that cannot be. Exit code 2."""

    exit_code = 2


class ConfigError(EdgeDoorError):
    """The configuration file is missing, unreadable or wrong. Exit code 2."""

    exit_code = 2


class CameraError(EdgeDoorError):
    """A camera, video or image cannot be opened, or stopped delivering."""


class NotThereError(CameraError):
    """A picture, film, folder or camera is not there, or may not be read. Exit code 2."""

    exit_code = 2


class ModelError(EdgeDoorError):
    """A model file or its manifest is missing, altered or of the wrong shape."""


class UnknownModelError(ModelError):
    """No model of that name and role is there. Exit code 2."""

    exit_code = 2


class CalibrationError(EdgeDoorError):
    """A calibration is missing, damaged, or made for another model."""


class VaultError(EdgeDoorError):
    """The key or the people database is missing, damaged or of another device."""


class AnotherDoorsError(VaultError):
    """The people database is of a door with another id."""

    def __init__(self, text: str, device: str) -> None:
        super().__init__(text)
        self.device = device


class LedgerError(EdgeDoorError):
    """The event ledger cannot be read or written (disk full, damaged, locked)."""


class EnrolmentError(EdgeDoorError):
    """The captures do not make a template, or the face is already enrolled."""


class NoFaceError(EdgeDoorError):
    """An image holds no face, or more than one, where exactly one is needed."""


class PinError(EdgeDoorError):
    """A GPIO line cannot be claimed, is unsafe, or is used against its direction."""


class BrokerError(EdgeDoorError):
    """The MQTT broker refuses the connection or the credentials."""


class WireError(EdgeDoorError):
    """A peer on a Unix socket is gone, is not allowed, or sent what is not a message."""


class HungUpError(WireError):
    """A peer on a Unix socket ended, or closed it."""


class UnreadError(WireError):
    """A peer on a Unix socket does not read, and its queue is full."""


class CommandError(EdgeDoorError):
    """A command is not signed by a known key, stale, replayed, or not permitted."""


class DatabaseError(EdgeDoorError):
    """The fleet's database is out of reach, full, damaged or newer than this edge-door."""


class RosterError(EdgeDoorError):
    """A list of people or an envelope from the centre is not signed, not for this door, or old."""


class SealError(EdgeDoorError):
    """A file that decides who is let in is not what its owner sealed."""


class UpdateError(EdgeDoorError):
    """An update fails its self-test, or another one runs. What was in force still is."""


NOT_AS_WRITTEN = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
)
"""What reading JSON raises that is not what we wrote: other types, numbers without end, depth."""


def plainly(said: str) -> str:
    """What pydantic says of a value, as a part of a sentence."""
    text = said.removeprefix("Value error, ").rstrip(".")
    text = text.replace("Input should be", "must be").replace("String should", "must")
    for pydantics, ours in _PLAIN.items():
        text = text.replace(pydantics, ours)
    return re.sub(r" or instance of \w+", "", text)


_PLAIN = {
    "Field required": "is missing",
    "Extra inputs are not permitted": "there is no such key",
    "a valid boolean": "true or false",
    "a valid integer": "a whole number",
    "a valid number": "a number, without quotes",
    "a valid string": 'a text, in quotes (")',
    "a valid tuple": "a list, in brackets: [...]",
    "a valid dictionary": "a table, in braces: {...}",
}


UNREACHABLE = FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError
"""Of the system's errors those for which a path can be blamed, and not what is in it."""


def reason_of(error: Exception) -> str:
    """Why something could not be read or written, as a part of a sentence: no numbers, no path."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    return str(error)
