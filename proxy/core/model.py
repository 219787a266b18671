"""The values at the heart: what was asked, what is known of the source, what is cached, what is sent.

All are frozen; an instance that exists is valid.  Sizes are pixels (``_px``), bytes (``_bytes``) or seconds (``_s``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Literal, get_args

Preset = Literal["realtime", "balanced", "best"]
"""How much time an encoder may take: what a visitor waits for, five times that, or as much as a batch has."""
PRESETS: Final[tuple[Preset, ...]] = get_args(Preset)


@dataclass(frozen=True, slots=True)
class Source:
    """An object to read: a bucket of ours and a key in it, never a URL (so no URL can choose where we connect)."""

    bucket: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a copy is of, and from when: all that a purge goes by (``core.purges``).  Times are seconds since the epoch."""

    source: Source
    asked_at_s: float = 0.0
    """When the origin was asked for the bytes that it is, or is made of; 0: not known, so any purge comes later."""
    made_at_s: float = 0.0
    """When its own making began, which is not before that."""
    plan_text: str | None = None
    """Of a rendition; None: the source itself, or what is known of it."""
    raw_query: str = ""
    """Of an answer that passed through."""
    tags: tuple[str, ...] | None = ()
    """The origin's own; None: not known, so it may be any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """What identifies one version of a source (RFC 9110 §8.8), as its store or origin gave it."""

    etag: str | None = None
    """The entity tag as received, with quotes and any ``W/``."""
    last_modified_s: int | None = None
    """Seconds since the epoch."""
    size_bytes: int | None = None

    @property
    def identity(self) -> str:
        """One string per version: the entity tag if there is one, else modification time and size."""
        return self.etag or f"t{self.last_modified_s}-{self.size_bytes}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How long an answer may be used without asking again (RFC 9111 §4.2); times are seconds since the epoch."""

    fetched_at_s: float
    lifetime_s: float
    initial_age_s: float = 0.0
    """The age the answer already had when it was received (RFC 9111 §4.2.3)."""
    must_revalidate: bool = False
    storable: bool = True
    """False for ``no-store`` and ``private``: a shared cache keeps nothing of it (RFC 9111 §3)."""

    def age_s(self, now_s: float) -> float:
        return max(0.0, now_s - self.fetched_at_s) + self.initial_age_s

    def is_fresh(self, now_s: float) -> bool:
        return self.age_s(now_s) < self.lifetime_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Geometry without pixels.  ``width_px`` and ``height_px`` are those of one page, as stored (not oriented)."""

    width_px: int
    height_px: int
    frames: int = 1
    alpha: bool = False
    orientation: int = 1
    """EXIF orientation 1-8; 5-8 swap width and height when applied."""
    exact: bool = True
    """False where the size depends on content: then sides are upper bounds."""

    def __post_init__(self) -> None:
        if self.width_px < 1 or self.height_px < 1 or self.frames < 1 or not 1 <= self.orientation <= 8:
            raise ValueError(f"not a frame: {self.width_px} x {self.height_px} x {self.frames}, {self.orientation}")

    @property
    def pixels(self) -> int:
        """Width x height x frames."""
        return self.width_px * self.height_px * self.frames

    @property
    def animated(self) -> bool:
        return self.frames > 1

    def sized(self, width_px: int, height_px: int) -> Frame:
        return replace(self, width_px=width_px, height_px=height_px)

    def oriented(self) -> Frame:
        """The frame after its orientation was applied to the pixels."""
        upright = replace(self, orientation=1)
        return upright.sized(self.height_px, self.width_px) if self.orientation >= 5 else upright


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What the codec learned of a source from its header, without decoding it."""

    format: str
    """Catalogue name (``jpeg``, ``png``, …), from magic bytes, never from a suffix or a Content-Type."""
    frame: Frame
    quality: int | None = None
    """0-100 where the format has one that can be told (JPEG: from its quantisation tables); None counts as 80."""
    size_bytes: int = 0
    bits: int = 8
    """A sample: 8, or 16 for whatever is decoded into more than a byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """What an output format can carry and costs: a row of capabilities.  Questions are asked of the row, never of its name."""

    name: str
    """Catalogue name: ``jpeg``."""
    media_type: str
    """What ``Content-Type`` says of it."""
    accept_types: tuple[str, ...]
    """Media types that name it in Accept (``image/heif`` and ``image/heic`` for heif)."""
    spellings: tuple[str, ...]
    """How ``format/…`` may write it (``jpg``, ``jpeg``, ``yjpeg``)."""
    suffixes: tuple[str, ...]
    """File name endings with the dot, the usual one first."""
    alpha: bool
    animation: bool
    """Whether *we* can write more than one frame that a browser plays."""
    quality: bool
    """Whether the quality family changes anything."""
    max_side_px: int
    max_height_px: int | None = None
    """Where a picture may be less high than wide."""
    bakes_orientation: bool = False
    """True where orientation is a transform of the container (AVIF, HEIF): the picture is stored upright."""
    seconds_per_megapixel: float = 0.05
    """Encoding, CPU seconds, one core; for settings that ``codec.cost_table`` does not know."""
    vector: bool = False
    """Lines, not pixels: written only from its own kind and where it is asked for by name."""
    animation_seconds_per_megapixel: float | None = None
    """The same for the frames of an animation, where it differs."""
    uniform: bool = False
    """True if it can carry any picture (alpha and animation), and affordably: nothing after it in an offer is ever reached."""

    def encoding_s(self, frame: Frame) -> float:
        """What encoding *frame* is predicted to cost in CPU seconds."""
        animated_s = self.animation_seconds_per_megapixel
        rate_s = animated_s if frame.animated and animated_s is not None else self.seconds_per_megapixel
        return 1e-6 * frame.pixels * rate_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Which formats this client may be sent for this plan, best first; canonical (few classes per URL).

    The first of ``formats`` that can carry the picture is sent.  When none can, or there is none: the source's own
    format if ``keep_source`` and the client can show it, else the compatible type (jpeg, png with alpha, gif animated).
    """

    formats: tuple[str, ...] = ()
    """Catalogue names, in order of preference."""
    forced: str | None = None
    """Set: this format whatever it can carry (a format asked by name and admissible); ``formats`` is then empty."""
    keep_source: bool = False
    showable: frozenset[str] = frozenset({"jpeg", "png", "gif"})
    """Formats this client can show for certain: the three everyone can, and those its Accept names."""
    varies: bool = False
    """Whether Accept was, or could have been, read: then ``Vary: Accept`` on every status."""
    meanwhile: tuple[str, ...] = field(default=(), compare=False)
    """What else this client takes, best first, while the format it asked for is being made; what it is sent in the end does
    not depend on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """Exactly one encoded result; the cache key's only input."""

    source: Source
    plan_text: str
    """The plan in canonical spelling."""
    format: str
    """The resolved catalogue name."""
    auto: bool = False
    """``format/auto`` rules: orient by EXIF first, keep only the ICC profile."""
    orient: bool = False
    """Every operation is preceded by ``auto-orient`` (bucket setting ``auto_orient``)."""
    or_original: bool = False
    """Send the original's bytes if encoding did not make them fewer."""
    preset: Preset = "realtime"
    quality: int | None = None
    """What ``quality/auto`` stands for; None: the plan says its quality itself."""
    tentative: bool = field(default=False, compare=False)
    """That quality is what photographs take on the average, and has still to be measured for this one."""
    policy: str = ""
    """Versions and settings that change bytes: codec, quality tables, limits profile."""
    inputs: tuple[str, ...] = ()
    """Entity tags of the other pictures that go into it: a changed mark makes another rendition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """What is cached and sent: bytes and what must be said of them."""

    body: bytes
    media_type: str
    etag: str
    """Strong, quoted, a hash of the bytes: different per representation, equal on every replica."""
    source: Validators
    format: str
    frame: Frame
    provenance: Provenance | None = field(default=None, compare=False, repr=False)
    """None: a purge cannot reach it, so it is sent at once and not kept."""

    @property
    def size_bytes(self) -> int:
        return len(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLimits:
    """What one picture may cost; passed in, never looked up.  See ``core.limits`` for the checks."""

    max_source_bytes: int = 32 * 1024 * 1024
    max_side_px: int = 30_000
    max_pixels: int = 250_000_000
    """Width x height x frames, of the source and of every intermediate and final result."""
    max_frames: int = 300
    max_output_side_px: int | None = 9_999
    """A result over this fails (profile ``classic``); None: only ``clamp_parameters_px`` and the pixel limit hold."""
    clamp_parameters_px: int | None = None
    """Size parameters above this are read as this (profile ``ci-2026``: 10,000); None: taken as written."""
