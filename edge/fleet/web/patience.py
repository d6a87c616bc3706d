"""A connection that does not say what it wants in time is ended: uvicorn itself waits for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from asyncio import TimerHandle

REQUEST_S = 10.0
"""From the first byte, or from connecting, until the request's headers are there."""


class Patient(H11Protocol):
    """HTTP/1.1 with a deadline for each request's headers; the form behind them has its own."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._deadline: TimerHandle | None = None
        self._wait()

    @override
    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop()
        elif self._deadline is None:
            self._wait()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._deadline = self.loop.call_later(REQUEST_S, self._end)

    def _end(self) -> None:
        if self.transport is not None:
            self.transport.close()

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
