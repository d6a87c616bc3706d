"""The files that `[mqtt]` names, and how a connection is encrypted with them."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from edge.believed import read_written
from edge.errors import BrokerError, reason_of

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config.network import MqttSection


def tls_context(mqtt: MqttSection) -> ssl.SSLContext:
    """How a connection with `mqtt.tls` is encrypted. BrokerError: a file is wrong."""
    if mqtt.ca_file is not None:
        read_text("ca_file", mqtt.ca_file)
    try:
        context = ssl.create_default_context(cafile=mqtt.ca_file)
    except ssl.SSLError as error:
        raise BrokerError(f"mqtt.ca_file: {mqtt.ca_file} holds no PEM certificate.") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if mqtt.cert_file is not None and mqtt.key_file is not None:
        _present(context, mqtt.cert_file, mqtt.key_file)
    return context


def _present(context: ssl.SSLContext, cert_file: Path, key_file: Path) -> None:
    read_text("cert_file", cert_file)
    read_text("key_file", key_file)
    try:
        context.load_cert_chain(cert_file, key_file, password=_no_passphrase)
    except ssl.SSLError as error:
        raise BrokerError(
            f"mqtt.cert_file and mqtt.key_file: {cert_file} and {key_file} are not a PEM "
            f"certificate and its unencrypted key ({error.reason or error})."
        ) from error


def _no_passphrase() -> str:
    # Without this, OpenSSL would ask on the terminal.
    return ""


def read_text(name: str, path: Path) -> str:
    """What is in the file of `[mqtt] NAME`. BrokerError: it cannot be read."""
    try:
        return read_written(path)
    except (OSError, UnicodeDecodeError) as error:
        raise BrokerError(f"mqtt.{name}: {path} cannot be read: {reason_of(error)}") from error
