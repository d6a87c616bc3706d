"""Enrolment at a door beside people from the centre."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.errors import UsageError
from edge.ops.enrol import Consent, save
from edge.records import Template
from tests.support.centre import MODEL, Door, Office, vectors_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("consent", [Consent(), Consent(replace=True)])
def test_who_comes_from_the_office_is_changed_there(tmp_path: Path, consent: Consent) -> None:
    """--replace, which once was advised, would not have helped."""
    office = Office.at(tmp_path / "office")
    door = Door.at(tmp_path, "door1", office.keys.public)
    office.trust(door, "staff")
    office.add("Anna", "staff")
    office.publish("door1")
    door.fetch(office.broker)
    with pytest.raises(UsageError, match="Anna is known here from the people office"):
        save(door.config, Template("Anna", vectors_of("Another"), MODEL), consent)
    door.close()
    office.book.close()
