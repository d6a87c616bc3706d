"""People and their templates, encrypted; changed by nobody without the key.

Each person has a data key of their own (AES-256-GCM), wrapped by a key from the key file.
Everything in a person's row is authenticated with it together with the device's id, so a row does
not open under another name, another person's key, an older generation or on another device. The
database as a whole is sealed (`edge.vault.sealed`).

Removing a person overwrites the wrapped key and the templates in the database (secure_delete) and
its log. Flash may keep old copies of a page where only a laboratory finds them; they open only
with the key file.
"""

from __future__ import annotations

import time
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge.errors import VaultError
from edge.names import proper_name
from edge.records import Template
from edge.roster.envelope import DoorKey
from edge.store import Store
from edge.store.schema import Schema
from edge.vault import credentials, earlier, members, people, rotated, sealed
from edge.vault.counter import Counter
from edge.vault.credentials import Credentials
from edge.vault.key import Keys, create_key, load_keys
from edge.vault.members import Members
from edge.vault.people import PersonRow, find, people_rows, refuse_taken
from edge.vault.sealed import SealedStore
from edge.vault.templates import Templates

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

    from edge.access.rotation import Rotation
    from edge.config import Config

_AT_A_TIME = 16
"""People, whose secrets are half a megabyte."""

_SCHEMA = Schema(
    name="people database",
    error=VaultError,
    application_id=0x45445631,  # "EDV1"
    mode=0o600,
    migrations=(
        (
            sealed.TABLE,
            people.TABLE,
            credentials.TABLE,
        ),
        members.TABLES,
        (rotated.TABLE,),
        (earlier.TABLE,),
    ),
    lost="Put it back from a backup.",
)


@dataclass(frozen=True, slots=True)
class Person:
    """Who is enrolled; known without opening any template."""

    name: str
    enrolled: float
    """Wall time of the enrolment, seconds since the Unix epoch."""
    captures: int
    model: str
    """SHA-256 of the model that made the template."""


_TABLES = ("people", "credentials", "members", "roster", "rotated", "earlier")


class Vault:
    """The open people database. One thread; any number of processes.

    Every method raises VaultError when the database was changed by another hand, is not of this
    key or device, or is older than what this key has seen.
    """

    def __init__(self, store: SealedStore, keys: Keys, device: str) -> None:
        self._store = store
        self._keys = keys
        self._device = device
        self.path = store.path
        self._templates = Templates(store, keys, device)
        self._read: dict[PersonRow, Template] = {}
        """Opened already: whoever has not changed is not decrypted again."""
        self.credentials = Credentials(store, keys)
        """Cards and PINs."""
        self.door_key = DoorKey(keys.envelopes)
        """Opens what the people office has sealed for this door."""
        self.members = Members(store, self._templates, self.credentials)
        """Who is known from the centre."""

    @classmethod
    def open(
        cls,
        db: Path,
        key_file: Path,
        device: str,
        *,
        accept_older: bool = False,
        read_only: bool = False,
    ) -> Self:
        """Open the people of `device`, or begin with nobody.

        `accept_older` takes a database that is older than the counter beside the key: for
        someone who has restored a backup on purpose. `read_only` writes nothing, so that a disk
        that only reads can be read: no method that changes anything may follow.
        """
        keys = load_keys(key_file)
        if not read_only:
            return cls.open_with(keys, db, device, accept_older=accept_older)
        store = Store.open(db, _SCHEMA, read_only=True)
        try:
            counter = Counter(db.with_name("vault.counter"), keys.seal)
            sealed_store = SealedStore(store, _TABLES, keys, counter, device)
            rotated.require(sealed_store)
            vault = cls(sealed_store, keys, device)
            vault.people()
        except BaseException:
            store.close()
            raise
        return vault

    @classmethod
    def open_with(cls, keys: Keys, db: Path, device: str, *, accept_older: bool = False) -> Self:
        """As `open`, with keys that were read already."""
        counter = Counter(db.with_name("vault.counter"), keys.seal)
        store = Store.open(db, _SCHEMA)
        try:
            sealed_store = SealedStore(store, _TABLES, keys, counter, device)
            sealed_store.begin()
            if accept_older:
                sealed_store.accept()
            vault = cls(sealed_store, keys, device)
            rotated.migrate(sealed_store, vault._templates)
            sealed_store.renew()
            vault.people()
        except BaseException:
            store.close()
            raise
        return vault

    @property
    def rotation(self) -> Rotation:
        """What templates here are turned by, and what a probe must be before it is compared."""
        return self._templates.rotation

    @staticmethod
    def require_not_newer(db: Path) -> None:
        """See that no newer edge-door has written there. Raises VaultError."""
        Store.require_not_newer(db, _SCHEMA)

    @staticmethod
    def require_model(db: Path, model: str) -> None:
        """See that everybody was enrolled with that model (SHA-256), as far as that is seen.

        It needs no key. A database of an older form is read once it was moved.

        Raises:
            VaultError: somebody was not.
        """
        foreign: list[str] = []
        with suppress(VaultError), closing(Store.open(db, _SCHEMA, read_only=True)) as store:
            asked = "SELECT name FROM people WHERE model != ? ORDER BY name"
            foreign = [str(name) for (name,) in store.query(asked, (model,))]
        _require_none(foreign, model)

    @staticmethod
    def count_anew(keys: Keys, db: Path, device: str) -> None:
        """Write the counter's file for a database that is sealed under another key than it was.

        Raises:
            VaultError: the database is not under these keys; nothing was written.
        """
        counter = Counter(db.with_name("vault.counter"), keys.seal)
        store = Store.open(db, _SCHEMA)
        try:
            counter.write(SealedStore(store, _TABLES, keys, counter, device).changes())
        finally:
            store.close()

    def people(self) -> list[Person]:
        """Everybody enrolled, by name."""
        with self._store.reading() as tables:
            rows = people_rows(tables)
        return [Person(row.name, row.enrolled, row.captures, row.model) for row in rows]

    def spelt(self, name: str) -> str:
        """Somebody's name as it is kept here: who writes it otherwise means the same person.

        Raises:
            UsageError: nobody has that name.
        """
        with self._store.reading() as tables:
            return find(people_rows(tables), name).name

    def templates(self, model: str) -> tuple[Template, ...]:
        """Everybody's template, by name, turned by this device's `rotation`.

        Raises:
            VaultError: also when a template was made by another model than `model` (SHA-256).
        """
        with self._store.reading() as tables:
            return self._templates_of(people_rows(tables), model)

    def _templates_of(self, rows: list[PersonRow], model: str) -> tuple[Template, ...]:
        _require_none([row.name for row in rows if row.model != model], model)
        read, self._read = self._read, {}
        for row in rows:
            known = read.get(row)
            self._read[row] = known or Template(row.name, self._templates.read(row), row.model)
        return tuple(self._read.values())

    def comparable(self, model: str) -> tuple[Template, ...]:
        """As `templates`, without whoever was enrolled with another model."""
        with self._store.reading() as tables:
            return self._templates_of([r for r in people_rows(tables) if r.model == model], model)

    def plain_templates(self, model: str) -> tuple[Template, ...]:
        """As `templates`, turned back: for comparisons with pictures of the same process."""
        return tuple(
            replace(one, vectors=self.rotation.back(one.vectors)) for one in self.templates(model)
        )

    def add(self, template: Template) -> None:
        """Enrol a person.

        Raises:
            UsageError: the name is not one, or somebody has it.
        """
        name = proper_name(template.person)
        with self._store.changing() as tables:
            refuse_taken(people_rows(tables), name)
            self._templates.insert(name, time.time(), self._templates.turned(template))

    def replace(self, template: Template) -> None:
        """Give an enrolled person a new template, under a new key.

        Raises:
            UsageError: nobody has that name.
        """
        with self._store.changing() as tables:
            row = find(people_rows(tables), template.person)
            turned = self._templates.turned(template)
            self._templates.update(row, row.name, time.time(), turned)

    def rename(self, old: str, new: str) -> None:
        """Change a person's name.

        Raises:
            UsageError: nobody has the old name, the new one is not a name, or somebody else has it.
        """
        name = proper_name(new)
        with self._store.changing() as tables:
            rows = people_rows(tables)
            row = find(rows, old)
            refuse_taken([other for other in rows if other is not row], name)
            template = Template(name, self._templates.read(row), row.model)
            self._templates.update(row, name, row.enrolled, template)

    def remove(self, name: str) -> None:
        """Forget a person: their key is overwritten, then the row goes.

        Raises:
            UsageError: nobody has that name.
        """
        with self._store.changing() as tables:
            row = find(people_rows(tables), name)
            self._store.query("DELETE FROM people WHERE id = ?", (row.id,))

    def rekey(self, new: Keys) -> None:
        """Encrypt everything here under another device key; all, or nothing if it breaks.

        The vault must be opened anew afterwards, and the counter's file belongs to the new key.
        """
        templates = Templates(self._store, new, self._device)
        with self._store.rewriting(new) as tables:
            self._templates.rekey(people_rows(tables), templates)
            self.credentials.rekey(tables, new)

    def changed(self) -> bool:
        """Whether another process has written since the last call (or since opening)."""
        return self._store.changed()

    def changes(self) -> int:
        """How often the people here, or their credentials, were changed."""
        return self._store.changes()

    def recheck(self) -> None:
        """Check everything but the secrets, and those of some people, a few more each time."""
        self._store.recheck(_AT_A_TIME)

    def stand(self) -> None:
        """See that the open database is still the one of its name."""
        self._store.stand()

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_vault(config: Config, *, begin: bool = True, read_only: bool = False) -> Vault:
    """The people of this device; makes the key on the very first start, never a second time.

    `begin`: False for whoever only asks, or changes what is there: nothing is made then.
    `read_only`: for whoever only asks; see `Vault.open`.

    Raises:
        VaultError: the key or the database is missing, damaged, or of another device.
    """
    if not begin:
        require_begun(config)
        if not config.people_db.exists():
            raise VaultError(
                f"{config.people_db} is missing. Put it back from a backup; `edge-door init` and "
                "the door's next start begin another, with nobody in it."
            )
    elif not config.key_file.exists() and not config.people_db.exists():
        create_key(config.key_file)
    return Vault.open(config.people_db, config.key_file, config.device.id, read_only=read_only)


def require_begun(config: Config) -> None:
    """See that this device has a state: whoever only asks or changes must not begin one.

    Raises:
        VaultError: neither a key nor a database is there.
    """
    begun = config.key_file, config.locked_key, config.people_db, config.ledger_db
    if not any(path.exists() for path in begun):
        raise VaultError(
            f"no door's key or database is in {config.paths.state} yet: `edge-door init` makes "
            "them, and so does the door's first start. The files of a backup go there first."
        )


def _require_none(foreign: list[str], model: str) -> None:
    """Nobody is enrolled with another model."""
    if foreign:
        raise VaultError(
            f"{', '.join(foreign)}: enrolled with another model than the one in use "
            f"({model[:12]}), and their vectors cannot be compared. Remove them with "
            "`edge-door people remove` and enrol them again, or configure the earlier model."
        )
