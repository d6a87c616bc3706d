"""The base of every section: frozen, and a key nobody knows is a mistake."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

OnOff = Annotated[bool, Field(strict=True)]
"""`true` or `false` as TOML writes them: `"yes"` is a text, and `1` a number."""
Whole = Annotated[int, Field(strict=True)]
Number = Annotated[float, Field(strict=True)]
"""A number as TOML writes it: `"1883"` is a text."""


class Section(BaseModel):
    """One table of the configuration file."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _readable(cls, value: object) -> object:
        """No name, host or path has a control character, and no file can have a NUL in its name."""
        for text in value if isinstance(value, list | tuple) else [value]:
            if isinstance(text, str) and any(ord(letter) < 32 for letter in text):
                raise ValueError("holds a control character")
        return value

    @field_validator("*")
    @classmethod
    def _absolute(cls, value: object) -> object:
        """Programs and commands run in different folders, and `~` is a word of the shell's."""
        if isinstance(value, Path) and not value.is_absolute():
            raise ValueError("must be an absolute path, which begins with /")
        return value
