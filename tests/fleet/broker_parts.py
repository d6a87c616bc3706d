"""deploy/broker as it is but for its paths, on this machine, with certificates of `pki`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.config import parse
from edge.fleet.pki.authority import DAYS, Authority, Issued
from edge.fleet.pki.certificates import Role, Wanted
from edge.link.broker import Broker
from tests.support.link_parts import OFFLINE, Mosquitto

if TYPE_CHECKING:
    from edge.link.client import Connection

SHIPPED = Path(__file__).parents[2] / "deploy" / "broker"


DEBIANS = """user root
log_type all
persistence true
persistence_location {folder}/
include_dir {folder}/conf.d
"""
"""Debian's own configuration, which takes ours in; and root is kept, to read this folder."""


class Place:
    """An authority and the shipped broker, with its access list."""

    host = "127.0.0.1"
    addresses: tuple[str, ...] = (host,)

    def __init__(
        self,
        folder: Path,
        authority: Authority,
        pki: Path,
        more: str = "",
        name: str = "broker.main",
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.authority = authority
        self.pki = pki
        self.folder = folder
        self.mosquitto = Mosquitto(folder, anonymous=False)
        self.port = self.mosquitto.port
        for file in ("ca.crt", "crl.pem", f"issued/{name}.crt", f"issued/{name}.key"):
            shutil.copy(pki / file, folder)
        shutil.copy(SHIPPED / "acl", folder)
        text = (SHIPPED / "mosquitto.conf").read_text() + more
        for there in ("/etc/mosquitto/edge-door", "/var/lib/mosquitto"):
            text = text.replace(there, str(folder))
        text = text.replace("listener 8883", f"listener {self.port} 127.0.0.1")
        text = text.replace("broker.main", name)
        (folder / "conf.d").mkdir(exist_ok=True)
        (folder / "conf.d/edge-door.conf").write_text(text)
        (folder / "mosquitto.conf").write_text(DEBIANS.format(folder=folder))

    def start(self) -> Place:
        self.mosquitto.start()
        return self

    def issue(self, name: str, role: Role = Role.DEVICE, hosts: tuple[str, ...] = ()) -> Issued:
        return self.authority.issue(Wanted(role, name, hosts, DAYS))

    def options(self, issued: Issued) -> dict[str, Any]:
        """`[mqtt]` of whoever has this certificate."""
        return {
            "tls": True,
            "ca_file": str(self.pki / "ca.crt"),
            "cert_file": str(issued.certificate),
            "key_file": str(issued.key),
        }

    def connect(self, issued: Issued, client: str = "") -> Connection:
        mqtt = {"host": "127.0.0.1", "port": self.port, **self.options(issued)}
        return Broker(parse({"mqtt": mqtt}, "test").mqtt, client or issued.name).connect(OFFLINE)


def place(folder: Path) -> Place:
    """A fresh one, not started."""
    pki = folder / "pki"
    authority = Authority.begin(pki, "edge-door")
    authority.issue(Wanted(Role.BROKER, "main", ("127.0.0.1", "localhost"), DAYS))
    return Place(folder / "broker", authority, pki)
