"""Words of the deepface family: arguments that change nothing here, and names of its networks."""

from __future__ import annotations

import sys
from numbers import Real
from typing import TYPE_CHECKING

from edge.errors import UsageError
from edge.names import near
from edge.vision.models.manifest import shipped_models

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Mapping

_WITHOUT_EFFECT: dict[str, tuple[object, ...]] = {
    "align": (True,),
    "anti_spoofing": (False,),
    "batched": (True, False),
    "color_face": ("rgb",),
    "enable_face_analysis": (True, False),
    "expand_percentage": (0,),
    "grayscale": (False,),
    "normalization": ("base",),
    "normalize_face": (False,),
    "refresh_database": (True,),
    "silent": (True, False),
}
"""Arguments of deepface with the values that are as it is here anyway."""
_INSTEAD = {
    "align": "faces are always aligned, as the networks want them; cut the picture by `box`",
    "anti_spoofing": (
        "one picture proves no life: stream() follows a person, and analyze() gives the suspicions "
        "of a recapture"
    ),
    "color_face": "`face` is RGB: turn it with cv2.cvtColor",
    "expand_percentage": "cut the picture by `box`",
    "grayscale": "turn `face` with cv2.cvtColor",
    "normalization": "it belongs to the network, and stands in the models' manifest",
    "normalize_face": "`face` is uint8: divide it by 255",
    "refresh_database": "the folder's pictures are compared with what is remembered each time",
}


def refuse_what_does_nothing(function: str, others: Mapping[str, object]) -> None:
    """Take deepface's further arguments where they ask for what is the case.

    Raises:
        UsageError: one asks for something else; says what to use instead.
    """
    for name, value in others.items():
        if name not in _WITHOUT_EFFECT:
            raise UsageError(f"{function}() knows no argument {name!r}.")
        if not isinstance(value, str | Real) or value not in _WITHOUT_EFFECT[name]:
            instead = _INSTEAD.get(name, f"{name} is True or False")
            raise UsageError(f"{function}({name}={value!r}): {instead}.")


def with_preset(sentence: str, asked: Mapping[str, str | None]) -> str:
    """What is said of a network that is not there, with how to add it if the family knows it.

    `asked`: the name that was given for each role.
    """
    known = tomllib.loads((shipped_models() / "presets.toml").read_text(encoding="utf-8"))
    for role, name in asked.items():
        if name is None or name not in sentence:
            continue
        presets = {_plain(preset): preset for preset, of in known.items() if of["role"] == role}
        if preset := presets.get(_plain(name)):
            return (
                f"{name} does not come with edge-door. Get its file, see that its licence "
                f"suits you, and run: edge-door models add FILE.tflite --preset {preset}"
            )
        if meant := near(_plain(name), presets):
            return f"{sentence}. Did you mean the preset {presets[meant]!r}?"
    return sentence


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
