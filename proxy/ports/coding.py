"""Who makes pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from proxy.core.model import Frame, ImageLimits, Preset, Traits

Tuning = Literal["given", "search", "measure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One picture to make.  A value: everything the codec needs, nothing it does not."""

    plan_text: str
    """Canonical spelling; the codec parses it again (parsing inverts formatting)."""
    format: str
    """Resolved catalogue name of the output; of a report, the form it answers in (``core.reports.MEDIA_TYPES``)."""
    limits: ImageLimits
    auto: bool = False
    orient: bool = False
    or_original: bool = False
    keep_copyright: bool = False
    """Where other metadata is dropped, EXIF's Copyright and Artist stay."""
    preset: Preset = "realtime"
    quality: int | None = None
    """What ``quality/auto`` stands for; None: what photographs take on the average."""
    tune: Tuning = "given"
    """Else how the codec finds out itself: ``search`` for the lowest quality that reaches the target, or only ``measure``
    what ``quality`` scores, and answer with that as JSON (``core.scores.Measurement``) in place of a picture."""
    inputs: tuple[bytes, ...] = field(default=(), repr=False)
    """The other pictures that the plan needs (``Plan.needs``), each as PNG."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What the codec made."""

    body: bytes
    format: str
    """As in the job; the source's, if ``original``."""
    frame: Frame
    original: bool = False
    """The original's bytes were sent back because encoding did not make them fewer."""
    timings_s: Mapping[str, float] = field(default_factory=dict)
    """Seconds by step: queue, decode, paint, encode."""


class Codec(Protocol):
    """Decodes, paints and encodes, somewhere a broken picture can hurt nobody."""

    async def probe(self, body: bytes, limits: ImageLimits, *, bucket: str = "") -> Traits:
        """Read the header only.  *bucket*: whose share of the waiting line the job takes.

        Raises:
            InvalidImageFormat: not a picture this build can decode.
            ImageTooLarge, ImageResolutionExceed: over *limits*.
            CodecDeadline, CodecLost, Overloaded: as ``render``.
        """
        ...

    def predict_s(self, traits: Traits, job: Job) -> float:
        """The CPU seconds that *job* is expected to take; never waits.

        Raises:
            InvalidArgument, ImageResolutionExceed: it cannot be done.
        """
        ...

    async def render(
        self,
        body: bytes,
        traits: Traits,
        job: Job,
        *,
        bucket: str = "",
        on_started: Callable[[], None] | None = None,
        background: bool = False,
    ) -> Rendered:
        """Make the picture.  Cancelling drops the job if it is still waiting; one under way is finished unseen.

        *on_started* is called when a codec process takes the job; *bucket* as in ``probe``.  *background*: nobody waits for it; it is
        done when nothing else is to be done, and refused where much is.

        Raises:
            InvalidArgument: an operation cannot be applied to this picture.
            InvalidImageFormat: broken pixels, a conversion this build cannot do, or a picture that crashed its decoder.
            ImageResolutionExceed: an intermediate or final size over the limits.
            CodecDeadline: longer than ``codec.deadline_s`` from its place to its bytes; the process was stopped.
            CodecLost: the process was killed from outside, twice.
            Overloaded: more work waiting than ``codec.queue_s`` per place, and none of it of somebody who waits for more.
        """
        ...
