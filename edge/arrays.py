"""Several arrays in one file, as numpy writes them (`.npz`)."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray


def packed(arrays: Mapping[str, ArrayLike]) -> bytes:
    """The file's content."""
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()


def unpacked(content: bytes) -> dict[str, NDArray[np.generic]]:
    """The arrays by name.

    Raises:
        ValueError: it is no such file, or damaged.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception as error:  # numpy, zipfile and zlib have a dozen kinds for a damaged file
        raise ValueError("it is damaged") from error
