"""What a passive check is, and what it is made with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from edge.config.seeing import Level

if TYPE_CHECKING:
    from edge.config import Config
    from edge.vision.liveness.views import View
    from edge.vision.models.manifest import E
    from edge.vision.models.model import Model


Answer = Callable[[], float]
"""Log-odds that this is no living face, once they are asked for; see `limits.DOUBT_ABOVE`."""


class Load(Protocol):
    """Loads the model that serves a role."""

    def __call__(self, kind: type[E]) -> Model[E]:
        """Read, check and load it.

        Raises:
            ModelError: its file is missing, altered or of the wrong shape.
        """


class Check(ABC):
    """One check. It keeps nothing of the frames."""

    name: str

    def __init__(self, load: Load) -> None:  # noqa: B027 - most need nothing
        """Load what it needs."""

    @classmethod
    def wanted(cls, config: Config) -> bool:
        """Whether it has anything to say at this door: elsewhere nothing hangs on doubt."""
        return config.liveness.level is Level.AUTO

    @abstractmethod
    def look(self, view: View) -> Answer:
        """Take what is to be seen of a face; what it says of that, before its next look."""
