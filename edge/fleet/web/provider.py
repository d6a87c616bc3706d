"""`--oidc FILE`: an OpenID provider that may let operators in, and what its groups may do here."""

import sys
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator

from edge.believed import read_written
from edge.config.network import stays_here
from edge.config.section import Section
from edge.errors import UsageError, plainly, reason_of
from edge.fleet.kinds import Role

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class Mapping(Section):
    """Whoever is in a group there has a role here."""

    value: str = Field(min_length=1)
    role: Role
    group: str | None = None
    """The group of doors; none: all doors."""


class Provider(Section):
    """The file."""

    issuer: str
    client_id: str = Field(min_length=1)
    secret_file: Path | None = None
    """None: a public client, which PKCE alone protects."""
    title: str = Field(default="Log in with the company", max_length=60)
    claim: str = "groups"
    scope: str = "openid profile email"
    grant: tuple[Mapping, ...]

    @field_validator("issuer")
    @classmethod
    def _encrypted(cls, issuer: str) -> str:
        parts = urlsplit(issuer)
        if parts.scheme != "https" and not stays_here(parts.hostname or ""):
            raise ValueError("write https://...")
        return issuer.rstrip("/")

    def secret(self) -> str | None:
        """Read at every login: it may be renewed.

        Raises:
            UsageError: it cannot be read.
        """
        if self.secret_file is None:
            return None
        try:
            return read_written(self.secret_file).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"secret_file: {self.secret_file} cannot be read: {reason_of(error)}"
            ) from error


def read_provider(path: Path) -> Provider:
    """The settings in a file.

    Raises:
        UsageError: it cannot be read, or says what cannot be; with the key.
    """
    try:
        fields = tomllib.loads(read_written(path))
        return Provider(**fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(f"{path}: {where}: {plainly(first['msg'])}") from error
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {reason_of(error)}") from error
