"""The pixel core: what runs inside a codec process, or inline in tests and ``mogr convert``.

Pure functions of their arguments: no files, no network, no clock but for timings.  They may take as long as the
picture makes them and as much memory; whoever calls them stands ready to kill the process.  See ``codec.libvips`` for
what the environment must hold before this module is imported.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import pyvips

from proxy.codec import blind, colour, faces, gain_map, libvips, metadata, reports, scoring, svg
from proxy.codec.capabilities import capabilities
from proxy.codec.decode import decode, ingredient
from proxy.codec.finish import finish, original_will_do
from proxy.codec.probe import probe
from proxy.codec.slimming import leaves_alone
from proxy.codec.sniff import sniff
from proxy.codec.text import draw
from proxy.core.grammar import parse_plan
from proxy.core.model import Format, Frame, ImageLimits, Traits
from proxy.core.plan import Box, Plan, needs_of
from proxy.core.schedule import Schedule, resume, schedule
from proxy.errors import InternalError, InvalidImageFormat
from proxy.formats import CATALOGUE, Encoding
from proxy.ops.blind import Kind
from proxy.ops.bright import Bright
from proxy.ops.contrast import Contrast
from proxy.ops.crop import Crop
from proxy.ops.cut import Cut
from proxy.ops.focus import Focus
from proxy.ops.frames import Fewer
from proxy.ops.grayscale import Grayscale
from proxy.ops.indexcrop import IndexCrop
from proxy.ops.iradius import InscribedCircle
from proxy.ops.rcrop import RatioCrop
from proxy.ops.rradius import RoundCorners
from proxy.ops.saturation import Saturation
from proxy.ops.through import Through
from proxy.ops.thumbnail import Thumbnail
from proxy.ops.view import View
from proxy.ports import Job, Rendered

UNTOLD_QUALITY = 80
"""What a source counts as that has no quality of its own."""

_STREAMING = (
    Bright, Contrast, Crop, Cut, Fewer, Focus, Grayscale, IndexCrop, InscribedCircle, RatioCrop, RoundCorners, Saturation,
    Through, Thumbnail, View,
)  # fmt: skip
"""Operations that read from top to bottom, as decoders deliver; before any other, pixels are gathered in memory."""


def render(body: bytes | memoryview, traits: Traits, job: Job) -> Rendered:
    """Decode *body*, paint and encode it, as ``ports.Codec.render``.

    Raises:
        InvalidArgument: an operation cannot be applied to this picture.
        InvalidImageFormat: broken pixels, or a conversion this build cannot do.
        ImageResolutionExceed: an intermediate or final size over the limits.
    """
    started_s = time.perf_counter()
    plan = parse_plan(job.plan_text)
    if plan.report is not None:
        return reports.answer(body, traits, job, plan, render)
    output = CATALOGUE.get(job.format)
    if output is None:
        raise InvalidImageFormat(f"no format {job.format!r}")
    if output.vector:
        return _cleaned(body, traits, plan)
    if leaves_alone(plan, traits):
        return Rendered(body=bytes(body), format=traits.format, frame=traits.frame, original=True)
    planned = schedule(
        plan, traits.frame, output=output, auto=job.auto, orient=job.orient, limits=job.limits,
        source_format=traits.format,
    )  # fmt: skip
    image = decode(body, traits, frames=planned.frames, enough_px=planned.enough_px)
    decoded_s = time.perf_counter()
    image, frame = _paint(image, planned, output, job.limits, job.inputs)
    if job.tune != "given" and plan.target is not None:
        image = image.copy_memory()
    painted_s = time.perf_counter()
    encoding = Encoding(
        quality=UNTOLD_QUALITY if job.quality is None else job.quality,
        interlace=bool(plan.interlace),
        width_px=frame.width_px,
        height_px=frame.height_px,
        frames=frame.frames,
        preset=job.preset,
        alpha=frame.alpha and output.alpha,
    )
    if job.tune == "measure":
        return Rendered(body=scoring.measured(image, output, encoding), format=output.name, frame=frame)
    if plan.target is not None and job.tune == "search":
        encoding = scoring.searched(image, output, encoding, plan.target)
    elif plan.target is not None and job.quality is None:
        encoding = scoring.guessed(output, encoding, plan.target)
    source_quality = UNTOLD_QUALITY if traits.quality is None else traits.quality
    encoding = replace(encoding, quality=plan.quality(source_quality, auto=encoding.quality))
    image, keep = metadata.kept(image, strip=plan.strip, auto=job.auto, keep_copyright=job.keep_copyright)
    if not job.auto and gain_map.carried(body, traits, plan, planned, output.name):
        behind = gain_map.read(body, traits, job.limits)
        image = gain_map.attached(image, behind, planned, VipsTools()) if behind else image
    encoded = finish(
        image, output, encoding, plan, source_format=traits.format, orientation=1 if plan.strip else frame.orientation,
        keep=keep,
    )  # fmt: skip
    finished_s = time.perf_counter()
    # libvips works when pixels are pulled: most of "encode" may be decoding and painting.
    timings_s = {"decode": decoded_s - started_s, "paint": painted_s - decoded_s, "encode": finished_s - painted_s}
    or_original = job.or_original or (original_will_do(plan, output) and traits.format != "svg")
    if or_original and len(encoded) >= len(body):
        return Rendered(body=bytes(body), format=traits.format, frame=traits.frame, original=True, timings_s=timings_s)
    return Rendered(body=encoded, format=output.name, frame=frame, timings_s=timings_s)


def _cleaned(body: bytes | memoryview, traits: Traits, plan: Plan) -> Rendered:
    """An SVG as an SVG, without what could do harm.

    Raises:
        InvalidImageFormat: it is none, or a label is to be written into it.
    """
    if traits.format != "svg":
        raise InvalidImageFormat("no SVG", public=f"format/svgc: the picture is {traits.format}, not SVG.")
    if plan.label:
        raise InvalidImageFormat("no XMP in svg", public="AIGCMetadata cannot be written into svg.")
    started_s = time.perf_counter()
    cleaned = svg.clean(svg.unpacked(body), sniff)
    return Rendered(
        body=cleaned, format="svg", frame=traits.frame, timings_s={"encode": time.perf_counter() - started_s}
    )


def _paint(
    image: libvips.Image, planned: Schedule, output: Format, limits: ImageLimits, inputs: Sequence[bytes]
) -> tuple[libvips.Image, Frame]:
    """Paint what is *planned*; what came of it, and its frame, which is the measured one unless the content decided."""
    with libvips.broken_pictures():
        for done, (operation, before) in enumerate(planned.steps, 1):
            if not isinstance(operation, _STREAMING):
                image = image.copy_memory()
            needed = len(needs_of(operation))
            image = operation.apply(image, before, VipsTools(inputs[:needed]))
            inputs = inputs[needed:]
            if not operation.measure(before).exact:
                rest = resume(planned, done, (image.width, image.height), output=output, limits=limits)
                return _paint(image, rest, output, limits, inputs)
    wanted = (planned.frame.width_px, planned.frame.height_px * planned.frame.frames)
    if (image.width, image.height) != wanted:
        raise InternalError(f"painted {image.width} x {image.height}, measured {wanted}")
    return image, planned.frame


class VipsTools:
    """What operations borrow (``core.plan.Tools``)."""

    def __init__(self, inputs: Sequence[bytes] = ()) -> None:
        """*inputs*: the pictures that the operation needs, as PNG."""
        self._inputs = inputs

    def blank(self, like: libvips.Image, width_px: int, height_px: int, colour: Sequence[float]) -> libvips.Image:
        """A picture of one sRGB *colour* (0-255), with the bands and samples of *like*; opaque."""
        wide = like.format == "ushort"
        bands = like.bands - 1 if like.hasalpha() else like.bands
        pixel = pyvips.Image.black(1, 1).linear([1.0] * bands, [float(level) for level in colour[:bands]]).cast("uchar")
        pixel = self.matched(pixel.copy(interpretation="srgb" if bands > 1 else "b-w"), like)
        pixel = pixel.bandjoin(255) if like.hasalpha() else pixel
        pixel = (
            (pixel.cast("ushort") * 257 if wide else pixel).cast(like.format).copy(interpretation=like.interpretation)
        )
        return pixel.embed(0, 0, width_px, height_px, extend="copy")

    def matched(self, image: libvips.Image, like: libvips.Image) -> libvips.Image:
        """*image*, sRGB, in the numbers that look the same by the profile of *like*."""
        return colour.matched(image, like)

    def in_srgb(self, image: libvips.Image) -> libvips.Image:
        """*image* in sRGB, without a profile; as it is if it has none."""
        return colour.in_srgb(image)

    def faces(self, image: libvips.Image) -> Sequence[Box]:
        """Where faces are, the largest first."""
        return faces.find(image)

    def text(self, text: str, *, font: str, size_px: float) -> libvips.Image:
        return draw(text, font=font, size_px=size_px)

    def hide(self, image: libvips.Image, *, kind: int, level: int, text: str) -> libvips.Image:
        return blind.hide(image, Kind(kind), level, text=text, mark=self.input(0) if self._inputs else None)

    def input(self, number: int) -> libvips.Image:
        return ingredient(self._inputs[number])


__all__ = ["VipsTools", "capabilities", "probe", "render"]
