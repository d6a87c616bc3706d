"""What is cut short, from enrolment to an update; and what must hold."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.access.command import public_text, sign_command
from edge.believed import enforce, read_believed
from edge.bundle import make_bundle
from edge.clock import now
from edge.config import Config, parse
from edge.errors import CommandError, EdgeDoorError
from edge.ledger.ledger import Ledger
from edge.link.outbox import Outbox
from edge.moment import Moment
from edge.office.book import Book
from edge.office.rows import Person
from edge.ops.rekey import rekey
from edge.ops.update import Updates, verify_release
from edge.owner import sealed_copy
from edge.records import EventKind, Reason, Template
from edge.roster.envelope import SEED_BYTES, Content, DoorKey, fingerprint
from edge.roster.report import Report
from edge.sight import orders as orders_module
from edge.sight.changes import recorded, settle
from edge.sight.doorside import Doorside
from edge.sight.journal import Journal
from edge.sight.orders import Orders
from edge.sight.sealed_ledger import open_ledger, restore_ledger
from edge.sight.seals import take_up_seal
from edge.vault.vault import Vault, open_vault
from edge.vocabulary import Action

Say = Callable[[str], None]
OPERATOR = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
MODEL = "ab" * 32
DEVICE = "door1"
ORDERS = 2
OFFICE = bytes(range(32))
"""The key of a people office's book."""
TRUSTED = DoorKey(bytes(range(SEED_BYTES)))


def config_in(folder: Path, port: int | None = None) -> Config:
    """A door's; `port`: of its broker at this machine."""
    mqtt: dict[str, Any] = {"remote_unlock": True, "command_keys": [public_text(OPERATOR)]}
    if port is not None:
        mqtt |= {"host": "127.0.0.1", "port": port}
    paths = {"state": str(folder), "run": str(folder), "release": str(folder / "release")}
    return parse({"paths": paths, "mqtt": mqtt}, "faults")


def trust_the_clock() -> None:
    """Commands need a synchronised clock, which this machine may not have."""

    def trusted() -> Moment:
        moment = now()
        return Moment(moment.boot, moment.at, moment.wall, wall_trusted=True)

    vars(orders_module)["now"] = trusted


def own_machine(folder: Path) -> None:
    """From now on root's own files, of which a door has those of its machine, lie in `folder` too.

    For processes that do nothing else: it stays so.
    """
    place = folder / "machine"
    place.mkdir(exist_ok=True)
    os.environ["EDGE_DOOR_OWNER"] = str(place / "owner.pub")


def template(name: str) -> Template:
    return Template(name, np.eye(1, 8, dtype=np.float32), MODEL)


def order(number: int) -> str:
    issued = int(time.time())
    nonce = f"{number:032x}"
    return sign_command(OPERATOR, DEVICE, Action.UNLOCK, number, issued, nonce)


class Lock:
    """Stands for the guard: says each pulse."""

    connected = True

    def __init__(self, say: Say) -> None:
        self._say = say

    def unlock(self) -> str:
        self._say("pulse")
        return "0" * 32


def prepare(folder: Path) -> None:
    """A door with a person, some events and an outbox."""
    config = config_in(folder)
    with open_vault(config) as vault, open_ledger(config) as ledger:
        with recorded(ledger, vault, DEVICE, Reason.ENROLLED, "Ann"):
            vault.add(template("Ann"))
        for _ in range(5):
            Journal(ledger, DEVICE).note(EventKind.ACCESS, Reason.NO_MATCH)
    Outbox.open(config.outbox_db).close()
    (folder / "door.toml").write_text("# 0\n")
    updates(folder).apply(release(1), public_text(OPERATOR))
    with open_ledger(config) as ledger:
        ledger.backup(backup_in(folder))
        Journal(ledger, DEVICE).note(EventKind.ACCESS, Reason.NO_MATCH)
    with Book(folder / "office.db", OFFICE) as book:
        trust(book)
        belonging(book, "Ann")
        book.make(DEVICE, None)
        book.posted(DEVICE)
    shutil.copy(config.key_file, folder / "old.key")
    (folder / "orders").write_text("\n".join(order(n + 1) for n in range(ORDERS)))


def enrol(folder: Path, say: Say) -> None:
    config = config_in(folder)
    with (
        open_vault(config) as vault,
        open_ledger(config) as ledger,
        recorded(ledger, vault, DEVICE, Reason.ENROLLED, "Bo"),
    ):
        vault.add(template("Bo"))
    say("enrolled")


def remove(folder: Path, say: Say) -> None:
    config = config_in(folder)
    with (
        open_vault(config) as vault,
        open_ledger(config) as ledger,
        recorded(ledger, vault, DEVICE, Reason.REMOVED, "Ann"),
    ):
        vault.remove("Ann")
    say("removed")


def grant(folder: Path, say: Say) -> None:
    with open_ledger(config_in(folder)) as ledger:
        lock: Any = Lock(say)
        door = Doorside(lock, Journal(ledger, DEVICE), lambda _presented: None)
        for _ in range(3):
            if door.open_for(Reason.GRANTED, "Ann") is Reason.GRANTED:
                say("granted")


def command(folder: Path, say: Say) -> None:
    with open_ledger(config_in(folder)) as ledger:
        orders = Orders(config_in(folder), Journal(ledger, DEVICE))
        for text in (folder / "orders").read_text().splitlines():
            try:
                say(f"followed {orders.take(text).counter}")
            except CommandError:
                say("refused")


def ship(folder: Path, say: Say) -> None:
    with Outbox.open(config_in(folder).outbox_db) as outbox:
        for number in range(1, 6):
            outbox.mark_delivered(number)
            say(f"delivered {number}")
        outbox.mark_confirmed(3)
        say("confirmed 3")


def start(folder: Path, say: Say) -> None:
    config = config_in(folder)
    with open_vault(config) as vault, open_ledger(config) as ledger:
        settle(ledger, vault, DEVICE)
        Journal(ledger, DEVICE).note(EventKind.SYSTEM, Reason.STARTED)
    say("started")


def release(number: int) -> bytes:
    return make_bundle(
        OPERATOR, {"config/door1.toml": f"# {number}\n".encode(), "models/README.md": b""}, number
    )


def updates(folder: Path) -> Updates:
    return Updates(config_in(folder), folder / "door.toml", lambda *_: None)


def update(folder: Path, say: Say) -> None:
    updates(folder).apply(release(2))
    say("updated 2")
    updates(folder).undo()
    say("updated 1")
    updates(folder).apply(release(3))
    say("updated 3")


def new_key(folder: Path, say: Say) -> None:
    config = config_in(folder)
    rekey(config, config.key_file, no_words)
    say("rekeyed")


def no_words() -> str:
    raise AssertionError("a key file has no passphrase")


def backup_in(folder: Path) -> Path:
    return folder / "backup.db"


def restore(folder: Path, say: Say) -> None:
    restore_ledger(config_in(folder), backup_in(folder))
    say("restored")


def trust(book: Book) -> None:
    report = Report(DEVICE, 0, "", MODEL, TRUSTED.public)
    book.doors.trust(report, ["staff"], fingerprint(report.key))


def belonging(book: Book, name: str) -> None:
    book.add(Person("", name, ("staff",), model=MODEL), Content(template(name).vectors))


def office(folder: Path, say: Say) -> None:
    with Book(folder / "office.db", OFFICE) as book:
        belonging(book, "Bo")
        say("added")
        say(f"listed {book.make(DEVICE, None).desired.generation}")
        book.posted(DEVICE)
        book.remove(book.person("Ann"))
        say("taken out")
        say(f"listed {book.make(DEVICE, None).desired.generation}")
        book.cleared(DEVICE)
        book.doors.distrust(DEVICE)
        book.shelf_gone(DEVICE)
        trust(book)
        say(f"listed {book.make(DEVICE, None).desired.generation}")


SCENARIOS: dict[str, Callable[[Path, Say], None]] = {
    "enrolment": enrol,
    "removal": remove,
    "grant": grant,
    "command": command,
    "shipping": ship,
    "start": start,
    "update": update,
    "rekey": new_key,
    "restore": restore,
    "office": office,
}


def run(name: str, folder: Path) -> None:
    """One scenario, saying each step that was done where no fault strikes."""
    done = os.open(folder.with_suffix(".said"), os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def say(step: str) -> None:
        os.writev(done, [step.encode() + b"\n"])  # not one of the calls that are made to fail

    try:
        SCENARIOS[name](folder, say)
    except (EdgeDoorError, OSError) as error:
        say(f"error {error}")


def wrong(folder: Path) -> list[str]:
    """What does not hold after a fault: old state or new, nothing acknowledged lost."""
    said = folder.with_suffix(".said").read_text().splitlines()
    config = config_in(folder)
    found = _rekeyed(folder, said) + _restored(folder, said) + _listed(folder, said)
    with open_vault(config) as vault, open_ledger(config) as ledger:
        settle(ledger, vault, DEVICE)
        found += ledger.verify()
        people = [person.name for person in vault.people()]
        if not all(
            np.allclose(t.vectors, np.eye(1, 8), atol=1e-5) for t in vault.plain_templates(MODEL)
        ):
            found.append("a template is another than it was")
        reasons = [stored.event.reason for stored in ledger.events(limit=1000)]
        granted = reasons.count(Reason.GRANTED)
        if said.count("pulse") > granted:
            found.append(f"{said.count('pulse')} pulses for {granted} grants that are written")
        if people not in (["Ann"], ["Ann", "Bo"], []):
            found.append(f"neither old nor new: {people}")
        if ("enrolled" in said and "Bo" not in people) or ("removed" in said and people):
            found.append(f"what was done is lost: {said}, {people}")
        found += _orders(folder, said, Orders(config, Journal(ledger, DEVICE)))
    found += _released(folder, said)
    with Outbox.open(config.outbox_db) as outbox:
        marks = outbox.watermarks()
    done = [int(step.split()[1]) for step in said if step.startswith("delivered")]
    if marks.delivered < max(done, default=0) or ("confirmed 3" in said and marks.confirmed < 3):
        found.append(f"a watermark is lost: {marks}, {said}")
    return found


def _rekeyed(folder: Path, said: list[str]) -> list[str]:
    """A change of key that was cut short goes on; the old key opens nothing after it."""
    config = config_in(folder)
    if config.key_file.with_name("vault.key.new").exists():
        rekey(config, config.key_file, no_words)
    elif "rekeyed" not in said:
        return []
    old = folder / "old.key"
    try:
        Vault.open(config.people_db, old, DEVICE).close()
    except EdgeDoorError:
        return []
    return ["the old key opens the people database"] if old.exists() else []


def _restored(folder: Path, said: list[str]) -> list[str]:
    """A restoring that was cut short can be done again; what lay there before is kept."""
    config = config_in(folder)
    begun = [*config.ledger_db.parent.glob("*.restored"), *_kept(config)]
    if begun and "restored" not in said:  # as the refusal to start says
        restore_ledger(config, backup_in(folder))
    if not begun and "restored" not in said:
        return []
    if not _kept(config):
        return ["what lay in the ledger's place is lost"]
    with open_ledger(config) as ledger, Ledger.open(backup_in(folder), DEVICE) as backup:
        if ledger.written() < backup.written():
            return ["the restored ledger is another than the backup"]
    return []


def _kept(config: Config) -> list[Path]:
    return list(config.ledger_db.parent.glob("ledger.db.replaced-?"))


def _listed(folder: Path, said: list[str]) -> list[str]:
    """The book is as it was or as it should be, and no list's number is used twice."""
    with Book(folder / "office.db", OFFICE) as book:
        names = {person.name for person in book.people()}
        trust(book)
        number = book.make(DEVICE, None).desired.generation
    listed = [int(step.split()[1]) for step in said if step.startswith("listed")]
    if number <= max(listed, default=1):
        return [f"the next list has the number {number} after {listed}"]
    if ("added" in said and "Bo" not in names) or ("taken out" in said and "Ann" in names):
        return [f"what was done is lost: {said}, {names}"]
    return []


def _released(folder: Path, said: list[str]) -> list[str]:
    """One whole release is in force, no older than what was said, and the door starts with it."""
    path, config = folder / "door.toml", config_in(folder)
    enforce(None)
    try:
        take_up_seal(config, path)
        text = read_believed(path).decode()
        version, _ = verify_release(config)
    finally:
        enforce(None)
    done = [step for step in said if step.startswith("updated")]
    steps = {"": "1", "updated 2": "2", "updated 1": "1", "updated 3": "3"}
    names = list(steps)
    at = names.index(done[-1] if done else "")
    expected = {steps[name] for name in names[at : at + 2]}
    if text != f"# {version}\n" or str(version) not in expected:
        return [f"release {version} with {text!r} after {done}"]
    copy = sealed_copy()
    if copy is not None and copy.read_text() not in {f"# {number}\n" for number in range(4)}:
        return [f"the guard's copy of the configuration is {copy.read_text()!r}"]
    return []


def _orders(folder: Path, said: list[str], orders: Orders) -> list[str]:
    found = []
    for number, text in enumerate((folder / "orders").read_text().splitlines(), 1):
        try:
            orders.take(text)
        except CommandError:
            continue
        if f"followed {number}" in said:
            found.append(f"order {number} was followed twice")
    return found
