"""Parsers of what comes from outside, under atheris: whatever the bytes, a sentence or a value.

`python -m tests.faults.fuzz TARGET RUNS SEED FOLDER` prints each finding once, as a line of JSON.
Atheris guides the bytes by the branches that they take.
"""

from __future__ import annotations

import json
import random
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import atheris

with atheris.instrument_imports(include=["edge"]):
    from edge import config, sealing
    from edge.access import command, entries
    from edge.errors import EdgeDoorError
    from edge.link import commands, payloads, topics
    from edge.roster import desired, envelope, pages, report
    from edge.vision import bounds
    from edge.wire import codec

from tests.faults import scenarios, tamper

if TYPE_CHECKING:
    from collections.abc import Callable

    Target = Callable[[bytes], object]

MAX_BYTES = 2048
KEYS = [command.public_text(scenarios.OPERATOR)]
NUMBERS = (10**400, -1, 0.5, float("inf"), float("nan"))
MEMBER = pages.Member("p1", "Anna", "a" * 64, 1, ("mon-fri 07:00-19:00",), 2e9)
DOOR = envelope.DoorKey(bytes(envelope.SEED_BYTES))
REPORT = report.Report("door1", 1, "d" * 64, "m" * 64, DOOR.public, refused={"p1": "no"})
VALUES: tuple[object, ...] = (*NUMBERS, "", "x" * 99, "\ud800", None, [], {}, [[1]])
MARKS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"BM", b"RIFF....WEBPVP8X", b"II*\0")


def _file(name: str, read: Callable[[Path], object], folder: Path) -> Target:
    path = folder / name

    def target(data: bytes) -> object:
        path.write_bytes(data)
        return read(path)

    return target


def _command(data: bytes) -> object:
    text = data.decode("utf-8", "surrogateescape")
    with suppress(EdgeDoorError):
        command.signer(text, KEYS)
    return payloads.from_json(payloads.ConfirmPayload, text)


def _arrived(data: bytes) -> object:
    known = topics.Topics("facelock", "door1")
    gate = commands.Commands(known, lambda: KEYS, trust_broker=True)
    heard = sorted(known.heard)
    return gate.read(heard[data[0] % len(heard)] if data else heard[0], data[1:], retained=False)


def targets(folder: Path) -> dict[str, tuple[Target, tuple[bytes, ...]]]:
    """What is fuzzed, and what it begins with."""
    order = scenarios.order(1).encode()
    seal = sealing.make_seal(scenarios.OPERATOR, {"a": "00" * 32}, 1).encode()
    content = envelope.Content.from_json
    return {
        "wire": (codec.decode, tuple(codec.encode(each) for each in tamper.MESSAGES)),
        "command": (_command, (order,)),
        "arrived": (_arrived, (b"\0" + order, b"\1LOCK")),
        "config": (_file("config.toml", config.load, folder), (b"[door]\npulse_s = 3\n",)),
        "pictures": (bounds.size_of, MARKS),
        "seal": (_file("seal", sealing.read_seal, folder), (seal,)),
        "list": (desired.signers, (b'{"body":"{}","signatures":{}}',)),
        "page": (lambda data: entries.obeyable([data]), tuple(pages.spread([MEMBER]).values())),
        "report": (report.Report.from_json, (REPORT.to_json(DOOR),)),
        "envelope": (
            lambda data: content(data, "<f2", "the envelope"),
            (b'{"vectors":"AAAA","captures":1,"cards":[],"pin":null}',),
        ),
    }


def mutate(data: bytes, longest: int, seed: int) -> bytes:
    """Half of JSON by its fields, which blind changes of bytes seldom reach; else as ever."""
    dice = random.Random(seed)
    with suppress(ValueError, TypeError, IndexError, RecursionError):
        fields = json.loads(data)
        if isinstance(fields, list) and fields and dice.random() < 0.5:
            entry = dice.choice(fields)
            entry[dice.choice(list(entry))] = dice.choice(VALUES)
            return json.dumps(fields).encode("utf-8", "surrogatepass")[:longest]
        if isinstance(fields, dict) and fields and dice.random() < 0.5:
            fields[dice.choice(list(fields))] = dice.choice(VALUES)
            return json.dumps(fields).encode("utf-8", "surrogatepass")[:longest]
    if dice.random() < 0.01:
        return b"[" * longest  # the depth of a parser's stack
    mutated: bytes = atheris.Mutate(data, longest)
    return mutated


def main() -> None:
    """Never returns: libFuzzer ends the process when it has run often enough."""
    name, runs, seed, folder = sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4])
    target, begin = targets(folder)[name]
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, data in enumerate(begin):
        (corpus / str(number)).write_bytes(data)
    known: set[str] = set()

    def once(data: bytes) -> None:
        try:
            target(data)
        except EdgeDoorError:
            return
        except Exception as error:  # noqa: BLE001 - whatever else comes out is a finding
            where = traceback.extract_tb(error.__traceback__)[-1]
            what = f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}"
            if what not in known:
                known.add(what)
                sys.stdout.write(json.dumps({"finding": what, "bytes": data.hex()}) + "\n")
                sys.stdout.flush()

    options = [f"-runs={runs}", f"-seed={seed}", f"-max_len={MAX_BYTES}", "-timeout=20"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], once, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
