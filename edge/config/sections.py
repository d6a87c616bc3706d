"""Every table but `[door]`. The attribute's docstring is what the example file says of the key."""

import base64
import re
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator
from typing_extensions import Self

from edge.access import schedule
from edge.config.section import OnOff, Section
from edge.errors import ConfigError
from edge.names import listed, nobodys
from edge.redact import public
from edge.vocabulary import Action, Move

_KEY_BYTES = 32


def _topic_part(value: str) -> str:
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", value):
        raise ValueError("use 1-64 of the characters a-z A-Z 0-9 _ -")
    return value


def _public_key(value: str) -> str:
    try:
        raw = base64.b64decode(value, validate=True)
    except ValueError as error:
        raise ValueError("is not base64") from error
    if len(raw) != _KEY_BYTES:
        raise ValueError(f"is {len(raw)} bytes, and an Ed25519 public key has {_KEY_BYTES}")
    return value


PublicKey = Annotated[str, AfterValidator(_public_key)]
Identifier = Annotated[str, AfterValidator(_topic_part)]


class DeviceSection(Section):
    """Which door this is."""

    id: Identifier = "door1"
    """Short name in topics and events: a-z A-Z 0-9 _ - only."""
    name: str = Field("Front door", min_length=1, max_length=80)
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


class CameraSection(Section):
    """Where frames come from."""

    source: str = Field("/dev/video0", min_length=1)
    """A V4L2 device, `picamera2`, `csi` (Jetson), `gstreamer:PIPELINE`, `rtsp://...`, a video file,
    or a folder of images."""
    second: str | None = None
    """A second camera beside it, for infrared or depth: at `[liveness] level = "auto"` a face that
    it does not see as well is doubted."""
    width: int = Field(640, ge=160, le=3840)
    """Asked of the camera, pixels; it may deliver another size."""
    height: int = Field(480, ge=120, le=2160)
    """Asked of the camera, pixels."""
    fps: float = Field(30.0, ge=1, le=120)
    """Asked of the camera; the pace of a folder of images."""
    rotate: Literal[0, 90, 180, 270] = 0
    """Degrees clockwise, for a camera that is mounted turned."""
    stale_after_s: float = Field(0.5, ge=0.1, le=10)
    """A newest frame older than this denies everything."""
    loop: OnOff = False
    """Start a file again when it ends, for tests and demonstrations."""

    @model_validator(mode="after")
    def _two_cameras(self) -> Self:
        if self.second == self.source:
            raise ValueError("second is the same camera as source, and would see what it sees")
        return self

    @property
    def shown(self) -> str:
        """The source as logs and answers may name it: without its password."""
        return public(self.source)

    @property
    def public(self) -> Self:
        """The section as answers may show it: without the passwords of its cameras."""
        second = self.second and public(self.second)
        return self.model_copy(update={"source": self.shown, "second": second})


class ModelsSection(Section):
    """Which models run, and on what. Names are those of manifest.toml; unset means its default."""

    detector: str | None = None
    """Finds faces."""
    landmarks: str | None = None
    """The 468-point mesh."""
    eyelids: str | None = None
    """Follows the eyelids."""
    embedder: str | None = None
    """Makes the vector that is compared."""
    runtime: Literal["auto", "litert", "tflite-runtime"] = "auto"
    """`auto` prefers LiteRT."""
    profile: Literal["auto", "full", "light"] = "auto"
    """`light`: faces are compared less often. `auto`: light once fewer frames than blinks need are
    judged, and while the board is hot or short of memory, when half of the frames are left out as
    well. `full`: never."""
    threads: int = Field(2, ge=1, le=16)
    """Threads of one inference; `edge-door bench --tune` finds and keeps better ones a network."""


class MatchSection(Section):
    """Who may be the person in front of the camera."""

    claim: Literal["only-person", "required", "anyone"] = "only-person"
    """`only-person`: the one person enrolled here. `required`: a card, PIN or `edge-door claim
    NAME` chooses. `anyone`: all templates compete under the same false-match rate."""
    claim_timeout_s: float = Field(15.0, ge=1, le=120)
    """How long a claim stands."""
    false_match_rate: float = Field(2e-5, ge=1e-6, le=0.05)
    """At most this share of strangers' attempts may match (2e-5 is one in 50,000); the threshold
    follows from the calibration of the embedder. A larger rate turns fewer people away."""
    calibration: Path | None = None
    """File made by `edge-door calibrate`. Unset: the one that came with the embedder."""


class QualitySection(Section):
    """May this face be judged at all?"""

    min_face_px: int = Field(48, ge=32, le=1000)
    """Smaller faces are asked to come closer; enrolment wants 80 pixels."""
    max_yaw_deg: float = Field(35, ge=5, le=90)
    """Face turned further aside is not matched."""
    max_pitch_deg: float = Field(30, ge=5, le=90)
    """Face further up or down is not matched."""
    min_brightness: float = Field(35, ge=0, le=255)
    """Mean luminance of the face."""
    max_brightness: float = Field(235, ge=0, le=255)
    """Mean luminance of the face."""
    min_sharpness: float = Field(8, ge=0)
    """Variance of the Laplacian of the aligned face."""

    @model_validator(mode="after")
    def _some_light_is_right(self) -> Self:
        if self.min_brightness >= self.max_brightness:
            raise ValueError("min_brightness is not below max_brightness, so no face is ever right")
        return self


class Level(str, Enum):
    """What counts as a proof of life."""

    AUTO = "auto"
    BLINK = "blink"
    CHALLENGE = "challenge"
    BOTH = "both"


class LivenessSection(Section):
    """Proof of life."""

    level: Level = Level.AUTO
    """`auto`: a blink, and a random instruction as well where the picture looks filmed or printed.
    `blink`: a natural blink. `challenge`: a random instruction. `both`: one after the other."""
    timeout_s: float = Field(10.0, ge=2, le=60)
    """A face that shows no life for so long is denied; whoever is asked for a challenge has
    `challenge_s` more."""
    fresh_s: float = Field(5.0, ge=1, le=30)
    """How long a blink, or an answered challenge, counts."""
    challenge_moves: tuple[Move, ...] = tuple(Move)
    """What a challenge may ask for. Leave out what somebody at this door cannot do: the blinks, a
    turn, coming closer."""
    challenge_steps: int = Field(3, ge=1, le=6)
    """How many of them in a row; never the same twice in a row."""
    challenge_s: float = Field(12.0, ge=3, le=60)
    """Time for the whole challenge."""
    max_guess: float = Field(0.01, gt=0, le=0.05)
    """A challenge that a recording would answer more often than this by chance is refused."""

    @property
    def guess_probability(self) -> float:
        """The chance that moves drawn at random answer a fresh challenge."""
        kinds = len(self.challenge_moves)
        return 1.0 / (kinds * (kinds - 1) ** (self.challenge_steps - 1))

    @field_validator("challenge_moves")
    @classmethod
    def _moves_differ(cls, moves: tuple[Move, ...]) -> tuple[Move, ...]:
        if len(set(moves)) != len(moves) or len(moves) < 2:
            raise ValueError("name at least two different moves")
        return moves

    @model_validator(mode="after")
    def _hard_to_guess(self) -> Self:
        if self.level is not Level.BLINK and self.guess_probability > self.max_guess:
            raise ValueError(
                f"{self.challenge_steps} steps of {len(self.challenge_moves)} moves are guessed "
                f"with probability {self.guess_probability:.3f}, more than max_guess = "
                f"{self.max_guess}. Ask for more steps or allow more moves"
            )
        return self


def _hours(lines: tuple[str, ...]) -> tuple[str, ...]:
    schedule.windows(lines)
    return lines


def _time_zone(name: str) -> str:
    schedule.zone_of(name)
    return name


Hours = Annotated[tuple[str, ...], AfterValidator(_hours)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]


class AccessSection(Section):
    """After the match."""

    max_failures: int = Field(5, ge=1, le=20)
    """Denied attempts in a row before the lockout."""
    lockout_s: float = Field(30.0, ge=1, le=3600)
    """First lockout; doubles with each further failure up to `lockout_max_s`."""
    lockout_max_s: float = Field(900.0, ge=1, le=86400)
    """Longest lockout."""
    pause_s: float = Field(5.0, ge=1, le=120)
    """After a denial, the same face is not judged again for so long."""
    cooldown_s: float = Field(2.0, ge=0, le=120)
    """Who was let in is not let in again before nobody was in view for so long."""
    pin_alone: tuple[str, ...] = ()
    """Whose PIN opens without a face: names, or `"*"` for everybody. A weaker key than a face."""
    always_open: Hours = ()
    """When the door stands open for all, such as `["mon-fri 09:00-17:00"]`, local time."""
    schedule: dict[str, Hours] = Field(default_factory=dict)
    """Who may pass when, local time: `"*" = ["mon-fri 07:00-19:00"]` for everybody, a person's name
    for that person, `["always"]`. Who is not named and finds no `*` may always pass."""
    time_zone: TimeZone | None = None
    """Such as `Europe/Berlin`. Unset: the system's."""

    @property
    def named(self) -> tuple[str, ...]:
        """Everybody whom these rules name; `*` may be among them."""
        return (*self.schedule, *self.pin_alone)

    def require_known(self, people: Iterable[str]) -> None:
        """See that everybody whom the rules name is one of `people`, unless there is nobody yet.

        Raises:
            ConfigError: a rule names somebody else, and would not hold for whom it was meant.
        """
        people = list(people)
        unknown = nobodys(self.named, people) if people else []
        if unknown:
            raise ConfigError(
                f"[access.schedule] or pin_alone names {listed(unknown)}, but nobody enrolled here "
                f"is called so (enrolled: {listed(people)}). Mend the name in the file, or enrol "
                "them first."
            )

    @model_validator(mode="after")
    def _lockouts_grow(self) -> Self:
        if self.lockout_s > self.lockout_max_s:
            raise ValueError("lockout_s is above lockout_max_s, which would shorten it unsaid")
        return self

    @field_validator("schedule")
    @classmethod
    def _everybody_once(cls, table: dict[str, Hours]) -> dict[str, Hours]:
        schedule.parse(table)
        return table


def _host(name: str) -> str:
    if not re.fullmatch(r"[^\s/@]+", name):
        raise ValueError("a name or an address alone is needed, such as broker.local")
    return name


Host = Annotated[str, AfterValidator(_host)]
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""What goes to these crosses no network."""


class MqttSection(Section):
    """The broker. Without `host` nothing is sent and no program touches the network."""

    host: Host | None = None
    """Name or address; unset turns MQTT off."""
    port: int = Field(1883, ge=1, le=65535)
    """8883 is usual with TLS."""
    protocol: Literal["auto", "5", "3.1.1"] = "auto"
    """`auto` tries 5 and falls back to 3.1.1 with a warning."""
    base_topic: str = Field("facelock", pattern=r"^[a-zA-Z0-9_-]+(/[a-zA-Z0-9_-]+)*$")
    """Topics are BASE/DEVICE_ID/..."""
    username: str | None = None
    """For brokers that ask for one."""
    password_file: Path | None = None
    """File that holds the password alone; keep it mode 0600."""
    tls: OnOff = False
    """Encrypt, and check the broker's certificate."""
    ca_file: Path | None = None
    """Certificate authority; unset: the system's."""
    cert_file: Path | None = None
    """Client certificate."""
    key_file: Path | None = None
    """Client certificate's key."""
    keepalive_s: int = Field(30, ge=5, le=600)
    """Broker publishes the last will after 1.5 times this."""
    discovery: OnOff = True
    """Announce to Home Assistant."""
    discovery_prefix: str = Field("homeassistant", pattern=r"^[a-zA-Z0-9_-]+$")
    """Home Assistant's own prefix."""
    last_face: OnOff = False
    """Show the face of the last attempt as well, whoever it was: 112 pixels wide, a JPEG of some
    5 kB, kept nowhere on this device. Who reads the broker sees everybody who came."""
    remote_unlock: OnOff = False
    """Follow signed unlock commands."""
    command_verbs: tuple[Literal["lock", "normal", "lock_down", "always_open"], ...] = ()
    """What else signed commands may ask for; nothing that is not named here."""
    two_persons: tuple[Action, ...] = ()
    """Of these, what needs the signatures of two operators within a minute."""
    command_keys: tuple[PublicKey, ...] = ()
    """Ed25519 public keys (base64) of operators, beside those of `edge-door keys make`."""

    updates: OnOff = False
    """Fetch updates that are offered here; the owner's signature on them decides all the same."""
    trust_broker: OnOff = False
    """Open for a PIN that comes over the broker, on `lock/set`. Whoever owns the broker then sees
    every PIN that is sent and can send it again: for a home whose broker is as safe as its key.
    With `[match] claim = "required"` a claim that comes over it counts as well."""

    @property
    def permitted(self) -> frozenset[Action]:
        """What signed commands may ask for."""
        unlock = (Action.UNLOCK,) if self.remote_unlock else ()
        return frozenset((*map(Action, self.command_verbs), *unlock))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        mistakes = list(self._halves())
        if mistakes:
            raise ValueError("; ".join(mistakes))
        return self

    def _halves(self) -> Iterator[str]:
        if not set(self.two_persons) <= self.permitted:
            yield "two_persons names what neither command_verbs nor remote_unlock permits"
        if self.password_file is not None and self.username is None:
            yield "password_file means nothing without username"
        if (self.cert_file is None) != (self.key_file is None):
            yield "cert_file and key_file go together, set both or neither"
        if not self.tls and (self.ca_file or self.cert_file):
            yield "ca_file, cert_file and key_file mean nothing without tls = true"


class PeopleSection(Section):
    """People whom a people office sends to this door, sealed. Without `keys` nobody comes so."""

    keys: tuple[PublicKey, ...] = ()
    """Ed25519 public keys (base64) of the offices whose lists of people count."""
    signatures: int = Field(1, ge=1, le=5)
    """How many of these keys must have signed a list."""
    office: str = ""
    """Key for which `edge-door enroll --for-group` seals whom it captures here."""

    @model_validator(mode="after")
    def _enough_keys(self) -> Self:
        there = len(set(self.keys))
        if self.keys and there < self.signatures:
            raise ValueError(
                f"signatures = {self.signatures} of {there} different keys: no list ever counts"
            )
        return self


class LogSection(Section):
    """What the programs say on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """`debug` names every decision."""
