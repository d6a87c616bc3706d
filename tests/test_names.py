"""One fold for names: people, schedules, claims, `pin_alone`."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import UsageError
from edge.names import folded, listed, nobodys, proper_name

JOSE = "Jos\u00e9"


@pytest.mark.parametrize(
    "written",
    [
        JOSE,
        unicodedata.normalize("NFD", JOSE),
        f" {JOSE} ",
        JOSE.upper(),
        "\uff2a\uff4f\uff53\u00e9",  # full width
    ],
)
def test_one_person_however_they_are_written(written: str) -> None:
    assert folded(written) == folded(JOSE)


def test_spaces_count_once() -> None:
    assert folded("Anna  Maria") == folded("anna\u00a0maria ") != folded("annamaria")
    assert proper_name("  Anna   Maria ") == "Anna Maria"


PERSIAN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647"
MALAYALAM = "\u0d05\u0d28\u0d4d\u200d"


@pytest.mark.parametrize("name", [PERSIAN, MALAYALAM])
def test_a_half_space_is_a_letter_where_the_script_needs_it(name: str) -> None:
    assert proper_name(name) == name
    assert folded(name) != folded(name.replace("\u200c", "").replace("\u200d", ""))


@pytest.mark.parametrize(
    "name",
    [
        *("An\u200cna", "\u200cAnna", "Anna\u200d", "\u0645\u200c"),
        # By Unicode's tables these are letters and marks; they show nothing.
        *("Anna\u034f", "\u115fAnna", "An\u17b4na", "\u180b", "\u2800", "\u3164", "\uffa0"),
        *("\ufe0f", "\U000e0100", "\uff0a", "*\ufe0f"),  # nothing, and everybody
    ],
)
def test_an_invisible_letter_makes_no_second_anna(name: str) -> None:
    with pytest.raises(UsageError, match="is not a name"):
        proper_name(name)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("\u845b\U000e0100\u57ce", "\u845b\u57ce"),
        ("Anna \u2764\ufe0f", "Anna \u2764"),
        ("\u1828\u180b\u1820\u1837\u1820", "\u1828\u1820\u1837\u1820"),  # Mongolian
    ],
)
def test_a_variant_of_a_sign_is_kept_and_makes_no_other_person(name: str, plain: str) -> None:
    """A screen that lacks it shows the sign itself."""
    assert proper_name(name) == name
    assert folded(name) == folded(plain)


@given(st.text(max_size=80))
def test_a_proper_name_stays_as_it_is(text: str) -> None:
    try:
        name = proper_name(text)
    except UsageError:
        return
    assert 1 <= len(name) <= 64
    assert proper_name(name) == name
    assert folded(name) == folded(text)


def test_whom_nobody_is_called() -> None:
    assert nobodys(["*", "anna ", "Bo"], ["Anna", "Cleo"]) == ["Bo"]


def test_a_long_list_is_cut() -> None:
    assert listed([]) == "nobody"
    assert listed(["Anna", "Bo"]) == "Anna, Bo"
    many = listed(f"P{i}" for i in range(200))
    assert many.endswith("P7 and 192 more")
