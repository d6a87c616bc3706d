"""One person more and one less from the centre, at a door that knows many: CPU seconds and memory.

`python -m tests.sight.measure --people 400`: what sight does with a list (vault, ledger, envelopes,
templates for the matcher, who resembles whom), in this process, without a broker.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.access.lookalikes import Lookalikes
from edge.office.rows import Person
from edge.records import Reason, Template
from edge.roster.envelope import Content
from edge.sight.changes import recorded
from edge.vault.credentials import Kind
from tests.support.centre import ALIKE, MODEL, Door, Office

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.records import Floats

SIZE, CAPTURES = 1024, 8
"""A template of the default embedder, two networks side by side."""


def measure(folder: Path, people: int) -> dict[str, float]:
    """CPU seconds by what was done, and MiB."""
    dice = np.random.default_rng(1)

    def vectors() -> Floats:
        made = dice.normal(size=(CAPTURES, SIZE)).astype(np.float32)
        return made / np.linalg.norm(made, axis=1, keepdims=True)

    def seconds(do: Callable[[], object]) -> float:
        begun = time.process_time()
        do()
        return round(time.process_time() - begun, 4)

    office = Office.at(folder / "office")
    door = Door.at(folder, "door1", office.keys.public, size=SIZE)
    office.trust(door, "staff")
    with (
        recorded(door.ledger, door.vault, "door1", Reason.ENROLLED, None),
        door.vault._store.changing(),  # at once, for the measurement alone
    ):
        for number in range(people):
            template = Template(f"Person {number}", vectors(), MODEL)
            door.vault._templates.insert(
                template.person, 1.0, door.vault._templates.turned(template)
            )
    lookalikes = Lookalikes(ALIKE)

    def published() -> float:
        office.publish("door1")

        def obeyed() -> None:
            door.fetch(office.broker)
            lookalikes.know(door.vault.templates(MODEL))

        return seconds(obeyed)

    found = {"start": seconds(lambda: lookalikes.know(door.vault.templates(MODEL)))}
    one = office.book.add(Person("", "One", ("staff",), model=MODEL), Content(vectors()))
    published()
    office.book.add(Person("", "Another", ("staff",), model=MODEL), Content(vectors()))
    found["one more"] = published()
    office.book.remove(one)
    found["one less"] = published()
    found["a card"] = seconds(lambda: door.vault.credentials.identify(Kind.CARD, "1234567"))
    found["sixteen looked at again"] = seconds(door.vault.recheck)
    found["peak MiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    door.close()
    office.book.close()
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=400)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        print(json.dumps(measure(Path(place), options.people)))
