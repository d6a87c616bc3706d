"""What sight answered, passed on: the face of the last attempt, what became of a command."""

from __future__ import annotations

import base64
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from edge.errors import WireError
from edge.link.commands import nonce_of
from edge.link.payloads import CommandAnswer
from edge.wire.messages import AskFace, Command, Done, LastFace

if TYPE_CHECKING:
    from edge.link.client import Connection
    from edge.link.sight_client import Answer, SightClient
    from edge.link.topics import Topics

_log = logging.getLogger(__name__)


class Answering:
    """`face`: whether the face of the last attempt is wanted."""

    def __init__(self, topics: Topics, sight: SightClient, *, face: bool) -> None:
        self._topics = topics
        self._sight = sight
        self._face_wanted = face
        self._face = 0

    def ask_for_the_face(self) -> None:
        """Of the newest attempt, once; it comes as an answer."""
        number = self._sight.status.face if self._sight.status else 0
        if self._face_wanted and number not in (0, self._face):
            self._face = number
            with suppress(WireError):  # sight has just gone; there will be another attempt
                self._sight.ask(AskFace())

    def pass_on(self, answer: Answer, connection: Connection) -> None:
        """Publish what whoever asked is waiting for."""
        if answer.failure:
            _log.warning("sight did not follow a request: %s", answer.failure)
        if isinstance(answer.said, LastFace) and connection.room:
            connection.publish(self._topics.last_face(base64.b64decode(answer.said.jpeg)))
        if isinstance(answer.asked, Command):
            did = answer.said.what if isinstance(answer.said, Done) else ""
            self._reply(connection, answer.asked.text, answer.failure or did, done=bool(did))

    def refused(self, connection: Connection, text: str, why: str) -> None:
        """Tell the sender of a command that it went no further than here."""
        self._reply(connection, text, why, done=False)

    def _reply(self, connection: Connection, text: str, reason: str, *, done: bool) -> None:
        """Tell the sender of a signed command, if it is one, what became of it."""
        nonce = nonce_of(text)
        if nonce and connection.room:
            answer = CommandAnswer(nonce, "done" if done else "refused", reason)
            connection.publish(self._topics.answer(answer))
