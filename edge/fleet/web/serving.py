"""The dashboard as a program: uvicorn around the application."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING

import uvicorn

from edge.config.network import stays_here
from edge.errors import UsageError, reason_of
from edge.fleet.web.app import make_app
from edge.fleet.web.patience import Patient
from edge.fleet.web.site import Options

if TYPE_CHECKING:
    from pathlib import Path

    from edge.fleet.database.database import Database
    from edge.fleet.web.provider import Provider


@dataclass(frozen=True, slots=True)
class Place:
    """Where the dashboard is served."""

    host: str
    port: int
    cert_file: Path | None
    key_file: Path | None
    proxies: str
    """Addresses whose X-Forwarded-* headers are believed, with commas; empty: none."""
    behind_tls: bool
    """A proxy before it speaks TLS."""

    def __post_init__(self) -> None:
        for one in filter(None, map(str.strip, self.proxies.split(","))):
            try:
                ip_network(one, strict=False)
            except ValueError as error:
                raise UsageError(
                    f"--proxies: {one} is no address, such as 127.0.0.1 or 10.0.0.0/8."
                ) from error

    @property
    def tls(self) -> bool:
        """Whether browsers come by https."""
        return self.cert_file is not None or self.behind_tls

    @property
    def overheard(self) -> bool:
        """Whether passwords and people's names cross a network readable."""
        return not self.tls and not stays_here(self.host)

    @property
    def address(self) -> str:
        """For people."""
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"


def listener(place: Place) -> socket.socket:
    """A socket that listens there.

    Raises:
        UsageError: there is no such address here, it is taken, or the certificate is none.
    """
    if place.cert_file is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(place.cert_file, place.key_file)
        except OSError as error:
            named = f"{place.cert_file} and {place.key_file}"
            raise UsageError(f"{named} are no certificate with its key: {error}") from error
    try:
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
        family, *_, at = min(found)  # IPv4 where a name has both: who is told 127.0.0.1 finds it
        return socket.create_server(at[:2], family=family)
    except OSError as error:
        raise UsageError(
            f"nobody can be served at {place.host}, port {place.port}: {reason_of(error)}. "
            "Is --host an address of this machine, and --port free?"
        ) from error


def serve(
    database: Database,
    place: Place,
    listening: socket.socket,
    title: str,
    provider: Provider | None,
) -> None:
    """Serve until a signal ends it."""
    config = uvicorn.Config(
        make_app(database, Options(tls=place.tls, title=title, provider=provider)),
        ssl_certfile=place.cert_file,
        ssl_keyfile=place.key_file,
        proxy_headers=bool(place.proxies),
        forwarded_allow_ips=place.proxies or None,
        server_header=False,
        http=Patient,
        log_level="warning",
        # Streams never end by themselves.
        timeout_graceful_shutdown=2,
    )
    uvicorn.Server(config).run([listening])
