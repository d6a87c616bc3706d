"""Walks a ledger's entries from the oldest on and says what is first wrong, in a sentence.

It finds any changed, missing, added or reordered entry, and a tail computed anew or cut off under a
running writer. What it cannot find without the anchor or a reader elsewhere (the collector): an
earlier state as a whole, be it yesterday's file or one whose newest entries were cut off together
with what they brought. The anchor ends that at its entry, 64 back at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.ledger.chain import chained, genesis
from edge.ledger.seal import key_name, signed_by

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.ledger.head import HeadRow
    from edge.store import Row


def chain_problems(head: HeadRow, entries: Iterable[Row]) -> list[str]:
    """Whether the entries stand on the anchor and each on the one before it."""
    sequence, chain = head.anchor_sequence, head.anchor_chain
    if sequence == 0 and chain != genesis(head.device):
        return ["The chain's beginning was changed."]
    for number, boot, body, written, _ in entries:
        if number != sequence + 1:
            return [f"Entry {sequence + 1} is missing: the next one there is {number}."]
        sequence, chain = number, chained(chain, number, boot, body)
        if chain != written:
            return [f"Entry {number} was changed, or the one before it was."]
    return []


def signature_problems(
    head: HeadRow, public: bytes, newest: Row | None, entries: Iterable[Row], *, thorough: bool
) -> list[str]:
    """Whether the holder of `public` signed them; `entries` is read only where that must be asked.

    The newest vouches for all before it; where it does not, the first that is wrong is named.
    """
    if head.key != public:
        return [f"The ledger names the key {key_name(head.key)}, not {key_name(public)}."]
    if not public or newest is None:
        return []
    number, _, _, chain, signature = newest
    good = signed_by(public, signature, head.device, number, chain)
    if good and not thorough:
        return []
    for each, _, _, chain, signature in entries:
        if signature and not signed_by(public, signature, head.device, each, chain):
            return [f"Entry {each} is not signed by this device: the chain was made anew."]
    return [] if good else [f"Entry {number} is not signed by this device."]
