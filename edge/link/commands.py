"""What others may ask over MQTT, and what of it goes on to sight.

The network can lock, and where that is no second factor it can name the person who stands at the
door. It cannot unlock: only a signed command can, and sight judges it, where the configuration
permits it. The signature is looked at here already, before anything is counted: junk must not use
up what an operator may send.
A retained message is never followed: it is an old wish, delivered again at every reconnect.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge import plain
from edge.access.bucket import TokenBucket
from edge.access.command import NONCE, OF_A_KEY, signer
from edge.errors import CommandError, WireError
from edge.link.payloads import ConfirmPayload, from_json
from edge.names import MAX_NAME
from edge.wire.messages import CLAIM_HERE, Claim, Command, Relock, UnlockByCode

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from edge.link.topics import Topics
    from edge.wire.messages import Request

MAX_BYTES = 4096
_CODE = 'an unlock by code is {"action": "UNLOCK", "code": PIN, "at": seconds}'


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The reader of the events has everything up to `sequence`, whose chain hash is `chain`."""

    sequence: int
    chain: str
    resend_from: int | None = None
    """Send everything from this event on once more: the reader found a gap, or begins again."""
    tell: bool = False
    """Say all states once more: the reader did not find them at its broker."""

    def after(self, earlier: Confirmation | None) -> Confirmation:
        """This one stands for both: the newer sequence, and whatever either wants sent again."""
        wishes = [each.resend_from for each in (self, earlier) if each is not None]
        wanted = [first for first in wishes if first is not None]
        tell = self.tell or (earlier is not None and earlier.tell)
        return replace(self, resend_from=min(wanted, default=None), tell=tell)


@dataclass(frozen=True, slots=True)
class _ByCode:
    """What home automation sends to open with a PIN."""

    action: str
    code: str
    at: float


class Commands:
    """Turns what arrived into what sight may hear."""

    def __init__(
        self,
        topics: Topics,
        keys: Callable[[], Collection[str]],
        *,
        trust_broker: bool = False,
        claims: bool = True,
    ) -> None:
        """What is heard.

        Args:
            topics: Of this door.
            keys: Whose signatures count now, base64 public keys; none: commands are off.
            trust_broker: A PIN may come over it.
            claims: So may who stands at the door.
        """
        self._topics = topics
        self._keys = keys
        self._trust_broker = trust_broker
        self._claims = claims
        self._buckets: dict[str, TokenBucket] = {}

    def read(self, topic: str, payload: bytes, *, retained: bool) -> Request | Confirmation:
        """The request for sight, or a reader's confirmation.

        Raises:
            CommandError: it is not followed; the text says why and holds nothing of the payload.
        """
        text = _text(payload, retained=retained)
        if topic == self._topics.lock_set:
            return _lock(text, trust_broker=self._trust_broker)
        if topic == self._topics.claim_set:
            return _claim(text, followed=self._claims)
        if topic == self._topics.command:
            return self._signed(text)
        if topic == self._topics.confirm:
            return _confirmation(text)
        raise CommandError("nothing is heard on this topic")

    def _signed(self, text: str) -> Request:
        keys = self._keys()
        if not keys:
            raise CommandError(
                "signed commands are off. Set [mqtt] remote_unlock = true or command_verbs, and "
                "make a key with `edge-door keys make`"
            )
        _object(text)
        key = signer(text, keys)
        bucket = self._buckets.setdefault(key, TokenBucket(*OF_A_KEY))
        if not bucket.take(time.monotonic()):
            raise CommandError("too many of one key at a time, dropped")
        return Command(text)


def _text(payload: bytes, *, retained: bool) -> str:
    if retained:
        raise CommandError("a retained message is never followed. Publish it with retain off")
    if len(payload) > MAX_BYTES:
        raise CommandError(f"{len(payload)} bytes are over the {MAX_BYTES} allowed")
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CommandError("it is not UTF-8") from error
    if not text.isprintable():
        raise CommandError("it holds control characters or line ends")
    return text


def _lock(text: str, *, trust_broker: bool) -> Request:
    if text == "LOCK":
        return Relock()
    if trust_broker and text.startswith("{"):
        return _by_code(text)
    if text in {"UNLOCK", "OPEN"}:
        raise CommandError(
            f"{text} is refused: whoever reaches the broker could open the door. "
            "Only a signed command may unlock"
        )
    raise CommandError("only LOCK is followed here")


def _by_code(text: str) -> Request:
    try:
        asked = plain.read(_ByCode, _object(text))
    except ValueError as error:
        raise CommandError(f"{_CODE} ({error})") from error
    if asked.action != "UNLOCK":
        raise CommandError(_CODE)
    return UnlockByCode(asked.code, float(asked.at))


def _claim(text: str, *, followed: bool) -> Request:
    if not followed:
        raise CommandError(CLAIM_HERE)
    name = text.strip()
    if not name or len(name) > MAX_NAME:
        raise CommandError(f"a name has 1 to {MAX_NAME} characters")
    return Claim(name)


def _confirmation(text: str) -> Confirmation:
    try:
        said = from_json(ConfirmPayload, text)
    except WireError as error:
        raise CommandError(
            'a confirmation is {"sequence": number, "chain": hex}, and where something is to go '
            f'again "resend_from": number ({error})'
        ) from error
    resend_from = said.resend_from
    if resend_from is None and said.resend:
        resend_from = said.sequence + 1
    return Confirmation(said.sequence, said.chain, resend_from, said.tell)


def nonce_of(text: str) -> str:
    """The nonce in a signed command's text, for the answer; empty where there is none."""
    with contextlib.suppress(CommandError):
        nonce = _object(text).get("nonce")
        if isinstance(nonce, str) and re.fullmatch(NONCE, nonce):
            return nonce
    return ""


def _object(text: str) -> dict[str, object]:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CommandError("it is not JSON") from error
    if not isinstance(body, dict):
        raise CommandError("it is not a JSON object")
    return body
