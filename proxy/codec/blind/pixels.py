"""Between a picture of any size and the small array of its brightness that signs are hidden in."""

from __future__ import annotations

from typing import Any

import pyvips

from proxy.codec import colour, libvips
from proxy.codec.blind import waves
from proxy.ops.pages import top_level

Array = Any

_LUMA = (0.299, 0.587, 0.114)


def brightness(image: libvips.Image) -> Array:
    """Rows of levels, 0 to 255, no side over ``waves.SIDE_PX``; what is transparent lies on white."""
    np = waves.library()
    flat = colour.flat(colour.eight_bit(image)).cast("float")
    luma = flat if flat.bands == 1 else flat.recomb([list(_LUMA)])
    wide, high = min(image.width, waves.SIDE_PX), min(image.height, waves.SIDE_PX)
    if (wide, high) != (image.width, image.height):
        luma = luma.resize(wide / image.width, vscale=high / image.height, kernel="lanczos3")
    return np.frombuffer(luma.cast("float").write_to_memory(), np.float32).reshape(high, wide)


def added(image: libvips.Image, pattern: Array) -> libvips.Image:
    """*image* with *pattern*, in levels of 255, enlarged to its size and added to every colour alike."""
    np = waves.library()
    high, wide = pattern.shape
    data = np.ascontiguousarray(pattern, np.float32).tobytes()
    layer = pyvips.Image.new_from_memory(data, wide, high, 1, "float")
    across, down = image.width / wide, image.height / high
    if (across, down) != (1, 1):
        # Not resize(), which enlarges from the corner: the waves would be shifted by up to half a pixel of the pattern.
        layer = layer.affine(
            [across, 0, 0, down], interpolate=pyvips.Interpolate.new("bicubic"), extend="copy",
            oarea=[0, 0, image.width, image.height], odx=(across - 1) / 2, ody=(down - 1) / 2,
        )  # fmt: skip
    colours = image.extract_band(0, n=image.bands - 1) if image.hasalpha() else image
    marked = (colours + layer * (top_level(image) / 255)).rint().cast(image.format)
    if image.hasalpha():
        marked = marked.bandjoin(image.extract_band(image.bands - 1))
    return marked.copy(interpretation=image.interpretation)
