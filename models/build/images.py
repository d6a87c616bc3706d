"""Pictures of faces: two portraits that come with packages, and the data folder where there is one.

The data folder (`--data`, by default `../shared/data` beside the checkout) is not part of the
project. Without it a build is the same to the byte; only its gate has less to look at.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from matplotlib import cbook
from numpy.typing import NDArray
from skimage import data

Pixels = NDArray[np.uint8]
DATA = Path(__file__).parents[3] / "shared" / "data"


def read(path: Path) -> Pixels:
    """An image file as RGB (h, w, 3)."""
    return np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1])


def portraits() -> list[Pixels]:
    """Eileen Collins (scikit-image) and Grace Hopper (matplotlib), both in the public domain.

    Cut to head and shoulders, as the pictures of LFW are.
    """
    hopper = read(Path(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)))
    return [data.astronaut()[0:256, 96:352], hopper[20:500, 20:500]]


def frames(folder: Path, every: int) -> Iterator[Pixels]:
    """Every so many frames of each clip in a folder."""
    for path in sorted(folder.iterdir()):
        if path.suffix == ".csv":
            continue
        clip = cv2.VideoCapture(str(path))
        number = 0
        while clip.grab():
            if number % every == 0:
                yield np.ascontiguousarray(clip.retrieve()[1][:, :, ::-1])
            number += 1


def view(image: Pixels, size: int, random: np.random.Generator) -> Pixels:
    """The image in a square of `size`, at a random scale, place, angle and light."""
    height, width = image.shape[:2]
    scale = random.uniform(0.35, 1.3) * size / max(height, width)
    angle = random.uniform(-0.25, 0.25)
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    matrix = np.array([[cos, -sin, 0], [sin, cos, 0]])
    centre = size / 2 + random.uniform(-0.2, 0.2, 2) * size
    matrix[:, 2] = centre - matrix[:, :2] @ [width / 2, height / 2]
    border = random.choice([cv2.BORDER_CONSTANT, cv2.BORDER_REFLECT_101])
    small = cv2.warpAffine(
        image, matrix, (size, size), flags=cv2.INTER_AREA, borderMode=int(border)
    )
    light = small * random.uniform(0.5, 1.3) + random.uniform(-20, 20)
    return np.clip(light, 0, 255).astype(np.uint8)
