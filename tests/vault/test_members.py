"""People from the centre in the vault: a list is obeyed as a whole; local people stay."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.errors import UsageError, VaultError
from edge.records import Template
from edge.roster.desired import Desired
from edge.roster.envelope import Content
from edge.roster.pages import Member
from edge.roster.plan import Head, plan
from edge.vault import vault as vault_module
from edge.vault.credentials import Kind
from edge.vault.key import create_key
from edge.vault.sealed import SealedStore
from edge.vault.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODEL = "m" * 64
ANNA = Member("p1", "Anna", "a" * 64, 1, ("mon-fri 07:00-19:00",), 2e9)
BO = Member("p2", "Bo", "b" * 64, 1)


def content(seed: int, *cards: str, pin: str | None = None) -> Content:
    vectors = np.random.default_rng(seed).normal(size=(3, 16)).astype(np.float32)
    return Content(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), cards, pin)


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    create_key(tmp_path / "vault.key")
    with Vault.open(tmp_path / "people.db", tmp_path / "vault.key", "door1") as opened:
        yield opened


def obey(vault: Vault, *members: Member, **contents: Content) -> dict[str, str]:
    head = vault.members.head()
    desired = Desired("door1", head.generation + 1, head.digest, 1.0, None, ())
    todo = plan(desired, members, vault.members.held())
    opened = [(m, contents[m.person]) for m in todo.wanted if m.person in contents]
    return vault.members.obey(todo, opened, MODEL)


def names(vault: Vault) -> list[str]:
    return [person.name for person in vault.people()]


def test_the_door_knows_whom_the_list_says(vault: Vault) -> None:
    assert obey(vault, ANNA, BO, p1=content(1, "1234567"), p2=content(2, pin="4711")) == {}
    assert names(vault) == ["Anna", "Bo"]
    assert vault.members.held() == {"p1": ANNA, "p2": BO}
    assert vault.members.head().generation == 1
    assert len(vault.templates(MODEL)) == 2
    found = vault.credentials.identify(Kind.CARD, "1234567")
    assert found is not None
    assert found.person == "Anna"


def test_who_is_no_longer_on_the_list_is_forgotten(vault: Vault) -> None:
    obey(vault, ANNA, BO, p1=content(1, "1234567"), p2=content(2))
    assert obey(vault, BO) == {}
    assert names(vault) == ["Bo"]
    assert vault.credentials.identify(Kind.CARD, "1234567") is None


def test_whose_envelope_has_not_come_is_not_known_yet(vault: Vault) -> None:
    assert obey(vault, ANNA, BO, p2=content(2)) == {}
    assert names(vault) == ["Bo"]
    again = plan(Desired("door1", 1, "", 1.0, None, ()), (ANNA, BO), {"p2": BO})
    assert again.wanted == (ANNA,)


def test_who_is_from_the_centre_is_not_changed_at_the_door(vault: Vault) -> None:
    obey(vault, ANNA, p1=content(1))
    assert vault.members.has("anna")
    with pytest.raises(UsageError, match="from the people office: change them there"):
        vault.members.refuse("ANNA")
    vault.members.refuse("Bo")
    assert not vault.members.has("Bo")


def test_local_people_are_not_the_centres(vault: Vault) -> None:
    vectors = content(9).vectors
    vault.add(Template("ANNA", vectors, MODEL))
    refused = obey(vault, ANNA, BO, p1=content(1, "1234567"), p2=content(2))
    assert "somebody who was enrolled at this door is called ANNA" in refused["p1"]
    assert names(vault) == ["ANNA", "Bo"]
    assert vault.credentials.identify(Kind.CARD, "1234567") is None
    assert obey(vault) == {}
    assert names(vault) == ["ANNA"]


def test_a_card_that_is_taken_leaves_nothing_half_done(vault: Vault) -> None:
    refused = obey(vault, ANNA, BO, p1=content(1, "1234567"), p2=content(2, "7654321", "1234567"))
    assert "in use already" in refused["p2"]
    assert names(vault) == ["Anna"]
    assert vault.credentials.identify(Kind.CARD, "7654321") is None


def test_a_name_and_a_card_are_handed_on_within_one_list(vault: Vault) -> None:
    """Whichever of the two comes first on it."""
    obey(vault, ANNA, BO, p1=content(1, "1234567"), p2=content(2))
    named = replace(BO, name="Anna"), replace(ANNA, name="Berta")
    assert obey(vault, *named) == {}
    held = {member.person: member.name for member in vault.members.held().values()}
    assert held == {"p1": "Berta", "p2": "Anna"}
    fresh = [replace(one, envelope="c" * 64, sealed=9) for one in named]
    assert obey(vault, *fresh, p1=content(1), p2=content(2, "1234567")) == {}
    assert holder(vault, "1234567") == "Anna"


def test_two_whom_an_older_program_told_apart_are_told_apart_still(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What counts as one name has changed since: who removed the one forgot the other."""
    first = replace(ANNA, name="Anna\ufe0f")
    with monkeypatch.context() as before:
        before.setattr("edge.names._VARIANTS", {})
        obey(vault, first, p1=content(1))
        for name in ("Ida", "Ida\ufe0f"):
            vault.add(Template(name, content(3).vectors, MODEL))
    vault.remove("Ida\ufe0f")
    assert names(vault) == ["Anna\ufe0f", "Ida"]
    refused = obey(vault, first, replace(BO, name="Anna"), p2=content(2))
    assert "somebody else from the people office is called Anna" in refused["p2"]


def holder(vault: Vault, card: str) -> str | None:
    found = vault.credentials.identify(Kind.CARD, card)
    return None if found is None else found.person


@pytest.mark.parametrize("broken", [False, True])
def test_names_and_cards_are_exchanged_within_one_list_or_not_at_all(
    vault: Vault, broken: bool
) -> None:
    cy, dan = Member("p3", "Cy", "d" * 64, 1), Member("p4", "Dan", "e" * 64, 1)
    cards = {"p1": "1234567", "p2": "7654321", "p3": "1111222"}
    first = {person: content(int(person[1]), card) for person, card in cards.items()}
    obey(vault, ANNA, BO, cy, dan, **first, p4=content(4))
    faces = {one.person: one.vectors for one in vault.templates(MODEL)}
    # Anna, Bo and Cy pass names and cards round; whoever is broken keeps the others as they were.
    turned = [
        replace(one, name=name, envelope=one.envelope[:63] + "0", sealed=9)
        for one, name in ((ANNA, "Bo"), (BO, "Cy"), (cy, "Anna"), (dan, "Daniel"))
    ]
    passed = {
        "p1": content(1, "7654321"),
        "p2": content(2, "1111222"),
        "p3": content(3, "no card" if broken else "1234567"),
    }
    refused = obey(vault, *turned, **passed, p4=content(4))
    assert set(refused) == ({"p1", "p2", "p3"} if broken else set())
    held = {person: member.name for person, member in vault.members.held().items()}
    assert held["p4"] == "Daniel"
    after = {one.person: one.vectors for one in vault.templates(MODEL)}
    for person, name in (("p1", "Anna"), ("p2", "Bo"), ("p3", "Cy")):
        assert np.allclose(after[held[person]], faces[name], atol=1e-3), "a face under its number"
        assert (held[person] == name) == broken
    assert holder(vault, "1234567") == "Anna"
    assert holder(vault, "7654321") == "Bo"
    vault.recheck()


def test_a_new_name_schedule_and_template(vault: Vault) -> None:
    obey(vault, ANNA, p1=content(1))
    (before,) = vault.templates(MODEL)
    assert obey(vault, replace(ANNA, name="Anna Berg", schedule=())) == {}
    (renamed,) = vault.templates(MODEL)
    assert (renamed.person, vault.members.held()["p1"].schedule) == ("Anna Berg", ())
    assert np.array_equal(renamed.vectors, before.vectors)
    assert obey(vault, replace(ANNA, envelope="c" * 64, sealed=3), p1=content(5)) == {}
    (renewed,) = vault.templates(MODEL)
    assert not np.array_equal(renewed.vectors, before.vectors)


def test_nothing_changes_if_the_list_breaks(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    obey(vault, ANNA, p1=content(1))

    def broken(*_: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr("edge.vault.members.Members._write", broken)
    with pytest.raises(RuntimeError):
        obey(vault, BO, p2=content(2))
    monkeypatch.undo()
    assert names(vault) == ["Anna"]
    assert vault.members.head().generation == 1


def test_a_vault_of_before_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its seal covered two tables; the new ones are empty."""
    create_key(tmp_path / "vault.key")
    files = tmp_path / "people.db", tmp_path / "vault.key", "door1"
    with monkeypatch.context() as older:
        older.setattr("edge.vault.vault._TABLES", ("people", "credentials"))
        schema = vault_module._SCHEMA
        older.setattr("edge.vault.vault._SCHEMA", replace(schema, migrations=schema.migrations[:1]))
        older.setattr("edge.vault.members.Members.head", lambda _: Head())
        older.setattr("edge.vault.rotated.migrate", lambda *_: None)
        older.setattr(SealedStore, "_mac", lambda store, counter, _: store._older_mac(counter))
        older.setattr("edge.vault.earlier.Hashes.of", lambda *_: None)
        with Vault.open(*files) as before:
            before.add(Template("Cy", content(3).vectors, MODEL))
    with Vault.open(*files) as vault:
        assert names(vault) == ["Cy"]
        assert vault.members.head() == Head()


def test_a_rewritten_generation_shows(tmp_path: Path) -> None:
    create_key(tmp_path / "vault.key")
    files = tmp_path / "people.db", tmp_path / "vault.key", "door1"
    with Vault.open(*files) as vault:
        obey(vault, ANNA, p1=content(1))
        vault._store.query("UPDATE roster SET generation = 0")
        with pytest.raises(VaultError, match="changed by another program"):
            vault.members.head()


def test_an_end_counts_though_the_new_template_or_the_new_name_does_not_come(vault: Vault) -> None:
    """Whoever withholds an envelope, or has the name that somebody should get, prolongs nothing."""
    obey(vault, ANNA, BO, p1=content(1), p2=content(2))
    ends = replace(ANNA, envelope="f" * 64, sealed=7, expires=5.0, schedule=("mon 08:00-09:00",))
    obey(vault, ends, BO)
    held = vault.members.held()["p1"]
    assert (held.expires, held.schedule) == (5.0, ("mon 08:00-09:00",))
    assert (held.envelope, held.sealed) == (ANNA.envelope, ANNA.sealed), "still waited for"
    refused = obey(vault, ANNA, replace(BO, name="ANNA", expires=6.0))
    assert "somebody else from the people office is called Anna" in refused["p2"]
    assert (vault.members.held()["p2"].expires, names(vault)) == (6.0, ["Anna", "Bo"])


def test_new_rights_and_a_new_template_at_once_make_one_new_row(vault: Vault) -> None:
    """Its generation goes on: an older template must not open in a newer row's place."""
    obey(vault, ANNA, p1=content(1))
    for number in range(2, 5):
        again = replace(ANNA, envelope=f"{number}" * 64, expires=float(number))
        obey(vault, again, p1=content(number))
        ((generation,),) = vault._store.query("SELECT generation FROM people")
        assert generation == number
