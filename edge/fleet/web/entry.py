"""What the dashboard serves: each page and form, and the verb that it needs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from edge.fleet.web.roles import Rights, Verb
    from edge.fleet.web.visit import Visit


class Where(str, Enum):
    """What a right must reach to pass the gate; pages then ask for each door."""

    SOME_DOOR = "some_door"
    EVERYWHERE = "everywhere"


@dataclass(frozen=True, slots=True)
class Entry:
    """A page (GET) or a form (POST), and the verb that it needs."""

    method: str
    path: str
    answer: Callable[[Visit], Response]
    verb: Verb
    where: Where = Where.SOME_DOOR

    def passes(self, rights: Rights) -> bool:
        """Whether somebody with these rights gets as far as the page itself."""
        if self.where is Where.EVERYWHERE:
            return rights.may_everywhere(self.verb)
        return rights.anywhere(self.verb)
