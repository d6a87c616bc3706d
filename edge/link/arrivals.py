"""What a connection to the broker brings: others' messages, and answers to our own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Received:
    """A message that somebody published."""

    topic: str
    payload: bytes
    retained: bool


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The broker's answer to the QoS 1 publish with this ticket."""

    ticket: int
    topic: str
    refused: str
    """Why the broker did not take it; empty when it did. MQTT 3.1.1 never says so."""
    too_large: bool = False
    """It will never take it."""
