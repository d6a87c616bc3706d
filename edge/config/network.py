"""`[mqtt]`, `[people]`: whom this door speaks to over a network, and whose word counts."""

import re
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from typing_extensions import Self

from edge.access.operators import public_bytes
from edge.config.section import OnOff, Section, Whole
from edge.vocabulary import Action


def _public_key(value: str) -> str:
    public_bytes(value)
    return value


PublicKey = Annotated[str, AfterValidator(_public_key)]


def _host(name: str) -> str:
    if not (re.fullmatch(r"[^\s/@:]+", name) or _is_address(name)):
        raise ValueError("a name or an address alone is needed, such as broker.local, without port")
    return name


def _is_address(name: str) -> bool:
    with suppress(ValueError):
        return bool(ip_address(name))
    return False


Host = Annotated[str, AfterValidator(_host)]


def stays_here(host: str) -> bool:
    """Whether what goes to a host crosses no network."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class MqttSection(Section):
    """The broker. Without `host` nothing is sent and no program touches the network."""

    host: Host | None = None
    """Name or address; unset turns MQTT off."""
    port: Whole = Field(1883, ge=1, le=65535)
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
    keepalive_s: Whole = Field(30, ge=5, le=600)
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
    signatures: Whole = Field(1, ge=1, le=5)
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
