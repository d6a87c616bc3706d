"""Lines for who waits: what happens now, and every few seconds that it still does."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

SILENCE_S = 3.0


class Patience:
    """Passes lines on to `say`, and breaks every silence that grows too long."""

    def __init__(self, say: Callable[[str], None], silence_s: float = SILENCE_S) -> None:
        self._say = say
        self._silence_s = silence_s
        self._begun = time.monotonic()
        self._news = threading.Event()
        self._over = False
        self._thread = threading.Thread(target=self._watch, name="patience", daemon=True)

    def say(self, line: str) -> None:
        """Say what happens now."""
        self._say(line)
        self._news.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._news.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over:
            if not self._news.wait(self._silence_s):
                self._say(f"  ... {time.monotonic() - self._begun:.0f} s")
            self._news.clear()
