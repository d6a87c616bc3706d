"""How the programs talk: one message a packet, over Unix SOCK_SEQPACKET sockets.

Stdlib only, since the relay guard speaks it. The kernel keeps packet boundaries and says who
the peer is (SO_PEERCRED), so there is no framing and no password here.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import HungUpError, UnreadError, UsageError, WireError, reason_of
from edge.folders import make_folder
from edge.wire.codec import decode, encode
from edge.wire.messages import Answer, Failed

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

    from edge.wire.messages import Message, Request, Unreadable

MAX_PACKET = 64 * 1024
_CREDENTIALS = struct.Struct("3i")
"""unix(7): process, user and group."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end, as the kernel knows it."""

    pid: int
    uid: int

    @property
    def ours(self) -> bool:
        """Whether it is root, or of our own user."""
        return self.uid in {0, os.geteuid()}


class Channel:
    """One end of a connection. Not for use by two threads in the same direction."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    @classmethod
    def connect(cls, path: Path | str, timeout_s: float = 2.0) -> Channel:
        """Connect to the socket at `path`.

        Raises:
            WireError: nobody listens there, or the file may not be opened.
        """
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.settimeout(timeout_s)
        try:
            sock.connect(str(path))
        except OSError as error:
            sock.close()
            if isinstance(error, PermissionError):
                raise WireError(f"{path}: {reason_of(error)}.") from error
            raise WireError(
                f"nobody answers at {path}: edge-door does not run here. Start it: "
                "sudo systemctl start edge-door.target, or edge-door run"
            ) from error
        return cls(sock)

    def fileno(self) -> int:
        """For select and poll."""
        return self._sock.fileno()

    @property
    def peer(self) -> Peer:
        """The process at the other end when the connection was made."""
        packed = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        pid, uid, _ = _CREDENTIALS.unpack(packed)
        return Peer(pid, uid)

    def send(self, message: Message) -> None:
        """Send one packet.

        Raises:
            UnreadError: the peer does not read, and its queue is full.
            WireError: it is gone; or the message is too large, or holds a number that JSON does
                not know.
        """
        try:
            packet = encode(message)
        except ValueError as error:
            raise WireError(f"a message cannot be sent: {error}") from error
        if len(packet) > MAX_PACKET:
            raise WireError(f"a message of {len(packet)} bytes is over the {MAX_PACKET} allowed")
        try:
            self._sock.sendall(packet, socket.MSG_NOSIGNAL)
        except (TimeoutError, BlockingIOError) as error:
            raise UnreadError("the peer does not read what it is sent") from error
        except OSError as error:
            raise HungUpError(f"the peer is gone: {reason_of(error)}") from error

    def receive(self, timeout_s: float | None = None) -> Message | Unreadable | None:
        """The next packet, or None when none came in time. `timeout_s` None waits for ever.

        Raises:
            WireError: the peer hung up or sent what is not a message at all.
        """
        self._sock.settimeout(timeout_s)
        try:
            packet = self._sock.recv(MAX_PACKET + 1)
        except (TimeoutError, BlockingIOError):
            return None
        except OSError as error:
            raise HungUpError(f"the peer is gone: {reason_of(error)}") from error
        if not packet:
            raise HungUpError("the peer hung up")
        return decode(packet)

    def ask(self, request: Request, timeout_s: float = 2.0) -> Answer:
        """Send a request to sight and wait for its answer.

        Raises:
            UsageError: sight does not do it; says why.
            WireError: none came in time, or the peer is gone.
        """
        self.send(request)
        answer = self.receive(timeout_s)
        if isinstance(answer, Failed):
            raise UsageError(answer.why)
        if answer is None:
            raise WireError(f"sight does not answer within {timeout_s:g} s")
        if not isinstance(answer, Answer):
            raise WireError("sight answers with what is no answer: is it of another version?")
        return answer

    def close(self) -> None:
        """Hang up. May be called twice."""
        self._sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Listener:
    """A listening socket file, owned by this process, removed on close."""

    def __init__(self, path: Path | str) -> None:
        """Bind `path`, for user and group, replacing a socket file that nobody serves any more.

        Raises:
            WireError: another process serves this path, or it cannot be made.
        """
        self.path = str(path)
        try:
            if os.path.exists(self.path):
                self._remove_dead(self.path)
            self._sock = _bound(self.path)
        except OSError as error:
            raise WireError(f"cannot listen at {path}: {reason_of(error)}") from error
        self._inode = os.stat(self.path).st_ino

    @staticmethod
    def _remove_dead(path: str) -> None:
        try:
            Channel.connect(path, timeout_s=0.5).close()
        except WireError as error:
            # One whose queue is full, or whom we may not speak to, is there all the same.
            if isinstance(error.__cause__, ConnectionRefusedError | FileNotFoundError):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
                return
        raise WireError(f"{path} is in use: another edge-door runs here. Stop it first.")

    def fileno(self) -> int:
        """For select and poll."""
        return self._sock.fileno()

    def accept(self) -> Channel | None:
        """The next waiting connection, or None. Until its first `receive`, no send on it waits."""
        try:
            sock, _ = self._sock.accept()
        except BlockingIOError:
            return None
        sock.settimeout(0)
        return Channel(sock)

    def close(self) -> None:
        """Stop listening and remove the socket file if it is still ours. May be called twice."""
        self._sock.close()
        with contextlib.suppress(OSError):
            if os.stat(self.path).st_ino == self._inode:
                os.unlink(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _bound(path: str) -> socket.socket:
    make_folder(os.path.dirname(path) or ".")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        sock.bind(path)
        os.chmod(path, 0o660)
        sock.listen(8)
        sock.settimeout(0)
    except OSError:
        sock.close()
        raise
    return sock
