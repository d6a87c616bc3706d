"""The ways out of a site, from where each door's reader leads from and to. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

STREET = None


class Way(Protocol):
    """Of a row of `devices`, what is needed here."""

    @property
    def id(self) -> str:
        """The door."""

    @property
    def from_zone(self) -> int | None:
        """Where its reader is; None: on the street."""

    @property
    def to_zone(self) -> int | None:
        """Where it leads."""


def ways_out(doors: Sequence[Way]) -> frozenset[str]:
    """Doors whose reader people need to get out: it leads nearer to the street.

    `doors` are rows of `devices`. A zone that no door joins to the street, as far as anybody said,
    is left by every door of it.
    """
    near: dict[int | None, int] = {STREET: 0}
    while more := {
        there: near[here] + 1
        for door in doors
        for here, there in (
            (door.from_zone, door.to_zone),
            (door.to_zone, door.from_zone),
        )
        if here in near and there not in near
    }:
        near |= more
    return frozenset(
        door.id
        for door in doors
        if door.from_zone is not STREET
        and (door.from_zone not in near or near[door.to_zone] < near[door.from_zone])
    )
