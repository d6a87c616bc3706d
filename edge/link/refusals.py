"""What can go wrong on the way to a broker, in sentences that say what to do."""

from __future__ import annotations

import socket
import ssl

from edge.errors import BrokerError, reason_of

_UNSUPPORTED_VERSION = 0x84
_CREDENTIALS = frozenset({0x86, 0x87})
_OF_ITS_DATES = frozenset({9, 10})
"""OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and _HAS_EXPIRED: a board whose clock is not set is told
the same as of an old certificate."""
_WHERE = "host and port ([mqtt] of a door, --broker of collect and simulate)"


class NoMqtt5Error(BrokerError):
    """No answer to the connect request, or not to this version: it may know only MQTT 3.1.1."""

    def __init__(self, text: str, *, proven: bool) -> None:
        super().__init__(text)
        self.proven = proven
        """The broker said so itself."""


def refusal(address: str, code: int, reason: str) -> BrokerError:
    """What a broker's answer to the connect request means; `code` is MQTT 5's."""
    if code == _UNSUPPORTED_VERSION:
        return NoMqtt5Error(
            f"the broker at {address} does not know this version of MQTT.", proven=True
        )
    if code in _CREDENTIALS:
        return BrokerError(
            f"the broker at {address} refuses these credentials ({reason}). "
            "Check [mqtt] username and password_file."
        )
    return BrokerError(f"the broker at {address} refuses the connection: {reason}.")


def no_answer(address: str, *, hung_up: bool) -> str:
    """Whoever listens there said nothing, or hung up."""
    if hung_up:
        return (
            f"the broker at {address} hung up without an answer. With TLS, is this its TLS port "
            "(usually 8883)? It may want a client certificate ([mqtt] cert_file, key_file); "
            "without, it may want TLS ([mqtt] tls = true, or mqtts://)."
        )
    return f"{address} accepts connections but does not answer as a broker does. Check {_WHERE}."


def unreachable(address: str, error: Exception) -> str:
    """There is no connection: what the operating system or OpenSSL says of it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        dated = error.verify_code in _OF_ITS_DATES
        check = (
            "when it begins and ends, and the clock here" if dated else "[mqtt] ca_file and host"
        )
        return (
            f"the certificate of the broker at {address} is not trusted "
            f"({error.verify_message}). Check {check}."
        )
    if isinstance(error, ssl.SSLError):
        return (
            f"no TLS with the broker at {address}: {error.reason or error}. Is this its TLS port "
            "([mqtt] port, usually 8883), and does it accept the client certificate?"
        )
    if isinstance(error, ConnectionRefusedError):
        return f"nothing listens at {address}. Is the broker running? Check {_WHERE}."
    if isinstance(error, socket.gaierror):
        return f"the name in {address} is not known. Check {_WHERE}, and the network."
    if isinstance(error, TimeoutError):
        return f"{address} does not answer. Check {_WHERE}, and the network."
    return f"the broker at {address} cannot be reached: {reason_of(error)}. Check {_WHERE}."
