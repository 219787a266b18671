"""Finds faces, with OpenCV where it is installed (extra ``face``), by the two cascades that come inside its package.

One cascade alone sees a face in many a shrub and some puppies; where two that were trained apart agree, it is one
(measured on 97 pictures: the seven frontal faces and nothing else).  Better detectors ship without their weights.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from proxy.codec import colour, libvips
from proxy.core.plan import Box
from proxy.errors import OperationNotImplemented

try:
    cv2: Any = importlib.import_module("cv2")
    numpy: Any = importlib.import_module("numpy")
except ImportError:
    cv2 = None

_LONG_SIDE_PX = 480
"""Pictures are looked at in this size: a face of a twentieth of it is found, in a tenth of a second."""
_SMALLEST_PX = 24
"""The size that the cascades were trained with."""
_STEP = 1.1
_PROPOSED, _CONFIRMED = 4, 12
"""How many of a cascade's overlapping finds make one.  The second finds faces 13 to 105 times over, whatever else the
first proposes at most 11 times."""


def _cascade(name: str) -> Any:
    return cv2.CascadeClassifier(f"{cv2.data.haarcascades}haarcascade_{name}.xml")


if cv2 is not None:
    cv2.setNumThreads(1)
    # Loaded here, because a confined process may no longer read files wherever they are.
    _PROPOSES, _CONFIRMS = _cascade("frontalface_alt2"), _cascade("frontalface_default")


def find(image: libvips.Image) -> Sequence[Box]:
    """Where upright faces look out of *image*, a single page; the largest first.

    Raises:
        OperationNotImplemented: OpenCV is not installed.
    """
    if cv2 is None:
        raise OperationNotImplemented(public="scrop needs the optional extra mogr[face], which this server has not.")
    small = _grey(image)
    samples = numpy.frombuffer(small.write_to_memory(), numpy.uint8).reshape(small.height, small.width)
    scale = image.width / small.width, image.height / small.height
    boxes = [
        (int(x * scale[0]), int(y * scale[1]), int(side * scale[0]), int(side * scale[1]))
        for x, y, side, _ in _PROPOSES.detectMultiScale(samples, _STEP, _PROPOSED, minSize=(_SMALLEST_PX, _SMALLEST_PX))
        if _confirmed(samples, x, y, side)
    ]
    return sorted(boxes, key=lambda box: (-box[2], box))


def _confirmed(samples: Any, x: int, y: int, side: int) -> bool:
    spare = side // 3
    around = samples[max(0, y - spare) : y + side + spare, max(0, x - spare) : x + side + spare]
    return len(_CONFIRMS.detectMultiScale(around, _STEP, _CONFIRMED, minSize=(side * 2 // 3, side * 2 // 3))) > 0


def _grey(image: libvips.Image) -> libvips.Image:
    image = colour.flat(colour.eight_bit(image))
    if max(image.width, image.height) > _LONG_SIDE_PX:
        image = image.thumbnail_image(_LONG_SIDE_PX, height=_LONG_SIDE_PX, size="down", no_rotate=True)
    return image if image.interpretation == "b-w" else image.colourspace("b-w").extract_band(0)
