"""The pixel core: what runs inside a codec process, or inline in tests and ``mogr convert``.

Pure functions of their arguments: no files, no network, no clock but for timings.  They may take as long as the
picture makes them and as much memory; whoever calls them stands ready to kill the process.  See ``codec.libvips`` for
what the environment must hold before this module is imported.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import pyvips

from proxy.codec import libvips
from proxy.codec.capabilities import capabilities
from proxy.codec.decode import decode, shrink_on_load
from proxy.codec.encode import encode
from proxy.codec.probe import probe
from proxy.core.grammar import parse_plan
from proxy.core.model import Traits
from proxy.core.plan import Plan
from proxy.core.schedule import Schedule, schedule
from proxy.errors import InternalError, InvalidImageFormat
from proxy.formats import CATALOGUE, Encoding
from proxy.ops.crop import Crop
from proxy.ops.cut import Cut
from proxy.ops.through import Through
from proxy.ops.thumbnail import Thumbnail
from proxy.ports import Job, Rendered

UNTOLD_QUALITY = 80
"""What a source counts as that has no quality of its own."""

_STREAMING = (Crop, Cut, Through, Thumbnail)
"""Operations that read from top to bottom, as decoders deliver; before any other, pixels are gathered in memory."""


def render(body: bytes | memoryview, traits: Traits, job: Job) -> Rendered:
    """Decode *body*, paint and encode it, as ``ports.Codec.render``.

    Raises:
        InvalidArgument: an operation cannot be applied to this picture.
        InvalidImageFormat: broken pixels, or a conversion this build cannot do.
        ImageResolutionExceed: an intermediate or final size over the limits.
    """
    started_s = time.perf_counter()
    output = CATALOGUE.get(job.format)
    if output is None:
        raise InvalidImageFormat(f"no format {job.format!r}")
    plan = parse_plan(job.plan_text)
    planned = schedule(plan, traits.frame, output=output, auto=job.auto, orient=job.orient, limits=job.limits)
    shrink = shrink_on_load(traits, *planned.enough_px) if planned.enough_px else 1
    image = decode(body, traits, frames=planned.frames, shrink=shrink)
    decoded_s = time.perf_counter()
    image = _paint(image, planned)
    painted_s = time.perf_counter()
    encoding = Encoding(
        quality=plan.quality(UNTOLD_QUALITY if traits.quality is None else traits.quality),
        interlace=bool(plan.interlace),
        width_px=planned.frame.width_px,
        height_px=planned.frame.height_px,
        frames=planned.frame.frames,
    )
    encoded = encode(image, output, encoding, orientation=planned.frame.orientation, keep=_kept(plan, auto=job.auto))
    finished_s = time.perf_counter()
    # libvips works when pixels are pulled: most of "encode" may be decoding and painting.
    timings_s = {"decode": decoded_s - started_s, "paint": painted_s - decoded_s, "encode": finished_s - painted_s}
    if job.or_original and len(encoded) >= len(body):
        return Rendered(body=bytes(body), format=traits.format, frame=traits.frame, original=True, timings_s=timings_s)
    return Rendered(body=encoded, format=output.name, frame=planned.frame, timings_s=timings_s)


def _paint(image: libvips.Image, planned: Schedule) -> libvips.Image:
    with libvips.broken_pictures():
        for operation, before in planned.steps:
            if not isinstance(operation, _STREAMING):
                image = image.copy_memory()
            image = operation.apply(image, before, _TOOLS)
    wanted = (planned.frame.width_px, planned.frame.height_px * planned.frame.frames)
    if (image.width, image.height) != wanted:
        raise InternalError(f"painted {image.width} x {image.height}, measured {wanted}")
    return image


def _kept(plan: Plan, *, auto: bool) -> int:
    """CI keeps EXIF and we the colours; ``strip`` keeps nothing; ``format/auto`` only the colours."""
    if plan.strip:
        return libvips.KEEP_NOTHING
    return libvips.KEEP_ICC if auto else libvips.KEEP_ICC | libvips.KEEP_EXIF


class VipsTools:
    """What operations borrow (``core.model.Tools``)."""

    def blank(self, like: libvips.Image, width_px: int, height_px: int, colour: Sequence[float]) -> libvips.Image:
        """A picture of one sRGB *colour* (0-255), with the bands and samples of *like*; opaque."""
        wide = like.format == "ushort"
        bands = like.bands - 1 if like.hasalpha() else like.bands
        levels = [float(level) for level in colour[:bands]] + [255.0] * (like.bands - bands)
        pixel = pyvips.Image.black(1, 1).linear(
            [1.0] * like.bands, [level * 257 if wide else level for level in levels]
        )
        pixel = pixel.cast(like.format).copy(interpretation=like.interpretation)
        return pixel.embed(0, 0, width_px, height_px, extend="copy")


_TOOLS = VipsTools()

__all__ = ["VipsTools", "capabilities", "probe", "render"]
