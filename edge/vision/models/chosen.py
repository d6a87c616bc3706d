"""The networks that a configuration names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.vision.models.entries import ENTRIES, EmbedderEntry, role_of
from edge.vision.models.manifest import read_manifest

if TYPE_CHECKING:
    from edge.config import Config
    from edge.vision.models.entries import Entry


def chosen(config: Config) -> list[Entry]:
    """Each of them, those of an ensemble one by one.

    Raises:
        ModelError: the manifest is damaged, or has no such network.
    """
    manifest, section = read_manifest(config.models_folder), config.models
    found: list[Entry] = []
    for kind in ENTRIES:
        if kind is EmbedderEntry:
            found += manifest.embedder(section.embedder).networks
        elif role_of(kind) in manifest.defaults:
            found.append(manifest.entry(kind, getattr(section, role_of(kind), None)))
    return found
