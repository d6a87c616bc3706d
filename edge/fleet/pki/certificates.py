"""Certificates as the brokers of a fleet want them: EC P-256, X.509 v3, one role each. Pure."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edge.config.device import DEVICE_ID
from edge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

AUTHORITY_DAYS = 3650
LONGEST = 64
"""Letters of a common name (RFC 5280, ub-common-name)."""
_NAME = re.compile(DEVICE_ID)
_HOST = re.compile(r"[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)*\.?")
EARLY = timedelta(hours=1)
"""Certificates begin before they are made: the clock of a board may be behind."""


class Role(str, Enum):
    """What a certificate is good for. The prefix of its name decides what a broker lets it do.

    A device's name is its `[device] id`, which holds no colon: no device can be given a name that
    the access list knows as another role.
    """

    DEVICE = "device"
    BROKER = "broker"
    COLLECTOR = "collector"
    SITE = "site"
    HOME = "home"
    OFFICE = "office"

    def common_name(self, name: str) -> str:
        """As the broker sees it."""
        return name if self is Role.DEVICE else f"{self.value}:{name}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a certificate is to be."""

    role: Role
    name: str
    hosts: tuple[str, ...]
    """Names and addresses that a broker is reached by."""
    days: int

    def __post_init__(self) -> None:
        """Raises UsageError: the name, or a host, cannot stand in a certificate."""
        name = self.name
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r}: a name has 1 to {LONGEST} letters, digits, _ and -.")
        over = len(self.role.common_name(name)) - LONGEST
        if over > 0:
            raise UsageError(f"{name} is {over} letters too long for a {self.role.value}.")
        for host in self.hosts:
            if not (_is_address(host) or _HOST.fullmatch(_spelled(host))):
                raise UsageError(
                    f"--host {host}: a name or an address alone is needed, such as broker.local."
                )


Issuer = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def new_key() -> ec.EllipticCurvePrivateKey:
    """A private key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The private key, unencrypted PKCS #8: a board has nobody to type a passphrase."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def pem(certificate: x509.Certificate) -> bytes:
    """The certificate in PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def own_certificate(key: ec.EllipticCurvePrivateKey, name: str, now: datetime) -> x509.Certificate:
    """The authority's: it signs others, and nothing below it does."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        _builder(subject, subject, key.public_key(), now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def certificate_for(
    wanted: Wanted, public: ec.EllipticCurvePublicKey, issuer: Issuer, now: datetime
) -> x509.Certificate:
    """One that serves a role."""
    authority, key = issuer
    role, hosts = wanted.role, wanted.hosts
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, role.common_name(wanted.name)),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, role.value),
        ]
    )
    builder = _builder(subject, authority.subject, public, now, wanted.days)
    builder = builder.add_extension(
        x509.BasicConstraints(ca=False, path_length=None), critical=True
    )
    builder = builder.add_extension(_usage(authority=False), critical=True)
    # A site's broker serves its doors, and is a client of the centre's.
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH] if role is not Role.BROKER else []
    purposes += [ExtendedKeyUsageOID.SERVER_AUTH] if hosts else []
    builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    if hosts:
        builder = builder.add_extension(_alternatives(hosts), critical=False)
    return (
        builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(_signed_by(authority), critical=False)
        .sign(key, hashes.SHA256())
    )


def revocations(
    issuer: Issuer,
    revoked: Iterable[tuple[int, datetime]],
    now: datetime,
) -> bytes:
    """The list of revoked serial numbers, PEM.

    It ends with the authority: a broker whose list is out of date would refuse everybody.
    """
    authority, key = issuer
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.subject)
        .last_update(now - EARLY)
        .next_update(authority.not_valid_after_utc)
        .add_extension(_signed_by(authority), critical=False)
        .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
    )
    for serial, at in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def may_sign(certificate: x509.Certificate) -> bool:
    """Whether brokers believe the certificates and the revocations that it signs."""
    try:
        extensions = certificate.extensions
        basic = extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    with suppress(x509.ExtensionNotFound):
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
        return basic.ca and usage.key_cert_sign and usage.crl_sign
    return basic.ca


def role_of(certificate: x509.Certificate) -> Role:
    """What it was made for.

    Raises:
        ValueError: not by this program.
    """
    units = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    return Role(units[0].value if units else "")


def hosts_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """The names and addresses in it."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    names: list[str] = extension.value.get_values_for_type(x509.DNSName)
    return (*names, *map(str, extension.value.get_values_for_type(x509.IPAddress)))


def today() -> datetime:
    """This moment, in UTC and whole seconds as certificates have it."""
    return datetime.now(timezone.utc).replace(microsecond=0)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    now: datetime,
    days: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLY)
        .not_valid_after(now + timedelta(days=days))
    )


def _signed_by(authority: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    known = x509.AuthorityKeyIdentifier
    try:
        name = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:  # of an authority that was made elsewhere
        return known.from_issuer_public_key(authority.public_key())  # type: ignore[arg-type]
    return known.from_issuer_subject_key_identifier(name)


def _alternatives(hosts: Iterable[str]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([_alternative(host) for host in hosts])


def _alternative(host: str) -> x509.GeneralName:
    if _is_address(host):
        return x509.IPAddress(ip_address(host))
    return x509.DNSName(_spelled(host))


def _is_address(host: str) -> bool:
    with suppress(ValueError):
        return bool(ip_address(host)) and "%" not in host  # no certificate names an interface
    return False


def _spelled(host: str) -> str:
    """A host's name as networks spell it (RFC 3490); empty where it cannot be one."""
    with suppress(UnicodeError):
        return host.encode("idna").decode("ascii")
    return ""


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
