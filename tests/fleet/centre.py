"""An office, a door and a dashboard, without a network: what two publish the third one hears."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.fleet.database.database import Database
from edge.link.topics import Topics
from edge.sight.account import STATE
from tests.fleet.site import BASE, Browser, Doors, furnish
from tests.support.centre import Door, Office

if TYPE_CHECKING:
    from pathlib import Path

    from edge.records import StoredEvent


class Centre:
    """An office, a door and a dashboard; what the first two publish the last one hears."""

    def __init__(self, folder: Path, state: Path | None = None) -> None:
        """`state`: the door's disk."""
        self.database = Database.open(f"sqlite:///{folder}/fleet.db")
        furnish(self.database)
        self.doors = Doors(self.database)
        self.office = Office.at(folder / "office")
        self.door = Door.at(state or folder, "door1", self.office.keys.public)
        self.office.trust(self.door, "staff")
        self._shipped = 0
        self.browser = Browser(self.database)
        self.browser.login("operator")

    def tell(self, broker: dict[str, bytes] | None = None) -> None:
        """What lies on the broker, the door's report and its events reach the collector."""
        retained = self.office.broker if broker is None else broker
        for topic, payload in retained.items():
            device, _, rest = topic.removeprefix(f"{BASE}/").partition("/")
            if "envelope" not in rest:
                self.doors.say(device, rest, payload, retained=True)
        report = self.door.ledger.states().get(STATE, "")
        self.doors.say("door1", "people/reported", report.encode(), retained=True)
        for stored in self.door.ledger.events(after=self._shipped, limit=1000):
            self._ship(stored)

    def _ship(self, stored: StoredEvent) -> None:
        self._shipped = stored.sequence
        message = Topics(BASE, "door1").event(stored, replayed=False)
        self.doors.say("door1", "event", message.payload)

    def page(self, find: str = "") -> str:
        return str(self.browser.get(f"/rosters?find={find}" if find else "/rosters").text)

    def of_door(self) -> str:
        return str(self.browser.get("/rosters/door1").text)

    def close(self) -> None:
        self.door.close()
        self.office.book.close()
        self.database.close()


def word(page: str) -> list[str]:
    """The states that a page shows, in order."""
    return [part.split("<")[0] for part in page.split('class="word">')[1:]]
