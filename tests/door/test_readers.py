"""Keypads and card readers: what they send becomes one claim, or none."""

from __future__ import annotations

import os
import pty
from importlib import import_module
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.door.pins import Edge
from edge.door.pins.base import Pins
from edge.door.pins.fake import Board, FakeLines
from edge.door.readers import open_readers
from edge.door.readers.claim import PinEntry
from edge.door.readers.device import DeviceReader, open_tty
from edge.door.readers.matrix import KEYS, SCAN_S, Matrix
from edge.door.readers.serial import SerialKeys
from edge.door.readers.serial_card import SerialCard
from edge.door.readers.wedge import EVENT, Wedge
from edge.door.readers.wiegand import GAP_S, Wiegand, card_number, pressed_key
from edge.vocabulary import Reader, ReaderKind
from edge.wire.messages import Credential, Presented

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

D0, D1 = 12, 13


def frame(number: int, bits: int) -> str:
    """A frame with right parity: even over the first half, odd over the second."""
    data = format(number, f"0{bits - 2}b")
    half = (bits - 2) // 2
    first = str(data[:half].count("1") % 2)
    last = str(1 - data[half:].count("1") % 2)
    return first + data + last


def falls(bits: str, start: float = 1.0, spacing: float = 0.002) -> list[Edge]:
    return [
        Edge(D1 if bit == "1" else D0, at=start + index * spacing) for index, bit in enumerate(bits)
    ]


@pytest.fixture
def wiegand(tmp_path: Path) -> Iterator[Wiegand]:
    with Pins(FakeLines(tmp_path)) as pins:
        yield Wiegand(pins, D0, D1)


@pytest.mark.parametrize(("bits", "number"), [(26, 8_675_309), (34, 3_735_928_559), (26, 0)])
@pytest.mark.parametrize("spacing", [0.0002, 0.001, 0.02])
def test_a_card(wiegand: Wiegand, bits: int, number: int, spacing: float) -> None:
    edges = falls(frame(number, bits), spacing=spacing)
    assert wiegand.claims(edges, edges[-1].at) == []
    assert wiegand.deadline == pytest.approx(edges[-1].at + GAP_S)
    assert wiegand.claims([], edges[-1].at + GAP_S) == [Presented(Credential.CARD, str(number))]
    assert wiegand.deadline is None


def test_edges_may_come_late_and_in_pieces(wiegand: Wiegand) -> None:
    """A guard that was busy gets two frames at once; the kernel's stamps tell them apart."""
    edges = falls(frame(7, 26)) + falls(frame(8, 26), start=1.2)
    found = wiegand.claims(edges[:40], 5.0) + wiegand.claims(edges[40:], 5.001)
    assert found[0] == Presented(Credential.CARD, "7")
    # The second was still under way when time passed it by: cut off, and not half believed.
    assert found[1:] == []


@pytest.mark.parametrize("flipped", range(26))
def test_a_flipped_bit_is_no_card(flipped: int) -> None:
    bits = frame(8_675_309, 26)
    wrong = bits[:flipped] + str(1 - int(bits[flipped])) + bits[flipped + 1 :]
    assert card_number(wrong) is None


def test_a_lost_bit_a_glitch_and_noise_are_no_card(wiegand: Wiegand) -> None:
    edges = falls(frame(99, 26))
    assert wiegand.claims(edges[:-1], 9.0) == []
    glitch = Edge(D0, at=edges[3].at + 20e-6)
    assert wiegand.claims(sorted([*edges[:-1], glitch], key=lambda edge: edge.at), 9.0) == []
    assert wiegand.claims(falls("01" * 400), 9.0) == []
    assert wiegand.claims([Edge(99, at=1.0)], 9.0) == []
    assert wiegand.claims(falls(frame(99, 26), start=20.0), 30.0) != []


@given(st.text(alphabet="01", max_size=60))
def test_no_sequence_of_bits_breaks_it(bits: str) -> None:
    pressed_key(bits)
    if len(bits) in (26, 34):
        number = card_number(bits)
        assert number is None or frame(number, len(bits)) == bits


@pytest.mark.parametrize(
    ("bits", "why"),
    [
        (frame(8_675_309, 26).translate(str.maketrans("01", "10")), "Are D0 and D1 swapped?"),
        (frame(99, 34).translate(str.maketrans("01", "10")), "Are D0 and D1 swapped?"),
        ("1" + frame(8_675_309, 26)[1:], "parity is wrong"),
        ("01" * 18 + "1", "not one of 26 or 34 bits"),
    ],
)
def test_a_card_that_cannot_be_read_is_told_once(
    wiegand: Wiegand, bits: str, why: str, capfd: pytest.CaptureFixture[str]
) -> None:
    for start in (1.0, 5.0):
        assert wiegand.claims(falls(bits, start=start), start + 2) == []
    assert capfd.readouterr().err.count(why) == 1


def test_keys_of_a_wiegand_keypad(wiegand: Wiegand) -> None:
    found: list[Presented] = []
    for index, key in enumerate("4711#"):
        code = format("0123456789*#".index(key), "04b")
        inverted = "".join(str(1 - int(bit)) for bit in code)
        burst = code if index % 2 else inverted + code
        start = 1.0 + index
        found += wiegand.claims(falls(burst, start=start), start + 0.5)
    assert found == [Presented(Credential.PIN, "4711")]


def test_wiegand_through_the_board(tmp_path: Path) -> None:
    pins = Pins(FakeLines(tmp_path))
    (reader,) = open_readers((Reader(ReaderKind.WIEGAND, (D0, D1)),), pins)
    board = Board(tmp_path)
    edges = []
    for bit in frame(1234, 26):
        line = D1 if bit == "1" else D0
        board.set_input(line, high=True)
        board.set_input(line, high=False)
        edges += pins.edges()
    assert len(edges) == 26
    even = [Edge(each.line, 1 + 0.001 * n) for n, each in enumerate(edges)]
    assert reader.claims(even, 2) == [Presented(Credential.CARD, "1234")]
    pins.close()


def typed(keys: str, pause: float = 0.5) -> list[Presented]:
    entry = PinEntry()
    found: list[Presented] = []
    for index, key in enumerate(keys):
        found += entry.key(key, 100 + index * pause)
    return found


@pytest.mark.parametrize(
    ("keys", "pins"),
    [
        ("4711#", ["4711"]),
        ("123#", []),
        ("1234567890123#", []),
        ("123456789012#", ["123456789012"]),
        ("12*4711#", ["4711"]),
        ("4711A", []),
        ("###", []),
        ("4711#0815#", ["4711", "0815"]),
    ],
)
def test_typing_a_pin(keys: str, pins: list[str]) -> None:
    assert typed(keys) == [Presented(Credential.PIN, pin) for pin in pins]


def test_digits_are_forgotten_after_a_while() -> None:
    assert typed("4711#", pause=11) == []


class Keypad:
    """A matrix of switches: a pressed key joins its row's line to its column's."""

    poll_s: float | None = None

    def __init__(self, rows: tuple[int, ...], columns: tuple[int, ...]) -> None:
        self.rows, self.columns = rows, columns
        self.low: set[int] = set()
        self.pressed = ""

    def open_output(self, pin: object, *, high: bool) -> None:
        self.write(pin.line, high=high)  # type: ignore[attr-defined]

    def open_input(self, pin: object, *, edges: bool) -> None:
        pass

    def write(self, line: int, *, high: bool) -> None:
        self.low = self.low - {line} if high else self.low | {line}

    def read(self, line: int) -> bool:
        column = self.columns.index(line)
        joined = [
            row for row, names in zip(self.rows, KEYS, strict=True) if names[column] in self.pressed
        ]
        return not any(row in self.low for row in joined)

    def falls(self) -> list[tuple[int, float]]:
        return []

    def wakes(self) -> tuple[int, ...]:
        return ()

    def free(self) -> None:
        pass


def press(keypad: Keypad, matrix: Matrix, keys: str, now: float, seconds: float) -> list[object]:
    keypad.pressed = keys
    end = now + seconds
    found: list[object] = []
    while now < end:
        found += matrix.claims([], now)
        now += SCAN_S
    return found


def test_a_matrix_keypad() -> None:
    rows, columns = (1, 2, 3, 4), (5, 6, 7)
    keypad = Keypad(rows, columns)
    matrix = Matrix(Pins(keypad), rows, columns)
    found, now = [], 10.0
    for key in "0992#":
        found += press(keypad, matrix, key, now, 0.2)  # held: still one key
        found += press(keypad, matrix, "", now + 0.2, 0.1)
        now += 0.5
    assert found == [Presented(Credential.PIN, "0992")]
    assert matrix.deadline is None
    assert keypad.low == set(rows)


def test_two_keys_at_once_and_a_flicker_count_for_nothing() -> None:
    rows, columns = (1, 2, 3, 4), (5, 6, 7, 8)
    keypad = Keypad(rows, columns)
    matrix = Matrix(Pins(keypad), rows, columns)
    now = 10.0
    for keys in ("12", "D#", ""):
        press(keypad, matrix, keys, now, 0.1)
        now += 0.2
    for key in "4711":
        press(keypad, matrix, key, now, 0.1)
        press(keypad, matrix, "", now + 0.1, 0.1)
        now += 0.3
    press(keypad, matrix, "9", now, SCAN_S / 2)  # seen once only
    press(keypad, matrix, "", now + SCAN_S, 0.1)
    assert press(keypad, matrix, "#", now + 0.5, 0.1) == [Presented(Credential.PIN, "4711")]


def test_a_serial_keypad_over_a_terminal() -> None:
    near, far = pty.openpty()
    name = os.ttyname(far)
    reader = DeviceReader(name, lambda path: open_tty(path, 9600), SerialKeys())
    assert reader.claims([], 1.0) == []
    assert reader.fileno() >= 0
    os.write(near, b"\xff47x")
    assert reader.claims([], 1.1) == []
    os.write(near, b"11\r\n")
    assert reader.claims([], 1.2) == [Presented(Credential.PIN, "4711")]
    os.close(near)
    os.close(far)
    reader.claims([], 1.3)
    assert reader.fileno() == -1, "an unplugged keypad is noticed"


def test_a_reader_that_is_away_is_tried_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "reader"
    opened = []

    def opener(name: str) -> int:
        opened.append(name)
        return os.open(name, os.O_RDONLY)

    reader = DeviceReader(str(path), opener, SerialKeys())
    assert reader.claims([], 10.0) == []
    assert reader.claims([], 11.0) == []
    assert (len(opened), reader.deadline) == (1, 12.0)
    assert reader.claims([], 12.0) == []
    path.write_text("4711#")
    assert reader.claims([], 14.0) == [Presented(Credential.PIN, "4711")]
    assert reader.claims([], 14.1) == []
    assert reader.fileno() == -1
    said = capfd.readouterr().err
    assert said.count("is away") == 2
    assert said.count("is there") == 1
    assert "4711" not in said


def test_a_device_that_is_no_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(OSError, match="not a serial line"):
        open_tty(str(path), 9600)
    reader = DeviceReader(str(path), lambda name: open_tty(name, 9600), SerialKeys())
    assert reader.claims([], 10.0) == []
    assert "is away (not a serial line" in capfd.readouterr().err


def test_a_serial_card() -> None:
    code = bytes.fromhex("0A00123456")
    check = code[0] ^ code[1] ^ code[2] ^ code[3] ^ code[4]
    good = b"\x02" + code.hex().upper().encode() + f"{check:02X}".encode() + b"\x03"
    reader = SerialCard()
    assert reader.feed(b"noise" + good[:5], 0.0) == []
    assert reader.feed(good[5:], 0.0) == [Presented(Credential.CARD, str(0x00123456))]
    wrong = good.replace(b"56", b"57")
    for bad in (wrong, good[:-2] + b"\x03", b"\x02" + b"G" * 12 + b"\x03", b"\x02" + b"0" * 90):
        assert reader.feed(bad, 0.0) == []
    assert reader.feed(good, 0.0) != []


def key_events(codes: list[int]) -> bytes:
    down_and_up = [
        EVENT.pack(0, 0, 1, code, value) + EVENT.pack(0, 0, 0, 0, 0)
        for code in codes
        for value in (1, 0)
    ]
    return b"".join(down_and_up)


def test_a_usb_reader_types_a_card() -> None:
    digits = [11, 11, 2, 3, 4, 82, 79]  # 0 0 1 2 3, then 0 1 on the number pad
    wedge = Wedge()
    data = key_events([*digits, 28])
    assert wedge.feed(data[:101], 0.0) == []
    assert wedge.feed(data[101:], 0.01) == [Presented(Credential.CARD, "12301")]
    assert wedge.feed(key_events([2, 57, 28]), 1.0) == []  # a space is in no card's number
    assert wedge.feed(key_events([2] * 40 + [28]), 2.0) == []
    assert wedge.feed(key_events([2, 3]), 3.0) == []
    assert wedge.feed(key_events([4, 28]), 9.0) == [Presented(Credential.CARD, "3")]
    assert wedge.feed(key_events([30, 2, 28]), 20.0) == [Presented(Credential.CARD, "A1")]
    capital = [42, 30, 2, 54, 33, 69, 79, 28]  # with Shift, as most type hexadecimal numbers
    assert wedge.feed(key_events(capital), 25.0) == [Presented(Credential.CARD, "A1F1")]
    assert wedge.feed(key_events([28]), 30.0) == []


@pytest.mark.parametrize("kind", ReaderKind)
def test_every_kind_has_its_file(kind: ReaderKind) -> None:
    assert callable(import_module(f"edge.door.readers.{kind.value}").fitted)
