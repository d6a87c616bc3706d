"""Three RabbitMQ 4 nodes of Debian 13, started with the files of deploy/broker.

Each node is a process with a network of its own, so that it is a host to the others, and with
`/etc/rabbitmq` and `/var/lib/rabbitmq` of its own below the test's folder.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

from edge.fleet.pki.authority import DAYS, Authority, Issued
from edge.fleet.pki.certificates import Role, Wanted
from tests.emulated.debian import bootstrapped, sh
from tests.fleet.broker_parts import SHIPPED
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NODES = (1, 2, 3)
NEEDED = {"debootstrap": "debootstrap", "ip": "iproute2"}
_BRIDGE = "edge-door"
_NETWORK = "10.231.88"
_MOUNTS = """
for pair in "$2/etc:/etc/rabbitmq" "$2/var:/var/lib/rabbitmq" "$2/log:/var/log/rabbitmq" \
  "$2/hosts:/etc/hosts" /dev:/dev; do
  mount --bind "${pair%%:*}" "$1${pair#*:}"
done
mount -t proc proc "$1/proc"
root=$1
shift 2
exec chroot "$root" "$@"
"""


def missing() -> str:
    """Why no cluster can be started here; else empty."""
    if os.geteuid() != 0:
        return "RabbitMQ's nodes run in roots of their own: start as root"
    lacking = sorted({name for program, name in NEEDED.items() if shutil.which(program) is None})
    return f"not installed: apt-get install {' '.join(lacking)}" if lacking else ""


def address(number: int) -> str:
    return f"{_NETWORK}.{number}"


class Rabbits:
    """The cluster; any node may be killed and started again."""

    host = "broker.test"
    """What doors and collectors call the cluster; it has the addresses of all nodes."""
    port = 8883

    def __init__(self, folder: Path, doors: Iterable[str]) -> None:
        self.addresses = tuple(map(address, NODES))
        self.pki = folder / "pki"
        self.authority = Authority.begin(self.pki, "edge-door")
        self.authority.issue(Wanted(Role.BROKER, "main", (self.host, *self.addresses), DAYS))
        self.authority.issue(Wanted(Role.COLLECTOR, "main", (), DAYS))
        for door in doors:
            self.authority.issue(Wanted(Role.DEVICE, door, (), DAYS))
        self._root = bootstrapped("trixie", "rabbitmq-server", "rabbitmq-server")
        self._folder = folder
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        cookie = secrets.token_hex(16)
        _plug()
        for number in NODES:
            self._furnish(number, cookie)

    def issue(self, name: str, role: Role = Role.DEVICE) -> Issued:
        """What was made in the beginning; somebody new has to be told to the nodes, too."""
        return self.authority.find(role.common_name(name))

    def start(self) -> None:
        """Whatever does not run, and wait until all are one cluster."""
        for number in NODES:
            if number not in self._running:
                self._running[number] = self._spawn(number, "/usr/lib/rabbitmq/bin/rabbitmq-server")
        for number in NODES:
            until(partial(self._ready, number), 180)

    def define(self, file: Path) -> None:
        """As people do: all that have a certificate."""
        command = (sys.executable, "-m", "edge", "pki", "rabbitmq")
        sh(*command, "--folder", self.pki, "--out", file)

    def introduce(self, number: int) -> None:
        """Tell running nodes of everybody who has a certificate by now."""
        file = self._folder / f"broker{number}" / "etc" / "edge-door" / "definitions.json"
        self.define(file)
        self.ctl(number, "import_definitions", "/etc/rabbitmq/edge-door/definitions.json")

    def kill(self, *numbers: int) -> None:
        """With SIGKILL, all of what belongs to these nodes."""
        for number in numbers:
            _end(self._running.pop(number))

    def ctl(self, number: int, *arguments: str) -> None:
        """`rabbitmqctl` there."""
        command = self._command(number, "/usr/lib/rabbitmq/bin/rabbitmqctl", *arguments)
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def close(self) -> None:
        self.kill(*self._running)
        _unplug()

    def _ready(self, number: int) -> bool:
        """A node listens when it has joined the others."""
        process = self._running[number]
        assert process.poll() is None, (self._folder / f"broker{number}" / "said").read_text()
        with (
            contextlib.suppress(OSError),
            socket.create_connection((address(number), self.port), 1),
        ):
            return True
        return False

    def _furnish(self, number: int, cookie: str) -> None:
        place = self._folder / f"broker{number}"
        files = place / "etc" / "edge-door"
        for folder in (files, place / "var", place / "log"):
            folder.mkdir(parents=True)
        for name in ("rabbitmq.conf", "advanced.config", "enabled_plugins"):
            shutil.copy(SHIPPED / name, place / "etc")
        self.define(files / "definitions.json")
        for name in ("ca.crt", "issued/broker.main.crt", "issued/broker.main.key"):
            shutil.copy(self.pki / name, files)
        hosts = "".join(f"{address(each)} broker{each}\n" for each in NODES)
        (place / "hosts").write_text(f"127.0.0.1 localhost\n{hosts}")
        (place / "var" / ".erlang.cookie").write_text(cookie)
        (place / "var" / ".erlang.cookie").chmod(0o400)

    def _command(self, number: int, *program: str) -> list[str]:
        environment = {
            "HOME": "/var/lib/rabbitmq",
            "PATH": "/usr/sbin:/usr/bin",
            "LC_ALL": "C.UTF-8",
            "RABBITMQ_NODENAME": f"rabbit@broker{number}",
            "RUNNING_UNDER_SYSTEMD": "1",  # one process, no script in between
        }
        words = [f"{name}={value}" for name, value in environment.items()]
        place = str(self._folder / f"broker{number}")
        # `ip netns exec` gives it mounts of its own, too; what it leaves behind dies with it.
        alone = ["unshare", "--pid", "--fork", "--kill-child"]
        own = ["ip", "netns", "exec", name(number), *alone, "sh", "-ec", _MOUNTS, "sh"]
        return [*own, str(self._root), place, "/usr/bin/env", "-i", *words, *program]

    def _spawn(self, number: int, *program: str) -> subprocess.Popen[bytes]:
        command = self._command(number, *program)
        with (self._folder / f"broker{number}" / "said").open("ab") as said:
            return subprocess.Popen(command, stdout=said, stderr=said, start_new_session=True)


def name(number: int) -> str:
    return f"{_BRIDGE}-{number}"


def _plug() -> None:
    """A switch, and a cable from each node to it."""
    _unplug()
    sh("ip", "link", "add", _BRIDGE, "type", "bridge")
    sh("ip", "address", "add", f"{_NETWORK}.254/24", "dev", _BRIDGE)
    sh("ip", "link", "set", _BRIDGE, "up")
    for number in NODES:
        net, cable = name(number), name(number)
        sh("ip", "netns", "add", net)
        sh("ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", net)
        sh("ip", "link", "set", cable, "master", _BRIDGE, "up")
        inside = ("ip", "-n", net)
        sh(*inside, "address", "add", f"{address(number)}/24", "dev", "eth0")
        sh(*inside, "link", "set", "eth0", "up")
        sh(*inside, "link", "set", "lo", "up")


def _unplug() -> None:
    """And what a run before left, if it was killed."""
    cables = [("link", "del", name(number)) for number in NODES]
    networks = [("netns", "del", name(number)) for number in NODES]
    for gone in (*cables, *networks, ("link", "del", _BRIDGE)):
        subprocess.run(["ip", *gone], capture_output=True, check=False)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
