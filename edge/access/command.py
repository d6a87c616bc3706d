"""Signed commands from afar: for this device, fresh, once.

A command is a JSON object with exactly these fields, signed with Ed25519 over its canonical form
(sorted keys, no spaces, ASCII) without `signature`:

    device     the device's id                key        public key, base64
    action     see `Action`                   nonce      32 hex digits, random
    counter    higher than every one before   issued, expires   seconds since 1970, whole
    reason     why, for the record            signature  base64

The counter makes it once, whatever a broker repeats or keeps; `expires`, at most `MAX_VALID_S`
after `issued`, makes it fresh. The state that `verify_command` returns must be on the disk before
the command is followed.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from edge import plain
from edge.errors import CommandError, LedgerError
from edge.vocabulary import Action

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from edge.moment import Moment

MAX_VALID_S = 60
MAX_TEXT = 4096
MAX_REASON = 200
NONCE = "[0-9a-f]{32}"
OF_A_KEY = 2.0, 10
"""Commands of one key: a second, and at a time."""

_EARLY_S = 5  # clocks of two machines differ
_MAX_COUNTER = 2**53  # whole numbers that every JSON reader keeps


@dataclass(frozen=True, slots=True)
class _Signed:
    """The object that travels, field by field."""

    device: str
    action: str
    nonce: str
    counter: int
    issued: int
    expires: int
    reason: str
    key: str
    signature: str = ""

    @property
    def body(self) -> bytes:
        """What is signed."""
        told = {name: value for name, value in asdict(self).items() if name != "signature"}
        return plain.spell(told).encode("ascii")


_FIELDS = tuple(each.name for each in fields(_Signed))


@dataclass(frozen=True, slots=True)
class Command:
    """A command that was found to be signed, fresh, new and ours."""

    action: Action
    key: str
    """Base64 public key of who signed it."""
    nonce: str
    counter: int
    reason: str = ""
    """Why, in the sender's words."""


@dataclass(frozen=True, slots=True)
class Counters:
    """The last counter of every key."""

    last: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> str:
        """For the ledger's states."""
        return json.dumps(dict(self.last))

    @classmethod
    def from_json(cls, text: str) -> Counters:
        """What `to_json` wrote.

        Raises:
            LedgerError: it is not that.
        """
        try:
            return cls(plain.read(dict[str, int], json.loads(text)))
        except (ValueError, RecursionError) as error:
            raise LedgerError(f"the stored command counters are damaged: {error}") from error


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who may command this device, and to do what."""

    device: str
    keys: Collection[str]
    """Base64 Ed25519 public keys of operators."""
    permitted: Collection[Action]
    not_before: float = 0.0
    """The latest trusted wall time that is known: an earlier clock was set back."""


def sign_command(  # noqa: PLR0913 - a command's fields
    key: Ed25519PrivateKey,
    device: str,
    action: Action,
    counter: int,
    issued: int,
    nonce: str,
    *,
    reason: str = "",
) -> str:
    """A command's text. `issued` is seconds since 1970; it is valid for `MAX_VALID_S`.

    `counter` must be higher than in every earlier command of this key to this device (the time in
    milliseconds serves); `nonce` is 32 hex digits from a random source.
    """
    unsigned = _Signed(
        device=device,
        action=action.value,
        nonce=nonce,
        counter=counter,
        issued=issued,
        expires=issued + MAX_VALID_S,
        reason=reason,
        key=public_text(key),
    )
    signature = base64.b64encode(key.sign(unsigned.body)).decode()
    return json.dumps(asdict(replace(unsigned, signature=signature)))


def public_text(key: Ed25519PrivateKey) -> str:
    """The public half, base64, as `[mqtt] command_keys` wants it."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def verify_command(
    text: str, receiver: Receiver, seen: Counters, now: Moment
) -> tuple[Command, Counters]:
    """The command and the state to keep.

    Raises:
        CommandError: it is not to be followed; says why.
    """
    signed = _parse(text)
    _check_signature(signed, receiver.keys)
    _check_meant(signed, receiver)
    _check_fresh(signed, now, receiver.not_before)
    last = seen.last.get(signed.key, 0)
    if signed.counter <= last:
        raise CommandError(
            f"The command's counter {signed.counter} was used already (last: {last}): "
            "it is a repetition, or it was overtaken. If both clocks were ahead at the last one, "
            "this key is followed again when its time has come: use another until then."
        )
    action = Action(signed.action)
    command = Command(action, signed.key, signed.nonce, signed.counter, signed.reason)
    return command, Counters({**seen.last, command.key: command.counter})


def signer(text: str, keys: Collection[str]) -> str:
    """Which of `keys` has signed a command's text, whatever it asks for: the cheap first look.

    Raises:
        CommandError: none has.
    """
    signed = _parse(text)
    _check_signature(signed, keys)
    return signed.key


def _parse(text: str) -> _Signed:
    if len(text) > MAX_TEXT:
        raise CommandError(f"The command is longer than {MAX_TEXT} characters.")
    try:
        body = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"The command is not JSON: {error}.") from error
    if not isinstance(body, dict) or body.keys() != set(_FIELDS):
        raise CommandError(f"A command has exactly the fields {', '.join(_FIELDS)}.")
    try:
        signed = plain.read(_Signed, body)
    except ValueError as error:
        raise CommandError(f"The command's {error}.") from error
    _check_values(signed)
    return signed


def _check_values(signed: _Signed) -> None:
    if not 0 < signed.counter <= _MAX_COUNTER:
        raise CommandError(f"The command's counter must be between 1 and {_MAX_COUNTER}.")
    if not re.fullmatch(NONCE, signed.nonce):
        raise CommandError("The command's nonce must be 32 hex digits.")
    if len(signed.reason) > MAX_REASON or not signed.reason.isprintable():
        raise CommandError(f"The command's reason has at most {MAX_REASON} printable characters.")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    body = dict(pairs)
    if len(body) != len(pairs):
        raise ValueError("a field stands there twice")
    return body


def _check_signature(signed: _Signed, keys: Collection[str]) -> None:
    if signed.key not in keys:
        raise CommandError(
            "The command is signed by a key that is no operator's here: it is not in "
            "mqtt.command_keys and not among `edge-door keys list`."
        )
    try:
        raw = base64.b64decode(signed.key, validate=True)
        signature = base64.b64decode(signed.signature, validate=True)
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, signed.body)
    except (InvalidSignature, ValueError, binascii.Error) as error:
        raise CommandError("The command's signature is not of its key and content.") from error


def _check_meant(signed: _Signed, receiver: Receiver) -> None:
    if signed.device != receiver.device:
        raise CommandError(f"The command is for {signed.device!r}, not for this device.")
    if signed.action not in [action.value for action in receiver.permitted]:
        raise CommandError(f"{signed.action!r} is not permitted by remote command here.")


def _check_fresh(signed: _Signed, now: Moment, not_before: float) -> None:
    issued, expires = signed.issued, signed.expires
    if not now.wall_trusted:
        raise CommandError(
            "The device's clock is not set yet, so no command can be seen as fresh. Wait until it "
            "is synchronised; if it never is, `edge-door doctor` there says what to install."
        )
    if now.wall < not_before - _EARLY_S:
        raise CommandError(
            f"The device's clock is {not_before - now.wall:.0f} s behind what it showed before: "
            "no command can be seen as fresh. If it was ahead before, `edge-door ledger accept` "
            "forgets that."
        )
    if not 0 < expires - issued <= MAX_VALID_S:
        raise CommandError(f"A command may be valid for at most {MAX_VALID_S} s.")
    if now.wall < issued - _EARLY_S:
        raise CommandError("The command is from the future: check both clocks.")
    if now.wall > expires:
        raise CommandError(f"The command expired {now.wall - expires:.0f} s ago.")
