"""The authority's folder, and the shipped broker that believes it: TLS and access lists."""

from __future__ import annotations

import contextlib
import errno
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from edge.cli import main
from edge.errors import BrokerError, UsageError
from edge.files import replace_file
from edge.fleet.pki import certificates
from edge.fleet.pki.authority import DAYS, Authority
from edge.fleet.pki.certificates import Role, Wanted
from edge.fleet.pki.rabbitmq import definitions
from edge.link.arrivals import Acknowledged, Received
from edge.link.reference import HEARD, OFFERED, POSTED, TOLD
from edge.link.topics import Message
from tests.fleet.broker_parts import SHIPPED, Place, place
from tests.support.forked import edge_door
from tests.support.link_parts import Device, needs_mosquitto
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.link.client import Connection


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.begin(tmp_path / "pki", "edge-door")


def _full_disk(*_: object) -> bytes:
    raise OSError(errno.ENOSPC, "No space left on device")


NO_SIGNING = certificates._usage(authority=False)


def _elsewhere(folder: Path, *extensions: x509.ExtensionType, days: int = 100) -> tuple[Path, Path]:
    """Certificate and key of an authority that another program has made."""
    key, name = certificates.new_key(), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    begun = certificates.today() - timedelta(days=200)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(begun).not_valid_after(begun + timedelta(days=200 + days))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    files = folder / "made.crt", folder / "made.key"
    files[0].write_bytes(certificates.pem(builder.sign(key, hashes.SHA256())))
    files[1].write_bytes(certificates.key_pem(key))
    return files


def device(name: str, days: int = DAYS) -> Wanted:
    return Wanted(Role.DEVICE, name, (), days)


class TestTheFolder:
    def test_what_is_issued_is_signed_and_for_one_role(self, authority: Authority) -> None:
        issued = authority.issue(device("door1"))
        read = x509.load_pem_x509_certificate(issued.certificate.read_bytes())
        ca = issued.certificate.parents[1] / "ca.crt"
        read.verify_directly_issued_by(x509.load_pem_x509_certificate(ca.read_bytes()))
        assert read.subject.rfc4514_string() == "OU=device,CN=door1"
        assert certificates.role_of(read) is Role.DEVICE
        purposes = read.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert list(purposes) == [x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH]
        assert abs(issued.ends - certificates.today() - timedelta(days=DAYS)) < timedelta(minutes=5)

    def test_keys_are_for_their_owner_alone(self, authority: Authority, tmp_path: Path) -> None:
        issued = authority.issue(device("door1"))
        assert issued.key is not None
        for path in (issued.key, tmp_path / "pki" / "ca.key"):
            assert path.stat().st_mode & 0o777 == 0o600

    def test_an_authority_made_elsewhere_need_not_name_its_key(self, tmp_path: Path) -> None:
        files = _elsewhere(tmp_path, x509.BasicConstraints(ca=True, path_length=None))
        issued = Authority.begin(tmp_path / "pki", "", files).issue(device("door1"))
        read = x509.load_pem_x509_certificate(issued.certificate.read_bytes())
        ca = x509.load_pem_x509_certificate(files[0].read_bytes())
        read.verify_directly_issued_by(ca)
        signed_by = read.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        named = x509.SubjectKeyIdentifier.from_public_key(ca.public_key())
        assert signed_by.key_identifier == named.digest

    @pytest.mark.parametrize(
        ("extensions", "days", "complaint"),
        [
            ([], 100, "it may not sign"),
            ([x509.BasicConstraints(ca=False, path_length=None)], 100, "it may not sign"),
            (
                [x509.BasicConstraints(ca=True, path_length=None), NO_SIGNING],
                100,
                "it may not sign",
            ),
            ([x509.BasicConstraints(ca=True, path_length=None)], -1, "ended on .* pki init"),
        ],
    )
    def test_what_nobody_would_believe_becomes_no_authority(
        self, tmp_path: Path, extensions: list[x509.ExtensionType], days: int, complaint: str
    ) -> None:
        files = _elsewhere(tmp_path, *extensions, days=days)
        with pytest.raises(UsageError, match=complaint):
            Authority.begin(tmp_path / "pki", "", files)
        assert not (tmp_path / "pki").exists()

    def test_no_device_can_be_named_like_another_role(self, authority: Authority) -> None:
        with pytest.raises(UsageError, match="letters, digits"):
            authority.issue(device("collector:main"))
        authority.issue(Wanted(Role.COLLECTOR, "main", (), DAYS))
        door = authority.issue(device("main"))
        read = x509.load_pem_x509_certificate(door.certificate.read_bytes())
        assert read.subject.rfc4514_string() == "OU=device,CN=main"
        with pytest.raises(UsageError, match="say which certificate"):
            Authority.open(door.certificate.parents[1]).find("other")
        assert authority.find("main").role is Role.DEVICE
        assert authority.find("collector:main").role is Role.COLLECTOR

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("--host", "mqtt://broker.local:8883"), "a name or an address alone"),
            (("--host", "*"), "a name or an address alone"),
            (("--host", ""), "a name or an address alone"),
            (("--host", "fe80::1%eth0"), "a name or an address alone"),
            (("--host", "x" * 64 + ".local"), "a name or an address alone"),
            (("--name", ""), "1 to 64 printable"),
            (("--name", "a" * 65), "1 to 64 printable"),
        ],
    )
    def test_what_no_certificate_can_hold_begins_no_authority(
        self, tmp_path: Path, words: tuple[str, ...], said: str
    ) -> None:
        done = edge_door("pki", "init", "--folder", str(tmp_path / "pki"), *words)
        assert (done.returncode, said in done.stderr) == (2, True)
        assert not (tmp_path / "pki").exists()

    def test_hosts_are_spelled_as_networks_do(self, authority: Authority) -> None:
        hosts = ("t\u00fcr.local", "10.0.0.5", "fe80::1")
        issued = authority.issue(Wanted(Role.BROKER, "main", hosts, 1))
        certificate = x509.load_pem_x509_certificate(issued.certificate.read_bytes())
        assert set(certificates.hosts_of(certificate)) == {
            "xn--tr-xka.local",
            "10.0.0.5",
            "fe80::1",
        }

    def test_a_role_leaves_less_room_for_a_name(self, authority: Authority) -> None:
        authority.issue(Wanted(Role.DEVICE, "a" * 64, (), 1))
        with pytest.raises(UsageError, match="10 letters too long for a collector"):
            Wanted(Role.COLLECTOR, "a" * 64, (), 1)

    def test_a_second_authority_in_the_folder_is_refused(
        self, authority: Authority, tmp_path: Path
    ) -> None:
        assert authority.issued() == []
        before = (tmp_path / "pki" / "ca.key").read_bytes()
        with pytest.raises(UsageError, match="holds an authority already"):
            Authority.begin(tmp_path / "pki", "another")
        assert (tmp_path / "pki" / "ca.key").read_bytes() == before

    def test_an_authority_can_be_brought_along(self, authority: Authority, tmp_path: Path) -> None:
        files = tmp_path / "pki" / "ca.crt", tmp_path / "pki" / "ca.key"
        again = Authority.begin(tmp_path / "again", "", files)
        again.issue(device("door9"))
        assert (tmp_path / "again" / "ca.crt").read_bytes() == files[0].read_bytes()
        authority.issue(device("door1"))
        wrong = files[0], tmp_path / "pki" / "issued" / "door1.key"
        with pytest.raises(UsageError, match="is not the key of"):
            Authority.begin(tmp_path / "third", "", wrong)
        assert not (tmp_path / "third" / "ca.key").exists()

    def test_a_key_that_the_board_made_is_signed_and_stays_there(
        self, authority: Authority, tmp_path: Path
    ) -> None:
        key = certificates.new_key()
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "whatever")])
        request = x509.CertificateSigningRequestBuilder().subject_name(name)
        csr = tmp_path / "door1.csr"
        signed = request.sign(key, hashes.SHA256())
        csr.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        issued = authority.issue(device("door1"), csr)
        assert issued.key is None
        read = x509.load_pem_x509_certificate(issued.certificate.read_bytes())
        assert read.public_key() == key.public_key()
        assert read.subject.rfc4514_string() == "OU=device,CN=door1"
        with pytest.raises(UsageError, match="--csr FILE"):
            authority.renew("door1")

    def test_revoking_ends_what_was_renewed_too(self, authority: Authority, tmp_path: Path) -> None:
        first = authority.issue(device("door1"))
        one = x509.load_pem_x509_certificate(first.certificate.read_bytes()).serial_number
        second = authority.renew("door1")
        two = x509.load_pem_x509_certificate(second.certificate.read_bytes()).serial_number
        authority.issue(device("door10"))
        authority.revoke("door1")
        crl = x509.load_pem_x509_crl((tmp_path / "pki" / "crl.pem").read_bytes())
        assert {entry.serial_number for entry in crl} == {one, two}
        assert [each.name for each in authority.issued()] == ["door10"]
        assert not first.certificate.exists()

    def test_revoking_leaves_whoever_has_a_longer_name(
        self, authority: Authority, tmp_path: Path
    ) -> None:
        authority.issue(device("door"))
        authority.issue(device("door-1"))
        authority.renew("door-1")
        authority.revoke("door")
        crl = x509.load_pem_x509_crl((tmp_path / "pki" / "crl.pem").read_bytes())
        assert len(list(crl)) == 1
        assert len(list((tmp_path / "pki" / "renewed").iterdir())) == 1

    def test_a_revocation_that_is_cut_off_can_be_made_again(
        self, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        authority.issue(device("door1"))
        with monkeypatch.context() as patch:
            patch.setattr(certificates, "revocations", _full_disk)
            with pytest.raises(OSError, match="No space"):
                authority.revoke("door1")
        authority.revoke("door1")
        crl = x509.load_pem_x509_crl((tmp_path / "pki" / "crl.pem").read_bytes())
        assert len(list(crl)) == 1

    def test_the_commands(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        def run(*words: str) -> dict[str, Any]:
            import sys

            sys.argv = ["edge-door", "pki", *words, "--folder", str(tmp_path / "p"), "--json"]
            with pytest.raises(SystemExit):
                main()
            result: dict[str, Any] = json.loads(capsys.readouterr().out)
            return result

        assert "edge-door pki init" in run("list")["error"]
        made = run("init", "--host", "broker.example.org")
        assert [each["role"] for each in made["issued"]] == ["broker", "collector"]
        assert run("device", "door1")["ok"]
        assert "pki renew door1" in run("device", "door1")["error"]
        assert run("renew", "door1", "--days", "30")["ok"]
        assert run("revoke", "door1")["revoked"] == "door1"
        assert len(run("list")["issued"]) == 2


@pytest.mark.parametrize("cut_at", [0, 1, 2, 3])
def test_a_renewal_that_is_cut_off_leaves_a_pair_that_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut_at: int
) -> None:
    authority = Authority.begin(tmp_path / "pki", "edge-door")
    authority.issue(Wanted(Role.DEVICE, "door1", (), 30))
    steps = 0

    def cut(step: Any) -> Any:
        def take(*args: Any, **options: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps > cut_at:
                raise KeyboardInterrupt
            return step(*args, **options)

        return take

    with monkeypatch.context() as patch:
        patch.setattr("edge.fleet.pki.authority.replace_file", cut(replace_file))
        patch.setattr(Path, "replace", cut(Path.replace))
        with contextlib.suppress(KeyboardInterrupt):
            authority.renew("door1")
    (issued,) = Authority.open(tmp_path / "pki").issued()
    assert issued.key is not None
    certificate = x509.load_pem_x509_certificate(issued.certificate.read_bytes())
    key = serialization.load_pem_private_key(issued.key.read_bytes(), password=None)
    assert key.public_key() == certificate.public_key()


class TestTheShippedFiles:
    def test_the_access_list_is_the_reference(self) -> None:
        text = (SHIPPED / "acl").read_text()

        def named(verb: str) -> set[str]:
            return set(re.findall(rf"^pattern {verb} facelock/%u/(\S+)$", text, re.MULTILINE))

        assert named("write") == {topic.name for topic in TOLD + OFFERED}
        assert named("read") == {topic.name for topic in HEARD + POSTED} | {"audit_key"}
        office = text[text.index("user office:") : text.index("user home:")]
        posted = set(re.findall(r"^topic write facelock/\+/(\S+)$", office, re.MULTILINE))
        assert posted == {topic.name for topic in POSTED + OFFERED}
        site = text[text.index("user site:") :]
        told = set(re.findall(r"^topic write facelock/\+/(\S+)$", site, re.MULTILINE))
        said = {t.name for t in TOLD + OFFERED}
        assert told - {"door/+"} == {name for name in said if not name.startswith("door/")}

    def test_the_bridge_carries_what_the_site_may_say(self) -> None:
        text = (SHIPPED / "site-bridge.conf").read_text()
        lines = re.findall(r"^topic \+/(\S+) (in|out) (\d) ", text, re.MULTILINE)
        out = {name: int(qos) for name, way, qos in lines if way == "out"}
        listed = {topic.name: topic.qos for topic in TOLD + OFFERED}
        assert out.pop("door/+") == 1
        assert out == {name: qos for name, qos in listed.items() if not name.startswith("door/")}
        posted = {topic.name for topic in POSTED}
        assert {name for name, way, _ in lines if way == "in"} == {"confirm", "command"} | posted

    def test_the_definitions_are_those_of_the_command(
        self, tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        authority.issue(device("door1"))
        authority.issue(Wanted(Role.COLLECTOR, "main", (), DAYS))
        authority.issue(Wanted(Role.OFFICE, "main", (), DAYS))
        authority.issue(Wanted(Role.BROKER, "main", ("127.0.0.1",), DAYS))
        out = tmp_path / "definitions.json"
        folder = str(tmp_path / "pki")
        words = ["pki", "rabbitmq", "--folder", folder, "--out", str(out), "--json"]
        monkeypatch.setattr("sys.argv", ["edge-door", *words])
        with pytest.raises(SystemExit, match=r"^0$"):
            main()
        assert out.read_text() == (SHIPPED / "definitions.json").read_text()


class TestRabbitMq:
    """What its access list lets pass, as RabbitMQ reads it."""

    def test_a_door_speaks_for_itself_alone(self) -> None:
        door = May(Role.DEVICE, "door1")
        for topic in TOLD:
            assert door.may("write", f"facelock/door1/{topic.name}")
            assert not door.may("write", f"facelock/door2/{topic.name}")
            assert not door.may("write", f"facelock/door1/{topic.name}/more")
        for topic in HEARD + POSTED:
            name = topic.name.replace("+", "ab12")
            assert door.may("read", f"facelock/door1/{name}")
            assert not door.may("read", f"facelock/door2/{name}")
            assert not door.may("write", f"facelock/door1/{name}")
        assert door.may("write", "homeassistant/device/facelock_door1/config")
        assert not door.may("write", "facelock/collectors/main/availability")

    def test_a_door_named_with_a_dot_or_bar_cannot_be(self, authority: Authority) -> None:
        """Its name stands in the pattern as it is."""
        for name in ("door.", "door1|.*", "[^x]+", ".*"):
            with pytest.raises(UsageError):
                authority.issue(device(name))

    @pytest.mark.parametrize(
        ("role", "writes", "silent"),
        [
            (Role.COLLECTOR, ["confirm", "command"], ["event", "lock/set", "people/desired"]),
            (Role.OFFICE, ["people/desired", "people/page/ab12", "update/offer"], ["command"]),
            (Role.HOME, ["lock/set"], ["command", "confirm", "event"]),
            (Role.SITE, ["event", "people/reported"], ["confirm", "command", "people/desired"]),
        ],
    )
    def test_others_write_what_is_theirs(
        self, role: Role, writes: list[str], silent: list[str]
    ) -> None:
        somebody = May(role, f"{role.value}:main")
        assert all(somebody.may("write", f"facelock/door1/{topic}") for topic in writes)
        assert not any(somebody.may("write", f"facelock/door1/{topic}") for topic in silent)

    def test_a_base_of_several_levels(self) -> None:
        door = May(Role.DEVICE, "door1", "house/doors")
        assert door.may("write", "house/doors/door1/event")
        assert not door.may("write", "house/x/door1/event")


class May:
    def __init__(self, role: Role, name: str, base: str = "facelock") -> None:
        (self._rights,) = definitions([(role, name)], base)["topic_permissions"]

    def may(self, verb: str, topic: str) -> bool:
        pattern = self._rights[verb].replace("{username}", self._rights["user"])
        return re.search(pattern, topic.replace("/", ".")) is not None


@pytest.fixture
def shipped(tmp_path: Path) -> Iterator[Place]:
    made = place(tmp_path).start()
    yield made
    made.mosquitto.kill()


def refused(connection: Connection, topic: str) -> str:
    """Why the broker did not take a publish there; empty when it did."""
    ticket = connection.publish(Message(topic, b"x"))
    answers: list[Any] = []

    def answered() -> bool:
        answers.extend(connection.poll(0.05))
        return any(isinstance(a, Acknowledged) and a.ticket == ticket for a in answers)

    until(answered)
    return next(a.refused for a in answers if isinstance(a, Acknowledged) and a.ticket == ticket)


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@needs_mosquitto
class TestTheShippedBroker:
    def test_a_door_speaks_for_itself_alone(self, shipped: Place) -> None:
        with shipped.connect(shipped.issue("door1")) as door:
            for topic in TOLD:
                if topic.qos:
                    assert refused(door, f"facelock/door1/{topic.name}") == ""
                    assert refused(door, f"facelock/door2/{topic.name}") == "Not authorized"
            for topic in HEARD:
                assert refused(door, f"facelock/door1/{topic.name}") == "Not authorized"
            assert refused(door, "facelock/collectors/main/availability") == "Not authorized"

    def test_a_collector_confirms_and_speaks_for_no_door(self, shipped: Place) -> None:
        with shipped.connect(shipped.issue("main", Role.COLLECTOR)) as collector:
            assert refused(collector, "facelock/door1/confirm") == ""
            assert refused(collector, "facelock/door1/command") == ""
            for rest in ("event", "lock/set", "audit_key", "availability"):
                assert refused(collector, f"facelock/door1/{rest}") == "Not authorized"

    def test_the_people_office_posts_lists_and_nothing_else(self, shipped: Place) -> None:
        with shipped.connect(shipped.issue("main", Role.OFFICE)) as office:
            for topic in POSTED:
                assert refused(office, f"facelock/door1/{topic.name.replace('+', 'ab12')}") == ""
            for topic in (*TOLD, *HEARD):
                assert refused(office, f"facelock/door1/{topic.name}") == "Not authorized"
        with shipped.connect(shipped.issue("main", Role.COLLECTOR)) as collector:
            assert refused(collector, "facelock/door1/people/desired") == "Not authorized"

    def test_a_door_named_like_the_collector_is_a_door(self, shipped: Place) -> None:
        with shipped.connect(shipped.issue("main")) as door:
            assert refused(door, "facelock/door1/confirm") == "Not authorized"

    def test_events_are_confirmed_through_it(self, tmp_path: Path, shipped: Place) -> None:
        door = Device(tmp_path, shipped.port, **shipped.options(shipped.issue("door1")))
        door.append(3)
        with shipped.connect(shipped.issue("main", Role.COLLECTOR)) as collector:
            collector.subscribe(["facelock/+/event/replay"])
            seen: list[dict[str, Any]] = []

            def stored() -> bool:
                items = [i for i in collector.poll(0.05) if isinstance(i, Received)]
                seen.extend(json.loads(item.payload) for item in items)
                return len(seen) == 3

            door.start()
            try:
                until(stored)
                body = {"sequence": 3, "chain": seen[-1]["chain"]}
                confirm = Message("facelock/door1/confirm", json.dumps(body).encode())
                collector.publish(confirm)
                until(lambda: collector.poll(0.02) or door.outbox.watermarks().confirmed == 3)
            finally:
                door.close()

    def test_nobody_without_a_certificate_of_this_authority(
        self, tmp_path: Path, shipped: Place
    ) -> None:
        stranger = Authority.begin(tmp_path / "other", "edge-door").issue(device("door1"))
        with pytest.raises(BrokerError):
            shipped.connect(stranger)

    def test_a_revoked_door_is_refused_and_the_others_are_not(self, shipped: Place) -> None:
        lost, kept = shipped.issue("door1"), shipped.issue("door2")
        copy = shipped.folder / "lost"
        copy.mkdir()
        for path in (lost.certificate, lost.key):
            assert path is not None
            (copy / path.name).write_bytes(path.read_bytes())
        shipped.connect(lost).close()
        shipped.authority.revoke("door1")
        (shipped.folder / "crl.pem").write_bytes((shipped.pki / "crl.pem").read_bytes())
        shipped.mosquitto.kill()
        shipped.start()
        stolen = type(lost)(lost.name, lost.role, copy / "door1.crt", copy / "door1.key", lost.ends)
        with pytest.raises(BrokerError):
            shipped.connect(stolen)
        shipped.connect(kept).close()

    def test_a_renewed_door_comes_in(self, shipped: Place) -> None:
        shipped.issue("door1")
        shipped.connect(shipped.authority.renew("door1")).close()

    def test_a_broker_of_another_name_is_not_trusted(self, tmp_path: Path, shipped: Place) -> None:
        shipped.authority.issue(Wanted(Role.BROKER, "other", ("broker.example.org",), DAYS))
        elsewhere = Place(
            tmp_path / "elsewhere", shipped.authority, shipped.pki, name="broker.other"
        ).start()
        try:
            with pytest.raises(BrokerError, match="is not trusted"):
                elsewhere.connect(shipped.issue("door1"))
        finally:
            elsewhere.mosquitto.kill()


@needs_mosquitto
def test_a_site_forwards_its_doors_and_brings_confirmations(tmp_path: Path) -> None:
    """Door to site's broker to centre's, and the confirmation the whole way back."""
    centre = place(tmp_path).start()
    centre.issue("north", Role.SITE, ("127.0.0.1",))
    bridge = (SHIPPED / "site-bridge.conf").read_text()
    bridge = bridge.replace("centre.example.org:8883", f"127.0.0.1:{centre.port}")
    bridge = bridge.replace("restart_timeout 2 60", "restart_timeout 1 2")
    site = Place(tmp_path / "site", centre.authority, centre.pki, bridge, name="site.north")
    door = Device(tmp_path, site.port, **site.options(site.issue("door1")))
    door.append(3)
    try:
        with centre.connect(centre.issue("main", Role.COLLECTOR)) as collector:
            collector.subscribe(["facelock/#"])
            site.start()
            door.start()
            heard: dict[str, bytes] = {}

            def complete() -> bool:
                for item in collector.poll(0.05):
                    if isinstance(item, Received):
                        heard[item.topic] = item.payload
                last = heard.get("facelock/door1/event/replay")
                return last is not None and json.loads(last)["seq"] == 3

            until(complete, 30)
            chain = json.loads(heard["facelock/door1/event/replay"])["chain"]
            body = json.dumps({"sequence": 3, "chain": chain}).encode()
            collector.publish(Message("facelock/door1/confirm", body))
            until(lambda: collector.poll(0.02) or door.outbox.watermarks().confirmed == 3, 30)
    finally:
        door.close()
        site.mosquitto.kill()
        centre.mosquitto.kill()
