"""The authority's folder: its key, its revocations, and what it has issued.

ca.crt ca.key       the authority; the key belongs on a machine that no door reaches
crl.pem             what was revoked; the broker reads it
issued/NAME.crt     every certificate in force, and NAME.key where the key was made here
renewed/NAME-SERIAL.crt   what a newer one has replaced, and what counts until it ends
revoked/...         every certificate that no longer counts
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge.believed import read_ordinary
from edge.errors import UsageError, reason_of
from edge.files import create_file, replace_file
from edge.fleet.pki import certificates
from edge.fleet.pki.certificates import Issuer, Role, Wanted
from edge.folders import make_folder

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

DAYS = 825
"""How long a certificate lasts unless told otherwise: longer ones are refused by some clients."""
_SERIAL = re.compile(r"[0-9a-f]+")
_NEXT = ".key.next"
"""A new key, until its certificate is there: two files cannot be replaced at once."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate in force."""

    name: str
    role: Role
    certificate: Path
    key: Path | None
    """Where its key lies; None where whoever asked for it keeps the key."""
    ends: datetime


class Authority:
    """Issues, renews and revokes, in one folder. UsageError says what cannot be and what to do."""

    def __init__(self, folder: Path, issuer: Issuer) -> None:
        self._folder = folder
        self._issuer = issuer

    @classmethod
    def begin(cls, folder: Path, name: str, imported: tuple[Path, Path] | None = None) -> Authority:
        """Make an authority, or take one that exists: its certificate and key in PEM."""
        if (folder / "ca.key").exists():
            raise UsageError(f"{folder} holds an authority already. Name another folder.")
        fits = 1 <= len(name) <= certificates.LONGEST and name.isprintable()
        if imported is None and not fits:
            raise UsageError(f"--name has 1 to {certificates.LONGEST} printable characters.")
        if imported is None:
            key = certificates.new_key()
            certificate = certificates.own_certificate(key, name, certificates.today())
        else:
            certificate, key = _read_pair(*imported)
            if not certificates.may_sign(certificate):
                raise UsageError(
                    f"{imported[0]} is no authority's: it may not sign certificates and revocation"
                    " lists."
                )
        authority = cls(folder, (certificate, key))
        authority._require_current()
        try:
            make_folder(folder, 0o700)
            authority._list_revoked()
            replace_file(folder / "ca.crt", certificates.pem(certificate), 0o644)
            create_file(folder / "ca.key", certificates.key_pem(key))  # last: now it is one
        except OSError as error:
            raise UsageError(f"{folder} cannot be written: {reason_of(error)}.") from error
        return authority

    @classmethod
    def open(cls, folder: Path) -> Authority:
        """The authority in a folder."""
        if not (folder / "ca.key").exists():
            raise UsageError(
                f"{folder} holds no authority. Make one with `edge-door pki init`, or name the "
                "right folder with --folder."
            )
        return cls(folder, _read_pair(folder / "ca.crt", folder / "ca.key"))

    def issue(self, wanted: Wanted, request: Path | None = None) -> Issued:
        """A certificate and its key; with `request`, for a key that was made elsewhere."""
        role, name = wanted.role, wanted.name
        if role is Role.BROKER and not wanted.hosts:
            raise UsageError(
                "a broker's certificate needs the names that doors reach it by: --host"
            )
        if self._path(role, name).exists():
            raise UsageError(
                f"{name} has a certificate. `edge-door pki renew {name}` makes a new one, "
                f"`edge-door pki revoke {name}` ends it."
            )
        return self._issue(wanted, request)

    def renew(self, name: str, days: int = DAYS, request: Path | None = None) -> Issued:
        """A new certificate and key for the same name. The old one counts until it ends."""
        before = self.find(name)
        hosts = certificates.hosts_of(_read_certificate(before.certificate))
        wanted = Wanted(before.role, before.name, hosts, days)
        if request is None and before.key is None:
            raise UsageError(f"the key of {name} is not here: renew it with --csr FILE.")
        self._set_aside(before, "renewed")
        return self._issue(wanted, request)

    def revoke(self, name: str) -> Issued:
        """End a certificate and those before it. Brokers know once they have the new `crl.pem`."""
        self._require_current()
        issued = self.find(name)
        self._set_aside(issued, "revoked")
        before = f"{issued.certificate.stem}-"
        for path in (self._folder / "renewed").glob(f"{before}*.crt"):
            if _SERIAL.fullmatch(path.stem.removeprefix(before)):  # `door-1` is no `door`
                path.rename(self._folder / "revoked" / path.name)
        self._list_revoked()  # before it is forgotten here: else nobody could revoke it again
        issued.certificate.unlink()
        if issued.key:
            issued.key.unlink()
        return issued

    def _set_aside(self, issued: Issued, where: str) -> None:
        certificate = _read_certificate(issued.certificate)
        folder = self._folder / where
        make_folder(folder)
        name = f"{issued.certificate.stem}-{certificate.serial_number:x}.crt"
        replace_file(folder / name, certificates.pem(certificate), 0o644)

    def issued(self) -> list[Issued]:
        """Every certificate in force, by name."""
        return [self._read(path) for path in sorted((self._folder / "issued").glob("*.crt"))]

    def find(self, name: str) -> Issued:
        """The certificate of a name, as it was given or as a broker sees it."""
        every = {each.role.common_name(each.name): each for each in self.issued()}
        if name in every:
            return every[name]
        meant = [common for common, each in every.items() if each.name == name]
        if len(meant) == 1:
            return every[meant[0]]
        known = ", ".join(meant or every) or "nobody"
        raise UsageError(f"{name}: say which certificate of this authority. There are: {known}.")

    def _require_current(self) -> None:
        ends = self._issuer[0].not_valid_after_utc
        if ends <= certificates.today():
            raise UsageError(
                f"the authority's own certificate ended on {ends:%Y-%m-%d}, and nobody believes "
                "what it signs. Begin another: `edge-door pki init --folder NEW`."
            )

    def _issue(self, wanted: Wanted, request: Path | None) -> Issued:
        self._require_current()
        key = certificates.new_key()
        public = _read_request(request) if request else key.public_key()
        now = certificates.today()
        certificate = certificates.certificate_for(wanted, public, self._issuer, now)
        path = self._path(wanted.role, wanted.name)
        try:
            make_folder(path.parent, 0o700)
            if request is None:
                replace_file(path.with_suffix(_NEXT), certificates.key_pem(key))
            replace_file(path, certificates.pem(certificate), 0o644)
            if request is None:
                path.with_suffix(_NEXT).replace(path.with_suffix(".key"))
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {reason_of(error)}.") from error
        return self._read(path)

    def _path(self, role: Role, name: str) -> Path:
        return self._folder / "issued" / f"{role.common_name(name).replace(':', '.')}.crt"

    def _read(self, path: Path) -> Issued:
        certificate = _read_certificate(path)
        key = path.with_suffix(".key")
        self._finish(path, certificate)
        try:
            role = certificates.role_of(certificate)
        except ValueError as error:
            raise UsageError(f"{path} was not made by `edge-door pki`. Move it away.") from error
        return Issued(
            name=path.stem.removeprefix(f"{role.value}."),
            role=role,
            certificate=path,
            key=key if key.exists() else None,
            ends=certificate.not_valid_after_utc,
        )

    def _finish(self, path: Path, certificate: x509.Certificate) -> None:
        """After a renewal that was cut off: certificate and key belong together again."""
        waiting = path.with_suffix(_NEXT)
        if not waiting.exists():
            return
        key = serialization.load_pem_private_key(waiting.read_bytes(), password=None)
        if key.public_key() == certificate.public_key():
            waiting.replace(path.with_suffix(".key"))
        else:
            waiting.unlink()

    def _list_revoked(self) -> None:
        ended = [
            (_read_certificate(path).serial_number, certificates.today())
            for path in sorted((self._folder / "revoked").glob("*.crt"))
        ]
        text = certificates.revocations(self._issuer, ended, certificates.today())
        replace_file(self._folder / "crl.pem", text, 0o644)


def _read_pair(crt: Path, key_file: Path) -> Issuer:
    certificate = _read_certificate(crt)
    try:
        key = serialization.load_pem_private_key(read_ordinary(key_file), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"{key_file} is no unencrypted PEM key{_why(error)}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise UsageError(f"{key_file}: the authority's key must be an elliptic curve's.")
    if key.public_key() != certificate.public_key():
        raise UsageError(f"{key_file} is not the key of {crt}.")
    return certificate, key


def _read_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(read_ordinary(path))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is no PEM certificate{_why(error)}") from error


def _read_request(path: Path) -> ec.EllipticCurvePublicKey:
    try:
        request = x509.load_pem_x509_csr(read_ordinary(path))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is no PEM certificate request{_why(error)}") from error
    public = request.public_key()
    if not request.is_signature_valid or not isinstance(public, ec.EllipticCurvePublicKey):
        raise UsageError(f"{path}: the request must be signed by its own elliptic curve key.")
    return public


def _why(error: Exception) -> str:
    """Why a file could not be opened; of one that could, its library tells nothing more."""
    return f": {reason_of(error)}" if isinstance(error, OSError) else ""
