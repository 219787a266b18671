"""What is asked of a picture: operations in stages, and how each stage wants its result encoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

from proxy.core.model import Frame


@runtime_checkable
class Tools(Protocol):
    """What the codec lends to operations, so that they import no library."""

    def blank(self, like: Any, width_px: int, height_px: int, colour: Sequence[float]) -> Any:
        """A picture of one colour in the colour space and sample format of *like*."""
        ...


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
    """``at-most`` (quality/Q), ``exactly`` (quality/Q!), ``ratio`` (rquality, per cent), ``at-least`` (lquality)."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """How one stage wants its result encoded; None and empty mean "as it came in"."""

    format: str | None = None
    """A catalogue name, ``auto``, or None for the format that came in."""
    quality: tuple[QualityStep, ...] = ()
    interlace: bool | None = None
    strip: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One element of a pipe: operations in order of application, then an encoding."""

    operations: tuple[Operation, ...] = ()
    output: Output = field(default_factory=Output)


@dataclass(frozen=True, slots=True)
class Report:
    """A question about the picture as the stages leave it; answered with JSON, so that format and Accept do not matter."""

    name: str
    arguments: tuple[tuple[str, str], ...] = ()

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
    def paints(self) -> bool:
        """Whether any operation touches pixels; False when only format, quality or metadata were asked."""
        return any(stage.operations for stage in self.stages)

    def quality(self, source_quality: int) -> int:
        """The quality number (0-100) that governs the output, every step of every stage folded over the source's."""
        for stage in self.stages:
            for step in stage.output.quality:
                source_quality = step.apply(source_quality)
        return source_quality

    @property
    def interlace(self) -> bool | None:
        return next((s.output.interlace for s in reversed(self.stages) if s.output.interlace is not None), None)

    @property
    def strip(self) -> bool:
        return any(stage.output.strip for stage in self.stages)
