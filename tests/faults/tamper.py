"""What another hand may write, send or put back: counted a threat, and none of it may be obeyed."""

from __future__ import annotations

import json
import math
import random
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.access.command import MAX_VALID_S, sign_command
from edge.door.tickets import Tickets
from edge.errors import CommandError, WireError
from edge.link.commands import Commands
from edge.link.topics import Topics
from edge.records import EventKind, Reason
from edge.sight.journal import Journal
from edge.sight.orders import Orders
from edge.sight.sealed_ledger import open_ledger
from edge.vocabulary import Action
from edge.wire import codec
from edge.wire.messages import (
    Acknowledge,
    Claim,
    Colour,
    Command,
    Cue,
    Flash,
    Happened,
    Message,
    Mode,
    SetMode,
    Signal,
    Unlock,
)
from tests.faults import scenarios
from tests.faults.flips import flipped_files, flipped_rows, flipped_sealed
from tests.faults.tally import Tally, accepted

STATEMENTS = {
    "ledger/ledger.db": (
        """UPDATE head SET memory = '{"commanded_mode":"always_open"}'""",
        "UPDATE head SET memory = '{}'",
        "UPDATE events SET mac = x''",
        "UPDATE events SET mac = zeroblob(32)",
        "UPDATE head SET key = zeroblob(32)",
        "DELETE FROM head",
        "DELETE FROM events",
        "DELETE FROM events WHERE sequence = (SELECT max(sequence) FROM events WHERE chain != '')",
        "DELETE FROM events WHERE sequence = 2",
        "UPDATE events SET body = replace(body, 'no_match', 'granted')",
        "UPDATE events SET signature = zeroblob(64)",
        "REPLACE INTO events SELECT 99, boot, body, chain, signature, mac FROM events LIMIT 1",
        "CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM states; END",
        "CREATE VIEW v AS SELECT * FROM events",
        "DROP TABLE states",
    ),
    "people.db": (
        "UPDATE people SET name = 'Eve', folded = 'eve'",
        "UPDATE people SET generation = generation + 1",
        "DELETE FROM people",
        "UPDATE seal SET counter = counter + 1",
        "UPDATE seal SET counter = 0",
        "UPDATE seal SET mac = x''",
        "DELETE FROM seal",
        "INSERT INTO credentials VALUES (NULL, 1, 'pin', zeroblob(32))",
        "CREATE TRIGGER t AFTER DELETE ON people BEGIN DELETE FROM credentials; END",
    ),
}


def statements(folder: Path, _budget: int, _seed: int) -> Tally:
    """Every table by every statement, as who may write the files."""
    tally = Tally("a statement by another hand")
    for name, several in STATEMENTS.items():
        for sql in several:
            copy = folder.with_name("tampered")
            shutil.copytree(folder, copy, symlinks=True)
            with sqlite3.connect(copy / name) as db:
                db.execute(sql)
            db.close()
            tally.injected += 1
            if accepted(copy):
                tally.obeyed.append(f"{name}: {sql}")
            shutil.rmtree(copy)
    return tally


def put_back(folder: Path, budget: int, seed: int) -> Tally:
    """Some of the files from before, the rest from now."""
    tally = Tally("older files put back")
    config = scenarios.config_in(folder)
    older = folder.with_name("older")
    shutil.copytree(folder, older, symlinks=True)
    scenarios.remove(folder, lambda _step: None)
    files = [
        config.people_db.name,
        config.people_db.with_name("vault.counter").name,
        f"ledger/{config.ledger_db.name}",
        config.ledger_anchor.name,
    ]
    dice = random.Random(seed)
    chosen = list(range(1, 2 ** len(files) - 1))  # all of them together no file can tell
    for mask in dice.sample(chosen, min(budget, len(chosen))):
        copy = folder.with_name("mixed")
        shutil.copytree(folder, copy, symlinks=True)
        some = [name for bit, name in enumerate(files) if mask >> bit & 1]
        for name in some:
            shutil.copy(older / name, copy / name)
        tally.injected += 1
        # The anchor and the counter alone are only behind; what they vouch for is all there.
        behind = set(some) <= {files[1], files[3]}
        if accepted(copy) and not behind:
            tally.obeyed.append(" ".join(some))
        shutil.rmtree(copy)
    return tally


def commands(folder: Path, budget: int, seed: int) -> Tally:
    """Signed commands, changed, cut, joined, repeated, of other keys, doors and times."""
    tally = Tally("a forged, changed, stale or repeated command")
    dice = random.Random(seed)
    config = scenarios.config_in(folder)
    topics = Topics("facelock", scenarios.DEVICE)
    gate = Commands(topics, lambda: config.mqtt.command_keys)
    with open_ledger(config) as ledger:
        orders = Orders(config, Journal(ledger, scenarios.DEVICE))
        genuine = scenarios.order(1000)
        orders.take(genuine)
        written = ledger.written()
        for number in range(budget):
            text = _hostile(dice, genuine)
            tally.injected += 1
            with suppress(CommandError):
                orders.take(text)
                tally.obeyed.append(f"{seed}/{number}: {text[:80]}")
            with suppress(CommandError):
                gate.read(topics.command, text.encode("utf-8", "surrogatepass"), retained=False)
        if ledger.written() > written + 2:
            tally.obeyed.append("refusals filled the ledger")
    return tally


def packets(_folder: Path, budget: int, seed: int) -> Tally:
    """What a program on a socket may send: no packet ends the reader, no old ticket opens."""
    tally = Tally("a hostile packet on a socket")
    dice = random.Random(seed)
    tickets = Tickets(time.monotonic())
    good = codec.encode(Unlock("ab" * 16, time.monotonic()))
    for number in range(budget):
        packet = bytearray(good)
        for _ in range(dice.randrange(1, 6)):
            packet[dice.randrange(len(packet))] = dice.randrange(256)
        if number % 3 == 0:
            values: list[Any] = [10**400, -(10**400), -1, math.inf, math.nan, "x", None, [], {}]
            fields = json.loads(codec.encode(dice.choice(MESSAGES)))
            name = dice.choice(list(fields))
            packet = bytearray(json.dumps({**fields, name: dice.choice(values)}).encode())
        tally.injected += 1
        try:
            message = codec.decode(bytes(packet))
        except WireError:
            continue
        if isinstance(message, Unlock):
            far = time.monotonic() + 1e6
            if not tickets.refuse(message.ticket, message.issued_at, far):
                tally.obeyed.append(f"{seed}/{number}: {message}")
    return tally


def clocks(folder: Path, budget: int, seed: int) -> Tally:
    """A clock set back to a time at which an old command was fresh."""
    tally = Tally("an old command under a clock that was set back")
    dice = random.Random(seed)
    config = scenarios.config_in(folder)
    with open_ledger(config) as ledger:
        journal = Journal(ledger, scenarios.DEVICE)
        ahead = time.time() + 10 * MAX_VALID_S
        journal.note(EventKind.SYSTEM, Reason.STARTED, states={"wall": f"{ahead:.0f}"})
        orders = Orders(config, journal)
        for number in range(budget):
            issued = int(time.time()) - dice.randrange(MAX_VALID_S)
            text = sign_command(
                scenarios.OPERATOR, scenarios.DEVICE, Action.UNLOCK, number + 1, issued, "0" * 32
            )
            tally.injected += 1
            try:
                orders.take(text)
                tally.obeyed.append(f"{seed}/{number}")
            except CommandError:
                continue
    return tally


MESSAGES: tuple[Message, ...] = (
    Unlock("ab" * 16, 1.0),
    Acknowledge(1),
    SetMode(Mode.NORMAL),
    Signal(Cue.CHALLENGE, (Flash(Colour.RED, 0.3, beep=True),)),
    Claim("Ann"),
    Command("{}"),
    Happened(Reason.UNLOCKED, 1.0, {"cause": "ticket"}, 1),
)

THREATS: tuple[Callable[[Path, int, int], Tally], ...] = (
    flipped_rows,
    flipped_files,
    flipped_sealed,
    statements,
    put_back,
    commands,
    packets,
    clocks,
)


def _hostile(dice: random.Random, genuine: str) -> str:
    """A command's text that must not be followed."""
    fields = json.loads(genuine)
    place = dice.randrange(len(genuine))
    other = chr(dice.choice([dice.randrange(32, 127), dice.randrange(0x10FFFF + 1)]))
    values: list[Any] = [None, True, 0, -1, 10**400, 1e308, "", "x" * 300, [], {}, [[[]]]]
    somebody = Ed25519PrivateKey.from_private_bytes(dice.randbytes(32))
    device = dice.choice(["door2", scenarios.DEVICE])
    late = 0 if device == "door2" else dice.choice([-3600, -61, 3600])
    makers: tuple[Callable[[], str], ...] = (
        lambda: genuine,  # a repetition
        lambda: genuine[:place] + other + genuine[place + 1 :],
        lambda: genuine[:place] + dice.choice(["", genuine, "}"]),
        lambda: json.dumps({**fields, dice.choice(list(fields)): dice.choice(values)}),
        lambda: _signed(dice, somebody, scenarios.DEVICE, 0),
        lambda: _signed(dice, scenarios.OPERATOR, device, late),
        lambda: "".join(chr(dice.randrange(0x300)) for _ in range(dice.randrange(200))),
    )
    return dice.choice(makers)()


def _signed(dice: random.Random, key: Ed25519PrivateKey, device: str, late: int) -> str:
    nonce = f"{dice.getrandbits(128):032x}"
    counter = 2000 + dice.randrange(10**6)
    return sign_command(key, device, Action.UNLOCK, counter, int(time.time()) + late, nonce)
