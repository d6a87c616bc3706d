"""Where the dashboard listens: what cannot be is said in a sentence, and who could read along."""

from __future__ import annotations

import re
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from edge.errors import UsageError
from edge.fleet.places import broker_at
from edge.fleet.web.serving import Place, listener
from tests.support.forked import edge_door

HERE = Place("127.0.0.1", 0, None, None, "", behind_tls=False)


def test_a_port_that_is_taken_or_an_address_that_is_not_here() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port}: Address already in use"):
            listener(replace(HERE, port=port))
    with pytest.raises(UsageError, match=r"192\.0\.2\.1, port 0: Cannot assign"):
        listener(replace(HERE, host="192.0.2.1"))


def test_a_certificate_that_is_none_is_named(tmp_path: Path) -> None:
    file = tmp_path / "crt.pem"
    file.write_text("no certificate")
    with pytest.raises(UsageError, match=r"crt\.pem .* are no certificate with its key"):
        listener(replace(HERE, cert_file=file, key_file=file))


def test_a_proxy_that_is_no_address_would_never_be_believed() -> None:
    assert replace(HERE, proxies="127.0.0.1, 10.0.0.0/8").proxies
    with pytest.raises(UsageError, match="--proxies: proxy is no address"):
        replace(HERE, proxies="127.0.0.1,proxy")


def test_it_listens_by_name_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Debian's localhost has both addresses, IPv6 comes first."""
    stream = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
    both = [
        (socket.AF_INET6, *stream, ("::1", 0, 0, 0)),
        (socket.AF_INET, *stream, ("127.0.0.1", 0)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_named: both)
    with listener(replace(HERE, host="localhost")) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("place", "overheard"),
    [
        (HERE, False),
        (replace(HERE, host="localhost"), False),
        (replace(HERE, host="::1"), False),
        (replace(HERE, host="192.0.2.1", behind_tls=True), False),
        (replace(HERE, host="192.0.2.1"), True),
        (replace(HERE, host="wall.example.org"), True),
    ],
)
def test_who_is_reached_from_outside_without_https_is_warned(place: Place, overheard: bool) -> None:
    assert place.overheard is overheard


@pytest.mark.parametrize("program", ["collect", "dashboard"])
def test_a_level_that_is_none_is_a_sentence(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGE_DOOR_LOG", "verbose")
    monkeypatch.setenv("EDGE_DOOR_BROKER", "mqtt://127.0.0.1")
    monkeypatch.setenv("EDGE_DOOR_DATABASE", f"sqlite:///{tmp_path}/fleet.db")
    done = edge_door(program)
    assert (done.returncode, "EDGE_DOOR_LOG is one of debug, info" in done.stderr) == (2, True)


def test_a_path_of_the_command_line_begins_where_it_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    section = broker_at("mqtts://broker.local", ca_file=Path("ca.crt"), cert_file=None)
    assert section.ca_file == tmp_path / "ca.crt"


@pytest.mark.parametrize(
    "address",
    ["x://a", "mqtt://a/b", "mqtt://a?b", "mqtt://a#b", "mqtt://", "mqtt://a:99999", "mqtt://[a"],
)
def test_what_is_no_brokers_address_is_told(address: str) -> None:
    with pytest.raises(UsageError, match=f"--broker {re.escape(address)}: "):
        broker_at(address)


def test_a_password_in_a_brokers_address_is_neither_passed_over_nor_said_again() -> None:
    with pytest.raises(UsageError, match="--username and --password-file") as refused:
        broker_at("mqtt://door:secret@broker.local:99999")
    assert "secret" not in str(refused.value)
