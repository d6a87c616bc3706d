"""Names of people: how they are kept, and what makes two of them the same.

People, schedules, claims, `pin_alone` and `--replace` all compare names through `folded`.
"""

from __future__ import annotations

import difflib
import unicodedata
from typing import TYPE_CHECKING

from edge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

EVERYBODY = "*"
"""Stands for all people, in schedules and in `pin_alone`."""
MAX_NAME = 64
"""Characters."""

_FEW = 8
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks by Unicode's tables, and nothing on every screen: with one of them two names
look alike, and one of them alone is a name that nobody sees."""
_VARIANTS = dict.fromkeys(
    (*range(0x180B, 0x180E), 0x180F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
)
"""Ask for a form of the sign before them, as in Mongolian and Japanese names, which many screens do
not have."""
_NON_JOINER, _JOINER = "\u200c", "\u200d"
_VIRAMA = 9
_ARABIC_LETTER = "AL"


def proper_name(name: str) -> str:
    """`name` as it is kept: composed, single spaces, none at its ends.

    Raises:
        UsageError: it is empty, too long, stands for everybody, or holds what does not print.
    """
    # Spaces alone are forgiven: a line end or a tab is no slip of the finger.
    composed = " ".join(filter(None, unicodedata.normalize("NFC", name).split(" ")))
    shows = prints(composed) and folded(composed) not in ("", EVERYBODY)
    if not 1 <= len(composed) <= MAX_NAME or not shows:
        raise UsageError(f"{name!r} is not a name: use 1 to {MAX_NAME} printable characters.")
    return composed


def folded(name: str) -> str:
    """What two names have in common that count as one: NFKC, without case, single spaces."""
    lower = unicodedata.normalize("NFKC", name.translate(_VARIANTS)).casefold()
    return " ".join(unicodedata.normalize("NFKC", lower).split())


def nobodys(names: Iterable[str], people: Iterable[str]) -> list[str]:
    """Those of `names` that none of `people` has; `*` is everybody's."""
    known = {EVERYBODY, *map(folded, people)}
    return [name for name in names if folded(name) not in known]


def near(name: str, names: Iterable[str]) -> str:
    """The one of `names` that is spelled most like it; empty: none is."""
    close = difflib.get_close_matches(name, list(names), n=1)
    return close[0] if close else ""


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """A sentence to append where `name` is none of `names`; empty: none is like it."""
    closest = {folded(each): each for each in names}
    close = near(folded(name), closest)
    return f" Did you mean {closest[close]!r}?" if close else ""


def listed(names: Iterable[str]) -> str:
    """Names in a sentence: the first few, and how many more."""
    shown = list(names)
    more = f" and {len(shown) - _FEW} more" if len(shown) > _FEW else ""
    return (", ".join(shown[:_FEW]) or "nobody") + more


def prints(name: str) -> bool:
    """Whether all of it shows: no control characters, no marks that turn the direction."""
    return all(_prints(name, at) for at in range(len(name)))


def _prints(name: str, at: int) -> bool:
    """Half spaces are letters where a script needs them (RFC 5892, appendix A), else invisible."""
    if name[at] not in (_NON_JOINER, _JOINER):
        return name[at].isprintable() and name[at] not in _BLANK
    before = name[at - 1] if at else ""
    if before and unicodedata.combining(before) == _VIRAMA:
        return True
    persian = before != "" and unicodedata.bidirectional(before) == _ARABIC_LETTER
    return persian and name[at] == _NON_JOINER and at + 1 < len(name)
