"""One TOML file into frozen, validated sections; every mistake is reported at once."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError, model_validator

from edge.believed import read_believed
from edge.config.device import DeviceSection, KeySource, LogSection, PathsSection, VaultSection
from edge.config.door import DoorSection
from edge.config.entry import AccessSection, MatchSection
from edge.config.ledger import LedgerSection
from edge.config.network import MqttSection, PeopleSection
from edge.config.section import Section
from edge.config.seeing import CameraSection, LivenessSection, ModelsSection, QualitySection
from edge.errors import ConfigError, plainly, reason_of
from edge.names import near
from edge.redact import public
from edge.words import counted

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails
    from typing_extensions import Self

_LONGEST_SOCKET = 107
"""unix(7): `sun_path` has 108 bytes with its closing zero."""
_CREDENTIALS = "/run/credentials/edge-door-sight.service"
"""Where systemd 247 and newer puts those of the unit, for commands that run beside it."""
DEFAULT_PATH = Path("/etc/edge-door/edge-door.toml")


class Config(Section):
    """The whole file. Every key has a default; a door starts on no file that is empty."""

    device: DeviceSection = Field(default_factory=DeviceSection)
    paths: PathsSection = Field(default_factory=PathsSection)
    vault: VaultSection = Field(default_factory=VaultSection)
    camera: CameraSection = Field(default_factory=CameraSection)
    models: ModelsSection = Field(default_factory=ModelsSection)
    match: MatchSection = Field(default_factory=MatchSection)
    quality: QualitySection = Field(default_factory=QualitySection)
    liveness: LivenessSection = Field(default_factory=LivenessSection)
    access: AccessSection = Field(default_factory=AccessSection)
    door: DoorSection = Field(default_factory=DoorSection)
    mqtt: MqttSection = Field(default_factory=MqttSection)
    people: PeopleSection = Field(default_factory=PeopleSection)
    ledger: LedgerSection = Field(default_factory=LedgerSection)
    log: LogSection = Field(default_factory=LogSection)

    @model_validator(mode="after")
    def _sockets_fit(self) -> Self:
        for path in (self.door_socket, self.sight_socket):
            over = len(os.fsencode(path)) - _LONGEST_SOCKET
            if over > 0:
                raise ValueError(
                    f"paths.run: {path} is {over} bytes too long for a socket, use a shorter folder"
                )
        return self

    @property
    def can_instruct(self) -> bool:
        """Whether the door has a way to say what a challenge asks for."""
        door = self.door
        led = (door.led_red_pin, door.led_green_pin, door.led_blue_pin)
        told = self.mqtt.host is not None
        return told or door.buzzer_pin is not None or all(pin is not None for pin in led)

    @property
    def claims_from_afar(self) -> bool:
        """Whether the broker may say who stands at the door: not where that is a second factor."""
        return self.match.claim != "required" or self.mqtt.trust_broker

    @property
    def models_folder(self) -> Path | None:
        """Of the networks: the configured one, else the release's; None: the shipped ones."""
        released = self.paths.release / "models"
        return self.paths.models or (released if released.is_dir() else None)

    @property
    def people_db(self) -> Path:
        """The vault's database."""
        return self.paths.state / "people.db"

    @property
    def key_file(self) -> Path:
        """The key that encrypts templates, mode 0600; of a locked one where it is once unlocked."""
        if self.vault.key is KeySource.CREDENTIAL:
            given = os.environ.get("CREDENTIALS_DIRECTORY", _CREDENTIALS)
            return Path(given) / "edge-door.key"
        if self.vault.key.locked:
            return self.paths.run / "vault.key"
        return self.paths.key or self.paths.state / "vault.key"

    @property
    def locked_key(self) -> Path:
        """The key as it lies encrypted, where it does."""
        return self.paths.state / "vault.key.locked"

    @property
    def ledger_key(self) -> Path:
        """The record's own secret, encrypted under the key, since that was first changed."""
        return self.paths.state / "ledger.key"

    @property
    def ledger_db(self) -> Path:
        """Events and the last known states; holds no template. Sight writes, link reads."""
        return self.paths.state / "ledger" / "ledger.db"

    @property
    def ledger_anchor(self) -> Path:
        """A late event's number, sealed: an older ledger is noticed."""
        return self.paths.state / "ledger.anchor"

    @property
    def outbox_db(self) -> Path:
        """How far the events have travelled. Link's own."""
        return self.paths.state / "link" / "outbox.db"

    @property
    def names(self) -> Path:
        """Under which names link has spoken on the broker."""
        return self.outbox_db.with_name("names.json")

    @property
    def offered_bundle(self) -> Path:
        """The update that link has fetched."""
        return self.outbox_db.with_name("offered.bundle")

    @property
    def taken_bundle(self) -> Path:
        """What became of it: written by whoever may apply updates, read by link."""
        return self.ledger_db.with_name("taken.json")

    @property
    def door_socket(self) -> Path:
        """Where the guard listens."""
        return self.paths.run / "door.sock"

    @property
    def sight_socket(self) -> Path:
        """Where sight listens."""
        return self.paths.run / "sight.sock"


def config_path(given: Path | None) -> Path:
    """The file to read: the one that is named, the environment's, or the system's."""
    named = os.environ.get("EDGE_DOOR_CONFIG")
    return given or (Path(named) if named else DEFAULT_PATH)


def read_config(given: Path | None, *, required: bool = False) -> Config:
    """The configuration; commands that need no door run on defaults where there is no file.

    Raises:
        ConfigError: the file is wrong, or is missing where one was named or is required, or says
            nothing where it is.
    """
    path = config_path(given)
    if not required and given is None and path == DEFAULT_PATH and not path.exists():
        return Config()
    config = load(path)
    if required and not config.model_fields_set:
        raise ConfigError(
            f"{path} says nothing: a power cut or a full disk emptied it while it was written, or "
            "it was never filled in. Without it nobody has hours and no lock is wired. Put it "
            "back, or copy deploy/edge-door.example.toml there."
        )
    return config


def load(path: Path) -> Config:
    """Read and validate one file.

    Raises:
        ConfigError: it cannot be read, is not TOML, or holds mistakes; the text lists them all.
    """
    return parse(_read(path), str(path))


def load_leaving(path: Path) -> Config:
    """Of a file that may hold mistakes elsewhere what leaving hangs on; the rest is by default.

    Raises:
        ConfigError: as `load`, for that alone; or it does not say how the door is wired.
    """
    try:
        data = _read(path)
    except ConfigError:  # what is no TOML as a whole may be so where it counts
        text = _content(path).decode("utf-8-sig", "replace")
        kept = [part for part in _TABLE.split(text) if _IS_LEAVING.match(part)]
        data = _tables("".join(kept), path)
    door = data.get("door")
    if not isinstance(door, dict) or "backend" not in door:  # [door.rex] may be left of it
        raise ConfigError(f"{path} does not say [door] backend.")
    return parse({name: data[name] for name in _LEAVING if name in data}, str(path))


def _read(path: Path) -> dict[str, object]:
    try:
        text = _content(path).decode("utf-8-sig")  # Windows marks its files so
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path} cannot be read: {reason_of(error)} (line {line}). Save it as UTF-8."
        ) from error
    return _tables(text, path)


def _content(path: Path) -> bytes:
    try:
        return read_believed(path)
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path} does not exist. Copy deploy/edge-door.example.toml there, "
            "or name another file with --config."
        ) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {reason_of(error)}") from error


def _tables(text: str, path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ConfigError(f"{path} is nested too deeply to be a configuration.") from error
    except ValueError as error:  # a number may be too long for it
        raise ConfigError(f"{path} is not valid TOML: {error}{_line_of(error, text)}") from error


def parse(data: dict[str, object], origin: str) -> Config:
    """Validate a parsed file; `origin` names it in messages.

    Raises:
        ConfigError: one or more mistakes, each with its key, what is allowed, and a suggestion.
    """
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        lines = [_sentence(detail) for detail in error.errors()]
        listed = "\n".join(f"  {line}" for line in lines)
        raise ConfigError(f"{origin} has {counted(len(lines), 'mistake')}:\n{listed}") from error


_LEAVING = ("paths", "door")
_TABLE = re.compile(r"^(?=[ \t]*\[)", re.MULTILINE)
"""Where a table may begin. A list with lists in it is cut as well, and is then no TOML."""
_IS_LEAVING = re.compile(r"[ \t]*\[[\s\[\"']*(paths|door)\b")
"""A header that was spoilt counts as well: what is said of the door is known wholly, or not."""
_TOML_BITS = 64


def _line_of(error: ValueError, text: str) -> str:
    """The key of the line that a parser stumbled over; its value may hold a password."""
    place = re.search(r"at line (\d+)", str(error))
    lines = text.splitlines()
    if place is None or int(place[1]) > len(lines):
        return ""
    key, is_value, _ = lines[int(place[1]) - 1].partition("=")
    if not is_value:
        return ""
    if "overwrite" in str(error):
        return f". `{key.strip()}` stands there twice: take one of them out."
    return f'. Mend `{key.strip()}`: a text stands in straight quotes ("), a fraction has a point.'


def _sentence(detail: ErrorDetails) -> str:
    path = [str(part) for part in detail["loc"]]
    key = ".".join(path)
    if detail["type"] == "extra_forbidden":
        return f"{key}: there is no such key.{_did_you_mean(path)}"
    value = detail["input"]
    if isinstance(value, dict):  # a mistake of the section as a whole
        return f"{key + ': ' if key else ''}{plainly(detail['msg'])}."
    if isinstance(value, int) and value.bit_length() > _TOML_BITS:  # Python does not spell it
        return f"{key}: the number is larger than TOML's."
    return f"{key} = {public(repr(value))}: {plainly(detail['msg'])}."


def _did_you_mean(path: list[str]) -> str:
    section: type[Section] = Config
    for part in path[:-1]:
        field = section.model_fields.get(part)
        if field is None or not isinstance(field.annotation, type):
            return ""
        if not issubclass(field.annotation, Section):
            return ""
        section = field.annotation
    allowed = list(section.model_fields)
    meant = near(path[-1], allowed)
    if meant:
        return f" Did you mean `{meant}`?"
    return f" Allowed here: {', '.join(allowed)}."
