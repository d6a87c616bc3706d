"""Whether a door can obey an entry of the list of people.

The people office asks before it writes somebody down and before it signs, each door before it
obeys: by the same rules, so that no door finds fault with what an office of its own age published.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING

from edge.access.schedule import windows
from edge.errors import UsageError
from edge.names import proper_name
from edge.plain import spell
from edge.roster.desired import MAX_GENERATION, is_hash
from edge.roster.pages import Listed, Member, gather

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_ENTRY = 6 * 1024
"""Bytes of one entry: so many of them fit on a page."""
_PERSON = re.compile(r"[A-Za-z0-9_-]{1,36}")


def obeyable(pages: Iterable[bytes]) -> Listed:
    """Whom the pages of one list make known; the others are refused, each with a sentence."""
    found = gather(pages)
    refused = dict(found.refused)
    for member in found.members:
        why = objection(member)
        if why:
            refused[member.person] = (
                f"{member.name} is not known here: {why}. Mend it at the people office, and publish"
            )
    sound = tuple(member for member in found.members if member.person not in refused)
    return Listed(sound, refused)


def objection(member: Member) -> str:
    """Why no door can obey an entry, as part of a sentence; empty: every door can."""
    if not _PERSON.fullmatch(member.person):
        return f"{member.person[:40]!r} is no number of a person"
    if not is_hash(member.envelope) or not 1 <= member.sealed <= MAX_GENERATION:
        return "the entry names no envelope"
    if len(spell(asdict(member))) > MAX_ENTRY:
        return f"name and hours make more than {MAX_ENTRY} bytes"
    try:
        proper_name(member.name)
        windows(member.schedule or ("always",))
    except (UsageError, ValueError) as error:
        return str(error).rstrip(".")
    return ""
