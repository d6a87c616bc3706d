"""A bundle is what its owner signed, to the byte, or it is none."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Mapping

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.access.command import public_text
from edge.bundle import SEAL, make_bundle, read_bundle
from edge.errors import SealError
from edge.sealing import digest, make_seal

KEY = Ed25519PrivateKey.generate()
CONTENTS = {"config/door1.toml": b"", "models/manifest.toml": b"a" * 999, "program/edge/x.py": b"1"}


def packed(contents: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return made.getvalue()


def test_what_was_signed_comes_out() -> None:
    bundle = read_bundle(make_bundle(KEY, CONTENTS, 7), public_text(KEY))
    assert bundle.contents == CONTENTS
    assert (bundle.seal.version, bundle.doors) == (7, ["door1"])
    assert bundle.parts == ["config", "models", "program"]
    assert make_bundle(KEY, CONTENTS, 7) == make_bundle(KEY, CONTENTS, 7)


def test_no_byte_can_be_changed() -> None:
    whole = make_bundle(KEY, CONTENTS, 7)
    dice, believed = random.Random(1), read_bundle(whole, None)
    for index in range(len(whole)):
        changed = bytearray(whole)
        changed[index] ^= dice.randrange(1, 256)
        try:
            found = read_bundle(bytes(changed), public_text(KEY))
        except SealError:
            continue
        assert (found.seal, found.contents) == (believed.seal, believed.contents), index


def test_nor_cut_or_be_rubbish() -> None:
    whole, dice = make_bundle(KEY, CONTENTS, 7), random.Random(2)
    for size in range(0, len(whole), 7):
        with pytest.raises(SealError):
            read_bundle(whole[:size], public_text(KEY))
    for _ in range(300):
        rubbish = bytearray(whole)
        for _ in range(dice.randrange(1, 40)):
            rubbish[dice.randrange(len(rubbish))] = dice.randrange(256)
        try:
            found = read_bundle(bytes(rubbish), public_text(KEY))
        except SealError:
            continue
        assert found.contents == CONTENTS


@pytest.mark.parametrize(
    "name",
    ["../x", "config/../../x", "/etc/passwd", "models", "other/x", "models//x", "models/./x"],
)
def test_a_signed_name_leads_nowhere_else(name: str) -> None:
    with pytest.raises(SealError, match="is no name of a file in a bundle"):
        make_bundle(KEY, {name: b""}, 1)
    seal = make_seal(KEY, {name: digest(b"")}, 1).encode()
    with pytest.raises(SealError):
        read_bundle(packed({SEAL: seal, name: b""}), None)


@pytest.mark.parametrize("how", ["another key", "one more", "one less", "no seal", "empty"])
def test_another_content_is_refused(how: str) -> None:
    seal = make_seal(KEY, {name: digest(part) for name, part in CONTENTS.items()}, 7).encode()
    contents = {SEAL: seal, **CONTENTS}
    if how == "one more":
        contents["models/x"] = b""
    elif how == "one less":
        del contents["models/manifest.toml"]
    elif how == "no seal":
        del contents[SEAL]
    elif how == "empty":
        contents = {SEAL: make_seal(KEY, {}, 7).encode()}
    other = public_text(Ed25519PrivateKey.generate() if how == "another key" else KEY)
    with pytest.raises(SealError):
        read_bundle(packed(contents), other)


def test_a_file_that_unpacks_to_gigabytes_is_refused_unread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edge.bundle.MAX_BYTES", 1 << 20)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("models/x", bytes(1 << 21))
    with pytest.raises(SealError, match="larger than"):
        read_bundle(made.getvalue(), None)
