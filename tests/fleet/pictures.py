"""The guide's pictures of the dashboard: made-up doors on an ordinary morning.

python -m tests.fleet.pictures deploy/guide
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from sqlalchemy import insert, update

from edge.fleet.database.database import Database
from edge.fleet.database.tables import devices, groups
from edge.fleet.kinds import Role
from edge.fleet.web.operators import add_operator
from edge.fleet.web.roles import Grant
from edge.records import Event, Reason
from tests.fleet.site import PASSWORD, Served, an_event, reported

HOUSES = {
    "North house": "Front door,Canteen,Kitchen,Lift lobby,Loading dock,Pharmacy,Reception,Roof",
    "South house": "Archive,Back door,Boiler room,Garage,Laboratory,Server room,Stairs,Workshop",
}
PEOPLE = ("Anna Berg", "Bruno Costa", "Chen Wei", "Dalia Haddad", "Emeka Obi", "Hana Kim")
GROUP = {
    name: number for number, house in enumerate(HOUSES, 1) for name in HOUSES[house].split(",")
}


def device(name: str) -> str:
    return name.lower().replace(" ", "-")


def visits(now: float) -> list[Event]:
    """Someone every minute or so, each at a door of their own."""
    found = []
    for number, name in enumerate(GROUP):
        at = now - 55 * number
        person = PEOPLE[number % len(PEOPLE)]
        reasons = (Reason.GRANTED, Reason.UNLOCKED, Reason.OPENED, Reason.CLOSED, Reason.LOCKED)
        detail = {"similarity": 0.71, "threshold": 0.41}
        for step, reason in enumerate(reasons if number % 5 else (Reason.NO_MATCH,)):
            who = person if reason is Reason.GRANTED else None
            more = detail if step == 0 else {}
            found.append(
                an_event(device(name), reason, person=who, wall=at + 2 * step, detail=more)
            )
    return found


def furnish(served: Served) -> None:
    now = time.time()
    with served.database.writing() as writing:
        writing.execute(insert(groups), [{"name": house} for house in HOUSES])
        administrator = [Grant(Role.ADMINISTRATOR, None)]
        add_operator(writing, "anna", PASSWORD, administrator, now)
    served.doors.online(*map(device, GROUP))
    with served.database.writing() as writing:
        for name, group in GROUP.items():
            ours = devices.c.id == device(name)
            writing.execute(update(devices).where(ours).values(name=name, group_id=group))
    served.doors.happen(visits(now), replayed=True)
    said = {"version": "0.1.0", "people": 6, "clock_trusted": True, "temperature_c": 47.5}
    for name in GROUP:
        served.doors.say(device(name), "reported", reported(**said, outbox_depth=0))
    served.doors.say("back-door", "door/held", b"ON")
    served.doors.say("workshop", "tamper", b"ON")
    served.doors.say("garage", "availability", b"offline")
    served.doors.say("roof", "lock/availability", b"offline")


def take(page: Page, address: str, path: Path) -> None:
    page.goto(address)
    page.wait_for_selector("html[data-live]")
    page.screenshot(path=path)


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("folder", type=Path)
    folder = reader.parse_args().folder
    with tempfile.TemporaryDirectory() as place, sync_playwright() as running:
        served = Served(Database.open(f"sqlite:///{place}/fleet.db"))
        furnish(served)
        chromium = running.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = chromium.new_page(base_url=served.address, viewport={"width": 1280, "height": 760})
        page.goto("/login")
        page.get_by_label("Name").fill("anna")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in", exact=True).click()
        page.wait_for_url("**/")
        take(page, "/", folder / "fleet-wall.png")
        page.emulate_media(color_scheme="dark")
        take(page, "/doors/workshop", folder / "fleet-door.png")
        page.set_viewport_size({"width": 390, "height": 760})
        page.emulate_media(color_scheme="light")
        take(page, "/", folder / "fleet-phone.png")
        chromium.close()
        served.close()


if __name__ == "__main__":
    main()
