"""Every byte of what decides who is let in, flipped in turn: none of it may be believed."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from edge.believed import enforce, read_believed
from edge.errors import EdgeDoorError, SealError
from edge.sealing import digests, make_seal, parse_seal
from edge.sight.sealed_ledger import open_ledger
from edge.vault.vault import open_vault
from edge.vision.calibrated import shipped_calibration
from edge.vision.models.known import KNOWN
from edge.vision.models.manifest import read_manifest, shipped_models
from tests.faults import scenarios
from tests.faults.tally import Tally, accepted

ALL_BYTES = 10_000
"""Faults wanted; then no byte is left out, though they are more."""


def flipped_rows(folder: Path, budget: int, _seed: int) -> Tally:
    """Every byte of a person's row, of the seal and of the head row, one after the other."""
    tally = Tally("a flipped byte of a template row, the seal or the head row")
    config = scenarios.config_in(folder)
    newest = "sequence = (SELECT max(sequence) FROM events WHERE chain != '')"
    places = [
        (config.people_db, "people", "id = 1", ""),
        (config.people_db, "seal", "id = 1", ""),
        # The newest entry's seal counts, and the head row's own only while there is no entry.
        (config.ledger_db, "head", "id = 1", "mac"),
        (config.ledger_db, "events", "sequence = 3", "mac"),
        (config.ledger_db, "events", newest, ""),
    ]
    with open_vault(config) as vault, open_ledger(config) as ledger:

        def believed() -> bool:
            try:
                vault.templates(scenarios.MODEL)
                ledger.sealed()
            except EdgeDoorError:
                return False
            return not ledger.verify(thorough=True)

        assert believed()
        for path, table, where, left_out in places:
            for column, index in _bytes_of(path, table, where, budget // len(places)):
                if column == left_out:
                    continue
                with _flipped(path, table, where, column, index):
                    tally.injected += 1
                    if believed():
                        tally.obeyed.append(f"{table}.{column}[{index}]")
        assert believed()
    return tally


def flipped_files(folder: Path, budget: int, _seed: int) -> Tally:
    """Every byte of the key, the counter and the anchor."""
    tally = Tally("a flipped byte of the key, the counter or the anchor")
    config = scenarios.config_in(folder)
    for path in (
        config.key_file,
        config.people_db.with_name("vault.counter"),
        config.ledger_anchor,
    ):
        whole = path.read_bytes()
        for index in range(0, len(whole), max(1, 3 * len(whole) // budget)):
            changed = bytearray(whole)
            changed[index] ^= 0x01
            path.write_bytes(changed)
            tally.injected += 1
            # A byte that is space either way says the same: the file is read by words.
            if accepted(folder) and bytes(changed).split() != whole.split():
                tally.obeyed.append(f"{path.name}[{index}]")
        path.write_bytes(whole)
    return tally


def flipped_sealed(folder: Path, budget: int, _seed: int) -> Tally:
    """Every byte of calibration, manifest, known answers, configuration; every bit of the seal."""
    tally = Tally("a flipped byte of what the owner sealed, or of the seal")
    models = folder / "models"
    (models / "calibration").mkdir(parents=True)
    calibration = shipped_calibration(models, read_manifest().embedder().name)
    files = (models / "manifest.toml", models / KNOWN, calibration, folder / "door.toml")
    for path in files[:-1]:
        shutil.copy(shipped_models() / path.relative_to(models), path)
    text = make_seal(scenarios.OPERATOR, digests(files), 1).encode()
    total = sum(path.stat().st_size for path in files)
    step = 1 if budget >= ALL_BYTES else total // budget
    enforce(None)  # what was read of the shipped ones is forgotten
    enforce(parse_seal(text, "the seal").files)
    for path in files:
        read_believed(path)  # as it was sealed it is taken
        whole = path.read_bytes()
        with path.open("r+b", buffering=0) as file:
            for index in range(0, len(whole), step):
                for byte in (whole[index] ^ 1 << index % 8, whole[index]):
                    file.seek(index)
                    file.write(bytes([byte]))
                    if byte != whole[index]:
                        tally.injected += 1
                        with suppress(SealError):
                            read_believed(path)
                            tally.obeyed.append(f"{path.name}[{index}]")
    enforce(None)
    for bit in range(8 * len(text)):
        changed = bytearray(text)
        changed[bit // 8] ^= 1 << bit % 8
        tally.injected += 1
        with suppress(SealError):
            parse_seal(bytes(changed), "the seal")
            tally.obeyed.append(f"the seal, bit {bit}")
    return tally


def _bytes_of(path: Path, table: str, where: str, budget: int) -> Iterator[tuple[str, int]]:
    with sqlite3.connect(path) as db:
        rows = db.execute(f"SELECT * FROM {table} WHERE {where}")
        names = [column[0] for column in rows.description]
        (row,) = rows.fetchall()
    db.close()
    sizes = {
        name: len(value if isinstance(value, bytes) else str(value))
        for name, value in zip(names, row, strict=True)
        if name not in where
    }
    step = max(1, sum(sizes.values()) // max(1, budget))
    for name, size in sizes.items():
        for index in range(0, size, step):
            yield name, index


@contextmanager
def _flipped(path: Path, table: str, where: str, column: str, index: int) -> Iterator[None]:
    """One byte of one column changed for a while; a number by one and more."""
    db = sqlite3.connect(path, isolation_level=None)
    db.text_factory = bytes
    kinds = {row[1].decode(): row[2].decode() for row in db.execute(f"PRAGMA table_info({table})")}
    update = f"UPDATE {table} SET {column} = CAST(? AS {kinds[column]}) WHERE {where}"
    select = f"SELECT {column} FROM {table} WHERE {where}"
    ((value,),) = db.execute(select).fetchall()
    changed: Any = value + 1 + index if isinstance(value, int | float) else bytearray(value)
    if isinstance(changed, bytearray):
        changed[index] ^= 0x01
        changed = bytes(changed)
    db.execute(update, (changed,))
    try:
        yield
    finally:
        db.execute(update, (value,))
        db.close()
