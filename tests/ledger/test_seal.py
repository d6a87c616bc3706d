"""Who may write the ledger: its device. What another hand wrote there is never obeyed."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.errors import LedgerError
from edge.ledger.chain import chained, encode, genesis
from edge.ledger.head import HeadRow
from edge.ledger.ledger import ANCHOR_EVERY, Ledger
from edge.ledger.seal import Seal, head_text, key_name, signed_by
from edge.ledger.tables import SCHEMA
from edge.records import Event, EventKind, Reason

SECRET = bytes(range(32))


def event(number: int = 0) -> Event:
    return Event(EventKind.ACCESS, Reason.GRANTED, 1.0, 2.0, True, "door1", "Ann", {"n": number})


class Place:
    """A ledger's files, and a hand that may write them and has no key."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ledger.db"
        self.anchor = folder / "ledger.anchor"
        self.seal = Seal(SECRET, self.anchor)

    def open(self, **options: bool) -> Ledger:
        return Ledger.open(self.path, "door1", self.seal, **options)

    def fill(self, count: int) -> None:
        with self.open() as ledger:
            for number in range(count):
                ledger.append(event(number), {"lockout": f"after {number}"})

    def tamper(self, *statements: str) -> None:
        db = sqlite3.connect(self.path)
        with db:
            for sql in statements:
                db.execute(sql)
        db.close()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_what_is_sealed_comes_back_and_is_not_among_what_others_may_write(place: Place) -> None:
    with place.open() as ledger:
        ledger.append(event(), {"lockout": "locked", "lock": "LOCKED"})
        ledger.append(event(), {"commands": "{}"})
        assert ledger.sealed() == {"lockout": "locked", "commands": "{}"}
        assert ledger.states() == {"lock": "LOCKED"}
        assert ledger.verify() == []


@pytest.mark.parametrize(
    "sql",
    [
        """UPDATE head SET memory = '{"commanded_mode":"always_open"}'""",
        "UPDATE head SET memory = '{}'",
        "UPDATE events SET mac = x''",
        "UPDATE events SET mac = (SELECT mac FROM events WHERE sequence = 4) WHERE sequence = 5",
        "UPDATE head SET key = x'00'",
        "UPDATE OR REPLACE events SET sequence = 6 WHERE sequence = 5",
        "UPDATE events SET chain = 'x' WHERE sequence = 5",
        "UPDATE head SET anchor_sequence = 1",
        "DELETE FROM head",
        "DELETE FROM events WHERE sequence = 5",
    ],
)
def test_a_head_row_by_another_hand_is_not_obeyed(place: Place, sql: str) -> None:
    place.fill(5)
    with place.open() as running:
        place.tamper(sql)
        with pytest.raises(LedgerError):
            running.sealed()
        with pytest.raises(LedgerError):
            running.append(event())
        assert running.verify()
    with pytest.raises(LedgerError):
        place.open()


def test_a_state_that_others_may_write_is_not_obeyed(place: Place) -> None:
    place.fill(1)
    place.tamper("INSERT INTO states VALUES ('commanded_mode', 'always_open')")
    with place.open() as ledger:
        assert "commanded_mode" not in ledger.sealed()


def test_every_byte_of_the_sealed_row_flipped(place: Place) -> None:
    place.fill(2)
    with place.open() as ledger:
        db = sqlite3.connect(place.path, isolation_level=None)
        db.text_factory = bytes
        tried = 0
        for table, column in (
            *(("head", name) for name in ("device", "anchor_chain", "key", "memory")),
            *(("events", name) for name in ("chain", "mac")),
        ):
            newest = "WHERE sequence = 2" if table == "events" else ""
            ((value,),) = db.execute(f"SELECT {column} FROM {table} {newest}").fetchall()
            kind = "BLOB" if column in ("key", "mac") else "TEXT"
            put = f"UPDATE {table} SET {column} = CAST(? AS {kind}) {newest}"
            for index in range(len(value)):
                changed = bytearray(value)
                changed[index] ^= 1
                db.execute(put, (bytes(changed),))
                with pytest.raises(LedgerError):
                    ledger.sealed()
                tried += 1
            db.execute(put, (value,))
        db.close()
        assert tried > 200
        assert ledger.sealed()


def test_a_cut_tail_is_found(place: Place) -> None:
    place.fill(5)
    place.tamper("DELETE FROM events WHERE sequence = 5")
    with pytest.raises(LedgerError, match="changed by another program"):
        place.open()  # what entry 5 brought is still there
    place.tamper("""UPDATE head SET memory = '{"lockout":"after 3"}'""")
    with pytest.raises(LedgerError, match="an older copy was put back"):
        place.open()
    with Ledger.open(place.path, "door1", read_only=True) as reader:
        # Who has the public key alone sees the signatures; the newest that is left is good.
        assert reader.verify(place.seal.public) == []


def test_a_chain_made_anew_names_its_first_entry(place: Place) -> None:
    place.fill(5)
    db = sqlite3.connect(place.path)
    rows = db.execute("SELECT sequence, boot, body, chain FROM events").fetchall()
    chain = rows[1][3]
    for number, boot, body, _ in rows[2:]:
        forged = body.replace("Ann", "Bob")
        chain = chained(chain, number, boot, forged)
        db.execute(
            "UPDATE events SET body = ?, chain = ? WHERE sequence = ?", (forged, chain, number)
        )
    db.commit()
    db.close()
    with Ledger.open(place.path, "door1", read_only=True) as reader:
        assert reader.verify() == ["Entry 3 is not signed by this device: the chain was made anew."]


def test_a_forger_with_a_key_of_their_own_is_found(place: Place, tmp_path: Path) -> None:
    forged = Seal(bytes(32), tmp_path / "other.anchor")
    with Ledger.open(place.path, "door1", forged) as ledger:
        ledger.append(event())
    with Ledger.open(place.path, "door1", read_only=True) as reader:
        (said,) = reader.verify(place.seal.public)
        assert f"not {key_name(place.seal.public)}" in said
    with pytest.raises(LedgerError, match="another key"):
        place.open()


def test_a_planted_trigger_is_refused(place: Place) -> None:
    place.fill(1)
    place.tamper(
        "CREATE TRIGGER mine AFTER INSERT ON events BEGIN "
        "INSERT OR REPLACE INTO states VALUES ('lock', 'LOCKED'); END"
    )
    with pytest.raises(LedgerError, match=r"not edge-door's \(mine\)"):
        place.open()
    with pytest.raises(LedgerError, match=r"not edge-door's \(mine\)"):
        Ledger.open(place.path, "door1", read_only=True)


def test_an_older_copy_is_refused(place: Place) -> None:
    place.fill(3)
    older = place.path.read_bytes()
    place.fill(3)
    place.path.write_bytes(older)
    with pytest.raises(LedgerError, match="ends before entry 6"):
        place.open()


def test_a_ledger_begun_anew_is_refused(place: Place) -> None:
    place.fill(3)
    place.path.unlink()
    with pytest.raises(LedgerError, match="begun anew, but this device wrote 3 events"):
        place.open()
    # The refusal leaves an empty file, and whoever looks at it is told what that means.
    with pytest.raises(LedgerError, match=r"is empty\. Where this door ran before, its"):
        place.open(read_only=True)


def test_a_ledger_that_is_gone_or_of_no_length_is_told_what_to_do(place: Place) -> None:
    """The one said nothing, the other that an older edge-door had made it."""
    for how in ("does not exist, so there is no event ledger to read", "is empty"):
        with pytest.raises(LedgerError, match=f"{how}. Where this door ran .* restore FILE"):
            place.open(read_only=True)
        place.path.touch()


def test_an_older_copy_is_found_though_nobody_stopped_in_order(place: Place) -> None:
    place.fill(1)
    older = place.path.read_bytes()
    ledger = place.open()
    for number in range(ANCHOR_EVERY):
        ledger.append(event(number))
    ledger._store.close()
    place.path.write_bytes(older)
    with pytest.raises(LedgerError, match=f"ends before entry {ANCHOR_EVERY + 1}"):
        place.open()


def test_without_the_anchor_a_sealed_ledger_still_needs_its_key(place: Place) -> None:
    place.fill(2)
    place.anchor.unlink()
    place.tamper("""UPDATE head SET memory = '{"commanded_mode":"always_open"}'""")
    with pytest.raises(LedgerError, match="another program"):
        place.open()


def test_a_forged_anchor_is_refused(place: Place) -> None:
    place.fill(2)
    number, chain, mac = place.anchor.read_text().split()
    place.anchor.write_text(f"{int(number) - 1} {chain} {mac}")
    with pytest.raises(LedgerError, match="was changed"):
        place.open()


@pytest.mark.parametrize("left", [b"", b"\0\0", b"12 ab", b"12 ab cd", b"\xff \xff \xff"])
def test_a_damaged_anchor_says_what_to_do(place: Place, left: bytes) -> None:
    """It said "not enough values to unpack"."""
    place.fill(2)
    place.anchor.write_bytes(left)
    with pytest.raises(LedgerError, match=r"changed or damaged.*`edge-door ledger accept`"):
        place.open()


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_file_gone_from_under_a_running_program_takes_no_event(place: Place, how: str) -> None:
    with place.open() as running:
        running.append(event())
        copy = place.path.read_bytes()
        place.path.unlink()
        if how == "replaced":
            place.path.write_bytes(copy)
        with pytest.raises(LedgerError, match="removed or replaced while it was open"):
            running.append(event())
        with pytest.raises(LedgerError, match="removed or replaced"):
            running.stand()


def test_without_the_seal_a_sealed_ledger_is_not_written(place: Place) -> None:
    place.fill(1)
    with (
        Ledger.open(place.path, "door1") as ledger,
        pytest.raises(LedgerError, match="only its device may write"),
    ):
        ledger.append(event())


def test_a_head_travels_with_its_event_and_can_be_checked_elsewhere(place: Place) -> None:
    with place.open() as ledger:
        written = ledger.append(event())
        assert ledger.events() == [written]
        public = ledger.public_key()
    assert written.head is not None
    assert written.body.startswith("{")
    assert (written.head.sequence, written.head.chain) == (written.sequence, written.chain)
    assert written.head.key == key_name(public)
    signature = base64.b64decode(written.head.signature)
    assert signed_by(public, signature, "door1", written.sequence, written.chain)
    assert not signed_by(public, signature, "door2", written.sequence, written.chain)
    assert head_text("door1", 1, "ab") == b'["edge-door head","door1",1,"ab"]'


def test_an_earlier_versions_ledger_is_kept_sealed_and_goes_on(
    place: Place, earlier: Callable[[Path], None]
) -> None:
    earlier(place.path)
    with place.open() as ledger:
        assert [stored.event.reason for stored in ledger.events()] == [Reason.GRANTED]
        assert ledger.events()[0].head is None
        assert ledger.sealed() == {}, "what others could write is forgotten"
        ledger.append(event())
        assert ledger.verify() == []
    copy = sqlite3.connect(f"{place.path}.version-1")
    assert copy.execute("SELECT count(*) FROM events").fetchone() == (1,)
    copy.close()


def test_the_second_versions_ledger_keeps_what_was_sealed_and_goes_on(place: Place) -> None:
    first, body = genesis("door1"), encode(event())
    chain, seal = chained(first, 1, "boot", body), place.seal
    row = HeadRow("door1", 1, chain, 0, first, seal.public, '{"lockout":"one"}', b"")
    signature, mac = seal.sign("door1", 1, chain), seal.mac(row.fields())
    db = sqlite3.connect(place.path)
    for sql in (statement for part in SCHEMA.migrations[:2] for statement in part):
        db.execute(sql)
    db.execute("INSERT INTO events VALUES (1, 'boot', ?, ?, ?)", (body, chain, signature))
    db.execute(
        "INSERT INTO head VALUES (1, 'door1', 1, ?, 0, ?, ?, ?, ?)",
        (chain, first, seal.public, row.memory, mac),
    )
    db.execute("PRAGMA user_version = 2")
    db.execute(f"PRAGMA application_id = {SCHEMA.application_id}")
    db.commit()
    db.close()
    with place.open() as ledger:
        assert ledger.sealed() == {"lockout": "one"}
        ledger.append(event(2))
        assert ledger.verify(thorough=True) == []
    assert Path(f"{place.path}.version-2").exists()


@pytest.fixture
def earlier() -> Callable[[Path], None]:
    """Makes a ledger as version 1 wrote it: unsealed, with an outbox and what sight obeyed."""

    def make(path: Path) -> None:
        db = sqlite3.connect(path)
        for sql in SCHEMA.migrations[0]:
            db.execute(sql)
        first, body = genesis("door1"), encode(event())
        chain = chained(first, 1, "boot", body)
        db.execute("INSERT INTO events VALUES (1, 'boot', ?, ?)", (body, chain))
        db.execute("INSERT INTO head VALUES (1, 'door1', 1, ?, 0, ?)", (chain, first))
        db.execute("INSERT INTO states VALUES ('commanded_mode', 'always_open')")
        db.execute("PRAGMA user_version = 1")
        db.execute(f"PRAGMA application_id = {SCHEMA.application_id}")
        db.commit()
        db.close()

    return make
