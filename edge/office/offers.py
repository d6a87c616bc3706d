"""Whom doors have captured for the office: opened here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import EdgeDoorError
from edge.roster.offer import Offer, open_offer

if TYPE_CHECKING:
    from edge.office.book import Book
    from edge.office.keys import OfficeKeys
    from edge.office.post import Post


@dataclass(frozen=True, slots=True)
class Waiting:
    """One of them."""

    topic: str
    device: str
    offer: Offer | None
    problem: str = ""
    """Why it cannot be opened."""


def read_offers(book: Book, keys: OfficeKeys, post: Post) -> list[Waiting]:
    """All that lie on the broker; only those of trusted doors open."""
    post.listen(lambda: False)
    found = []
    for topic, sealed in sorted(post.offers.items()):
        device = topic.split("/")[-4]
        try:
            door = book.doors.find(device)
            found.append(Waiting(topic, device, open_offer(sealed, device, door.key, keys.offers)))
        except EdgeDoorError as error:
            found.append(Waiting(topic, device, None, str(error)))
    return [one for one in found if post.offers[one.topic]]
