from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.errors import EdgeDoorError, EnrolmentError, UsageError, VaultError
from edge.records import Template
from edge.vault.credentials import Claimed, Kind, card_number
from edge.vault.digests import Digests
from edge.vault.key import create_key
from edge.vault.sealed import SealedStore
from edge.vault.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DEVICE = "door1"
MODEL = "a" * 64


def template(person: str, seed: int = 0, captures: int = 3, model: str = MODEL) -> Template:
    vectors = np.random.default_rng(seed).normal(size=(captures, 16)).astype(np.float32)
    return Template(person, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), model)


def stored(vault: Vault, plain: Template) -> NDArray[np.float32]:
    return vault.rotation(plain.vectors)


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "people.db"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "vault.key"
    create_key(path)
    return path


@pytest.fixture
def vault(db: Path, key: Path) -> Iterator[Vault]:
    with Vault.open(db, key, DEVICE) as opened:
        yield opened


def raw(db: Path, sql: str, *values: object) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(db)
    with connection:
        rows = connection.execute(sql, values).fetchall()
    connection.close()
    return rows


def names(vault: Vault) -> list[str]:
    return [person.name for person in vault.people()]


# People come and go


def test_a_template_comes_back_as_it_went_in(vault: Vault) -> None:
    before = time.time()
    vault.add(template("Bo", seed=1, captures=5))
    vault.add(template("Ann"))
    ann, bo = vault.templates(MODEL)
    assert (ann.person, bo.person) == ("Ann", "Bo")
    plain = template("Bo", seed=1, captures=5).vectors
    assert np.array_equal(bo.vectors, vault.rotation(plain))
    assert np.allclose(vault.plain_templates(MODEL)[1].vectors, plain, atol=1e-6)
    assert bo.vectors.dtype == np.float32
    person = vault.people()[1]
    assert (person.name, person.captures, person.model) == ("Bo", 5, MODEL)
    assert before <= person.enrolled <= time.time()


def test_it_is_all_there_after_opening_again(db: Path, key: Path) -> None:
    with Vault.open(db, key, DEVICE) as vault:
        vault.add(template("Ann"))
    with Vault.open(db, key, DEVICE) as vault:
        assert np.array_equal(vault.templates(MODEL)[0].vectors, stored(vault, template("Ann")))


def test_replace_rename_and_remove(vault: Vault) -> None:
    vault.add(template("Ann"))
    enrolled = vault.people()[0].enrolled
    vault.rename("ann", "Anna")
    assert names(vault) == ["Anna"]
    assert vault.people()[0].enrolled == enrolled
    assert np.array_equal(vault.templates(MODEL)[0].vectors, stored(vault, template("Ann")))
    vault.rename("Anna", "ANNA")
    vault.replace(template("anna", seed=2))
    assert names(vault) == ["ANNA"]
    assert np.array_equal(vault.templates(MODEL)[0].vectors, stored(vault, template("x", seed=2)))
    vault.remove("anna")
    assert vault.people() == []
    assert vault.templates(MODEL) == ()


def test_a_name_is_taken_whatever_its_case(vault: Vault) -> None:
    vault.add(template("Åsa"))
    vault.add(template("Bo"))
    with pytest.raises(UsageError, match="Åsa is enrolled already"):
        vault.add(template("åSA"))
    with pytest.raises(UsageError, match="Åsa is enrolled already"):
        vault.rename("Bo", "A\u030asa")  # the same letter in two characters
    assert names(vault) == ["Bo", "Åsa"]


@pytest.mark.parametrize(
    "change",
    [
        lambda vault: vault.remove("Cleo"),
        lambda vault: vault.rename("Cleo", "Dan"),
        lambda vault: vault.replace(template("Cleo")),
    ],
)
def test_nobody_of_that_name(vault: Vault, change: Callable[[Vault], None]) -> None:
    vault.add(template("Ann"))
    with pytest.raises(UsageError, match=r"Nobody here is called 'Cleo'\. Enrolled: Ann"):
        change(vault)


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\nb", "a\x1b[2J", "*", "a\u202eb", "\ud800"])
def test_improper_names_are_refused(vault: Vault, name: str) -> None:
    with pytest.raises(UsageError, match="is not a name"):
        vault.add(template(name))
    assert vault.people() == []


def test_another_models_templates_are_refused_by_name(vault: Vault) -> None:
    vault.add(template("Ann"))
    vault.add(template("Bo", model="b" * 64))
    with pytest.raises(VaultError, match="Bo: enrolled with another model"):
        vault.templates(MODEL)


@pytest.mark.parametrize("vectors", [np.full((2, 4), np.nan), np.zeros((0, 4))])
def test_a_template_of_nothing_is_refused(vault: Vault, vectors: NDArray[Any]) -> None:
    with pytest.raises(EnrolmentError, match="finite vectors"):
        vault.add(Template("Ann", vectors.astype(np.float32), MODEL))
    assert vault.people() == []


def test_another_process_change_is_noticed(vault: Vault, db: Path, key: Path) -> None:
    with Vault.open(db, key, DEVICE) as other:
        assert not vault.changed()
        other.add(template("Ann"))
        assert vault.changed()
        assert names(vault) == ["Ann"]
        assert not vault.changed()
        assert not other.changed()


# No secret in clear, none left behind


def stored_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def test_no_vector_is_in_clear_on_disk(vault: Vault, tmp_path: Path) -> None:
    vault.add(template("Ann"))
    vectors = template("Ann").vectors.tobytes()
    everything = stored_bytes(tmp_path)
    assert not any(vectors[i : i + 8] in everything for i in range(0, len(vectors), 4))


def test_a_removed_person_leaves_neither_key_nor_template(vault: Vault, db: Path) -> None:
    vault.add(template("Ann"))
    vault.add(template("Bo"))
    ((data_key, vectors),) = raw(db, "SELECT data_key, vectors FROM people WHERE name = 'Ann'")
    assert isinstance(data_key, bytes)
    assert isinstance(vectors, bytes)
    assert data_key in stored_bytes(db.parent)
    vault.remove("Ann")
    assert data_key not in stored_bytes(db.parent)
    assert vectors not in stored_bytes(db.parent)


def test_a_reader_that_never_ends_is_named_when_it_keeps_old_pages(
    vault: Vault, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.store.BUSY_S", 0.05)
    vault.add(template("Ann"))
    reader = sqlite3.connect(db, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM people").fetchall()
    with Vault.open(db, db.with_name("vault.key"), DEVICE) as second:
        with pytest.raises(VaultError, match="another program kept reading"):
            second.remove("Ann")
        reader.execute("COMMIT")
        reader.close()
        assert second.people() == []


# Whatever is changed is refused


@pytest.fixture
def three(db: Path, key: Path) -> tuple[Path, Path]:
    with Vault.open(db, key, DEVICE) as vault:
        for seed, name in enumerate(("Ann", "Bo", "Cleo")):
            vault.add(template(name, seed, captures=1))
        vault.credentials.add_card("Ann", "04127788")
        vault.credentials.set_pin("Bo", "4711")
    return db, key


def test_every_flipped_byte_of_every_stored_value_is_refused(three: tuple[Path, Path]) -> None:
    db, key = three
    with Vault.open(db, key, DEVICE) as vault:
        editor = sqlite3.connect(db, isolation_level=None)
        editor.execute("PRAGMA synchronous = OFF")
        checked = 0
        for table, columns in {
            "people": ("name", "folded", "model", "data_key", "vectors"),
            "seal": ("device", "mac"),
            "credentials": ("kind", "secret"),
        }.items():
            for column in columns:
                kind = "BLOB" if column in ("data_key", "vectors", "mac", "secret") else "TEXT"
                update = f"UPDATE {table} SET {column} = CAST(? AS {kind}) WHERE id = ?"
                select = f"SELECT id, CAST({column} AS BLOB) FROM {table}"
                for number, value in editor.execute(select).fetchall():
                    for index in range(len(value)):
                        changed = bytearray(value)
                        changed[index] ^= 0x01
                        editor.execute(update, (bytes(changed), number))
                        with pytest.raises(VaultError):
                            vault.templates(MODEL)
                        checked += 1
                    editor.execute(update, (value, number))
        editor.close()
        assert len(vault.templates(MODEL)) == 3
    assert checked > 600


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE people SET enrolled = enrolled + 1 WHERE id = 1",
        "UPDATE people SET captures = 2 WHERE id = 1",
        "UPDATE people SET generation = generation + 1 WHERE id = 1",
        "UPDATE people SET id = id + 10 WHERE id = 3",
        "UPDATE seal SET counter = counter + 1",
        "UPDATE seal SET device = 'door2'",
        "UPDATE seal SET mac = x''",
        "UPDATE credentials SET person = 3 WHERE person = 1",
        "UPDATE credentials SET kind = 'pin' WHERE kind = 'card'",
        "DELETE FROM credentials",
        "DELETE FROM people WHERE id = 2",
        "DELETE FROM people",
        "DELETE FROM seal",
    ],
)
def test_every_other_change_is_refused(three: tuple[Path, Path], sql: str) -> None:
    db, key = three
    raw(db, sql)
    with pytest.raises(VaultError):
        Vault.open(db, key, DEVICE)


@pytest.mark.parametrize(
    "columns", [("vectors",), ("data_key",), ("data_key", "vectors"), ("name", "folded")]
)
def test_swapped_rows_are_refused_even_under_a_new_seal(
    three: tuple[Path, Path], columns: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each row alone is bound to its person: it needs no seal to say so.
    db, key = three
    raw(db, "UPDATE people SET folded = id")
    picked = ", ".join(columns)
    (first,) = raw(db, f"SELECT {picked} FROM people WHERE id = 1")
    (second,) = raw(db, f"SELECT {picked} FROM people WHERE id = 2")
    assign = ", ".join(f"{column} = ?" for column in columns)
    raw(db, "UPDATE people SET folded = 'free' WHERE id = 1")
    for number, values in ((2, first), (1, second)):
        raw(db, f"UPDATE people SET {assign} WHERE id = ?", *values, number)
    with pytest.raises(VaultError, match="changed by another program"):
        Vault.open(db, key, DEVICE)
    monkeypatch.setattr("hmac.compare_digest", lambda *_: True)
    with (
        Vault.open(db, key, DEVICE) as vault,
        pytest.raises(VaultError, match="does not open with this key"),
    ):
        vault.templates(MODEL)


def test_every_flipped_byte_of_a_template_fails_without_the_seal_too(
    three: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    db, key = three
    monkeypatch.setattr("hmac.compare_digest", lambda *_: True)
    ((value,),) = raw(db, "SELECT vectors FROM people WHERE id = 1")
    assert isinstance(value, bytes)
    with Vault.open(db, key, DEVICE) as vault:
        for index in range(len(value)):
            changed = bytearray(value)
            changed[index] ^= 0x80
            raw(db, "UPDATE people SET vectors = ? WHERE id = 1", bytes(changed))
            with pytest.raises(VaultError, match="The template of Ann"):
                vault.templates(MODEL)


def test_another_device_is_refused(three: tuple[Path, Path]) -> None:
    db, key = three
    with pytest.raises(VaultError, match="belongs to the device 'door1', and this is 'door2'"):
        Vault.open(db, key, "door2")
    raw(db, "UPDATE seal SET device = 'door2'")
    with pytest.raises(VaultError, match="changed by another program"):
        Vault.open(db, key, "door2")


def test_another_key_is_refused(three: tuple[Path, Path], tmp_path: Path) -> None:
    db, _ = three
    other = tmp_path / "other.key"
    create_key(other)
    with pytest.raises(VaultError, match="another key"):
        Vault.open(db, other, DEVICE)


# Cards and PINs


def test_a_card_and_a_pin_name_their_person(three: tuple[Path, Path]) -> None:
    with Vault.open(*three, DEVICE) as vault:
        known = vault.credentials
        known.set_pin("Bo", "9351", duress=True)
        known.add_card("Bo", "ab:cd")
        assert known.identify(Kind.CARD, " 4127788") == Claimed("Ann")
        assert known.identify(Kind.CARD, "AB:CD") == Claimed("Bo")
        assert known.identify(Kind.PIN, "4711") == Claimed("Bo")
        assert known.identify(Kind.PIN, "9351") == Claimed("Bo", duress=True)
        for source, value in (
            (Kind.PIN, "4712"),
            (Kind.PIN, "04127788"),
            (Kind.CARD, "4711"),
            (Kind.PIN, ""),
            (Kind.PIN, "\u0664\u0667\u0661\u0661"),
            (Kind.CARD, "\n"),
            (Kind.CARD, "x" * 65),
        ):
            assert known.identify(source, value) is None
        assert known.held() == {"Ann": (Kind.CARD,), "Bo": (Kind.PIN, Kind.DURESS, Kind.CARD)}


def test_a_new_pin_takes_the_place_of_the_old(three: tuple[Path, Path]) -> None:
    with Vault.open(*three, DEVICE) as vault:
        known = vault.credentials
        known.set_pin("Bo", "4711")
        known.set_pin("bo", "80808")
        assert known.identify(Kind.PIN, "4711") is None
        assert known.identify(Kind.PIN, "80808") == Claimed("Bo")
        assert known.held()["Bo"] == (Kind.PIN,)


def test_no_two_credentials_are_the_same(three: tuple[Path, Path]) -> None:
    with Vault.open(*three, DEVICE) as vault:
        known = vault.credentials
        for person, duress in (("Ann", False), ("Ann", True), ("Bo", True)):
            with pytest.raises(EnrolmentError, match="This PIN is in use already"):
                known.set_pin(person, "4711", duress=duress)
        with pytest.raises(EnrolmentError, match="This card is in use already"):
            known.add_card("Bo", "04127788")
        assert known.held() == {"Ann": (Kind.CARD,), "Bo": (Kind.PIN,)}


@pytest.mark.parametrize(
    "pin", ["123", "1" * 13, "12a4", "", "1234", "9876", "8901", "0000", "٤٧١١"]
)
def test_poor_pins_are_refused(three: tuple[Path, Path], pin: str) -> None:
    with Vault.open(*three, DEVICE) as vault, pytest.raises(UsageError, match="PIN"):
        vault.credentials.set_pin("Ann", pin)


def test_credentials_go_with_their_person_and_follow_the_name(three: tuple[Path, Path]) -> None:
    with Vault.open(*three, DEVICE) as vault:
        vault.rename("Bo", "Bob")
        vault.replace(template("Bob", seed=9))
        assert vault.credentials.identify(Kind.PIN, "4711") == Claimed("Bob")
        vault.remove("Bob")
        assert vault.credentials.identify(Kind.PIN, "4711") is None
        assert vault.credentials.revoke("Ann", Kind.CARD) == 1
        assert vault.credentials.revoke("Ann", Kind.CARD) == 0
        assert vault.credentials.held() == {}
        with pytest.raises(UsageError, match="Nobody here is called 'Bob'"):
            vault.credentials.add_card("Bob", "1")


def test_one_card_of_several_goes_alone(three: tuple[Path, Path]) -> None:
    """Who lost one had to bring all the others to be added again."""
    with Vault.open(*three, DEVICE) as vault:
        known = vault.credentials
        known.add_card("Ann", "116,52145")
        assert known.revoke("Ann", Kind.CARD, "0x4D") == 0
        assert known.revoke("Bo", Kind.CARD, "116,52145") == 0
        assert known.revoke("Ann", Kind.CARD, "0x74CBB1") == 1
        assert known.identify(Kind.CARD, "116,52145") is None
        assert known.identify(Kind.CARD, "04127788") == Claimed("Ann")


def test_no_card_or_pin_is_in_clear_on_disk(three: tuple[Path, Path]) -> None:
    everything = stored_bytes(three[0].parent)
    assert b"04127788" not in everything
    assert b"4711" not in everything


def test_another_key_makes_other_hashes_of_the_same_pin_and_card(
    three: tuple[Path, Path], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    create_key(other / "vault.key")
    with Vault.open(other / "people.db", other / "vault.key", DEVICE) as vault:
        vault.add(template("Bo"))
        vault.credentials.set_pin("Bo", "4711")
        vault.credentials.add_card("Bo", "04127788")
    select = "SELECT secret FROM credentials"
    assert not set(raw(three[0], select)) & set(raw(other / "people.db", select))


# Yesterday's database


def test_an_older_copy_is_refused_until_it_is_accepted(three: tuple[Path, Path]) -> None:
    db, key = three
    old = db.with_name("yesterday.db")
    shutil.copy(db, old)
    with Vault.open(db, key, DEVICE) as vault:
        vault.remove("Bo")
    shutil.copy(old, db)
    with pytest.raises(VaultError, match=r"change 5, .*knows of change 6: an older copy"):
        Vault.open(db, key, DEVICE)
    with Vault.open(db, key, DEVICE, accept_older=True) as vault:
        assert names(vault) == ["Ann", "Bo", "Cleo"]
        vault.remove("Bo")
    shutil.copy(old, db)
    with pytest.raises(VaultError, match="an older copy"):
        Vault.open(db, key, DEVICE)


def test_an_emptied_database_is_refused(three: tuple[Path, Path]) -> None:
    db, key = three
    db.unlink()
    with pytest.raises(VaultError, match=r"change 0, .*knows of change 5"):
        Vault.open(db, key, DEVICE)


def test_a_lost_counter_is_refused(three: tuple[Path, Path]) -> None:
    db, key = three
    key.with_suffix(".counter").unlink()
    with pytest.raises(VaultError, match=r"vault.counter is missing"):
        Vault.open(db, key, DEVICE)


def test_a_database_of_no_length_says_what_to_do(three: tuple[Path, Path]) -> None:
    db, key = three
    for part in db.parent.glob("people.db*"):
        part.unlink()
    db.touch()
    with pytest.raises(VaultError, match=r"people.db is empty\. Put it back from a backup\."):
        Vault.open(db, key, DEVICE, read_only=True)


@pytest.mark.parametrize("text", ["", "0", "2 00", "3 é", "99999 " + "0" * 64])
def test_a_forged_counter_is_refused(three: tuple[Path, Path], text: str) -> None:
    db, key = three
    key.with_suffix(".counter").write_text(text)
    with pytest.raises(VaultError, match=r"vault.counter was changed or damaged.*accept-backup"):
        Vault.open(db, key, DEVICE)


def test_a_counter_that_a_crash_left_behind_is_no_alarm(three: tuple[Path, Path]) -> None:
    db, key = three
    behind = key.with_suffix(".counter").read_bytes()
    with Vault.open(db, key, DEVICE) as vault:
        vault.remove("Bo")
    key.with_suffix(".counter").write_bytes(behind)
    with Vault.open(db, key, DEVICE) as vault:
        assert names(vault) == ["Ann", "Cleo"]


# The key file


def test_the_key_is_random_private_and_made_once(tmp_path: Path) -> None:
    first, second = tmp_path / "state" / "a.key", tmp_path / "state" / "b.key"
    old = os.umask(0)
    try:
        create_key(first)
    finally:
        os.umask(old)
    create_key(second)
    assert len(first.read_bytes()) == 32
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert first.read_bytes() != second.read_bytes()
    kept = first.read_bytes()
    with pytest.raises(VaultError, match="exists already"):
        create_key(first)
    assert first.read_bytes() == kept


def spoil_mode(key: Path) -> None:
    key.chmod(0o640)


def spoil_size(key: Path) -> None:
    key.write_bytes(b"short")


def spoil_empty(key: Path) -> None:
    key.write_bytes(b"")


def spoil_link(key: Path) -> None:
    key.rename(key.with_name("elsewhere"))
    key.symlink_to(key.with_name("elsewhere"))


def spoil_kind(key: Path) -> None:
    key.unlink()
    key.mkdir(mode=0o700)


def spoil_missing(key: Path) -> None:
    key.unlink()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_mode, "may be read by others .*chmod 600"),
        (spoil_size, "is not a file of 32 bytes"),
        (spoil_empty, "is not a file of 32 bytes"),
        (spoil_link, "cannot be read"),
        (spoil_kind, "is not a file of 32 bytes|cannot be read"),
        (spoil_missing, "is missing"),
    ],
)
def test_a_bad_key_file_is_refused_before_anything_is_made(
    db: Path, key: Path, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(key)
    with pytest.raises(VaultError, match=said):
        Vault.open(db, key, DEVICE)
    assert not db.exists()


def test_a_key_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(VaultError, match="cannot be made"):
            create_key(tmp_path / "vault.key")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_the_database_is_private(vault: Vault, db: Path) -> None:
    vault.add(template("Ann"))
    for path in db.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


# Cut short


def test_a_full_disk_leaves_the_old_template(vault: Vault, db: Path) -> None:
    vault.add(template("Ann"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))
    try:
        with pytest.raises(VaultError, match="disk is full"):
            vault.add(template("Bo", captures=2000))
        with pytest.raises(VaultError, match="disk is full"):
            vault.replace(template("Ann", seed=1, captures=2000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    (kept,) = vault.templates(MODEL)
    assert np.array_equal(kept.vectors, stored(vault, template("Ann")))
    with Vault.open(db, db.with_name("vault.key"), DEVICE) as again:
        assert names(again) == ["Ann"]


ENROLLER = """
import sys
from pathlib import Path
import numpy as np
from edge.vault.vault import Vault
from edge.records import Template
folder = Path(sys.argv[1])
with Vault.open(folder / "people.db", folder / "vault.key", "door1") as vault:
    print("open", flush=True)
    number = 0
    while True:
        number += 1
        vectors = np.full((4, 512), number, np.float32)
        vault.add(Template("Ann", vectors, "a" * 64))
        vault.replace(Template("Ann", vectors + 0.5, "a" * 64))
        vault.rename("Ann", "Bo")
        vault.remove("Bo")
"""


def cut_short(folder: Path, rounds: int, seed: int) -> set[str]:
    moments = random.Random(seed)
    found = set()
    for _ in range(rounds):
        command = [sys.executable, "-c", ENROLLER, str(folder)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(moments.uniform(0, 0.2))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with Vault.open(folder / "people.db", folder / "vault.key", DEVICE) as vault:
            people = vault.plain_templates(MODEL)
            assert len(people) <= 1
            for person in people:
                assert person.vectors.shape == (4, 512)
                assert np.ptp(person.vectors) < 1e-4 * person.vectors.max()
                vault.remove(person.person)
            found.add(people[0].person if people else "nobody")
    return found


def test_sigkill_while_enrolling_leaves_the_old_or_the_new(key: Path) -> None:
    cut_short(key.parent, rounds=2, seed=3)


@pytest.mark.slow
def test_a_hundred_sigkills_while_enrolling(key: Path) -> None:
    assert cut_short(key.parent, rounds=100, seed=4) == {"nobody", "Ann", "Bo"}


def test_every_error_is_one_of_ours(three: tuple[Path, Path]) -> None:
    db, key = three
    whole = db.read_bytes()
    opened = 0
    for index in range(0, len(whole), 131):
        flipped = bytearray(whole)
        flipped[index] ^= 0xFF
        db.write_bytes(flipped)
        for log in (db.with_name("people.db-wal"), db.with_name("people.db-shm")):
            log.unlink(missing_ok=True)
        try:
            with Vault.open(db, key, DEVICE) as vault:
                people = vault.templates(MODEL)
        except EdgeDoorError:
            continue
        opened += 1  # bytes that nothing uses
        for seed, person in enumerate(people):
            assert np.array_equal(person.vectors, stored(vault, template("x", seed, 1)))
    assert opened > 0


@pytest.mark.parametrize(
    "printed",
    [
        "7654321",
        "0007654321",
        "116,52145",
        "0007654321 116,52145",
        "0x74CBB1",
        "74cbb1",
        "74:CB:B1",
    ],
)
def test_a_card_as_it_is_printed_is_what_a_reader_reports(printed: str) -> None:
    assert card_number(printed) == "7654321"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "no card number"),
        ("Anna's", "no card number"),
        ("abc", "no card number"),
        ("999999,1", "no card number"),
        ("7654321 116,52146", "several different"),
        ("1" * 65, "no card number"),
    ],
)
def test_what_is_no_card_is_refused_with_a_word(typed: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        card_number(typed)


def test_a_change_to_one_reads_the_secrets_of_one(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        vault.add(template(f"Person {number}", seed=number))
    read: list[int] = []
    digest = Digests._read

    def counted(self: Digests, row: tuple[int, ...]) -> bytes:
        read.append(row[0])
        return digest(self, row)

    monkeypatch.setattr(Digests, "_read", counted)
    vault.replace(template("Person 3", seed=99))
    vault.rename("Person 5", "Cleo")
    vault.remove("Person 0")
    assert vault.credentials.identify(Kind.CARD, "1") is None
    assert len(vault.templates(MODEL)) == 7
    assert read == [4, 6]
    before = vault.templates(MODEL)
    vault.add(template("Dan", seed=50))
    kept = [one for one in vault.templates(MODEL) if any(one is other for other in before)]
    assert len(kept) == 7, "whoever has not changed is not decrypted again"


def test_a_change_that_failed_leaves_no_wrong_hash(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same row with the same words, written twice under the same generation."""
    vault.add(template("Ann"))
    monkeypatch.setattr("time.time", lambda: 1.0)
    with monkeypatch.context() as broken:
        broken.setattr(SealedStore, "_seal", seal_and_fail)
        with pytest.raises(VaultError, match="the disk is full"):
            vault.replace(template("Ann", seed=2))
    vault.replace(template("Ann", seed=3))
    with Vault.open(vault.path, vault.path.with_name("vault.key"), DEVICE) as again:
        assert np.array_equal(again.templates(MODEL)[0].vectors, stored(vault, template("Ann", 3)))


def seal_and_fail(store: SealedStore, counter: int) -> None:
    store._mac(counter, store._read())
    raise VaultError("the disk is full")


def test_bytes_flipped_beneath_sqlite_are_found_in_turn(vault: Vault) -> None:
    """In the file itself, which no other connection tells of."""
    for number in range(40):
        vault.add(template(f"Person {number}", seed=number))
    ((secret,),) = vault._store.query("SELECT vectors FROM people WHERE id = 33")
    content = vault.path.read_bytes()
    place = content.index(secret)
    for _ in range(4):  # three, and around
        vault.recheck()
    with vault.path.open("r+b") as file:
        file.seek(place)
        file.write(bytes([content[place] ^ 1]))
    assert len(vault.people()) == 40, "SQLite does not see it"
    for _ in range(2):
        vault.recheck()
    with pytest.raises(VaultError, match="changed by another program"):
        vault.recheck()  # the third of three times sixteen: number 33
    with pytest.raises(VaultError, match="changed by another program"):
        vault.people()
    with pytest.raises(VaultError, match="changed by another program"):
        Vault.open(vault.path, vault.path.with_name("vault.key"), DEVICE)
    with vault.path.open("r+b") as file:
        file.seek(place)
        file.write(bytes([content[place]]))
    vault.recheck()
    assert len(vault.people()) == 40
