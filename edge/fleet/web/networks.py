"""Whom a limit by address is of: who has one IPv6 address has a whole network of them."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network, ip_address

_LONGEST = 64
_PREFIX = 64
"""Bits of an address that a subscriber does not choose: the least that a provider gives away."""


def network_of(address: str) -> str:
    """An address as limits count it; of IPv6 the network."""
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:_LONGEST]
    if not isinstance(known, IPv6Address):
        return str(known)
    # All of IPv4 is in one network of IPv6.
    return str(known.ipv4_mapped or IPv6Network((known, _PREFIX), strict=False))
