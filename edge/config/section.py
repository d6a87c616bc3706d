"""The base of every section: frozen, and a key nobody knows is a mistake."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """One table of the configuration file."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
