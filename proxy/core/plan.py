"""What is asked of a picture: operations in stages, and how each stage wants its result encoded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol, runtime_checkable

from proxy.core.model import Frame

Label = tuple[tuple[str, str], ...]
"""The fields of a label of AI-generated content and their texts (``core.labels``); empty ones are left out."""

Box = tuple[int, int, int, int]
"""Left, top, width and height in pixels."""


@runtime_checkable
class Tools(Protocol):
    """What the codec lends to operations, so that they import no library."""

    def blank(self, like: Any, width_px: int, height_px: int, colour: Sequence[float]) -> Any:
        """A picture of one sRGB *colour*, 0 to 255, in the colour space, by the profile and in the sample format of *like*."""
        ...

    def matched(self, image: Any, like: Any) -> Any:
        """*image*, sRGB or grey with alpha and without a profile, in the numbers that look the same by the profile of *like*.

        As it is if *like* has no profile of three colours.
        """
        ...

    def in_srgb(self, image: Any) -> Any:
        """*image* converted by its ICC profile to sRGB, without a profile; as it is if it has none."""
        ...

    def text(self, text: str, *, font: str, size_px: float) -> Any:
        """How far *text* covers each pixel of the box around its ink, 0 to 255 in one band.

        *font* is a name as CI has it, in lower case; one that is not known means the default.

        Raises:
            InvalidArgument: nothing of it can be seen, or it is too long to be drawn.
        """
        ...

    def hide(self, image: Any, *, kind: int, level: int, text: str) -> Any:
        """*image*, a single page, with a blind watermark of CI's *kind*: *text*, or the operation's first input.

        Raises:
            InvalidArgument: the picture cannot hide it, or the mark is of one colour.
            OperationNotImplemented: this server has nothing to hide marks with.
        """
        ...

    def input(self, number: int) -> Any:
        """The picture that the operation needs as its *number*-th: 8-bit sRGB or grey, with alpha."""
        ...

    def faces(self, image: Any) -> Sequence[Box]:
        """Where the faces of people are in *image*, a single page; the largest first.

        Raises:
            OperationNotImplemented: this server has nothing to find faces with.
        """
        ...


@dataclass(frozen=True, slots=True)
class Need:
    """Another picture that an operation paints with, as its text names it: one of the two."""

    url: str = ""
    """As CI writes it: ``http://``, a host of a bucket, a path, and perhaps an operation of its own."""
    key: str = ""
    """Its key in the bucket of the picture that is painted on."""
    within_px: int = 0
    """The side of a square that it may be scaled into where it is larger; 0: every pixel counts."""


@runtime_checkable
class Needy(Protocol):
    """An operation that paints with other pictures; ``Tools.input`` has them in the order of ``needs``."""

    def needs(self) -> tuple[Need, ...]: ...


def needs_of(painter: object) -> tuple[Need, ...]:
    """What *painter* needs; most need nothing."""
    return painter.needs() if isinstance(painter, Needy) else ()


class Operation(Protocol):
    """One thing done to pixels.  Frozen, hashable, comparable; made by its ``parse`` only."""

    name: ClassVar[str]
    """The parameter that starts it in ``imageMogr2`` (``thumbnail``), or the stage that it is (``watermark/2``)."""
    head: ClassVar[str]
    """``imageMogr2``, or the head of the stage that it fills alone: ``imageView2``, ``watermark``."""
    modifiers: ClassVar[frozenset[str]]
    """Further parameters of the same stage that it reads: ``pad``, ``color``."""
    rank: ClassVar[int]
    """Where it stands in the fixed order of application inside one stage; equal ranks keep textual order."""

    @classmethod
    def parse(cls, value: str, modifiers: Mapping[str, str]) -> Operation | None:
        """Read *value* and the stage's *modifiers*; None where the rule is "not processed".

        Raises:
            InvalidArgument: malformed or out of range, naming parameter, value and range.
        """
        ...

    def format(self) -> str:
        """The canonical text, ``thumbnail/800x``: parsing it gives an equal operation, one spelling per meaning."""
        ...

    def measure(self, frame: Frame) -> Frame:
        """The frame that ``apply`` will produce, by integers only.

        Raises:
            InvalidArgument: this operation cannot be applied to a frame of that size.
        """
        ...

    def apply(self, image: Any, frame: Frame, tools: Tools) -> Any:
        """Paint: *image* (a pyvips image whose geometry is *frame*) becomes one whose geometry is ``measure(frame)``."""
        ...


@dataclass(frozen=True, slots=True)
class QualityStep:
    """One change to the quality number; a stage has any number of them, applied in order."""

    kind: str
    """``at-most`` (quality/Q), ``exactly`` (quality/Q!), ``ratio`` (rquality, per cent), ``at-least`` (lquality), or
    ``auto`` (quality/auto:S): what it takes for the score S, whatever the quality was."""
    value: int

    def apply(self, quality: int) -> int:
        match self.kind:
            case "at-most":
                return min(quality, self.value)
            case "exactly":
                return self.value
            case "ratio":
                return max(0, min(100, (quality * self.value + 50) // 100))
            case "at-least":
                return max(quality, self.value)
        raise ValueError(self.kind)


@dataclass(frozen=True, slots=True)
class SizeLimit:
    """How many bytes a JPEG may have."""

    kibibytes: int
    or_original: bool = False
    """``!``: the original's bytes answer where they are fewer than the result's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """How one stage wants its result encoded; None and empty mean "as it came in"."""

    format: str | None = None
    """A catalogue name, ``auto``, or None for the format that came in."""
    quality: tuple[QualityStep, ...] = ()
    interlace: bool | None = None
    strip: bool = False
    cgif: int | None = None
    """How many frames of a GIF to keep, spread evenly; 1: the first 30 (``ops.frames``).  Fewer colours as well."""
    size_limit: SizeLimit | None = None
    minsize: bool = False
    """The original's bytes answer if the result has no fewer."""
    label: Label = ()
    """``AIGCMetadata``: what to write of how the picture came about."""
    slim: bool = False
    """``imageSlim``, a stage of its own: the same picture in fewer bytes, whatever time that takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One element of a pipe: operations in order of application, then an encoding."""

    operations: tuple[Operation, ...] = ()
    output: Output = field(default_factory=Output)
    dpr_tenths: int = 10
    """What the lengths of ``operations`` are multiplied by (``ops.density``), in tenths."""


@dataclass(frozen=True, slots=True)
class Report:
    """A question about the picture as the stages leave it; answered with JSON, so that format and Accept do not matter."""

    name: str
    arguments: tuple[tuple[str, str], ...] = ()
    needs: tuple[Need, ...] = ()
    """Other pictures that it compares with; the arguments name them."""

    def format(self) -> str:
        return "/".join((self.name, *(part for argument in self.arguments for part in argument)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What was asked of a picture; canonical by construction (equal meaning in one spelling gives equal plans)."""

    stages: tuple[Stage, ...]
    report: Report | None = None
    ignore_error: bool = False

    @property
    def format(self) -> str | None:
        """The format asked for in the end: that of the last stage that names one."""
        return next((s.output.format for s in reversed(self.stages) if s.output.format), None)

    @property
    def needs(self) -> tuple[Need, ...]:
        """The other pictures that its operations paint with, in order of application, and then those of its report."""
        painted = tuple(need for stage in self.stages for each in stage.operations for need in needs_of(each))
        return painted + (self.report.needs if self.report is not None else ())

    @property
    def paints(self) -> bool:
        """Whether any operation touches pixels; False when only format, quality or metadata were asked."""
        return any(stage.operations for stage in self.stages)

    def quality(self, source_quality: int, *, auto: int = 80) -> int:
        """The quality number (0-100) that governs the output, every step of every stage folded over the source's.

        *auto*: what ``quality/auto`` stands for (``target``).
        """
        for step in self._quality_steps:
            source_quality = auto if step.kind == "auto" else step.apply(source_quality)
        return source_quality

    @property
    def target(self) -> int | None:
        """The score that the quality shall come to; None: the plan says it in numbers."""
        found = None
        for step in self._quality_steps:
            if step.kind in ("auto", "exactly"):
                found = step.value if step.kind == "auto" else None
        return found

    def aimed_at(self, target: int) -> Plan:
        """The same with *target* in place of the scores that it asks for."""

        def aimed(step: QualityStep) -> QualityStep:
            return replace(step, value=target) if step.kind == "auto" else step

        outputs = (replace(s.output, quality=tuple(map(aimed, s.output.quality))) for s in self.stages)
        return replace(
            self, stages=tuple(replace(s, output=output) for s, output in zip(self.stages, outputs, strict=True))
        )

    @property
    def _quality_steps(self) -> Iterator[QualityStep]:
        return (step for stage in self.stages for step in stage.output.quality)

    @property
    def interlace(self) -> bool | None:
        return next((s.output.interlace for s in reversed(self.stages) if s.output.interlace is not None), None)

    @property
    def strip(self) -> bool:
        return any(stage.output.strip for stage in self.stages)

    @property
    def size_limit(self) -> SizeLimit | None:
        return next((s.output.size_limit for s in reversed(self.stages) if s.output.size_limit), None)

    @property
    def label(self) -> Label:
        return next((s.output.label for s in reversed(self.stages) if s.output.label), ())

    @property
    def cgif(self) -> bool:
        """Whether a GIF shall have fewer frames and colours."""
        return any(stage.output.cgif for stage in self.stages)

    @property
    def slim(self) -> bool:
        return any(stage.output.slim for stage in self.stages)

    @property
    def only_slim(self) -> bool:
        """Whether nothing but fewer bytes is asked: then the original is an answer too."""
        return self.slim and all(stage == Stage(output=Output(slim=True)) for stage in self.stages)

    @property
    def minsize(self) -> bool:
        return any(stage.output.minsize for stage in self.stages)
